//! Hires as rows.

use hexalpes_db::{DbError, Keyset, Row, Tx};
use hexalpes_kernel::{Currency, Money, Timestamp};
use sea_query::{Expr, ExprTrait as _, Order};

use super::json::{EmploymentJson, StageJson, read, written};
use super::{by_id, insert, narrow, select};
use crate::domain::{
    ApplicationId, CandidateId, Effort, Hire, HiringId, JobId, JobType, OfferId, PartnerId, RequestId,
};

/// Inserts a hire unless its application has one; tells whether it did.
pub(crate) async fn insert_hire(tx: &Tx, hire: &Hire) -> Result<bool, DbError> {
    let stages: Vec<StageJson> = hire.stages.iter().map(StageJson::of).collect();
    let cells = vec![
        ("id", hire.id.as_str().into()),
        ("application_id", hire.application.as_str().into()),
        ("job_id", hire.job.as_str().into()),
        ("partner_id", hire.partner.as_str().into()),
        ("candidate_id", hire.candidate.as_str().into()),
        ("request_id", hire.request.as_ref().map(RequestId::as_str).into()),
        ("offer_id", hire.offer.as_ref().map(OfferId::as_str).into()),
        ("job_type", hire.job_type.name().into()),
        ("employment", written(&EmploymentJson::of(&hire.employment)).into()),
        ("stages", written(&stages).into()),
        ("applications", i64::from(hire.effort.applications).into()),
        ("interviews", i64::from(hire.effort.interviews).into()),
        ("offers", i64::from(hire.effort.offers).into()),
        ("cost_minor", hire.cost.minor().into()),
        ("cost_currency", hire.cost.currency().code().into()),
        ("time_to_hire", hire.time_to_hire.into()),
        ("candidate_time_to_hire", hire.candidate_time_to_hire.into()),
        ("hired_at", hire.hired_at.as_micros().into()),
    ];
    tx.insert_new(&insert("hire", cells), "id").await
}

pub(crate) async fn load_hire(tx: &Tx, id: &HiringId) -> Result<Option<Hire>, DbError> {
    tx.fetch_optional(&by_id("hire", id.as_str())).await?.map(|row| hire(&row)).transpose()
}

pub(crate) async fn hire_of_application(tx: &Tx, id: &ApplicationId) -> Result<Option<Hire>, DbError> {
    let mut select = select("hire");
    select.and_where(Expr::col("application_id").eq(id.as_str()));
    tx.fetch_optional(&select).await?.map(|row| hire(&row)).transpose()
}

/// Those for a job, in their order.
pub(crate) async fn hires_of_job(tx: &Tx, job: &JobId) -> Result<Vec<Hire>, DbError> {
    let mut select = select("hire");
    select
        .and_where(Expr::col("job_id").eq(job.as_str()))
        .order_by("hired_at", Order::Asc)
        .order_by("id", Order::Asc);
    tx.fetch_all(&select).await?.iter().map(hire).collect()
}

/// Whether a candidate was hired for anything.
pub(crate) async fn is_hired(tx: &Tx, candidate: &CandidateId) -> Result<bool, DbError> {
    let mut select = select("hire");
    select.and_where(Expr::col("candidate_id").eq(candidate.as_str())).limit(1);
    Ok(tx.fetch_optional(&select).await?.is_some())
}

/// What a list of hires is narrowed by.
#[derive(Clone, Debug, Default)]
pub(crate) struct HireFilter {
    pub(crate) job: Option<JobId>,
    pub(crate) partner: Option<PartnerId>,
    pub(crate) candidate: Option<CandidateId>,
    pub(crate) request: Option<RequestId>,
    /// When somebody was hired: from, and before.
    pub(crate) from: Option<Timestamp>,
    pub(crate) until: Option<Timestamp>,
}

/// By when somebody was hired.
pub(crate) async fn page_of_hires(tx: &Tx, filter: HireFilter, page: Keyset) -> Result<Vec<Hire>, DbError> {
    let HireFilter { job, partner, candidate, request, from, until } = filter;
    let filters = [
        ("job_id", job.map(|id| id.to_string())),
        ("partner_id", partner.map(|id| id.to_string())),
        ("candidate_id", candidate.map(|id| id.to_string())),
        ("request_id", request.map(|id| id.to_string())),
    ];
    let mut select = select("hire");
    narrow(&mut select, filters);
    select.and_where_option(from.map(|from| Expr::col("hired_at").gte(from.as_micros())));
    select.and_where_option(until.map(|until| Expr::col("hired_at").lt(until.as_micros())));
    page.apply(&mut select, "hired_at", "id");
    tx.fetch_all(&select).await?.iter().map(hire).collect()
}

fn hire(row: &Row) -> Result<Hire, DbError> {
    let employment: EmploymentJson = read("employment", &row.get::<String>("employment")?)?;
    let employment = employment.employment();
    let stages: Vec<StageJson> = read("stages", &row.get::<String>("stages")?)?;
    let stages: Option<Vec<_>> = stages.iter().map(StageJson::stage).collect();
    let currency = row.parsed("cost_currency", |code| Currency::parse(code).ok())?;
    Ok(Hire {
        id: row.parsed("id", |id| HiringId::parse(id).ok())?,
        application: row.parsed("application_id", |id| ApplicationId::parse(id).ok())?,
        job: row.parsed("job_id", |id| JobId::parse(id).ok())?,
        partner: row.parsed("partner_id", |id| PartnerId::parse(id).ok())?,
        candidate: row.parsed("candidate_id", |id| CandidateId::parse(id).ok())?,
        request: row.parsed_if_any("request_id", |id| RequestId::parse(id).ok())?,
        offer: row.parsed_if_any("offer_id", |id| OfferId::parse(id).ok())?,
        employment: employment.ok_or_else(|| DbError::column("employment", "it is no employment"))?,
        job_type: row.parsed("job_type", JobType::parse)?,
        stages: stages.ok_or_else(|| DbError::column("stages", "they are no stages"))?,
        effort: Effort {
            applications: row.get("applications")?,
            interviews: row.get("interviews")?,
            offers: row.get("offers")?,
        },
        cost: Money::from_minor(row.get("cost_minor")?, currency),
        time_to_hire: row.get("time_to_hire")?,
        candidate_time_to_hire: row.get("candidate_time_to_hire")?,
        hired_at: row.get("hired_at")?,
    })
}
