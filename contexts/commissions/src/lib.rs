//! Commissions: what each conversion owes, why, and what became of it.
//!
//! HTTP ([`seed_api`], [`api`]) and messages ([`consumers`]) on top, commands in the middle, the domain below, which knows
//! of none of them. The facts leave through the outbox, in the transaction that made them true.

pub mod commands;
mod contracts;
pub mod domain;
mod events;
mod files;
mod handlers;
mod http;
mod pay_to;
mod problems;
pub mod queries;
pub mod reconciliation;
mod requests;
mod store;
mod sweep;
mod views;
mod webhooks;

pub use handlers::{COMMANDS_TOPIC, CONVERSIONS_TOPIC, consumers};
pub use http::{App, api, router, router_under, seed_api};
pub use store::MIGRATIONS;
pub use sweep::{Swept, sweep};
pub use webhooks::{Delivered, Webhooks, WebhooksError, deliver};
