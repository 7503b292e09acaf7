//! Where a database is: the value of `DATABASE_URL`.

use std::fmt;
use std::path::{Path, PathBuf};

use url::Url;

use crate::Backend;

/// A checked `DATABASE_URL`. Its `Debug` and `Display` never show the password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(Place);

#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Place {
    File(PathBuf),
    Server {
        backend: Backend,
        url: Url,
        /// What of it is meant, and is made if it is missing: a schema of PostgreSQL, the database of the others.
        part: Option<String>,
    },
}

/// What is wrong with a `DATABASE_URL`. The value itself is not repeated: it may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    #[error("the database URL has no scheme; write sqlite:PATH, postgresql://…, mysql://… or mariadb://…")]
    NoScheme,
    #[error("the database URL has the unknown scheme {0}; take sqlite, postgresql, mysql or mariadb")]
    UnknownScheme(String),
    #[error("the database URL names no file; write sqlite:PATH")]
    NoPath,
    #[error("an SQLite database in memory is not supported; write sqlite:PATH")]
    InMemory,
    #[error("the database URL has options after its path, which SQLite does not take")]
    PathOptions,
    #[error("the database URL cannot be read: {0}")]
    Malformed(String),
    #[error("the database URL names no host")]
    NoHost,
    #[error("the database URL names no database; write {0}://USER:PASSWORD@HOST/DATABASE")]
    NoDatabase(String),
}

impl DatabaseUrl {
    /// Reads `sqlite:PATH`, `postgresql://…` (or `postgres://…`), `mysql://…` or `mariadb://…`.
    ///
    /// A SQLite path is relative to the working directory unless it begins with `/`;
    /// `sqlite://PATH` says the same.
    pub fn parse(raw: &str) -> Result<Self, UrlError> {
        let (scheme, rest) = raw.split_once(':').ok_or(UrlError::NoScheme)?;
        match scheme.to_ascii_lowercase().as_str() {
            "sqlite" => parse_file(rest),
            "postgres" | "postgresql" => parse_server(Backend::Postgres, "postgresql", rest),
            "mysql" => parse_server(Backend::MySql, "mysql", rest),
            "mariadb" => parse_server(Backend::MySql, "mariadb", rest),
            unknown if is_scheme(unknown) => Err(UrlError::UnknownScheme(unknown.to_owned())),
            _ => Err(UrlError::NoScheme),
        }
    }

    /// The URL of a SQLite file.
    pub fn file(path: impl AsRef<Path>) -> Self {
        Self(Place::File(path.as_ref().to_owned()))
    }

    pub fn backend(&self) -> Backend {
        match &self.0 {
            Place::File(_) => Backend::Sqlite,
            Place::Server { backend, .. } => *backend,
        }
    }

    /// The file of an `SQLite` database; `None` on servers.
    pub fn path(&self) -> Option<&Path> {
        match &self.0 {
            Place::File(path) => Some(path),
            Place::Server { .. } => None,
        }
    }

    /// One of several databases in the place of this one, made when it is opened for the first time: on PostgreSQL the
    /// schema of that name in it, on `MySQL` and `MariaDB` the database `{database}_{name}` beside it. `None` on `SQLite`,
    /// where a database is a file.
    pub fn part(&self, name: &str) -> Option<Self> {
        let Place::Server { backend, url, .. } = &self.0 else { return None };
        let mut url = url.clone();
        let part = if *backend == Backend::MySql {
            let whole = format!("{}_{name}", url.path().trim_matches('/'));
            url.set_path(&whole);
            whole
        } else {
            // Written as libpq reads it, to which a plus is no blank.
            let options = format!("options=-c%20search_path%3D{name}");
            let query = url.query().map(|query| format!("{query}&{options}"));
            url.set_query(Some(&query.unwrap_or(options)));
            name.to_owned()
        };
        Some(Self(Place::Server { backend: *backend, url, part: Some(part) }))
    }

    /// As it was written, with its password: for who connects by another driver. `None` on `SQLite`.
    pub fn with_password(&self) -> Option<&str> {
        match &self.0 {
            Place::File(_) => None,
            Place::Server { url, .. } => Some(url.as_str()),
        }
    }

    pub(crate) fn place(&self) -> &Place {
        &self.0
    }
}

fn is_scheme(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

fn parse_file(rest: &str) -> Result<DatabaseUrl, UrlError> {
    let path = rest.strip_prefix("//").unwrap_or(rest);
    if path.is_empty() {
        return Err(UrlError::NoPath);
    }
    if path.contains(":memory:") {
        return Err(UrlError::InMemory);
    }
    if path.contains('?') {
        return Err(UrlError::PathOptions);
    }
    Ok(DatabaseUrl::file(path))
}

fn parse_server(backend: Backend, scheme: &str, rest: &str) -> Result<DatabaseUrl, UrlError> {
    let url =
        Url::parse(&format!("{scheme}:{rest}")).map_err(|error| UrlError::Malformed(error.to_string()))?;
    let by_socket = url.query_pairs().any(|(key, _)| key == "host" || key == "socket");
    if url.host_str().is_none_or(str::is_empty) && !by_socket {
        return Err(UrlError::NoHost);
    }
    if url.path().trim_matches('/').is_empty() {
        return Err(UrlError::NoDatabase(scheme.to_owned()));
    }
    Ok(DatabaseUrl(Place::Server { backend, url, part: None }))
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::File(path) => write!(f, "sqlite:{}", path.display()),
            Place::Server { backend, url, part } => {
                // Options may hold secrets too (`?password=…`), so they are not shown.
                write!(f, "{}://", url.scheme())?;
                if !url.username().is_empty() {
                    write!(f, "{}@", url.username())?;
                }
                f.write_str(url.host_str().unwrap_or_default())?;
                if let Some(port) = url.port() {
                    write!(f, ":{port}")?;
                }
                f.write_str(url.path())?;
                match part {
                    Some(schema) if *backend == Backend::Postgres => write!(f, " (schema {schema})"),
                    _ => Ok(()),
                }
            }
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]
mod tests {
    use super::*;

    #[test]
    fn each_scheme_names_its_backend() {
        for (raw, backend) in [
            ("sqlite:data/commissions.db", Backend::Sqlite),
            ("sqlite:///var/lib/a.db", Backend::Sqlite),
            ("postgres://u:p@localhost/db", Backend::Postgres),
            ("postgresql://u:p@localhost:5432/db", Backend::Postgres),
            ("postgresql:///db?host=/run/postgresql", Backend::Postgres),
            ("mysql://u@localhost/db", Backend::MySql),
            ("MariaDB://u@localhost/db", Backend::MySql),
        ] {
            assert_eq!(DatabaseUrl::parse(raw).unwrap().backend(), backend, "{raw}");
        }
    }

    #[test]
    fn a_sqlite_path_stays_as_it_was_written() {
        for (raw, path) in
            [("sqlite:a b.db", "a b.db"), ("sqlite:/a.db", "/a.db"), ("sqlite:///a.db", "/a.db")]
        {
            assert_eq!(DatabaseUrl::parse(raw).unwrap(), DatabaseUrl::file(path), "{raw}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (raw, error) in [
            ("", UrlError::NoScheme),
            ("/var/lib/a.db", UrlError::NoScheme),
            ("oracle://h/db", UrlError::UnknownScheme("oracle".to_owned())),
            ("sqlite:", UrlError::NoPath),
            ("sqlite::memory:", UrlError::InMemory),
            ("sqlite:a.db?mode=ro", UrlError::PathOptions),
            ("mysql://h:port/db", UrlError::Malformed("invalid port number".to_owned())),
            ("postgres:///db", UrlError::NoHost),
            ("mariadb://h", UrlError::NoDatabase("mariadb".to_owned())),
            ("mysql://h/", UrlError::NoDatabase("mysql".to_owned())),
        ] {
            assert_eq!(DatabaseUrl::parse(raw), Err(error), "{raw}");
        }
    }

    #[test]
    fn a_place_has_room_for_several() {
        let part = |raw: &str| DatabaseUrl::parse(raw).unwrap().part("recruitment");
        let postgres = part("postgres://me:hunter2@db/hexabuilders?sslmode=require").unwrap();
        assert_eq!(postgres.to_string(), "postgresql://me@db/hexabuilders (schema recruitment)");
        let said =
            "postgresql://me:hunter2@db/hexabuilders?sslmode=require&options=-c%20search_path%3Drecruitment";
        assert_eq!(postgres.with_password(), Some(said));
        assert_eq!(part("mariadb://me@db/alpes").unwrap().to_string(), "mariadb://me@db/alpes_recruitment");
        assert_eq!(part("sqlite:a.db"), None);
    }

    #[test]
    fn a_password_is_never_shown() {
        let url = DatabaseUrl::parse("postgres://me:hunter2@db:5433/x?password=hunter2").unwrap();
        assert_eq!(url.to_string(), "postgresql://me@db:5433/x");
        assert_eq!(format!("{url:?}"), "DatabaseUrl(postgresql://me@db:5433/x)");
        let error = DatabaseUrl::parse("mysql://me:hunter2@db:x/y").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
}
