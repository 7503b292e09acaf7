//! A first snapshot that ended amid a chunk, as a kill leaves it: what was written down of it, and what is there when the
//! relay starts again.

use hexalpes_db::{DbError, Tx};
use hexalpes_outbox::{
    EVENTS_TOPIC, PageOrder, RAW_TOPIC, Relay, RelayOptions,
    operate::{self, Reason},
    page,
};
use hexalpes_routing::{Rule, RuleSpec};
use sea_query::{Expr, ExprTrait as _, Query};

use crate::{
    memory::{Memory, MemorySource},
    support::{Stage, names, subjects, until},
};

/// Rows of the first chunk, and all that are there.
const CHUNK: i64 = 32;
const ROWS: i64 = 40;

impl Stage {
    /// The place as it is written down while a chunk is published: nothing is given, and of the chunk `checkpoint` rows
    /// are known to have their receipts. `by` is the column of its keys.
    async fn amid_the_first_chunk(&self, checkpoint: i64, by: Option<&str>) {
        let keys: Vec<String> = (1..=CHUNK).map(|key| key.to_string()).collect();
        let by = by.map(|by| format!(r#","by":"{by}""#)).unwrap_or_default();
        let known = page(&self.db, PageOrder::OldestFirst, Some(checkpoint - 1), 1).await.unwrap();
        let chunk = format!(r#"{{"at":"100","through":{CHUNK},"keys":[{}]{by}}}"#, keys.join(","));
        let place = Query::update()
            .table("relay_checkpoint")
            .values([
                ("ordinal", checkpoint.into()),
                ("events", checkpoint.into()),
                ("last_event", known[0].id.to_string().into()),
                ("log_base", 0_i64.into()),
                ("log_identity", "one".into()),
                ("log_chunk", chunk.into()),
                ("log_segments", Option::<String>::None.into()),
                ("log_position", Option::<String>::None.into()),
            ])
            .to_owned();
        self.db.write(async move |tx: &Tx| tx.execute(&place).await.map(drop)).await.unwrap();
    }

    async fn delete(&self, seqs: &[i64]) {
        let these = Expr::col("seq").is_in(seqs.iter().copied());
        let delete = Query::delete().from_table("outbox_event").and_where(these).to_owned();
        let gone: Result<u64, DbError> = self.db.write(async move |tx: &Tx| tx.execute(&delete).await).await;
        assert_eq!(gone.unwrap(), seqs.len() as u64);
    }

    /// Ordinals and subjects on a topic.
    async fn rows_on(&self, topic: &str) -> Vec<(u64, String)> {
        let messages = self.messages(topic, "audit").await;
        messages.iter().map(|message| (message.sequence_id, message.key.clone().unwrap())).collect()
    }

    async fn assert_all_once(&self) {
        let expected: Vec<(u64, String)> = (1..).zip(names(usize::try_from(ROWS).unwrap())).collect();
        for topic in [EVENTS_TOPIC, RAW_TOPIC] {
            assert_eq!(self.rows_on(topic).await, expected, "{topic}");
        }
    }
}

/// Rows of a table, of which the first chunk of a snapshot was published, and no more; and the relay was killed.
async fn after_the_first_chunk() -> (Stage, Memory) {
    let (stage, memory) = (Stage::set().await, Memory::new());
    stage.append(names(usize::try_from(ROWS).unwrap())).await;
    memory.commit(&stage.db, &(1..=ROWS).collect::<Vec<_>>()).await;
    memory.end_snapshots_after(1);
    let relay = stage.log_relay(&memory);
    stage.marked(&relay, usize::try_from(CHUNK).unwrap()).await;
    relay.stop().await;
    memory.end_snapshots_after(u64::MAX);
    (stage, memory)
}

async fn alarm(relay: Relay) -> String {
    let status = until(&relay, |status| status.alarm.is_some() && !status.running).await;
    relay.stop().await;
    status.alarm.unwrap()
}

/// Deletes rows of the first chunk, of which the checkpoint knows so many, and nothing of the others is lost or twice.
async fn assert_it_goes_on_without(gone: &[i64], known: i64, by: Option<&str>) {
    let (stage, memory) = after_the_first_chunk().await;
    stage.amid_the_first_chunk(known, by).await;
    stage.delete(gone).await;
    let relay = stage.log_relay(&memory);
    stage.marked(&relay, usize::try_from(ROWS).unwrap() - gone.len()).await;
    assert_eq!(relay.status().alarm, None);
    relay.stop().await;
    stage.assert_all_once().await;
}

/// Rows are marked as published before the place moves, and such may be pruned.
#[tokio::test]
async fn rows_that_have_their_receipts_may_be_gone_when_their_chunk_is_read_again() {
    for gone in [&[5, 20][..], &[1, 2, 31, 32], &(1..=CHUNK).collect::<Vec<_>>()] {
        assert_it_goes_on_without(gone, CHUNK, Some("seq")).await;
    }
}

/// It was killed between the receipts and the checkpoint, and who writes the table deletes what it wrote.
#[tokio::test]
async fn rows_that_both_topics_have_may_be_gone_although_the_checkpoint_does_not_know_of_them() {
    for gone in [&[5, 20][..], &[31, 32], &(1..=CHUNK).collect::<Vec<_>>()] {
        assert_it_goes_on_without(gone, 10, None).await;
    }
}

/// Of these nobody knows what they were.
#[tokio::test]
async fn rows_that_are_gone_and_not_on_all_topics_stop_the_relay_by_name() {
    let (stage, memory) = after_the_first_chunk().await;
    stage.amid_the_first_chunk(10, None).await;
    stage.delete(&[5, 12, 20]).await;
    // Where rows go by rules too, the topics of events do not say whether all have them.
    let rule = Rule::new(RuleSpec::to("books")).unwrap();
    let source = MemorySource { memory: memory.clone(), db: stage.db.clone() };
    let options = RelayOptions { rules: [rule].into(), ..RelayOptions::new("commissions") };
    let edge = std::sync::Arc::clone(&stage.edge);
    let alarm = alarm(Relay::start_on_log(stage.db.clone(), stage.client(), edge, options, source)).await;
    let expected = "2 rows that were being published are not in the outbox any more, and not on all topics: 12, 20; put them \
                    back, or go on with `hexalpes relay resnapshot`";
    assert_eq!(alarm, expected);
}

#[tokio::test]
async fn another_column_of_keys_stops_a_snapshot_that_is_under_way_until_it_is_named_again_or_begun_anew() {
    let (stage, memory) = after_the_first_chunk().await;
    stage.amid_the_first_chunk(CHUNK, Some("number")).await;
    let expected = "rows that were there before are being taken in the order of column \"number\", and not of \"seq\": name \
                    \"number\" again with hexalpes.snapshot.key, or begin anew with `hexalpes relay resnapshot`, which \
                    publishes all rows again";
    assert_eq!(alarm(stage.log_relay(&memory)).await, expected);
    assert_eq!(stage.rows_on(EVENTS_TOPIC).await.len(), 32);
    // What is marked as published is not published again.
    let reason = Reason { who: "ops".to_owned(), why: "another key".to_owned() };
    operate::resnapshot(&stage.db, &*stage.edge, &reason).await.unwrap();
    let relay = stage.log_relay(&memory);
    stage.marked(&relay, 40).await;
    relay.stop().await;
    let expected: Vec<String> = names(40).collect();
    assert_eq!(subjects(&stage.on(EVENTS_TOPIC, "all").await), expected);
}

/// The column is written down behind the chunk too, and with the next one.
#[tokio::test]
async fn the_column_of_what_was_given_is_written_down_with_it() {
    let (stage, _) = after_the_first_chunk().await;
    let ask = Query::select().column("log_segments").from("relay_checkpoint").to_owned();
    let read =
        async move |tx: &Tx| -> Result<String, DbError> { tx.fetch_one(&ask).await?.get("log_segments") };
    assert_eq!(stage.db.read(read).await.unwrap(), r#"{"through":32,"at":"100","by":"seq"}"#);
}
