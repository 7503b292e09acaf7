//! What the payloads of a topic are: declared by producers and consumers, kept and judged by the broker.
//!
//! Not here: encoding. A payload is bytes; which schema they were written with, its version says.

use bytes::Bytes;
use hexalpes_wire::TopicName;
use hexalpes_wire::proto::{self, Command, CommandGetSchema, KeyValue, SchemaType, ServerError};

use crate::client;
use crate::error::{OpenError, RequestError};
use crate::lookup;

/// A schema as the protocol has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    pub kind: SchemaType,
    /// For people; it is no part of what is compared.
    pub name: String,
    /// For Avro and JSON an Avro schema in JSON, for primitive types nothing.
    pub definition: Bytes,
    pub properties: Vec<(String, String)>,
}

/// A schema, and its version on one topic: eight bytes, which messages carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionedSchema {
    pub schema: Schema,
    pub version: Bytes,
}

/// A version as the number that it is; none of a broker that counts otherwise.
pub fn version_number(version: &[u8]) -> Option<u64> {
    <[u8; 8]>::try_from(version).ok().map(u64::from_be_bytes)
}

impl Schema {
    pub fn new(kind: SchemaType, definition: impl Into<Bytes>) -> Self {
        Self { kind, name: String::new(), definition: definition.into(), properties: Vec::new() }
    }

    /// Payloads are Avro's binary form of records of this Avro schema.
    pub fn avro(definition: impl Into<Bytes>) -> Self {
        Self::new(SchemaType::Avro, definition)
    }

    /// Payloads are JSON objects with the fields of this Avro schema.
    pub fn json(definition: impl Into<Bytes>) -> Self {
        Self::new(SchemaType::Json, definition)
    }

    /// For consumers: whatever the topic has. [`Consumer::schema_of`](crate::Consumer::schema_of) says what a
    /// message was written with.
    pub fn any() -> Self {
        Self::new(SchemaType::AutoConsume, Bytes::new())
    }

    pub(crate) fn on_the_wire(&self) -> proto::Schema {
        proto::Schema {
            name: self.name.clone(),
            schema_data: self.definition.clone(),
            r#type: self.kind.into(),
            properties: self.properties.iter().map(|(key, value)| KeyValue::new(key, value)).collect(),
        }
    }

    fn from_the_wire(schema: proto::Schema) -> Self {
        Self {
            kind: schema.r#type(),
            name: schema.name,
            definition: schema.schema_data,
            properties: schema.properties.into_iter().map(|pair| (pair.key, pair.value)).collect(),
        }
    }
}

/// The schema of that version on a topic, or the newest; none if there is none.
pub(crate) async fn of(
    client: &client::Inner,
    topic: &TopicName,
    version: Option<&Bytes>,
) -> Result<Option<VersionedSchema>, OpenError> {
    client.insist(|| ask(client, topic, version)).await
}

async fn ask(
    client: &client::Inner,
    topic: &TopicName,
    version: Option<&Bytes>,
) -> Result<Option<VersionedSchema>, OpenError> {
    let topic = topic.without_partition();
    let (connection, _) = client.pool.service().await?;
    let answer = connection
        .request(|request_id| {
            Command::GetSchema(CommandGetSchema {
                request_id,
                topic: topic.to_string(),
                schema_version: version.cloned(),
            })
        })
        .await;
    match answer {
        Ok(Command::GetSchemaResponse(response)) => {
            let version = response.schema_version.or_else(|| version.cloned()).unwrap_or_default();
            let schema = response.schema.map(Schema::from_the_wire);
            Ok(schema.map(|schema| VersionedSchema { schema, version }))
        }
        // So is a topic told that has none.
        Err(RequestError::Refused(refusal)) if refusal.error == ServerError::TopicNotFound => Ok(None),
        Ok(other) => Err(lookup::unexpected("GET_SCHEMA", &other).into()),
        Err(error) => Err(error.into()),
    }
}
