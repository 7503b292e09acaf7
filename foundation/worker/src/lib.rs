//! Runs what goes on in the background: a relay, a consumer, a file that is written.
//!
//! A [`Job`] says how to open what it needs and how to work with it. A [`Worker`] runs the job in a task of
//! its own: opens, works, and after trouble that passes opens again; it says how it does, and it can be
//! stopped and waited for.
//!
//! ```
//! use std::fmt;
//! use hexalpes_worker::{Failure, Job, Outlook, Worker};
//! use tokio_util::sync::CancellationToken;
//!
//! struct Greeter;
//!
//! #[derive(Debug)]
//! struct Hoarse;
//!
//! impl fmt::Display for Hoarse {
//!     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
//!         f.write_str("the voice is gone")
//!     }
//! }
//!
//! impl Failure for Hoarse {
//!     fn outlook(&self) -> Outlook {
//!         Outlook::Passing
//!     }
//! }
//!
//! impl Job for Greeter {
//!     type Session = &'static str;
//!     type Error = Hoarse;
//!
//!     async fn open(&mut self) -> Result<Self::Session, Hoarse> {
//!         Ok("¡Hola!")
//!     }
//!
//!     async fn run(&mut self, greeting: &'static str, stop: &CancellationToken) -> Result<(), Hoarse> {
//!         println!("{greeting}");
//!         stop.cancelled().await;
//!         Ok(())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let worker = Worker::start("greeter", Greeter);
//! let mut states = worker.states();
//! states.wait_for(|state| state.running).await.expect("the worker lives");
//! worker.stop().await;
//! assert!(!states.borrow().running);
//! # }
//! ```
//!
//! Not here: what is done, and how often something that is done may fail.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that panics is a test that fails"))]

mod job;
mod state;
mod worker;

pub use job::{Failure, Job, Outlook};
pub use state::State;
pub use worker::{RETRY_DELAY, STOP_PATIENCE, Worker};
