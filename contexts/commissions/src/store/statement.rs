//! A partner's statement: what was owed before a period, each entry in it, what is owed after it.

use hexalpes_db::{DbError, Keyset, Tx};
use hexalpes_kernel::{Currency, Money, Timestamp};

use super::lists::{self, Booked, EntryFilter};
use super::snapshots;
use crate::domain::AffiliateId;

/// Entries of one statement; more want a shorter period.
pub(crate) const ENTRIES_MAX: u64 = 10_000;

/// From a time on and before another, in one currency. What is owed to the partner is positive.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub(crate) partner: AffiliateId,
    pub(crate) currency: Currency,
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    pub(crate) opening: Money,
    /// In the order in which they were booked.
    pub(crate) lines: Vec<StatementLine>,
    pub(crate) closing: Money,
}

/// An entry: what it adds to what is owed, and what is owed after it.
#[derive(Clone, Debug)]
pub(crate) struct StatementLine {
    pub(crate) entry: Booked,
    pub(crate) amount: Money,
    pub(crate) balance: Money,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StatementError {
    #[error("the period has more than {ENTRIES_MAX} entries: ask for a shorter one")]
    TooLong,
    #[error(transparent)]
    Database(#[from] DbError),
}

pub(crate) async fn of(
    tx: &Tx,
    partner: &AffiliateId,
    currency: Currency,
    from: Timestamp,
    to: Timestamp,
) -> Result<Statement, StatementError> {
    let opening = owed(tx, partner, currency, from).await?;
    let closing = owed(tx, partner, currency, to).await?;
    let filter = EntryFilter {
        affiliate: Some(partner.clone()),
        currency: Some(currency),
        from: Some(from),
        to: Some(to),
        ..EntryFilter::default()
    };
    let keyset = Keyset { is_descending: false, after: None, limit: ENTRIES_MAX + 1 };
    let entries = lists::entries(tx, filter, keyset).await?;
    if entries.len() as u64 > ENTRIES_MAX {
        return Err(StatementError::TooLong);
    }
    let range = || DbError::Range("a statement");
    let mut balance = opening;
    let mut lines = Vec::with_capacity(entries.len());
    for entry in entries {
        // A credit is what we owe.
        let amount = Money::zero(currency).checked_sub(entry.amount).map_err(|_| range())?;
        balance = balance.checked_add(amount).map_err(|_| range())?;
        lines.push(StatementLine { entry, amount, balance });
    }
    if balance != closing {
        // Both are folds of the same entries.
        return Err(DbError::Damaged("a statement does not sum to the journal".to_owned()).into());
    }
    Ok(Statement { partner: partner.clone(), currency, from, to, opening, lines, closing })
}

/// What is owed to a partner before a moment, less what the partner owes.
async fn owed(
    tx: &Tx,
    partner: &AffiliateId,
    currency: Currency,
    before: Timestamp,
) -> Result<Money, DbError> {
    let as_of = before.before(std::time::Duration::from_micros(1));
    let mut owed = 0_i64;
    for ledger in snapshots::ledgers_of(tx, partner).await? {
        if ledger.currency == currency {
            let balance = snapshots::balance(tx, &ledger, Some(as_of)).await?.minor();
            owed = owed.checked_sub(balance).ok_or(DbError::Range("a balance"))?;
        }
    }
    Ok(Money::from_minor(owed, currency))
}
