//! What this context knows of programs and affiliates: what the affiliates context told, each revision for itself.
//!
//! Nothing is replaced: a commission follows from the revisions that held for its conversion, whenever they are heard of.

use hexalpes_kernel::{Rate, Timestamp};

use super::{AffiliateId, Program, ProgramId};

/// The type whose rate is the premium one; every other type has the base rate (C-12).
const PREMIUM: &str = "premium";

/// A program, in one revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownProgram {
    /// Named and versioned as the program is.
    pub terms: Program,
    /// `ACTIVE` or `CLOSED`.
    pub status: String,
    pub valid_from: Timestamp,
}

/// An affiliate, in one revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownAffiliate {
    pub id: AffiliateId,
    pub revision: u32,
    pub program: ProgramId,
    /// `premium`, or whatever the program calls its kinds.
    pub kind: String,
    pub base: Option<Rate>,
    pub premium: Option<Rate>,
    pub rates_valid_from: Timestamp,
    /// `ACTIVE`, `SUSPENDED` or `TERMINATED`.
    pub status: String,
    /// Where to pay to, sealed.
    pub payout_sealed: Option<String>,
}

impl KnownAffiliate {
    /// The rate that holds for the affiliate's type; `None`: the program's.
    pub fn rate(&self) -> Option<Rate> {
        if self.kind == PREMIUM { self.premium } else { self.base }
    }
}

#[cfg(test)]
mod tests {
    use hexalpes_kernel::Amount;

    use super::*;

    /// Accepts C-12.
    #[test]
    fn premium_affiliates_have_the_premium_rate_and_all_others_the_base_rate() {
        let percent = |percent| Rate::from_percent(Amount::new(percent, 0)).ok();
        let of = |kind: &str| {
            let affiliate = KnownAffiliate {
                id: AffiliateId::parse("af_1").unwrap(),
                revision: 1,
                program: ProgramId::parse("default").unwrap(),
                kind: kind.to_owned(),
                base: percent(15),
                premium: percent(20),
                rates_valid_from: Timestamp::parse("2025-01-15T12:00:00Z").unwrap(),
                status: "ACTIVE".to_owned(),
                payout_sealed: None,
            };
            affiliate.rate()
        };
        assert_eq!([of("premium"), of("estandar"), of("Premium")], [percent(20), percent(15), percent(15)]);
    }
}
