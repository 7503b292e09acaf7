//! What the database crate promises, over every database that is there.
#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod away;
mod batches;
mod commands;
mod conflicts;
mod crash;
mod migrations;
mod opening;
mod pages;
mod support;
mod values;
