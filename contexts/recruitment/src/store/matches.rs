//! Who is, or was, on the shortlist of a version of a job.

use std::collections::BTreeMap;

use hexalpes_db::{DbError, Keyset, Row, Tx};
use hexalpes_kernel::Timestamp;
use sea_query::{Expr, ExprTrait as _, Order, Query, SelectStatement};

use super::json::{read, written};
use super::{Cells, TENANT, hit, insert, narrow, select, update};
use crate::domain::{CandidateId, JobId, MatchId, PartnerId};
use crate::explain::{Explained, Sentence};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Match {
    pub(crate) id: MatchId,
    pub(crate) job: JobId,
    pub(crate) job_version: u32,
    pub(crate) candidate: CandidateId,
    pub(crate) partner: PartnerId,
    /// From 1; none: by now others fit better.
    pub(crate) rank: Option<u32>,
    pub(crate) explained: Explained,
    pub(crate) matched_at: Timestamp,
    pub(crate) changed_at: Timestamp,
}

/// Inserts a match unless the candidate was matched by that version of the job; tells whether it did.
pub(crate) async fn insert_match(tx: &Tx, matched: &Match) -> Result<bool, DbError> {
    let mut cells: Cells = vec![
        ("id", matched.id.as_str().into()),
        ("job_id", matched.job.as_str().into()),
        ("job_version", i64::from(matched.job_version).into()),
        ("candidate_id", matched.candidate.as_str().into()),
        ("partner_id", matched.partner.as_str().into()),
        ("matched_at", matched.matched_at.as_micros().into()),
    ];
    cells.extend(changing(matched));
    tx.insert_new(&insert("job_match", cells), "id").await
}

/// Writes rank and score.
pub(crate) async fn save_match(tx: &Tx, matched: &Match) -> Result<(), DbError> {
    hit(tx, &update("job_match", matched.id.as_str(), changing(matched))).await
}

/// All that a version of a job was ever matched with, in the order of their ids.
pub(crate) async fn matches_of(tx: &Tx, job: &JobId, version: u32) -> Result<Vec<Match>, DbError> {
    let mut select = select("job_match");
    select
        .and_where(Expr::col("job_id").eq(job.as_str()))
        .and_where(Expr::col("job_version").eq(i64::from(version)))
        .order_by("id", Order::Asc);
    tx.fetch_all(&select).await?.iter().map(matched).collect()
}

/// On which jobs' shortlists some candidates are: by the job, with its version.
pub(crate) async fn listed(
    tx: &Tx,
    candidates: &[CandidateId],
) -> Result<BTreeMap<JobId, Vec<(u32, CandidateId)>>, DbError> {
    let mut select = on_shortlists();
    select
        .columns(["job_id", "job_version", "candidate_id"])
        .and_where(Expr::col("candidate_id").is_in(candidates.iter().map(CandidateId::as_str)));
    let mut listed: BTreeMap<JobId, Vec<(u32, CandidateId)>> = BTreeMap::new();
    for row in tx.fetch_all(&select).await? {
        let job = row.parsed("job_id", |id| JobId::parse(id).ok())?;
        let candidate = row.parsed("candidate_id", |id| CandidateId::parse(id).ok())?;
        listed.entry(job).or_default().push((row.get("job_version")?, candidate));
    }
    Ok(listed)
}

/// How long a shortlist is, and who is the last on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) length: usize,
    pub(crate) score_bp: u32,
    pub(crate) candidate: CandidateId,
}

/// The ends of some jobs' shortlists, by the job and its version.
pub(crate) async fn shortlist_ends(tx: &Tx, jobs: &[JobId]) -> Result<BTreeMap<(JobId, u32), End>, DbError> {
    if jobs.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut select = on_shortlists();
    select
        .columns(["job_id", "job_version", "candidate_id", "score_bp"])
        .and_where(Expr::col("job_id").is_in(jobs.iter().map(JobId::as_str)))
        .order_by("score_bp", Order::Desc)
        .order_by("candidate_id", Order::Asc);
    let mut ends: BTreeMap<(JobId, u32), End> = BTreeMap::new();
    for row in tx.fetch_all(&select).await? {
        let of = (row.parsed("job_id", |id| JobId::parse(id).ok())?, row.get("job_version")?);
        let length = ends.get(&of).map_or(0, |end| end.length) + 1;
        let candidate = row.parsed("candidate_id", |id| CandidateId::parse(id).ok())?;
        ends.insert(of, End { length, score_bp: row.get("score_bp")?, candidate });
    }
    Ok(ends)
}

fn on_shortlists() -> SelectStatement {
    Query::select()
        .from("job_match")
        .and_where(Expr::col("tenant").eq(TENANT))
        .and_where(Expr::col("place").is_not_null())
        .to_owned()
}

/// What a list of matches is narrowed by.
#[derive(Clone, Debug, Default)]
pub(crate) struct MatchFilter {
    pub(crate) job: Option<JobId>,
    pub(crate) version: Option<u32>,
    pub(crate) partner: Option<PartnerId>,
    pub(crate) candidate: Option<CandidateId>,
    pub(crate) score_min: Option<i64>,
    /// Those that are, or that are no longer, on a shortlist.
    pub(crate) shortlisted: Option<bool>,
}

/// By `matched_at` or `score_bp`.
pub(crate) async fn page_of_matches(
    tx: &Tx,
    filter: MatchFilter,
    column: &'static str,
    page: Keyset,
) -> Result<Vec<Match>, DbError> {
    let MatchFilter { job, version, partner, candidate, score_min, shortlisted } = filter;
    let filters = [
        ("job_id", job.map(|id| id.to_string())),
        ("partner_id", partner.map(|id| id.to_string())),
        ("candidate_id", candidate.map(|id| id.to_string())),
    ];
    let mut select = select("job_match");
    narrow(&mut select, filters);
    select.and_where_option(version.map(|version| Expr::col("job_version").eq(i64::from(version))));
    select.and_where_option(score_min.map(|least| Expr::col("score_bp").gte(least)));
    let place = || Expr::col("place");
    select.and_where_option(
        shortlisted.map(|is_on_it| if is_on_it { place().is_not_null() } else { place().is_null() }),
    );
    page.apply(&mut select, column, "id");
    tx.fetch_all(&select).await?.iter().map(matched).collect()
}

/// How many candidates were matched with a job, or have applied for it.
pub(crate) async fn considered(tx: &Tx, job: &JobId) -> Result<u64, DbError> {
    let mut applied = of_job("application", job);
    applied.column("candidate_id");
    let mut matched = of_job("job_match", job);
    matched
        .expr_as(Expr::col("candidate_id").count_distinct(), "number")
        .and_where(Expr::col("candidate_id").not_in_subquery(applied));
    let matched: u64 = tx.fetch_one(&matched).await?.get("number")?;
    Ok(matched + u64::from(applications_for(tx, job).await?))
}

/// How many have applied for a job, each once.
pub(crate) async fn applications_for(tx: &Tx, job: &JobId) -> Result<u32, DbError> {
    let mut applied = of_job("application", job);
    applied.expr_as(Expr::col("id").count(), "number");
    tx.fetch_one(&applied).await?.get("number")
}

fn of_job(table: &'static str, job: &JobId) -> SelectStatement {
    Query::select()
        .from(table)
        .and_where(Expr::col("tenant").eq(TENANT))
        .and_where(Expr::col("job_id").eq(job.as_str()))
        .to_owned()
}

fn changing(matched: &Match) -> Cells {
    vec![
        ("score_bp", i64::from(matched.explained.score_bp).into()),
        ("place", matched.rank.map(i64::from).into()),
        ("components", written(&matched.explained.components).into()),
        ("explanation_en", matched.explained.explanation.en.as_str().into()),
        ("explanation_es", matched.explained.explanation.es.as_str().into()),
        ("changed_at", matched.changed_at.as_micros().into()),
    ]
}

fn matched(row: &Row) -> Result<Match, DbError> {
    Ok(Match {
        id: row.parsed("id", |id| MatchId::parse(id).ok())?,
        job: row.parsed("job_id", |id| JobId::parse(id).ok())?,
        job_version: row.get("job_version")?,
        candidate: row.parsed("candidate_id", |id| CandidateId::parse(id).ok())?,
        partner: row.parsed("partner_id", |id| PartnerId::parse(id).ok())?,
        rank: row.get("place")?,
        explained: Explained {
            score_bp: row.get("score_bp")?,
            components: read("components", &row.get::<String>("components")?)?,
            explanation: Sentence { es: row.get("explanation_es")?, en: row.get("explanation_en")? },
        },
        matched_at: row.get("matched_at")?,
        changed_at: row.get("changed_at")?,
    })
}
