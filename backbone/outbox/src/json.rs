//! JSON that is put together by hand: of what a relay sends most is a payload in another text, and to have that written by
//! its fields was the largest single piece of its work.

use serde::Serialize;

/// What stands in a text for a byte that is no control character: two bytes, of which `len` count.
#[derive(Clone, Copy)]
struct Written {
    bytes: [u8; 2],
    len: u8,
}

const WRITTEN: [Written; 256] = {
    let mut written = [Written { bytes: [0; 2], len: 1 }; 256];
    let mut byte = 0_u8;
    loop {
        written[byte as usize] = match byte {
            b'"' | b'\\' => Written { bytes: [b'\\', byte], len: 2 },
            _ => Written { bytes: [byte; 2], len: 1 },
        };
        if byte == u8::MAX {
            break written;
        }
        byte += 1;
    }
};

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

    /// A text in quotes.
    pub(crate) fn text(&mut self, text: &str) {
        self.text_of(&[text]);
    }

    /// One text of several parts. JSON within JSON has many quotes and hardly anything else to escape, so each byte goes one
    /// way whether it is one or not, and the processor has nothing to guess.
    pub(crate) fn text_of(&mut self, parts: &[&str]) {
        let begin = self.0.len();
        let bytes: usize = parts.iter().map(|part| part.len()).sum();
        self.0.resize(begin + 2 * bytes + 2, b'"');
        let room = &mut self.0[begin..];
        let (mut at, mut least) = (1, u8::MAX);
        for part in parts {
            for byte in part.bytes() {
                let Written { bytes, len } = WRITTEN[usize::from(byte)];
                room[at..at + 2].copy_from_slice(&bytes);
                at += usize::from(len);
                least = least.min(byte);
            }
        }
        if least < b' ' {
            self.0.truncate(begin);
            return self.value(&parts.concat());
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
            let mut parts = Json(Vec::new());
            parts.text_of(&["//", text, "/", text]);
            let whole = serde_json::to_string(&format!("//{text}/{text}")).unwrap();
            assert_eq!(String::from_utf8(parts.0).unwrap(), whole);
        }
    }
}
