//! Double entry: accounts, entries, and postings that cannot be unbalanced.
//!
//! A debit is positive and a credit negative, so that what balances sums to zero. Not here: which fact posts what
//! (`posting`), and where entries are kept.

use std::collections::BTreeMap;

use hexalpes_kernel::{Currency, Money};

use super::AffiliateId;

/// Where money of a partner stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bucket {
    /// Owed, and not approved yet.
    Pending,
    /// Owed, and not to be approved before its time.
    Held,
    /// To be paid with the next payout.
    Payable,
    /// In a payout that is neither settled nor failed.
    InFlight,
    /// What the partner owes us: clawed back after it was paid. The next payouts are less by it.
    Receivable,
}

impl Bucket {
    pub const ALL: [Self; 5] = [Self::Pending, Self::Held, Self::Payable, Self::InFlight, Self::Receivable];

    /// The last part of the account's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Held => "held",
            Self::Payable => "payable",
            Self::InFlight => "in_flight",
            Self::Receivable => "receivable",
        }
    }
}

/// An account of a program's books.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    Expense,
    Cash,
    Partner(AffiliateId, Bucket),
    Fx,
    Rounding,
}

impl Account {
    /// The account's kind, as it is kept: a partner's bucket, or the program's account.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Expense => "expense",
            Self::Cash => "cash",
            Self::Partner(_, bucket) => bucket.name(),
            Self::Fx => "fx",
            Self::Rounding => "rounding",
        }
    }

    /// Whose it is, if it is a partner's.
    pub fn partner(&self) -> Option<&AffiliateId> {
        match self {
            Self::Partner(partner, _) => Some(partner),
            Self::Expense | Self::Cash | Self::Fx | Self::Rounding => None,
        }
    }

    /// Puts an account together again; `None` for a kind that there is not.
    pub fn of(kind: &str, partner: Option<AffiliateId>) -> Option<Self> {
        match partner {
            Some(partner) => {
                let bucket = Bucket::ALL.into_iter().find(|bucket| bucket.name() == kind)?;
                Some(Self::Partner(partner, bucket))
            }
            None => [Self::Expense, Self::Cash, Self::Fx, Self::Rounding]
                .into_iter()
                .find(|one| one.kind() == kind),
        }
    }

    /// `program:expense`, `partner:af_1:payable`, `fx`.
    pub fn name(&self) -> String {
        match self {
            Self::Expense | Self::Cash => format!("program:{}", self.kind()),
            Self::Partner(partner, bucket) => format!("partner:{partner}:{}", bucket.name()),
            Self::Fx | Self::Rounding => self.kind().to_owned(),
        }
    }

    /// The sign of the account's usual balance: what we spent, and what others owe us, is a debit; what we owe, and
    /// the cash that went out, a credit.
    pub fn sign(&self) -> i64 {
        match self {
            Self::Expense | Self::Fx | Self::Rounding | Self::Partner(_, Bucket::Receivable) => 1,
            Self::Cash
            | Self::Partner(_, Bucket::Pending | Bucket::Held | Bucket::Payable | Bucket::InFlight) => -1,
        }
    }
}

/// One side of a posting: a debit is positive, a credit negative, nothing is zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub account: Account,
    pub amount: Money,
}

/// Entries that sum to zero in each currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Posting(Vec<Entry>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the entries in {currency} sum to {sum}, not to zero")]
pub struct Unbalanced {
    pub currency: Currency,
    pub sum: i128,
}

impl Posting {
    /// Entries of zero are left out.
    pub fn new(entries: Vec<Entry>) -> Result<Self, Unbalanced> {
        let mut sums: BTreeMap<&str, (Currency, i128)> = BTreeMap::new();
        for entry in &entries {
            let currency = entry.amount.currency();
            sums.entry(currency.code()).or_insert((currency, 0)).1 += i128::from(entry.amount.minor());
        }
        if let Some((currency, sum)) = sums.into_values().find(|(_, sum)| *sum != 0) {
            return Err(Unbalanced { currency, sum });
        }
        Ok(Self(entries.into_iter().filter(|entry| entry.amount.minor() != 0).collect()))
    }

    /// Moves an amount from one account to another: debits `debit`, credits `credit`.
    pub fn moving(amount: Money, debit: Account, credit: Account) -> Self {
        let opposite = Money::from_minor(-amount.minor(), amount.currency());
        let entries = vec![Entry { account: debit, amount }, Entry { account: credit, amount: opposite }];
        Self::new(entries).expect("an amount and its opposite sum to zero")
    }

    pub fn entries(&self) -> &[Entry] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn usd(minor: i64) -> Money {
        Money::from_minor(minor, Currency::USD)
    }

    #[test]
    fn entries_that_do_not_sum_to_zero_are_no_posting() {
        let entries = |cents, yen| {
            vec![
                Entry { account: Account::Expense, amount: usd(10) },
                Entry { account: Account::Cash, amount: usd(cents) },
                Entry { account: Account::Cash, amount: Money::from_minor(yen, Currency::JPY) },
            ]
        };
        assert_eq!(Posting::new(entries(-9, 0)), Err(Unbalanced { currency: Currency::USD, sum: 1 }));
        // One currency does not make up for another.
        assert!(Posting::new(entries(-9, -1)).is_err());
        assert_eq!(Posting::new(entries(-10, 0)).unwrap().entries().len(), 2);
    }

    #[test]
    fn an_account_is_found_again_by_its_kind_and_partner() {
        let partner = AffiliateId::parse("af:1").unwrap();
        let partners = Bucket::ALL.map(|bucket| Account::Partner(partner.clone(), bucket));
        let programs = [Account::Expense, Account::Cash, Account::Fx, Account::Rounding];
        for account in partners.into_iter().chain(programs) {
            assert_eq!(Account::of(account.kind(), account.partner().cloned()), Some(account));
        }
        assert_eq!(Account::of("payable", None), None);
        assert_eq!(Account::Partner(partner, Bucket::InFlight).name(), "partner:af:1:in_flight");
        assert_eq!((Account::Expense.name(), Account::Fx.name()), ("program:expense".into(), "fx".into()));
    }

    proptest! {
        #[test]
        fn what_is_a_posting_sums_to_zero(amounts in prop::collection::vec(any::<i64>(), 0..6)) {
            let entries: Vec<_> =
                amounts.iter().map(|minor| Entry { account: Account::Cash, amount: usd(*minor) }).collect();
            let sum: i128 = amounts.iter().copied().map(i128::from).sum();
            prop_assert_eq!(Posting::new(entries).is_ok(), sum == 0);
        }
    }
}
