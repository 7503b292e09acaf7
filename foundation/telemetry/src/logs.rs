//! Log lines on standard error: standard output belongs to what a command prints.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;

/// Why logs were not set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("log filter {filter:?}: {why}")]
    Filter { filter: String, why: String },
    /// It would be taken for the name of a part of the program, and silence all the others.
    #[error("{directive:?} is no level")]
    NoLevel { directive: String },
    #[error("logs are set up already")]
    Twice,
}

/// The levels, from nothing to everything.
pub const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// What is logged.
#[derive(Debug)]
pub struct LogFilter(EnvFilter);

impl LogFilter {
    /// Reads a level (`info`) or directives (`warn,hexalpes_db=debug`). A directive without a level is one of our
    /// crates, of which everything is logged; any other is a level that is misspelt.
    pub fn parse(text: &str) -> Result<Self, LogError> {
        let is_clear = |directive: &&str| {
            directive.contains('=')
                || directive.starts_with("hexalpes")
                || LEVELS.iter().any(|level| level.eq_ignore_ascii_case(directive))
        };
        if let Some(directive) = text.split(',').map(str::trim).find(|directive| !is_clear(directive)) {
            return Err(LogError::NoLevel { directive: directive.to_owned() });
        }
        EnvFilter::try_new(text)
            .map(Self)
            .map_err(|why| LogError::Filter { filter: text.to_owned(), why: why.to_string() })
    }
}

/// Sends log lines to standard error, as text or as one JSON object a line.
pub fn init(filter: LogFilter, json: bool) -> Result<(), LogError> {
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter.0)
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
        let error = LogFilter::parse("info,=,=").unwrap_err();
        assert!(error.to_string().contains("info,=,="), "{error}");
    }

    #[test]
    fn a_level_that_is_misspelt_is_refused() {
        for (text, misspelt) in
            [("wran", "wran"), ("info,debg", "debg"), ("", ""), ("warn,hexalpes_db=debug,x", "x")]
        {
            let error = LogFilter::parse(text).unwrap_err();
            assert!(
                matches!(&error, LogError::NoLevel { directive } if directive == misspelt),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn levels_and_directives_are_read() {
        for text in ["warn", "INFO", "off", "warn,hexalpes_db=debug", "error, hexalpes_client", "hyper=info"]
        {
            assert!(LogFilter::parse(text).is_ok(), "{text}");
        }
    }
}
