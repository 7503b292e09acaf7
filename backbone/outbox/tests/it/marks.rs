//! Marks that are left for later, beside a place in the log that does not wait for them.

use hexalpes_db::{DbError, Tx};
use hexalpes_engines::log_databases;
use hexalpes_outbox::{
    EVENTS_TOPIC, PageOrder,
    operate::{self, Reason},
    page, unpublished,
};
use sea_query::Query;

use crate::{
    log::after_publishing,
    servers::Server,
    support::{Stage, until},
};

/// As after a long backlog: the marks of all rows but one are still to be made.
async fn leave_for_later(stage: &Stage, unmarked: &'static str) {
    let leave = async move |tx: &Tx| -> Result<(), DbError> {
        let place = Query::update().table("relay_checkpoint").value("log_unmarked", unmarked).to_owned();
        tx.execute(&place).await?;
        let marks = Query::update().table("outbox_event").value("published", 0_i64).to_owned();
        tx.execute(&marks).await.map(drop)
    };
    stage.db.write(leave).await.unwrap();
}

async fn left(stage: &Stage) -> Vec<Option<String>> {
    let select = Query::select().column("log_unmarked").from("relay_checkpoint").to_owned();
    let read = async move |tx: &Tx| -> Result<_, DbError> {
        tx.fetch_all(&select).await?.iter().map(|row| row.get("log_unmarked")).collect()
    };
    stage.db.read(read).await.unwrap()
}

/// What `GET /debug/outbox` says of each row.
async fn said_to_be_published(stage: &Stage) -> Vec<i64> {
    let rows = page(&stage.db, PageOrder::OldestFirst, None, 100).await.unwrap();
    rows.iter().map(|row| row.published).collect()
}

#[tokio::test]
async fn marks_that_were_left_for_later_are_made_and_nothing_is_published_twice() {
    let (stage, memory) = after_publishing(50).await;
    leave_for_later(&stage, "[[1,20],[22,50]]").await;
    let relay = stage.log_relay(&memory);
    stage.marked(&relay, 49).await;
    // The one that nobody named has no mark, and is said to wait.
    let status = until(&relay, |status| status.lag_rows == 1).await;
    assert_eq!(status.num_received_from_source, 0);
    relay.stop().await;
    assert_eq!(left(&stage).await, [None]);
    stage.assert_as_committed(&memory).await;
}

/// As on a member of a group of servers, and where several rows are inserted by one statement.
#[tokio::test]
async fn on_every_server_rows_at_a_distance_are_marked_and_none_between_them() {
    for database in log_databases() {
        let server = Server::on(database).await;
        server.publish(0..20).await;
        leave_for_later(&server.stage, "[[1,1,3,5],[14,2,3,2]]").await;
        assert_eq!(unpublished(&server.stage.db, 20).await.unwrap(), 11, "{}", server.engine);
        let relay = server.relay();
        server.stage.marked(&relay, 9).await;
        relay.stop().await;
        let rows = page(&server.stage.db, PageOrder::OldestFirst, None, 100).await.unwrap();
        let marked: Vec<i64> = rows.iter().filter(|row| row.published == 1).map(|row| row.seq).collect();
        assert_eq!(marked, [1, 4, 7, 10, 13, 14, 15, 17, 18], "{}", server.engine);
    }
}

/// It reads what has no mark; what is named has been published.
#[tokio::test]
async fn a_snapshot_that_is_asked_for_leaves_out_what_is_to_be_marked() {
    let (stage, memory) = after_publishing(5).await;
    leave_for_later(&stage, "[[1,3],[5,5]]").await;
    let reason = Reason { who: "Ana".to_owned(), why: "another log".to_owned() };
    operate::resnapshot(&stage.db, &*stage.edge, &reason).await.unwrap();
    let relay = stage.log_relay(&memory);
    stage.marked(&relay, 5).await;
    relay.stop().await;
    let ids = memory.ids();
    let published: Vec<String> =
        stage.ids_on(EVENTS_TOPIC, "all").await.into_iter().map(|(_, id)| id).collect();
    assert_eq!(published, [&ids[..], &ids[3..4]].concat());
}

#[tokio::test]
async fn rows_whose_marks_are_to_be_made_are_published_unless_they_are_parked() {
    let (stage, memory) = after_publishing(5).await;
    leave_for_later(&stage, "[[1,3]]").await;
    assert_eq!(unpublished(&stage.db, 5).await.unwrap(), 2);
    assert_eq!(said_to_be_published(&stage).await, [1, 1, 1, 0, 0]);
    let id = memory.ids().swap_remove(1);
    let park = Query::insert()
        .into_table("relay_parked")
        .columns(["id", "aggregatetype", "aggregateid", "ordinal", "reason", "parked_at"])
        .values_panic([id.into(), "t".into(), "a".into(), 2_i64.into(), "no schema".into(), 0_i64.into()])
        .to_owned();
    stage.db.write(async move |tx: &Tx| tx.execute(&park).await.map(drop)).await.unwrap();
    assert_eq!(unpublished(&stage.db, 5).await.unwrap(), 3);
    assert_eq!(said_to_be_published(&stage).await, [1, 0, 1, 0, 0]);
}
