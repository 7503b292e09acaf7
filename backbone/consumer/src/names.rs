//! Names as the inbox holds them, on every database.

use std::fmt::Write as _;

use hexalpes_client::Message;
use sha2::{Digest as _, Sha256};

/// What an id's column holds on every database.
pub(crate) const ID_BYTES_MAX: usize = 255;

pub(crate) fn is_storable(name: &str) -> bool {
    !name.is_empty() && name.len() <= ID_BYTES_MAX && !name.contains(char::is_control)
}

/// What a message is called that has no name of its own: its topic and its place there.
///
/// Of a very long topic the end alone: a subscription has one topic, so its places tell its messages apart.
pub(crate) fn of_message(message: &Message) -> String {
    let place = message.id.to_string();
    let topic = &*message.topic;
    let room = ID_BYTES_MAX - place.len() - 1;
    let from = (topic.len().saturating_sub(room)..=topic.len())
        .find(|at| topic.is_char_boundary(*at))
        .unwrap_or(topic.len());
    format!("{}/{place}", &topic[from..])
}

/// A key as it is, or its digest where a column could not hold it.
pub(crate) fn of_key(key: &str) -> String {
    if is_storable(key) { key.to_owned() } else { format!("sha256:{}", digest(&[key.as_bytes()])) }
}

/// SHA-256 of the parts in hexadecimal.
pub(crate) fn digest(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    hash.finalize().iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
