//! The campaigns API on every database.
#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod bad_input;
mod barred;
mod budgets;
mod campaigns;
mod conversions;
mod histories;
mod permissions;
mod renewals;
mod reports;
mod spend;
mod support;
