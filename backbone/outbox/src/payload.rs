//! JSON as it stands in its column.

use bytestring::ByteString;
use serde::{Serialize, Serializer, ser::Error as _};
use serde_json::value::RawValue;

/// A payload: JSON, and the same text wherever it goes. It may be a part of what was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload(ByteString);

impl Payload {
    /// Without the blanks around it.
    pub fn parse(text: &ByteString) -> Result<Self, serde_json::Error> {
        let json: &RawValue = serde_json::from_str(text)?;
        Ok(Self(text.slice_ref(json.get())))
    }

    pub fn get(&self) -> &str {
        &self.0
    }

    /// For a message that is the payload alone.
    pub(crate) fn text(&self) -> ByteString {
        self.0.clone()
    }
}

impl From<Box<RawValue>> for Payload {
    fn from(json: Box<RawValue>) -> Self {
        Self(Box::<str>::from(json).into())
    }
}

impl Serialize for Payload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let json: &RawValue = serde_json::from_str(&self.0).map_err(S::Error::custom)?;
        json.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_stays_as_it_was_written_and_nothing_else_is_a_payload() {
        let payload = Payload::parse(&" { \"n\": 1.50 } ".into()).unwrap();
        assert_eq!(payload.get(), r#"{ "n": 1.50 }"#);
        assert_eq!(serde_json::to_string(&payload).unwrap(), payload.get());
        for text in ["", "{", "{} {}"] {
            assert!(Payload::parse(&text.into()).is_err(), "{text}");
        }
    }
}
