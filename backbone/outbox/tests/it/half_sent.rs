//! Rows that an earlier session had sent to some of their topics when it was killed, and that cannot be published now:
//! when they can again, they go to the others.

use std::sync::Arc;

use hexalpes_client::{Outgoing, ProducerOptions, Schema, TopicName};
use hexalpes_db::Tx;
use hexalpes_kernel::Ids as _;
use hexalpes_outbox::{
    EVENTS_TOPIC, EventSchema, EventTopic, NewEvent, RAW_TOPIC, Relay, RelayOptions, append,
    parked::{self, ParkedRow},
};
use hexalpes_routing::{Rule, RuleSpec};

use crate::{
    memory::Memory,
    support::{Stage, an_event, because, until},
};

const STRANGE: &str = "com.hexabuilders.commissions.CommissionStrange";
const USUAL: &str = "com.hexabuilders.commissions.CommissionCalculated";

const TYPED: &str = "persistent://public/default/strange";
const OWN: &str = "persistent://public/default/own";
const BOOKS: &str = "persistent://public/default/books";

const OLD: &str =
    r#"{"type":"record","name":"Strange","fields":[{"name":"affiliate_name","type":"string"}]}"#;

/// Neither has our event an amount, nor does a topic take this beside the old schema.
fn with_amount(kind: &str) -> Option<EventTopic> {
    let definition = r#"{"type":"record","name":"Strange","fields":[
        {"name":"affiliate_name","type":"string"},{"name":"amount","type":"long"}]}"#;
    let schema = Some(EventSchema { definition, version: 2 });
    (kind == STRANGE).then_some(EventTopic { topic: TYPED, schema })
}

fn plain(kind: &str) -> Option<EventTopic> {
    (kind == STRANGE).then_some(EventTopic { topic: TYPED, schema: None })
}

type OfKind = fn(&str) -> Option<EventTopic>;

fn wide(of_kind: OfKind) -> RelayOptions {
    let rules: Arc<[Rule]> = [Rule::new(RuleSpec::to("books")).unwrap()].into();
    let (topic, of_kind) = (Some(OWN.to_owned()), Some(of_kind));
    RelayOptions { topic, of_kind, rules, ..RelayOptions::new("commissions") }
}

impl Stage {
    fn wide_relay(&self, of_kind: OfKind) -> Relay {
        self.relay_with(wide(of_kind))
    }

    fn wide_log_relay(&self, memory: &Memory, of_kind: OfKind) -> Relay {
        self.log_relay_with(memory, wide(of_kind))
    }

    async fn append_some(&self, aggregate: &str, kinds: &[&'static str]) {
        for kind in kinds {
            let cause = self.cause();
            let event = NewEvent { kind, ..an_event(self.edge.uuid(), aggregate) };
            self.db.write(async move |tx: &Tx| append(tx, &cause, event.clone()).await).await.unwrap();
        }
    }

    /// What the session that was killed sent to a topic, as the relay's producer or as that of parked rows.
    async fn sent_by_the_killed(
        &self,
        suffix: &str,
        topic: &str,
        schema: Option<&'static str>,
        numbers: &[u64],
    ) {
        let name = Some(format!("cdc/commissions/{}{suffix}", self.epoch().await));
        let options =
            ProducerOptions { name, schema: schema.map(Schema::avro), ..ProducerOptions::default() };
        let killed = self.client().producer(topic, options).await.unwrap();
        for number in numbers {
            killed.send(Outgoing::new("{}").key("b").sequence_id(*number)).await.unwrap();
        }
        killed.close().await;
    }

    async fn retry_the_first(&self) {
        let first = self.waiting().await.swap_remove(0);
        parked::retry(&self.db, &*self.edge, &first.id, &because("it is mended")).await.unwrap();
    }

    async fn waiting(&self) -> Vec<ParkedRow> {
        parked::list(&self.db, 100).await.unwrap()
    }

    async fn counts(&self) -> [usize; 5] {
        let mut counts = [0; 5];
        for (topic, count) in [TYPED, OWN, BOOKS, EVENTS_TOPIC, RAW_TOPIC].into_iter().zip(&mut counts) {
            *count = self.messages(topic, "counted").await.len();
        }
        counts
    }
}

/// The topic of its type refuses the schema of the next version of the program; or takes it, and the event is not so. In
/// both cases the others are not opened before that is known, and for the row behind it they are not at all.
#[tokio::test]
async fn rows_that_are_parked_are_not_sent_again_to_topics_that_had_them_and_were_not_open_yet() {
    for (schema, reason) in [(Some(OLD), "cannot be opened"), (None, "amount")] {
        let stage = Stage::set().await;
        stage.broker().create_partitioned(&TopicName::parse(OWN).unwrap(), 3).unwrap();
        let before = stage.wide_relay(plain);
        stage.append_some("b", &[USUAL]).await;
        stage.drained().await;
        before.stop().await;

        stage.append_some("b", &[STRANGE, USUAL]).await;
        stage.sent_by_the_killed("", TYPED, schema, &[2]).await;
        stage.sent_by_the_killed("", OWN, None, &[2, 3]).await;
        stage.sent_by_the_killed("", BOOKS, None, &[2, 3]).await;
        let relay = stage.wide_relay(with_amount);
        until(&relay, |status| status.parked == 2).await;
        relay.stop().await;
        let waiting = stage.waiting().await;
        assert!(waiting[0].reason.contains(reason), "{}", waiting[0].reason);

        stage.retry_the_first().await;
        let relay = stage.wide_relay(plain);
        stage.none_is_parked().await;
        relay.stop().await;
        assert_eq!(stage.counts().await, [1, 3, 3, 3, 3], "{reason}");
    }
}

/// Where a log is read, the place in it is past by then, and others of it have gone on.
#[tokio::test]
async fn of_a_log_a_row_whose_schema_is_refused_holds_up_its_aggregate_alone_and_is_everywhere_once_at_last()
{
    let (stage, memory) = (Stage::set().await, Memory::new());
    let before = stage.wide_log_relay(&memory, plain);
    stage.begun_again().await;
    stage.append_some("b", &[USUAL]).await;
    memory.commit(&stage.db, &[1]).await;
    stage.marked(&before, 1).await;
    before.stop().await;

    stage.append_some("b", &[STRANGE, USUAL]).await;
    stage.append_some("c", &[USUAL]).await;
    for seq in [2, 4, 3] {
        memory.commit(&stage.db, &[seq]).await;
    }
    stage.sent_by_the_killed("", TYPED, Some(OLD), &[2]).await;
    let relay = stage.wide_log_relay(&memory, with_amount);
    let status = until(&relay, |status| status.parked == 2 && status.num_written == 3).await;
    assert!(status.running && status.alarm.unwrap().contains("2 events are parked"));
    relay.stop().await;
    assert_eq!(
        stage.counts().await,
        [1, 2, 2, 2, 2],
        "only the other aggregate's is there besides the first"
    );
    let waiting = stage.waiting().await;
    assert!(waiting[0].reason.contains("cannot be opened"), "{}", waiting[0].reason);

    stage.retry_the_first().await;
    let relay = stage.wide_log_relay(&memory, plain);
    stage.none_is_parked().await;
    relay.stop().await;
    assert_eq!(stage.counts().await, [1, 4, 4, 4, 4]);
}

/// It was killed amid the topics of a parked row that was being tried again, and one of the others refuses it at the next
/// start.
#[tokio::test]
async fn a_parked_row_that_was_tried_in_part_and_refused_then_is_there_once_when_it_is_tried_another_time() {
    let stage = Stage::set().await;
    let relay = stage.wide_relay(with_amount);
    stage.append_some("b", &[STRANGE, USUAL]).await;
    until(&relay, |status| status.parked == 2).await;
    relay.stop().await;

    stage.retry_the_first().await;
    stage.sent_by_the_killed("/parked", OWN, None, &[1]).await;
    stage.sent_by_the_killed("/parked", EVENTS_TOPIC, None, &[1]).await;
    let relay = stage.wide_relay(with_amount);
    stage.tried().await;
    relay.stop().await;

    stage.retry_the_first().await;
    let relay = stage.wide_relay(plain);
    stage.none_is_parked().await;
    relay.stop().await;
    assert_eq!(stage.counts().await, [1, 2, 2, 2, 2]);
}
