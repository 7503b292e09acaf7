//! A database's log in memory, with the faults that a real one has.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::AtomicU64, atomic::Ordering::Relaxed},
};

use bytes::Bytes;
use hexalpes_capture::{
    Detail, Inserted, Log, LogError, Mend, Origin, Position, Snapshot, Step, Table, TableName, Value,
};
use hexalpes_db::Db;
use hexalpes_kernel::Timestamp;
use hexalpes_outbox::{LogSource, OutboxRow, PageOrder, page};
use parking_lot::Mutex;
use tokio::sync::watch;

/// Bytes that a transaction of the log takes.
const TRANSACTION_BYTES: u64 = 100;

/// The log of a table, and the table as it is told of transactions. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    state: Arc<Mutex<State>>,
    length: watch::Sender<usize>,
    /// A reader is hung up on after so many steps, so many times.
    steps_max: Arc<AtomicU64>,
    hang_ups: Arc<AtomicU64>,
    /// Who reads a snapshot is hung up on after so many pages.
    pages_max: Arc<AtomicU64>,
    /// Nothing is given while it is closed; how often somebody waited at it.
    gate: watch::Sender<bool>,
    waits: watch::Sender<u64>,
}

#[derive(Debug)]
struct State {
    identity: String,
    transactions: Vec<Vec<Inserted>>,
    /// Those of them that drop the table.
    drops: BTreeSet<usize>,
    /// Transactions that were let go.
    purged: usize,
    confirmed: Position,
    /// Rows of a step; all others of a transaction come later.
    rows_max: usize,
    readers: usize,
    readers_max: usize,
    /// Who reads panics.
    is_broken: bool,
}

impl State {
    fn is_free(&self) -> Result<(), LogError> {
        if self.readers < self.readers_max {
            return Ok(());
        }
        let mend = Mend("stop the other reader".to_owned());
        Err(LogError::Taken { what: "the slot".to_owned(), mend })
    }
}

impl Memory {
    pub(crate) fn new() -> Self {
        let state = State {
            identity: "one".to_owned(),
            transactions: Vec::new(),
            drops: BTreeSet::new(),
            purged: 0,
            confirmed: Position::default(),
            rows_max: 500,
            readers: 0,
            readers_max: 1,
            is_broken: false,
        };
        let state = Arc::new(Mutex::new(state));
        Self {
            state,
            length: watch::Sender::new(0),
            steps_max: Arc::default(),
            hang_ups: Arc::default(),
            pages_max: Arc::new(AtomicU64::new(u64::MAX)),
            gate: watch::Sender::new(true),
            waits: watch::Sender::new(0),
        }
    }

    /// Whoever reads it from now on panics.
    pub(crate) fn break_down(&self) {
        self.state.lock().is_broken = true;
    }

    /// Commits rows of the table, in the order given, as one transaction.
    pub(crate) async fn commit(&self, db: &Db, seqs: &[i64]) {
        let mut rows = Vec::new();
        for seq in seqs {
            let found = page(db, PageOrder::OldestFirst, Some(seq - 1), 1).await.unwrap().pop().unwrap();
            assert_eq!(found.seq, *seq);
            rows.push(found);
        }
        self.commit_rows(&rows);
    }

    pub(crate) fn commit_rows(&self, rows: &[OutboxRow]) {
        self.push(rows);
    }

    /// Commits a transaction that has nothing to do with the table.
    pub(crate) fn commit_other(&self) {
        self.push(&[]);
    }

    /// Drops the table, which is made anew when somebody inserts into it.
    pub(crate) fn drop_table(&self) {
        let mut state = self.state.lock();
        let at = state.transactions.len();
        state.drops.insert(at);
        drop(state);
        self.push(&[]);
    }

    fn push(&self, rows: &[OutboxRow]) {
        let mut state = self.state.lock();
        let begins = place(state.transactions.len());
        let rows = rows.iter().map(|row| inserted(row, begins.clone(), false)).collect();
        state.transactions.push(rows);
        self.length.send_replace(state.transactions.len());
    }

    /// Commits a row of a table that others write: its columns `id`, `aggregate` and `payload`.
    pub(crate) fn commit_of_others(&self, id: Option<&str>, aggregate: Option<&str>, payload: &str) {
        let mut state = self.state.lock();
        let text = |text: Option<&str>| text.map_or(Value::Null, |text| Value::Text(text.into()));
        let table = Table {
            database: "memory".to_owned(),
            schema: None,
            name: "salida".to_owned(),
            columns: ["id", "aggregate", "payload"].map(str::to_owned).to_vec(),
        };
        let origin = Origin {
            connector: "mysql",
            begins: place(state.transactions.len()),
            at: Timestamp::parse("2025-01-15T10:30:00Z").unwrap(),
            fields: vec![("row", Detail::Number(0))],
            is_snapshot: false,
        };
        let values = vec![text(id), text(aggregate), text(Some(payload))];
        state.transactions.push(vec![Inserted { table: Arc::new(table), values, origin: Arc::new(origin) }]);
        self.length.send_replace(state.transactions.len());
    }

    pub(crate) fn hang_up_after(&self, steps: u64, times: u64) {
        self.steps_max.store(steps, Relaxed);
        self.hang_ups.store(times, Relaxed);
    }

    pub(crate) fn end_snapshots_after(&self, pages: u64) {
        self.pages_max.store(pages, Relaxed);
    }

    /// From now on it gives nothing, until it is opened.
    pub(crate) fn close(&self) {
        self.gate.send_replace(false);
    }

    pub(crate) fn open(&self) {
        self.gate.send_replace(true);
    }

    /// Until somebody waits for it to be opened.
    pub(crate) async fn is_waited_for(&self) {
        self.waits.subscribe().wait_for(|waits| *waits > 0).await.unwrap();
    }

    fn hangs_up(&self, steps: u64) -> bool {
        let less = |times: u64| times.checked_sub(1);
        steps >= self.steps_max.load(Relaxed) && self.hang_ups.fetch_update(Relaxed, Relaxed, less).is_ok()
    }

    pub(crate) fn steps_of(&self, rows: usize) {
        self.state.lock().rows_max = rows;
    }

    /// As after a failover: another log.
    pub(crate) fn fail_over(&self, identity: &str) {
        identity.clone_into(&mut self.state.lock().identity);
    }

    /// As from a backup that was made when it had so many transactions.
    pub(crate) fn restore(&self, transactions: usize) {
        self.state.lock().transactions.truncate(transactions);
        self.length.send_replace(transactions);
    }

    /// Lets go what was committed so far.
    pub(crate) fn purge(&self) {
        let mut state = self.state.lock();
        state.purged = state.transactions.len();
    }

    pub(crate) fn confirmed(&self) -> Position {
        self.state.lock().confirmed.clone()
    }

    pub(crate) fn end(&self) -> Position {
        place(self.state.lock().transactions.len())
    }

    /// Ids in the order of the commits.
    pub(crate) fn ids(&self) -> Vec<String> {
        let state = self.state.lock();
        state.transactions.iter().flatten().map(|row| text(row.get("id").unwrap())).collect()
    }
}

fn place(transactions: usize) -> Position {
    Position::new("", transactions as u64 * TRANSACTION_BYTES)
}

fn index(position: &Position) -> usize {
    usize::try_from(position.offset / TRANSACTION_BYTES).unwrap()
}

fn text(value: &Value) -> String {
    match value {
        Value::Text(text) => text.to_string(),
        Value::Bytes(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
        other => panic!("{other:?} is no text"),
    }
}

/// Names in bytes, as `MySQL` has them.
fn inserted(row: &OutboxRow, begins: Position, is_snapshot: bool) -> Inserted {
    let columns = [
        "seq",
        "id",
        "aggregatetype",
        "aggregateid",
        "type",
        "payload",
        "headers",
        "occurred_at",
        "published",
        "published_at",
    ];
    let name = |text: &str| Value::Bytes(Bytes::copy_from_slice(text.as_bytes()));
    let values = vec![
        Value::Integer(row.seq),
        name(&row.id),
        name(&row.aggregatetype),
        Value::Text(row.aggregateid.clone()),
        Value::Text(row.kind.clone()),
        Value::Text(row.payload.get().into()),
        Value::Text(serde_json::to_string(&row.headers).unwrap().into()),
        Value::Integer(row.occurred_at.as_micros()),
        Value::Integer(row.published),
        Value::Null,
    ];
    let table = Table {
        database: "memory".to_owned(),
        schema: None,
        name: "outbox_event".to_owned(),
        columns: columns.map(str::to_owned).to_vec(),
    };
    let origin = Origin {
        connector: "mysql",
        begins,
        at: row.occurred_at,
        fields: vec![("row", Detail::Number(row.seq.unsigned_abs()))],
        is_snapshot,
    };
    Inserted { table: Arc::new(table), values, origin: Arc::new(origin) }
}

/// How a relay gets at it.
#[derive(Debug)]
pub(crate) struct MemorySource {
    pub(crate) memory: Memory,
    pub(crate) db: Db,
}

impl LogSource for MemorySource {
    type Log = MemoryLog;
    type Snapshot = MemorySnapshot;

    async fn check(&self) -> Result<(), LogError> {
        self.memory.state.lock().is_free()
    }

    async fn identity(&self) -> Result<String, LogError> {
        Ok(self.memory.state.lock().identity.clone())
    }

    async fn begin(&self) -> Result<Position, LogError> {
        Ok(self.memory.end())
    }

    async fn end(&self) -> Result<Position, LogError> {
        Ok(self.memory.end())
    }

    async fn open(&self, from: &Position) -> Result<MemoryLog, LogError> {
        let memory = self.memory.clone();
        let mut state = memory.state.lock();
        if index(from) < state.purged || index(from) > state.transactions.len() {
            let mend = Mend("take a new snapshot".to_owned());
            return Err(LogError::Gap { what: "the log no longer has what comes next".to_owned(), mend });
        }
        state.is_free()?;
        state.readers += 1;
        drop(state);
        let length = memory.length.subscribe();
        Ok(MemoryLog { memory, length, next: index(from), given: 0, steps: 0, is_due: false })
    }

    async fn snapshot(&self) -> Result<MemorySnapshot, LogError> {
        let (position, ids) = (self.memory.end(), self.memory.ids());
        Ok(MemorySnapshot {
            position,
            ids: ids.into_iter().collect(),
            memory: self.memory.clone(),
            db: self.db.clone(),
            pages: 0,
        })
    }
}

/// A reader.
#[derive(Debug)]
pub(crate) struct MemoryLog {
    memory: Memory,
    length: watch::Receiver<usize>,
    /// The transaction that it is in, and how many of its rows it gave.
    next: usize,
    given: usize,
    steps: u64,
    /// A boundary is to be given.
    is_due: bool,
}

impl Log for MemoryLog {
    async fn next(&mut self) -> Result<Step, LogError> {
        let is_open = *self.memory.gate.borrow();
        if !is_open {
            self.memory.waits.send_modify(|waits| *waits += 1);
            self.memory.gate.subscribe().wait_for(|is_open| *is_open).await.unwrap();
        }
        loop {
            if self.memory.hangs_up(self.steps) {
                return Err(LogError::Unreachable("it hung up".to_owned()));
            }
            if self.is_due {
                (self.is_due, self.steps) = (false, self.steps + 1);
                return Ok(Step::Boundary(place(self.next)));
            }
            let (rows, is_drop): (Option<Vec<Inserted>>, bool) = {
                let state = self.memory.state.lock();
                assert!(!state.is_broken, "the log is broken");
                let rest = state.transactions.get(self.next).map(|rows| &rows[self.given.min(rows.len())..]);
                let rows = rest.map(|rest| rest.iter().take(state.rows_max).cloned().collect());
                (rows, state.drops.contains(&self.next))
            };
            match rows {
                Some(rows) if rows.is_empty() => {
                    (self.next, self.given, self.is_due) = (self.next + 1, 0, true);
                    if is_drop {
                        return Ok(Step::Dropped(TableName::new("memory", "salida")));
                    }
                }
                Some(rows) => {
                    self.given += rows.len();
                    self.steps += 1;
                    return Ok(Step::Rows(rows));
                }
                None => {
                    let next = self.next;
                    self.length.wait_for(|length| *length > next).await.unwrap();
                }
            }
        }
    }

    async fn confirm(&mut self, through: &Position) -> Result<(), LogError> {
        self.memory.state.lock().confirmed = through.clone();
        Ok(())
    }

    async fn behind(&mut self) -> Result<Option<u64>, LogError> {
        let length = self.memory.state.lock().transactions.len();
        Ok(Some((length - self.next) as u64 * TRANSACTION_BYTES))
    }
}

impl Drop for MemoryLog {
    fn drop(&mut self) {
        self.memory.state.lock().readers -= 1;
    }
}

/// The rows of the transactions that were committed when it was made.
#[derive(Debug)]
pub(crate) struct MemorySnapshot {
    position: Position,
    ids: BTreeSet<String>,
    memory: Memory,
    db: Db,
    pages: u64,
}

impl Snapshot for MemorySnapshot {
    fn position(&self) -> &Position {
        &self.position
    }

    async fn after(&mut self, key: Option<&Value>, limit: u32) -> Result<Vec<Inserted>, LogError> {
        self.pages += 1;
        if self.pages > self.memory.pages_max.load(Relaxed) {
            return Err(LogError::Unreachable("it hung up".to_owned()));
        }
        let mut after = match key {
            Some(Value::Integer(seq)) => Some(*seq),
            _ => None,
        };
        let mut rows = Vec::new();
        while rows.len() < limit as usize {
            let Some(row) = page(&self.db, PageOrder::OldestFirst, after, 1).await.unwrap().pop() else {
                break;
            };
            after = Some(row.seq);
            if self.ids.contains(&*row.id) {
                rows.push(inserted(&row, self.position.clone(), true));
            }
        }
        Ok(rows)
    }

    async fn above(&mut self, _: &[Value], _: &Value) -> Result<Vec<bool>, LogError> {
        panic!("numbers are compared without a database")
    }
}
