//! Schemas over the protocol, frame by frame.

use hexalpes_broker::Policy;
use hexalpes_wire::proto::{
    Command, CommandGetOrCreateSchema, CommandGetSchema, CommandGetSchemaResponse, CommandProducer,
    CommandSubscribe, Schema, SchemaType, ServerError, SubType,
};
use serde_json::json;
use tempfile::tempdir;

use crate::peer::{Peer, Running};

const TOPIC: &str = "persistent://public/default/orders";
const NAMESPACE: &str = "public/default";

fn avro(fields: &str) -> Schema {
    let data = format!(r#"{{"type":"record","name":"Order","fields":[{fields}]}}"#);
    schema(SchemaType::Avro, data)
}

fn schema(kind: SchemaType, data: impl Into<bytes::Bytes>) -> Schema {
    Schema {
        name: "orders".to_owned(),
        schema_data: data.into(),
        r#type: kind.into(),
        properties: Vec::new(),
    }
}

const ID: &str = r#"{"name":"id","type":"string"}"#;
const OPTIONAL: &str =
    r#"{"name":"id","type":"string"},{"name":"note","type":["null","string"],"default":null}"#;
const REQUIRED: &str = r#"{"name":"id","type":"string"},{"name":"note","type":"int"}"#;

/// The schema's version, or why not.
type Opened = Result<Vec<u8>, (ServerError, String)>;

async fn produce(peer: &mut Peer, topic: &str, schema: Option<Schema>) -> Opened {
    let producer = CommandProducer {
        topic: topic.to_owned(),
        producer_id: 1,
        request_id: 10,
        schema,
        ..CommandProducer::default()
    };
    match peer.ask(&Command::Producer(Box::new(producer))).await {
        Command::ProducerSuccess(success) => Ok(success.schema_version.unwrap().to_vec()),
        Command::Error(refusal) => Err((refusal.error(), refusal.message)),
        other => panic!("{other:?}"),
    }
}

async fn subscribe(peer: &mut Peer, topic: &str, schema: Schema) -> Result<(), (ServerError, String)> {
    let subscribe = CommandSubscribe {
        topic: topic.to_owned(),
        subscription: "sub".to_owned(),
        sub_type: SubType::Shared.into(),
        consumer_id: 5,
        request_id: 11,
        schema: Some(schema),
        ..CommandSubscribe::default()
    };
    match peer.ask(&Command::Subscribe(Box::new(subscribe))).await {
        Command::Success(_) => Ok(()),
        Command::Error(refusal) => Err((refusal.error(), refusal.message)),
        other => panic!("{other:?}"),
    }
}

async fn get(peer: &mut Peer, topic: &str, version: Option<&[u8]>) -> CommandGetSchemaResponse {
    let schema_version = version.map(bytes::Bytes::copy_from_slice);
    let asked = CommandGetSchema { request_id: 3, topic: topic.to_owned(), schema_version };
    match peer.ask(&Command::GetSchema(asked)).await {
        Command::GetSchemaResponse(answer) => answer,
        other => panic!("{other:?}"),
    }
}

async fn get_or_create(peer: &mut Peer, schema: Schema) -> Opened {
    let asked = CommandGetOrCreateSchema { request_id: 4, topic: TOPIC.to_owned(), schema };
    match peer.ask(&Command::GetOrCreateSchema(asked)).await {
        Command::GetOrCreateSchemaResponse(answer) => match answer.error_code {
            None => Ok(answer.schema_version.unwrap().to_vec()),
            Some(_) => Err((answer.error_code(), answer.error_message.unwrap())),
        },
        other => panic!("{other:?}"),
    }
}

fn version(number: u64) -> Vec<u8> {
    number.to_be_bytes().to_vec()
}

#[tokio::test]
async fn schemas_are_versions_that_survive_a_restart() {
    let data = tempdir().unwrap();
    let running = Running::start(data.path()).await;
    let mut peer = running.peer().await;
    assert_eq!(produce(&mut peer, TOPIC, Some(avro(ID))).await, Ok(version(0)));
    assert_eq!(produce(&mut peer, TOPIC, Some(avro(OPTIONAL))).await, Ok(version(1)));
    assert_eq!(produce(&mut peer, TOPIC, Some(avro(ID))).await, Ok(version(0)));
    running.stop().await;

    let running = Running::start(data.path()).await;
    let mut peer = running.peer().await;
    let newest = get(&mut peer, TOPIC, None).await;
    assert_eq!(newest.schema_version.as_deref(), Some(&version(1)[..]));
    let expected = Schema { name: "public/default/orders".to_owned(), ..avro(OPTIONAL) };
    assert_eq!(newest.schema, Some(expected));
    let first = get(&mut peer, TOPIC, Some(&version(0))).await;
    assert_eq!(first.schema.unwrap().schema_data, avro(ID).schema_data);
    assert_eq!(get(&mut peer, TOPIC, Some(&version(2))).await.error_code(), ServerError::TopicNotFound);
    let odd = get(&mut peer, TOPIC, Some(&[1, 2, 3])).await;
    assert!(odd.error_message().contains("3 bytes"), "{odd:?}");
    assert_eq!(get_or_create(&mut peer, avro(OPTIONAL)).await, Ok(version(1)));
    running.stop().await;
}

/// Accepts S0-SCH-4.
#[tokio::test]
async fn an_incompatible_schema_is_refused_with_its_field() {
    let data = tempdir().unwrap();
    let running = Running::start(data.path()).await;
    let mut peer = running.peer().await;
    produce(&mut peer, TOPIC, Some(avro(ID))).await.unwrap();
    for refused in [
        produce(&mut peer, TOPIC, Some(avro(REQUIRED))).await,
        get_or_create(&mut peer, avro(REQUIRED)).await,
    ] {
        let (error, why) = refused.unwrap_err();
        assert_eq!(error, ServerError::IncompatibleSchema);
        assert!(why.contains("FULL") && why.contains("field note"), "{why}");
    }
    let (error, why) =
        produce(&mut peer, TOPIC, Some(schema(SchemaType::Avro, "nonsense"))).await.unwrap_err();
    assert_eq!(error, ServerError::IncompatibleSchema);
    assert!(why.contains("type AVRO cannot be read"), "{why}");
    running.broker.set_policy(NAMESPACE, Policy::SchemaCompatibility, json!("FORWARD")).unwrap();
    assert_eq!(produce(&mut peer, TOPIC, Some(avro(REQUIRED))).await, Ok(version(1)));
    running.stop().await;
}

/// Accepts S0-TC-6.
#[tokio::test]
async fn a_namespace_may_take_no_new_schemas_and_nobody_without_one() {
    let data = tempdir().unwrap();
    let running = Running::start(data.path()).await;
    let mut peer = running.peer().await;
    produce(&mut peer, TOPIC, Some(avro(ID))).await.unwrap();
    assert_eq!(produce(&mut peer, TOPIC, None).await, Ok(Vec::new()));
    running.broker.set_policy(NAMESPACE, Policy::AllowAutoUpdateSchema, json!(false)).unwrap();
    running.broker.set_policy(NAMESPACE, Policy::SchemaValidationEnforced, json!(true)).unwrap();
    assert_eq!(produce(&mut peer, TOPIC, Some(avro(ID))).await, Ok(version(0)));
    for (schema, policy) in
        [(Some(avro(OPTIONAL)), "isAllowAutoUpdateSchema"), (None, "schemaValidationEnforced")]
    {
        let (error, why) = produce(&mut peer, TOPIC, schema).await.unwrap_err();
        assert_eq!(error, ServerError::IncompatibleSchema);
        assert!(why.contains(policy), "{why}");
    }
    assert_eq!(produce(&mut peer, "free", None).await, Ok(Vec::new()));
    running.stop().await;
}

#[tokio::test]
async fn a_consumer_brings_the_schema_of_a_topic_that_nobody_uses() {
    let data = tempdir().unwrap();
    let running = Running::start(data.path()).await;
    let mut any = running.peer().await;
    subscribe(&mut any, TOPIC, schema(SchemaType::AutoConsume, "")).await.unwrap();
    let mut peer = running.peer().await;
    subscribe(&mut peer, TOPIC, avro(ID)).await.unwrap();
    assert_eq!(get(&mut peer, TOPIC, None).await.schema_version.as_deref(), Some(&version(0)[..]));
    // It reads what is there, and is no version itself.
    subscribe(&mut peer, TOPIC, avro(OPTIONAL)).await.unwrap();
    let (error, why) = subscribe(&mut peer, TOPIC, avro(REQUIRED)).await.unwrap_err();
    assert_eq!(error, ServerError::IncompatibleSchema);
    assert!(why.contains("field note"), "{why}");
    assert_eq!(running.broker.schemas(&TOPIC.parse().unwrap()).len(), 1);

    produce(&mut peer, "bytes", None).await.unwrap();
    let (error, _) = subscribe(&mut peer, "bytes", schema(SchemaType::String, "")).await.unwrap_err();
    assert_eq!(error, ServerError::IncompatibleSchema);
    running.stop().await;
}

#[tokio::test]
async fn partitions_share_the_schema_of_their_topic() {
    let data = tempdir().unwrap();
    let running = Running::start(data.path()).await;
    let whole = TOPIC.parse().unwrap();
    running.broker.create_partitioned(&whole, 2).unwrap();
    let mut peer = running.peer().await;
    let partition = |n: u32| whole.with_partition(n).to_string();
    assert_eq!(produce(&mut peer, &partition(0), Some(avro(ID))).await, Ok(version(0)));
    produce(&mut peer, &partition(1), Some(avro(REQUIRED))).await.unwrap_err();
    assert!(get(&mut peer, TOPIC, None).await.schema.is_some());
    running.stop().await;
}

#[tokio::test]
async fn a_deleted_topics_schemas_are_gone_and_deleted_schemas_leave_their_numbers() {
    let data = tempdir().unwrap();
    let running = Running::start(data.path()).await;
    let topic = TOPIC.parse().unwrap();
    let mut peer = running.peer().await;
    produce(&mut peer, TOPIC, Some(avro(ID))).await.unwrap();
    assert_eq!(running.broker.delete_schemas(&topic).unwrap(), 1);
    assert_eq!(get(&mut peer, TOPIC, None).await.error_code(), ServerError::TopicNotFound);
    running.stop().await;

    let running = Running::start(data.path()).await;
    let mut peer = running.peer().await;
    assert_eq!(produce(&mut peer, TOPIC, Some(avro(REQUIRED))).await, Ok(version(2)));
    running.broker.delete_topic(&topic, true).unwrap();
    assert_eq!(peer.answer().await, Command::close_producer(1));
    running.stop().await;

    let running = Running::start(data.path()).await;
    let mut peer = running.peer().await;
    assert_eq!(get(&mut peer, TOPIC, None).await.error_code(), ServerError::TopicNotFound);
    assert_eq!(produce(&mut peer, TOPIC, Some(avro(ID))).await, Ok(version(0)));
    running.stop().await;
}
