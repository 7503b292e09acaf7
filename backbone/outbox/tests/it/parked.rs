//! An event that cannot be published holds up its own aggregate and no other, until an operator decides.

use hexalpes_db::Tx;
use hexalpes_kernel::Ids as _;
use hexalpes_outbox::{
    EVENTS_TOPIC, EventSchema, EventTopic, NewEvent, RAW_TOPIC, Relay, RelayOptions, append, newest, operate,
    parked::{self, ParkedError},
};

use crate::{
    memory::Memory,
    servers::Server,
    support::{PATIENCE, Stage, an_event, because, subjects, until},
};

const STRANGE: &str = "com.hexabuilders.commissions.CommissionStrange";

/// Our events have no amount, so that none of this type can be written.
fn with_amount(kind: &str) -> Option<EventTopic> {
    let definition = r#"{"type":"record","name":"Strange","fields":[{"name":"amount","type":"long"}]}"#;
    let schema = Some(EventSchema { definition, version: 1 });
    (kind == STRANGE).then_some(EventTopic { topic: "persistent://public/default/strange", schema })
}

fn strict() -> RelayOptions {
    RelayOptions { of_kind: Some(with_amount), ..RelayOptions::new("commissions") }
}

impl Stage {
    fn strict_relay(&self) -> Relay {
        self.relay_with(strict())
    }

    /// Appends an event, and gives its id.
    async fn append_one(&self, aggregate: &str, kind: &'static str) -> String {
        let (id, cause) = (self.edge.uuid(), self.cause());
        let event = NewEvent { kind, ..an_event(id, aggregate) };
        self.db.write(async move |tx: &Tx| append(tx, &cause, event.clone()).await).await.unwrap();
        id.to_string()
    }

    /// Events of three aggregates, of which the second has one that cannot be written: its id.
    async fn append_a_strange_one(&self) -> String {
        const USUAL: &str = "com.hexabuilders.commissions.CommissionCalculated";
        self.append_one("a", USUAL).await;
        let strange = self.append_one("b", STRANGE).await;
        self.append_one("a", USUAL).await;
        self.append_one("b", USUAL).await;
        self.append_one("c", USUAL).await;
        strange
    }

    /// The event is tried once more, and stays.
    async fn retry_in_vain(&self, event: &str) {
        parked::retry(&self.db, &*self.edge, event, &because("once more")).await.unwrap();
        let again = async {
            let mut commits = self.db.commits();
            while parked::list(&self.db, 1).await.unwrap()[0].turn.is_some() {
                commits.changed().await.unwrap();
            }
        };
        tokio::time::timeout(PATIENCE, again).await.expect("it is tried, and stays");
    }

    async fn subjects_on(&self, topic: &str, subscription: &str) -> Vec<String> {
        subjects(&self.on(topic, subscription).await)
    }
}

#[tokio::test]
async fn an_event_that_cannot_be_published_waits_with_its_aggregate_and_others_go_on() {
    let stage = Stage::set().await;
    let relay = stage.strict_relay();
    let strange = stage.append_a_strange_one().await;
    let status = until(&relay, |status| status.parked == 2 && status.num_written == 5).await;
    assert!(status.running && status.alarm.unwrap().contains("2 events are parked"));
    relay.stop().await;
    assert_eq!(stage.subjects_on(EVENTS_TOPIC, "before").await, ["a", "a", "c"]);
    assert_eq!(stage.on(RAW_TOPIC, "before").await.len(), 3);
    let rows = parked::list(&stage.db, 10).await.unwrap();
    assert_eq!((rows.len(), &rows[0].id), (2, &strange));
    assert!(rows[0].reason.contains("amount") && rows[1].reason.contains("waits behind another"), "{rows:?}");
    let published: Vec<_> =
        newest(&stage.db, None, 10).await.unwrap().iter().map(|row| row.published).collect();
    assert_eq!(published, [1, 0, 1, 0, 1]);
}

/// What was in the way is gone: here another version of the program, that has no schema for it.
#[tokio::test]
async fn parked_events_that_are_retried_are_published_once_in_their_order() {
    let stage = Stage::set().await;
    let relay = stage.strict_relay();
    let strange = stage.append_a_strange_one().await;
    until(&relay, |status| status.parked == 2).await;
    stage.retry_in_vain(&strange).await;
    relay.stop().await;

    let relay = stage.relay();
    stage.append_one("b", STRANGE).await;
    until(&relay, |status| status.parked == 3).await;
    parked::retry(&stage.db, &*stage.edge, &strange, &because("the schema is gone")).await.unwrap();
    until(&relay, |status| status.parked == 0 && status.alarm.is_none()).await;
    stage.append_one("b", STRANGE).await;
    stage.drained().await;
    relay.stop().await;
    assert_eq!(stage.subjects_on(EVENTS_TOPIC, "all").await, ["a", "a", "c", "b", "b", "b", "b"]);
    assert_eq!(stage.on(RAW_TOPIC, "all").await.len(), 7);
    let rows = newest(&stage.db, None, 10).await.unwrap();
    assert!(rows.iter().all(|row| row.published == 1 && row.published_at.is_some()), "{rows:?}");
    let deeds = operate::deeds(&stage.db, 10).await.unwrap();
    assert_eq!(
        (deeds[0].what.as_str(), deeds[0].why.clone()),
        ("retry", format!("{strange}: the schema is gone"))
    );
}

#[tokio::test]
async fn a_parked_event_that_is_given_up_lets_those_behind_it_go() {
    let stage = Stage::set().await;
    let relay = stage.strict_relay();
    let strange = stage.append_a_strange_one().await;
    until(&relay, |status| status.parked == 2).await;
    parked::skip(&stage.db, &*stage.edge, &strange, &because("nobody needs it")).await.unwrap();
    until(&relay, |status| status.parked == 0).await;
    relay.stop().await;
    assert_eq!(stage.subjects_on(EVENTS_TOPIC, "all").await, ["a", "a", "c", "b"]);
    let unknown = parked::skip(&stage.db, &*stage.edge, &strange, &because("again")).await.unwrap_err();
    assert!(matches!(unknown, ParkedError::Unknown(_)), "{unknown}");
}

/// The relay died after it was parked, and before its checkpoint came there.
#[tokio::test]
async fn an_event_that_is_given_up_before_the_checkpoint_passes_it_stays_so() {
    let stage = Stage::set().await;
    let relay = stage.strict_relay();
    let strange = stage.append_a_strange_one().await;
    until(&relay, |status| status.parked == 2 && status.num_written == 5).await;
    relay.stop().await;
    stage.take_back(0).await;
    parked::skip(&stage.db, &*stage.edge, &strange, &because("nobody needs it")).await.unwrap();
    for _ in 0..2 {
        let relay = stage.strict_relay();
        stage.drained().await;
        stage.none_is_parked().await;
        relay.stop().await;
        assert_eq!(stage.subjects_on(EVENTS_TOPIC, "all").await, ["a", "a", "c", "b"]);
    }
    let rows = newest(&stage.db, None, 10).await.unwrap();
    let given_up: Vec<&str> =
        rows.iter().filter(|row| row.published_at.is_none()).map(|row| &*row.id).collect();
    assert_eq!(given_up, [strange]);
}

/// The names of the aggregate and the properties are more than a message may have.
#[tokio::test]
async fn an_event_whose_names_no_broker_takes_is_parked_where_a_log_is_read_too() {
    let (stage, memory) = (Stage::set().await, Memory::new());
    let relay = stage.begun_log_relay(&memory).await;
    stage.append(["com-1".to_owned(), "x".repeat(200 * 1024), "com-2".to_owned()]).await;
    memory.commit(&stage.db, &[1, 2, 3]).await;
    until(&relay, |status| status.parked == 1 && status.num_written == 3).await;
    stage.marked(&relay, 2).await;
    relay.stop().await;
    assert_eq!(stage.subjects_on(EVENTS_TOPIC, "all").await, ["com-1", "com-2"]);
    assert!(parked::list(&stage.db, 1).await.unwrap()[0].reason.contains("larger than"));
}

/// Where a server's log is read: parked over restarts, tried in vain, tried when nothing is in the way any more, given up.
#[tokio::test(flavor = "multi_thread")]
async fn on_each_server_an_event_that_cannot_be_published_waits_until_somebody_decides() {
    for server in Server::all().await {
        let (stage, engine) = (&server.stage, server.engine);
        let relay = server.relay_with(strict());
        stage.begun_again().await;
        let strange = stage.append_a_strange_one().await;
        let status = until(&relay, |status| status.parked == 2 && status.num_written == 5).await;
        assert!(status.running && status.alarm.unwrap().contains("2 events are parked"), "{engine}");
        relay.stop().await;
        assert_eq!(stage.subjects_on(EVENTS_TOPIC, "before").await, ["a", "a", "c"], "{engine}");
        let rows = parked::list(&stage.db, 10).await.unwrap();
        assert_eq!((rows.len(), &rows[0].id), (2, &strange), "{engine}");
        assert!(rows[0].reason.contains("amount") && rows[1].reason.contains("waits behind"), "{rows:?}");

        let relay = server.relay_with(strict());
        stage.retry_in_vain(&strange).await;
        relay.stop().await;
        let relay = server.relay();
        parked::retry(&stage.db, &*stage.edge, &strange, &because("the schema is gone")).await.unwrap();
        server.drained(&relay).await;
        until(&relay, |status| status.parked == 0 && status.alarm.is_none()).await;
        relay.stop().await;

        let relay = server.relay_with(strict());
        let unwanted = stage.append_a_strange_one().await;
        until(&relay, |status| status.parked == 2).await;
        parked::skip(&stage.db, &*stage.edge, &unwanted, &because("nobody needs it")).await.unwrap();
        until(&relay, |status| status.parked == 0 && status.alarm.is_none()).await;
        server.drained(&relay).await;
        relay.stop().await;
        for topic in [EVENTS_TOPIC, RAW_TOPIC] {
            let messages = stage.messages(topic, "all").await;
            let mut keys: Vec<String> = messages.into_iter().map(|message| message.key.unwrap()).collect();
            assert_eq!(keys[..5], ["a", "a", "c", "b", "b"], "{topic} on {engine}");
            // The one behind the one that was given up may go before or after another aggregate's.
            keys[5..].sort_unstable();
            assert_eq!(keys[5..], ["a", "a", "b", "c"], "{topic} on {engine}");
        }
        let deeds = operate::deeds(&stage.db, 10).await.unwrap();
        let whys: Vec<&str> = deeds.iter().map(|deed| deed.why.as_str()).collect();
        let expected = [
            format!("{unwanted}: nobody needs it"),
            format!("{strange}: the schema is gone"),
            format!("{strange}: once more"),
        ];
        assert_eq!(whys, expected, "{engine}");
    }
}
