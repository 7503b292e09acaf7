#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod appending;
mod damage;
mod faults;
mod fixtures;
mod model;
mod support;
mod topics;
mod torture;
mod world;
