//! What the stream says: the frames of replication, and in them the messages of `pgoutput` (protocol 1).
//!
//! <https://www.postgresql.org/docs/15/protocol-replication.html>,
//! <https://www.postgresql.org/docs/15/protocol-logicalrep-message-formats.html>.

use bytes::Bytes;
use hexalpes_capture::Value;
use hexalpes_kernel::Timestamp;

use crate::failure::Failure;
use crate::value::Kind;

/// PostgreSQL counts microseconds from 2000-01-01.
const EPOCH_MICROS: i64 = 946_684_800_000_000;

/// What a frame of the stream carries.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Envelope<'a> {
    /// `w`: a message, and where in the log that begins which it is about.
    Data { start: u64, message: &'a [u8] },
    /// `k`: what is committed before `end` has been sent.
    Alive { end: u64, clock: i64, answer: bool },
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Message<'a> {
    /// A transaction: where its commit begins in the log, and when that was.
    Begin {
        commit: u64,
        at: Timestamp,
        id: u32,
    },
    Commit {
        end: u64,
    },
    Relation(Relation),
    Insert {
        relation: u32,
        row: Cursor<'a>,
    },
    /// Of updates, deletions, truncations, types, origins: nothing that is wanted here.
    Other,
}

/// A table as the rows after it have it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Relation {
    pub(crate) id: u32,
    pub(crate) schema: String,
    pub(crate) name: String,
    pub(crate) columns: Vec<(String, Kind)>,
}

impl<'a> Envelope<'a> {
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Failure> {
        let mut cursor = Cursor(body);
        match cursor.u8()? {
            b'w' => {
                let start = cursor.u64()?;
                cursor.take(16)?;
                Ok(Self::Data { start, message: cursor.0 })
            }
            b'k' => Ok(Self::Alive {
                end: cursor.u64()?,
                clock: cursor.u64()?.cast_signed(),
                answer: cursor.u8()? == 1,
            }),
            tag => Err(unknown("frame", tag)),
        }
    }
}

impl<'a> Message<'a> {
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Failure> {
        let mut cursor = Cursor(body);
        Ok(match cursor.u8()? {
            b'B' => Self::Begin { commit: cursor.u64()?, at: cursor.timestamp()?, id: cursor.u32()? },
            b'C' => {
                // Flags, and where the commit begins, as its beginning said already.
                cursor.take(9)?;
                Self::Commit { end: cursor.u64()? }
            }
            b'R' => Self::Relation(Relation::parse(&mut cursor)?),
            b'I' => {
                let relation = cursor.u32()?;
                match cursor.u8()? {
                    b'N' => Self::Insert { relation, row: cursor },
                    tag => return Err(unknown("row", tag)),
                }
            }
            b'U' | b'D' | b'T' | b'Y' | b'O' | b'M' => Self::Other,
            tag => return Err(unknown("message", tag)),
        })
    }
}

impl Relation {
    fn parse(cursor: &mut Cursor<'_>) -> Result<Self, Failure> {
        let (id, schema, name) = (cursor.u32()?, cursor.text()?, cursor.text()?);
        // How updates name their rows.
        cursor.u8()?;
        let count = cursor.u16()?;
        let column = |cursor: &mut Cursor<'_>| {
            cursor.u8()?;
            let name = cursor.text()?;
            let (type_id, modifier) = (cursor.u32()?, cursor.u32()?.cast_signed());
            Ok((name, Kind::of(type_id, modifier)))
        };
        let columns = (0..count).map(|_| column(cursor)).collect::<Result<_, Failure>>()?;
        Ok(Self { id, schema, name, columns })
    }
}

fn unknown(what: &str, tag: u8) -> Failure {
    Failure::Protocol(format!("a {what} {:?} that is not known", char::from(tag)))
}

/// Bytes that are read from their front.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    /// A row's values, each as its column has it: `n` for null, `t` and a text. It is a row in `whole`.
    pub(crate) fn values(mut self, columns: &[Kind], whole: &Bytes) -> Result<Vec<Value>, Failure> {
        let count = usize::from(self.u16()?);
        if count != columns.len() {
            return Err(Failure::Protocol(format!("{count} values for {} columns", columns.len())));
        }
        let mut values = Vec::with_capacity(count);
        for kind in columns {
            values.push(match self.u8()? {
                b'n' => Value::Null,
                b't' => {
                    let length = self.u32()? as usize;
                    let wrong = || Failure::Protocol(format!("a text that is no {kind:?}"));
                    kind.value(self.take(length)?, whole).ok_or_else(wrong)?
                }
                tag => return Err(unknown("value", tag)),
            });
        }
        Ok(values)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Failure> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(ended)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Failure> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or_else(ended)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn u8(&mut self) -> Result<u8, Failure> {
        self.array().map(|[byte]| byte)
    }

    fn u16(&mut self) -> Result<u16, Failure> {
        self.array().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Result<u32, Failure> {
        self.array().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Result<u64, Failure> {
        self.array().map(u64::from_be_bytes)
    }

    fn text(&mut self) -> Result<String, Failure> {
        let end = self.0.iter().position(|byte| *byte == 0).ok_or_else(ended)?;
        let text = self.take(end)?;
        self.u8()?;
        String::from_utf8(text.to_vec()).map_err(|_| Failure::Protocol("a name that is no UTF-8".to_owned()))
    }

    fn timestamp(&mut self) -> Result<Timestamp, Failure> {
        let micros = self.u64()?.cast_signed().checked_add(EPOCH_MICROS);
        micros
            .and_then(Timestamp::from_micros)
            .ok_or_else(|| Failure::Protocol("a commit beyond the ends of time".to_owned()))
    }
}

fn ended() -> Failure {
    Failure::Protocol("a message that ends too early".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frames_of_the_stream_are_told_apart() {
        let data = [&b"w"[..], &7_u64.to_be_bytes(), &[0; 16], b"C"].concat();
        assert_eq!(Envelope::parse(&data).unwrap(), Envelope::Data { start: 7, message: b"C" });
        let alive = [&b"k"[..], &9_u64.to_be_bytes(), &3_u64.to_be_bytes(), &[1]].concat();
        assert_eq!(Envelope::parse(&alive).unwrap(), Envelope::Alive { end: 9, clock: 3, answer: true });
        assert!(Envelope::parse(b"x").is_err());
    }

    #[test]
    fn a_transaction_says_where_and_when_it_was_committed() {
        let begin = [&b"B"[..], &5_u64.to_be_bytes(), &1_000_000_u64.to_be_bytes(), &8_u32.to_be_bytes()];
        let at = Timestamp::parse("2000-01-01T00:00:01Z").unwrap();
        assert_eq!(Message::parse(&begin.concat()).unwrap(), Message::Begin { commit: 5, at, id: 8 });
        let commit = [&b"C\0"[..], &5_u64.to_be_bytes(), &6_u64.to_be_bytes(), &[0; 8]].concat();
        assert_eq!(Message::parse(&commit).unwrap(), Message::Commit { end: 6 });
    }

    #[test]
    fn a_row_is_read_by_its_relation() {
        let columns =
            [&b"\0id\0"[..], &20_u32.to_be_bytes(), &[0; 4], b"\0n\0", &25_u32.to_be_bytes(), &[0; 4]];
        let relation = [&b"R"[..], &3_u32.to_be_bytes(), b"s\0t\0d\0\x02", &columns.concat()].concat();
        let Message::Relation(relation) = Message::parse(&relation).unwrap() else { panic!("a relation") };
        assert_eq!((&*relation.schema, &*relation.name), ("s", "t"));
        assert_eq!(relation.columns, [("id".to_owned(), Kind::Integer), ("n".to_owned(), Kind::Text)]);
        let insert = [&b"I"[..], &3_u32.to_be_bytes(), b"N\0\x02t\0\0\0\x0242n"].concat();
        let insert = Bytes::from(insert);
        let Message::Insert { relation: 3, row } = Message::parse(&insert).unwrap() else { panic!("a row") };
        let values = row.values(&[Kind::Integer, Kind::Text], &insert).unwrap();
        assert_eq!(values, [Value::Integer(42), Value::Null]);
    }

    #[test]
    fn what_ends_early_or_is_not_known_is_an_error() {
        for bytes in [&b""[..], b"B\0", b"Z", b"I\0\0\0\x03K", b"R\0\0\0\x03s"] {
            assert!(Message::parse(bytes).is_err(), "{bytes:?}");
        }
        let row = |bytes| Cursor(bytes).values(&[Kind::Text], &Bytes::from_static(bytes));
        for bytes in [&b"\0\x02nn"[..], b"\0\x01u", b"\0\x01t\0\0\0\x02a", b"\0\x01t\xff\xff\xff\xffa"] {
            assert!(row(bytes).is_err(), "{bytes:?}");
        }
    }
}
