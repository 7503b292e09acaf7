//! Recruitment: jobs, candidates, who fits whom and why, and who was hired.
//!
//! HTTP ([`api`]), messages ([`consumers`]) and what is matched in the background ([`Matching`]) on top, commands in the
//! middle, the domain below, which knows of none of them. What happens leaves through the outbox, in the transaction that made it true. Not here: partners, and the
//! contracts of those who were hired.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that panics is a test that fails"))]

pub mod commands;
pub mod domain;
mod events;
mod explain;
mod handlers;
mod http;
mod index;
mod matching;
mod problems;
mod requests;
mod store;
mod told;
mod views;

pub use handlers::{Cancellations, Requests, consumers};
pub use http::{App, api};
pub use index::CandidateIndex;
pub use matching::{Matching, look, match_due};
pub use store::MIGRATIONS;
