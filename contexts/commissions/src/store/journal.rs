//! The tables `journal_transaction` and `journal_entry`: what was booked, never changed and never deleted.
//!
//! A balance is the sum of an account's entries: of all, or of those until a moment. Not here: the snapshots that
//! spare most of the sum (`snapshots`).

use hexalpes_db::{Backend, DbError, Tx, columns};
use hexalpes_kernel::{Currency, Uuid};
use sea_query::{Expr, ExprTrait as _, Iden, Index, Query, Table};

use super::TENANT;
use crate::domain::{Account, AffiliateId, Fact, PayoutId};

#[derive(Iden, Clone, Copy)]
pub(super) enum Transaction {
    #[iden = "journal_transaction"]
    Table,
    /// The id of the event that tells of it.
    Id,
    Tenant,
    /// The verb.
    Kind,
    CommissionId,
    PayoutId,
    At,
}

#[derive(Iden, Clone, Copy)]
pub(super) enum Entry {
    #[iden = "journal_entry"]
    Table,
    /// In the order in which they were booked.
    Seq,
    Tenant,
    TransactionId,
    /// Empty for the program's own accounts.
    AffiliateId,
    /// As [`Account::kind`].
    Account,
    Currency,
    /// A debit is positive.
    Minor,
    At,
    CommissionId,
    PayoutId,
}

pub(super) fn create(backend: Backend) -> Vec<String> {
    let id = |name| columns::id(backend, name);
    let entry_id = |name| columns::id(backend, name);
    vec![
        backend.schema(
            Table::create()
                .table(Transaction::Table)
                .col(id(Transaction::Id).not_null().primary_key())
                .col(id(Transaction::Tenant).not_null())
                .col(id(Transaction::Kind).not_null())
                .col(id(Transaction::CommissionId))
                .col(id(Transaction::PayoutId))
                .col(columns::timestamp(Transaction::At).not_null()),
        ),
        backend.schema(
            Table::create()
                .table(Entry::Table)
                .col(columns::sequence(Entry::Seq))
                .col(entry_id(Entry::Tenant).not_null())
                .col(entry_id(Entry::TransactionId).not_null())
                .col(entry_id(Entry::AffiliateId).not_null())
                .col(entry_id(Entry::Account).not_null())
                .col(entry_id(Entry::Currency).not_null())
                .col(columns::integer(Entry::Minor).not_null())
                .col(columns::timestamp(Entry::At).not_null())
                .col(entry_id(Entry::CommissionId))
                .col(entry_id(Entry::PayoutId)),
        ),
        backend.schema(
            Index::create()
                .name("journal_entry_account")
                .table(Entry::Table)
                .col(Entry::Tenant)
                .col(Entry::AffiliateId)
                .col(Entry::Account)
                .col(Entry::Currency)
                .col(Entry::Seq),
        ),
        backend.schema(
            Index::create()
                .name("journal_entry_commission")
                .table(Entry::Table)
                .col(Entry::Tenant)
                .col(Entry::CommissionId),
        ),
    ]
}

/// Books the commissions that are older than the journal: what accrued, and what was approved. None of them can be in
/// another state.
pub(super) fn openings() -> Vec<String> {
    let entries = |account: &str, partner: &str, minor: &str, at: &str, which: &str| {
        format!(
            "INSERT INTO journal_entry \
             (tenant, transaction_id, affiliate_id, account, currency, minor, at, commission_id) \
             SELECT tenant, id, {partner}, {account}, currency, {minor}, {at}, id FROM commission \
             WHERE commission_minor <> 0 AND {which} ORDER BY created_at, id"
        )
    };
    let open = "status IN ('CALCULATED', 'HELD', 'APPROVED')";
    let accrued = "CASE WHEN status = 'HELD' THEN 'held' ELSE 'pending' END";
    let approved = "status = 'APPROVED'";
    vec![
        format!(
            "INSERT INTO journal_transaction (id, tenant, kind, commission_id, at) \
             SELECT id, tenant, 'open', id, created_at FROM commission WHERE {open}"
        ),
        entries("'expense'", "''", "commission_minor", "created_at", open),
        entries(accrued, "affiliate_id", "-commission_minor", "created_at", open),
        entries("'pending'", "affiliate_id", "commission_minor", "approved_at", approved),
        entries("'payable'", "affiliate_id", "-commission_minor", "approved_at", approved),
    ]
}

/// Books what happened. One transaction for each fact, named as its event is.
pub(crate) async fn post(tx: &Tx, facts: &[(Uuid, Fact)]) -> Result<(), DbError> {
    if facts.is_empty() {
        return Ok(());
    }
    let mut transactions = Query::insert()
        .into_table(Transaction::Table)
        .columns([
            Transaction::Id,
            Transaction::Tenant,
            Transaction::Kind,
            Transaction::CommissionId,
            Transaction::PayoutId,
            Transaction::At,
        ])
        .to_owned();
    let mut entries = Query::insert()
        .into_table(Entry::Table)
        .columns([
            Entry::Tenant,
            Entry::TransactionId,
            Entry::AffiliateId,
            Entry::Account,
            Entry::Currency,
            Entry::Minor,
            Entry::At,
            Entry::CommissionId,
            Entry::PayoutId,
        ])
        .to_owned();
    let mut has_entries = false;
    for (id, fact) in facts {
        let id = id.to_string();
        let (commission, at) = (fact.commission().as_str(), fact.at().as_micros());
        let payout = fact.payout().map(PayoutId::as_str);
        transactions.values_panic([
            id.as_str().into(),
            TENANT.into(),
            fact.verb().into(),
            commission.into(),
            payout.into(),
            at.into(),
        ]);
        for entry in fact.posting().entries() {
            has_entries = true;
            entries.values_panic([
                TENANT.into(),
                id.as_str().into(),
                partner(&entry.account).into(),
                entry.account.kind().into(),
                entry.amount.currency().code().into(),
                entry.amount.minor().into(),
                at.into(),
                commission.into(),
                payout.into(),
            ]);
        }
    }
    tx.execute(&transactions).await?;
    if has_entries {
        tx.execute(&entries).await?;
    }
    Ok(())
}

/// Whose entries: an account in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ledger {
    pub(crate) account: Account,
    pub(crate) currency: Currency,
}

pub(super) fn partner(account: &Account) -> &str {
    account.partner().map_or("", AffiliateId::as_str)
}

impl Ledger {
    pub(super) fn entries(&self) -> Expr {
        Expr::col(Entry::Tenant)
            .eq(TENANT)
            .and(Expr::col(Entry::AffiliateId).eq(partner(&self.account)))
            .and(Expr::col(Entry::Account).eq(self.account.kind()))
            .and(Expr::col(Entry::Currency).eq(self.currency.code()))
    }
}
