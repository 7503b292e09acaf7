//! Conversions: what customers did, who brought them, and what was given back.
//!
//! HTTP ([`api`]) and messages ([`consumers`]) on top, commands in the middle, the domain below, which knows of none of
//! them. What happens leaves through the outbox, in the transaction that made it true. Not here: what a conversion owes.

pub mod commands;
pub mod domain;
mod events;
mod handlers;
mod http;
mod problems;
pub mod reconciliation;
mod requests;
mod store;
mod views;

pub use handlers::consumers;
pub use http::{App, api};
pub use store::MIGRATIONS;
