//! What a contract with a partner says of its commissions. The partner is the affiliate of the same id.
//!
//! It ranks after the program's rules and before what was agreed with the affiliate (C-12): a rule is made for a case,
//! a contract for a partner.

use std::time::Duration;

use hexalpes_kernel::{Currency, Timestamp};

use super::{AffiliateId, Facts, InForce, RateSource, RuleId, RuleTerms};

/// A contract that came into force, as far as it is about commissions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartnerContract {
    /// The contract's id: tiers count under it as under a rule's.
    pub id: RuleId,
    pub partner: AffiliateId,
    /// `STANDARD`, `PREMIUM` or `ENTERPRISE`.
    pub contract_type: String,
    /// With the contract's own time: valid from its effective date, until it expires or ends.
    pub terms: RuleTerms,
    /// How long a commission is held; `None`: as the program says.
    pub hold: Option<Duration>,
    pub activated_at: Timestamp,
}

impl PartnerContract {
    /// As something that may count for a conversion.
    pub fn rule(&self) -> InForce {
        InForce {
            id: self.id.clone(),
            source: RateSource::Contract,
            name: self.contract_type.clone(),
            version: 1,
            since: self.activated_at,
            terms: self.terms.clone(),
        }
    }

    /// Whether its structure is for a conversion in a currency; its hold is for all.
    pub fn is_for(&self, currency: Currency, facts: &Facts) -> bool {
        self.terms.hold_for(None, currency, facts)
    }

    fn holds_at(&self, at: Timestamp) -> bool {
        self.terms.valid_from.is_none_or(|from| from <= at)
            && self.terms.valid_until.is_none_or(|until| at < until)
    }
}

/// The contract that counts at a time: of those that hold, the one that began last. So a renewal supersedes what it
/// renews from its first day on, whenever it is heard of.
pub fn contract_at(contracts: Vec<PartnerContract>, at: Timestamp) -> Option<PartnerContract> {
    let holding = contracts.into_iter().filter(|contract| contract.holds_at(at));
    holding.max_by_key(|contract| {
        (contract.terms.valid_from, contract.activated_at, contract.id.as_str().to_owned())
    })
}

#[cfg(test)]
mod tests {
    use hexalpes_kernel::{Amount, Rate};

    use super::*;
    use crate::domain::Formula;

    fn day(day: u32) -> Timestamp {
        Timestamp::parse(&format!("2025-01-{day:02}T00:00:00Z")).unwrap()
    }

    fn contract(id: &str, from: u32, until: u32) -> PartnerContract {
        let rate = Rate::from_percent(Amount::new(10, 0)).unwrap();
        let (valid_from, valid_until) = (Some(day(from)), Some(day(until)));
        PartnerContract {
            id: RuleId::parse(id).unwrap(),
            partner: AffiliateId::parse("p-1").unwrap(),
            contract_type: "STANDARD".to_owned(),
            terms: RuleTerms { valid_from, valid_until, ..RuleTerms::plain(Formula::Percentage(rate)) },
            hold: None,
            activated_at: day(from),
        }
    }

    #[test]
    fn the_contract_that_began_last_counts_while_it_holds() {
        let contracts = || vec![contract("c-1", 1, 20), contract("c-2", 10, 15)];
        let at = |at| contract_at(contracts(), day(at)).map(|contract| contract.id.to_string());
        assert_eq!([at(1), at(9), at(10), at(14)].map(Option::unwrap), ["c-1", "c-1", "c-2", "c-2"]);
        assert_eq!((at(15).as_deref(), at(20)), (Some("c-1"), None));
        let mut turned = contracts();
        turned.reverse();
        assert_eq!(contract_at(turned, day(12)), contract_at(contracts(), day(12)));
    }
}
