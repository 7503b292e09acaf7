//! Tells a partner of the candidates who fit a job best, as a look at all of them found while no transaction was open.

use std::collections::BTreeMap;

use hexalpes_db::{DbError, Tx};
use hexalpes_http::{IfMatch, NotNewest};
use hexalpes_kernel::{Cause, Ids};

use crate::domain::{CandidateId, Job, JobError, JobId, MatchId};
use crate::events;
use crate::explain::Explained;
use crate::store::{self, Match, Subject};

#[derive(Clone, Debug)]
pub struct StartMatching {
    pub job: JobId,
    pub seen: IfMatch,
    /// Candidates who are looked at for another cause than the command's.
    pub because_of: BTreeMap<CandidateId, Cause>,
}

/// Who fits a version of a job best. What it rests on is in it too, for it may have changed since.
#[derive(Clone, Debug)]
pub struct Found {
    pub(crate) version: u32,
    /// The best first, each with the revision that was looked at.
    pub(crate) best: Vec<(CandidateId, u32, Explained)>,
    /// What this version of the job was matched with before.
    pub(crate) known: Vec<Match>,
}

/// The shortlist as it is now.
#[derive(Clone, Debug)]
pub struct Matched {
    pub job: Job,
    /// The best first.
    pub(crate) shortlist: Vec<Match>,
    /// How many of them the partner was told of this time.
    pub told: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotMatched {
    #[error("there is no job {0}")]
    NotFound(JobId),
    #[error(transparent)]
    NotNewest(#[from] NotNewest),
    #[error(transparent)]
    Refused(#[from] JobError),
    /// Another look finds what is so now.
    #[error("the job or those who fit it changed since they were looked at")]
    Stale,
    #[error(transparent)]
    Database(#[from] DbError),
}

/// A job is matched from now on, soon for the first time: by [`crate::Matching`], for it takes too long for this
/// transaction.
pub(crate) async fn search(tx: &Tx, mut job: Job, cause: &Cause) -> Result<(), NotMatched> {
    let before = job.revision();
    if job.start_matching(cause.at)? {
        store::save_job(tx, &job, before).await?;
    }
    Ok(is_due(tx, &job, cause).await?)
}

/// The job is matched by [`crate::Matching`].
pub(super) async fn is_due(tx: &Tx, job: &Job, cause: &Cause) -> Result<(), DbError> {
    let subject = Subject::Job { job: job.id().clone(), because_of: None };
    store::note_due(tx, &subject, cause).await
}

/// Who was on the shortlist of this version of the job before gets a new rank, or none, and is not told of again.
pub async fn start_matching(
    tx: &Tx,
    command: StartMatching,
    found: &Found,
    ids: &dyn Ids,
    cause: &Cause,
) -> Result<Matched, NotMatched> {
    let StartMatching { job: id, seen, because_of } = command;
    let mut job = store::load_job(tx, &id).await?.ok_or(NotMatched::NotFound(id))?;
    seen.check(job.revision())?;
    let before = job.revision();
    let is_first = job.start_matching(cause.at)?;
    let known = store::matches_of(tx, job.id(), job.version()).await?;
    if job.version() != found.version || known != found.known || !are_as_they_were(tx, found).await? {
        return Err(NotMatched::Stale);
    }
    if is_first {
        store::save_job(tx, &job, before).await?;
        // Who came after the look was not held against a job that nobody was looked for yet: another look finds them.
        is_due(tx, &job, cause).await?;
    }
    let mut known: BTreeMap<CandidateId, Match> =
        known.into_iter().map(|matched| (matched.candidate.clone(), matched)).collect();
    let (mut shortlist, mut told) = (Vec::with_capacity(found.best.len()), 0);
    for (rank, (candidate, _, explained)) in (1..).zip(found.best.iter().cloned()) {
        let matched = if let Some(matched) = known.remove(&candidate) {
            moved(tx, matched, Some(rank), explained, cause).await?
        } else {
            let cause = because_of.get(&candidate).unwrap_or(cause);
            let new = Match {
                id: MatchId::new(ids.uuid()),
                job: job.id().clone(),
                job_version: job.version(),
                candidate,
                partner: job.partner().clone(),
                rank: Some(rank),
                explained,
                matched_at: cause.at,
                changed_at: cause.at,
            };
            if !store::insert_match(tx, &new).await? {
                return Err(DbError::Conflict("it was matched a moment ago".to_owned()).into());
            }
            events::of_matched(tx, ids.uuid(), &new, &job, cause).await?;
            told += 1;
            new
        };
        shortlist.push(matched);
    }
    for (_, matched) in known {
        let explained = matched.explained.clone();
        moved(tx, matched, None, explained, cause).await?;
    }
    Ok(Matched { job, shortlist, told })
}

/// Whether those who were found can be hired, and nothing else is said of them than when they were looked at.
async fn are_as_they_were(tx: &Tx, found: &Found) -> Result<bool, DbError> {
    let ids: Vec<&str> = found.best.iter().map(|(candidate, ..)| candidate.as_str()).collect();
    let now = store::revisions_of_active(tx, &ids).await?;
    Ok(found.best.iter().all(|(candidate, seen, _)| now.get(candidate.as_str()) == Some(seen)))
}

async fn moved(
    tx: &Tx,
    matched: Match,
    rank: Option<u32>,
    explained: Explained,
    cause: &Cause,
) -> Result<Match, DbError> {
    if matched.rank == rank && matched.explained == explained {
        return Ok(matched);
    }
    let changed_at = cause.at.max(matched.changed_at);
    let matched = Match { rank, explained, changed_at, ..matched };
    store::save_match(tx, &matched).await?;
    Ok(matched)
}
