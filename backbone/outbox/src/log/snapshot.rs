//! The rows that were there before the log was read, in chunks by their keys.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};

use hexalpes_capture::{Inserted, Position, Value};

use super::{
    decode,
    given::Key,
    place::{Chunk, Place},
    source::AnySnapshot,
};
use crate::{
    relay::RelayError,
    shape::{Shape, ShapeError},
};

/// Rows of a chunk. How many are read follows their size, so that a chunk has about so many bytes.
const ROWS_FIRST: u32 = 32;
const ROWS_MAX: u32 = 1_000;
const BYTES: usize = 8 * 1024 * 1024;

/// A snapshot that is being read.
pub(crate) struct Chunks {
    snapshot: Box<dyn AnySnapshot>,
    shape: Arc<dyn Shape>,
    rows_max: u32,
    /// What is left of the chunk that was read last.
    pub(super) rest: VecDeque<Taken>,
}

/// A row of a chunk, or its key if it is not in its table any more.
pub(super) type Taken = Result<Inserted, Key>;

impl Chunks {
    pub(crate) fn new(snapshot: Box<dyn AnySnapshot>, shape: Arc<dyn Shape>) -> Self {
        Self { snapshot, shape, rows_max: ROWS_FIRST, rest: VecDeque::new() }
    }

    pub(crate) fn position(&self) -> &Position {
        self.snapshot.position()
    }

    /// Reads the rows that were written down, in that order, and no others.
    pub(super) async fn read_again(
        &mut self,
        place: &Place,
        chunk: &Chunk,
    ) -> Result<VecDeque<Taken>, RelayError> {
        let wanted: HashSet<&Key> = chunk.keys.iter().collect();
        let mut found = HashMap::new();
        let mut after = last_key(place);
        while found.len() < wanted.len() {
            let rows = self.page(after.as_ref()).await?;
            let Some(last) = rows.last() else { break };
            after = Some(self.shape.key(last)?);
            let last = key(&*self.shape, last)?;
            for row in rows {
                let key = key(&*self.shape, &row)?;
                if wanted.contains(&key) {
                    found.insert(key, row);
                }
            }
            // Behind that nothing was written down.
            if found.len() < wanted.len() && self.above(&[last], &chunk.through).await? == [true] {
                break;
            }
        }
        Ok(chunk.keys.iter().map(|key| found.remove(key).ok_or_else(|| key.clone())).collect())
    }

    /// Reads the next rows that nobody has published. None when there are no more.
    pub(super) async fn read_on(
        &mut self,
        place: &Place,
    ) -> Result<Option<(Chunk, VecDeque<Taken>)>, RelayError> {
        let mut after = last_key(place);
        loop {
            let rows = self.page(after.as_ref()).await?;
            let Some(last) = rows.last() else { return Ok(None) };
            after = Some(self.shape.key(last)?);
            let through = key(&*self.shape, last)?;
            let (mut keys, mut unpublished) = (Vec::new(), VecDeque::new());
            for row in rows {
                if !self.shape.is_published(&row)? {
                    keys.push(key(&*self.shape, &row)?);
                    unpublished.push_back(Ok(row));
                }
            }
            if !keys.is_empty() {
                let (at, by) = (self.position().clone(), Some(self.shape.key_column().to_owned()));
                let chunk = Chunk { at, through, keys, by };
                return Ok(Some((chunk, unpublished)));
            }
        }
    }

    /// Which of these keys are above that one, in the order in which the database gives the rows.
    pub(crate) async fn above(&mut self, keys: &[Key], key: &Key) -> Result<Vec<bool>, RelayError> {
        if let Key::Integer(number) = key
            && let Some(above) = keys.iter().map(|key| key.is_above_number(*number)).collect()
        {
            return Ok(above);
        }
        let keys: Vec<Value> = keys.iter().map(Key::value).collect();
        Ok(self.snapshot.above(&keys, &key.value()).await?)
    }

    async fn page(&mut self, after: Option<&Value>) -> Result<Vec<Inserted>, RelayError> {
        let rows = self.snapshot.after(after, self.rows_max).await?;
        let bytes: usize = rows.iter().map(decode::size).sum();
        if let Some(each) = bytes.checked_div(rows.len()) {
            let fit = u32::try_from(BYTES / each.max(1)).unwrap_or(u32::MAX);
            // Not at once by much: the next rows may be larger than these.
            self.rows_max = fit.clamp(1, ROWS_MAX).min(self.rows_max * 4);
        }
        Ok(rows)
    }
}

fn last_key(place: &Place) -> Option<Value> {
    Some(place.given.as_ref()?.through()?.value())
}

pub(crate) fn key(shape: &dyn Shape, row: &Inserted) -> Result<Key, ShapeError> {
    let (key, column, table) = (shape.key(row)?, shape.key_column(), &row.table.name);
    Key::of(&key).ok_or_else(|| match key {
        Value::Null => ShapeError(format!(
            "a row of table {table} has NULL in column {column:?}, by which rows of before are taken: make it NOT NULL, or name \
             another one with hexalpes.snapshot.key, and begin anew with `hexalpes relay resnapshot`"
        )),
        key => ShapeError(format!(
            "column {column:?} of table {table}, by which rows of before are taken, has a value that cannot be a key: {key:?}; name \
             a column of whole numbers, texts, bytes or UUIDs with hexalpes.snapshot.key"
        )),
    })
}
