//! Text in the character set of its column.

use bytes::Bytes;
use bytestring::ByteString;
use encoding_rs::Encoding;

/// How a column's text is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Charset {
    /// No text at all.
    Binary,
    /// `utf8mb4`, `utf8mb3` and `ascii`.
    Utf8,
    /// `utf32`, with the highest byte first.
    Utf32,
    Encoded(&'static Encoding),
}

impl Charset {
    /// Of a character set's name; none for those that are not read. `latin1` of these databases is Windows 1252 in
    /// which the five bytes without a character are control characters, as WHATWG has it too.
    pub(crate) fn named(name: &str) -> Option<Self> {
        use encoding_rs as known;
        let encoding = match name {
            "binary" => return Some(Self::Binary),
            "utf8mb4" | "utf8mb3" | "utf8" | "ascii" => return Some(Self::Utf8),
            "utf32" => return Some(Self::Utf32),
            "ucs2" | "utf16" => known::UTF_16BE,
            "utf16le" => known::UTF_16LE,
            "latin1" => known::WINDOWS_1252,
            "latin2" => known::ISO_8859_2,
            "latin5" => known::WINDOWS_1254,
            "latin7" => known::ISO_8859_13,
            "greek" => known::ISO_8859_7,
            "hebrew" => known::ISO_8859_8,
            "cp1250" => known::WINDOWS_1250,
            "cp1251" => known::WINDOWS_1251,
            "cp1256" => known::WINDOWS_1256,
            "cp1257" => known::WINDOWS_1257,
            "cp866" => known::IBM866,
            "koi8r" => known::KOI8_R,
            "koi8u" => known::KOI8_U,
            "tis620" => known::WINDOWS_874,
            "macroman" => known::MACINTOSH,
            "gbk" | "gb2312" => known::GBK,
            "gb18030" => known::GB18030,
            "big5" => known::BIG5,
            "sjis" | "cp932" => known::SHIFT_JIS,
            "ujis" | "eucjpms" => known::EUC_JP,
            "euckr" => known::EUC_KR,
            _ => return None,
        };
        Some(Self::Encoded(encoding))
    }

    /// The text; none where the bytes are no text in this character set.
    pub(crate) fn decode(self, bytes: Bytes) -> Option<ByteString> {
        match self {
            Self::Binary => None,
            Self::Utf8 => ByteString::try_from(bytes).ok(),
            Self::Utf32 => bytes
                .chunks(4)
                .map(|four| Some(u32::from_be_bytes(four.try_into().ok()?)).and_then(char::from_u32))
                .collect::<Option<String>>()
                .map(ByteString::from),
            Self::Encoded(encoding) => encoding
                .decode_without_bom_handling_and_without_replacement(&bytes)
                .map(|text| text.into_owned().into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_in_the_character_set_of_its_column() {
        let read = |name, bytes: &[u8]| Charset::named(name).unwrap().decode(Bytes::copy_from_slice(bytes));
        assert_eq!(read("utf8mb4", "año 🎉".as_bytes()).as_deref(), Some("año 🎉"));
        assert_eq!(read("latin1", b"a\xf1o \x80").as_deref(), Some("año €"));
        assert_eq!(read("utf32", &[0, 1, 0xf3, 0x89, 0, 0, 0, 0x41]).as_deref(), Some("🎉A"));
        assert_eq!(read("ucs2", &[0, 0xf1]).as_deref(), Some("ñ"));
        assert_eq!(read("sjis", &[0x93, 0xfa]).as_deref(), Some("日"));
        assert_eq!(read("utf8mb4", b"\xff"), None);
        assert_eq!(Charset::named("dec8"), None);
    }
}
