//! Money that was spent, and what corrects it: entries that are added and never edited.

use hexalpes_kernel::{Money, Timestamp};

use super::{CampaignId, Day, SpendId};

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryKind {
    Spend,
    /// Says what an earlier spend really came to.
    Correction {
        of: SpendId,
    },
}

/// One line of a campaign's spend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub campaign: CampaignId,
    pub id: SpendId,
    pub kind: EntryKind,
    /// What was told: the spend, or what it really came to.
    pub stated: Money,
    /// What it adds to all that was spent, or takes from it.
    pub difference: Money,
    pub occurred_at: Timestamp,
    /// The day that it is counted to: a correction's is that of what it corrects.
    pub day: Day,
    pub is_late: bool,
    pub note: Option<String>,
    pub recorded_at: Timestamp,
}

impl Entry {
    /// Whether another that has the same id says the same. When it was told, and what it came to, do not count.
    pub fn is_told_again(&self, kind: &EntryKind, stated: Money, occurred_at: Option<Timestamp>) -> bool {
        let same_time = match self.kind {
            EntryKind::Spend => occurred_at.is_none_or(|at| at == self.occurred_at),
            EntryKind::Correction { .. } => true,
        };
        self.kind == *kind && self.stated == stated && same_time
    }
}
