//! The table `commission_history`: who did what with a commission, when, why, and because of what.

use hexalpes_db::{Backend, DbError, Tx, columns};
use hexalpes_kernel::{Cause, Timestamp, Uuid};
use sea_query::{Expr, ExprTrait as _, Iden, Index, Order, Query, Table};

use super::TENANT;
use crate::domain::{CommissionId, Fact};

#[derive(Iden, Clone, Copy)]
enum History {
    #[iden = "commission_history"]
    Table,
    Seq,
    Tenant,
    CommissionId,
    /// The event that tells of it, and the transaction that books it.
    EventId,
    Verb,
    /// The state after it.
    Status,
    At,
    Actor,
    Reason,
    Causation,
    Correlation,
}

pub(super) fn create(backend: Backend) -> Vec<String> {
    let id = |name| columns::id(backend, name);
    vec![
        backend.schema(
            Table::create()
                .table(History::Table)
                .col(columns::sequence(History::Seq))
                .col(id(History::Tenant).not_null())
                .col(id(History::CommissionId).not_null())
                .col(id(History::EventId).not_null())
                .col(id(History::Verb).not_null())
                .col(id(History::Status).not_null())
                .col(columns::timestamp(History::At).not_null())
                .col(id(History::Actor).not_null())
                .col(columns::text(backend, History::Reason))
                .col(id(History::Causation).not_null())
                .col(id(History::Correlation).not_null()),
        ),
        backend.schema(
            Index::create()
                .name("commission_history_commission")
                .table(History::Table)
                .col(History::Tenant)
                .col(History::CommissionId)
                .col(History::Seq),
        ),
    ]
}

/// Something that was done with a commission.
#[derive(Clone, Debug)]
pub(crate) struct Done {
    pub(crate) verb: String,
    pub(crate) status: String,
    pub(crate) at: Timestamp,
    pub(crate) actor: String,
    pub(crate) reason: Option<String>,
    pub(crate) causation: String,
    pub(crate) correlation: String,
}

pub(crate) async fn append(tx: &Tx, facts: &[(Uuid, Fact)], cause: &Cause) -> Result<(), DbError> {
    if facts.is_empty() {
        return Ok(());
    }
    let mut insert = Query::insert()
        .into_table(History::Table)
        .columns([
            History::Tenant,
            History::CommissionId,
            History::EventId,
            History::Verb,
            History::Status,
            History::At,
            History::Actor,
            History::Reason,
            History::Causation,
            History::Correlation,
        ])
        .to_owned();
    for (id, fact) in facts {
        insert.values_panic([
            TENANT.into(),
            fact.commission().as_str().into(),
            id.to_string().into(),
            fact.verb().into(),
            fact.status().into(),
            fact.at().as_micros().into(),
            cause.actor.as_str().into(),
            fact.change().and_then(|change| change.reason.as_deref()).into(),
            cause.causation.as_str().into(),
            cause.correlation.as_str().into(),
        ]);
    }
    tx.execute(&insert).await.map(|_| ())
}

/// All that was done with a commission, oldest first.
pub(crate) async fn of(tx: &Tx, commission: &CommissionId) -> Result<Vec<Done>, DbError> {
    let select = Query::select()
        .columns([
            History::Verb,
            History::Status,
            History::At,
            History::Actor,
            History::Reason,
            History::Causation,
            History::Correlation,
        ])
        .from(History::Table)
        .and_where(Expr::col(History::Tenant).eq(TENANT))
        .and_where(Expr::col(History::CommissionId).eq(commission.as_str()))
        .order_by(History::Seq, Order::Asc)
        .to_owned();
    let rows = tx.fetch_all(&select).await?;
    let done = |row: &hexalpes_db::Row| {
        Ok(Done {
            verb: row.get("verb")?,
            status: row.get("status")?,
            at: row.get("at")?,
            actor: row.get("actor")?,
            reason: row.get("reason")?,
            causation: row.get("causation")?,
            correlation: row.get("correlation")?,
        })
    };
    rows.iter().map(done).collect()
}
