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

/// By what a snapshot's rows are in order. Texts are compared byte by byte.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
            Value::Text(text) => Self::Text { text: text.clone() },
            Value::Uuid(uuid) => Self::Uuid { uuid: *uuid },
            Value::Bytes(bytes) => Self::Bytes { bytes: bytes.to_vec() },
            _ => return None,
        })
    }

    pub(crate) fn value(&self) -> Value {
        match self {
            Self::Integer(number) => Value::Integer(*number),
            Self::Text { text } => Value::Text(text.clone()),
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
    at: String,
}

impl Given {
    /// What says of a log that is read without a snapshot before it that none of its rows were given.
    pub(crate) const NOTHING: &str = r#"{"at":"0"}"#;

    pub(crate) fn up_to(through: Option<Key>, at: &Position) -> Self {
        Self { through, at: at.to_string() }
    }

    /// None: all.
    pub(crate) fn through(&self) -> Option<&Key> {
        self.through.as_ref()
    }

    pub(crate) fn at(&self) -> Position {
        self.at.parse().unwrap_or_default()
    }

    /// Whether these rows are all that were committed before a place with that key.
    pub(crate) fn has(&self, key: &Key, begins: &Position) -> bool {
        self.is_of(key) && *begins < self.at()
    }

    /// Whether rows of that key are given, once they are committed.
    pub(crate) fn is_of(&self, key: &Key) -> bool {
        self.through.as_ref().is_none_or(|through| key <= through)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_was_given_if_its_key_and_its_commit_were_before() {
        let (at, before) = (Position::new("bin.2", 50), Position::new("bin.1", 99));
        let given = Given::up_to(Some(Key::Integer(20)), &at);
        assert!(given.has(&Key::Integer(20), &before) && !given.has(&Key::Integer(20), &at));
        assert!(!given.has(&Key::Integer(21), &before));
        let all = Given::up_to(None, &at);
        assert!(all.has(&Key::Integer(21), &before) && !all.has(&Key::Integer(21), &at));
    }

    #[test]
    fn of_a_log_without_a_snapshot_nothing_was_given() {
        let nothing: Given = serde_json::from_str(Given::NOTHING).unwrap();
        assert!(!nothing.has(&Key::Integer(1), &Position::new("bin.1", 4)));
        assert!(!nothing.has(&Key::Integer(1), &Position::new("", 1)));
    }

    #[test]
    fn a_key_is_the_same_when_it_is_read_again() {
        let uuid = "0190a3c2-0000-7000-8000-000000000001".parse().unwrap();
        for value in [
            Value::Integer(-7),
            Value::Text("Ñandú".to_owned()),
            Value::Uuid(uuid),
            Value::Bytes(Bytes::from_static(b"\xff\x00")),
        ] {
            let written = serde_json::to_string(&Key::of(&value).unwrap()).unwrap();
            assert_eq!(serde_json::from_str::<Key>(&written).unwrap().value(), value, "{written}");
        }
    }
}
