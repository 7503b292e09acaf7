//! Rows of a table that others write, of which some are no events or cannot be published: they are parked as the log
//! had them, and with them what their aggregates have behind them.

use std::{borrow::Cow, sync::Arc};

use bytes::Bytes;
use hexalpes_capture::{Inserted, Value};
use hexalpes_client::{Outgoing, ProducerOptions};
use hexalpes_db::Tx;
use hexalpes_kernel::Edge;
use hexalpes_outbox::{
    EVENTS_TOPIC, ForeignRow, OutboxRow, RAW_TOPIC, Relay, RelayOptions, Shape, ShapeError, Told, operate,
    parked::{self, ParkedRow},
};
use hexalpes_routing::{Rule, RuleSpec};
use sea_query::Query;
use serde_json::value::RawValue;
use tokio::time::timeout;

use crate::{
    memory::{Memory, MemorySource},
    support::{PATIENCE, Stage, because, noise, until},
};

/// The columns `aggregate` and `payload`, and one of ids.
#[derive(Debug)]
pub(crate) struct Others {
    pub(crate) id: &'static str,
    /// Whether a payload may be something else than JSON.
    pub(crate) is_lenient: bool,
}

fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Text(text) => Some(Cow::Borrowed(text)),
        Value::Uuid(uuid) => Some(Cow::Owned(uuid.to_string())),
        _ => None,
    }
}

fn of_column(row: &Inserted, column: &str) -> Result<String, ShapeError> {
    let value = row.get(column).and_then(text);
    value.map(Cow::into_owned).ok_or_else(|| ShapeError(format!("column {column:?} is NULL")))
}

impl Shape for Others {
    fn key_column(&self) -> &str {
        self.id
    }

    fn key(&self, row: &Inserted) -> Result<Value, ShapeError> {
        row.get(self.id).cloned().ok_or_else(|| ShapeError("it has no id".to_owned()))
    }

    fn id(&self, row: &Inserted) -> Result<String, ShapeError> {
        of_column(row, self.id)
    }

    fn has_marks(&self) -> bool {
        false
    }

    fn is_published(&self, _: &Inserted) -> Result<bool, ShapeError> {
        Ok(false)
    }

    fn seq(&self, _: &Inserted) -> Result<Option<i64>, ShapeError> {
        Ok(None)
    }

    fn row(&self, row: &Inserted, ordinal: i64) -> Result<OutboxRow, ShapeError> {
        let payload = of_column(row, "payload")?;
        let data = match RawValue::from_string(payload.clone()) {
            Err(_) if self.is_lenient => RawValue::from_string(format!("{payload:?}")).unwrap(),
            read => read.map_err(|_| ShapeError("column \"payload\" is no JSON".to_owned()))?,
        };
        let foreign = ForeignRow {
            id: of_column(row, self.id)?,
            aggregate_type: "pedido".to_owned(),
            aggregate_id: of_column(row, "aggregate")?,
            kind: "tienda.PedidoPagado".to_owned(),
            data,
            occurred_at: row.origin.at,
            correlation_id: None,
            causation_id: None,
            change: Bytes::from_static(b"{}"),
            payload: payload.into(),
            inserted: row.clone(),
            text,
        };
        foreign.at(ordinal)
    }

    fn told(&self, row: &Inserted) -> Result<Told, ShapeError> {
        let aggregate = of_column(row, "aggregate").ok().map(|id| ("pedido".to_owned(), id));
        Ok(Told { id: of_column(row, self.id).ok(), aggregate })
    }

    fn field<'a>(&self, row: &'a Inserted, name: &str) -> Option<Cow<'a, str>> {
        match name {
            "aggregatetype" => Some(Cow::Borrowed("pedido")),
            "aggregateid" => row.get("aggregate").and_then(text),
            _ => row.get(name).and_then(text),
        }
    }
}

impl Stage {
    fn relay_of_others(&self, memory: &Memory, is_lenient: bool) -> Relay {
        self.relay_of_others_by(memory, is_lenient, &[])
    }

    fn relay_of_others_by(&self, memory: &Memory, is_lenient: bool, rules: &[RuleSpec]) -> Relay {
        let edge: Arc<dyn Edge> = Arc::clone(&self.edge) as Arc<dyn Edge>;
        let source = MemorySource { memory: memory.clone(), db: self.db.clone() };
        let shape = Arc::new(Others { id: "id", is_lenient });
        let rules: Arc<[Rule]> = rules.iter().map(|spec| Rule::new(spec.clone()).unwrap()).collect();
        let options = RelayOptions { shape, rules, ..RelayOptions::new("public/default/t") };
        Relay::start_on_log(self.db.clone(), self.client(), edge, options, source)
    }

    async fn begun_relay_of_others(&self, memory: &Memory) -> Relay {
        let relay = self.relay_of_others(memory, false);
        self.begun_again().await;
        relay
    }

    async fn parked(&self) -> Vec<ParkedRow> {
        parked::list(&self.db, 100).await.unwrap()
    }

    /// Waits until what is to be tried was tried, in vain.
    pub(crate) async fn tried(&self) {
        let tried = async {
            let mut commits = self.db.commits();
            while self.parked().await[0].turn.is_some() {
                commits.changed().await.unwrap();
            }
        };
        timeout(PATIENCE, tried).await.expect("it is tried, and stays");
    }

    pub(crate) async fn none_is_parked(&self) {
        let gone = async {
            let mut commits = self.db.commits();
            while !self.parked().await.is_empty() {
                commits.changed().await.unwrap();
            }
        };
        timeout(PATIENCE, gone).await.expect("they are tried");
    }

    /// Ids of the events on the topic.
    async fn events(&self, subscription: &str) -> Vec<String> {
        let messages = self.messages(EVENTS_TOPIC, subscription).await;
        messages.iter().map(|message| message.property("ce_id").unwrap().to_owned()).collect()
    }
}

const GOOD: &str = r#"{"n":1}"#;
const BAD: &str = "no JSON";

/// Bad rows of each kind between good ones of the same aggregates and of others: what waits, and what is out.
async fn commit_all(stage: &Stage, memory: &Memory, relay: &Relay) {
    let long = "x".repeat(200 * 1024);
    for (id, aggregate, payload) in [
        (Some("a-1"), Some("a"), GOOD),
        (Some("b-1"), Some("b"), BAD),
        (Some("b-2"), Some("b"), GOOD),
        (None, Some("c"), GOOD),
        (Some("c-1"), Some("c"), GOOD),
        (None, None, GOOD),
        (Some("a-2"), Some("a"), GOOD),
        (Some("long-1"), Some(&long), GOOD),
        (Some("d-1"), Some("d"), GOOD),
    ] {
        memory.commit_of_others(id, aggregate, payload);
    }
    let status = until(relay, |status| status.parked == 6 && status.num_written == 9).await;
    assert!(status.running && status.alarm.unwrap().contains("6 events are parked"));
    assert_eq!(stage.events("before").await, ["a-1", "a-2", "d-1"]);
}

/// As a dump does that is read back: its rows are copies of those that were published, and nothing in them says so.
#[tokio::test]
async fn a_table_that_is_dropped_and_made_anew_stops_its_relay_until_an_operator_says_how_to_go_on() {
    let (stage, memory) = (Stage::set().await, Memory::new());
    let relay = stage.begun_relay_of_others(&memory).await;
    memory.commit_of_others(Some("a-1"), Some("a"), GOOD);
    until(&relay, |status| status.num_written == 1).await;
    memory.drop_table();
    memory.commit_of_others(Some("a-1"), Some("a"), GOOD);
    let status = until(&relay, |status| status.alarm.is_some() && !status.running).await;
    let alarm = status.alarm.unwrap();
    assert!(alarm.contains("the outbox's table was made anew") && alarm.contains("relay skip"), "{alarm}");
    relay.skip(&because("it was a copy")).await.unwrap();
    relay.restart().await;
    until(&relay, |status| status.running && status.alarm.is_none()).await;
    memory.commit_of_others(Some("a-2"), Some("a"), GOOD);
    until(&relay, |status| status.num_written == 2).await;
    relay.stop().await;
    assert_eq!(stage.events("all").await, ["a-1", "a-2"]);
}

#[tokio::test]
async fn rows_that_are_no_events_wait_with_their_aggregates_and_others_go_on() {
    let (stage, memory) = (Stage::set().await, Memory::new());
    let relay = stage.begun_relay_of_others(&memory).await;
    commit_all(&stage, &memory, &relay).await;
    relay.stop().await;
    let rows = stage.parked().await;
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(ids, ["b-1", "b-2", "300:4", "c-1", "500:6", "long-1"]);
    let reasons: Vec<&str> = rows.iter().map(|row| row.reason.as_str()).collect();
    let behind = "it waits behind another event of its aggregate";
    assert_eq!(
        reasons[..5],
        ["column \"payload\" is no JSON", behind, "column \"id\" is NULL", behind, "column \"id\" is NULL"]
    );
    assert!(reasons[5].contains("larger than"), "{}", reasons[5]);
    assert_eq!((rows[4].aggregatetype.as_str(), rows[4].aggregateid.as_str()), ("salida", "500:6"));
}

/// The relay dies after each of them was parked, and before anything was noted: nothing is parked or published twice.
#[tokio::test]
async fn rows_that_come_by_again_after_a_crash_are_parked_once_and_published_once() {
    let (stage, memory) = (Stage::set().await, Memory::new());
    let relay = stage.begun_relay_of_others(&memory).await;
    commit_all(&stage, &memory, &relay).await;
    relay.stop().await;
    let before = stage.parked().await;
    for _ in 0..2 {
        stage.forget_all_but(&[], "0").await;
        let relay = stage.relay_of_others(&memory, false);
        until(&relay, |status| status.num_written == 9 && status.parked == 6).await;
        relay.stop().await;
    }
    assert_eq!(stage.parked().await, before);
    assert_eq!(stage.events("after").await, ["a-1", "a-2", "d-1"]);
    assert_eq!(stage.messages(RAW_TOPIC, "after").await.len(), 3);
}

/// What was in the way is gone: the columns are read in another way. The log is gone too: the rows are those that were kept.
#[tokio::test]
async fn rows_that_are_tried_again_are_published_once_in_their_order_and_what_is_given_up_lets_others_go() {
    let (stage, memory) = (Stage::set().await, Memory::new());
    let relay = stage.begun_relay_of_others(&memory).await;
    commit_all(&stage, &memory, &relay).await;
    parked::retry(&stage.db, &*stage.edge, "b-1", &because("once more")).await.unwrap();
    stage.tried().await;
    relay.stop().await;

    let relay = stage.relay_of_others(&memory, true);
    memory.commit_of_others(Some("b-3"), Some("b"), GOOD);
    until(&relay, |status| status.parked == 7).await;
    parked::retry(&stage.db, &*stage.edge, "b-1", &because("it is a text")).await.unwrap();
    until(&relay, |status| status.parked == 4).await;
    for id in ["300:4", "500:6", "long-1"] {
        parked::skip(&stage.db, &*stage.edge, id, &because("nobody needs it")).await.unwrap();
    }
    until(&relay, |status| status.parked == 0 && status.alarm.is_none()).await;
    memory.commit_of_others(Some("b-4"), Some("b"), GOOD);
    until(&relay, |status| status.num_written == 2).await;
    relay.stop().await;
    let expected = ["a-1", "a-2", "d-1", "b-1", "b-2", "b-3", "c-1", "b-4"];
    assert_eq!(stage.events("all").await, expected);
    assert_eq!(stage.messages(RAW_TOPIC, "all").await.len(), expected.len());
    let deeds = operate::deeds(&stage.db, 10).await.unwrap();
    let whats: Vec<&str> = deeds.iter().map(|deed| deed.what.as_str()).collect();
    assert_eq!(whats, ["skip event", "skip event", "skip event", "retry", "retry"]);
    assert_eq!((deeds[0].who.as_str(), deeds[0].why.as_str()), ("ops", "long-1: nobody needs it"));
}

#[tokio::test]
async fn two_rows_with_one_id_are_both_kept() {
    let (stage, memory) = (Stage::set().await, Memory::new());
    let relay = stage.begun_relay_of_others(&memory).await;
    memory.commit_of_others(Some("b-1"), Some("b"), BAD);
    memory.commit_of_others(Some("b-1"), Some("b"), GOOD);
    until(&relay, |status| status.parked == 2).await;
    relay.stop().await;
    assert_eq!(stage.parked().await[1].id, "b-1:2");
    let relay = stage.relay_of_others(&memory, true);
    parked::retry(&stage.db, &*stage.edge, "b-1", &because("it is a text")).await.unwrap();
    stage.none_is_parked().await;
    relay.stop().await;
    assert_eq!(stage.events("all").await, ["b-1", "b-1"]);
}

/// Ordinals and the names of producers are others then; turns that were given before come first.
#[tokio::test]
async fn what_is_parked_can_be_tried_after_the_relay_went_on_at_the_end_of_its_log() {
    let (stage, memory) = (Stage::set().await, Memory::new());
    let relay = stage.begun_relay_of_others(&memory).await;
    for id in ["a-1", "a-2", "a-3"] {
        memory.commit_of_others(Some(id), Some("a"), GOOD);
    }
    for aggregate in ["b", "c"] {
        memory.commit_of_others(Some(&format!("{aggregate}-1")), Some(aggregate), BAD);
    }
    until(&relay, |status| status.parked == 2 && status.num_written == 5).await;
    relay.stop().await;
    parked::retry(&stage.db, &*stage.edge, "c-1", &because("it is a text")).await.unwrap();
    let source = MemorySource { memory: memory.clone(), db: stage.db.clone() };
    operate::skip(&stage.db, &*stage.edge, &because("the log was lost"), &source).await.unwrap();
    parked::retry(&stage.db, &*stage.edge, "b-1", &because("it is a text")).await.unwrap();
    let relay = stage.relay_of_others(&memory, true);
    stage.none_is_parked().await;
    relay.stop().await;
    assert_eq!(stage.events("all").await, ["a-1", "a-2", "a-3", "c-1", "b-1"]);
}

/// The log has rows of all keys then, and nobody need compare any.
#[tokio::test]
async fn rows_without_a_key_do_not_stop_a_relay_whose_snapshot_is_over() {
    let (stage, memory) = (Stage::set().await, Memory::new());
    stage.begun_relay_of_others(&memory).await.stop().await;
    for id in [None, Some("a-1"), None, Some("a-2")] {
        memory.commit_of_others(id, Some("a"), GOOD);
    }
    let place = Query::update()
        .table("relay_checkpoint")
        .values([("log_position", "0".into()), ("log_segments", r#"{"through":null,"at":"300"}"#.into())])
        .to_owned();
    stage.db.write(async move |tx: &Tx| tx.execute(&place).await.map(drop)).await.unwrap();
    let relay = stage.relay_of_others(&memory, true);
    until(&relay, |status| status.num_written == 1).await;
    assert_eq!(relay.status().alarm, None);
    relay.stop().await;
    assert_eq!(stage.events("all").await, ["a-2"]);
}

/// Of its two messages one is so large that it goes in parts, whose names may be long, and the other is not.
#[tokio::test]
async fn a_row_that_one_topic_would_take_and_another_not_is_on_none_however_often_it_is_tried() {
    let (stage, memory) = (Stage::set().await, Memory::new());
    let relay = stage.begun_relay_of_others(&memory).await;
    memory.commit_of_others(Some("a-1"), Some(&"x".repeat(10 * 1024)), &noise(6 << 20));
    memory.commit_of_others(Some("b-1"), Some("b"), GOOD);
    until(&relay, |status| status.parked == 1 && status.num_written == 2).await;
    for _ in 0..2 {
        parked::retry(&stage.db, &*stage.edge, "a-1", &because("once more")).await.unwrap();
        stage.tried().await;
    }
    relay.stop().await;
    assert_eq!(stage.events("all").await, ["b-1"]);
    assert_eq!(stage.messages(RAW_TOPIC, "all").await.len(), 1);
    assert!(stage.parked().await[0].reason.contains("larger than"), "{:?}", stage.parked().await[0].reason);
}

/// A relay was killed when it had sent a row to one of its topics, in the order of the log or as a parked one; the next
/// cannot read that row.
#[tokio::test]
async fn a_parked_row_that_a_topic_has_already_is_there_once_when_it_is_tried_again() {
    for killed_at in ["", "/parked"] {
        let (stage, memory) = (Stage::set().await, Memory::new());
        stage.begun_relay_of_others(&memory).await.stop().await;
        let name = format!("cdc/public/default/t/{}{killed_at}", stage.epoch().await);
        let options = ProducerOptions { name: Some(name), ..ProducerOptions::default() };
        let killed = stage.client().producer(EVENTS_TOPIC, options).await.unwrap();
        killed.send(Outgoing::new(BAD).property("ce_id", "b-1").sequence_id(1)).await.unwrap();
        killed.close().await;
        memory.commit_of_others(Some("b-1"), Some("b"), BAD);
        memory.commit_of_others(Some("b-2"), Some("b"), GOOD);
        let relay = stage.relay_of_others(&memory, false);
        until(&relay, |status| status.parked == 2 && status.num_written == 2).await;
        relay.stop().await;
        let relay = stage.relay_of_others(&memory, true);
        parked::retry(&stage.db, &*stage.edge, "b-1", &because("it is a text")).await.unwrap();
        stage.none_is_parked().await;
        relay.stop().await;
        assert_eq!(stage.events("all").await, ["b-1", "b-2"]);
        let changes = stage.messages(RAW_TOPIC, "all").await;
        let ids: Vec<_> = changes.iter().map(|message| message.property("ce_id").unwrap()).collect();
        assert_eq!(ids, ["b-1", "b-2"]);
    }
}

/// The same of a topic that a rule sends rows to, which nothing else opens; and it is tried in vain in between.
#[tokio::test]
async fn a_row_that_cannot_be_read_is_not_sent_again_to_topics_that_had_it() {
    const BOOKS: &str = "persistent://public/default/books";
    let rules = [RuleSpec::to("books")];
    for killed_at in ["", "/parked"] {
        let (stage, memory) = (Stage::set().await, Memory::new());
        stage.begun_relay_of_others(&memory).await.stop().await;
        for topic in [EVENTS_TOPIC, BOOKS] {
            let name = format!("cdc/public/default/t/{}{killed_at}", stage.epoch().await);
            let options = ProducerOptions { name: Some(name), ..ProducerOptions::default() };
            let killed = stage.client().producer(topic, options).await.unwrap();
            killed.send(Outgoing::new(BAD).property("ce_id", "b-1").sequence_id(1)).await.unwrap();
            killed.close().await;
        }
        memory.commit_of_others(Some("b-1"), Some("b"), BAD);
        memory.commit_of_others(Some("b-2"), Some("b"), GOOD);
        let relay = stage.relay_of_others_by(&memory, false, &rules);
        until(&relay, |status| status.parked == 2 && status.num_written == 2).await;
        parked::retry(&stage.db, &*stage.edge, "b-1", &because("once more")).await.unwrap();
        stage.tried().await;
        relay.stop().await;
        let relay = stage.relay_of_others_by(&memory, true, &rules);
        parked::retry(&stage.db, &*stage.edge, "b-1", &because("it is a text")).await.unwrap();
        stage.none_is_parked().await;
        relay.stop().await;
        assert_eq!(stage.events("all").await, ["b-1", "b-2"]);
        assert_eq!(stage.messages(BOOKS, "all").await.len(), 2, "{killed_at:?}");
        assert_eq!(stage.messages(RAW_TOPIC, "all").await.len(), 2);
    }
}

/// The relay died after it was parked, and before its checkpoint came there.
#[tokio::test]
async fn a_row_that_was_given_up_is_not_parked_again_when_it_comes_by_after_a_crash() {
    let (stage, memory) = (Stage::set().await, Memory::new());
    let relay = stage.begun_relay_of_others(&memory).await;
    commit_all(&stage, &memory, &relay).await;
    relay.stop().await;
    stage.forget_all_but(&[], "0").await;
    parked::skip(&stage.db, &*stage.edge, "b-1", &because("nobody needs it")).await.unwrap();
    assert_eq!(stage.parked().await.len(), 5);
    let unknown = parked::skip(&stage.db, &*stage.edge, "b-1", &because("again")).await.unwrap_err();
    assert!(unknown.to_string().starts_with("no row b-1 is parked"), "{unknown}");
    let relay = stage.relay_of_others(&memory, false);
    until(&relay, |status| status.parked == 4 && status.num_written == 9).await;
    relay.stop().await;
    assert_eq!(stage.events("all").await, ["a-1", "a-2", "d-1", "b-2"]);
    // It is forgotten when it can come by no more.
    let relay = stage.relay_of_others(&memory, false);
    memory.commit_of_others(Some("b-3"), Some("b"), GOOD);
    until(&relay, |status| status.num_written == 1).await;
    relay.stop().await;
    let ask = Query::select().column("id").from("relay_parked").to_owned();
    let kept = stage.db.read(async move |tx: &Tx| tx.fetch_all(&ask).await).await.unwrap();
    assert_eq!(kept.len(), 4);
}

/// The relay died after some were parked, and an operator wanted these to be tried before it came by there again.
#[tokio::test]
async fn what_comes_behind_rows_that_are_to_be_tried_follows_them_without_another_order() {
    let (stage, memory) = (Stage::set().await, Memory::new());
    let relay = stage.begun_relay_of_others(&memory).await;
    memory.commit_of_others(Some("b-1"), Some("b"), BAD);
    memory.commit_of_others(Some("b-2"), Some("b"), GOOD);
    memory.commit_of_others(Some("c-1"), Some("c"), BAD);
    until(&relay, |status| status.parked == 3 && status.num_written == 3).await;
    relay.stop().await;
    stage.forget_all_but(&[], "0").await;
    parked::retry(&stage.db, &*stage.edge, "b-1", &because("it is a text")).await.unwrap();
    for (id, aggregate) in [("b-3", "b"), ("c-2", "c"), ("b-4", "b")] {
        memory.commit_of_others(Some(id), Some(aggregate), GOOD);
    }
    let relay = stage.relay_of_others(&memory, true);
    until(&relay, |status| status.parked == 2 && status.num_written == 6).await;
    relay.stop().await;
    assert_eq!(stage.events("all").await, ["b-1", "b-2", "b-3", "b-4"]);
    let ids: Vec<String> = stage.parked().await.into_iter().map(|row| row.id).collect();
    assert_eq!(ids, ["c-1", "c-2"]);
}

/// An operator wants many to be tried, and a row of another aggregate came before the relay was there.
#[tokio::test]
async fn rows_of_others_go_out_between_many_that_are_tried_again() {
    let (stage, memory) = (Stage::set().await, Memory::new());
    let relay = stage.begun_relay_of_others(&memory).await;
    let ids: Vec<String> = (1..=40).map(|number| format!("b-{number}")).collect();
    for id in &ids {
        memory.commit_of_others(Some(id), Some("b"), BAD);
    }
    until(&relay, |status| status.parked == 40 && status.num_written == 40).await;
    relay.stop().await;
    parked::retry(&stage.db, &*stage.edge, "b-1", &because("it is a text")).await.unwrap();
    memory.commit_of_others(Some("z-1"), Some("z"), GOOD);
    let relay = stage.relay_of_others(&memory, true);
    stage.none_is_parked().await;
    relay.stop().await;
    let (first, others) = ids.split_at(16);
    assert_eq!(stage.events("all").await, [first, &["z-1".to_owned()], others].concat());
}
