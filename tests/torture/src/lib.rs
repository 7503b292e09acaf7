//! Whether the broker keeps its word when everything goes wrong: it is killed, its disk loses power, fails, fills up or
//! turns bits, and what it had acknowledged must be there, once, in order, or it must say which file is damaged.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that panics is a test that fails"))]

mod chance;
pub mod connections;
pub mod controls;
pub mod ground;
mod harm;
mod panics;
mod peer;
pub mod rounds;
mod spare;
mod world;
