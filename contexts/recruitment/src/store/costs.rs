//! What was spent on jobs, and how much of it is part of a hire's cost.

use hexalpes_db::{DbError, Keyset, Row, Tx, columns};
use hexalpes_kernel::{Currency, Money, Timestamp};
use sea_query::{Expr, ExprTrait as _, Query};

use super::{TENANT, insert, select};
use crate::domain::{CostId, CostKind, JobId};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) id: CostId,
    pub(crate) job: JobId,
    pub(crate) kind: CostKind,
    pub(crate) amount: Money,
    pub(crate) note: Option<String>,
    pub(crate) reference: Option<String>,
    pub(crate) recorded_at: Timestamp,
}

/// Inserts a cost unless the job has one of its reference; tells whether it did.
pub(crate) async fn insert_cost(tx: &Tx, cost: &Cost) -> Result<bool, DbError> {
    let cells = vec![
        ("id", cost.id.as_str().into()),
        ("job_id", cost.job.as_str().into()),
        ("kind", cost.kind.name().into()),
        ("amount_minor", cost.amount.minor().into()),
        ("currency", cost.amount.currency().code().into()),
        ("note", cost.note.as_deref().into()),
        ("reference", cost.reference.as_deref().into()),
        ("recorded_at", cost.recorded_at.as_micros().into()),
    ];
    tx.insert_new(&insert("job_cost", cells), "id").await
}

pub(crate) async fn load_cost_by_reference(
    tx: &Tx,
    job: &JobId,
    reference: &str,
) -> Result<Option<Cost>, DbError> {
    let mut select = select("job_cost");
    select.and_where(Expr::col("job_id").eq(job.as_str())).and_where(Expr::col("reference").eq(reference));
    tx.fetch_optional(&select).await?.map(|row| cost(&row)).transpose()
}

/// What was spent on a job until now, and what of it is part of a hire's cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spent {
    pub(crate) total: Money,
    pub(crate) attributed: Money,
}

pub(crate) async fn spent(tx: &Tx, job: &JobId, currency: Currency) -> Result<Spent, DbError> {
    let sum = async |table: &'static str, column: &'static str| {
        let select = Query::select()
            .expr_as(columns::sum(tx.backend(), column), "minor")
            .from(table)
            .and_where(Expr::col("tenant").eq(TENANT))
            .and_where(Expr::col("job_id").eq(job.as_str()))
            .to_owned();
        let minor = tx.fetch_one(&select).await?.get("minor")?;
        Ok::<_, DbError>(Money::from_minor(minor, currency))
    };
    Ok(Spent { total: sum("job_cost", "amount_minor").await?, attributed: sum("hire", "cost_minor").await? })
}

/// Those of a job, by when they were recorded.
pub(crate) async fn page_of_costs(tx: &Tx, job: &JobId, page: Keyset) -> Result<Vec<Cost>, DbError> {
    let mut select = select("job_cost");
    select.and_where(Expr::col("job_id").eq(job.as_str()));
    page.apply(&mut select, "recorded_at", "id");
    tx.fetch_all(&select).await?.iter().map(cost).collect()
}

fn cost(row: &Row) -> Result<Cost, DbError> {
    let currency = row.parsed("currency", |code| Currency::parse(code).ok())?;
    Ok(Cost {
        id: row.parsed("id", |id| CostId::parse(id).ok())?,
        job: row.parsed("job_id", |id| JobId::parse(id).ok())?,
        kind: row.parsed("kind", CostKind::parse)?,
        amount: Money::from_minor(row.get("amount_minor")?, currency),
        note: row.get("note")?,
        reference: row.get("reference")?,
        recorded_at: row.get("recorded_at")?,
    })
}
