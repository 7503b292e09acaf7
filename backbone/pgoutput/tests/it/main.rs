//! Against a real PostgreSQL, where there is one (`cargo xtask test -p hexalpes-pgoutput`).

#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod order;
mod place;
mod secure;
mod settings;
mod slots;
mod tables;
mod values;
