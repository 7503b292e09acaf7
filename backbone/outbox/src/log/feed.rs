//! Gives the rows of a log their ordinals: first those of a snapshot, if there has to be one, then what the log has
//! behind it.

use std::{collections::VecDeque, future, mem, sync::Arc};

use futures::FutureExt as _;
use hexalpes_capture::{Inserted, Mend, Position, Step};
use hexalpes_db::Db;
use parking_lot::Mutex;
use tokio::{
    sync::watch,
    task,
    time::{Duration, Instant},
};

use super::{
    decode,
    given::{Given, Key},
    marks::Saved,
    place::Place,
    snapshot::{self, Chunks, Taken},
    source::{AnyLog, AnySource},
};
use crate::{
    checkpoint::{Checkpoint, Claim},
    relay::{BYTES_READ_MAX, ROWS_READ_MAX, RelayError},
    row::{self, OutboxRow},
    shape::{Blank, Shape, ShapeError, Unreadable},
    status::Counters,
};

/// Between two questions how far behind it is.
const MEASURE_EVERY: Duration = Duration::from_secs(1);
/// Keys that an alarm names.
const KEYS_SHOWN_MAX: usize = 5;

/// What was read at once.
#[derive(Debug, Default)]
pub(crate) struct Read {
    /// To be published.
    pub(crate) rows: Vec<Result<OutboxRow, Blank>>,
    /// The numbers in their table of these, and of those that had their receipts before.
    pub(crate) seqs: Vec<i64>,
    /// Where to go on when all of it has its receipts.
    pub(crate) place: Option<Place>,
    /// The rest of the last transaction of these is to come.
    pub(crate) is_amid: bool,
    /// All that was in the log when it was opened, and that was asked for, has come by.
    pub(crate) is_past_end: bool,
    /// Rows that were looked at.
    count: usize,
    bytes: usize,
}

impl Read {
    /// Of a table, where nothing but the rows is of any use.
    pub(crate) fn of_table(rows: Vec<OutboxRow>) -> Self {
        let (count, bytes) = (rows.len(), rows.iter().map(|row| row.payload.get().len()).sum());
        Self { rows: rows.into_iter().map(Ok).collect(), count, bytes, ..Self::default() }
    }

    fn is_empty(&self) -> bool {
        self.count == 0 && self.place.is_none() && !self.is_past_end
    }

    /// More may be there at once.
    pub(crate) fn is_full(&self) -> bool {
        self.count >= ROWS_READ_MAX || self.bytes >= BYTES_READ_MAX
    }
}

/// A row that a topic has already.
#[derive(Debug)]
struct Told {
    ordinal: i64,
    id: String,
    topic: String,
}

pub(crate) struct LogFeed {
    db: Db,
    claim: Claim,
    source: Arc<dyn AnySource>,
    shape: Arc<dyn Shape>,
    counters: Arc<Mutex<Counters>>,
    /// While snapshots are read.
    chunks: Option<Chunks>,
    /// Beside a snapshot it is read up to where that was taken, for another one gave rows before.
    log: Option<Box<dyn AnyLog>>,
    /// As of the last boundary.
    place: Place,
    /// Of the row that was given last.
    ordinal: i64,
    /// Rows up to it have their receipts.
    received: i64,
    /// Rows up to it are on all topics.
    everywhere: i64,
    /// It has given some rows of a transaction, and not all.
    is_amid: bool,
    gathered: Read,
    /// Why there is nothing behind what was gathered.
    failure: Option<RelayError>,
    told: Vec<Told>,
    /// Where the log ended when it was opened, until it is read up to there.
    end: Option<Position>,
    saved: watch::Receiver<Saved>,
    measured: Instant,
    /// What was given last of a snapshot, or before it, as long as it is not written off.
    awaited: Option<Saved>,
}

impl LogFeed {
    /// Goes on where the database says, or begins. Whether the log can be read was asked before.
    pub(crate) async fn open(
        db: &Db,
        claim: &Claim,
        source: &Arc<dyn AnySource>,
        shape: &Arc<dyn Shape>,
        checkpoint: Checkpoint,
        counters: &Arc<Mutex<Counters>>,
        saved: watch::Receiver<Saved>,
    ) -> Result<Self, RelayError> {
        let mut place = Place::load(db).await?;
        if place.identity.is_some() {
            place.be_of(source.identity().await?)?;
        } else {
            let begin = source.begin().await?;
            place.be_of(source.identity().await?)?;
            // What is there already is nobody's concern, also where the log is kept from an earlier place on.
            if place.given.is_some() {
                place.position = Some(begin.max(source.end().await?));
            }
            place.save(db, claim).await?;
        }
        if place.position.is_none()
            && let Some(had) = place.by().filter(|had| *had != shape.key_column())
        {
            return Err(RelayError::OtherKey { had: had.to_owned(), has: shape.key_column().to_owned() });
        }
        let (chunks, log) = match &place.position {
            Some(from) => {
                let mut log = source.open(from).await?;
                if let Some(columns) = &place.columns {
                    log.expect(columns);
                }
                (None, Some(log))
            }
            None => (Some(Chunks::new(source.snapshot().await?, Arc::clone(shape))), None),
        };
        Ok(Self {
            db: db.clone(),
            claim: claim.clone(),
            source: Arc::clone(source),
            shape: Arc::clone(shape),
            counters: Arc::clone(counters),
            chunks,
            log,
            ordinal: place.base,
            place,
            received: checkpoint.ordinal,
            everywhere: checkpoint.ordinal,
            is_amid: false,
            gathered: Read::default(),
            failure: None,
            told: Vec::new(),
            end: None,
            saved,
            measured: Instant::now(),
            awaited: None,
        })
    }

    /// A topic has this event under that ordinal: it must be so when it comes by.
    pub(crate) fn expect(&mut self, topic: &str, ordinal: i64, id: String) {
        if ordinal > self.place.base {
            self.told.push(Told { ordinal, id, topic: topic.to_owned() });
        }
    }

    /// All topics have the rows up to that one.
    pub(crate) fn are_everywhere(&mut self, through: i64) {
        self.everywhere = self.everywhere.max(through);
    }

    /// The last row that a topic is known to have. Nothing is certain before it came by.
    pub(crate) fn expected(&self) -> i64 {
        self.told.iter().map(|told| told.ordinal).max().unwrap_or(0)
    }

    /// What comes next; at most a read's worth, and a step of the log more.
    pub(crate) async fn next(&mut self) -> Result<Read, RelayError> {
        loop {
            if self.log.is_some() {
                return self.gather().await;
            }
            if let Some(read) = self.slice().await? {
                return Ok(read);
            }
        }
    }

    /// The last place that was written down is told to the log.
    pub(crate) async fn confirm(&mut self) -> Result<(), RelayError> {
        let saved = self.saved.borrow_and_update().clone();
        if let (Some(log), Some(from)) = (&mut self.log, saved.from) {
            log.confirm(&from).await?;
        }
        Ok(())
    }

    /// Some rows of a snapshot; none when there are no more, or the log comes before them, which is open then.
    async fn slice(&mut self) -> Result<Option<Read>, RelayError> {
        let Some(chunks) = &mut self.chunks else { return Ok(None) };
        if chunks.rest.is_empty() {
            if let Some(chunk) = &self.place.chunk {
                let rows = chunks.read_again(&self.place, chunk).await?;
                none_is_lost(&rows, self.place.base, self.everywhere)?;
                chunks.rest = rows;
            } else {
                if let Some(awaited) = &self.awaited {
                    // Nothing is written off before it came by, and here all that can come by has.
                    all_came_by(&self.told, self.ordinal)?;
                    // It fails only if nobody is left to write it off: then the session has ended, and this with it.
                    if self.saved.wait_for(|saved| saved == awaited).await.is_err() {
                        return future::pending().await;
                    }
                    self.awaited = None;
                }
                if let Some(from) = self.place.given.as_ref().map(Given::at) {
                    none_goes_back(from, chunks.position())?;
                    if from < chunks.position() {
                        self.log = Some(self.source.open(from).await?);
                        return Ok(None);
                    }
                }
                // No row behind the last chunk may be on a topic, for it would not have been written down before.
                all_came_by(&self.told, self.ordinal)?;
                let Some((chunk, rows)) = chunks.read_on(&self.place).await? else {
                    return self.begin_log().await.map(|()| None);
                };
                self.place.chunk = Some(chunk);
                self.place.save(&self.db, &self.claim).await?;
                chunks.rest = rows;
            }
        }
        let Some(chunks) = &mut self.chunks else { return Ok(None) };
        let many = chunks.rest.len().min(ROWS_READ_MAX);
        let rows: Vec<_> = chunks.rest.drain(..many).collect();
        let is_end = chunks.rest.is_empty();
        for row in &rows {
            match row {
                Ok(row) => self.number(row)?,
                Err(_) => self.pass_over(),
            }
        }
        if is_end && let Some(chunk) = self.place.chunk.take() {
            self.give_up_to(Given::up_to(chunk.through, self.shape.key_column(), &chunk.at));
        }
        Ok(Some(self.hand_over()))
    }

    /// All rows that were there are given: the log has the others.
    async fn begin_log(&mut self) -> Result<(), RelayError> {
        let Some(chunks) = &self.chunks else { return Ok(()) };
        let from = chunks.position().clone();
        self.log = Some(self.source.open(&from).await?);
        self.chunks = None;
        self.place.given = Some(Given::all(&from));
        self.place.position = Some(from);
        self.place.save(&self.db, &self.claim).await
    }

    /// Waits for a step of the log, and takes those that are there already with it. If one of these cannot be taken, those
    /// before it are given all the same, and it is said of the next.
    async fn gather(&mut self) -> Result<Read, RelayError> {
        if let Some(why) = self.failure.take() {
            return Err(why);
        }
        while !self.gathered.is_full() {
            match self.gather_step().await {
                Ok(true) => {}
                Ok(false) => break,
                Err(why) if self.gathered.is_empty() => return Err(why),
                Err(why) => {
                    self.failure = Some(why);
                    break;
                }
            }
        }
        Ok(self.hand_over())
    }

    /// Whether there was one. If nothing is gathered, it waits.
    async fn gather_step(&mut self) -> Result<bool, RelayError> {
        let step = if self.gathered.is_empty() { self.step().await? } else { self.ready_step().await? };
        match step {
            Some(step) => self.take(step).await.map(|()| true),
            None => Ok(false),
        }
    }

    fn hand_over(&mut self) -> Read {
        Read { is_amid: self.is_amid, ..mem::take(&mut self.gathered) }
    }

    async fn step(&mut self) -> Result<Option<Step>, RelayError> {
        loop {
            if self.saved.has_changed().unwrap_or(false) {
                self.confirm().await?;
            }
            if self.measured.elapsed() >= MEASURE_EVERY {
                self.measure().await?;
            }
            let due = self.measured + MEASURE_EVERY;
            let Some(log) = &mut self.log else { return Ok(None) };
            tokio::select! {
                biased;
                step = log.next() => return Ok(Some(step?)),
                Ok(()) = self.saved.changed() => self.saved.mark_changed(),
                () = tokio::time::sleep_until(due) => {}
            }
        }
    }

    /// What is on its way already gets a chance to arrive.
    async fn ready_step(&mut self) -> Result<Option<Step>, RelayError> {
        for _ in 0..2 {
            let Some(log) = &mut self.log else { return Ok(None) };
            if let Some(step) = log.next().now_or_never() {
                return Ok(Some(step?));
            }
            task::yield_now().await;
        }
        Ok(None)
    }

    async fn measure(&mut self) -> Result<(), RelayError> {
        self.measured = Instant::now();
        if let Some(log) = &mut self.log {
            let behind = log.behind().await?;
            self.counters.lock().log_behind = behind;
        }
        Ok(())
    }

    async fn take(&mut self, step: Step) -> Result<(), RelayError> {
        let until = self.chunks.as_ref().map(|chunks| chunks.position().clone());
        match (step, until) {
            // These and all that follow are the snapshot's, or the log's behind it.
            (Step::Rows(rows), Some(until)) if rows.iter().any(|row| row.origin.begins >= until) => {
                self.end_between(&until);
                Ok(())
            }
            (Step::Rows(rows), until) => {
                self.is_amid = true;
                let rows =
                    if until.is_some() || self.is_catching_up() { self.lacking(rows).await? } else { rows };
                self.refuse_marked(&rows)?;
                let ahead = self.ahead(&rows)?;
                if let Some(id) = row::one_missing(&self.db, ahead).await? {
                    return Err(RelayError::Undone { id });
                }
                rows.iter().try_for_each(|row| self.number(row))
            }
            // Rows of our own say by their marks whether they are a copy.
            (Step::Dropped(_), _) if self.shape.has_marks() => Ok(()),
            (Step::Dropped(_), _) => Err(RelayError::Left),
            (Step::Boundary(position), Some(until)) if position >= until => {
                self.end_between(&until);
                Ok(())
            }
            (Step::Boundary(position), Some(_)) => {
                if let Some(given) = &self.place.given {
                    let position = position.max(given.at().clone());
                    self.give_up_to(given.clone().moved(&position));
                }
                Ok(())
            }
            (Step::Boundary(position), None) => {
                self.place.position = Some(position);
                self.place.columns = self.log.as_ref().and_then(|log| log.columns());
                if !self.is_catching_up() {
                    self.place.given = Some(Given::all(&Position::default()));
                }
                self.end_at_boundary();
                self.look_at_the_end()
            }
        }
    }

    /// Whether the log may have rows that a snapshot has given.
    fn is_catching_up(&self) -> bool {
        let given = self.place.given.as_ref();
        self.place.position.as_ref().zip(given).is_some_and(|(boundary, given)| given.at() > boundary)
    }

    /// Those of keys whose rows the log has for us, which no snapshot gave: they were committed behind it.
    async fn lacking(&mut self, mut rows: Vec<Inserted>) -> Result<Vec<Inserted>, RelayError> {
        let Some(given) = &self.place.given else { return Ok(rows) };
        rows.retain(|row| row.origin.begins >= *given.at());
        // Where snapshots are over, the log has the rows of all keys.
        let (Some(through), Some(chunks)) = (given.through(), &mut self.chunks) else { return Ok(rows) };
        let keys = rows.iter().map(|row| snapshot::key(&*self.shape, row)).collect::<Result<Vec<_>, _>>()?;
        let mut above = chunks.above(&keys, through).await?.into_iter();
        rows.retain(|_| !above.next().unwrap_or(false));
        Ok(rows)
    }

    /// All keys that were given are as they were when the snapshot was taken: it goes on with others.
    fn end_between(&mut self, until: &Position) {
        let given = self.place.given.clone().map_or_else(|| Given::all(until), |given| given.moved(until));
        self.give_up_to(given);
        self.log = None;
    }

    /// Nothing else of a snapshot is given before this is written off.
    fn give_up_to(&mut self, given: Given) {
        self.place.given = Some(given);
        self.end_at_boundary();
        self.awaited = Some(Saved { base: self.ordinal, from: self.place.needed_from() });
    }

    fn end_at_boundary(&mut self) {
        self.is_amid = false;
        self.place.base = self.ordinal;
        self.gathered.place = Some(self.place.clone());
    }

    /// A row is gone that all topics have.
    fn pass_over(&mut self) {
        self.ordinal += 1;
        self.told.retain(|told| told.ordinal != self.ordinal);
        self.gathered.count += 1;
        if self.ordinal > self.received {
            self.gathered.rows.push(Err(Blank::Gone { ordinal: self.ordinal }));
        }
    }

    /// Whoever inserts a row has not published it, and its mark comes later, which is no news. Only a copy that is restored
    /// into the table has rows with their marks, and the log had them before.
    fn refuse_marked(&self, rows: &[Inserted]) -> Result<(), RelayError> {
        for row in rows {
            if self.shape.is_published(row)? {
                return Err(RelayError::Restored { id: self.id_of(row)? });
            }
        }
        Ok(())
    }

    /// Ids of those of our own table that topics have, and the checkpoint does not know of. The table has them, for they
    /// have no marks yet, and without these nothing is deleted; unless it is a copy of before.
    fn ahead(&self, rows: &[Inserted]) -> Result<Vec<String>, RelayError> {
        let mut ids = Vec::new();
        for (ordinal, row) in (self.ordinal + 1..=self.expected()).zip(rows) {
            if ordinal > self.received && self.shape.seq(row)?.is_some() {
                ids.push(self.id_of(row)?);
            }
        }
        Ok(ids)
    }

    fn number(&mut self, row: &Inserted) -> Result<(), RelayError> {
        self.ordinal += 1;
        if !self.told.is_empty() {
            self.compare(&self.id_of(row)?)?;
        }
        self.gathered.count += 1;
        self.gathered.seqs.extend(self.shape.seq(row)?);
        if self.ordinal > self.received {
            self.gathered.bytes += decode::size(row);
            let read = match self.shape.row(row, self.ordinal) {
                Ok(read) => Ok(read),
                Err(why) => Err(Blank::Unreadable(Unreadable::new(&self.shape, row, self.ordinal, why)?)),
            };
            self.gathered.rows.push(read);
        }
        Ok(())
    }

    /// What it is called where it is parked, if it has no id.
    fn id_of(&self, row: &Inserted) -> Result<String, ShapeError> {
        let parked = |why| Ok(Unreadable::new(&self.shape, row, self.ordinal, why)?.id);
        self.shape.id(row).or_else(parked)
    }

    /// With what topics have under this ordinal.
    fn compare(&mut self, id: &str) -> Result<(), RelayError> {
        let ordinal = self.ordinal;
        if let Some(other) = self.told.iter().find(|told| told.ordinal == ordinal && told.id != id) {
            let (topic, published) = (other.topic.clone(), other.id.clone());
            return Err(RelayError::OtherEvent { topic, row: ordinal, published, kept: id.to_owned() });
        }
        self.told.retain(|told| told.ordinal != ordinal);
        Ok(())
    }

    /// What topics have must have come by when the log is read to where it ended.
    fn look_at_the_end(&mut self) -> Result<(), RelayError> {
        let is_there = self.place.position.as_ref().zip(self.end.as_ref());
        if is_there.is_none_or(|(boundary, end)| boundary < end) {
            return Ok(());
        }
        all_came_by(&self.told, self.ordinal)?;
        self.end = None;
        self.gathered.is_past_end = true;
        Ok(())
    }

    /// Asks where the log ends: all that was ever sent comes by until then.
    pub(crate) async fn ask_for_the_end(&mut self) -> Result<(), RelayError> {
        self.end = Some(self.source.end().await?);
        self.look_at_the_end()
    }
}

/// Of the rows of a chunk, which have the ordinals after `base`, only such may be gone that all topics have.
fn none_is_lost(rows: &VecDeque<Taken>, base: i64, everywhere: i64) -> Result<(), RelayError> {
    let waiting = (base + 1..).zip(rows).filter(|(ordinal, _)| *ordinal > everywhere);
    let lost: Vec<String> = waiting.filter_map(|(_, row)| row.as_ref().err()).map(Key::to_string).collect();
    let shown = lost.iter().take(KEYS_SHOWN_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
    match lost.len() {
        0 => Ok(()),
        rows if rows > KEYS_SHOWN_MAX => Err(RelayError::RowsGone { rows, keys: format!("{shown}, …") }),
        rows => Err(RelayError::RowsGone { rows, keys: shown }),
    }
}

/// A log that has not come as far as it was read before is another one, which may lack what came last in that.
fn none_goes_back(read: &Position, now: &Position) -> Result<(), RelayError> {
    if read <= now {
        return Ok(());
    }
    Err(RelayError::Gap {
        what: format!("it ends at {now}, before {read}, up to which it was read"),
        mend: Mend("this is not the log that was read before".to_owned()),
    })
}

/// What topics have must be of rows that were there.
fn all_came_by(told: &[Told], newest: i64) -> Result<(), RelayError> {
    match told.first() {
        Some(Told { ordinal, topic, .. }) => {
            Err(RelayError::DatabaseRestored { topic: topic.clone(), stored: *ordinal, newest })
        }
        None => Ok(()),
    }
}
