//! Messages as people read them: a structured `CloudEvent`, whichever way it was written.

use std::collections::HashMap;

use hexalpes_avro::Record;
use hexalpes_client::{Client, Message, OpenError, SchemaType, TopicName, version_number};
use hexalpes_kernel::{CausationId, CloudEvent, CorrelationId, Timestamp};
use serde_json::value::RawValue;

/// Where a dead letter came from, and the version of the schema there that it was written with.
pub(crate) const DLQ_TOPIC: &str = "dlq_topic";
const DLQ_SCHEMA_VERSION: &str = "dlq_schema_version";

/// A message whose schema could not be asked for.
#[derive(Debug, thiserror::Error)]
#[error("the schema of {topic} cannot be read: {why}")]
pub struct ReadError {
    topic: String,
    why: Box<OpenError>,
}

/// Decodes with the schemas that the broker has; asks for each once.
#[derive(Debug)]
pub struct Reading {
    client: Client,
    known: HashMap<(String, u64), Option<Record>>,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// A structured event, or the data as JSON; what is neither, as text.
    pub text: String,
    /// The data alone, where the envelope stands in properties.
    pub data: Option<String>,
}

impl Read {
    /// As it lies there, without what a schema would make of it.
    pub fn raw(message: &Message) -> Self {
        Self { text: String::from_utf8_lossy(&message.payload).into_owned(), data: None }
    }
}

impl Reading {
    pub fn new(client: Client) -> Self {
        Self { client, known: HashMap::new() }
    }

    /// A message of a topic, or a dead letter of one.
    pub async fn read(&mut self, message: &Message) -> Result<Read, ReadError> {
        let version = match (&message.schema_version, message.property(DLQ_SCHEMA_VERSION)) {
            (Some(version), _) => version_number(version),
            (None, Some(version)) => version.parse().ok(),
            (None, None) => None,
        };
        let topic = message.property(DLQ_TOPIC).unwrap_or(&message.topic).to_owned();
        let decoded = match version {
            Some(version) => {
                let record = self.record(&topic, version).await?;
                record.and_then(|record| record.decode(&message.payload).ok())
            }
            None => None,
        };
        let as_text = || String::from_utf8_lossy(&message.payload).into_owned();
        let data = decoded.unwrap_or_else(as_text);
        Ok(match enveloped(message, &data) {
            Some(text) => Read { text, data: Some(data) },
            None => Read { text: data, data: None },
        })
    }

    /// None where a topic has no such schema, or one that is not Avro.
    async fn record(&mut self, topic: &str, version: u64) -> Result<Option<&Record>, ReadError> {
        // What a dead letter says of its origin is anybody's word.
        let Ok(topic) = TopicName::parse(topic) else { return Ok(None) };
        let topic = topic.without_partition().to_string();
        let key = (topic, version);
        if !self.known.contains_key(&key) {
            let bytes = version.to_be_bytes().to_vec().into();
            let found = self.client.schema(&key.0, Some(&bytes)).await;
            let found = found.map_err(|why| ReadError { topic: key.0.clone(), why: Box::new(why) })?;
            let avro = found.filter(|found| found.schema.kind == SchemaType::Avro);
            let record = avro.and_then(|avro| Record::parse(&avro.schema.definition).ok());
            self.known.insert(key.clone(), record);
        }
        Ok(self.known[&key].as_ref())
    }
}

/// The envelope of the properties around the data; none where there is no envelope, or the data is no JSON.
fn enveloped(message: &Message, data: &str) -> Option<String> {
    let attribute = |name: &str| message.property(name).map(str::to_owned);
    let data = RawValue::from_string(data.to_owned()).ok()?;
    let (kind, id) = (attribute("ce_type")?, attribute("ce_id")?);
    let time = message.property("ce_time").and_then(|time| Timestamp::parse(time).ok())?;
    let mut event = CloudEvent::new(kind, attribute("ce_source").unwrap_or_default(), id, time, data);
    event.subject = attribute("ce_subject");
    event.dataschema = attribute("ce_dataschema");
    event.correlationid = message.property("ce_correlationid").and_then(|id| CorrelationId::parse(id).ok());
    event.causationid = message.property("ce_causationid").and_then(|id| CausationId::parse(id).ok());
    Some(event.to_json())
}
