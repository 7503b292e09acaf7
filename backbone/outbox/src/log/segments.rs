//! Which rows a snapshot has given, where it took several.
//!
//! A snapshot that is interrupted goes on as another one, of a later place in the log. So the rows of a table come in
//! segments by their keys, each as it was at its own position; the log is read from the oldest position on, and a row
//! that the log has was given already if it was committed before the position of its key's segment.

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

/// Rows with keys up to `through`, and above those of the segment before, were read as of `at`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Segment {
    /// None: all that are left.
    through: Option<Key>,
    at: String,
}

/// By their keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Segments(Vec<Segment>);

impl Segments {
    /// The next rows up to that key were read as of that position.
    pub(crate) fn grow(&mut self, through: Option<Key>, at: &Position) {
        let at = at.to_string();
        match self.0.last_mut() {
            Some(last) if last.at == at => last.through = through,
            _ => self.0.push(Segment { through, at }),
        }
    }

    pub(crate) fn last_key(&self) -> Option<&Key> {
        self.0.last().and_then(|last| last.through.as_ref())
    }

    /// Whether a snapshot gave the row with that key, of a transaction that begins there.
    pub(crate) fn have(&self, key: &Key, begins: &Position) -> bool {
        let of_key =
            self.0.iter().find(|segment| segment.through.as_ref().is_none_or(|through| key <= through));
        of_key.is_some_and(|segment| *begins < segment.position())
    }

    /// From where on the log is read.
    pub(crate) fn oldest(&self) -> Option<Position> {
        self.0.iter().map(Segment::position).min()
    }

    /// Whether the log, read up to there, may have rows behind that a snapshot has given.
    pub(crate) fn reach_beyond(&self, boundary: &Position) -> bool {
        self.0.iter().any(|segment| segment.position() > *boundary)
    }
}

impl Segment {
    fn position(&self) -> Position {
        self.at.parse().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_was_given_if_it_was_committed_before_its_segments_position() {
        let (first, second) = (Position::new("bin.1", 100), Position::new("bin.2", 50));
        let mut segments = Segments::default();
        let key = Key::Integer;
        segments.grow(Some(key(10)), &first);
        segments.grow(Some(key(20)), &first);
        segments.grow(Some(key(30)), &second);
        assert_eq!(segments.last_key(), Some(&key(30)));
        segments.grow(None, &second);
        assert_eq!(segments.last_key(), None);
        let before = Position::new("bin.1", 99);
        assert!(segments.have(&key(15), &before) && !segments.have(&key(15), &first));
        assert!(segments.have(&key(25), &first) && segments.have(&key(99), &first));
        assert!(!segments.have(&key(99), &second));
        assert_eq!(segments.oldest(), Some(first.clone()));
        assert!(segments.reach_beyond(&first) && !segments.reach_beyond(&second));
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
