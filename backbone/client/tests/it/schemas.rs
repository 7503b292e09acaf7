//! Schemas that producers and consumers declare, and what a message says of its own.

use hexalpes_client::{
    ConsumerOptions, OpenError, Outgoing, ProducerOptions, RequestError, Schema, SchemaType, ServerError,
};

use crate::engine::{next, on_every_engine, send_all};

const FIRST: &str = r#"{"type":"record","name":"Sale","fields":[{"name":"id","type":"string"}]}"#;
const SECOND: &str = r#"{"type":"record","name":"Sale","fields":[{"name":"id","type":"string"},{"name":"note","type":"string","default":""}]}"#;

fn declaring(schema: Schema) -> ProducerOptions {
    ProducerOptions { schema: Some(schema), ..ProducerOptions::default() }
}

#[tokio::test]
async fn a_message_says_which_schema_it_was_written_with() {
    on_every_engine(async |engine| {
        let topic = engine.partitioned("versions", 2).await;
        let client = engine.client().await;
        assert_eq!(client.schema(&topic, None).await.unwrap(), None);
        let mut written = Vec::new();
        for definition in [FIRST, SECOND, FIRST] {
            let schema = Schema {
                properties: vec![("owner".to_owned(), "sales".to_owned())],
                ..Schema::avro(definition)
            };
            let producer = client.producer(&topic, declaring(schema.clone())).await.unwrap();
            let version = producer.schema_version().unwrap();
            send_all(&producer, [Outgoing::new(&b"\x02x"[..]).key("one key")]).await;
            let found = client.schema(&topic, Some(&version)).await.unwrap().unwrap();
            assert_eq!((found.version, found.schema.kind), (version.clone(), SchemaType::Avro));
            assert_eq!(found.schema.definition, definition);
            assert_eq!(found.schema.properties, schema.properties);
            written.push((version, definition));
        }
        assert_eq!(written[0].0, written[2].0, "an equal one is the version that there is");
        let newest = client.schema(&topic, None).await.unwrap().unwrap();
        assert_eq!(newest.version, written[1].0);

        let options = ConsumerOptions { schema: Some(Schema::any()), ..ConsumerOptions::new("sub") };
        let consumer = client.consumer(&topic, options.from_earliest()).await.unwrap();
        for (version, definition) in written {
            let message = next(&consumer).await;
            assert_eq!(message.schema_version, Some(version));
            let schema = consumer.schema_of(&message).await.unwrap().unwrap();
            assert_eq!(schema.definition, definition);
        }
    })
    .await;
}

#[tokio::test]
async fn a_schema_that_does_not_go_with_the_topic_is_refused_to_either_end() {
    on_every_engine(async |engine| {
        let topic = engine.topic("incompatible");
        let client = engine.client().await;
        let _producer = client.producer(&topic, declaring(Schema::json(FIRST))).await.unwrap();
        let other = Schema::json(FIRST.replace("string", "int"));
        let refused = [
            client.producer(&topic, declaring(other.clone())).await.unwrap_err(),
            client
                .consumer(&topic, ConsumerOptions { schema: Some(other), ..ConsumerOptions::new("sub") })
                .await
                .unwrap_err(),
        ];
        for error in refused {
            let OpenError::Request(RequestError::Refused(refusal)) = &error else { panic!("{error}") };
            assert_eq!(refusal.error, ServerError::IncompatibleSchema, "{error}");
        }
        let reading = ConsumerOptions { schema: Some(Schema::json(SECOND)), ..ConsumerOptions::new("sub") };
        client.consumer(&topic, reading).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_text_has_a_schema_as_well() {
    on_every_engine(async |engine| {
        let topic = engine.topic("text");
        let client = engine.client().await;
        let text = || Schema::new(SchemaType::String, "");
        let producer = client.producer(&topic, declaring(text())).await.unwrap();
        let options = ConsumerOptions { schema: Some(text()), ..ConsumerOptions::new("sub") };
        let consumer = client.consumer(&topic, options).await.unwrap();
        send_all(&producer, ["Ñandú"]).await;
        let message = next(&consumer).await;
        assert_eq!(message.payload, "Ñandú".as_bytes());
        assert_eq!(consumer.schema_of(&message).await.unwrap().unwrap().kind, SchemaType::String);
    })
    .await;
}
