//! The connection over which the log comes.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use hexalpes_capture::{Log, LogError, Mend, Position, Step};
use mysql_async::binlog::events::{Event as RawEvent, GtidEvent};
use mysql_async::{BinlogStream, BinlogStreamRequest, Error};
use tokio::time::{Instant, timeout_at};

use crate::claim::Claim;
use crate::columns::{Described, describe};
use crate::connection::{
    FATAL_ERROR_READING_LOG, SAME_SERVER_ID, SAME_SERVER_ID_SAID, connect, failure, is_denied, run,
};
use crate::event::{Event, kind};
use crate::gtid::Start;
use crate::options::BinlogOptions;
use crate::reader::Reader;
use crate::server::{Flavour, Server};

/// How often the server says that it is there while nothing is logged.
const HEARTBEAT: Duration = Duration::from_millis(500);
/// A server that has not been heard of for so long is gone.
const SILENCE_MAX: Duration = Duration::from_secs(10);
/// While others' rows alone come, it is said at most so often where the log is.
const BOUNDARY_EVERY: Duration = Duration::from_secs(1);
/// The server waits so long for a reader that does not read, because what it publishes to is away.
const READER_PATIENCE_SECONDS: u32 = 3_600;
/// What we say to be when we ask for the log.
const HOST: &str = "hexalpes-binlog";

/// A server's binary log, from a position on. Only rows that are inserted into the chosen tables are decoded.
pub struct Binlog {
    options: BinlogOptions,
    stream: BinlogStream,
    reader: Reader,
    ready: VecDeque<Step>,
    /// Read, but not taken yet.
    pending: Option<RawEvent>,
    /// What the columns of its table are, as long as the server is asked that: whoever waits in short spells gets the answer
    /// of the first of them.
    describing: Option<BoxFuture<'static, Result<Vec<Described>, LogError>>>,
    /// What went wrong: nothing comes behind it.
    failed: Option<LogError>,
    /// The last boundary, and when it was given.
    given: (Position, Instant),
    /// Since when somebody has waited for the server and not heard of it, however often the wait was dropped.
    awaited_since: Option<Instant>,
    /// Keeps other readers of the same number away, for as long as it is there.
    claim: Claim,
    /// For questions beside the log.
    aside: Option<Server>,
}

impl fmt::Debug for Binlog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Binlog")
            .field("options", &self.options)
            .field("at", &self.reader.place())
            .finish_non_exhaustive()
    }
}

impl Binlog {
    /// What is not set up so that the log can be read, with the statement that mends it; or that another reader has the number
    /// now.
    pub async fn check(options: &BinlogOptions) -> Result<(), LogError> {
        crate::check::check(options).await
    }

    /// What is not set up so that [`Binlog::snapshot`] can be asked of these tables, likewise. No table is locked for it.
    pub async fn check_snapshot(options: &BinlogOptions) -> Result<(), LogError> {
        crate::check::check_snapshot(options).await
    }

    /// Where the log is now. Reading from there gives what is committed from now on.
    pub async fn position(options: &BinlogOptions) -> Result<Position, LogError> {
        let mut server = Server::connect(&options.url).await?;
        server.position().await?.ok_or_else(|| LogError::Refused {
            what: "log_bin is OFF".to_owned(),
            mend: Mend(
                "write log_bin = binlog under [mysqld] in my.cnf and start the server again".to_owned(),
            ),
        })
    }

    /// Which server it is: `MySQL`'s UUID, or `MariaDB`'s server id and domain. Positions are this server's alone.
    pub async fn identity(options: &BinlogOptions) -> Result<String, LogError> {
        Server::connect(&options.url).await?.identity().await
    }

    /// Reads from a position on, which lies between two transactions.
    pub async fn open(options: BinlogOptions, from: Position) -> Result<Self, LogError> {
        let mut server = Server::connect(&options.url).await?;
        still_there(&mut server, &from).await?;
        let claim = Claim::take(&options).await?;
        unread(&mut server, options.server_id).await?;
        let charsets = server.charsets().await?;
        let reader = Reader::new(server.connector(), options.tables.clone(), charsets, &from);
        let stream = dump(&options, server.flavour, &from).await;
        let stream = match stream {
            Ok(stream) => stream,
            Err(error) if is_denied(&error) => return Err(server.lacks("REPLICATION SLAVE", "*.*").await?),
            Err(error) => return Err(failure(&error)),
        };
        Ok(Self {
            options,
            stream,
            reader,
            ready: VecDeque::new(),
            pending: None,
            describing: None,
            failed: None,
            given: (from, Instant::now()),
            awaited_since: None,
            claim,
            aside: Some(server),
        })
    }

    /// Takes the next event. Dropped at any of its waits, it has lost nothing: the event stays pending until it is
    /// taken at once.
    async fn advance(&mut self) -> Result<(), LogError> {
        if self.pending.is_none() {
            // Whoever reads may have been busy for longer than that: what has come meanwhile is taken first.
            let now = Instant::now();
            let since = *self.awaited_since.get_or_insert(now);
            let silent = (since + SILENCE_MAX).max(now + HEARTBEAT);
            let event = timeout_at(silent, self.stream.next()).await.map_err(|_| {
                LogError::Unreachable(format!("nothing was heard of it for {} s", SILENCE_MAX.as_secs()))
            })?;
            self.awaited_since = None;
            self.pending = match event {
                Some(Ok(event)) => Some(event),
                Some(Err(error)) => return Err(self.reason(&error).await),
                None => return Err(LogError::Unreachable("it ended the log".to_owned())),
            };
        }
        let Some(raw) = &self.pending else { return Ok(()) };
        let event = borrowed(raw);
        if let Some(table) = self.reader.asks(&event)? {
            let describing = self.describing.get_or_insert_with(|| {
                let url = self.options.url.clone();
                async move { describe(&mut connect(&url).await?, &table).await }.boxed()
            });
            let columns = describing.await;
            self.describing = None;
            self.reader.learn(&event, &columns?)?;
        }
        verify(raw, self.reader.is_inside_payload(&event))?;
        let tagged = if event.kind == kind::TAGGED_GTID { Some(tagged(raw)?) } else { None };
        self.reader.take(&event, tagged, &mut self.ready)?;
        self.pending = None;
        Ok(())
    }

    /// Where it is, if that is news, and not too soon.
    fn boundary(&self) -> Option<Position> {
        let (given, at) = &self.given;
        if at.elapsed() < BOUNDARY_EVERY {
            return None;
        }
        self.reader.boundary().filter(|boundary| boundary != given)
    }

    /// Why the server does not go on. It has one number for several reasons, so it is asked.
    async fn reason(&mut self, error: &Error) -> LogError {
        let plain = failure(error);
        let Error::Server(said) = error else { return plain };
        if ![FATAL_ERROR_READING_LOG, SAME_SERVER_ID].contains(&said.code) {
            return plain;
        }
        let ask = async {
            let mut server = Server::connect(&self.options.url).await?;
            still_there(&mut server, &self.reader.place()).await?;
            unread(&mut server, self.options.server_id).await?;
            self.claim.stands(&mut server).await
        };
        match ask.await {
            Err(reason) => reason,
            // A reader that does not register, as Debezium does not, is in no list.
            Ok(()) if said.code == SAME_SERVER_ID || said.message.contains(SAME_SERVER_ID_SAID) => {
                let what = format!(
                    "another program began to read the log as server id {}, and the server ended this reader for it",
                    self.options.server_id
                );
                LogError::Clash { what, mend: own_number() }
            }
            Ok(()) if said.code == FATAL_ERROR_READING_LOG => LogError::Gap {
                what: format!("the server cannot read its log behind {}: {said}", self.reader.place()),
                mend: Mend(
                    "this is not the log that was read before, or it is damaged: take the tables' rows anew"
                        .to_owned(),
                ),
            },
            Ok(()) => plain,
        }
    }
}

impl Log for Binlog {
    async fn next(&mut self) -> Result<Step, LogError> {
        loop {
            if let Some(step) = self.ready.pop_front() {
                if let Step::Boundary(at) = &step {
                    self.given = (at.clone(), Instant::now());
                }
                return Ok(step);
            }
            if let Some(error) = &self.failed {
                return Err(error.clone());
            }
            if let Some(boundary) = self.boundary() {
                self.ready.push_back(Step::Boundary(boundary));
                continue;
            }
            if let Err(error) = self.advance().await {
                // What came before it is given first.
                self.failed = Some(error);
            }
        }
    }

    /// A server keeps its log for as long as it is set to, whoever reads it.
    async fn confirm(&mut self, _through: &Position) -> Result<(), LogError> {
        Ok(())
    }

    fn columns(&self) -> Option<Arc<[String]>> {
        self.reader.columns()
    }

    fn expect(&mut self, columns: &[String]) {
        self.reader.expect(columns);
    }

    async fn behind(&mut self) -> Result<Option<u64>, LogError> {
        // Taken out while it is asked: dropped meanwhile, it is not used again.
        let mut server = match self.aside.take() {
            Some(server) => server,
            None => Server::connect(&self.options.url).await?,
        };
        let files = server.files().await?;
        self.aside = Some(server);
        let place = self.reader.place();
        let from = |name: &str, bytes: u64| {
            let begins = Position::new(name, 0);
            if place.file == name {
                bytes.saturating_sub(place.offset)
            } else if begins > place {
                bytes
            } else {
                0
            }
        };
        Ok(Some(files.iter().map(|file| from(&file.name, file.bytes)).sum()))
    }
}

/// Whether the log still has what comes after a position, and is as long as that.
async fn still_there(server: &mut Server, from: &Position) -> Result<(), LogError> {
    let files = server.files().await?;
    let Some(file) = files.iter().find(|file| *file.name == *from.file) else {
        let oldest = files.first().map_or_else(|| "none".to_owned(), |file| file.name.clone());
        return Err(LogError::Gap {
            what: format!("the log file {} is gone; the oldest there is {oldest}", from.file),
            mend: Mend(
                "take the tables' rows anew, and let the server keep its log for longer \
                 (SET GLOBAL binlog_expire_logs_seconds = 604800;)"
                    .to_owned(),
            ),
        });
    };
    if from.offset > file.bytes {
        return Err(LogError::Gap {
            what: format!("the log file {} ends at {}, before {}", from.file, file.bytes, from.offset),
            mend: Mend("this is not the log that was read before: take the tables' rows anew".to_owned()),
        });
    }
    Ok(())
}

/// Readers of other makes do not claim their numbers, but the server lists them, if the user may see that. One of ours
/// in the list is gone, or it would have its claim; the server ends it when this one begins. Another one stays, and it is
/// no turn that this one could wait for.
async fn unread(server: &mut Server, server_id: u32) -> Result<(), LogError> {
    let readers = server.readers().await?.unwrap_or_default();
    match readers.into_iter().find(|(id, host)| *id == server_id && host != HOST) {
        None => Ok(()),
        Some((_, host)) => Err(LogError::Refused {
            what: format!(
                "another program reads the log as server id {server_id}, and says to be on host {host:?}"
            ),
            mend: own_number(),
        }),
    }
}

fn own_number() -> Mend {
    Mend("end it, or give this reader a server id of its own".to_owned())
}

async fn dump(options: &BinlogOptions, flavour: Flavour, from: &Position) -> Result<BinlogStream, Error> {
    let unreachable = |error: LogError| Error::Other(error.to_string().into());
    let mut connection = connect(&options.url).await.map_err(unreachable)?;
    let nanoseconds = HEARTBEAT.as_nanos();
    let mut settings = vec![
        format!("SET @master_heartbeat_period = {nanoseconds}, @source_heartbeat_period = {nanoseconds}"),
        format!("SET SESSION net_write_timeout = {READER_PATIENCE_SECONDS}"),
    ];
    if flavour == Flavour::MariaDb {
        // Global ids as they are, and no events made into others that an old reader knows.
        settings.push("SET @mariadb_slave_capability = 4".to_owned());
    }
    for setting in settings {
        run(&mut connection, &setting).await.map_err(unreachable)?;
    }
    let request = BinlogStreamRequest::new(options.server_id)
        .with_hostname(HOST.as_bytes())
        .with_filename(from.file.as_bytes())
        .with_pos(from.offset);
    connection.get_binlog_stream(request).await
}

fn borrowed(raw: &RawEvent) -> Event<'_> {
    let header = raw.header();
    Event {
        kind: header.event_type_raw(),
        at: header.timestamp(),
        server_id: header.server_id(),
        ends: header.log_pos(),
        flags: header.flags_raw(),
        body: raw.data(),
    }
}

/// What rows are decoded of is as it was written. Inside a compressed transaction the whole has been verified.
fn verify(raw: &RawEvent, is_inside_payload: bool) -> Result<(), LogError> {
    let number = raw.header().event_type_raw();
    let has_rows = matches!(number, kind::WRITE_ROWS_V1 | kind::WRITE_ROWS | kind::TRANSACTION_PAYLOAD);
    if !has_rows || is_inside_payload {
        return Ok(());
    }
    let (Ok(Some(algorithm)), Some(checksum)) = (raw.footer().get_checksum_alg(), raw.checksum()) else {
        return Ok(());
    };
    if raw.calc_checksum(algorithm).to_le_bytes() == checksum {
        return Ok(());
    }
    Err(LogError::Unreadable(format!(
        "the event that ends at {} is not as it was written",
        raw.header().log_pos()
    )))
}

/// An id with a tag is written in a form of its own.
fn tagged(raw: &RawEvent) -> Result<Start, LogError> {
    let event: GtidEvent = raw.read_event().map_err(|error| LogError::Unreadable(error.to_string()))?;
    let server = uuid::Uuid::from_bytes(event.sid());
    let tag = event.tag().map(|tag| format!("{}:", tag.as_str())).unwrap_or_default();
    Ok(Start {
        gtid: Some(format!("{server}:{tag}{}", event.gno()).into()),
        committed: i64::try_from(event.immediate_commit_timestamp()).ok(),
        has_begun: false,
    })
}
