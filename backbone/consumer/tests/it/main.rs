//! A handler on a broker in the same process: each event acts once, in order, or becomes a dead letter.

#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod avro;
mod budget;
mod dead_letters;
mod engines;
mod once;
mod order;
mod support;
mod unknown;
