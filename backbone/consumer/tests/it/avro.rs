//! Events in Avro: what a relay writes in binary mode, and what a producer in any language writes, come to a handler as
//! any other event does.

use std::sync::Arc;

use hexalpes_avro::Record;
use hexalpes_client::{
    AdminClient, AdminOptions, Client, ConsumerOptions as Subscribing, Message, Outgoing, ProducerOptions,
    Schema, TopicName,
};
use hexalpes_consumer::{ConsumerOptions, Event, EventConsumer, HandleError, Handler};
use hexalpes_db::{DatabaseUrl, Tx};
use hexalpes_kernel::{Actor, CausationId, Cause, Clock as _, CorrelationId, Edge, Ids as _, SystemEdge};
use hexalpes_outbox::{EventSchema, EventTopic, NewEvent, Relay, RelayOptions, append, parked};
use parking_lot::Mutex;
use serde_json::{Value, json, value::RawValue};
use tokio::time::timeout;

use crate::support::{PATIENCE, Stage, until};

const TOPIC: &str = "persistent://public/default/partner-registration";
const KIND: &str = "com.hexabuilders.partners.PartnerRegistrationCompleted";
const V1: &str = include_str!("../../../../schemas/partners/PartnerRegistrationCompleted.v1.avsc");
const V2: &str = include_str!("../../../../schemas/partners/PartnerRegistrationCompleted.v2.avsc");
const ENVELOPE: &str = include_str!("../../../../schemas/envelope/CloudEvent.v1.avsc");

/// Keeps what it is given.
#[derive(Clone, Debug, Default)]
struct Album(Arc<Mutex<Vec<Event>>>);

impl Handler for Album {
    async fn handle(&self, _tx: &Tx, event: &Event, _cause: &Cause) -> Result<(), HandleError> {
        self.0.lock().push(event.clone());
        Ok(())
    }
}

fn start(stage: &Stage, album: &Album) -> EventConsumer {
    let options = ConsumerOptions {
        only_kind: Some(KIND),
        ..ConsumerOptions::new("books", "partners", TopicName::parse(&stage.topic).unwrap())
    };
    let edge: Arc<dyn Edge> = Arc::new(SystemEdge);
    EventConsumer::start(stage.db.clone(), stage.client(), edge, album.clone(), options).unwrap()
}

fn of_kind(kind: &str) -> Option<EventTopic> {
    let schema = Some(EventSchema { definition: V2, version: 2 });
    (kind == KIND).then_some(EventTopic { topic: TOPIC, schema })
}

fn data(partner: usize) -> Value {
    json!({
        "partner_id": format!("partner-{partner}"), "business_name": "Ñandú & Cía 📡", "email": "a@example.com",
        "partner_type": "EMPRESA", "registration_data": { "tax_id": "9", "list": ["x", 1.5] },
        "validation_status": "PARTIAL", "preferred_contract_type": "PREMIUM", "registration_source": "WEB",
        "registration_timestamp": "2025-01-15T10:30:00Z", "revision": partner,
    })
}

async fn publish(stage: &Stage, partners: usize) {
    let events = (0..partners).map(|partner| {
        let id = SystemEdge.uuid();
        let cause = Cause {
            correlation: CorrelationId::parse("CORR-7").unwrap(),
            causation: CausationId::parse("CMD-7").unwrap(),
            actor: Actor::anonymous(),
            at: SystemEdge.now(),
        };
        let event = NewEvent {
            id,
            aggregate_type: "partners",
            aggregate_id: format!("partner-{partner}"),
            kind: KIND,
            data: RawValue::from_string(data(partner).to_string()).unwrap(),
        };
        (cause, event)
    });
    for (cause, event) in events {
        stage.db.write(async move |tx: &Tx| append(tx, &cause, event.clone()).await).await.unwrap();
    }
}

fn relay(stage: &Stage) -> Relay {
    let edge: Arc<dyn Edge> = Arc::new(SystemEdge);
    let options = RelayOptions { of_kind: Some(of_kind), ..RelayOptions::new("partner-management") };
    Relay::start(stage.db.clone(), stage.client(), edge, options)
}

async fn first_on(client: &Client, topic: &str) -> Message {
    let look = Subscribing::new(format!("look-{}", SystemEdge.uuid())).from_earliest();
    let consumer = client.consumer(topic, look).await.unwrap();
    timeout(PATIENCE, consumer.next()).await.expect("something is there").unwrap()
}

async fn an_event_in_avro_is_handled_as_any_other(stage: Stage) {
    let album = Album::default();
    let (relay, consumer) = (relay(&stage), start(&stage, &album));
    publish(&stage, 20).await;
    until(&consumer, |status| status.handled == 20).await;
    consumer.stop().await;
    relay.stop().await;

    let mut events = album.0.lock().clone();
    events.sort_by_key(|event| serde_json::from_slice::<Value>(&event.data).unwrap()["revision"].as_u64());
    for (partner, event) in events.iter().enumerate() {
        let mut expected = data(partner);
        expected["correlation_id"] = "CORR-7".into();
        expected["event_version"] = 2.into();
        assert_eq!(serde_json::from_slice::<Value>(&event.data).unwrap(), expected);
        let subject = format!("partner-{partner}");
        assert_eq!((event.kind.as_str(), event.subject.as_deref()), (KIND, Some(&*subject)));
        assert_eq!(event.source, Some(format!("//partners/{subject}")));
        assert_eq!(event.correlation.as_ref().unwrap().as_str(), "CORR-7");
        assert_eq!(event.content_type, "application/json");
        assert!(event.time.is_some());
    }

    let message = first_on(&stage.client(), TOPIC).await;
    let version = message.schema_version.clone().expect("it says what it was written with");
    let number = u64::from_be_bytes(version.as_ref().try_into().unwrap());
    assert!(message.key.as_deref().unwrap().starts_with("partner-"));
    for (name, value) in [
        ("ce_specversion", "1.0"),
        ("ce_type", KIND),
        ("ce_datacontenttype", "application/avro"),
        ("ce_dataschema", &format!("{TOPIC}?schema={number}")),
        ("ce_correlationid", "CORR-7"),
        ("ce_causationid", "CMD-7"),
        ("correlation_id", "CORR-7"),
        ("event_type", "PartnerRegistrationCompleted"),
        ("source_service", "partner-management"),
        ("event_version", "2"),
    ] {
        assert_eq!(message.property(name), Some(value), "{name}");
    }
    let read = Record::parse(V2.as_bytes()).unwrap().decode(&message.payload).unwrap();
    assert!(read.contains(r#""preferred_contract_type":"PREMIUM""#), "{read}");
    stage.db.close().await;
}

/// Accepts S2-CE-1, S2-CE-2, S2-CE-3, S2-CE-4, S2-CE-7, S2-CE-9, S2-CE-10, S0-PRD-11, C-7, C-26.
#[tokio::test]
async fn on_the_backbone_an_event_in_avro_is_handled_as_any_other() {
    let mut stage = Stage::set().await;
    TOPIC.clone_into(&mut stage.topic);
    stage.make_partitions(4);
    an_event_in_avro_is_handled_as_any_other(stage).await;
}

#[tokio::test]
async fn on_a_real_pulsar_an_event_in_avro_is_handled_as_any_other() {
    let Some(pulsar) = hexalpes_engines::pulsar() else { return };
    let admin = AdminClient::new(AdminOptions::new(&pulsar.admin)).unwrap();
    admin.create_partitioned_topic(&TopicName::parse(TOPIC).unwrap(), 4).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let place = DatabaseUrl::file(folder.path().join("test.db"));
    let stage = Stage::at(pulsar.service, TOPIC, &place, folder).await;
    an_event_in_avro_is_handled_as_any_other(stage).await;
}

/// A message of seed 1's publisher: its properties, and data under the first schema.
///
/// Accepts S0-SCH-1, C-8.
#[tokio::test]
async fn what_was_written_under_the_first_schema_is_read_with_it() {
    let mut stage = Stage::set().await;
    TOPIC.clone_into(&mut stage.topic);
    let data = json!({
        "partner_id": "p-1", "business_name": "TechSolutions Inc", "email": "contact@techsolutions.com",
        "partner_type": "EMPRESA", "registration_data": r#"{"tax_id":"9"}"#,
        "registration_timestamp": "2025-01-15T10:30:00Z", "correlation_id": "CORR-123-456-789",
    });
    let payload = Record::parse(V1.as_bytes()).unwrap().encode(&data.to_string(), &[]).unwrap();
    let options = ProducerOptions { schema: Some(Schema::avro(V1)), ..ProducerOptions::default() };
    let producer = stage.client().producer(TOPIC, options).await.unwrap();
    let told = Outgoing::new(payload.clone()).property("event_type", "PartnerRegistrationCompleted");
    producer.send(told).await.unwrap();
    // Nor does it have to say more than the topic does.
    producer.send(Outgoing::new(payload)).await.unwrap();
    producer.close().await;
    // The topic goes on under the second schema.
    let (album, relay) = (Album::default(), relay(&stage));
    publish(&stage, 1).await;

    let consumer = start(&stage, &album);
    until(&consumer, |status| status.handled == 3).await;
    consumer.stop().await;
    relay.stop().await;
    let events = album.0.lock().clone();
    for event in &events[..2] {
        assert!(event.is(KIND), "{}", event.kind);
        assert_eq!(event.correlation.as_ref().unwrap().as_str(), "CORR-123-456-789");
        let read: Value = serde_json::from_slice(&event.data).unwrap();
        assert_eq!(
            (&read["registration_data"], &read["event_version"]),
            (&r#"{"tax_id":"9"}"#.into(), &1.into())
        );
    }
    let newer: Value = serde_json::from_slice(&events[2].data).unwrap();
    assert_eq!(newer["registration_data"]["tax_id"], "9");
}

/// Accepts C-7.
#[tokio::test]
async fn a_topic_whose_schema_is_the_envelopes_carries_structured_events() {
    let mut stage = Stage::set().await;
    TOPIC.clone_into(&mut stage.topic);
    let options = ProducerOptions { schema: Some(Schema::json(ENVELOPE)), ..ProducerOptions::default() };
    stage.client().producer(TOPIC, options).await.unwrap().close().await;
    let album = Album::default();
    let (relay, consumer) = (relay(&stage), start(&stage, &album));
    publish(&stage, 1).await;
    until(&consumer, |status| status.handled == 1).await;
    consumer.stop().await;
    relay.stop().await;
    assert_eq!(serde_json::from_slice::<Value>(&album.0.lock()[0].data).unwrap(), data(0));
    let message = first_on(&stage.client(), TOPIC).await;
    assert!(message.schema_version.is_some() && message.property("ce_type").is_none());
    let envelope: Value = serde_json::from_slice(&message.payload).unwrap();
    assert_eq!((&envelope["type"], &envelope["specversion"]), (&KIND.into(), &"1.0".into()));
}

#[tokio::test]
async fn bytes_that_are_not_of_their_schema_become_a_dead_letter_that_names_it() {
    let mut stage = Stage::set().await;
    TOPIC.clone_into(&mut stage.topic);
    let options = ProducerOptions { schema: Some(Schema::avro(V1)), ..ProducerOptions::default() };
    let producer = stage.client().producer(TOPIC, options).await.unwrap();
    producer.send(Outgoing::new(b"\x08abc".to_vec())).await.unwrap();
    producer.close().await;
    let consumer = start(&stage, &Album::default());
    until(&consumer, |status| status.dead_letters == 1).await;
    consumer.stop().await;
    let letters = stage.letters().await;
    let property = |name| crate::support::property(&letters[0], name);
    assert_eq!((property("dlq_code"), property("dlq_schema_version")), (Some("not_an_event"), Some("0")));
    assert!(property("dlq_reason").unwrap().contains("not of its schema"), "{:?}", property("dlq_reason"));
}

#[tokio::test]
async fn an_event_that_does_not_fit_its_schema_is_parked_with_what_it_lacks() {
    let stage = Stage::set().await;
    let event = NewEvent {
        id: SystemEdge.uuid(),
        aggregate_type: "partners",
        aggregate_id: "p-1".to_owned(),
        kind: KIND,
        data: RawValue::from_string(r#"{"partner_id":"p-1"}"#.to_owned()).unwrap(),
    };
    let cause = Cause {
        correlation: CorrelationId::parse("CORR-7").unwrap(),
        causation: CausationId::parse("CMD-7").unwrap(),
        actor: Actor::anonymous(),
        at: SystemEdge.now(),
    };
    stage.db.write(async move |tx: &Tx| append(tx, &cause, event.clone()).await).await.unwrap();
    let relay = relay(&stage);
    let alarmed = async {
        loop {
            if let Some(alarm) = relay.status().alarm {
                return alarm;
            }
            hexalpes_engines::a_moment().await;
        }
    };
    let alarm = timeout(PATIENCE, alarmed).await.expect("it says so");
    assert!(alarm.contains("1 event is parked"), "{alarm}");
    let parked = parked::list(&stage.db, 10).await.unwrap();
    let reasons: Vec<&str> = parked.iter().map(|row| row.reason.as_str()).collect();
    assert!(reasons.len() == 1 && reasons[0].contains("field business_name is absent"), "{reasons:?}");
    relay.stop().await;
}
