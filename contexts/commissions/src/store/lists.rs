//! Pages of commissions and of journal entries.

use hexalpes_db::{DbError, Keyset, Row, Tx};
use hexalpes_kernel::{Currency, Money, Timestamp};
use sea_query::{Expr, ExprTrait as _, Query};

use super::journal::{Entry, Transaction};
use super::{Col, Kept, TENANT, kept, select, snapshots};
use crate::domain::{Account, AffiliateId, CommissionId, ConversionId, PayoutId, ProgramId};

/// What a list of commissions is narrowed by.
#[derive(Clone, Debug, Default)]
pub(crate) struct CommissionFilter {
    pub(crate) affiliate: Option<AffiliateId>,
    pub(crate) conversion: Option<ConversionId>,
    pub(crate) program: Option<ProgramId>,
    pub(crate) status: Option<&'static str>,
    pub(crate) currency: Option<Currency>,
    /// Made at this time or later.
    pub(crate) from: Option<Timestamp>,
    /// Made before this time.
    pub(crate) to: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum CommissionSort {
    CreatedAt,
    Amount,
}

pub(crate) async fn commissions(
    tx: &Tx,
    filter: CommissionFilter,
    sort: CommissionSort,
    keyset: Keyset,
) -> Result<Vec<Kept>, DbError> {
    let CommissionFilter { affiliate, conversion, program, status, currency, from, to } = filter;
    let mut select = select();
    for (column, id) in [
        (Col::AffiliateId, affiliate.as_ref().map(AffiliateId::as_str)),
        (Col::ConversionId, conversion.as_ref().map(ConversionId::as_str)),
        (Col::ProgramId, program.as_ref().map(ProgramId::as_str)),
        (Col::Status, status),
        (Col::Currency, currency.map(Currency::code)),
    ] {
        select.and_where_option(id.map(|id| Expr::col(column).eq(id)));
    }
    select.and_where_option(from.map(|from| Expr::col(Col::CreatedAt).gte(from.as_micros())));
    select.and_where_option(to.map(|to| Expr::col(Col::CreatedAt).lt(to.as_micros())));
    let column = match sort {
        CommissionSort::CreatedAt => Col::CreatedAt,
        CommissionSort::Amount => Col::CommissionMinor,
    };
    keyset.apply(&mut select, column, Col::Id);
    tx.fetch_all(&select).await?.iter().map(kept).collect()
}

/// What a list of entries is narrowed by.
#[derive(Clone, Debug, Default)]
pub(crate) struct EntryFilter {
    pub(crate) affiliate: Option<AffiliateId>,
    /// As [`Account::kind`].
    pub(crate) account: Option<&'static str>,
    pub(crate) commission: Option<CommissionId>,
    pub(crate) payout: Option<PayoutId>,
    pub(crate) currency: Option<Currency>,
    /// At this time or later.
    pub(crate) from: Option<Timestamp>,
    /// Before this time.
    pub(crate) to: Option<Timestamp>,
}

/// An entry of the journal, and what its transaction did.
#[derive(Clone, Debug)]
pub(crate) struct Booked {
    pub(crate) seq: i64,
    pub(crate) transaction: String,
    /// The verb.
    pub(crate) kind: String,
    pub(crate) account: Account,
    /// A debit is positive.
    pub(crate) amount: Money,
    pub(crate) at: Timestamp,
    pub(crate) commission: Option<String>,
    pub(crate) payout: Option<String>,
}

/// In the order in which they were booked.
pub(crate) async fn entries(tx: &Tx, filter: EntryFilter, keyset: Keyset) -> Result<Vec<Booked>, DbError> {
    let EntryFilter { affiliate, account, commission, payout, currency, from, to } = filter;
    let mut select = Query::select()
        .columns([
            Entry::Seq,
            Entry::TransactionId,
            Entry::AffiliateId,
            Entry::Account,
            Entry::Currency,
            Entry::Minor,
            Entry::At,
            Entry::CommissionId,
            Entry::PayoutId,
        ])
        .from(Entry::Table)
        .and_where(Expr::col(Entry::Tenant).eq(TENANT))
        .to_owned();
    for (column, id) in [
        (Entry::AffiliateId, affiliate.as_ref().map(AffiliateId::as_str)),
        (Entry::Account, account),
        (Entry::CommissionId, commission.as_ref().map(CommissionId::as_str)),
        (Entry::PayoutId, payout.as_ref().map(PayoutId::as_str)),
        (Entry::Currency, currency.map(Currency::code)),
    ] {
        select.and_where_option(id.map(|id| Expr::col(column).eq(id)));
    }
    select.and_where_option(from.map(|from| Expr::col(Entry::At).gte(from.as_micros())));
    select.and_where_option(to.map(|to| Expr::col(Entry::At).lt(to.as_micros())));
    keyset.apply(&mut select, Entry::Seq, Entry::Seq);
    let rows = tx.fetch_all(&select).await?;
    let mut booked = rows.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
    tell_kinds(tx, &mut booked).await?;
    Ok(booked)
}

fn entry(row: &Row) -> Result<Booked, DbError> {
    let ledger = snapshots::ledger(row)?;
    Ok(Booked {
        seq: row.get("seq")?,
        transaction: row.get("transaction_id")?,
        kind: String::new(),
        account: ledger.account,
        amount: Money::from_minor(row.get("minor")?, ledger.currency),
        at: row.get("at")?,
        commission: row.get("commission_id")?,
        payout: row.get("payout_id")?,
    })
}

/// Says of each entry what its transaction did.
async fn tell_kinds(tx: &Tx, booked: &mut [Booked]) -> Result<(), DbError> {
    if booked.is_empty() {
        return Ok(());
    }
    let ids: Vec<&str> = booked.iter().map(|one| one.transaction.as_str()).collect();
    let select = Query::select()
        .columns([Transaction::Id, Transaction::Kind])
        .from(Transaction::Table)
        .and_where(Expr::col(Transaction::Id).is_in(ids))
        .to_owned();
    let rows = tx.fetch_all(&select).await?;
    let kinds = rows.iter().map(|row| Ok((row.get("id")?, row.get("kind")?)));
    let kinds = kinds.collect::<Result<std::collections::HashMap<String, String>, DbError>>()?;
    for one in booked {
        one.kind = kinds.get(&one.transaction).cloned().unwrap_or_default();
    }
    Ok(())
}
