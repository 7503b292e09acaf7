//! A server goes, and its replica takes over under the same address: another log, of which nobody knows what of it was
//! published. The relay says so, and an operator has it go on.

use std::ops::Range;

use hexalpes_db::Db;
use hexalpes_engines::{DatabaseServer, TestDatabase, fall_behind, killable, promote, with_replica};
use hexalpes_outbox::{PageOrder, Relay, operate, page};
use tokio::time::timeout;
use url::Url;

use crate::{
    servers::{Server, alarm_of, open},
    support::{PATIENCE, because, names},
};

/// The replica's database, once it has so many rows and their marks.
async fn caught_up(url: &str, rows: usize, published: usize) -> Db {
    let reached = async {
        loop {
            if let Ok(db) = open(url).await
                && let Ok(there) = page(&db, PageOrder::OldestFirst, None, 1_000).await
                && there.len() == rows
                && there.iter().filter(|row| row.published == 1).count() == published
            {
                return db;
            }
            hexalpes_engines::a_moment().await;
        }
    };
    timeout(PATIENCE, reached).await.expect("the replica has what the server had")
}

/// The address of the server's database on its replica.
fn on_the_replica(server: &Server, replica: &DatabaseServer) -> String {
    let mut url = Url::parse(&replica.url()).unwrap();
    url.set_path(&server.place.database);
    url.into()
}

/// The relay is told to go on from the table, and to publish these too.
async fn resnapshot(server: &Server, relay: Relay, more: Range<usize>) {
    operate::resnapshot(&server.stage.db, &*server.stage.edge, &because("the server burnt")).await.unwrap();
    relay.restart().await;
    server.stage.append(names(more.end).skip(more.start)).await;
    server.drained(&relay).await;
    assert_eq!(relay.status().alarm, None);
    relay.stop().await;
    server.assert_published(&names(more.end).collect::<Vec<_>>(), "resnapshot").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_failover_to_a_replica_the_relay_stops_and_goes_on_from_the_table_when_it_is_told_to() {
    for engine in killable() {
        let (mut first, second) = with_replica(engine);
        let mut server = Server::on(TestDatabase::on_server(engine, &first.url())).await;
        server.publish(0..10).await;
        server.stage.append(names(13).skip(10)).await;
        let epoch = server.stage.epoch().await;

        let url = on_the_replica(&server, &second);
        let db = caught_up(&url, 13, 10).await;
        first.kill();
        promote(&second);

        (server.stage.db, server.url) = (db, url);
        let relay = server.relay();
        let alarm = alarm_of(&relay).await;
        assert!(alarm.contains("the database's log is another one than before"), "{engine}: {alarm}");
        assert!(
            alarm.contains("`hexalpes relay resnapshot` publishes what is not marked"),
            "{engine}: {alarm}"
        );
        server.assert_published(&names(10).collect::<Vec<_>>(), "failover").await;
        resnapshot(&server, relay, 13..15).await;
        assert_ne!(
            server.stage.epoch().await,
            epoch,
            "{engine}: numbers of before mean nothing to the new log"
        );
        first.start_again().unwrap();
        drop((server, first, second));
    }
}

/// What it lacks stays on the topics, and the numbers that those rows had are those of other rows on the replica.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_replica_that_lagged_behind_never_got_is_not_published_again_and_new_rows_are() {
    for engine in killable() {
        let (mut first, second) = with_replica(engine);
        let mut server = Server::on(TestDatabase::on_server(engine, &first.url())).await;
        server.publish(0..10).await;
        let url = on_the_replica(&server, &second);
        let db = caught_up(&url, 10, 10).await;
        fall_behind(&second);
        server.publish(10..13).await;
        first.kill();
        promote(&second);

        (server.stage.db, server.url) = (db, url);
        server.stage.append(names(15).skip(13)).await;
        let relay = server.relay();
        let alarm = alarm_of(&relay).await;
        assert!(alarm.contains("the database's log is another one than before"), "{engine}: {alarm}");
        resnapshot(&server, relay, 15..17).await;
        first.start_again().unwrap();
        drop((server, first, second));
    }
}
