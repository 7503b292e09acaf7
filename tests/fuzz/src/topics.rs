//! Names of topics, and ids of messages as text.

use hexalpes_wire::{MessageId, TopicName};

/// What can be read is written in a way that is read as the same.
pub(crate) fn names(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(name) = TopicName::parse(text) {
        let written = name.to_string();
        assert_eq!(TopicName::parse(&written).unwrap(), name);
        assert_eq!(TopicName::parse(&written).unwrap().to_string(), written);
    }
    if let Ok(id) = text.parse::<MessageId>() {
        assert_eq!(id.to_string().parse::<MessageId>().unwrap(), id);
    }
}
