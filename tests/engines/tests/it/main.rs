//! Starts every engine that this machine can have, and sees that it goes away again.

#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod given;
mod starts;
