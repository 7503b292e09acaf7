//! What goes wrong on a connection, and what that means to whoever reads the log.

use std::io;

use hexalpes_capture::{LogError, Mend};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// There is no connection, or none any more.
    #[error("{0}")]
    Broken(String),
    /// The server says what this protocol does not have.
    #[error("{0}")]
    Protocol(String),
    #[error("{0}")]
    Said(Said),
}

/// An error as the server reports it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} (SQLSTATE {code})")]
pub(crate) struct Said {
    /// SQLSTATE, by <https://www.postgresql.org/docs/15/errcodes-appendix.html>.
    pub(crate) code: String,
    pub(crate) message: String,
}

pub(crate) mod code {
    pub(crate) const INSUFFICIENT_PRIVILEGE: &str = "42501";
    pub(crate) const UNDEFINED_OBJECT: &str = "42704";
    pub(crate) const DUPLICATE_OBJECT: &str = "42710";
    pub(crate) const UNIQUE_VIOLATION: &str = "23505";
    pub(crate) const INVALID_NAME: &str = "42602";
    pub(crate) const TOO_MANY_CONNECTIONS: &str = "53300";
    /// No slot is left.
    pub(crate) const LIMIT_EXCEEDED: &str = "53400";
    /// Said of a slot that was invalidated.
    pub(crate) const NOT_IN_STATE: &str = "55000";
    pub(crate) const IN_USE: &str = "55006";
    /// A file of the log is gone.
    pub(crate) const UNDEFINED_FILE: &str = "58P01";
}

impl Said {
    /// Fields, each a letter and a text that ends with a zero byte:
    /// <https://www.postgresql.org/docs/15/protocol-error-fields.html>.
    pub(crate) fn parse(body: &[u8]) -> Self {
        let field = |letter: u8| {
            let fields = body.split(|byte| *byte == 0).filter(|field| field.first() == Some(&letter));
            let mut texts = fields.map(|field| String::from_utf8_lossy(&field[1..]).into_owned());
            texts.next().unwrap_or_default()
        };
        Self { code: field(b'C'), message: field(b'M') }
    }
}

impl Failure {
    /// The SQLSTATE, if the server refused something and goes on.
    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            Self::Said(said) => Some(&said.code),
            Self::Broken(_) | Self::Protocol(_) => None,
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Broken(error.to_string())
    }
}

/// What an error means where nothing better is known.
impl From<Failure> for LogError {
    fn from(failure: Failure) -> Self {
        let said = match failure {
            Failure::Broken(why) => return Self::Unreachable(why),
            Failure::Protocol(why) => return Self::Unreadable(why),
            Failure::Said(said) => said,
        };
        match (said.code.get(..2).unwrap_or_default(), said.code.as_str()) {
            ("28", _) => refused(
                said.to_string(),
                "see user and password of the address, and the server's pg_hba.conf",
            ),
            ("3D", _) => refused(said.to_string(), "name a database that is there"),
            (_, code::INSUFFICIENT_PRIVILEGE) => {
                refused(said.to_string(), "grant it, or name another user in the address")
            }
            ("08" | "25" | "40" | "53" | "57" | "58", _) => Self::Unreachable(said.to_string()),
            _ => Self::Unreadable(said.to_string()),
        }
    }
}

pub(crate) fn refused(what: impl Into<String>, mend: impl Into<String>) -> LogError {
    LogError::Refused { what: what.into(), mend: Mend(mend.into()) }
}

pub(crate) fn gap(what: impl Into<String>, mend: impl Into<String>) -> LogError {
    LogError::Gap { what: what.into(), mend: Mend(mend.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(code: &str) -> LogError {
        Failure::Said(Said { code: code.to_owned(), message: "no".to_owned() }).into()
    }

    #[test]
    fn a_report_is_read_by_its_fields() {
        let said = Said::parse(b"SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0");
        assert_eq!(said.to_string(), "the database system is starting up (SQLSTATE 57P03)");
        assert_eq!(Said::parse(b""), Said { code: String::new(), message: String::new() });
    }

    #[test]
    fn what_passes_is_tried_again_and_what_does_not_is_said() {
        for code in ["57P01", "57P03", "53300", "58030", "08006"] {
            assert!(matches!(said(code), LogError::Unreachable(_)), "{code}");
        }
        for code in ["28P01", "3D000", "42501"] {
            assert!(matches!(said(code), LogError::Refused { .. }), "{code}");
        }
        assert_eq!(said("XX000"), LogError::Unreadable("no (SQLSTATE XX000)".to_owned()));
    }
}
