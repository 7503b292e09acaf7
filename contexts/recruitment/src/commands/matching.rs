//! Looks for candidates who fit a job, and tells the partner of the best.

use std::collections::{BTreeMap, BTreeSet};

use hexalpes_db::{DbError, Tx};
use hexalpes_http::{IfMatch, NotNewest};
use hexalpes_kernel::{Cause, Ids};

use crate::domain::matcher::Score;
use crate::domain::{Candidate, CandidateId, Job, JobError, JobId, MatchId};
use crate::events;
use crate::explain::Explained;
use crate::index::CandidateIndex;
use crate::store::{self, Match};

#[derive(Clone, Debug)]
pub struct StartMatching {
    pub job: JobId,
    pub seen: IfMatch,
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
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Who was on the shortlist of this version of the job before gets a new rank, or none, and is not told of again.
pub async fn start_matching(
    tx: &Tx,
    command: StartMatching,
    index: &CandidateIndex,
    ids: &dyn Ids,
    cause: &Cause,
) -> Result<Matched, NotMatched> {
    let StartMatching { job: id, seen } = command;
    let mut job = store::load_job(tx, &id).await?.ok_or(NotMatched::NotFound(id))?;
    seen.check(job.revision())?;
    let before = job.revision();
    if job.start_matching(cause.at)? {
        store::save_job(tx, &job, before).await?;
    }
    index.refresh(tx).await?;
    let best = index.shortlist(&job);
    let there = still_there(tx, &best).await?;
    let best = best.into_iter().filter(|(candidate, _)| there.contains(candidate));
    let known = store::matches_of(tx, job.id(), job.version()).await?;
    let mut known: BTreeMap<CandidateId, Match> =
        known.into_iter().map(|matched| (matched.candidate.clone(), matched)).collect();
    let (mut shortlist, mut told) = (Vec::with_capacity(there.len()), 0);
    for (rank, (candidate, score)) in (1..).zip(best) {
        let explained = Explained::of(&score, &job);
        let matched = if let Some(matched) = known.remove(&candidate) {
            moved(tx, matched, Some(rank), explained, cause).await?
        } else {
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

/// Of those the index knows, who can be hired: it may have read, beside this command, what was never committed.
async fn still_there(tx: &Tx, best: &[(CandidateId, Score)]) -> Result<BTreeSet<CandidateId>, DbError> {
    let ids: Vec<&str> = best.iter().map(|(candidate, _)| candidate.as_str()).collect();
    let candidates = store::load_candidates(tx, &ids).await?.into_iter().filter(Candidate::is_active);
    Ok(candidates.map(|candidate| candidate.id().clone()).collect())
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
