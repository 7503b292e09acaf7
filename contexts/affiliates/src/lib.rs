//! Affiliates: who brings customers, under which program's terms, at which rates.
//!
//! HTTP ([`api`]) on top, commands in the middle, the domain below, which knows of neither. What happens leaves through
//! the outbox, in the transaction that made it true. Not here: conversions, and what they owe.

pub mod commands;
pub mod domain;
mod events;
mod http;
mod problems;
mod requests;
mod store;
mod views;

pub use commands::prepare;
pub use http::{App, api};
pub use store::MIGRATIONS;
