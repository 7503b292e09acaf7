//! Requests for people as rows, and what is known of what followed.

use hexalpes_db::{DbError, Keyset, Row, Tx};
use hexalpes_kernel::{Currency, Timestamp};
use sea_query::{Asterisk, Expr, ExprTrait as _, Func, IntoIden, Query, SelectStatement, Value};

use super::tables::{Hires, Matches, Outcomes, Requests};
use super::{TENANT, actor, currency};
use crate::domain::{
    Asked, CandidateSource, Day, ExperienceLevel, JobId, JobType, Json, MoneyRange, Outcome, PartnerId,
    PayPeriod, Progress, RecruitmentRequest, RequestId, RequestStatus, Timeline, Urgency,
};

pub(crate) async fn insert_request(tx: &Tx, request: &RecruitmentRequest) -> Result<(), DbError> {
    let (columns, values): (Vec<_>, Vec<_>) = asked_of(request).into_iter().chain(row_of(request)).unzip();
    let insert = Query::insert()
        .into_table(Requests::Table)
        .columns(columns)
        .values_panic(values.into_iter().map(Expr::from))
        .to_owned();
    tx.execute(&insert).await.map(drop)
}

/// Writes what can change.
pub(crate) async fn save_request(tx: &Tx, request: &RecruitmentRequest) -> Result<(), DbError> {
    let update = Query::update()
        .table(Requests::Table)
        .values(row_of(request).into_iter().map(|(column, value)| (column, value.into())))
        .and_where(Expr::col(Requests::Tenant).eq(TENANT))
        .and_where(Expr::col(Requests::Id).eq(request.id.as_str()))
        .to_owned();
    match tx.execute(&update).await? {
        0 => Err(DbError::NoRow),
        _ => Ok(()),
    }
}

pub(crate) async fn load_request(tx: &Tx, id: &RequestId) -> Result<Option<RecruitmentRequest>, DbError> {
    let select = select().and_where(Expr::col(Requests::Id).eq(id.as_str())).to_owned();
    tx.fetch_optional(&select).await?.map(|row| request(&row)).transpose()
}

/// Those of a partner, by when they were made.
pub(crate) async fn page_of_requests(
    tx: &Tx,
    of: &PartnerId,
    status: Option<RequestStatus>,
    page: Keyset,
) -> Result<Vec<RecruitmentRequest>, DbError> {
    let mut select = select().and_where(Expr::col(Requests::PartnerId).eq(of.as_str())).to_owned();
    select.and_where_option(status.map(|status| Expr::col(Requests::Status).eq(status.name())));
    page.apply(&mut select, Requests::RequestedAt, Requests::Id);
    tx.fetch_all(&select).await?.iter().map(request).collect()
}

/// Those whose time is over and that nobody ended.
pub(crate) async fn requests_over(tx: &Tx, now: Timestamp, limit: u64) -> Result<Vec<RequestId>, DbError> {
    let goes_on = [RequestStatus::Open, RequestStatus::Matched].map(RequestStatus::name);
    let select = Query::select()
        .column(Requests::Id)
        .from(Requests::Table)
        .and_where(Expr::col(Requests::Tenant).eq(TENANT))
        .and_where(Expr::col(Requests::Status).is_in(goes_on))
        .and_where(Expr::col(Requests::ExpiresAt).lte(now.as_micros()))
        .limit(limit)
        .to_owned();
    let id = |row: &Row| row.parsed("id", |id| RequestId::parse(id).ok());
    tx.fetch_all(&select).await?.iter().map(id).collect()
}

/// Keeps what the recruiters said last of a job; `false` if they said so before.
pub(crate) async fn insert_outcome(
    tx: &Tx,
    job: &JobId,
    request: &RequestId,
    outcome: Outcome,
) -> Result<bool, DbError> {
    let insert = Query::insert()
        .into_table(Outcomes::Table)
        .columns([Outcomes::Tenant, Outcomes::JobId, Outcomes::RequestId, Outcomes::Outcome])
        .values_panic([TENANT.into(), job.as_str().into(), request.as_str().into(), outcome.name().into()])
        .to_owned();
    tx.insert_new(&insert, Outcomes::JobId).await
}

/// What is known of what followed a request, whether the request is known or not.
pub(crate) async fn progress_of(tx: &Tx, id: &RequestId) -> Result<Progress, DbError> {
    let outcomes = Query::select()
        .column(Outcomes::Outcome)
        .from(Outcomes::Table)
        .and_where(Expr::col(Outcomes::Tenant).eq(TENANT))
        .and_where(Expr::col(Outcomes::RequestId).eq(id.as_str()))
        .to_owned();
    let outcome = |row: &Row| row.parsed("outcome", Outcome::parse);
    let outcomes = tx.fetch_all(&outcomes).await?.iter().map(outcome).collect::<Result<Vec<_>, DbError>>()?;
    let matches = (Matches::Table, Matches::Tenant, Matches::RequestId);
    let hires = (Hires::Table, Hires::Tenant, Hires::RequestId);
    Ok(Progress {
        matches: count(tx, matches, id).await?,
        hires: count(tx, hires, id).await?,
        // One word for each job; the first of the states counts, which is that it was filled.
        outcome: outcomes.into_iter().min(),
    })
}

async fn count<T: IntoIden>(
    tx: &Tx,
    (table, tenant, request): (T, T, T),
    id: &RequestId,
) -> Result<u64, DbError> {
    let select = Query::select()
        .expr_as(Func::count(Expr::col(Asterisk)), "n")
        .from(table.into_iden())
        .and_where(Expr::col(tenant.into_iden()).eq(TENANT))
        .and_where(Expr::col(request.into_iden()).eq(id.as_str()))
        .to_owned();
    tx.fetch_one(&select).await?.get("n")
}

fn select() -> SelectStatement {
    Query::select()
        .column(Asterisk)
        .from(Requests::Table)
        .and_where(Expr::col(Requests::Tenant).eq(TENANT))
        .to_owned()
}

/// What never changes.
fn asked_of(request: &RecruitmentRequest) -> Vec<(Requests, Value)> {
    let Asked {
        job_requirements,
        openings,
        required_skills,
        experience,
        job_type,
        remote,
        locations,
        salary,
        budget,
        timeline: Timeline { start_by, fill_by, max_days },
        urgency,
        sources,
        screening,
    } = &request.asked;
    let minor = |money: Option<hexalpes_kernel::Money>| money.map(hexalpes_kernel::Money::minor);
    let pay = salary.map(|(range, _)| range);
    let sources: Vec<&str> = sources.iter().map(|source| source.name()).collect();
    vec![
        (Requests::Tenant, TENANT.into()),
        (Requests::Id, request.id.as_str().into()),
        (Requests::PartnerId, request.partner.as_str().into()),
        (Requests::JobRequirements, job_requirements.as_str().into()),
        (Requests::Openings, i64::from(*openings).into()),
        (Requests::RequiredSkills, required_skills.as_str().into()),
        (Requests::ExperienceLevel, experience.name().into()),
        (Requests::JobType, job_type.name().into()),
        (Requests::RemoteWorkAllowed, (*remote).into()),
        (Requests::LocationPreferences, serde_json::json!(locations).to_string().into()),
        (Requests::SalaryMin, minor(pay.and_then(MoneyRange::min)).into()),
        (Requests::SalaryMax, minor(pay.and_then(MoneyRange::max)).into()),
        (Requests::SalaryCurrency, pay.map(|range| range.currency().code()).into()),
        (Requests::SalaryPeriod, salary.map(|(_, period)| period.name()).into()),
        (Requests::BudgetMin, minor(budget.and_then(MoneyRange::min)).into()),
        (Requests::BudgetMax, minor(budget.and_then(MoneyRange::max)).into()),
        (Requests::BudgetCurrency, budget.map(|range| range.currency().code()).into()),
        (Requests::StartBy, start_by.as_ref().map(Day::as_str).into()),
        (Requests::FillBy, fill_by.as_ref().map(Day::as_str).into()),
        (Requests::MaxDays, max_days.map(i64::from).into()),
        (Requests::ExpiresAt, request.expires_at().map(Timestamp::as_micros).into()),
        (Requests::UrgencyLevel, urgency.name().into()),
        (Requests::CandidateSources, sources.join(",").into()),
        (Requests::ScreeningCriteria, screening.as_str().into()),
        (Requests::RequestedAt, request.requested_at.as_micros().into()),
        (Requests::RequestedBy, request.requested_by.as_str().into()),
    ]
}

/// What may change.
fn row_of(request: &RecruitmentRequest) -> Vec<(Requests, Value)> {
    let Progress { matches, hires, outcome } = request.progress;
    vec![
        (Requests::Revision, i64::from(request.revision).into()),
        (Requests::Matches, matches.into()),
        (Requests::Hires, hires.into()),
        (Requests::Outcome, outcome.map(Outcome::name).into()),
        (Requests::CancelReason, request.cancelled.as_deref().into()),
        (Requests::IsExpired, request.is_expired.into()),
        (Requests::Status, request.status().name().into()),
        (Requests::ChangedAt, request.changed_at.as_micros().into()),
    ]
}

fn range(row: &Row, min: &str, max: &str, code: &str) -> Result<Option<MoneyRange>, DbError> {
    let Some(currency): Option<Currency> = row.parsed_if_any(code, currency)? else { return Ok(None) };
    let range = MoneyRange::new(row.get(min)?, row.get(max)?, currency);
    range.map(Some).map_err(|_| DbError::column(min, "it is no range"))
}

fn request(row: &Row) -> Result<RecruitmentRequest, DbError> {
    let sources = |text: &str| text.split(',').map(CandidateSource::parse).collect::<Option<Vec<_>>>();
    let locations = |text: &str| serde_json::from_str::<Vec<String>>(text).ok();
    let day = |text: &str| Day::parse(text).ok();
    let salary = range(row, "salary_min", "salary_max", "salary_currency")?;
    let period = row.parsed_if_any("salary_period", PayPeriod::parse)?;
    Ok(RecruitmentRequest {
        id: row.parsed("id", |id| RequestId::parse(id).ok())?,
        partner: row.parsed("partner_id", |id| PartnerId::parse(id).ok())?,
        revision: row.get("revision")?,
        asked: Asked {
            job_requirements: Json::kept(row.get::<String>("job_requirements")?),
            openings: row.get("openings")?,
            required_skills: Json::kept(row.get::<String>("required_skills")?),
            experience: row.parsed("experience_level", ExperienceLevel::parse)?,
            job_type: row.parsed("job_type", JobType::parse)?,
            remote: row.get("remote_work_allowed")?,
            locations: row.parsed("location_preferences", locations)?,
            salary: salary.zip(period),
            budget: range(row, "budget_min", "budget_max", "budget_currency")?,
            timeline: Timeline {
                start_by: row.parsed_if_any("start_by", day)?,
                fill_by: row.parsed_if_any("fill_by", day)?,
                max_days: row.get("max_days")?,
            },
            urgency: row.parsed("urgency_level", Urgency::parse)?,
            sources: row.parsed("candidate_sources", sources)?,
            screening: Json::kept(row.get::<String>("screening_criteria")?),
        },
        progress: Progress {
            matches: row.get("matches")?,
            hires: row.get("hires")?,
            outcome: row.parsed_if_any("outcome", Outcome::parse)?,
        },
        cancelled: row.get("cancel_reason")?,
        is_expired: row.get("is_expired")?,
        requested_at: row.get("requested_at")?,
        requested_by: row.parsed("requested_by", actor)?,
        changed_at: row.get("changed_at")?,
    })
}
