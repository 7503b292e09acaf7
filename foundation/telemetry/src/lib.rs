//! Logs and metrics, set up once by whoever owns the process.
//!
//! Not here: what is logged or counted. Libraries use `tracing` and `metrics`; without this crate's setup
//! both go nowhere.

mod logs;
mod metrics;

pub use logs::{LEVELS, LogError, LogFilter, init};
pub use metrics::{Metrics, MetricsError};
