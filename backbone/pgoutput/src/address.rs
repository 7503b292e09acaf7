//! Where a server is and who asks it: the address as others of the product read it too, with libpq's options.

use std::path::PathBuf;

use hexalpes_capture::LogError;
use percent_encoding::percent_decode_str;
use url::Url;

use crate::failure::refused;

const PORT: u16 = 5432;
const FORM: &str = "write postgresql://USER:PASSWORD@HOST:PORT/DATABASE";

#[derive(Clone)]
pub(crate) struct Address {
    pub(crate) place: Place,
    pub(crate) user: String,
    pub(crate) password: Option<String>,
    pub(crate) database: String,
    pub(crate) encryption: Encryption,
    /// Settings of the session, as `postgres` takes them on its command line.
    pub(crate) options: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Tcp { host: String, port: u16 },
    Socket(PathBuf),
}

/// libpq's `sslmode`, and the files that go with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Encryption {
    pub(crate) mode: Mode,
    /// Whom to trust, in PEM form; the public authorities if there is none.
    pub(crate) roots: Option<PathBuf>,
    /// Our own certificate and its key, in PEM form.
    pub(crate) certificate: Option<(PathBuf, PathBuf)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    Off,
    /// If the server has it, whoever the server is.
    #[default]
    Offered,
    /// Whoever the server is.
    Required,
    /// The server's certificate is from whom we trust.
    Trusted,
    /// And it is for the host that we asked.
    Full,
}

impl Mode {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "disable" | "allow" => Self::Off,
            "prefer" => Self::Offered,
            "require" => Self::Required,
            "verify-ca" => Self::Trusted,
            "verify-full" => Self::Full,
            _ => return None,
        })
    }
}

impl Address {
    /// The address is never repeated in an error: it may hold a password.
    pub(crate) fn parse(raw: &str) -> Result<Self, LogError> {
        let wrong = |what: &str| refused(format!("the database's address {what}"), FORM);
        let url = Url::parse(raw).map_err(|error| wrong(&format!("cannot be read: {error}")))?;
        if !matches!(url.scheme(), "postgresql" | "postgres") {
            return Err(wrong("is none of PostgreSQL"));
        }
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let option = |names: &[&str]| {
            let pairs = url.query_pairs().filter(|(key, _)| names.contains(&key.as_ref()));
            pairs.last().map(|(_, value)| value.into_owned())
        };
        let port = option(&["port"]).map_or(Ok(url.port().unwrap_or(PORT)), |port| {
            port.parse().map_err(|_| wrong("has a port that is no number"))
        })?;
        let named = option(&["host"]).or_else(|| url.host_str().map(decoded)).filter(|host| !host.is_empty());
        let host = named.ok_or_else(|| wrong("names no host"))?;
        let place = if host.starts_with('/') {
            Place::Socket(PathBuf::from(host).join(format!(".s.PGSQL.{port}")))
        } else {
            Place::Tcp { host: host.trim_matches(['[', ']']).to_owned(), port }
        };
        let user = option(&["user"]).unwrap_or_else(|| decoded(url.username()));
        let database = option(&["dbname"]).unwrap_or_else(|| decoded(url.path().trim_start_matches('/')));
        if user.is_empty() || database.is_empty() {
            return Err(wrong("names no user or no database"));
        }
        let mode = match option(&["sslmode", "ssl-mode"]) {
            None => Mode::default(),
            Some(text) => {
                Mode::parse(&text).ok_or_else(|| wrong("has an sslmode that libpq does not know"))?
            }
        };
        let file = |names: &[&str]| option(names).map(PathBuf::from);
        let certificate = file(&["sslcert", "ssl-cert"]).zip(file(&["sslkey", "ssl-key"]));
        Ok(Self {
            place,
            user,
            password: option(&["password"]).or_else(|| url.password().map(decoded)),
            database,
            encryption: Encryption {
                mode,
                roots: file(&["sslrootcert", "ssl-root-cert", "ssl-ca"]),
                certificate,
            },
            options: option(&["options"]),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_where_and_who() {
        let address = Address::parse("postgresql://al%40pes:p%3A%2Fw@db.example:5433/alpes").unwrap();
        assert_eq!(address.place, Place::Tcp { host: "db.example".to_owned(), port: 5433 });
        assert_eq!((&*address.user, &*address.database), ("al@pes", "alpes"));
        assert_eq!(address.password.as_deref(), Some("p:/w"));
        assert_eq!(address.encryption, Encryption::default());
    }

    #[test]
    fn options_are_as_libpq_has_them() {
        let raw = "postgres://u@[::1]/d?sslmode=verify-full&sslrootcert=/ca.pem&sslcert=/c.pem&sslkey=/k.pem";
        let address = Address::parse(raw).unwrap();
        assert_eq!(address.place, Place::Tcp { host: "::1".to_owned(), port: PORT });
        assert_eq!(address.encryption.mode, Mode::Full);
        assert_eq!(address.encryption.roots, Some(PathBuf::from("/ca.pem")));
        assert_eq!(address.encryption.certificate, Some(("/c.pem".into(), "/k.pem".into())));
        let address = Address::parse("postgres://u@localhost/d?host=/run/pg&port=6000").unwrap();
        assert_eq!(address.place, Place::Socket("/run/pg/.s.PGSQL.6000".into()));
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
        for raw in [
            "mysql://u:geheim@h/d",
            "postgres://u:geheim@h/",
            "postgres://h/d",
            "postgres://u:geheim@h/d?sslmode=maybe",
            "postgres://u:geheim@h:x/d",
        ] {
            let Err(error) = Address::parse(raw) else { panic!("{raw} is wrong") };
            assert!(matches!(error, LogError::Refused { .. }), "{error}");
            assert!(!error.to_string().contains("geheim"), "{error}");
        }
    }
}
