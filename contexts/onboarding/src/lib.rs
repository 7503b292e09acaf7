//! Onboarding: contracts with partners, from a template to the last signature, and what they allow.
//!
//! HTTP ([`api`]) and messages ([`consumers`]) on top, time ([`sweep`]) beside them, commands in the middle, the domain
//! below, which knows of none of them. What happens leaves through the outbox, in the transaction that made it true.
//! Not here: partners, campaigns and commissions, which hear of a contract when it is in force.

pub mod commands;
pub mod domain;
mod events;
mod files;
mod handlers;
mod http;
mod problems;
mod requests;
mod store;
mod sweep;
mod views;

pub use commands::prepare;
pub use handlers::consumers;
pub use http::{App, api};
pub use store::MIGRATIONS;
pub use sweep::{Swept, sweep};
