//! What can be asked of this context. A command takes a transaction and neither opens nor ends one.

mod click;
mod learn;
mod record;
mod refund;

pub use click::{NotFollowed, RecordClick, record_click};
pub use learn::{Told, learn};
pub use record::{Amount, NotRecorded, RecordConversion, Recording, Who, record};
pub use refund::{NotRefunded, RefundConversion, RefundOutcome, What, refund};
