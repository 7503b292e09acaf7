//! Analytics: how campaigns and partners did, as reports tell it.
//!
//! Read models and nothing else: messages ([`consumers`]) fill them, HTTP ([`api`]) shows them. There are no commands, and
//! nothing is told to others. Not here: how a figure comes about, which is the campaigns' own business.

pub mod domain;
mod handlers;
mod http;
mod problems;
mod queries;
mod store;
mod views;

pub use handlers::{Campaigns, Reports, consumers};
pub use http::{App, api};
pub use store::MIGRATIONS;
