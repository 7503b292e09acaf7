#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod faults;
mod forgetting;
mod locking;
mod same_as_real;
