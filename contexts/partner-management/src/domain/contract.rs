//! What is known of a partner's contract: what the onboarding context told, in whatever order and however often.

use hexalpes_kernel::Timestamp;

use super::{ContractId, ContractType};

/// A contract, as far as it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contract {
    pub id: ContractId,
    pub kind: ContractType,
    /// When all had signed.
    pub signed_at: Option<Timestamp>,
    pub activation: Option<Activation>,
    /// When it ended: by its own time, by one that renews it, or before.
    pub ended_at: Option<Timestamp>,
}

/// That a contract is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Activation {
    pub at: Timestamp,
    /// From when on it is no longer in force; `None`: nobody said.
    pub until: Option<Timestamp>,
}

impl Contract {
    /// Takes in what was told of the same contract; tells whether that was news. What was told first stays: each is
    /// told once, and the same again.
    pub fn merge(&mut self, told: &Self) -> bool {
        let before = self.clone();
        self.signed_at = earlier(self.signed_at, told.signed_at);
        self.activation = match (self.activation, told.activation) {
            (Some(one), Some(other)) => Some(one.earlier(other)),
            (one, other) => one.or(other),
        };
        self.ended_at = earlier(self.ended_at, told.ended_at);
        *self != before
    }

    /// Whether it is in force.
    pub fn is_active(&self, at: Timestamp) -> bool {
        let ends = [self.activation.and_then(|active| active.until), self.ended_at];
        self.activation.is_some() && ends.into_iter().flatten().all(|end| at < end)
    }
}

impl Activation {
    /// One of the two, whichever comes first.
    fn earlier(self, other: Self) -> Self {
        let key = |one: Self| (one.at, one.until);
        if key(other) < key(self) { other } else { self }
    }
}

fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
