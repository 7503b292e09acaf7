//! How a contract says that its partner is paid: in which currency, how long after the approval, by which way, and when.
//!
//! It comes before the program's terms; the minimum is the program's. Not here: for how long a commission is held before
//! it may be approved, which is the contract's rule's.

use std::time::Duration;

use hexalpes_kernel::{Currency, Timestamp};

use super::{AffiliateId, Method, RuleId, Schedule};

/// When payouts are made by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frequency {
    /// Somebody makes them.
    Manual,
    /// On Mondays.
    Weekly,
    /// On the first of a month.
    Monthly,
}

impl Frequency {
    pub const ALL: [Self; 3] = [Self::Manual, Self::Weekly, Self::Monthly];

    pub fn name(self) -> &'static str {
        match self {
            Self::Manual => "MANUAL",
            Self::Weekly => "WEEKLY",
            Self::Monthly => "MONTHLY",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    pub fn schedule(self) -> Schedule {
        match self {
            Self::Manual => Schedule::Manual,
            Self::Weekly => Schedule::Weekly { weekday: 1 },
            Self::Monthly => Schedule::Monthly { day: 1 },
        }
    }
}

/// What a contract says of payment; what is absent is as the program says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentTerms {
    pub contract: RuleId,
    pub partner: AffiliateId,
    pub from: Timestamp,
    /// Until it expires or ended.
    pub until: Option<Timestamp>,
    pub activated_at: Timestamp,
    pub currency: Option<Currency>,
    /// How long after its approval a commission is due.
    pub net: Duration,
    pub method: Option<Method>,
    pub frequency: Option<Frequency>,
}

/// Which payout a commission is looked at for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// Somebody makes it.
    ByHand,
    /// The program's schedule makes it.
    Program,
    /// A frequency that contracts name makes it, of what was due before.
    Contracts { frequency: Frequency, due_before: Timestamp },
}

/// Why a commission that is approved is not in a payout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    OtherCurrency(Currency),
    OtherFrequency(Frequency),
    OtherMethod(Method),
    NotDue(Timestamp),
}

impl Wait {
    pub fn name(self) -> &'static str {
        match self {
            Self::OtherCurrency(_) => "OTHER_CURRENCY",
            Self::OtherFrequency(_) => "OTHER_FREQUENCY",
            Self::OtherMethod(_) => "OTHER_METHOD",
            Self::NotDue(_) => "NOT_DUE",
        }
    }
}

impl PaymentTerms {
    /// Why a commission in a currency that was approved then waits; `None`: it may be paid.
    pub fn wait(
        &self,
        currency: Currency,
        approved_at: Timestamp,
        method: Method,
        occasion: Occasion,
        now: Timestamp,
    ) -> Option<Wait> {
        if let Some(agreed) = self.currency.filter(|agreed| *agreed != currency) {
            return Some(Wait::OtherCurrency(agreed));
        }
        let due = approved_at.after(self.net);
        let (is_other, due_before) = match occasion {
            Occasion::ByHand => (false, None),
            Occasion::Program => (self.frequency.is_some(), None),
            Occasion::Contracts { frequency, due_before } => {
                (self.frequency != Some(frequency), Some(due_before))
            }
        };
        if let Some(frequency) = self.frequency.filter(|_| is_other) {
            return Some(Wait::OtherFrequency(frequency));
        }
        if let Some(agreed) = self.method.filter(|agreed| *agreed != method) {
            return Some(Wait::OtherMethod(agreed));
        }
        let is_due = due <= now && due_before.is_none_or(|before| due < before);
        (!is_due).then_some(Wait::NotDue(due))
    }

    fn holds_at(&self, at: Timestamp) -> bool {
        self.until.is_none_or(|until| at < until)
    }
}

/// The terms that count at a time: of the contracts that hold, those of the one that began last; after the end of all,
/// those of the one that ended last, for what was earned is still paid as agreed.
pub fn terms_at(all: Vec<PaymentTerms>, at: Timestamp) -> Option<PaymentTerms> {
    let begun = all.into_iter().filter(|terms| terms.from <= at);
    begun.max_by_key(|terms| {
        let holds = terms.holds_at(at);
        let ended = terms.until.filter(|_| !holds);
        (holds, ended, terms.from, terms.activated_at, terms.contract.as_str().to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: u32) -> Timestamp {
        Timestamp::parse(&format!("2025-01-{day:02}T00:00:00Z")).unwrap()
    }

    fn terms(id: &str, from: u32, until: u32) -> PaymentTerms {
        PaymentTerms {
            contract: RuleId::parse(id).unwrap(),
            partner: AffiliateId::parse("p-1").unwrap(),
            from: day(from),
            until: Some(day(until)),
            activated_at: day(from),
            currency: Some(Currency::USD),
            net: Duration::from_hours(48),
            method: Some(Method::File),
            frequency: Some(Frequency::Weekly),
        }
    }

    #[test]
    fn the_contract_that_began_last_counts_and_after_all_the_one_that_ended_last() {
        let all = || vec![terms("c-1", 1, 20), terms("c-2", 10, 15)];
        let at = |at| terms_at(all(), day(at)).map(|terms| terms.contract.to_string());
        assert_eq!(
            [at(1), at(9), at(10), at(15), at(25)].map(Option::unwrap),
            ["c-1", "c-1", "c-2", "c-1", "c-1"]
        );
        assert_eq!(terms_at(vec![terms("c-3", 5, 6)], day(4)), None);
    }

    #[test]
    fn a_commission_waits_until_it_is_due_and_for_a_payout_as_agreed() {
        let terms = terms("c-1", 1, 20);
        let wait = |currency, method, occasion, now| terms.wait(currency, day(6), method, occasion, day(now));
        let by_hand = |now| wait(Currency::USD, Method::File, Occasion::ByHand, now);
        assert_eq!((by_hand(7), by_hand(8)), (Some(Wait::NotDue(day(8))), None));
        assert_eq!(
            wait(Currency::EUR, Method::File, Occasion::ByHand, 9),
            Some(Wait::OtherCurrency(Currency::USD))
        );
        assert_eq!(
            wait(Currency::USD, Method::Webhook, Occasion::ByHand, 9),
            Some(Wait::OtherMethod(Method::File))
        );
        assert_eq!(
            wait(Currency::USD, Method::File, Occasion::Program, 9),
            Some(Wait::OtherFrequency(Frequency::Weekly))
        );
        let weekly = |before| Occasion::Contracts { frequency: Frequency::Weekly, due_before: day(before) };
        assert_eq!(wait(Currency::USD, Method::File, weekly(9), 9), None);
        assert_eq!(wait(Currency::USD, Method::File, weekly(8), 9), Some(Wait::NotDue(day(8))));
    }
}
