//! Log lines on standard error: standard output belongs to what a command prints.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;

/// Why logs were not set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("log filter {filter:?}: {why}")]
    Filter { filter: String, why: String },
    #[error("logs are set up already")]
    Twice,
}

/// Sends log lines to standard error, as text or as one JSON object a line.
///
/// `filter` is a level (`info`) or directives (`warn,hexalpes_db=debug`).
pub fn init(filter: &str, json: bool) -> Result<(), LogError> {
    let filter = EnvFilter::try_new(filter)
        .map_err(|why| LogError::Filter { filter: filter.to_owned(), why: why.to_string() })?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        // A file shows colours as noise.
        .with_ansi(io::stderr().is_terminal());
    let done = if json { lines.json().flatten_event(true).try_init() } else { lines.try_init() };
    done.map_err(|_| LogError::Twice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_is_none_is_refused_by_name() {
        let error = init("info,=,=", false).unwrap_err();
        assert!(error.to_string().contains("info,=,="), "{error}");
    }
}
