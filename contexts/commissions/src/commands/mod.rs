//! What can be asked of this context. A command takes a transaction and neither opens nor ends one.

mod approve;
mod book;
mod calculate;
mod change;
mod refund;
mod release_due;

pub use approve::{Approval, ApproveCommission, approve};
pub use calculate::{CalculateCommission, CalculateError, Calculation, calculate};
pub use change::{ChangeCommission, ChangeError, Changed, Verb, change};
pub use refund::{RefundCommissionError, RefundConversion, refund};
pub use release_due::release_due;
