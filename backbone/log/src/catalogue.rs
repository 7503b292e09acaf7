//! Which segments there are, and how far they and the journal go together: the state at a checkpoint.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    path::Path,
};

use hexalpes_files::Files;

use crate::{
    error::{Damage, FileError},
    format::{self, Fields},
    journal::{group::OFFSET_MAX, record},
    position::TopicId,
    segment::SegmentError,
    topic::SegmentInfo,
};

/// As a file, replaced as a whole by each checkpoint:
///
/// | bytes | field | |
/// | --- | --- | --- |
/// | 16 | | as every file: [`crate::format`], magic `hxcatlog` |
/// | 8 | `offset` | of the journal: all before it is in the segments, and synced there |
/// | 8 | `next_ledger` | no segment has this number yet, or a greater one |
/// | 8 | `topics` | how many follow |
/// | 8 | `topic` | for each topic: its number, |
/// | 8 | `segments` | how many segments it has, |
/// | 40 | `ledger`, `base`, `entries`, `bytes`, `stamp_max` | and for each segment: its number, the index in the topic of its first entry, how many entries count, how many bytes they have, and their greatest stamp |
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Catalogue {
    pub(crate) offset: u64,
    pub(crate) next_ledger: u64,
    pub(crate) topics: BTreeMap<TopicId, VecDeque<SegmentInfo>>,
}

/// Clients know ledgers and entries as signed numbers.
pub(crate) const LEDGER_MAX: u64 = u64::MAX / 2 - 1;
const INDEX_MAX: u64 = u64::MAX / 2;

pub(crate) const NAME: &str = "catalogue";

const MAGIC: [u8; 8] = *b"hxcatlog";

impl Catalogue {
    pub(crate) fn empty() -> Self {
        Self { offset: 0, next_ledger: 1, topics: BTreeMap::new() }
    }

    /// The catalogue of this folder, if it has one.
    pub(crate) fn load(files: &dyn Files, path: &Path) -> Result<Option<Self>, SegmentError> {
        let content = match files.read(path) {
            Ok(content) => content,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(FileError::when("read", path)(error).into()),
        };
        let rest = format::decode_header(path, MAGIC, &content)?;
        match Self::decode(rest) {
            Some(catalogue) if catalogue.is_possible() => Ok(Some(catalogue)),
            Some(_) => Err(Damage::new(path, 0, "what it says of its segments cannot be").into()),
            None => Err(Damage::new(path, 0, "it ends early").into()),
        }
    }

    pub(crate) fn store(&self, files: &dyn Files, path: &Path) -> Result<(), FileError> {
        let header = format::encode_header(MAGIC, &self.encode());
        files.replace(path, &header).map_err(FileError::when("replace", path))
    }

    /// The index of the next entry of a topic.
    pub(crate) fn next_index(&self, topic: TopicId) -> u64 {
        let last = self.topics.get(&topic).and_then(VecDeque::back);
        last.map_or(0, |last| last.base + last.entries)
    }

    /// Whether a log could have written it, so that nothing that is reckoned with its numbers goes wrong.
    fn is_possible(&self) -> bool {
        let is_segment = |segment: &SegmentInfo| {
            let SegmentInfo { ledger, base, entries, bytes, .. } = *segment;
            let least = entries.checked_mul(record::HEAD_BYTES as u64);
            (1..self.next_ledger).contains(&ledger)
                && base.checked_add(entries).is_some_and(|next| next < INDEX_MAX)
                && (1..=u64::MAX / 2).contains(&bytes)
                && least.is_some_and(|least| (1..=bytes).contains(&least))
        };
        let follows = |one: &SegmentInfo, next: &SegmentInfo| {
            one.ledger < next.ledger && one.base + one.entries == next.base
        };
        self.offset <= OFFSET_MAX
            && (1..=LEDGER_MAX + 1).contains(&self.next_ledger)
            && self.topics.values().all(|all| {
                all.iter().all(is_segment)
                    && all.iter().zip(all.iter().skip(1)).all(|(one, next)| follows(one, next))
            })
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut put = |number: u64| out.extend_from_slice(&number.to_le_bytes());
        put(self.offset);
        put(self.next_ledger);
        put(self.topics.len() as u64);
        for (topic, segments) in &self.topics {
            put(topic.0);
            put(segments.len() as u64);
            for SegmentInfo { ledger, base, entries, bytes, stamp_max } in segments {
                for number in [ledger, base, entries, bytes, stamp_max] {
                    put(*number);
                }
            }
        }
        out
    }

    fn decode(content: &[u8]) -> Option<Self> {
        let mut fields = Fields(content);
        let mut catalogue =
            Self { offset: fields.u64()?, next_ledger: fields.u64()?, topics: BTreeMap::new() };
        for _ in 0..fields.u64()? {
            let topic = TopicId(fields.u64()?);
            let mut segments = VecDeque::new();
            for _ in 0..fields.u64()? {
                segments.push_back(SegmentInfo {
                    ledger: fields.u64()?,
                    base: fields.u64()?,
                    entries: fields.u64()?,
                    bytes: fields.u64()?,
                    stamp_max: fields.u64()?,
                });
            }
            catalogue.topics.insert(topic, segments);
        }
        fields.0.is_empty().then_some(catalogue)
    }
}

#[cfg(test)]
mod tests {
    use hexalpes_files::ForgetfulFiles;

    use super::*;

    fn catalogue() -> Catalogue {
        let segments = [(3, 0, 10, 900), (7, 10, 2, 99)].map(|(ledger, base, entries, bytes)| SegmentInfo {
            ledger,
            base,
            entries,
            bytes,
            stamp_max: 5,
        });
        let topics = [(TopicId(1), VecDeque::from(segments)), (TopicId(2), VecDeque::new())];
        Catalogue { offset: 4096, next_ledger: 8, topics: topics.into() }
    }

    #[test]
    fn it_comes_back_after_a_power_cut() {
        let disk = ForgetfulFiles::new();
        let path = Path::new("/catalogue");
        assert_eq!(Catalogue::load(&disk, path).unwrap(), None);
        catalogue().store(&disk, path).unwrap();
        disk.forget();
        assert_eq!(Catalogue::load(&disk, path).unwrap(), Some(catalogue()));
    }

    #[test]
    fn a_cut_one_is_refused() {
        let whole = catalogue().encode();
        for end in 0..whole.len() {
            assert_eq!(Catalogue::decode(&whole[..end]), None, "cut at {end}");
        }
    }
}
