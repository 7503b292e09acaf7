//! What happens to commissions: in the past tense, with all that journal, history and events need to know.

use hexalpes_kernel::{Money, Rate, Timestamp};

use super::{Bucket, CommissionId, Conversion, PayoutId, RateSource, Rating, ReratingId, Slot};

/// A commission was calculated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calculated {
    pub commission: CommissionId,
    pub conversion: Conversion,
    pub slot: Slot,
    pub amount: Money,
    /// None where it is no plain percentage.
    pub rate: Option<Rate>,
    pub source: RateSource,
    pub rule: String,
    pub rule_version: u32,
    /// As [`State::name`](super::State::name).
    pub status: &'static str,
    /// Pending, or held.
    pub into: Bucket,
    pub at: Timestamp,
}

/// A commission was approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approved {
    pub commission: CommissionId,
    pub conversion: Conversion,
    /// What is left of it.
    pub amount: Money,
    pub from: Bucket,
    pub at: Timestamp,
}

/// What became of a commission besides: the parts that all such facts have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub commission: CommissionId,
    pub conversion: Conversion,
    /// What the change moves.
    pub amount: Money,
    /// What is left of the commission after it.
    pub remaining: Money,
    /// The state after it, as [`State::name`](super::State::name).
    pub status: &'static str,
    pub reason: Option<String>,
    pub at: Timestamp,
}

/// A commission in a payout: what of it is paid out, and what is set off against what the partner owes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    pub payout: PayoutId,
    /// What leaves: what was payable less what was set off.
    pub paid: Money,
    pub netted: Money,
}

/// A commission owes more or less than before, for its conversion was rated anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rerated {
    /// Moves the difference of what is left: less than zero where less is left.
    pub change: Change,
    pub rerating: ReratingId,
    /// Its amount before, and now.
    pub before: Money,
    pub amount: Money,
    /// What the conversion owes in all, and by which rule.
    pub rating: Rating,
    /// Where the difference stands.
    pub bucket: Bucket,
}

/// Whatever can happen to a commission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    Calculated(Calculated),
    Approved(Approved),
    /// It must wait; also where it waited already, for longer or shorter.
    Held {
        change: Change,
        from: Bucket,
        until: Option<Timestamp>,
    },
    /// It need not wait any longer. `approves`: its approval comes with it.
    Released {
        change: Change,
        approves: bool,
    },
    /// It is not owed.
    Rejected {
        change: Change,
        from: Bucket,
    },
    /// Before it was paid, all of it or a part is no longer owed; `from` is the receivable of one that is in a payout.
    Reversed {
        change: Change,
        from: Bucket,
    },
    /// After it was paid, all of it or a part is owed back.
    ClawedBack {
        change: Change,
    },
    /// It is in a payout.
    Reserved {
        change: Change,
        share: Share,
    },
    Paid {
        change: Change,
        share: Share,
    },
    Rerated(Rerated),
    /// The payout failed: it is payable again, but for what was refunded in the meantime.
    Returned {
        change: Change,
        share: Share,
        refunded: Money,
    },
}

impl Fact {
    pub fn commission(&self) -> &CommissionId {
        match self {
            Self::Calculated(fact) => &fact.commission,
            Self::Approved(fact) => &fact.commission,
            other => &other.change().expect("all others have one").commission,
        }
    }

    pub fn at(&self) -> Timestamp {
        match self {
            Self::Calculated(fact) => fact.at,
            Self::Approved(fact) => fact.at,
            other => other.change().expect("all others have one").at,
        }
    }

    /// What was done, in one word; what the history calls it.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Calculated(_) => "calculate",
            Self::Approved(_) => "approve",
            Self::Held { .. } => "hold",
            Self::Released { .. } => "release",
            Self::Rejected { .. } => "reject",
            Self::Reversed { .. } => "reverse",
            Self::ClawedBack { .. } => "claw_back",
            Self::Reserved { .. } => "reserve",
            Self::Paid { .. } => "pay",
            Self::Returned { .. } => "return",
            Self::Rerated(_) => "rerate",
        }
    }

    /// The state after it, as [`State::name`](super::State::name).
    pub fn status(&self) -> &'static str {
        match self {
            Self::Calculated(fact) => fact.status,
            Self::Approved(_) => "APPROVED",
            other => other.change().expect("all others have one").status,
        }
    }

    /// What calculation and approval do not have.
    pub fn change(&self) -> Option<&Change> {
        match self {
            Self::Calculated(_) | Self::Approved(_) => None,
            Self::Held { change, .. }
            | Self::Released { change, .. }
            | Self::Rejected { change, .. }
            | Self::Reversed { change, .. }
            | Self::ClawedBack { change }
            | Self::Reserved { change, .. }
            | Self::Paid { change, .. }
            | Self::Returned { change, .. }
            | Self::Rerated(Rerated { change, .. }) => Some(change),
        }
    }

    /// The payout that it belongs to.
    pub fn payout(&self) -> Option<&PayoutId> {
        match self {
            Self::Reserved { share, .. } | Self::Paid { share, .. } | Self::Returned { share, .. } => {
                Some(&share.payout)
            }
            _ => None,
        }
    }
}
