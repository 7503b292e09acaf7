//! Records what was spent on a job.

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Amount, Cause, Currency, Money, MoneyError};

use crate::domain::{CostId, CostKind, JobError, JobId};
use crate::store::{self, Cost};

#[derive(Clone, Debug)]
pub struct RecordCost {
    pub id: CostId,
    pub job: JobId,
    pub kind: CostKind,
    pub amount: Amount,
    /// The job's where nobody says.
    pub currency: Option<Currency>,
    pub note: Option<String>,
    /// What the spender calls it: the same one twice is the same cost.
    pub reference: Option<String>,
}

/// A cost, recorded now or found.
#[derive(Clone, Debug)]
pub struct CostRecorded {
    pub(crate) cost: Cost,
    pub duplicate: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CostNotRecorded {
    #[error("there is no job {0}")]
    NotFound(JobId),
    #[error(transparent)]
    Refused(#[from] JobError),
    #[error("costs of this job are in {0}")]
    OtherCurrency(Currency),
    #[error("the amount {0}")]
    Amount(MoneyError),
    #[error("cost {existing} of the job has this reference, and says something else")]
    Duplicate { existing: CostId },
    #[error(transparent)]
    Database(#[from] DbError),
}

/// A job that is over takes no more costs: they could not become part of any hire's.
pub async fn record_cost(
    tx: &Tx,
    command: RecordCost,
    cause: &Cause,
) -> Result<CostRecorded, CostNotRecorded> {
    let RecordCost { id, job, kind, amount, currency, note, reference } = command;
    let job = store::load_job(tx, &job).await?.ok_or(CostNotRecorded::NotFound(job))?;
    let currency = currency.unwrap_or(job.currency());
    if currency != job.currency() {
        return Err(CostNotRecorded::OtherCurrency(job.currency()));
    }
    let amount = Money::from_amount(amount, currency).map_err(CostNotRecorded::Amount)?;
    if let Some(reference) = &reference
        && let Some(known) = store::load_cost_by_reference(tx, job.id(), reference).await?
    {
        if known.kind == kind && known.amount == amount {
            return Ok(CostRecorded { cost: known, duplicate: true });
        }
        return Err(CostNotRecorded::Duplicate { existing: known.id });
    }
    job.may_go_on()?;
    // What cannot be summed could never become part of a hire's cost: the job could not even be closed.
    let spent = store::spent(tx, job.id(), currency).await?;
    spent.total.checked_add(amount).map_err(CostNotRecorded::Amount)?;
    let job = job.id().clone();
    let cost = Cost { id, job, kind, amount, note, reference, recorded_at: cause.at };
    if !store::insert_cost(tx, &cost).await? {
        return Err(DbError::Conflict("it was recorded a moment ago".to_owned()).into());
    }
    Ok(CostRecorded { cost, duplicate: false })
}
