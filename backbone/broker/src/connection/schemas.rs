//! What the commands about schemas do.

use hexalpes_wire::proto::{Command, CommandGetOrCreateSchema, CommandGetSchema, SchemaType, ServerError};

use super::{
    Connection,
    commands::{Refusal, topic_name},
};
use crate::schemas::{SchemaError, schema_name};

impl Connection {
    pub(super) fn get_schema(&self, asked: &CommandGetSchema) {
        let answer = match self.schema(asked) {
            Ok(answer) => answer,
            Err((error, why)) => Command::schema_error(asked.request_id, error, why),
        };
        self.outbox.push(&answer);
    }

    fn schema(&self, asked: &CommandGetSchema) -> Result<Command, Refusal> {
        let name = topic_name(&asked.topic)?;
        let number = match asked.schema_version.as_deref() {
            None => None,
            Some(bytes) => Some(version(bytes)?),
        };
        let version = self.shared.asked_schema(&name, number).ok_or_else(|| {
            let why = match number {
                Some(number) => format!("topic {name} has no schema of version {number}"),
                None => format!("topic {name} has no schema"),
            };
            (ServerError::TopicNotFound, why)
        })?;
        let schema = version.definition.to_wire(&schema_name(&name));
        Ok(Command::schema(asked.request_id, schema, version.number))
    }

    pub(super) fn get_or_create_schema(&self, asked: &CommandGetOrCreateSchema) {
        let answer = match self.created_schema(asked) {
            Ok(version) => Command::schema_version(asked.request_id, version),
            Err((error, why)) => Command::schema_version_error(asked.request_id, error, why),
        };
        self.outbox.push(&answer);
    }

    fn created_schema(&self, asked: &CommandGetOrCreateSchema) -> Result<Option<u64>, Refusal> {
        let name = topic_name(&asked.topic)?;
        let existing = self.shared.existing(&name);
        existing.map_err(|error| (ServerError::TopicNotFound, error.to_string()))?;
        // To be without one is no schema here, though a producer may register it.
        let schema = Some(&asked.schema).filter(|schema| schema.r#type() != SchemaType::None);
        let version = self.shared.producer_schema(&name, schema);
        version.map_err(|error| schema_refusal(&error))
    }
}

fn version(bytes: &[u8]) -> Result<u64, Refusal> {
    let eight = <[u8; 8]>::try_from(bytes);
    eight.map(u64::from_be_bytes).map_err(|_| {
        let why = format!("schema_version has {} bytes, and a version has 8", bytes.len());
        (ServerError::IncompatibleSchema, why)
    })
}

pub(super) fn schema_refusal(error: &SchemaError) -> Refusal {
    let kind = match error {
        SchemaError::Refused(_) | SchemaError::NotGiven => ServerError::IncompatibleSchema,
        SchemaError::Metadata(_) => ServerError::MetadataError,
    };
    (kind, error.to_string())
}
