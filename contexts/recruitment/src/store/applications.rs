//! Applications as rows, each step of theirs as one.

use hexalpes_db::{DbError, Keyset, Row, Tx};
use hexalpes_kernel::{Actor, Cause};
use sea_query::{Expr, ExprTrait as _, Order, Query};

use super::{Cells, TENANT, by_id, hit, insert, narrow, select, update};
use crate::domain::{Application, ApplicationId, CandidateId, JobId, PartnerId, Source, Stage, Step};

/// Inserts an application unless the candidate has one for the job; tells whether it did.
pub(crate) async fn insert_application(tx: &Tx, application: &Application) -> Result<bool, DbError> {
    let mut cells: Cells = vec![
        ("id", application.id().as_str().into()),
        ("job_id", application.job().as_str().into()),
        ("partner_id", application.partner().as_str().into()),
        ("source", application.source().name().into()),
        ("applied_at", application.applied_at().as_micros().into()),
    ];
    cells.extend(changing(application));
    if !tx.insert_new(&insert("application", cells), "id").await? {
        return Ok(false);
    }
    insert_steps(tx, application, 0).await?;
    Ok(true)
}

/// Writes the steps after `steps_before`, unless another wrote meanwhile.
pub(crate) async fn save_application(
    tx: &Tx,
    application: &Application,
    revision_before: u32,
) -> Result<(), DbError> {
    let mut update = update("application", application.id().as_str(), changing(application));
    update.and_where(Expr::col("revision").eq(i64::from(revision_before)));
    hit(tx, &update).await?;
    insert_steps(tx, application, revision_before as usize).await
}

async fn insert_steps(tx: &Tx, application: &Application, from: usize) -> Result<(), DbError> {
    for (ordinal, step) in application.steps().iter().enumerate().skip(from) {
        let cells = vec![
            ("application_id", application.id().as_str().into()),
            ("ordinal", i64::try_from(ordinal).unwrap_or(i64::MAX).into()),
            ("stage", step.to.name().into()),
            ("at", step.at.as_micros().into()),
            ("actor", step.by.as_str().into()),
            ("reason", step.reason.as_deref().into()),
        ];
        tx.execute(&insert("application_step", cells)).await?;
    }
    Ok(())
}

pub(crate) async fn load_application(tx: &Tx, id: &ApplicationId) -> Result<Option<Application>, DbError> {
    let rows = tx.fetch_all(&by_id("application", id.as_str())).await?;
    Ok(with_steps(tx, &rows).await?.pop())
}

/// A candidate's for a job.
pub(crate) async fn application_of(
    tx: &Tx,
    job: &JobId,
    candidate: &CandidateId,
) -> Result<Option<Application>, DbError> {
    let mut select = select("application");
    select
        .and_where(Expr::col("job_id").eq(job.as_str()))
        .and_where(Expr::col("candidate_id").eq(candidate.as_str()));
    let rows = tx.fetch_all(&select).await?;
    Ok(with_steps(tx, &rows).await?.pop())
}

/// All of a candidate.
pub(crate) async fn applications_of(tx: &Tx, candidate: &CandidateId) -> Result<Vec<Application>, DbError> {
    let mut select = select("application");
    select.and_where(Expr::col("candidate_id").eq(candidate.as_str())).order_by("id", Order::Asc);
    let rows = tx.fetch_all(&select).await?;
    with_steps(tx, &rows).await
}

/// What a list of applications is narrowed by.
#[derive(Clone, Debug, Default)]
pub(crate) struct ApplicationFilter {
    pub(crate) job: Option<JobId>,
    pub(crate) candidate: Option<CandidateId>,
    pub(crate) partner: Option<PartnerId>,
    pub(crate) stage: Option<Stage>,
    pub(crate) source: Option<Source>,
}

/// By when somebody applied.
pub(crate) async fn page_of_applications(
    tx: &Tx,
    filter: ApplicationFilter,
    page: Keyset,
) -> Result<Vec<Application>, DbError> {
    let ApplicationFilter { job, candidate, partner, stage, source } = filter;
    let filters = [
        ("job_id", job.map(|id| id.to_string())),
        ("candidate_id", candidate.map(|id| id.to_string())),
        ("partner_id", partner.map(|id| id.to_string())),
        ("stage", stage.map(|stage| stage.name().to_owned())),
        ("source", source.map(|source| source.name().to_owned())),
    ];
    let mut select = select("application");
    narrow(&mut select, filters);
    page.apply(&mut select, "applied_at", "id");
    let rows = tx.fetch_all(&select).await?;
    with_steps(tx, &rows).await
}

/// Applications in the order of their rows.
async fn with_steps(tx: &Tx, rows: &[Row]) -> Result<Vec<Application>, DbError> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<String> = rows.iter().map(|row| row.get("id")).collect::<Result<_, _>>()?;
    let mut all = select("application_step");
    all.and_where(Expr::col("application_id").is_in(ids.iter().map(String::as_str)))
        .order_by("application_id", Order::Asc)
        .order_by("ordinal", Order::Asc);
    let mut steps: Vec<(String, Step)> = Vec::new();
    for row in tx.fetch_all(&all).await? {
        steps.push((row.get("application_id")?, step(&row)?));
    }
    let restore = |row: &Row| {
        let id = row.parsed("id", |id| ApplicationId::parse(id).ok())?;
        let own = steps.iter().filter(|(of, _)| of == id.as_str()).map(|(_, step)| step.clone()).collect();
        let restored = Application::restore(
            id,
            row.parsed("job_id", |id| JobId::parse(id).ok())?,
            row.parsed("candidate_id", |id| CandidateId::parse(id).ok())?,
            row.parsed("partner_id", |id| PartnerId::parse(id).ok())?,
            row.parsed("source", Source::parse)?,
            own,
        );
        restored.ok_or_else(|| DbError::column("id", "the application has no steps"))
    };
    rows.iter().map(restore).collect()
}

/// Ends what is not at its end yet of the applications for a job, with their offers and interviews: rejected, for its
/// search is over. By statements about all of them, for there may be thousands.
pub(crate) async fn end_applications(
    tx: &Tx,
    job: &JobId,
    reason: Option<&str>,
    cause: &Cause,
) -> Result<(), DbError> {
    let at = cause.at.as_micros();
    let rejected = Stage::Rejected.name();
    let over = Stage::WORDS.iter().filter(|(_, stage)| stage.is_over()).map(|(name, _)| *name);
    let is_open = Expr::col("tenant")
        .eq(TENANT)
        .and(Expr::col("job_id").eq(job.as_str()))
        .and(Expr::col("stage").is_not_in(over));
    let open = || Query::select().column("id").from("application").and_where(is_open.clone()).to_owned();
    super::talks::end_talks(tx, &open(), reason, cause.at).await?;
    // A step is never before the one before.
    let then = Expr::case(Expr::col("changed_at").gt(at), Expr::col("changed_at")).finally(at);
    let steps = Query::select()
        .columns(["tenant", "id", "revision"])
        .expr(Expr::val(rejected))
        .expr(then.clone())
        .expr(Expr::val(cause.actor.as_str()))
        .expr(Expr::val(reason))
        .from("application")
        .and_where(is_open.clone())
        .to_owned();
    let mut insert = Query::insert();
    insert
        .into_table("application_step")
        .columns(["tenant", "application_id", "ordinal", "stage", "at", "actor", "reason"])
        .select_from(steps)
        .map_err(|_| DbError::Range("columns of a step"))?;
    tx.execute(&insert).await?;
    let update = Query::update()
        .table("application")
        .value("stage", rejected)
        .value("revision", Expr::col("revision").add(1))
        .value("changed_at", then)
        .and_where(is_open)
        .to_owned();
    tx.execute(&update).await.map(drop)
}

/// Forgets why an application went which way.
pub(crate) async fn forget_reasons(tx: &Tx, id: &ApplicationId) -> Result<(), DbError> {
    let update = Query::update()
        .table("application_step")
        .value("reason", Option::<String>::None)
        .and_where(Expr::col("tenant").eq(TENANT))
        .and_where(Expr::col("application_id").eq(id.as_str()))
        .to_owned();
    tx.execute(&update).await.map(drop)
}

fn changing(application: &Application) -> Cells {
    vec![
        ("candidate_id", application.candidate().as_str().into()),
        ("stage", application.stage().name().into()),
        ("revision", i64::from(application.revision()).into()),
        ("changed_at", application.changed_at().as_micros().into()),
    ]
}

fn step(row: &Row) -> Result<Step, DbError> {
    Ok(Step {
        to: row.parsed("stage", Stage::parse)?,
        at: row.get("at")?,
        by: row.parsed("actor", |actor| Actor::parse(actor).ok())?,
        reason: row.get("reason")?,
    })
}
