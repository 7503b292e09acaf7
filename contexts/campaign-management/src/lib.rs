//! Campaigns: who may run them, what they may spend, what they spend, and how they do.
//!
//! HTTP ([`api`]) and messages ([`consumers`]) on top, commands in the middle, the domain below, which knows of none of
//! them. What happens leaves through the outbox, in the transaction that made it true. What time itself brings about is
//! done by [`sweep`] and [`report`]. Not here: contracts, of which only what they allow is kept.

pub mod commands;
pub mod domain;
mod events;
mod handlers;
mod http;
mod problems;
mod queries;
mod requests;
mod store;
mod sweep;
mod views;
mod words;

pub use handlers::{Contracts, Conversions, Ends, Validations, consumers};
pub use http::{App, api};
pub use store::MIGRATIONS;
pub use sweep::{report, sweep};
