//! An outbox on a server's database, a relay that reads its log, and a broker, each of which can be killed; programs that
//! write into the outbox all the while; and the comparison of what was committed with what is on the topics.

mod compared;
mod stage;
mod writers;

pub use compared::{Captured, Row, Seen};
pub use stage::{CaptureStage, Part};
pub use writers::{Writers, command};
