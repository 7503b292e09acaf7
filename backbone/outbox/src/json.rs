//! JSON that is put together by hand: of what a relay sends most is a payload in another text, and to have that written by
//! its fields was the largest single piece of its work.

use serde::Serialize;

/// A text that is being written.
pub(crate) struct Json(Vec<u8>);

impl Json {
    pub(crate) fn with_room(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    /// What is JSON already.
    pub(crate) fn raw(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    pub(crate) fn value(&mut self, value: &impl Serialize) {
        serde_json::to_writer(&mut self.0, value).expect("a row has nothing that JSON cannot hold");
    }

    /// A text in quotes. JSON within JSON has many quotes and hardly anything else to escape, so each byte goes one way
    /// whether it is one or not, and the processor has nothing to guess.
    pub(crate) fn text(&mut self, text: &str) {
        if text.bytes().min().is_some_and(|least| least < b' ') {
            return self.value(&text);
        }
        let begin = self.0.len();
        self.0.resize(begin + 2 * text.len() + 2, b'"');
        let room = &mut self.0[begin..];
        let mut at = 1;
        for byte in text.bytes() {
            room[at] = b'\\';
            at += usize::from(byte == b'"') + usize::from(byte == b'\\');
            room[at] = byte;
            at += 1;
        }
        room[at] = b'"';
        self.0.truncate(begin + at + 1);
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_what_others_write_for_it() {
        for text in
            ["", "a", "\"", "\\", "\\\"\\", r#"{"a":"b\"c\\","ñ":"📡"}"#, "a\nb\"", "\u{7f}\0", "\"\"\"\""]
        {
            let mut json = Json(b"before".to_vec());
            json.text(text);
            let written = String::from_utf8(json.0).unwrap();
            assert_eq!(written, format!("before{}", serde_json::to_string(text).unwrap()));
        }
    }
}
