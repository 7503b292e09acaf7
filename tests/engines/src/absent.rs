//! What a machine does not have, and why.

use std::fmt;

/// An engine that could not be had here. It is named at the end of a local run, and fails one in CI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absent {
    engine: &'static str,
    because: String,
}

impl Absent {
    pub(crate) fn because(engine: &'static str, error: &anyhow::Error) -> Self {
        Self { engine, because: format!("{error:#}") }
    }

    /// `PostgreSQL`, `MariaDB`, `MySQL`, `Pulsar`, `Python client`, `Go client` or `Debezium`.
    pub fn engine(&self) -> &'static str {
        self.engine
    }

    /// One or several lines, for people.
    pub fn reason(&self) -> &str {
        &self.because
    }
}

impl fmt::Display for Absent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is absent: {}", self.engine, self.because)
    }
}

impl std::error::Error for Absent {}
