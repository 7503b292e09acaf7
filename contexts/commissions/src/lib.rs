//! Commissions: what each conversion owes, why, and what became of it.
//!
//! HTTP on top ([`router`]), commands in the middle, the domain below, which knows of neither. The facts
//! leave through the outbox, in the transaction that made them true.

pub mod commands;
pub mod domain;
mod events;
mod http;
mod problems;
mod queries;
mod requests;
mod store;
mod views;

pub use http::router;
pub use store::MIGRATIONS;
