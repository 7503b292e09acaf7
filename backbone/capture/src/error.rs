//! Why a log cannot be read, and what helps.

/// What an operator does about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mend(pub String);

impl std::fmt::Display for Mend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// The database does not answer, or hung up; it is asked again.
    #[error("the database does not answer: {0}")]
    Unreachable(String),
    /// Another reader has the slot, or the server id; it is tried again.
    #[error("{what} is taken by another reader; {mend}")]
    Taken { what: String, mend: Mend },
    /// Another reader, which is none of ours, came under the same name, and the database ended this one for it: taken back, the
    /// name would go to and fro between the two.
    #[error("{what}; {mend}")]
    Clash { what: String, mend: Mend },
    /// The database is not set up so that its log can be read.
    #[error("{what}; {mend}")]
    Refused { what: String, mend: Mend },
    /// The log no longer has what comes after the position that was asked for: rows would be lost.
    #[error("{what}; {mend}")]
    Gap { what: String, mend: Mend },
    /// The log has what this reader does not know; nothing behind it is given.
    #[error("the log cannot be read: {0}")]
    Unreadable(String),
}
