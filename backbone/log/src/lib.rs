//! Journal, segments and recovery: where the broker keeps its entries.
//!
//! An append is queued, gets its [`Position`], and is committed together with whatever else waits: one
//! write to the journal, one `fdatasync`, then the [`Receipts`]. Behind the journal, the entries go to one
//! file for each segment of a topic; a checkpoint syncs these, and the journal's files are free again.
//! Readers get what is durable, from memory if it is recent.
//!
//! Not here: what is in an entry, who may read it, how far anyone has read. No async, no network.
//!
//! ```
//! use std::{path::Path, sync::{Arc, mpsc}};
//! use hexalpes_files::{Files, ForgetfulFiles};
//! use hexalpes_log::{Appended, FileError, Log, Options, Position, Receipts, TopicId};
//!
//! struct Done(mpsc::Sender<Appended>);
//!
//! impl Receipts for Done {
//!     fn synced(&self, appended: &[Appended]) {
//!         appended.iter().for_each(|one| self.0.send(*one).unwrap());
//!     }
//!     fn failed(&self, _: &[Appended], cause: &FileError) {
//!         panic!("{cause}");
//!     }
//! }
//!
//! let disk = ForgetfulFiles::new();
//! let files: Arc<dyn Files> = Arc::new(disk.clone());
//! let options = Options { journal_file_bytes: 64 << 10, ..Options::default() };
//! let (log, _) = Log::open(&files, Path::new("/log"), options.clone())?;
//! let (sender, receiver) = mpsc::channel();
//! let done: Arc<dyn Receipts> = Arc::new(Done(sender));
//!
//! let (topic, stamp, token) = (TopicId(1), 0, 42);
//! let position = log.append(topic, stamp, &[b"head ", b"and payload"], &done, token)?;
//! log.commit_now();
//! assert_eq!(receiver.recv()?, Appended { topic, position, token });
//!
//! disk.forget();
//!
//! let (log, recovered) = Log::open(&files, Path::new("/log"), options)?;
//! assert_eq!(recovered.replayed, 1);
//! let entries = log.read(topic, Position::EARLIEST, 100, 1 << 20)?;
//! assert_eq!(entries[0].payload, "head and payload");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that panics is a test that fails"))]

mod cache;
mod catalogue;
mod core;
mod error;
mod format;
mod intake;
mod journal;
mod keeper;
mod log;
mod open;
mod options;
mod position;
mod queue;
mod receipts;
mod segment;
mod store;
mod topic;

pub use error::{Damage, FileError, TooNew};
pub use journal::recovery::Torn;
pub use log::{Log, ReadError, Stopped};
pub use open::{Checked, OpenError, Recovered};
pub use options::{Durability, Options};
pub use position::{Entry, Position, TopicId};
pub use queue::AppendError;
pub use receipts::{Appended, Receipts};
pub use segment::SegmentError;
pub use topic::SegmentInfo;
