//! A log that no longer has what comes next: the relay says so and publishes nothing, and an operator has it go on with
//! what is in the table, or with what comes from then on.

use hexalpes_engines::{Loss, TestDatabase};
use hexalpes_outbox::operate;
use tokio::{task, time::timeout};

use crate::{
    servers::{Server, alarm_of},
    support::{PATIENCE, because, names, until},
};

impl Server {
    /// Until it is past its snapshot, and knows which file of its name it reads.
    async fn knows_its_file(&self) {
        let knowing = async {
            let mut commits = self.stage.db.commits();
            while !self.stage.log_position().await.is_some_and(|position| position.contains('@')) {
                commits.changed().await.unwrap();
            }
        };
        timeout(PATIENCE, knowing).await.expect("it comes to its log");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_lost_stops_the_relay_and_resnapshot_and_skip_go_on_as_they_say() {
    for (engine, loss) in Loss::all() {
        let own = loss.start(engine);
        let server = Server::on(TestDatabase::on_server(engine, &own.url())).await;
        let (db, edge) = (&server.stage.db, &*server.stage.edge);
        server.publish(0..10).await;
        if loss == Loss::Reset {
            let relay = server.relay();
            server.knows_its_file().await;
            relay.stop().await;
        }
        server.stage.append(names(13).skip(10)).await;
        task::block_in_place(|| loss.happen(&own));
        let relay = server.relay();
        let alarm = alarm_of(&relay).await;
        for way in ["`hexalpes relay resnapshot` publishes what is not marked", "`hexalpes relay skip`"] {
            assert!(alarm.contains(way), "{engine}, {loss:?}: {alarm}");
        }
        let mut published: Vec<String> = names(10).collect();
        server.assert_published(&published, "lost").await;
        operate::resnapshot(db, edge, &because("the log is lost")).await.unwrap();
        relay.restart().await;
        server.stage.append(names(15).skip(13)).await;
        server.drained(&relay).await;
        assert_eq!(relay.status().alarm, None);
        if loss == Loss::Reset {
            server.knows_its_file().await;
        }
        relay.stop().await;
        published = names(15).collect();
        server.assert_published(&published, "resnapshot").await;

        server.stage.append(names(18).skip(15)).await;
        task::block_in_place(|| loss.happen(&own));
        let relay = server.relay();
        let alarm = alarm_of(&relay).await;
        assert!(
            alarm.contains("`hexalpes relay skip` goes on with what comes"),
            "{engine}, {loss:?}: {alarm}"
        );
        server.assert_published(&published, "lost again").await;
        relay.skip(&because("they are told by hand")).await.unwrap();
        let written = relay.status().num_written;
        relay.restart().await;
        until(&relay, |status| status.running && status.alarm.is_none()).await;
        server.stage.append(names(20).skip(18)).await;
        until(&relay, |status| status.num_written == written + 2).await;
        relay.stop().await;
        published.extend(names(20).skip(18));
        server.assert_published(&published, "skip").await;
        drop((server, own));
    }
}
