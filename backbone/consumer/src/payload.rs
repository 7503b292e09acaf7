//! What a message holds, once it is clear what it was written with.

use std::collections::HashMap;

use bytes::Bytes;
use hexalpes_avro::{DecodeError, NoRecord, Record};
use hexalpes_client::{Consumer, Message, OpenError, SchemaType, version_number};

/// Versions of a topic's schema that are kept parsed.
const RECORDS_MAX: usize = 100;

/// A payload as a handler gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Payload {
    /// The message's own bytes.
    AsSent,
    /// They were Avro: this is the JSON that they said.
    Decoded(Bytes),
}

/// Why bytes say nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Undecodable {
    #[error("the topic does not have the schema that it was written with, version {0}")]
    NoSchema(String),
    #[error(transparent)]
    NoRecord(#[from] NoRecord),
    #[error(transparent)]
    Unfit(#[from] DecodeError),
}

/// The schemas that the messages of a topic were written with, by their versions.
#[derive(Debug, Default)]
pub(crate) struct Schemas {
    known: HashMap<Bytes, Written>,
}

#[derive(Debug)]
enum Written {
    Avro(Record),
    /// As text, or as whatever only its reader knows.
    Otherwise,
}

impl Schemas {
    /// Decodes what was written in Avro, with the writer's schema, which is asked for once.
    pub(crate) async fn read(
        &mut self,
        consumer: &Consumer,
        message: &Message,
    ) -> Result<Result<Payload, Undecodable>, OpenError> {
        let Some(version) = &message.schema_version else { return Ok(Ok(Payload::AsSent)) };
        if !self.known.contains_key(version) {
            let Some(schema) = consumer.schema_of(message).await? else {
                return Ok(Err(Undecodable::NoSchema(in_words(version))));
            };
            let written = match schema.kind {
                SchemaType::Avro => match Record::parse(&schema.definition) {
                    Ok(record) => Written::Avro(record),
                    Err(why) => return Ok(Err(why.into())),
                },
                _ => Written::Otherwise,
            };
            if self.known.len() >= RECORDS_MAX {
                self.known.clear();
            }
            self.known.insert(version.clone(), written);
        }
        Ok(match &self.known[version] {
            Written::Avro(record) => match record.decode(&message.payload) {
                Ok(json) => Ok(Payload::Decoded(json.into())),
                Err(why) => Err(why.into()),
            },
            Written::Otherwise => Ok(Payload::AsSent),
        })
    }
}

/// A version as people read it: the number that it is, or its bytes.
pub(crate) fn in_words(version: &[u8]) -> String {
    version_number(version).map_or_else(|| format!("{version:02x?}"), |number| number.to_string())
}
