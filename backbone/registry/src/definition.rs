//! A schema as a client or an operator gives it.

use std::collections::BTreeMap;

use bytes::Bytes;
use hexalpes_wire::proto::{KeyValue as Property, Schema, SchemaType};

use crate::{avro, key_value::KeyValue};

/// One schema, without a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    pub kind: SchemaType,
    /// For AVRO, JSON and PROTOBUF an Avro schema in JSON, for `PROTOBUF_NATIVE` its descriptors in JSON, for
    /// `KEY_VALUE` a [`KeyValue`]; empty for the rest.
    pub data: Bytes,
    pub properties: BTreeMap<String, String>,
}

/// Why a definition is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDefinition {
    #[error("definition of a schema of type {kind} cannot be read: {why}")]
    Unreadable { kind: &'static str, why: String },
    #[error("a schema of type {kind} has no definition, and this one has {bytes} bytes")]
    NotEmpty { kind: &'static str, bytes: usize },
    #[error("type {kind} is a client's, and no schema of a topic")]
    ClientSide { kind: &'static str },
}

const KINDS: [(SchemaType, &str); 22] = [
    (SchemaType::None, "NONE"),
    (SchemaType::String, "STRING"),
    (SchemaType::Json, "JSON"),
    (SchemaType::Protobuf, "PROTOBUF"),
    (SchemaType::Avro, "AVRO"),
    (SchemaType::Bool, "BOOLEAN"),
    (SchemaType::Int8, "INT8"),
    (SchemaType::Int16, "INT16"),
    (SchemaType::Int32, "INT32"),
    (SchemaType::Int64, "INT64"),
    (SchemaType::Float, "FLOAT"),
    (SchemaType::Double, "DOUBLE"),
    (SchemaType::Date, "DATE"),
    (SchemaType::Time, "TIME"),
    (SchemaType::Timestamp, "TIMESTAMP"),
    (SchemaType::KeyValue, "KEY_VALUE"),
    (SchemaType::Instant, "INSTANT"),
    (SchemaType::LocalDate, "LOCAL_DATE"),
    (SchemaType::LocalTime, "LOCAL_TIME"),
    (SchemaType::LocalDateTime, "LOCAL_DATE_TIME"),
    (SchemaType::ProtobufNative, "PROTOBUF_NATIVE"),
    (SchemaType::AutoConsume, "AUTO_CONSUME"),
];

/// How Pulsar's REST interface and its properties write a type.
pub fn kind_name(kind: SchemaType) -> &'static str {
    let named = KINDS.iter().find(|(known, _)| *known == kind);
    named.map(|(_, name)| *name).expect("the table has every type")
}

/// `BYTES` is what clients call a topic's having no schema.
pub fn parse_kind(name: &str) -> Option<SchemaType> {
    if name == "BYTES" {
        return Some(SchemaType::None);
    }
    KINDS.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind)
}

impl Definition {
    pub fn new(kind: SchemaType, data: impl Into<Bytes>) -> Self {
        Self { kind, data: data.into(), properties: BTreeMap::new() }
    }

    /// As the protocol carries it, under the name of what it is the schema of.
    pub fn to_wire(&self, name: &str) -> Schema {
        let property = |(key, value): (&String, &String)| Property { key: key.clone(), value: value.clone() };
        Schema {
            name: name.to_owned(),
            schema_data: self.data.clone(),
            r#type: self.kind.into(),
            properties: self.properties.iter().map(property).collect(),
        }
    }

    /// Whether it can be a topic's schema at all.
    pub fn check(&self) -> Result<(), InvalidDefinition> {
        let kind = kind_name(self.kind);
        let unreadable = |why: String| InvalidDefinition::Unreadable { kind, why };
        match self.kind {
            // Not kept for anything, and so whatever it is.
            SchemaType::None => Ok(()),
            SchemaType::Avro | SchemaType::Protobuf => avro::parse(&self.data).map(drop).map_err(unreadable),
            // Before it was an Avro schema, it was a JSON schema, and there are old clients.
            SchemaType::Json => match (avro::parse(&self.data), json_schema(&self.data)) {
                (Err(why), None) => Err(unreadable(why)),
                _ => Ok(()),
            },
            SchemaType::ProtobufNative => root_message(&self.data).map(drop).map_err(unreadable),
            SchemaType::KeyValue => {
                let KeyValue { key, value } = KeyValue::of(self)?;
                key.check()?;
                value.check()
            }
            SchemaType::AutoConsume => Err(InvalidDefinition::ClientSide { kind }),
            // Python's client writes its `None` so.
            SchemaType::String if *self.data == *b"null" => Ok(()),
            _ if self.data.is_empty() => Ok(()),
            _ => Err(InvalidDefinition::NotEmpty { kind, bytes: self.data.len() }),
        }
    }

    /// Whether it says the same: for what is written as an Avro schema regardless of how.
    pub fn equals(&self, other: &Self) -> bool {
        if self.kind != other.kind {
            return false;
        }
        if self.data == other.data {
            return true;
        }
        let is_avro = matches!(self.kind, SchemaType::Avro | SchemaType::Json | SchemaType::Protobuf);
        is_avro
            && match (avro::parse(&self.data), avro::parse(&other.data)) {
                (Ok(one), Ok(two)) => avro::equals(&one, &two),
                _ => false,
            }
    }
}

impl From<&Schema> for Definition {
    fn from(schema: &Schema) -> Self {
        let properties = schema.properties.iter();
        Self {
            kind: schema.r#type(),
            data: schema.schema_data.clone(),
            properties: properties.map(|property| (property.key.clone(), property.value.clone())).collect(),
        }
    }
}

/// The `id` of a JSON schema, empty without one; none if it is no JSON schema.
pub(crate) fn json_schema(data: &[u8]) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(data).ok()?;
    value.get("type")?;
    Some(value.get("id").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned())
}

/// The name of the message that a `PROTOBUF_NATIVE` schema describes.
pub(crate) fn root_message(data: &[u8]) -> Result<String, String> {
    let value: serde_json::Value = serde_json::from_slice(data).map_err(|error| error.to_string())?;
    let name = value.get("rootMessageTypeName").and_then(serde_json::Value::as_str);
    name.map(str::to_owned).ok_or_else(|| "it names no rootMessageTypeName".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_has_one_name() {
        for (kind, name) in KINDS {
            assert_eq!((kind_name(kind), parse_kind(name)), (name, Some(kind)));
        }
        assert_eq!(parse_kind("BYTES"), Some(SchemaType::None));
        assert_eq!(parse_kind("SCHEMA"), None);
    }

    #[test]
    fn a_primitive_has_no_definition() {
        assert_eq!(Definition::new(SchemaType::Int32, "").check(), Ok(()));
        assert_eq!(Definition::new(SchemaType::String, "null").check(), Ok(()));
        let refused = Definition::new(SchemaType::String, "xx").check().unwrap_err();
        assert_eq!(
            refused.to_string(),
            "a schema of type STRING has no definition, and this one has 2 bytes"
        );
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for kind in [
            SchemaType::Avro,
            SchemaType::Json,
            SchemaType::Protobuf,
            SchemaType::ProtobufNative,
            SchemaType::KeyValue,
        ] {
            let refused = Definition::new(kind, "nonsense").check().unwrap_err();
            assert!(matches!(refused, InvalidDefinition::Unreadable { .. }), "{refused}");
        }
        let auto = Definition::new(SchemaType::AutoConsume, "").check();
        assert_eq!(auto, Err(InvalidDefinition::ClientSide { kind: "AUTO_CONSUME" }));
    }

    #[test]
    fn a_definition_goes_over_the_wire_and_back() {
        let mut definition = Definition::new(SchemaType::String, "");
        definition.properties.insert("k".to_owned(), "v".to_owned());
        assert_eq!(Definition::from(&definition.to_wire("orders")), definition);
    }
}
