//! The log as it comes from a slot.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hexalpes_capture::{Detail, Inserted, Log, LogError, Origin, Position, Step, Table, TableName, Witness};
use hexalpes_kernel::Timestamp;
use tokio::io::ReadHalf;
use tokio::time::{Instant, timeout, timeout_at};

use crate::acknowledge::Acknowledger;
use crate::address::Address;
use crate::connection::{Connection, Purpose, Row, Stream};
use crate::failure::{Failure, Said, code, refused};
use crate::frame::{Frame, Incoming};
use crate::message::{Cursor, Envelope, Message, Relation};
use crate::options::SlotOptions;
use crate::snapshot::SlotSnapshot;
use crate::sql::{identifier, literal};
use crate::value::Kind;
use crate::{lsn, publication, setup};

const CONNECTOR: &str = "postgresql";

/// What one step gives of a transaction at most.
const STEP_ROWS_MAX: usize = 500;
const STEP_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How long a log without rows for us may go on before that is said, and how far (one of its files): not at once, for
/// whoever notes the position writes to a log himself, perhaps this one; and not late, for somebody may wait for it.
const IDLE: Duration = Duration::from_secs(1);
const IDLE_BYTES: u64 = 16 * 1024 * 1024;

/// A server that says nothing for this long, though it is asked, is gone.
const SILENCE: Duration = Duration::from_secs(90);
/// How long a question beside the log may take: the log is not read meanwhile.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);

/// A slot's log, from a position on. Dropped, it has the server told what was confirmed, and leaves the slot.
pub struct Slot {
    incoming: Incoming<ReadHalf<Stream>>,
    acknowledger: Acknowledger,
    options: SlotOptions,
    address: Address,
    database: String,
    from: Position,
    /// What the last transaction with rows is known by.
    witness: Witness,
    /// Likewise of those before [`from`](Self::from), the last that the server has given again, until it is past them: it gives
    /// again what was read and is not confirmed. None where that is nothing.
    given_again: Option<Witness>,
    /// The tables that rows may be of, by the server's number: as they are now, if they are wanted.
    relations: HashMap<u32, Option<Wanted>>,
    transaction: Option<Transaction>,
    /// Rows that are not given yet, and about how large they are.
    rows: Vec<Inserted>,
    bytes: usize,
    /// Where a transaction with rows ended.
    end: Option<u64>,
    /// How far there is nothing for us.
    idle: u64,
    /// The server waits for an answer, which may be a confirmation.
    asked: bool,
    given: u64,
    given_at: Instant,
    /// Where the last transaction with rows ended.
    committed: u64,
    heard_at: Instant,
    failed: Option<LogError>,
    /// Asks how far the log is.
    beside: Option<Connection>,
    /// What made the tables members of the publication when it was opened.
    membership: Option<String>,
}

struct Wanted {
    table: Arc<Table>,
    kinds: Vec<Kind>,
}

struct Transaction {
    begins: u64,
    at: Timestamp,
    id: u32,
    /// It was committed before the position that was asked for.
    is_old: bool,
    has_rows: bool,
}

impl Transaction {
    /// What it is known by, which ended there: where, when and as what it was committed.
    fn witness(&self, end: u64) -> Witness {
        let (begins, at) = (self.begins.to_le_bytes(), self.at.as_micros().to_le_bytes());
        let digest = crc32c::crc32c_append(crc32c::crc32c(&begins), &at);
        Witness { end, digest: crc32c::crc32c_append(digest, &self.id.to_le_bytes()).max(1) }
    }
}

impl std::fmt::Debug for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Slot")
            .field("options", &self.options)
            .field("given", &self.given)
            .finish_non_exhaustive()
    }
}

impl Slot {
    /// What is not set up right, each with the statement that mends it; or that another reader has the slot now.
    pub async fn check(options: &SlotOptions) -> Result<(), LogError> {
        setup::check(options).await
    }

    /// Whose log it is: the cluster's number, which a copy or a backup keeps, and its timeline, which changes when a
    /// replica takes over or a backup is brought forward. Positions of one identity mean nothing to another. Behind a `#`
    /// stands what makes the tables members of the publication, if there is one: where that is another, the log does not
    /// give what was inserted between.
    pub async fn identity(options: &SlotOptions) -> Result<String, LogError> {
        let mut connection = setup::connect(options).await?;
        let (system, timeline, _) = setup::identify(&mut connection).await?;
        let membership = setup::membership(&mut connection, options).await?;
        connection.close().await;
        let membership = membership.map(|membership| format!("#{membership}")).unwrap_or_default();
        Ok(format!("{system}/{timeline}{membership}"))
    }

    /// Where the log ends now. It waits for nobody's transaction.
    pub async fn end(options: &SlotOptions) -> Result<Position, LogError> {
        setup::end(options).await
    }

    /// The oldest position from which the slot can be read. A slot and a publication that are missing are made, and
    /// a slot that the server invalidated is made anew: whoever opens it at an older position is told.
    pub async fn position(options: &SlotOptions) -> Result<Position, LogError> {
        setup::position(options).await
    }

    /// The same for who begins anew, and wants nothing of what the slot has kept.
    pub async fn anew(options: &SlotOptions) -> Result<Position, LogError> {
        setup::anew(options).await
    }

    /// The column by which the server numbers the rows of a table as they come (an identity, or a `serial`); none where it does
    /// not, or another one is needed to tell them apart.
    pub async fn numbered(options: &SlotOptions, table: &TableName) -> Result<Option<String>, LogError> {
        crate::snapshot::numbered(options, table).await
    }

    /// A table's rows as they are now, by its key.
    pub async fn snapshot(
        options: &SlotOptions,
        table: &TableName,
        key: &str,
    ) -> Result<SlotSnapshot, LogError> {
        SlotSnapshot::open(options, table, key).await
    }

    /// Has the server forget the slot, which else keeps its log for ever. It is no error if there is none.
    pub async fn remove(options: &SlotOptions) -> Result<(), LogError> {
        setup::remove(options).await
    }

    /// The log from a position on, unless something after it is gone.
    pub async fn open(options: SlotOptions, from: Position) -> Result<Self, LogError> {
        let address = Address::parse(&options.url)?;
        let mut connection = Connection::open(&address, Purpose::Replication).await?;
        let confirmed = setup::readable(&mut connection, &options, &from).await?;
        let membership = setup::membership(&mut connection, &options).await?;
        let command = format!(
            "START_REPLICATION SLOT {} LOGICAL {} (proto_version '1', publication_names {})",
            identifier(&options.slot),
            // From what was confirmed on: what has been read since is given again, to be told from what a copy has there.
            lsn::text(0),
            literal(&identifier(&options.publication))
        );
        if let Err(failure) = connection.stream(&command).await {
            return Err(match failure {
                Failure::Said(said) if said.code == code::IN_USE => {
                    setup::taken(&mut connection, &options).await
                }
                Failure::Said(said) => refused_stream(said, &options, &from),
                failure => failure.into(),
            });
        }
        let (incoming, outgoing) = connection.into_parts();
        let now = Instant::now();
        Ok(Self {
            incoming,
            acknowledger: Acknowledger::start(outgoing),
            database: address.database.clone(),
            options,
            address,
            witness: from.witness,
            given_again: (from.witness.end > confirmed).then(Witness::default),
            relations: HashMap::new(),
            transaction: None,
            rows: Vec::new(),
            bytes: 0,
            end: None,
            idle: from.offset,
            asked: false,
            given: from.offset,
            given_at: now,
            committed: from.offset,
            from,
            heard_at: now,
            failed: None,
            beside: None,
            membership,
        })
    }

    /// A question beside the log. Dropped while it waits, another connection is used for the next.
    async fn ask(&mut self, question: &str) -> Result<Vec<Row>, LogError> {
        let mut connection = match self.beside.take() {
            Some(connection) => connection,
            None => Connection::open(&self.address, Purpose::Queries).await?,
        };
        let rows = connection.query(question).await?;
        self.beside = Some(connection);
        Ok(rows)
    }

    /// What is ready to be given.
    fn step(&mut self) -> Option<Step> {
        let is_full = self.rows.len() >= STEP_ROWS_MAX || self.bytes >= STEP_BYTES_MAX;
        if is_full || (self.end.is_some() && !self.rows.is_empty()) {
            self.bytes = 0;
            return Some(Step::Rows(std::mem::take(&mut self.rows)));
        }
        if let Some(end) = self.end.take() {
            return Some(self.boundary(end));
        }
        if self.transaction.is_some() || self.idle <= self.given {
            return None;
        }
        let is_due = self.asked || self.idle - self.given >= IDLE_BYTES || self.given_at.elapsed() >= IDLE;
        is_due.then(|| self.boundary(self.idle))
    }

    fn boundary(&mut self, at: u64) -> Step {
        self.given = self.given.max(at);
        self.given_at = Instant::now();
        self.asked = false;
        Step::Boundary(Position { witness: self.witness, ..Position::new("", self.given) })
    }

    /// The server is at or past the place from where it is read, which it gave again what it has not confirmed to: whether the
    /// last of that is what was read there. It is not where the server's files were restored, whatever was written to them since.
    fn compare(&mut self) -> Result<(), LogError> {
        match self.given_again.take() {
            Some(again) if again != self.from.witness => Err(setup::lost(
                &self.options,
                "the last transaction that was read before is not there, as of a backup",
                &self.from,
            )),
            _ => Ok(()),
        }
    }

    /// Waits for bytes, or until something is due.
    async fn wait(&mut self) -> Result<(), Failure> {
        let silent = self.heard_at + SILENCE;
        let is_idle = self.idle > self.given && self.transaction.is_none();
        let due = if is_idle { silent.min(self.given_at + IDLE) } else { silent };
        match timeout_at(due, self.incoming.fill()).await {
            Ok(filled) => {
                filled?;
                self.heard_at = Instant::now();
                Ok(())
            }
            Err(_) if due == silent => {
                Err(Failure::Broken(format!("the server has said nothing for {} s", SILENCE.as_secs())))
            }
            Err(_) => Ok(()),
        }
    }

    fn frame(&mut self, frame: &Frame) -> Result<(), LogError> {
        match frame.tag {
            b'd' => {}
            b'E' => {
                let said = Said::parse(&frame.body);
                return Err(refused_stream(said, &self.options, &Position::new("", self.given)));
            }
            b'c' => return Err(LogError::Unreachable("the server ends".to_owned())),
            _ => return Ok(()),
        }
        match Envelope::parse(&frame.body)? {
            Envelope::Alive { end, clock, answer } => {
                if end >= self.from.offset && self.transaction.is_none() {
                    self.compare()?;
                }
                self.acknowledger.received(end);
                self.acknowledger.asked(clock, answer);
                if self.transaction.is_none() {
                    self.idle = self.idle.max(end);
                    self.asked |= answer;
                }
                Ok(())
            }
            Envelope::Data { start, message } => {
                let size = message.len();
                match Message::parse(message)? {
                    Message::Insert { relation, row } => self.insert(start, relation, row, &frame.body, size),
                    Message::Relation(relation) => self.relation(relation),
                    Message::Begin { commit, at, id } => {
                        let is_old = commit < self.from.offset;
                        if !is_old {
                            self.compare()?;
                        }
                        self.transaction =
                            Some(Transaction { begins: commit, at, id, is_old, has_rows: false });
                        Ok(())
                    }
                    Message::Commit { end } => {
                        self.commit(end);
                        Ok(())
                    }
                    Message::Other => Ok(()),
                }
            }
        }
    }

    fn commit(&mut self, end: u64) {
        self.acknowledger.received(end);
        self.idle = self.idle.max(end);
        let Some(transaction) = self.transaction.take().filter(|transaction| transaction.has_rows) else {
            return;
        };
        if transaction.is_old {
            self.given_again = self.given_again.map(|_| transaction.witness(end));
        } else {
            self.witness = transaction.witness(end);
            self.committed = end;
            self.end = Some(end);
        }
    }

    /// A table that rows will be of; it is said anew whenever it changes.
    fn relation(&mut self, relation: Relation) -> Result<(), LogError> {
        let name = TableName::new(relation.schema, relation.name);
        let is_wanted = self.options.tables.contains(&name);
        let before = self.relations.get(&relation.id).and_then(Option::as_ref);
        if let (false, Some(before)) = (is_wanted, before) {
            return Err(refused(
                format!("the table {} is {name} now", before.table.name),
                "give it its name again, or name the new one",
            ));
        }
        let wanted = is_wanted.then(|| {
            let (columns, kinds) = relation.columns.into_iter().unzip();
            let TableName { schema, name } = name;
            let table = Table { database: self.database.clone(), schema: Some(schema), name, columns };
            Wanted { table: Arc::new(table), kinds }
        });
        self.relations.insert(relation.id, wanted);
        Ok(())
    }

    fn insert(
        &mut self,
        at: u64,
        relation: u32,
        row: Cursor<'_>,
        whole: &Bytes,
        size: usize,
    ) -> Result<(), LogError> {
        let unknown = |what: &str| Failure::Protocol(format!("a row of {what} that was not said"));
        let transaction = self.transaction.as_mut().ok_or_else(|| unknown("a transaction"))?;
        let wanted = self.relations.get(&relation).ok_or_else(|| unknown("a table"))?;
        let Some(wanted) = wanted else { return Ok(()) };
        transaction.has_rows = true;
        if transaction.is_old {
            return Ok(());
        }
        let origin = Origin {
            connector: CONNECTOR,
            begins: Position::new("", transaction.begins),
            at: transaction.at,
            fields: vec![
                ("txId", Detail::Number(transaction.id.into())),
                ("lsn", Detail::Number(at)),
                ("sequence", Detail::Sequence(Some(self.committed), at)),
            ],
            is_snapshot: false,
        };
        let values = row.values(&wanted.kinds, whole)?;
        self.rows.push(Inserted { table: Arc::clone(&wanted.table), values, origin: Arc::new(origin) });
        self.bytes += size;
        Ok(())
    }
}

impl Log for Slot {
    async fn next(&mut self) -> Result<Step, LogError> {
        loop {
            if let Some(error) = &self.failed {
                return Err(error.clone());
            }
            if let Some(step) = self.step() {
                return Ok(step);
            }
            let read = match self.incoming.take() {
                Ok(Some(frame)) => self.frame(&frame),
                Ok(None) => self.wait().await.map_err(LogError::from),
                Err(failure) => Err(failure.into()),
            };
            // What follows an error would be given as if nothing was missing.
            self.failed = read.err();
        }
    }

    async fn confirm(&mut self, through: &Position) -> Result<(), LogError> {
        self.acknowledger.confirm(through.offset)
    }

    /// It also looks whether the publication has the tables still: the server leaves out in silence what it has not.
    async fn behind(&mut self) -> Result<Option<u64>, LogError> {
        let membership = publication::membership(&self.options);
        let question = format!("SELECT pg_current_wal_flush_lsn(), {membership}");
        let rows = timeout(ANSWERS_WITHIN, self.ask(&question)).await;
        let rows = rows.map_err(|_| {
            LogError::Unreachable(format!("no answer within {} s", ANSWERS_WITHIN.as_secs()))
        })??;
        let row = rows.first();
        if row.is_some_and(|row| row.text(1) != self.membership.as_deref()) {
            return Err(publication::left(&self.options));
        }
        let written = row.and_then(|row| row.lsn(0));
        Ok(written.map(|written| written.saturating_sub(self.given)))
    }
}

/// Why the server does not stream, or stops it.
fn refused_stream(said: Said, options: &SlotOptions, from: &Position) -> LogError {
    match said.code.as_str() {
        code::UNDEFINED_OBJECT | code::NOT_IN_STATE | code::UNDEFINED_FILE => {
            setup::lost(options, &said.to_string(), from)
        }
        _ => Failure::Said(said).into(),
    }
}
