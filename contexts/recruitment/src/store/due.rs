//! What is still to be matched, in the order in which it became due, each with who brought it about.

use hexalpes_db::{DbError, Row, Tx};
use hexalpes_kernel::{Actor, CausationId, Cause, CorrelationId, Timestamp};
use sea_query::{Expr, ExprTrait as _, Order, Query};

use super::{Cells, TENANT, insert, select};
use crate::domain::{CandidateId, JobId};

/// Rows that one statement inserts: MySQL and PostgreSQL limit how long it may be.
const INSERTED_AT_ONCE: usize = 500;

/// Who brought it about, without the time: that is when it is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    correlation: CorrelationId,
    causation: CausationId,
    actor: Actor,
}

impl Origin {
    pub(crate) fn cause(&self, at: Timestamp) -> Cause {
        let Self { correlation, causation, actor } = self.clone();
        Cause { correlation, causation, actor, at }
    }
}

impl From<&Cause> for Origin {
    fn from(cause: &Cause) -> Self {
        let Cause { correlation, causation, actor, .. } = cause.clone();
        Self { correlation, causation, actor }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// Somebody is new, another, or gone: some jobs may have to be matched.
    Candidate(CandidateId),
    /// A job is to be matched, because of somebody or because it is new itself.
    Job { job: JobId, because_of: Option<CandidateId> },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) seq: i64,
    pub(crate) subject: Subject,
    pub(crate) origin: Origin,
}

pub(crate) async fn note_due(tx: &Tx, subject: &Subject, cause: &Cause) -> Result<(), DbError> {
    tx.execute(&insert("matching_due", cells(subject, &Origin::from(cause)))).await.map(drop)
}

pub(crate) async fn note_all_due(tx: &Tx, all: &[(Subject, Origin)]) -> Result<(), DbError> {
    for some in all.chunks(INSERTED_AT_ONCE) {
        let mut rows = Query::insert();
        rows.into_table("matching_due").columns([
            "tenant",
            "job_id",
            "candidate_id",
            "correlation",
            "causation",
            "actor",
        ]);
        for (subject, origin) in some {
            let values = cells(subject, origin).into_iter().map(|(_, value)| value);
            rows.values_panic(std::iter::once(TENANT.into()).chain(values).map(Expr::from));
        }
        tx.execute(&rows).await?;
    }
    Ok(())
}

/// The oldest.
pub(crate) async fn first_due(tx: &Tx, limit: u64) -> Result<Vec<Due>, DbError> {
    let mut select = select("matching_due");
    select.order_by("seq", Order::Asc).limit(limit);
    tx.fetch_all(&select).await?.iter().map(due).collect()
}

/// They are done; tells how many of them nobody else had done.
pub(crate) async fn forget_due(tx: &Tx, seqs: &[i64]) -> Result<u64, DbError> {
    let mut forgotten = 0;
    for some in seqs.chunks(INSERTED_AT_ONCE) {
        let delete = Query::delete()
            .from_table("matching_due")
            .and_where(Expr::col("seq").is_in(some.iter().copied()))
            .to_owned();
        forgotten += tx.execute(&delete).await?;
    }
    Ok(forgotten)
}

fn cells(subject: &Subject, origin: &Origin) -> Cells {
    let (job, candidate) = match subject {
        Subject::Candidate(candidate) => (None, Some(candidate)),
        Subject::Job { job, because_of } => (Some(job), because_of.as_ref()),
    };
    vec![
        ("job_id", job.map(JobId::as_str).into()),
        ("candidate_id", candidate.map(CandidateId::as_str).into()),
        ("correlation", origin.correlation.as_str().into()),
        ("causation", origin.causation.as_str().into()),
        ("actor", origin.actor.as_str().into()),
    ]
}

fn due(row: &Row) -> Result<Due, DbError> {
    let job = row.parsed_if_any("job_id", |id| JobId::parse(id).ok())?;
    let candidate = row.parsed_if_any("candidate_id", |id| CandidateId::parse(id).ok())?;
    let subject = match (job, candidate) {
        (Some(job), because_of) => Subject::Job { job, because_of },
        (None, Some(candidate)) => Subject::Candidate(candidate),
        (None, None) => return Err(DbError::column("job_id", "it is due of nothing")),
    };
    Ok(Due {
        seq: row.get("seq")?,
        subject,
        origin: Origin {
            correlation: row.parsed("correlation", |id| CorrelationId::parse(id).ok())?,
            causation: row.parsed("causation", |id| CausationId::parse(id).ok())?,
            actor: row.parsed("actor", |actor| Actor::parse(actor).ok())?,
        },
    })
}
