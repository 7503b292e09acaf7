//! A log that no longer has what comes next: the relay says so and publishes nothing, and an operator has it go on with
//! what is in the table, or with what comes from then on.

use std::sync::Arc;

use hexalpes_db::Tx;
use hexalpes_engines::{Loss, TestDatabase};
use hexalpes_kernel::Ids as _;
use hexalpes_outbox::{EVENTS_TOPIC, RAW_TOPIC, append, operate};
use tokio::{
    task::{self, JoinHandle},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::{
    servers::{Server, alarm_of},
    support::{PATIENCE, an_event, because, name, names, until},
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

    /// Writes one row after another until it is told to stop, and says how many.
    fn write_on(&self, stop: CancellationToken) -> JoinHandle<usize> {
        let (db, edge, cause) = (self.stage.db.clone(), Arc::clone(&self.stage.edge), self.stage.cause());
        tokio::spawn(async move {
            let mut written = 0;
            while !stop.is_cancelled() {
                let event = an_event(edge.uuid(), &name(written));
                let cause = cause.clone();
                let command = async move |tx: &Tx| append(tx, &cause, event.clone()).await;
                db.write(command).await.unwrap();
                written += 1;
            }
            written
        })
    }
}

/// While rows come and go. What is on the topics then is without a gap, up to some row, and all follows when the table is read.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_lost_amid_reading_leaves_no_gap_and_nothing_is_published_twice() {
    for (engine, loss) in Loss::all() {
        let own = loss.start(engine);
        let server = Server::on(TestDatabase::on_server(engine, &own.url())).await;
        let relay = server.relay();
        let stop = CancellationToken::new();
        let writing = server.write_on(stop.clone());
        until(&relay, |status| status.num_written > 100).await;
        let losing = async {
            // Each time it may have had all that there was.
            while relay.status().running || relay.status().alarm.is_none() {
                task::block_in_place(|| loss.happen(&own));
            }
        };
        timeout(PATIENCE, losing)
            .await
            .unwrap_or_else(|_| panic!("{engine}, {loss:?}: {:?}", relay.status()));
        stop.cancel();
        let written = writing.await.unwrap();
        let alarm = alarm_of(&relay).await;
        let way = "`hexalpes relay resnapshot` publishes what is not marked";
        assert!(alarm.contains(way), "{engine}, {loss:?}: {alarm}");
        for topic in [EVENTS_TOPIC, RAW_TOPIC] {
            let published = server.published(topic, "lost").await;
            let expected: Vec<String> = names(published.len()).collect();
            assert_eq!(published, expected, "{engine}, {loss:?}: {topic}");
            assert!(published.len() >= 100 && published.len() <= written, "{engine}, {loss:?}: {topic}");
        }
        operate::resnapshot(&server.stage.db, &*server.stage.edge, &because("lost")).await.unwrap();
        relay.restart().await;
        server.drained(&relay).await;
        relay.stop().await;
        server.assert_published(&names(written).collect::<Vec<_>>(), "resnapshot").await;
        drop((server, own));
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
