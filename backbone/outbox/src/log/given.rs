//! Which rows of a table were given, where snapshots come before the log.
//!
//! A snapshot that is interrupted goes on as another one, of a later place in the log. Before that gives rows of higher
//! keys, the log between the two is read for the rows of the lower keys that were committed meanwhile: an aggregate may
//! have some of each, and its rows with lower keys were committed first. So whatever happened, what was given are the
//! rows with keys up to one, as they were at one place of the log.

use std::fmt;

use bytes::Bytes;
use hexalpes_capture::{Position, Value};
use hexalpes_kernel::Uuid;
use serde::{Deserialize, Serialize};

/// By what a snapshot's rows are in order. Which order that is only the database knows; here keys are the same or not.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Key {
    Integer(i64),
    Text { text: String },
    Uuid { uuid: Uuid },
    Bytes { bytes: Vec<u8> },
}

impl Key {
    /// None of what no table has for a key.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Integer(number) => Self::Integer(*number),
            Value::Text(text) => Self::Text { text: text.to_string() },
            Value::Uuid(uuid) => Self::Uuid { uuid: *uuid },
            Value::Bytes(bytes) => Self::Bytes { bytes: bytes.to_vec() },
            _ => return None,
        })
    }

    /// What nobody need ask for. None if it is no number.
    pub(crate) fn is_above_number(&self, number: i64) -> Option<bool> {
        match self {
            Self::Integer(own) => Some(*own > number),
            _ => None,
        }
    }

    pub(crate) fn value(&self) -> Value {
        match self {
            Self::Integer(number) => Value::Integer(*number),
            Self::Text { text } => Value::Text(text.as_str().into()),
            Self::Uuid { uuid } => Value::Uuid(*uuid),
            Self::Bytes { bytes } => Value::Bytes(Bytes::copy_from_slice(bytes)),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(number) => write!(f, "{number}"),
            Self::Text { text } => f.write_str(text),
            Self::Uuid { uuid } => write!(f, "{uuid}"),
            Self::Bytes { bytes } => bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
        }
    }
}

/// The rows with keys up to `through` that were committed before `at`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Given {
    /// None: whatever their keys are.
    through: Option<Key>,
    #[serde(with = "position_text")]
    at: Position,
    /// The column of these keys. None where there are none, or it was written down before this was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<String>,
}

impl Given {
    /// What says of a log that is read without a snapshot before it that none of its rows were given.
    pub(crate) const NOTHING: &str = r#"{"at":"0"}"#;

    /// Whatever their keys are.
    pub(crate) fn all(at: &Position) -> Self {
        Self { through: None, at: at.clone(), by: None }
    }

    /// Up to that key, in the order of a column.
    pub(crate) fn up_to(through: Key, by: &str, at: &Position) -> Self {
        Self { through: Some(through), at: at.clone(), by: Some(by.to_owned()) }
    }

    /// The same rows and those that came to their keys since, at a later place.
    pub(crate) fn moved(self, at: &Position) -> Self {
        Self { at: at.clone(), ..self }
    }

    /// None: all.
    pub(crate) fn through(&self) -> Option<&Key> {
        self.through.as_ref()
    }

    /// The column by which they are taken, if it is known.
    pub(crate) fn by(&self) -> Option<&str> {
        self.by.as_deref()
    }

    pub(crate) fn at(&self) -> &Position {
        &self.at
    }
}

/// A place in a log as its text.
pub(super) mod position_text {
    use hexalpes_capture::Position;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(crate) fn serialize<S: Serializer>(position: &Position, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&position.kept())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Position, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_is_the_same_when_it_is_read_again() {
        let at = Position::new("bin.2", 50);
        let given = Given::up_to(Key::Integer(20), "seq", &at);
        let written = serde_json::to_string(&given).unwrap();
        assert_eq!(written, r#"{"through":20,"at":"bin.2:50","by":"seq"}"#);
        assert_eq!(serde_json::from_str::<Given>(&written).unwrap(), given);
        assert_eq!(serde_json::to_string(&Given::all(&at)).unwrap(), r#"{"through":null,"at":"bin.2:50"}"#);
        // As it was written down before columns were.
        let old: Given = serde_json::from_str(r#"{"through":20,"at":"bin.2:50"}"#).unwrap();
        assert_eq!((old.through(), old.at(), old.by()), (Some(&Key::Integer(20)), &at, None));
    }

    #[test]
    fn of_a_log_without_a_snapshot_nothing_was_given() {
        let nothing: Given = serde_json::from_str(Given::NOTHING).unwrap();
        assert_eq!(nothing.through(), None);
        assert!(*nothing.at() < Position::new("bin.1", 4) && *nothing.at() < Position::new("", 1));
    }

    #[test]
    fn a_key_is_the_same_when_it_is_read_again() {
        let uuid = "0190a3c2-0000-7000-8000-000000000001".parse().unwrap();
        for value in [
            Value::Integer(-7),
            Value::Text("Ñandú".into()),
            Value::Uuid(uuid),
            Value::Bytes(Bytes::from_static(b"\xff\x00")),
        ] {
            let written = serde_json::to_string(&Key::of(&value).unwrap()).unwrap();
            assert_eq!(serde_json::from_str::<Key>(&written).unwrap().value(), value, "{written}");
        }
    }
}
