//! The rows that were there before the log was read, in chunks by their keys.

use std::{
    collections::{HashSet, VecDeque},
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
const ROWS_MAX: u32 = 4_000;
const BYTES: usize = 8 * 1024 * 1024;

/// A snapshot that is being read.
pub(crate) struct Chunks {
    snapshot: Box<dyn AnySnapshot>,
    shape: Arc<dyn Shape>,
    rows_max: u32,
    /// What is left of the chunk that was read last.
    pub(super) rest: VecDeque<Inserted>,
}

impl Chunks {
    pub(crate) fn new(snapshot: Box<dyn AnySnapshot>, shape: Arc<dyn Shape>) -> Self {
        Self { snapshot, shape, rows_max: ROWS_FIRST, rest: VecDeque::new() }
    }

    pub(crate) fn position(&self) -> &Position {
        self.snapshot.position()
    }

    /// Reads the rows that were written down, and no others.
    pub(crate) async fn read_again(
        &mut self,
        place: &Place,
        chunk: &Chunk,
    ) -> Result<VecDeque<Inserted>, RelayError> {
        let mut read = VecDeque::new();
        let mut missing: HashSet<&Key> = chunk.keys.iter().collect();
        let mut after = last_key(place);
        while !missing.is_empty() {
            let rows = self.page(after.as_ref()).await?;
            let Some(last) = rows.last() else {
                return Err(RelayError::RowsGone { rows: missing.len() });
            };
            after = Some(self.shape.key(last)?);
            for row in rows {
                if missing.remove(&key(&*self.shape, &row)?) {
                    read.push_back(row);
                }
            }
        }
        Ok(read)
    }

    /// Reads the next rows that nobody has published. None when there are no more.
    pub(crate) async fn read_on(
        &mut self,
        place: &Place,
    ) -> Result<Option<(Chunk, VecDeque<Inserted>)>, RelayError> {
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
                    unpublished.push_back(row);
                }
            }
            if !keys.is_empty() {
                let chunk = Chunk { at: self.position().clone(), through, keys };
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
    let key = shape.key(row)?;
    Key::of(&key).ok_or_else(|| {
        ShapeError(format!("{key:?} cannot be a row's key: take a column of numbers, texts or bytes"))
    })
}
