//! JSON that is put together by hand: of what a relay sends most is a payload in another text, and to have that written by
//! its fields was the largest single piece of its work.

use bytes::{Bytes, BytesMut};
use json_escape_simd::escape_into;
use serde::Serialize;

/// What messages lie in, one behind the other, until they are sent.
const PAGE_BYTES: usize = 64 * 1024;
/// Room that a large text made is kept up to here. Escaping takes six times the text's.
const ROOM_BYTES_MAX: usize = 1024 * 1024;

/// Writes the texts of messages one after another in the same place, which stays near the processor, and puts them into
/// pages, so that small ones take no piece of memory of their own.
#[derive(Debug, Default)]
pub(crate) struct Pen {
    text: Json,
    page: BytesMut,
}

impl Pen {
    pub(crate) fn write(&mut self, write: impl FnOnce(&mut Json)) -> Bytes {
        write(&mut self.text);
        let text = &self.text.0;
        if self.page.capacity() < text.len() {
            self.page = BytesMut::with_capacity(text.len().max(PAGE_BYTES));
        }
        self.page.extend_from_slice(text);
        self.text.0.clear();
        self.text.0.shrink_to(ROOM_BYTES_MAX);
        self.page.split().freeze()
    }
}

/// A text that is being written.
#[derive(Debug, Default)]
pub(crate) struct Json(Vec<u8>);

impl Json {
    /// What is JSON already.
    pub(crate) fn raw(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    pub(crate) fn value(&mut self, value: &impl Serialize) {
        serde_json::to_writer(&mut self.0, value).expect("a row has nothing that JSON cannot hold");
    }

    /// A text in quotes.
    pub(crate) fn text(&mut self, text: &str) {
        escape_into(text, &mut self.0);
    }

    /// A part of a text whose first quote stands there.
    pub(crate) fn part(&mut self, text: &str) {
        let before = self.0.pop().expect("its first quote stands there");
        let at = self.0.len();
        self.text(text);
        self.0.pop();
        self.0[at] = before;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_what_others_write_for_it() {
        for text in [
            "",
            "a",
            "\"",
            "\\",
            "\\\"\\",
            r#"{"a":"b\"c\\","ñ":"📡"}"#,
            "a\nb\"",
            "\u{7f}\0\u{1f}",
            "\"\"\"\"",
        ] {
            for text in [text.to_owned(), text.repeat(40)] {
                let mut json = Json(b"before".to_vec());
                json.text(&text);
                let written = String::from_utf8(json.0).unwrap();
                assert_eq!(written, format!("before{}", serde_json::to_string(&text).unwrap()));
                let mut parts = Json(Vec::new());
                parts.raw("\"//");
                parts.part(&text);
                parts.raw("/");
                parts.part(&text);
                parts.raw("\"");
                let whole = serde_json::to_string(&format!("//{text}/{text}")).unwrap();
                assert_eq!(String::from_utf8(parts.0).unwrap(), whole);
            }
        }
    }

    #[test]
    fn texts_lie_in_pages_and_stay_as_they_were_written() {
        let mut pen = Pen::default();
        let length = |at: usize| if at == 50 { 3 * PAGE_BYTES } else { at * 100 };
        let written: Vec<Bytes> =
            (0..100).map(|at| pen.write(|json| json.raw(&"x".repeat(length(at))))).collect();
        for (at, text) in written.iter().enumerate() {
            assert_eq!(*text, "x".repeat(length(at)));
        }
    }
}
