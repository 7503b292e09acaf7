//! Which topic of its own a row of an outbox goes to, by rules: a field, a pattern, and the topic that is made of both.
//!
//! The patterns and replacements are those of Kafka Connect's `RegexRouter` and of Debezium's outbox event router: a
//! pattern fits a whole value, and `$1` or `${name}` in the topic is what a group of it found.
//!
//! Not here: what a row is, and who publishes it.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that panics is a test that fails"))]

mod rule;
mod template;

pub use rule::{Carries, Fields, Rule, RuleError, RuleSpec, Way};
pub use template::{Pattern, PatternError};
