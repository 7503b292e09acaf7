//! The way of a fact, from a request to a line in `events.jsonl` and to a client that nobody here wrote; and
//! what is left of it when processes are killed on the way.
#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod audit;
mod flow;
mod kills;
mod outage;
mod seed3;
mod starts;
