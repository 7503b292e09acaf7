//! A schema of two: of the key and of the value.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use hexalpes_wire::proto::SchemaType;

use crate::definition::{Definition, InvalidDefinition, kind_name, parse_kind};

/// The two schemas of one of type `KEY_VALUE`, whose data is each one's length, in four bytes with the big end
/// first, and its data. Their types are in the properties `key.schema.type` and `value.schema.type`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyValue {
    pub key: Definition,
    pub value: Definition,
}

impl KeyValue {
    /// The two in a definition of type `KEY_VALUE`.
    pub fn of(definition: &Definition) -> Result<Self, InvalidDefinition> {
        let unreadable = |why: &str| InvalidDefinition::Unreadable {
            kind: kind_name(SchemaType::KeyValue),
            why: why.to_owned(),
        };
        let mut rest = definition.data.clone();
        let mut part = |which: &str| {
            let ends = || unreadable(&format!("it ends in the middle of the {which}'s schema"));
            let length = rest.try_get_i32().map_err(|_| ends())?;
            // What has no data is written as -1 by some clients.
            let length = usize::try_from(length).unwrap_or(0);
            let data: Bytes = if length > rest.len() { return Err(ends()) } else { rest.split_to(length) };
            let kind = match definition.properties.get(&format!("{which}.schema.type")) {
                Some(name) => parse_kind(name)
                    .ok_or_else(|| unreadable(&format!("{which}.schema.type {name:?} is no type")))?,
                None => SchemaType::None,
            };
            if kind == SchemaType::KeyValue {
                return Err(unreadable(&format!("the {which}'s schema is of type KEY_VALUE itself")));
            }
            Ok(Definition::new(kind, data))
        };
        Ok(Self { key: part("key")?, value: part("value")? })
    }

    /// The data of a definition of both.
    pub fn join(key: &[u8], value: &[u8]) -> Bytes {
        let mut data = BytesMut::new();
        for part in [key, value] {
            // No frame and no body is that large.
            data.put_u32(u32::try_from(part.len()).unwrap_or(u32::MAX));
            data.put_slice(part);
        }
        data.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_two(key: &str, value: &str, data: impl Into<Bytes>) -> Definition {
        let mut definition = Definition::new(SchemaType::KeyValue, data);
        let types = [("key.schema.type", key), ("value.schema.type", value)];
        definition.properties = types.map(|(name, kind)| (name.to_owned(), kind.to_owned())).into();
        definition
    }

    #[test]
    fn both_schemas_are_found() {
        let avro = r#"{"type":"record","name":"A","fields":[]}"#;
        let definition = of_two("STRING", "AVRO", KeyValue::join(b"", avro.as_bytes()));
        let KeyValue { key, value } = KeyValue::of(&definition).unwrap();
        assert_eq!(key, Definition::new(SchemaType::String, ""));
        assert_eq!(value, Definition::new(SchemaType::Avro, avro));
        assert_eq!(definition.check(), Ok(()));
    }

    #[test]
    fn what_is_cut_or_names_no_type_is_refused() {
        let whole = KeyValue::join(b"", b"{}");
        for end in 0..whole.len() {
            of_two("STRING", "AVRO", whole.slice(..end)).check().unwrap_err();
        }
        let refused = of_two("STRING", "FOO", whole.clone()).check().unwrap_err().to_string();
        assert!(refused.contains("value.schema.type \"FOO\" is no type"), "{refused}");
        of_two("KEY_VALUE", "STRING", KeyValue::join(&whole, b"")).check().unwrap_err();
    }
}
