//! The audit trail as rows, which are inserted and never written again.

use hexalpes_db::{DbError, Row, Tx};
use sea_query::{Asterisk, Expr, ExprTrait as _, Order, Query};

use super::{TENANT, tables::Audit};
use crate::domain::ContractId;
use crate::domain::audit::Entry;

pub(crate) async fn append_entry(tx: &Tx, entry: &Entry) -> Result<(), DbError> {
    let insert = Query::insert()
        .into_table(Audit::Table)
        .columns([
            Audit::Tenant,
            Audit::ContractId,
            Audit::Number,
            Audit::At,
            Audit::Actor,
            Audit::Action,
            Audit::Details,
            Audit::PreviousHash,
            Audit::Hash,
        ])
        .values_panic([
            TENANT.into(),
            entry.contract.as_str().into(),
            i64::from(entry.number).into(),
            entry.at.as_micros().into(),
            entry.actor.as_str().into(),
            entry.action.as_str().into(),
            entry.details.as_str().into(),
            entry.previous.as_str().into(),
            entry.hash.as_str().into(),
        ])
        .to_owned();
    tx.execute(&insert).await.map(|_| ())
}

/// The whole trail of a contract, the oldest entry first.
pub(crate) async fn trail(tx: &Tx, id: &ContractId) -> Result<Vec<Entry>, DbError> {
    let select = Query::select()
        .column(Asterisk)
        .from(Audit::Table)
        .and_where(Expr::col(Audit::Tenant).eq(TENANT))
        .and_where(Expr::col(Audit::ContractId).eq(id.as_str()))
        .order_by(Audit::Number, Order::Asc)
        .to_owned();
    let read = |row: &Row| {
        Ok(Entry {
            contract: row.parsed("contract_id", |id| ContractId::parse(id).ok())?,
            number: row.get("number")?,
            at: row.get("at")?,
            actor: row.get("actor")?,
            action: row.get("action")?,
            details: row.get("details")?,
            previous: row.get("previous_hash")?,
            hash: row.get("hash")?,
        })
    };
    tx.fetch_all(&select).await?.iter().map(read).collect()
}
