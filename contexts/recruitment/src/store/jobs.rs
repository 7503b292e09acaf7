//! Jobs as rows.

use hexalpes_db::{DbError, Keyset, Row, Tx};
use hexalpes_kernel::Currency;
use sea_query::{Expr, ExprTrait as _, Order};

use super::json::{TermsJson, read, written};
use super::{Cells, by_id, hit, insert, narrow, select, update};
use crate::domain::{
    Ending, ExperienceLevel, Job, JobId, JobStatus, JobType, PartnerId, RequestId, StoredJob, Urgency,
};

/// Inserts a job unless one is there for its request; tells whether it did.
pub(crate) async fn insert_job(tx: &Tx, job: &Job) -> Result<bool, DbError> {
    let mut cells: Cells = vec![
        ("id", job.id().as_str().into()),
        ("partner_id", job.partner().as_str().into()),
        ("request_id", job.request().map(RequestId::as_str).into()),
        ("currency", job.currency().code().into()),
        ("requested_at", job.requested_at().as_micros().into()),
        ("opened_at", job.opened_at().as_micros().into()),
    ];
    cells.extend(changing(job));
    tx.insert_new(&insert("job", cells), "id").await
}

/// Writes what can change, unless another wrote meanwhile.
pub(crate) async fn save_job(tx: &Tx, job: &Job, revision_before: u32) -> Result<(), DbError> {
    let mut update = update("job", job.id().as_str(), changing(job));
    update.and_where(Expr::col("revision").eq(i64::from(revision_before)));
    hit(tx, &update).await
}

pub(crate) async fn load_job(tx: &Tx, id: &JobId) -> Result<Option<Job>, DbError> {
    tx.fetch_optional(&by_id("job", id.as_str())).await?.map(|row| job(&row)).transpose()
}

pub(crate) async fn load_by_request(tx: &Tx, id: &RequestId) -> Result<Option<Job>, DbError> {
    let mut select = select("job");
    select.and_where(Expr::col("request_id").eq(id.as_str()));
    tx.fetch_optional(&select).await?.map(|row| job(&row)).transpose()
}

/// Jobs that are matched, in the order of their ids, so many after one.
pub(crate) async fn jobs_in_search(tx: &Tx, after: Option<&JobId>, limit: u64) -> Result<Vec<Job>, DbError> {
    let mut select = select("job");
    select
        .and_where(Expr::col("status").eq(JobStatus::Matching.name()))
        .and_where_option(after.map(|id| Expr::col("id").gt(id.as_str())))
        .order_by("id", Order::Asc)
        .limit(limit);
    tx.fetch_all(&select).await?.iter().map(job).collect()
}

/// What a list of jobs is narrowed by.
#[derive(Clone, Debug, Default)]
pub(crate) struct JobFilter {
    pub(crate) partner: Option<PartnerId>,
    pub(crate) request: Option<RequestId>,
    pub(crate) status: Option<JobStatus>,
    pub(crate) level: Option<ExperienceLevel>,
    pub(crate) job_type: Option<JobType>,
    pub(crate) urgency: Option<Urgency>,
}

/// By when they were opened.
pub(crate) async fn page_of_jobs(tx: &Tx, filter: JobFilter, page: Keyset) -> Result<Vec<Job>, DbError> {
    let JobFilter { partner, request, status, level, job_type, urgency } = filter;
    let filters = [
        ("partner_id", partner.map(|id| id.to_string())),
        ("request_id", request.map(|id| id.to_string())),
        ("status", status.map(|status| status.name().to_owned())),
        ("experience_level", level.map(|level| level.name().to_owned())),
        ("job_type", job_type.map(|kind| kind.name().to_owned())),
        ("urgency", urgency.map(|urgency| urgency.name().to_owned())),
    ];
    let mut select = select("job");
    narrow(&mut select, filters);
    page.apply(&mut select, "opened_at", "id");
    tx.fetch_all(&select).await?.iter().map(job).collect()
}

fn changing(job: &Job) -> Cells {
    let terms = job.terms();
    vec![
        ("revision", i64::from(job.revision()).into()),
        ("version", i64::from(job.version()).into()),
        ("status", job.status().name().into()),
        ("hired", i64::from(job.hired()).into()),
        ("experience_level", terms.experience_level.name().into()),
        ("job_type", terms.job_type.name().into()),
        ("urgency", terms.urgency.name().into()),
        ("terms", written(&TermsJson::of(terms)).into()),
        ("changed_at", job.changed_at().as_micros().into()),
        ("ended_at", job.ending().map(|ending| ending.at.as_micros()).into()),
        ("end_reason", job.ending().and_then(|ending| ending.reason.clone()).into()),
    ]
}

fn job(row: &Row) -> Result<Job, DbError> {
    let level = row.parsed("experience_level", ExperienceLevel::parse)?;
    let job_type = row.parsed("job_type", JobType::parse)?;
    let urgency = row.parsed("urgency", Urgency::parse)?;
    let terms: TermsJson = read("terms", &row.get::<String>("terms")?)?;
    let terms = terms.terms(level, job_type, urgency);
    let ended_at = row.get::<Option<_>>("ended_at")?;
    let reason: Option<String> = row.get("end_reason")?;
    Ok(Job::restore(StoredJob {
        id: row.parsed("id", |id| JobId::parse(id).ok())?,
        partner: row.parsed("partner_id", |id| PartnerId::parse(id).ok())?,
        request: row.parsed_if_any("request_id", |id| RequestId::parse(id).ok())?,
        revision: row.get("revision")?,
        version: row.get("version")?,
        terms: terms.ok_or_else(|| DbError::column("terms", "they are no terms of a job"))?,
        status: row.parsed("status", JobStatus::parse)?,
        hired: row.get("hired")?,
        currency: row.parsed("currency", |code| Currency::parse(code).ok())?,
        requested_at: row.get("requested_at")?,
        opened_at: row.get("opened_at")?,
        changed_at: row.get("changed_at")?,
        ending: ended_at.map(|at| Ending { at, reason }),
    }))
}
