//! What clients know: which commands they sent, and what they were answered.

use std::collections::BTreeMap;

/// What is known of one conversion, whose commission is calculated and then approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    /// It was asked for, and no answer seen: it may be there or not.
    Nothing,
    /// It was calculated; the approval, if it was asked for, may be there or not.
    Calculated {
        commission: String,
    },
    Approved {
        commission: String,
    },
}

/// Every conversion that was ever sent.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    conversions: BTreeMap<String, Answered>,
}

impl Ledger {
    pub fn note(&mut self, conversion: String, answered: Answered) {
        self.conversions.insert(conversion, answered);
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Answered)> {
        self.conversions.iter().map(|(conversion, answered)| (conversion.as_str(), answered))
    }

    /// Conversions of which at least one answer was seen.
    pub fn answered(&self) -> usize {
        self.conversions.values().filter(|answered| **answered != Answered::Nothing).count()
    }

    /// Conversions whose last answer was not seen.
    pub fn cut_off(&self) -> usize {
        self.conversions.values().filter(|answered| !matches!(answered, Answered::Approved { .. })).count()
    }
}
