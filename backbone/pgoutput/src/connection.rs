//! A connection: opened, asked, and at last turned into a stream of the log.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hexalpes_capture::LogError;
use postgres_protocol::message::frontend;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use crate::address::{Address, Place};
use crate::authenticate::authenticate;
use crate::encryption;
use crate::failure::{Failure, Said, code, refused};
use crate::frame::Incoming;
use crate::lsn;
use crate::sql;

/// How long a connection may take to be made.
const CONNECT_WAIT: Duration = Duration::from_secs(10);

/// How long a server may take to hang up.
const CLOSE_WAIT: Duration = Duration::from_secs(2);

/// A peer that says nothing for this long is asked by the kernel whether it is there.
const PROBE_AFTER: Duration = Duration::from_secs(15);
const PROBE_EVERY: Duration = Duration::from_secs(5);

/// What makes texts exact and alike wherever the session's user or database has other habits, and what would end a
/// session that waits.
const SETTINGS: [(&str, &str); 8] = [
    ("client_encoding", "UTF8"),
    ("DateStyle", "ISO"),
    ("IntervalStyle", "postgres"),
    ("TimeZone", "UTC"),
    ("extra_float_digits", "1"),
    ("bytea_output", "hex"),
    ("statement_timeout", "0"),
    ("idle_in_transaction_session_timeout", "0"),
];

pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

pub(crate) type Stream = Box<dyn Duplex>;

/// What a connection is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// SQL and the commands of the replication protocol.
    Replication,
    Queries,
}

pub(crate) struct Connection {
    incoming: Incoming<ReadHalf<Stream>>,
    outgoing: WriteHalf<Stream>,
    /// The server's process.
    pub(crate) process: u32,
    /// An answer has not been read to its end, because who asked went away.
    busy: bool,
}

/// What a statement gives: a text or null for each column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row(Vec<Option<Bytes>>);

impl Connection {
    pub(crate) async fn open(address: &Address, purpose: Purpose) -> Result<Self, LogError> {
        timeout(CONNECT_WAIT, Self::connect(address, purpose))
            .await
            .unwrap_or_else(|_| Err(LogError::Unreachable("no connection in time".to_owned())))
    }

    async fn connect(address: &Address, purpose: Purpose) -> Result<Self, LogError> {
        let unreachable = |error: std::io::Error| LogError::Unreachable(error.to_string());
        let stream: Stream = match &address.place {
            Place::Socket(path) => Box::new(UnixStream::connect(path).await.map_err(unreachable)?),
            Place::Tcp { host, port } => {
                let socket = TcpStream::connect((&**host, *port)).await.map_err(unreachable)?;
                socket.set_nodelay(true).map_err(unreachable)?;
                let probes = TcpKeepalive::new().with_time(PROBE_AFTER).with_interval(PROBE_EVERY);
                SockRef::from(&socket).set_tcp_keepalive(&probes).map_err(unreachable)?;
                encryption::wrap(socket, host, &address.encryption).await?
            }
        };
        match Self::start(stream, address, purpose).await {
            Ok(connection) => Ok(connection),
            Err(failure) => Err(Self::not_started(failure, address, purpose).await),
        }
    }

    async fn start(stream: Stream, address: &Address, purpose: Purpose) -> Result<Self, Failure> {
        let (reader, mut outgoing) = tokio::io::split(stream);
        let mut incoming = Incoming::new(reader);
        let mut parameters = vec![("user", &*address.user), ("database", &*address.database)];
        parameters.push(("application_name", "hexalpes"));
        parameters.extend(SETTINGS);
        parameters.extend(address.options.as_deref().map(|options| ("options", options)));
        if purpose == Purpose::Replication {
            parameters.push(("replication", "database"));
        }
        let mut startup = BytesMut::new();
        frontend::startup_message(parameters, &mut startup)?;
        outgoing.write_all(&startup).await?;
        outgoing.flush().await?;
        authenticate(&mut incoming, &mut outgoing, address).await?;
        let mut process = 0;
        loop {
            let frame = incoming.message().await?;
            match (frame.tag, frame.body.first_chunk::<4>()) {
                (b'K', Some(id)) => process = u32::from_be_bytes(*id),
                (b'Z', _) => break,
                _ => {}
            }
        }
        Ok(Self { incoming, outgoing, process, busy: false })
    }

    /// What two refusals mean that are said of replication.
    async fn not_started(failure: Failure, address: &Address, purpose: Purpose) -> LogError {
        match (purpose, failure.code()) {
            (Purpose::Replication, Some(code::INSUFFICIENT_PRIVILEGE)) => refused(
                format!("the user {} may not read the log", address.user),
                format!("ALTER ROLE {} REPLICATION;", sql::identifier(&address.user)),
            ),
            (Purpose::Replication, Some(code::TOO_MANY_CONNECTIONS)) => {
                senders_taken(address).await.unwrap_or_else(|| failure.into())
            }
            _ => failure.into(),
        }
    }

    /// Runs a statement, or a command of the replication protocol.
    pub(crate) async fn query(&mut self, statement: &str) -> Result<Vec<Row>, Failure> {
        self.query_up_to(statement, usize::MAX).await.map(|(rows, _)| rows)
    }

    /// The same; of more rows than have so many bytes those behind them are not kept. Says whether these are all.
    pub(crate) async fn query_up_to(
        &mut self,
        statement: &str,
        bytes_max: usize,
    ) -> Result<(Vec<Row>, bool), Failure> {
        if self.busy {
            return Err(Failure::Broken("the connection was left within an answer".to_owned()));
        }
        self.busy = true;
        self.send(statement).await?;
        let (mut rows, mut bytes, mut are_all) = (Vec::new(), 0, true);
        let mut said = None;
        loop {
            let frame = self.incoming.any_message().await?;
            match frame.tag {
                b'D' if bytes >= bytes_max => are_all = false,
                b'D' => {
                    bytes += frame.body.len();
                    rows.push(Row::parse(&frame.body)?);
                }
                b'E' => said = said.or_else(|| Some(Said::parse(&frame.body))),
                b'Z' => break,
                _ => {}
            }
        }
        self.busy = false;
        said.map_or(Ok((rows, are_all)), |said| Err(Failure::Said(said)))
    }

    async fn send(&mut self, statement: &str) -> Result<(), Failure> {
        let mut message = BytesMut::new();
        frontend::query(statement, &mut message)?;
        self.outgoing.write_all(&message).await?;
        Ok(self.outgoing.flush().await?)
    }

    /// Runs a command after which the server streams the log. One that it refuses leaves the connection as it was.
    pub(crate) async fn stream(&mut self, command: &str) -> Result<(), Failure> {
        self.busy = true;
        self.send(command).await?;
        loop {
            let frame = self.incoming.any_message().await?;
            match frame.tag {
                b'W' => return Ok(()),
                b'E' => {
                    let said = Said::parse(&frame.body);
                    while self.incoming.any_message().await?.tag != b'Z' {}
                    self.busy = false;
                    return Err(Failure::Said(said));
                }
                _ => {}
            }
        }
    }

    pub(crate) fn into_parts(self) -> (Incoming<ReadHalf<Stream>>, WriteHalf<Stream>) {
        (self.incoming, self.outgoing)
    }

    /// Takes leave, and waits until the server has let its side go: what it had is free for the next.
    pub(crate) async fn close(mut self) {
        let leaving = async {
            let mut message = BytesMut::new();
            frontend::terminate(&mut message);
            self.outgoing.write_all(&message).await?;
            self.outgoing.flush().await?;
            loop {
                self.incoming.any_message().await?;
            }
        };
        let _: Result<Result<(), Failure>, _> = timeout(CLOSE_WAIT, leaving).await;
    }
}

/// Both too many clients and too many readers of the log have one SQLSTATE: an ordinary connection tells.
async fn senders_taken(address: &Address) -> Option<LogError> {
    // Those who only ask something are gone in a moment.
    const COUNT: &str = "SELECT count(*), count(*) >= current_setting('max_wal_senders')::int \
        FROM pg_stat_replication WHERE state IS DISTINCT FROM 'startup'";
    // The same way again, but without the wish to replicate: it cannot come back here.
    let connection = Box::pin(Connection::open(address, Purpose::Queries));
    let mut connection = connection.await.ok()?;
    let rows = connection.query(COUNT).await.ok()?;
    connection.close().await;
    let row = rows.first()?;
    let used: u64 = row.text(0)?.parse().ok()?;
    row.is_true(1).then(|| {
        refused(
            format!("all {used} readers of the log that the server allows (max_wal_senders) are there"),
            format!("ALTER SYSTEM SET max_wal_senders = {}; and restart the server", used + 2),
        )
    })
}

impl Row {
    /// The number of columns, then for each the length of its text, or −1 for null, and the text.
    fn parse(body: &Bytes) -> Result<Self, Failure> {
        let wrong = || Failure::Protocol("a row that ends too early".to_owned());
        let (count, mut rest) = body.split_first_chunk::<2>().ok_or_else(wrong)?;
        let mut values = Vec::new();
        for _ in 0..u16::from_be_bytes(*count) {
            let (length, after) = rest.split_first_chunk::<4>().ok_or_else(wrong)?;
            let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else {
                values.push(None);
                rest = after;
                continue;
            };
            let value = after.get(..length).ok_or_else(wrong)?;
            values.push(Some(body.slice_ref(value)));
            rest = &after[length..];
        }
        Ok(Self(values))
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = Option<&Bytes>> {
        self.0.iter().map(Option::as_ref)
    }

    /// None for null, and for a column that is not there.
    pub(crate) fn text(&self, column: usize) -> Option<&str> {
        let value = self.0.get(column)?.as_deref()?;
        std::str::from_utf8(value).ok()
    }

    /// A place in the log, written as the server writes them.
    pub(crate) fn lsn(&self, column: usize) -> Option<u64> {
        self.text(column).and_then(lsn::parse)
    }

    pub(crate) fn is_true(&self, column: usize) -> bool {
        self.text(column) == Some("t")
    }

    /// What must be there.
    pub(crate) fn parsed<T: std::str::FromStr>(&self, column: usize) -> Result<T, Failure> {
        let value = self.text(column).and_then(|text| text.parse().ok());
        value.ok_or_else(|| Failure::Protocol(format!("an answer without column {column}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_texts_and_nulls() {
        let row = Row::parse(&Bytes::from_static(b"\0\x03\0\0\0\x02ab\xff\xff\xff\xff\0\0\0\0")).unwrap();
        assert_eq!((row.text(0), row.text(1), row.text(2), row.text(3)), (Some("ab"), None, Some(""), None));
        assert!(Row::parse(&Bytes::from_static(b"\0\x01\0\0\0\x02a")).is_err());
    }
}
