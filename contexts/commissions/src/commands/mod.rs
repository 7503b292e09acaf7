//! What can be asked of this context. A command takes a transaction and neither opens nor ends one.

mod approve;
mod calculate;

pub use approve::{Approval, ApproveCommission, ApproveError, approve};
pub use calculate::{CalculateCommission, CalculateError, Calculation, calculate};
