//! The same promises where the order of the commits is in a log: each row once and in that order, whatever hangs up,
//! crashes or is restored.

use std::{collections::BTreeSet, slice, sync::Arc, time::Duration};

use hexalpes_client::TopicName;
use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::Edge;
use hexalpes_outbox::{EVENTS_TOPIC, PageOrder, RAW_TOPIC, Relay, RelayOptions, page};
use sea_query::{Expr, ExprTrait as _, Query};
use serde_json::Value;
use tokio::{task, time::timeout};

use crate::{
    memory::{Memory, MemorySource},
    support::{PATIENCE, Stage, names, until},
};

impl Stage {
    pub(crate) fn log_relay(&self, memory: &Memory) -> Relay {
        self.log_relay_with(memory, RelayOptions::new("commissions"))
    }

    pub(crate) fn log_relay_with(&self, memory: &Memory, options: RelayOptions) -> Relay {
        let edge: Arc<dyn Edge> = Arc::clone(&self.edge) as Arc<dyn Edge>;
        let source = MemorySource { memory: memory.clone(), db: self.db.clone() };
        Relay::start_on_log(self.db.clone(), self.client(), edge, options, source)
    }

    /// A relay that has begun to read the log.
    pub(crate) async fn begun_log_relay(&self, memory: &Memory) -> Relay {
        let relay = self.log_relay(memory);
        self.begun_again().await;
        relay
    }

    /// Waits until there is a place in the log.
    pub(crate) async fn begun_again(&self) {
        let begun = async {
            let mut commits = self.db.commits();
            while !matches!(&self.checkpoint().await[..], [(_, Some(_), ..)]) {
                commits.changed().await.unwrap();
            }
        };
        timeout(PATIENCE, begun).await.expect("the relay begins to read the log");
    }

    /// Waits until so many rows are marked as published.
    pub(crate) async fn marked(&self, relay: &Relay, rows: usize) {
        let all = async {
            let mut commits = self.db.commits();
            while self.published().await < rows {
                commits.changed().await.unwrap();
            }
        };
        timeout(PATIENCE, all).await.unwrap_or_else(|_| panic!("rows stay: {:?}", relay.status()));
    }

    async fn published(&self) -> usize {
        let rows = page(&self.db, PageOrder::OldestFirst, None, 100_000).await.unwrap();
        rows.iter().filter(|row| row.published == 1 && row.published_at.is_some()).count()
    }

    /// Ids and sequence ids on a topic.
    pub(crate) async fn ids_on(&self, topic: &str, subscription: &str) -> Vec<(u64, String)> {
        let messages = self.messages(topic, subscription).await;
        let id = |payload: &[u8]| {
            let value: Value = serde_json::from_slice(payload).unwrap();
            value.pointer("/after/id").or(value.get("id")).unwrap().as_str().unwrap().to_owned()
        };
        messages.iter().map(|message| (message.sequence_id, id(&message.payload))).collect()
    }

    /// That both topics have the rows of the log, each once and in its order.
    pub(crate) async fn assert_as_committed(&self, memory: &Memory) {
        let expected: Vec<_> = (1..).zip(memory.ids()).collect();
        for topic in [EVENTS_TOPIC, RAW_TOPIC] {
            let found = self.ids_on(topic, "audit").await;
            let first = found.iter().zip(&expected).find(|(found, expected)| found != expected);
            assert_eq!((found.len(), first), (expected.len(), None), "{topic}");
        }
    }

    pub(crate) async fn epoch(&self) -> String {
        self.checkpoint().await.remove(0).0
    }

    pub(crate) async fn log_position(&self) -> Option<String> {
        self.checkpoint().await.remove(0).1
    }

    async fn checkpoint(&self) -> Vec<(String, Option<String>, i64, i64)> {
        let select = Query::select()
            .columns(["epoch", "log_position", "log_base", "ordinal"])
            .from("relay_checkpoint")
            .to_owned();
        let read = async move |tx: &Tx| -> Result<_, DbError> {
            let rows = tx.fetch_all(&select).await?;
            let read = |row: &hexalpes_db::Row| {
                Ok((row.get("epoch")?, row.get("log_position")?, row.get("log_base")?, row.get("ordinal")?))
            };
            rows.iter().map(read).collect()
        };
        self.db.read(read).await.unwrap()
    }

    /// As it was when it had come to that place, behind these rows: its last writes were lost, of the checkpoint, the place
    /// and the marks.
    pub(crate) async fn forget_all_but(&self, rows: &[String], position: &str) {
        let (rows, position) = (rows.to_vec(), position.to_owned());
        let base = i64::try_from(rows.len()).unwrap();
        let forget = async move |tx: &Tx| -> Result<(), DbError> {
            let checkpoint = Query::update()
                .table("relay_checkpoint")
                .values([("ordinal", base.into()), ("events", base.into()), ("log_base", base.into())])
                .value("log_position", position.as_str())
                .to_owned();
            tx.execute(&checkpoint).await?;
            let marks = Query::update()
                .table("outbox_event")
                .value("published", 0_i64)
                .and_where(Expr::col("id").is_not_in(rows.clone()))
                .to_owned();
            tx.execute(&marks).await.map(drop)
        };
        self.db.write(forget).await.unwrap();
    }
}

async fn alarm(relay: Relay) -> String {
    let status = until(&relay, |status| status.alarm.is_some() && !status.running).await;
    relay.stop().await;
    status.alarm.unwrap()
}

/// Numbers in an order that a generator makes.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// Accepts C-19.
#[tokio::test]
async fn rows_are_published_in_the_order_of_their_commits_whatever_their_numbers_are() {
    let (stage, memory) = (Stage::set().await, Memory::new());
    let relay = stage.begun_log_relay(&memory).await;
    stage.append(names(6)).await;
    for seqs in [&[4][..], &[1, 3], &[], &[6, 2], &[5]] {
        memory.commit(&stage.db, seqs).await;
    }
    stage.marked(&relay, 6).await;
    stage.assert_as_committed(&memory).await;
    let changes = stage.on(RAW_TOPIC, "first").await;
    let change: Value = serde_json::from_str(&changes[0]).unwrap();
    assert_eq!((&change["after"]["seq"], &change["after"]["published"]), (&4.into(), &0.into()));
    let source = &change["source"];
    assert_eq!(
        (&source["connector"], &source["db"], &source["row"]),
        (&"mysql".into(), &"memory".into(), &4.into())
    );
    relay.stop().await;
    // What is published is let go.
    assert_eq!(memory.confirmed(), memory.end());
}

/// The log hangs up, the broker goes and comes, the checkpoint is lost, transactions are small and large.
#[tokio::test]
async fn whatever_happens_each_row_is_there_once_and_in_order() {
    for seed in [1, 22, 333] {
        let mut dice = Dice(seed);
        let (mut stage, memory) = (Stage::set().await, Memory::new());
        stage.begun_log_relay(&memory).await.stop().await;
        let mut rows = 0;
        for _ in 0..4 {
            let places = stage.checkpoint().await;
            memory.steps_of(1 + usize::try_from(dice.below(40)).unwrap());
            memory.hang_up_after(1 + dice.below(60), 3);
            let relay = stage.log_relay(&memory);
            for _ in 0..dice.below(30) {
                let most = if dice.below(10) == 0 { 300 } else { 5 };
                let many = 1 + i64::try_from(dice.below(most)).unwrap();
                stage.append_together(names(usize::try_from(many).unwrap())).await;
                let mut seqs: Vec<i64> = (rows + 1..=rows + many).collect();
                let at = usize::try_from(dice.below(many.unsigned_abs())).unwrap();
                seqs.rotate_left(at);
                memory.commit(&stage.db, &seqs).await;
                rows += many;
            }
            if dice.below(2) == 0 {
                until(&relay, |status| status.num_received_from_source > 0).await;
                stage.stop_broker().await;
                relay.stop().await;
                stage.start_broker().await;
            } else {
                relay.stop().await;
            }
            if let [(_, Some(position), base, _)] = &places[..]
                && dice.below(2) == 0
            {
                stage.forget_all_but(&memory.ids()[..usize::try_from(*base).unwrap()], position).await;
            }
        }
        memory.hang_up_after(0, 0);
        let relay = stage.log_relay(&memory);
        stage.marked(&relay, usize::try_from(rows).unwrap()).await;
        relay.stop().await;
        stage.assert_as_committed(&memory).await;
    }
}

/// More rows than may be on their way, before there is an end of the transaction to go on from.
#[tokio::test]
async fn a_transaction_of_any_size_is_published_once_although_it_is_interrupted() {
    const ROWS: usize = 10_000;
    let (mut stage, memory) = (Stage::set().await, Memory::new());
    stage.append_together(names(ROWS)).await;
    let rows = page(&stage.db, PageOrder::OldestFirst, None, ROWS as u64).await.unwrap();
    let relay = stage.begun_log_relay(&memory).await;
    memory.commit_rows(&rows);
    until(&relay, |status| status.num_written > 6_000).await;
    stage.stop_broker().await;
    relay.stop().await;
    stage.start_broker().await;
    let relay = stage.log_relay(&memory);
    stage.marked(&relay, ROWS).await;
    relay.stop().await;
    stage.assert_as_committed(&memory).await;
}

/// Interrupted again and again, with an aggregate whose rows are committed late, between those that a snapshot has given
/// and behind them at once.
#[tokio::test]
async fn rows_that_were_there_are_published_once_and_in_order_with_what_comes_meanwhile() {
    let (mut stage, memory) = (Stage::set().await, Memory::new());
    stage.append_together((1..=3_000).map(|seq| format!("com-{}", seq % 7))).await;
    let rows = page(&stage.db, PageOrder::OldestFirst, None, 3_000).await.unwrap();
    let (late, early): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.seq % 7 == 0);
    memory.commit_rows(&early);
    memory.end_snapshots_after(2);
    memory.hang_up_after(1, 3);
    let mut late = late.chunks(40);
    for round in 0..6 {
        let relay = stage.log_relay(&memory);
        until(&relay, |status| status.num_received_from_source > 0).await;
        if let Some(late) = late.next() {
            memory.commit_rows(late);
        }
        if round % 2 == 0 {
            stage.stop_broker().await;
            relay.stop().await;
            stage.start_broker().await;
        } else {
            relay.stop().await;
        }
    }
    memory.end_snapshots_after(u64::MAX);
    let relay = stage.log_relay(&memory);
    for late in late {
        memory.commit_rows(late);
    }
    stage.marked(&relay, 3_000).await;
    relay.stop().await;
    let rows = page(&stage.db, PageOrder::OldestFirst, None, 3_000).await.unwrap();
    let in_order = |number: i64| rows.iter().filter(move |row| row.seq % 7 == number).map(|row| &*row.id);
    for topic in [EVENTS_TOPIC, RAW_TOPIC] {
        let (numbers, ids): (Vec<u64>, Vec<String>) = stage.ids_on(topic, "audit").await.into_iter().unzip();
        assert_eq!(numbers, (1..=3_000).collect::<Vec<_>>(), "{topic}");
        for aggregate in 0..7 {
            let own: BTreeSet<&str> = in_order(aggregate).collect();
            let found = ids.iter().map(String::as_str).filter(|id| own.contains(id));
            assert!(found.eq(in_order(aggregate)), "{topic}: rows of com-{aggregate} are not in order");
        }
    }
}

#[tokio::test]
async fn rows_that_somebody_published_before_the_first_start_stay_as_they_are() {
    let (stage, memory) = (Stage::set().await, Memory::new());
    stage.append(names(5)).await;
    memory.commit(&stage.db, &[1, 2, 3, 4, 5]).await;
    let publish = Query::update()
        .table("outbox_event")
        .value("published", 1_i64)
        .and_where(Expr::col("seq").lte(3_i64))
        .to_owned();
    stage.db.write(async move |tx: &Tx| tx.execute(&publish).await.map(drop)).await.unwrap();
    let relay = stage.log_relay(&memory);
    stage.marked(&relay, 2).await;
    relay.stop().await;
    let ids = memory.ids();
    let expected = vec![(1, ids[3].clone()), (2, ids[4].clone())];
    assert_eq!(stage.ids_on(EVENTS_TOPIC, "all").await, expected);
}

/// They were lost in a crash; the rows that they are of are behind the checkpoint.
#[tokio::test]
async fn marks_that_were_lost_are_made_again_and_nothing_is_published_twice() {
    let (stage, memory) = (Stage::set().await, Memory::new());
    let relay = stage.begun_log_relay(&memory).await;
    stage.append(names(50)).await;
    for seq in 1..=50 {
        memory.commit(&stage.db, &[seq]).await;
    }
    stage.marked(&relay, 50).await;
    relay.stop().await;
    let (_, _, base, ordinal) = stage.checkpoint().await.remove(0);
    assert_eq!((base, ordinal), (50, 50));
    let forget = async |tx: &Tx| -> Result<(), DbError> {
        let place = Query::update()
            .table("relay_checkpoint")
            .value("log_base", 10_i64)
            .value("log_position", "1000")
            .to_owned();
        tx.execute(&place).await?;
        let marks = Query::update()
            .table("outbox_event")
            .value("published", 0_i64)
            .and_where(Expr::col("seq").gt(10_i64))
            .to_owned();
        tx.execute(&marks).await.map(drop)
    };
    stage.db.write(forget).await.unwrap();
    let relay = stage.log_relay(&memory);
    stage.marked(&relay, 50).await;
    assert_eq!(relay.status().num_received_from_source, 0);
    relay.stop().await;
    stage.assert_as_committed(&memory).await;
}

pub(crate) async fn after_publishing(rows: i64) -> (Stage, Memory) {
    let (stage, memory) = (Stage::set().await, Memory::new());
    let relay = stage.begun_log_relay(&memory).await;
    for seq in 1..=rows {
        stage.append(names(1)).await;
        memory.commit(&stage.db, &[seq]).await;
    }
    stage.marked(&relay, usize::try_from(rows).unwrap()).await;
    relay.stop().await;
    (stage, memory)
}

#[tokio::test]
async fn a_panic_while_a_log_is_read_is_an_alarm() {
    let (stage, memory) = after_publishing(1).await;
    memory.break_down();
    let alarm = alarm(stage.log_relay(&memory)).await;
    assert!(alarm.contains("panicked"), "{alarm}");
}

/// Else a new snapshot, which takes what is not marked, would have it published again.
#[tokio::test]
async fn what_is_sent_before_a_row_that_stops_the_relay_is_marked() {
    let (stage, memory) = (Stage::set().await, Memory::new());
    stage.begun_log_relay(&memory).await.stop().await;
    stage.append_together(names(700)).await;
    let mut rows = page(&stage.db, PageOrder::OldestFirst, None, 700).await.unwrap();
    rows.last_mut().unwrap().published = 1;
    for row in &rows {
        memory.commit_rows(slice::from_ref(row));
    }
    let alarm = alarm(stage.log_relay(&memory)).await;
    assert!(alarm.contains("as the rows of a restored copy are"), "{alarm}");
    assert_eq!(stage.published().await, 699);
}

#[tokio::test]
async fn a_failover_to_another_log_stops_the_relay() {
    let (stage, memory) = after_publishing(5).await;
    memory.fail_over("two");
    let alarm = alarm(stage.log_relay(&memory)).await;
    assert!(alarm.contains("another one than before (two, it was one)"), "{alarm}");
    assert!(alarm.contains("hexalpes relay resnapshot"), "{alarm}");
}

/// As of a table that was dropped and made again, or was not in its publication for a while. A place that was written down
/// before members were known is one like any other.
#[tokio::test]
async fn a_log_that_did_not_have_the_table_for_a_while_stops_the_relay() {
    let (stage, memory) = after_publishing(5).await;
    memory.fail_over("one#7");
    let relay = stage.log_relay(&memory);
    stage.append(names(1)).await;
    memory.commit(&stage.db, &[6]).await;
    stage.marked(&relay, 6).await;
    relay.stop().await;
    for other in ["one#8", "one#0", "one"] {
        memory.fail_over(other);
        let alarm = alarm(stage.log_relay(&memory)).await;
        assert!(alarm.contains("was made anew, or its log did not have its rows for a while"), "{alarm}");
    }
    memory.fail_over("two#7");
    let alarm = alarm(stage.log_relay(&memory)).await;
    assert!(alarm.contains("another one than before"), "{alarm}");
}

#[tokio::test]
async fn a_log_that_was_let_go_too_early_stops_the_relay() {
    let (stage, memory) = after_publishing(5).await;
    stage.append(names(1)).await;
    memory.commit(&stage.db, &[6]).await;
    memory.purge();
    let alarm = alarm(stage.log_relay(&memory)).await;
    assert!(alarm.contains("the log no longer has what comes next; take a new snapshot"), "{alarm}");
}

/// Database, checkpoint and log are of an earlier time than the broker's data.
#[tokio::test]
async fn a_database_that_was_restored_with_its_log_stops_the_relay() {
    let (stage, memory) = after_publishing(5).await;
    stage.forget_all_but(&memory.ids()[..2], "200").await;
    memory.restore(4);
    let alarm = alarm(stage.log_relay(&memory)).await;
    assert!(alarm.contains("the outbox ends at 4"), "{alarm}");
}

/// The numbers are there again, under other events; nothing behind the restored copy is taken for published.
#[tokio::test]
async fn a_restored_database_that_was_written_to_stops_the_relay_and_marks_nothing() {
    let (stage, memory) = after_publishing(5).await;
    stage.forget_all_but(&memory.ids()[..2], "200").await;
    memory.restore(2);
    stage.append(names(4)).await;
    for seq in 6..=9 {
        memory.commit(&stage.db, &[seq]).await;
    }
    let alarm = alarm(stage.log_relay(&memory)).await;
    assert!(alarm.contains("restored from an older copy and written to"), "{alarm}");
    assert_eq!(stage.published().await, 2);
}

#[tokio::test]
async fn a_broker_with_rows_that_were_never_sent_stops_the_relay() {
    let (stage, memory) = (Stage::set().await, Memory::new());
    let relay = stage.begun_log_relay(&memory).await;
    stage.append_together(names(5_000)).await;
    let rows = page(&stage.db, PageOrder::OldestFirst, None, 5_000).await.unwrap();
    memory.commit_rows(&rows);
    stage.marked(&relay, 5_000).await;
    relay.stop().await;
    stage.forget_all_but(&[], "0").await;
    let alarm = alarm(stage.log_relay(&memory)).await;
    assert!(alarm.contains("no row after 4096 was ever sent"), "{alarm}");
}

#[tokio::test]
async fn of_two_relays_on_a_log_one_stands_by_and_takes_over() {
    let (stage, memory) = (Stage::set().await, Memory::new());
    let first = stage.begun_log_relay(&memory).await;
    stage.append(names(20)).await;
    memory.commit(&stage.db, &[1, 2, 3]).await;
    stage.marked(&first, 3).await;
    let second = stage.log_relay(&memory);
    until(&second, |status| status.standby.is_some()).await;
    memory.commit(&stage.db, &[5, 4]).await;
    stage.marked(&first, 5).await;
    first.stop().await;
    memory.commit(&stage.db, &(6..=20).collect::<Vec<_>>()).await;
    stage.marked(&second, 20).await;
    second.stop().await;
    stage.assert_as_committed(&memory).await;
}

/// What is sent already goes where it went, and a transaction that is half sent does not begin again for ever.
#[tokio::test]
async fn topics_that_grow_have_each_row_of_a_log_once() {
    let (stage, memory) = (Stage::with_partitions(2).await, Memory::new());
    for (round, partitions) in [(0, 2), (1, 3), (2, 5)] {
        if partitions > 2 {
            for topic in [EVENTS_TOPIC, RAW_TOPIC] {
                let topic = TopicName::parse(topic).unwrap();
                stage.broker().grow_partitioned(&topic, partitions).unwrap();
            }
        }
        let relay = stage.log_relay(&memory);
        let from = round * 6_000;
        stage.append_together((0..6_000).map(|row| format!("com-{}", row % 10))).await;
        let rows = page(&stage.db, PageOrder::OldestFirst, Some(from), 6_000).await.unwrap();
        memory.commit_rows(&rows);
        stage.marked(&relay, usize::try_from(from).unwrap() + 6_000).await;
        relay.stop().await;
    }
    for topic in [EVENTS_TOPIC, RAW_TOPIC] {
        let mut found = stage.ids_on(topic, "audit").await;
        found.sort();
        let expected: Vec<_> = (1..).zip(memory.ids()).collect();
        assert_eq!(found, expected, "{topic}");
    }
}

#[tokio::test]
async fn the_status_says_what_waits_in_the_table_and_in_the_log() {
    let (mut stage, memory) = (Stage::set().await, Memory::new());
    let relay = stage.begun_log_relay(&memory).await;
    stage.stop_broker().await;
    stage.append(names(7)).await;
    memory.commit(&stage.db, &[2, 1, 4, 3, 7, 6, 5]).await;
    stage.edge.advance(Duration::from_secs(90));
    let lagging = until(&relay, |status| status.lag_rows == 7 && status.lag_log_bytes.is_some()).await;
    assert_eq!((lagging.lag_seconds, lagging.lag_log_bytes), (90, Some(0)));
    stage.start_broker().await;
    until(&relay, |status| (status.lag_rows, status.lag_bytes) == (0, 0)).await;
    relay.stop().await;
}

/// Boundaries come without rows of ours: the log is let go all the same, now and then.
#[tokio::test]
async fn a_log_with_nothing_of_ours_is_let_go_when_the_relay_ends() {
    let (stage, memory) = (Stage::set().await, Memory::new());
    let relay = stage.begun_log_relay(&memory).await;
    for _ in 0..50 {
        memory.commit_other();
        task::yield_now().await;
    }
    until(&relay, |status| status.lag_log_bytes == Some(0)).await;
    relay.stop().await;
    assert_eq!(memory.confirmed(), memory.end());
}
