//! Finds out what of the journal counts, without changing anything.
//!
//! From the last checkpoint on, groups are read file by file up to the first thing that is not as it
//! should be. There the journal ends, torn by a crash, unless something later proves that this place had
//! been synced: then it is damage, and nothing is opened.

use std::{
    collections::{HashMap, VecDeque},
    path::{Path, PathBuf},
    sync::Arc,
};

use hexalpes_files::Files;

use crate::{
    catalogue::{Catalogue, LEDGER_MAX},
    error::{Damage, FileError},
    format::HeaderError,
    journal::{
        file::{self, FileHead, Slot},
        reader::{Bad, ReadGroup, look_behind},
        record::{Kind, RecordHead},
    },
    position::TopicId,
    segment::SegmentError,
    topic::SegmentInfo,
};

/// The journal behind the last checkpoint, checked.
#[derive(Debug)]
pub(crate) struct Journal {
    /// Files of the journal, in its order.
    files: Vec<(FileHead, Slot)>,
    /// Files whose head cannot be read. A crash can leave one while it is made or begun.
    headless: Vec<Slot>,
    /// Where the groups lie that count: index into `files`, offset.
    groups: Vec<(usize, u64)>,
    /// The head of the file to begin next.
    pub(crate) next: FileHead,
    /// Where it was cut, if something of a group was there.
    pub(crate) torn: Option<Torn>,
}

/// The place where a crash had interrupted the writing of the journal. What was there was not acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Torn {
    pub path: PathBuf,
    pub byte: u64,
}

impl Journal {
    /// Reads the journal in `dir` and checks it against what the segments have.
    pub(crate) fn scan(
        files: &Arc<dyn Files>,
        dir: &Path,
        catalogue: &Catalogue,
    ) -> Result<Self, SegmentError> {
        let mut journal = Self::list(&**files, dir)?;
        let from = catalogue.offset;
        let covering = journal.files.iter().rposition(|(head, _)| head.start <= from);
        let (stopped, offset) = match covering {
            Some(first) => journal.walk(first, catalogue)?,
            None => match journal.files.first() {
                Some((head, slot)) => {
                    let what = format!("the journal before offset {} is missing", head.start);
                    return Err(Damage::new(&slot.path, 0, what).into());
                }
                None => (None, from),
            },
        };
        let end = journal.check_end(stopped, offset)?;
        journal.next.start = end.max(from);
        Ok(journal)
    }

    fn list(files: &dyn Files, dir: &Path) -> Result<Self, SegmentError> {
        let (mut known, mut headless) = (Vec::new(), Vec::new());
        let names = files.list(dir).map_err(FileError::when("read", dir))?;
        for name in names.iter().filter(|name| file::is_name(name)) {
            let path = dir.join(name);
            let file = files.open_unbuffered(&path).map_err(FileError::when("open", &path))?;
            let slot = Slot { path, file };
            match slot.head()? {
                Ok(head) => known.push((head, slot)),
                Err(HeaderError::Damage(_)) => headless.push(slot),
                Err(error @ HeaderError::TooNew(_)) => return Err(error.into()),
            }
        }
        known.sort_by_key(|(head, _)| head.number);
        let number = known.last().map_or(0, |(head, _)| head.number) + 1;
        Ok(Self {
            files: known,
            headless,
            groups: Vec::new(),
            next: FileHead { number, start: 0 },
            torn: None,
        })
    }

    /// Goes through the groups from the checkpoint on, up to the first bad thing. Returns that, with the
    /// file it is in, and the offset behind the last thing that had a head.
    fn walk(
        &mut self,
        first: usize,
        catalogue: &Catalogue,
    ) -> Result<(Option<(usize, Bad)>, u64), SegmentError> {
        let mut order = Order::new(catalogue);
        let (mut at, mut offset) = (first, catalogue.offset);
        loop {
            if self.files.get(at + 1).is_some_and(|(next, _)| next.start == offset) {
                at += 1;
                continue;
            }
            let (head, slot) = &self.files[at];
            let group = ReadGroup::at(slot, *head, offset)?;
            for (record, _) in group.records() {
                order
                    .check(&record.head)
                    .map_err(|what| Damage::new(&slot.path, head.byte_of(offset), what))?;
            }
            if group.end > offset {
                self.groups.push((at, offset));
                offset = group.end;
            }
            if let Some(bad) = group.bad {
                return Ok((Some((at, bad)), offset));
            }
        }
    }

    /// Decides whether what stopped the walk is a torn tail. Returns the offset behind everything that may
    /// be left of it.
    fn check_end(&mut self, stopped: Option<(usize, Bad)>, offset: u64) -> Result<u64, SegmentError> {
        let mut end = offset;
        if let Some((at, bad)) = stopped {
            let (head, slot) = &self.files[at];
            let bad_offset = head.offset_of(bad.byte);
            let later = look_behind(slot, Some(*head), bad.byte, bad_offset)?;
            let next_file = self.files.get(at + 1).map_or(0, |(next, _)| next.start);
            if later.synced.max(next_file) > bad_offset {
                return Err(Damage::new(&slot.path, bad.byte, bad.what).into());
            }
            if later.end > bad_offset || bad_offset < offset {
                self.torn = Some(Torn { path: slot.path.clone(), byte: bad.byte });
            }
            end = end.max(later.end);
        }
        for slot in &self.headless {
            // A file's head is synced before its first group is written.
            if look_behind(slot, None, file::HEAD_BYTES, offset)?.end > 0 {
                return Err(Damage::new(&slot.path, 0, "its header's checksum does not match").into());
            }
        }
        Ok(end)
    }

    /// Reads the groups that count once more.
    pub(crate) fn groups(&self) -> impl Iterator<Item = Result<ReadGroup, FileError>> {
        self.groups.iter().map(|(at, offset)| {
            let (head, slot) = &self.files[*at];
            ReadGroup::at(slot, *head, *offset)
        })
    }

    /// All files, to be used again once everything is in the segments.
    pub(crate) fn into_slots(self) -> Vec<Slot> {
        self.files.into_iter().map(|(_, slot)| slot).chain(self.headless).collect()
    }
}

/// Checks that the records of each topic follow each other, and what its segments have.
struct Order {
    next: HashMap<TopicId, u64>,
    /// The newest ledger of each topic, also of one that was deleted: its number does not come again.
    ledgers: HashMap<TopicId, u64>,
}

impl Order {
    fn new(catalogue: &Catalogue) -> Self {
        let next = catalogue.topics.keys().map(|topic| (*topic, catalogue.next_index(*topic))).collect();
        let newest =
            |(topic, segments): (&TopicId, &VecDeque<SegmentInfo>)| Some((*topic, segments.back()?.ledger));
        Self { next, ledgers: catalogue.topics.iter().filter_map(newest).collect() }
    }

    fn check(&mut self, head: &RecordHead) -> Result<(), String> {
        if head.kind == Kind::TopicDeleted {
            self.next.remove(&head.topic);
            return Ok(());
        }
        let next = self.next.entry(head.topic).or_default();
        if head.index > *next {
            return Err(format!("entries {next} to {} of topic {} are missing", head.index - 1, head.topic));
        }
        if head.index < *next {
            return Ok(());
        }
        let newest = self.ledgers.entry(head.topic).or_default();
        let may_go_on = head.ledger == *newest && *next > 0;
        if !may_go_on && (head.ledger <= *newest || head.ledger > LEDGER_MAX) {
            return Err(format!(
                "entry {} of topic {} is in ledger {}, behind {newest}",
                head.index, head.topic, head.ledger
            ));
        }
        *newest = head.ledger;
        *next += 1;
        Ok(())
    }
}
