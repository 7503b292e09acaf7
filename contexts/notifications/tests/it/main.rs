//! The context over a socket: on a broker of ours and on a real Pulsar, with its inbox on each database.

#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod asking;
mod desk;
mod engines;
mod lines;
mod pruning;
mod sending;
mod support;
mod telling;
