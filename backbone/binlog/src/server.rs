//! Which server it is, and what it says of its log.

use std::collections::HashMap;

use hexalpes_capture::{LogError, Mend, Position};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error, Row};

use crate::connection::{answered, connect, is_denied};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavour {
    MySql,
    MariaDb,
}

/// A connection to a server that is known.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) connection: Conn,
    pub(crate) flavour: Flavour,
    version: (u64, u64, u64),
}

/// One of the log's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogFile {
    pub(crate) name: String,
    pub(crate) bytes: u64,
}

impl Server {
    pub(crate) async fn connect(url: &str) -> Result<Self, LogError> {
        let mut connection = connect(url).await?;
        let version: Option<String> = answered(connection.query_first("SELECT VERSION()")).await?;
        let version = version.unwrap_or_default();
        let flavour = if version.contains("MariaDB") { Flavour::MariaDb } else { Flavour::MySql };
        Ok(Self { connection, flavour, version: numbers(&version) })
    }

    /// As Debezium names its connectors.
    pub(crate) fn connector(&self) -> &'static str {
        match self.flavour {
            Flavour::MySql => "mysql",
            Flavour::MariaDb => "mariadb",
        }
    }

    fn is_mysql_since(&self, version: (u64, u64, u64)) -> bool {
        self.flavour == Flavour::MySql && self.version >= version
    }

    /// A variable of the whole server; none if this server has no such variable.
    pub(crate) async fn variable(&mut self, name: &str) -> Result<Option<String>, LogError> {
        let statement = format!("SHOW GLOBAL VARIABLES LIKE '{}'", name.replace('_', "\\_"));
        let row: Option<(String, String)> = answered(self.connection.query_first(statement)).await?;
        Ok(row.map(|(_, value)| value))
    }

    /// Where the log is written now; it lies between two transactions. None if there is no log.
    pub(crate) async fn position(&mut self) -> Result<Option<Position>, LogError> {
        let Some(row) = self.log_status().await? else { return Ok(None) };
        Ok(cell::<String>(&row, 0).zip(cell(&row, 1)).map(|(file, offset)| Position::new(file, offset)))
    }

    /// File, offset, and the databases that the log has or leaves out.
    pub(crate) async fn log_status(&mut self) -> Result<Option<Row>, LogError> {
        let new = self.is_mysql_since((8, 2, 0));
        let statement = if new { "SHOW BINARY LOG STATUS" } else { "SHOW MASTER STATUS" };
        self.with_right(statement, "REPLICATION CLIENT").await.map(|rows| rows.into_iter().next())
    }

    /// The files that the log still has, the oldest first.
    pub(crate) async fn files(&mut self) -> Result<Vec<LogFile>, LogError> {
        let rows = self.with_right("SHOW BINARY LOGS", "REPLICATION CLIENT").await?;
        let file = |row: &Row| Some(LogFile { name: cell(row, 0)?, bytes: cell(row, 1)? });
        Ok(rows.iter().filter_map(file).collect())
    }

    /// The server ids of those who read the log, and what hosts they say to be; none if the user may not know.
    pub(crate) async fn readers(&mut self) -> Result<Option<Vec<(u32, String)>>, LogError> {
        let new = self.is_mysql_since((8, 0, 22));
        let statement = if new { "SHOW REPLICAS" } else { "SHOW SLAVE HOSTS" };
        match self.connection.query::<Row, _>(statement).await {
            Ok(rows) => {
                Ok(Some(rows.iter().filter_map(|row| Some((cell(row, 0)?, cell(row, 1)?))).collect()))
            }
            Err(error) if is_denied(&error) => Ok(None),
            Err(error) => Err(crate::connection::failure(&error)),
        }
    }

    /// Names of character sets by the numbers of their collations.
    pub(crate) async fn charsets(&mut self) -> Result<HashMap<u64, String>, LogError> {
        // Since its collations are of more than one character set, MariaDB numbers them elsewhere.
        let source = match self.flavour {
            Flavour::MySql => "COLLATIONS",
            Flavour::MariaDb => "COLLATION_CHARACTER_SET_APPLICABILITY",
        };
        let statement =
            format!("SELECT ID, CHARACTER_SET_NAME FROM information_schema.{source} WHERE ID IS NOT NULL");
        let rows: Result<Vec<(u64, String)>, Error> = self.connection.query(&statement).await;
        match rows {
            Ok(rows) => Ok(rows.into_iter().collect()),
            // Before MariaDB 10.10.
            Err(Error::Server(_)) => {
                let old = "SELECT ID, CHARACTER_SET_NAME FROM information_schema.COLLATIONS";
                let rows: Vec<(u64, String)> = answered(self.connection.query(old)).await?;
                Ok(rows.into_iter().collect())
            }
            Err(error) => Err(crate::connection::failure(&error)),
        }
    }

    /// Another server after a failover has another one: by its UUID, or by its number and its domain.
    pub(crate) async fn identity(&mut self) -> Result<String, LogError> {
        let statement = match self.flavour {
            Flavour::MySql => "SELECT @@GLOBAL.server_uuid",
            Flavour::MariaDb => "SELECT CONCAT(@@GLOBAL.server_id, '-', @@GLOBAL.gtid_domain_id)",
        };
        let identity: Option<String> = answered(self.connection.query_first(statement)).await?;
        identity.ok_or_else(|| LogError::Unreadable("the server has no identity".to_owned()))
    }

    /// The user as `GRANT` takes it.
    pub(crate) async fn user(&mut self) -> Result<String, LogError> {
        let user: Option<String> = answered(self.connection.query_first("SELECT CURRENT_USER()")).await?;
        let user = user.unwrap_or_default();
        let (name, host) = user.rsplit_once('@').unwrap_or((&user, "%"));
        Ok(format!("'{name}'@'{host}'"))
    }

    /// Rows of what takes a right for all databases.
    pub(crate) async fn with_right(&mut self, statement: &str, right: &str) -> Result<Vec<Row>, LogError> {
        match self.connection.query(statement).await {
            Ok(rows) => Ok(rows),
            Err(error) if is_denied(&error) => Err(self.lacks(right, "*.*").await?),
            Err(error) => Err(crate::connection::failure(&error)),
        }
    }

    pub(crate) async fn lacks(&mut self, right: &str, on: &str) -> Result<LogError, LogError> {
        let user = self.user().await?;
        Ok(LogError::Refused {
            what: format!("the user {user} lacks the right {right} on {on}"),
            mend: Mend(format!("GRANT {right} ON {on} TO {user};")),
        })
    }
}

/// What a row has at a place, if it is that and not null.
pub(crate) fn cell<T: mysql_async::prelude::FromValue>(row: &Row, at: usize) -> Option<T> {
    row.get_opt::<Option<T>, _>(at)?.ok()?
}

/// `10.11.6-MariaDB-1` is 10, 11 and 6. `MariaDB` once put 5.5.5 in front.
fn numbers(version: &str) -> (u64, u64, u64) {
    let version = version.strip_prefix("5.5.5-").unwrap_or(version);
    let mut parts = version.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    (next(), next(), next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_off_their_beginnings() {
        assert_eq!(numbers("10.11.6-MariaDB-0+deb12u1-log"), (10, 11, 6));
        assert_eq!(numbers("5.5.5-11.4.2-MariaDB"), (11, 4, 2));
        assert_eq!(numbers("9.4.0"), (9, 4, 0));
    }
}
