//! The whole product as a user starts it: the binary, its ports, its files.
//!
//! - [`Product`] is `hexalpes up` or `hexalpes serve`, [`Backbone`] is `hexalpes backbone`: both in folders of
//!   their own, on free ports, and both can be killed at any time and started again.
//! - [`RealPulsar`] is somebody else's broker, which one product has for itself.
//! - [`Console`] is the admin UI in a process of its own.
//! - [`Fleet`] is a backbone and each service of HexaBuilders in a process of its own; [`Journey`] is a partner's way
//!   through them.
//! - [`SmallDisk`] is a disk for either, which can be filled up.
//! - [`Crowd`] sends commands from many clients at once and writes down what was answered, in a [`Ledger`].
//! - [`CaptureStage`] is an outbox on a server's database, a relay that reads its log, and a broker; [`Writers`] write
//!   into it, and [`Captured`] compares.
//! - [`nothing_is_lost_and_nothing_is_twice`] compares that ledger with the database, both topics and the audit
//!   trail. [`Kept`] is what it reads.

mod api;
mod audit;
mod backbone;
mod capture;
mod console;
mod crowd;
mod dice;
mod disk;
mod fleet;
mod journey;
mod ledger;
mod process;
mod product;
mod real_pulsar;
mod source;
mod topic;

use std::time::Duration;

pub use api::{Api, calculation};
pub use audit::{Kept, drained_outbox, nothing_is_lost_and_nothing_is_twice};
pub use backbone::Backbone;
pub use capture::{CaptureStage, Captured, Part, Row, Seen, Writers, command};
pub use console::Console;
pub use crowd::Crowd;
pub use dice::{Dice, rounds};
pub use disk::SmallDisk;
pub use fleet::Fleet;
pub use journey::Journey;
pub use ledger::{Answered, Ledger};
pub use product::Product;
pub use real_pulsar::{RealPulsar, real_pulsar};
pub use source::source_config;
pub use topic::{messages, whole_topic};

/// How long anything may take before a test gives up on it.
pub const PATIENCE: Duration = Duration::from_secs(30);
