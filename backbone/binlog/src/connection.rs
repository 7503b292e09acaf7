//! Connections, and what their errors mean.

use std::io;
use std::time::Duration;

use hexalpes_capture::{LogError, Mend};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, DriverError, Error, IoError, Opts, OptsBuilder, SslOpts};
use tokio::time::timeout;
use url::Url;

/// A server that answers at all does so within this.
pub(crate) const ANSWERS_WITHIN: Duration = Duration::from_secs(10);

/// A row may be as large as the server lets it be.
const PACKET_BYTES_MAX: usize = 1 << 30;

/// How a connection is made safe, as `ssl-mode` in the URL says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Safety {
    Disabled,
    /// If the server has it.
    Preferred,
    Required,
    VerifyCa,
    VerifyIdentity,
}

/// A new connection, in UTC and in UTF-8.
pub(crate) async fn connect(url: &str) -> Result<Conn, LogError> {
    let (options, safety) = options(url)?;
    let connecting = async {
        match (Conn::new(with_safety(options.clone(), safety)).await, safety) {
            (Err(Error::Driver(DriverError::NoClientSslFlagFromServer)), Safety::Preferred) => {
                Conn::new(with_safety(options, Safety::Disabled)).await
            }
            (connected, _) => connected,
        }
    };
    let mut connection = answered(connecting).await?;
    run(&mut connection, "SET NAMES utf8mb4, time_zone = '+00:00', SESSION wait_timeout = 604800").await?;
    Ok(connection)
}

pub(crate) async fn run(connection: &mut Conn, statement: &str) -> Result<(), LogError> {
    answered(connection.query_drop(statement)).await
}

/// What the server answers in time.
pub(crate) async fn answered<T>(question: impl Future<Output = Result<T, Error>>) -> Result<T, LogError> {
    match timeout(ANSWERS_WITHIN, question).await {
        Ok(answer) => answer.map_err(|error| failure(&error)),
        Err(_) => Err(LogError::Unreachable(format!("no answer within {} s", ANSWERS_WITHIN.as_secs()))),
    }
}

fn options(url: &str) -> Result<(OptsBuilder, Safety), LogError> {
    let wrong = |why: &str| LogError::Refused {
        what: format!("the address of the database {why}"),
        mend: Mend("write mysql://USER:PASSWORD@HOST:PORT/DATABASE".to_owned()),
    };
    let parsed = Url::parse(url).map_err(|error| wrong(&format!("cannot be read: {error}")))?;
    if !matches!(parsed.scheme(), "mysql" | "mariadb") {
        return Err(wrong("is of another kind"));
    }
    let mut safety = Safety::Preferred;
    let mut authority = None;
    for (key, value) in parsed.query_pairs() {
        match &*key {
            "ssl-mode" | "sslmode" => {
                safety = match value.to_ascii_uppercase().replace('-', "_").as_str() {
                    "DISABLED" => Safety::Disabled,
                    "PREFERRED" => Safety::Preferred,
                    "REQUIRED" => Safety::Required,
                    "VERIFY_CA" => Safety::VerifyCa,
                    "VERIFY_IDENTITY" => Safety::VerifyIdentity,
                    _ => return Err(wrong("has an unknown ssl-mode")),
                }
            }
            "ssl-ca" | "sslca" => authority = Some(std::path::PathBuf::from(&*value)),
            // Of other drivers.
            _ => {}
        }
    }
    // Scheme, user, password, host and port, in the scheme that the driver knows.
    let (mut plain, path) = (parsed.clone(), parsed.path().to_owned());
    plain.set_query(None);
    plain.set_path(&path);
    let plain = format!("mysql{}", &plain.as_str()[plain.scheme().len()..]);
    let options = Opts::from_url(&plain).map_err(|error| wrong(&format!("cannot be read: {error}")))?;
    let roots = authority.map(|file| vec![file.into()]).unwrap_or_default();
    let options = OptsBuilder::from_opts(options)
        .prefer_socket(Some(false))
        .max_allowed_packet(Some(PACKET_BYTES_MAX))
        .wait_timeout(Some(604_800))
        .ssl_opts(SslOpts::default().with_root_certs(roots));
    Ok((options, safety))
}

fn with_safety(options: OptsBuilder, safety: Safety) -> OptsBuilder {
    let given = Opts::from(options.clone()).ssl_opts().cloned().unwrap_or_default();
    match safety {
        Safety::Disabled => options.ssl_opts(None),
        Safety::Preferred | Safety::Required => {
            options.ssl_opts(given.with_danger_accept_invalid_certs(true))
        }
        Safety::VerifyCa => options.ssl_opts(given.with_danger_skip_domain_validation(true)),
        Safety::VerifyIdentity => options.ssl_opts(given),
    }
}

// Errors of the servers, by number: <https://mariadb.com/kb/en/mariadb-error-code-reference/>.
pub(crate) const FATAL_ERROR_READING_LOG: u16 = 1236;
/// Of `MariaDB`, where `MySQL` says the one before, and [`SAME_SERVER_ID_SAID`] of it.
pub(crate) const SAME_SERVER_ID: u16 = 4052;
/// Among the words of an error of both, whatever they call a replica and its source.
pub(crate) const SAME_SERVER_ID_SAID: &str = "the same server_uuid/server_id";
const DATABASE_ACCESS_DENIED: u16 = 1044;
const ACCESS_DENIED: u16 = 1045;
const UNKNOWN_DATABASE: u16 = 1049;
const HOST_NOT_ALLOWED: u16 = 1130;
const TABLE_ACCESS_DENIED: u16 = 1142;
const COLUMN_ACCESS_DENIED: u16 = 1143;
const NO_SUCH_TABLE: u16 = 1146;
const PRIVILEGE_MISSING: u16 = 1227;
/// The connection, not what was asked: too many of them, in all or of the user, or that were broken off; a shutdown, a lock, a
/// thread that was killed, a server that only reads or recovers, a table that was altered below a snapshot, another reader
/// with the same number.
const ASK_AGAIN: [u16; 22] = [
    1040,
    1053,
    1077,
    1079,
    1129,
    1152,
    1158,
    1159,
    1160,
    1161,
    1184,
    1203,
    1205,
    1213,
    1226,
    1290,
    1317,
    1412,
    1836,
    1927,
    3032,
    SAME_SERVER_ID,
];

const UNBELIEVED: &str = "name with ssl-ca who signed the server's certificate, for the host that the address has, or ask for less with ssl-mode";

/// What TLS thinks of a certificate comes as data that are wrong.
fn is_unbelieved(error: &IoError) -> bool {
    match error {
        IoError::Tls(_) => true,
        IoError::Io(error) => error.kind() == io::ErrorKind::InvalidData,
    }
}

/// Whether a right is missing.
pub(crate) fn is_denied(error: &Error) -> bool {
    let denied =
        [DATABASE_ACCESS_DENIED, ACCESS_DENIED, TABLE_ACCESS_DENIED, COLUMN_ACCESS_DENIED, PRIVILEGE_MISSING];
    matches!(error, Error::Server(server) if denied.contains(&server.code))
}

/// Whether a right is missing that is given for a whole database.
pub(crate) fn is_denied_database(error: &Error) -> bool {
    matches!(error, Error::Server(server) if server.code == DATABASE_ACCESS_DENIED)
}

pub(crate) fn failure(error: &Error) -> LogError {
    let refused = |mend: &str| LogError::Refused { what: error.to_string(), mend: Mend(mend.to_owned()) };
    match error {
        Error::Server(server) => match server.code {
            ACCESS_DENIED | HOST_NOT_ALLOWED => {
                refused("give the address a user and password that the server takes")
            }
            DATABASE_ACCESS_DENIED | TABLE_ACCESS_DENIED | COLUMN_ACCESS_DENIED | PRIVILEGE_MISSING => {
                refused("grant the user what it lacks")
            }
            UNKNOWN_DATABASE | NO_SUCH_TABLE => refused("make the table, or name another one"),
            code if ASK_AGAIN.contains(&code) => LogError::Unreachable(server.to_string()),
            _ => LogError::Unreadable(server.to_string()),
        },
        Error::Url(_) => refused("write mysql://USER:PASSWORD@HOST:PORT/DATABASE"),
        Error::Driver(
            DriverError::UnknownAuthPlugin { .. }
            | DriverError::NoClientSslFlagFromServer
            | DriverError::MysqlOldPasswordDisabled
            | DriverError::CleartextPluginDisabled,
        ) => refused("let the user log in as mysql_native_password or caching_sha2_password do"),
        Error::Driver(
            DriverError::FromRow { .. } | DriverError::FromValue { .. } | DriverError::PacketTooLarge,
        ) => LogError::Unreadable(error.to_string()),
        Error::Io(error) if is_unbelieved(error) => refused(UNBELIEVED),
        Error::Driver(_) | Error::Io(_) | Error::Other(_) => LogError::Unreachable(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_schemes_and_other_drivers_options_are_taken() {
        let (given, safety) =
            options("mariadb://u:p%40ss@db.example:3307/alpes?ssl-mode=verify-ca&timezone=utc").unwrap();
        let options = Opts::from(given);
        assert_eq!(safety, Safety::VerifyCa);
        assert_eq!((options.ip_or_hostname(), options.tcp_port()), ("db.example", 3307));
        assert_eq!((options.user(), options.pass()), (Some("u"), Some("p@ss")));
        let (given, _) = super::options("mysql://mariadb:mariadb@mariadb:3306/alpes").unwrap();
        let options = Opts::from(given);
        assert_eq!((options.user(), options.ip_or_hostname()), (Some("mariadb"), "mariadb"));
        assert!(super::options("postgresql://h/d").is_err());
    }
}
