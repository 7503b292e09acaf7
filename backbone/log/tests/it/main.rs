#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod appending;
mod crowds;
mod damage;
mod faults;
mod fixtures;
mod garbage;
mod model;
mod support;
mod topics;
mod torture;
mod world;
