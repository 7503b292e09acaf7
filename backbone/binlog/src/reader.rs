//! What the events of the log say, one after another: which rows were inserted into the wanted tables, in transactions
//! that were committed, and where in the log these end.
//!
//! Bytes in, steps out: the connection is [`crate::stream`]'s.
//!
//! Events of a transaction stand together in the log, which is written when it commits. What was rolled back is not in
//! it, with an exception: a transaction that also changed what cannot be rolled back is logged with its `ROLLBACK`. So
//! rows are kept until the end of their transaction is seen, but for large ones, of which so many rows are kept.

use std::collections::{HashMap, VecDeque};
use std::mem;
use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;
use hexalpes_capture::{Detail, Inserted, LogError, Mend, Origin, Position, Step, TableName, Witness};
use hexalpes_kernel::Timestamp;

use crate::columns::Described;
use crate::cursor::Malformed;
use crate::event::{Event, kind};
use crate::gtid::{self, Start};
use crate::query::{self, Statement};
use crate::rows::{Rows, RowsError, table_id};
use crate::tablemap::{Layout, Schema, TableMap, changed, table_of};

/// Rows of a transaction that are kept until they are given.
const ROWS_MAX: usize = 500;
/// Bytes of the log that they may take.
const BYTES_MAX: usize = 4 << 20;
/// Where the first event is in a file.
const FIRST: u64 = 4;

#[derive(Debug)]
pub(crate) struct Reader {
    /// `mysql` or `mariadb`.
    connector: &'static str,
    wanted: Vec<TableName>,
    /// Names of character sets by the numbers of their collations.
    charsets: HashMap<u64, String>,
    /// The wanted tables whose map has been seen, by the number that the log gives them.
    tables: HashMap<u64, Mapped>,
    /// What the columns of the only wanted table are here; none if that is not known, or it was altered since it was.
    columns: Option<Arc<[String]>>,
    file: ByteString,
    /// When that was made; 0 until it is known.
    made: u32,
    /// Behind the last event.
    offset: u64,
    /// The beginning of its file has been told of by the server, or is told of next.
    is_told: bool,
    /// Where the compressed transaction begins whose events are being read.
    payload: Option<u64>,
    open: Option<Transaction>,
}

/// A table map is repeated with each statement: as long as it stays the same, so does the layout.
#[derive(Debug)]
struct Mapped {
    bytes: Vec<u8>,
    layout: Layout,
}

#[derive(Debug)]
struct Transaction {
    begins: Position,
    start: Start,
    at: Timestamp,
    rows: Vec<Inserted>,
    /// Bytes of the log that the rows took.
    bytes: usize,
    /// Rows that have been given already.
    given: usize,
    /// Names, and how many rows there were.
    savepoints: Vec<(String, usize)>,
}

impl Reader {
    pub(crate) fn new(
        connector: &'static str,
        wanted: Vec<TableName>,
        charsets: HashMap<u64, String>,
        from: &Position,
    ) -> Self {
        Self {
            connector,
            wanted,
            charsets,
            tables: HashMap::new(),
            columns: None,
            file: from.file.clone(),
            made: from.witness.digest,
            offset: from.offset,
            is_told: true,
            payload: None,
            open: None,
        }
    }

    /// Where it is, if no transaction is half read and a server can be asked to begin there: that takes 32 bits.
    pub(crate) fn boundary(&self) -> Option<Position> {
        let is_between = self.open.is_none() && self.payload.is_none();
        (is_between && u32::try_from(self.offset).is_ok()).then(|| self.place())
    }

    pub(crate) fn columns(&self) -> Option<Arc<[String]>> {
        self.columns.clone()
    }

    pub(crate) fn expect(&mut self, columns: &[String]) {
        self.columns = Some(columns.into());
    }

    /// Where it is.
    pub(crate) fn place(&self) -> Position {
        Position {
            witness: Witness { end: 0, digest: self.made },
            ..Position::new(self.file.clone(), self.offset)
        }
    }

    pub(crate) fn is_inside_payload(&self, event: &Event<'_>) -> bool {
        self.payload.is_some() && event.ends == 0
    }

    /// The table whose columns must be learnt before this event is taken.
    pub(crate) fn asks(&self, event: &Event<'_>) -> Result<Option<TableName>, LogError> {
        if event.kind != kind::TABLE_MAP {
            return Ok(None);
        }
        let (id, table) = table_of(event.body).map_err(|error| self.unreadable(error))?;
        let is_known = self.tables.get(&id).is_some_and(|mapped| mapped.bytes == event.body);
        Ok((!is_known && self.wanted.contains(&table)).then_some(table))
    }

    /// What [`Self::asks`] has asked for.
    pub(crate) fn learn(&mut self, event: &Event<'_>, columns: &[Described]) -> Result<(), LogError> {
        let (id, table) = table_of(event.body).map_err(|error| self.unreadable(error))?;
        let map = TableMap::read(event.body).map_err(|error| self.unreadable(error))?;
        let has_names = map.has_names();
        let layout = map.with(&Schema { columns, charsets: &self.charsets })?;
        if self.wanted.len() == 1 {
            let now = &layout.table.columns;
            // Added at the end, columns change nothing of the others.
            let is_altered = |known: &Arc<[String]>| known.iter().zip(now).any(|(known, now)| known != now);
            if !has_names && self.columns.as_ref().is_some_and(is_altered) {
                return Err(changed(&table));
            }
            self.columns = Some(now.as_slice().into());
        }
        self.tables.insert(id, Mapped { bytes: event.body.to_vec(), layout });
        Ok(())
    }

    /// What comes next in the log; steps that it makes go behind those that are `ready`. `tagged` is the start that a
    /// tagged id gives.
    pub(crate) fn take(
        &mut self,
        event: &Event<'_>,
        tagged: Option<Start>,
        ready: &mut VecDeque<Step>,
    ) -> Result<(), LogError> {
        let begins = self.offset;
        if !self.is_inside_payload(event) {
            let is_cut = self.payload.is_some() && event.is_in_file();
            if is_cut {
                return Err(LogError::Unreadable(format!(
                    "the transaction at {} ends too early",
                    self.place()
                )));
            }
            self.advance(event);
        }
        match event.kind {
            kind::FORMAT_DESCRIPTION => self.begin_file(event),
            kind::ROTATE => self.rotate(event),
            kind::GTID | kind::ANONYMOUS_GTID => {
                let start = gtid::mysql(event.body, event.kind == kind::ANONYMOUS_GTID);
                self.begin(event, begins, start.map_err(|error| self.unreadable(error))?)
            }
            kind::TAGGED_GTID => self.begin(event, begins, tagged.unwrap_or_default()),
            kind::MARIADB_GTID => {
                let start = gtid::mariadb(event.body, event.server_id);
                self.begin(event, begins, start.map_err(|error| self.unreadable(error))?)
            }
            kind::QUERY => self.statement(event, begins, ready),
            kind::EXECUTE_LOAD_QUERY => {
                let text = String::from_utf8_lossy(event.body);
                self.refuse_changes(|table| text.contains(&table.schema))
            }
            kind::XID => {
                self.commit(ready);
                Ok(())
            }
            kind::XA_PREPARE => self.prepare(event, ready),
            kind::TRANSACTION_PAYLOAD => {
                self.payload = Some(begins);
                Ok(())
            }
            kind::TABLE_MAP => self.map(event),
            kind::WRITE_ROWS_V1 | kind::WRITE_ROWS => self.rows(event, begins, ready),
            other => self.pass(other, event),
        }
    }

    /// Ends are written in 32 bits; where the bits above have changed, they are less than before.
    fn advance(&mut self, event: &Event<'_>) {
        if event.is_in_file() {
            let mut offset = (self.offset & !u64::from(u32::MAX)) | u64::from(event.ends);
            if offset < self.offset {
                offset += 1 << 32;
            }
            self.offset = offset;
        }
    }

    /// A file begins, as the server also says of one that is read from its middle on, with the time of its making. No
    /// transaction goes over two of them: one that is open was cut by a crash, and never was.
    fn begin_file(&mut self, event: &Event<'_>) -> Result<(), LogError> {
        self.tables.clear();
        self.payload = None;
        if self.made != 0 && self.made != event.at {
            return Err(LogError::Gap {
                what: format!(
                    "the log was reset: the file {} is another one of that name than was read before",
                    self.file
                ),
                mend: Mend("take the tables' rows anew".to_owned()),
            });
        }
        self.made = event.at;
        self.abandon_open()
    }

    /// The file ends and says which is next. After a crash it does not, and then the server alone says it, in an event
    /// that is in no file; that one comes with the beginning of each file, and its name may have too many or too few
    /// bytes: whether there is a checksum behind it, the server does not say.
    fn rotate(&mut self, event: &Event<'_>) -> Result<(), LogError> {
        let name = event.body.get(8..).unwrap_or_default();
        if event.is_in_file() {
            let name =
                std::str::from_utf8(name).map_err(|_| self.unreadable(Malformed("a file has no name")))?;
            self.file = name.into();
            self.made = 0;
            self.offset = FIRST;
            self.is_told = true;
            return Ok(());
        }
        let is_cut = !mem::take(&mut self.is_told);
        let begun = if is_cut { following(&self.file) } else { Some(self.file.to_string()) };
        let may_be = |file: &String| name.starts_with(file.as_bytes()) || file.as_bytes().starts_with(name);
        let Some(begun) = begun.filter(may_be) else {
            let (place, name) = (self.place(), String::from_utf8_lossy(name));
            return Err(LogError::Unreadable(format!("after {place} the log goes on in {name}")));
        };
        if is_cut {
            self.file = begun.into();
            self.made = 0;
            self.offset = FIRST;
        }
        Ok(())
    }

    fn begin(&mut self, event: &Event<'_>, begins: u64, start: Start) -> Result<(), LogError> {
        self.abandon_open()?;
        self.open = Some(self.transaction(event, begins, start));
        Ok(())
    }

    fn abandon_open(&mut self) -> Result<(), LogError> {
        match self.open.take() {
            Some(cut) if cut.given > 0 => Err(taken_back(&cut)),
            _ => Ok(()),
        }
    }

    fn transaction(&self, event: &Event<'_>, begins: u64, start: Start) -> Transaction {
        let at = start.committed.unwrap_or(i64::from(event.at) * 1_000_000);
        Transaction {
            begins: Position::new(self.file.clone(), begins),
            start,
            at: Timestamp::from_micros(at).unwrap_or_else(epoch),
            rows: Vec::new(),
            bytes: 0,
            given: 0,
            savepoints: Vec::new(),
        }
    }

    fn commit(&mut self, ready: &mut VecDeque<Step>) {
        self.payload = None;
        let Some(mut transaction) = self.open.take() else { return };
        let has_rows = transaction.given > 0 || !transaction.rows.is_empty();
        transaction.give(ready);
        if let Some(boundary) = self.boundary().filter(|_| has_rows) {
            ready.push_back(Step::Boundary(boundary));
        }
    }

    fn statement(
        &mut self,
        event: &Event<'_>,
        begins: u64,
        ready: &mut VecDeque<Step>,
    ) -> Result<(), LogError> {
        let (schema, text) = query::read(event.body).map_err(|error| self.unreadable(error))?;
        let plain = query::plain(text);
        let statement = Statement::of(&plain);
        if statement.may_alter() && self.wanted.iter().any(|table| may_name(text, &table.name)) {
            self.columns = None;
        }
        match statement {
            Statement::Begin => {
                if self.open.is_none() {
                    self.open = Some(self.transaction(event, begins, Start::default()));
                }
                self.open.iter_mut().for_each(|transaction| transaction.start.has_begun = true);
            }
            Statement::Commit => self.commit(ready),
            Statement::Rollback => {
                self.payload = None;
                self.abandon_open()?;
            }
            Statement::Savepoint(name) => {
                self.open.iter_mut().for_each(|transaction| transaction.mark(name));
            }
            Statement::RollbackTo(name) => {
                if let Some(transaction) = &mut self.open {
                    transaction.roll_back_to(name)?;
                }
            }
            // Tables in memory are empty after a start, and the server says so.
            Statement::Changes if text.contains("generated by server") => {}
            Statement::Changes => self.refuse_changes(|table| {
                table.schema == schema || (text.contains(&table.schema) && text.contains(&table.name))
            })?,
            Statement::Drops(names) => {
                let dropped = query::names(names).into_iter().map(|(database, name)| {
                    TableName::new(database.unwrap_or_else(|| schema.to_owned()), name)
                });
                self.drop_tables(dropped.filter(|table| self.wanted.contains(table)).collect(), ready);
            }
            Statement::DropsAll(name) => {
                let dropped = query::names(name);
                let is_in = |table: &&TableName| dropped.iter().any(|(_, name)| *name == table.schema);
                self.drop_tables(self.wanted.iter().filter(is_in).cloned().collect(), ready);
            }
            Statement::Other { rows_follow: true } => {
                self.open.iter_mut().for_each(|transaction| transaction.start.has_begun = true);
            }
            Statement::Other { rows_follow: false } => self.alter(ready),
        }
        Ok(())
    }

    /// A statement that makes tables what they are is a transaction of its own.
    fn alter(&mut self, ready: &mut VecDeque<Step>) {
        if self.open.as_ref().is_none_or(|transaction| !transaction.start.has_begun) {
            self.commit(ready);
        }
    }

    fn drop_tables(&mut self, dropped: Vec<TableName>, ready: &mut VecDeque<Step>) {
        self.alter(ready);
        ready.extend(dropped.into_iter().map(Step::Dropped));
    }

    /// A statement that changes rows stands in the log in their place. Whether they are of a wanted table nobody knows,
    /// for it may have triggers, but in other databases it would name both it and its own.
    fn refuse_changes(&self, concerns: impl Fn(&TableName) -> bool) -> Result<(), LogError> {
        let Some(table) = self.wanted.iter().find(|table| concerns(table)) else { return Ok(()) };
        Err(LogError::Refused {
            what: format!("a change was logged as a statement at {}, perhaps of {table}", self.place()),
            mend: Mend(
                "SET GLOBAL binlog_format = 'ROW'; and end the sessions that have set it themselves; then take the \
                 table's rows anew"
                    .to_owned(),
            ),
        })
    }

    /// Prepared is not committed: whether it will be, a later transaction says.
    fn prepare(&mut self, event: &Event<'_>, ready: &mut VecDeque<Step>) -> Result<(), LogError> {
        let is_committed = event.body.first().is_some_and(|one_phase| *one_phase != 0);
        let has_rows = self.open.as_ref().is_some_and(|open| open.given > 0 || !open.rows.is_empty());
        if has_rows && !is_committed {
            return Err(LogError::Refused {
                what: format!("a distributed transaction (XA) inserted rows before {}", self.place()),
                mend: Mend("insert without XA, and take the table's rows anew".to_owned()),
            });
        }
        self.commit(ready);
        Ok(())
    }

    fn map(&mut self, event: &Event<'_>) -> Result<(), LogError> {
        let (id, table) = table_of(event.body).map_err(|error| self.unreadable(error))?;
        if !self.wanted.contains(&table) {
            self.tables.remove(&id);
        }
        Ok(())
    }

    fn rows(&mut self, event: &Event<'_>, begins: u64, ready: &mut VecDeque<Step>) -> Result<(), LogError> {
        let id = table_id(event.body).map_err(|error| self.unreadable(error))?;
        let Some(Mapped { layout, .. }) = self.tables.get(&id) else { return Ok(()) };
        let place = || Position::new(self.file.clone(), begins);
        // Texts are parts of it.
        let whole = Bytes::copy_from_slice(event.body);
        let mut rows =
            Rows::read(&whole, event.kind == kind::WRITE_ROWS, layout).map_err(|error| match error {
                RowsError::Log(error) => error,
                RowsError::Malformed(error) => LogError::Unreadable(format!("{}: {error}", place())),
            })?;
        if self.open.is_none() {
            self.open = Some(self.transaction(event, begins, Start { has_begun: true, ..Start::default() }));
        }
        let Some(transaction) = &mut self.open else { return Ok(()) };
        let gtid = transaction.start.gtid.clone().map_or(Detail::Null, Detail::Text);
        let begins = self.payload.unwrap_or(begins);
        let mut row = 0;
        loop {
            let before = rows.remaining();
            let values = rows.next().map_err(|error| {
                LogError::Unreadable(format!("{}:{begins}, row {row}: {error}", self.file))
            })?;
            let Some(values) = values else { return Ok(()) };
            let origin = Origin {
                connector: self.connector,
                begins: transaction.begins.clone(),
                at: transaction.at,
                fields: vec![
                    ("server_id", Detail::Number(event.server_id.into())),
                    ("gtid", gtid.clone()),
                    ("file", Detail::Text(self.file.clone())),
                    ("pos", Detail::Number(begins)),
                    ("row", Detail::Number(row)),
                    ("thread", Detail::Null),
                    ("query", Detail::Null),
                ],
                is_snapshot: false,
            };
            let inserted = Inserted { table: rows.table.clone(), values, origin: Arc::new(origin) };
            transaction.add(inserted, before - rows.remaining(), ready);
            row += 1;
        }
    }

    /// What has no rows that were inserted. What is unknown may have some.
    fn pass(&self, number: u8, event: &Event<'_>) -> Result<(), LogError> {
        match number {
            kind::STOP
            | kind::INTVAR
            | kind::APPEND_BLOCK
            | kind::DELETE_FILE
            | kind::RAND
            | kind::USER_VAR
            | kind::BEGIN_LOAD_QUERY
            | kind::UPDATE_ROWS_V1
            | kind::DELETE_ROWS_V1
            | kind::HEARTBEAT
            | kind::IGNORABLE
            | kind::ROWS_QUERY
            | kind::UPDATE_ROWS
            | kind::DELETE_ROWS
            | kind::PREVIOUS_GTIDS
            | kind::TRANSACTION_CONTEXT
            | kind::VIEW_CHANGE
            | kind::PARTIAL_UPDATE_ROWS
            | kind::HEARTBEAT_V2
            | kind::MARIADB_ANNOTATE_ROWS
            | kind::MARIADB_CHECKPOINT
            | kind::MARIADB_GTID_LIST
            | kind::MARIADB_START_ENCRYPTION => Ok(()),
            kind::INCIDENT => Err(LogError::Gap {
                what: format!("the server lost events of its own log before {}", self.place()),
                mend: Mend("take the tables' rows anew".to_owned()),
            }),
            kind::MARIADB_QUERY_COMPRESSED..=kind::MARIADB_DELETE_ROWS_COMPRESSED => Err(LogError::Refused {
                what: format!("the log is compressed at {}", self.place()),
                mend: Mend("SET GLOBAL log_bin_compress = OFF; and take the tables' rows anew".to_owned()),
            }),
            _ if event.is_ignorable() => Ok(()),
            _ => Err(LogError::Unreadable(format!(
                "the event before {} is of the unknown kind {number}",
                self.place()
            ))),
        }
    }

    fn unreadable(&self, error: Malformed) -> LogError {
        LogError::Unreadable(format!("{}: {error}", self.place()))
    }
}

impl Transaction {
    fn add(&mut self, row: Inserted, bytes: usize, ready: &mut VecDeque<Step>) {
        self.rows.push(row);
        self.bytes += bytes;
        if self.rows.len() >= ROWS_MAX || self.bytes >= BYTES_MAX {
            self.give(ready);
        }
    }

    fn give(&mut self, ready: &mut VecDeque<Step>) {
        if !self.rows.is_empty() {
            self.given += self.rows.len();
            self.bytes = 0;
            ready.push_back(Step::Rows(mem::take(&mut self.rows)));
        }
    }

    fn mark(&mut self, name: &str) {
        let rows = self.given + self.rows.len();
        self.savepoints.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.savepoints.push((name.to_owned(), rows));
    }

    fn roll_back_to(&mut self, name: &str) -> Result<(), LogError> {
        // A server knows its savepoints by names in any case. One that it has and the log has not said may be any: which
        // of the rows are left, nobody knows then.
        let known = self.savepoints.iter().position(|(known, _)| known.eq_ignore_ascii_case(name));
        let known = known.ok_or_else(|| {
            LogError::Unreadable(format!(
                "the transaction at {} went back to {name}, which it has not said",
                self.begins
            ))
        })?;
        let kept = self.savepoints[known].1.checked_sub(self.given).ok_or_else(|| taken_back(self))?;
        self.rows.truncate(kept);
        self.savepoints.truncate(known + 1);
        Ok(())
    }
}

fn taken_back(transaction: &Transaction) -> LogError {
    LogError::Refused {
        what: format!(
            "the transaction at {} was rolled back after {} of its rows were given",
            transaction.begins, transaction.given
        ),
        mend: Mend("insert in transactions that change nothing that cannot be rolled back".to_owned()),
    }
}

/// Whether a statement may be about a table: in names of other letters there are more ways to write them.
fn may_name(statement: &str, table: &str) -> bool {
    let is_plain = |letter: char| letter.is_ascii() && letter != '`';
    !table.chars().all(is_plain) || statement.to_ascii_lowercase().contains(&table.to_ascii_lowercase())
}

/// The file after this one: names end with a number.
fn following(file: &str) -> Option<String> {
    let (name, number) = file.rsplit_once('.')?;
    let next = number.parse::<u64>().ok()? + 1;
    Some(format!("{name}.{next:0width$}", width = number.len()))
}

fn epoch() -> Timestamp {
    Timestamp::from_micros(0).expect("the epoch is a moment")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: u8, ends: u32, body: &[u8]) -> Event<'_> {
        Event { kind, at: 1_736_944_800, server_id: 1, ends, flags: 0, body }
    }

    fn reader() -> Reader {
        Reader::new(
            "mariadb",
            vec![TableName::new("d", "t")],
            HashMap::new(),
            &Position::new("log.000009", 400),
        )
    }

    fn take(reader: &mut Reader, event: &Event<'_>) -> Result<(), LogError> {
        let mut ready = VecDeque::new();
        reader.take(event, None, &mut ready)?;
        assert!(ready.is_empty());
        Ok(())
    }

    fn told(name: &str) -> Vec<u8> {
        [&[4, 0, 0, 0, 0, 0, 0, 0], name.as_bytes()].concat()
    }

    #[test]
    fn after_a_crash_the_log_goes_on_in_the_next_file_without_what_was_cut() {
        for name in ["log.000010", "log.000010\x01\x02\x03\x04", "log.00"] {
            let mut reader = reader();
            take(&mut reader, &event(kind::ROTATE, 0, &told("log.000009"))).unwrap();
            take(&mut reader, &event(kind::MARIADB_GTID, 440, &[0; 19])).unwrap();
            assert_eq!(reader.boundary(), None);
            take(&mut reader, &event(kind::ROTATE, 0, &told(name))).unwrap();
            take(&mut reader, &event(kind::FORMAT_DESCRIPTION, 256, &[])).unwrap();
            assert_eq!(reader.boundary(), Some(Position::new("log.000010", 256)));
        }
        let mut reader = reader();
        take(&mut reader, &event(kind::ROTATE, 0, &told("log.000009"))).unwrap();
        assert!(take(&mut reader, &event(kind::ROTATE, 0, &told("log.000011"))).is_err());
    }

    #[test]
    fn a_file_is_known_by_the_time_of_its_making_also_from_its_middle_on() {
        let begins = |at| Event { at, ..event(kind::FORMAT_DESCRIPTION, 0, &[]) };
        let mut reader = reader();
        take(&mut reader, &begins(7)).unwrap();
        assert_eq!(reader.boundary().unwrap().kept(), "log.000009:400@7");
        take(&mut reader, &event(kind::ROTATE, 450, &told("log.000010"))).unwrap();
        assert_eq!(reader.boundary().unwrap().kept(), "log.000010:4");
        take(&mut reader, &begins(9)).unwrap();
        assert_eq!(reader.boundary().unwrap().kept(), "log.000010:4@9");
        assert!(matches!(take(&mut reader, &begins(10)), Err(LogError::Gap { .. })));
    }

    fn statement(text: &str) -> Vec<u8> {
        [&[0; 13], &b"\0"[..], text.as_bytes()].concat()
    }

    #[test]
    fn a_transaction_goes_back_to_a_savepoint_of_any_case_and_to_none_that_was_not_said() {
        let mut reader = reader();
        take(&mut reader, &event(kind::MARIADB_GTID, 440, &[0; 19])).unwrap();
        take(&mut reader, &event(kind::QUERY, 460, &statement("SAVEPOINT `Here`"))).unwrap();
        take(&mut reader, &event(kind::QUERY, 480, &statement("ROLLBACK TO `hERE`"))).unwrap();
        assert_eq!(
            take(&mut reader, &event(kind::QUERY, 500, &statement("ROLLBACK TO `there`"))),
            Err(LogError::Unreadable(
                "the transaction at log.000009:400 went back to `there`, which it has not said".into()
            ))
        );
    }

    #[test]
    fn a_file_that_ends_names_the_next() {
        let mut reader = reader();
        take(&mut reader, &event(kind::ROTATE, 0, &told("log.000009"))).unwrap();
        take(&mut reader, &event(kind::ROTATE, 450, &told("log.1000000"))).unwrap();
        take(&mut reader, &event(kind::ROTATE, 0, &told("log.1000000"))).unwrap();
        assert_eq!(reader.boundary(), Some(Position::new("log.1000000", 4)));
    }

    #[test]
    fn where_no_server_can_begin_is_no_boundary() {
        let mut reader = reader();
        take(&mut reader, &event(kind::STOP, 4_000_000_000, &[])).unwrap();
        assert_eq!(reader.boundary(), Some(Position::new("log.000009", 4_000_000_000)));
        take(&mut reader, &event(kind::STOP, 100, &[])).unwrap();
        assert_eq!((reader.boundary(), reader.place().offset), (None, (1 << 32) + 100));
    }

    #[test]
    fn what_is_not_known_stops_it_unless_it_says_that_it_may_be_passed() {
        let mut unknown = event(200, 500, &[]);
        assert_eq!(
            take(&mut reader(), &unknown),
            Err(LogError::Unreadable("the event before log.000009:500 is of the unknown kind 200".into()))
        );
        unknown.flags = 0x80;
        assert_eq!(take(&mut reader(), &unknown), Ok(()));
    }
}
