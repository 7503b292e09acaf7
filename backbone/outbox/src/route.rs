//! Where a row goes that is no event: one topic, and what its message has beside the payload.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use bytestring::ByteString;
use hexalpes_client::Outgoing;
use hexalpes_db::DbError;
use serde::{Deserialize, Serialize};

use crate::payload::Payload;

/// Kept in the row's headers, so that the outbox has the columns of Debezium's event router and no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// In full: `persistent://public/default/commands-commissions-dlq`.
    pub topic: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub properties: Vec<(String, String)>,
    /// Milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_time: Option<u64>,
    pub encoding: Encoding,
}

/// How a message's bytes stand in the payload column, which holds JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// A JSON string of the text itself, so that people can read it.
    Text,
    /// A JSON string of base64: for what is no UTF-8.
    Base64,
}

impl Encoding {
    /// The bytes as JSON, and how to read them back.
    pub(crate) fn of(payload: &[u8]) -> (String, Self) {
        let (text, encoding) = match str::from_utf8(payload) {
            Ok(text) => (serde_json::to_string(text), Self::Text),
            Err(_) => (serde_json::to_string(&STANDARD.encode(payload)), Self::Base64),
        };
        (text.expect("a string is always JSON"), encoding)
    }

    fn read(self, payload: &Payload) -> Option<Bytes> {
        let text: String = serde_json::from_str(payload.get()).ok()?;
        match self {
            Self::Text => Some(Bytes::from(text)),
            Self::Base64 => STANDARD.decode(text).ok().map(Bytes::from),
        }
    }
}

impl Route {
    /// The message, without a sequence id.
    pub(crate) fn message(&self, payload: &Payload) -> Result<Outgoing, DbError> {
        let damaged = || DbError::Damaged("outbox_event.payload cannot be read".to_owned());
        let mut message = Outgoing::new(self.encoding.read(payload).ok_or_else(damaged)?);
        message.key = self.key.as_deref().map(ByteString::from);
        message.event_time = self.event_time;
        Ok(message.properties(self.properties.iter().map(|(name, value)| (name.as_str(), value.as_str()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_come_back_to_the_letter() {
        for bytes in [&b""[..], "Ñandú & Cía 📡\0\n\"".as_bytes(), b"{\"a\":1}", b"\x02\xff\x00avro"] {
            let (json, encoding) = Encoding::of(bytes);
            let payload = Payload::parse(&json.into()).unwrap();
            assert_eq!(encoding.read(&payload).unwrap(), bytes);
        }
    }

    #[test]
    fn text_stays_readable_in_the_table() {
        assert_eq!(Encoding::of("Juan Pérez".as_bytes()), ("\"Juan Pérez\"".to_owned(), Encoding::Text));
    }
}
