//! What can be asked of this context. A command takes a transaction and neither opens nor ends one.

mod agreed;
mod approve;
mod book;
mod calculate;
mod change;
mod learn;
mod payouts;
mod refund;
mod release_due;
mod rerate;
mod rules;
mod simulate;

pub use agreed::Agreement;
pub use approve::{Approval, ApproveCommission, approve};
pub use calculate::{About, CalculateCommission, CalculateError, Calculation, Wanted, calculate};
pub use change::{ChangeCommission, ChangeError, Changed, Verb, change};
pub use learn::{Learned, learn};
pub use payouts::{
    CreatePayout, PayoutCommandError, WhatToPay, create_payout, fail_payout, pay_commission, preview,
    send_payout, settle_payout,
};
pub(crate) use payouts::{create_due, is_due, line_sent};
pub use refund::{RefundCommissionError, RefundConversion, refund};
pub use release_due::release_due;
pub use rerate::{Drafted, ReratingError, Selection, Stale, try_rerating};
#[cfg(test)]
pub(crate) use rerate::{Explained, rerate, slots_of};
pub(crate) use rerate::{apply_rerating, draft_rerating};
pub use rules::{DraftRule, RuleCommandError, RuleVerb, change_rule, draft_rule};
pub use simulate::{Simulate, SimulateError, Simulated, simulate};
