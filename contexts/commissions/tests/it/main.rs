//! Commissions over HTTP and by topic, on every database.

#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod agreed;
mod bad_input;
mod books;
mod comisiones;
mod contracts;
mod flow;
mod messages;
mod payouts;
mod reconciliation;
mod reratings;
mod rules;
mod simulation;
mod support;
