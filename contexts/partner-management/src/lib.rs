//! Partner management: who partners are, what was checked of them, whom they look for, and how they do.
//!
//! HTTP ([`api`]), messages ([`consumers`]) and time ([`sweep`]) on top, commands in the middle, the domain below, which
//! knows of none of them. What happens leaves through the outbox, in the transaction that made it true. Not here:
//! contracts, candidates and campaigns, of which this context knows what was told.

pub mod commands;
pub mod domain;
mod events;
mod handlers;
mod http;
mod problems;
mod requests;
mod store;
mod sweep;
mod views;
mod words;

pub use handlers::{Others, consumers};
pub use http::{App, api};
pub use store::MIGRATIONS;
pub use sweep::{Swept, sweep};
