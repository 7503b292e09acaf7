//! Two crashes in a row: what the first relay had sent and not noted, the second makes sure of before it sends more.

use std::sync::{Mutex, mpsc};

use hexalpes_db::{DbError, Tx};
use hexalpes_outbox::{EVENTS_TOPIC, PageOrder, RAW_TOPIC, page};
use tokio::time::timeout;

use crate::{
    memory::Memory,
    support::{PATIENCE, Stage, names, until},
};

/// Rows that the first relay sent: about as many as it may have on their way.
const SENT: usize = 4_000;
const ROWS: usize = 5_000;

/// Nothing is written to the database while it waits.
async fn writes_stop(stage: &Stage, until: mpsc::Receiver<()>) -> impl Future<Output = Result<(), DbError>> {
    let (begun, begins) = mpsc::channel();
    let (db, until) = (stage.db.clone(), Mutex::new(until));
    let stopped = tokio::spawn(async move {
        let wait = async move |_: &Tx| -> Result<(), DbError> {
            begun.send(()).unwrap();
            // It ends as well when the test has failed.
            let _ = until.lock().unwrap().recv();
            Ok(())
        };
        db.write(wait).await
    });
    while begins.try_recv().is_err() {
        hexalpes_engines::a_moment().await;
    }
    async { stopped.await.unwrap() }
}

/// If it did, the third would find rows further ahead than any relay may be, and take the database for an older copy.
#[tokio::test]
async fn nothing_is_sent_behind_rows_that_the_checkpoint_does_not_know_of_before_it_does() {
    let (stage, memory) = (Stage::set().await, Memory::new());
    let relay = stage.begun_log_relay(&memory).await;
    stage.append_together(names(ROWS)).await;
    let rows = page(&stage.db, PageOrder::OldestFirst, None, ROWS as u64).await.unwrap();
    for some in rows[..SENT].chunks(100) {
        memory.commit_rows(some);
    }
    stage.marked(&relay, SENT).await;
    relay.stop().await;
    stage.forget_all_but(&[], "0").await;
    for some in rows[SENT..].chunks(100) {
        memory.commit_rows(some);
    }

    // The second sends what it may, and its checkpoint cannot be written.
    memory.close();
    let relay = stage.log_relay(&memory);
    timeout(PATIENCE, memory.is_waited_for()).await.expect("it begins to read");
    let (go_on, until_then) = mpsc::channel();
    let stopped = writes_stop(&stage, until_then).await;
    memory.open();
    until(&relay, |status| status.num_received_from_source >= SENT as u64).await;
    for topic in [EVENTS_TOPIC, RAW_TOPIC] {
        assert_eq!(stage.messages(topic, "amid").await.len(), SENT, "{topic}");
    }
    relay.stop().await;
    go_on.send(()).unwrap();
    stopped.await.unwrap();

    let relay = stage.log_relay(&memory);
    stage.marked(&relay, ROWS).await;
    assert_eq!(relay.status().alarm, None);
    relay.stop().await;
    stage.assert_as_committed(&memory).await;
}
