//! Looks who fits which job, and has it written.
//!
//! A job is held against all candidates while no transaction is open, so that no other command waits for it; what came
//! out is written by [`commands::start_matching`], which refuses what rests on something that has changed since: then it
//! is looked again. [`Matching`] does so in the background for whatever became due: a job that a partner asked for, one
//! whose terms changed, and jobs that somebody who is new, another or gone fits, or no longer fits.
//!
//! What is due is a row, written with its cause and deleted with its effect: a process that ends in between does it again,
//! to no other effect. Several processes may do so on one database.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hexalpes_db::{Db, DbError, ErrorKind, Tx};
use hexalpes_http::IfMatch;
use hexalpes_kernel::{Cause, Edge};
use hexalpes_worker::{Failure, Job as Work, Outlook, State, Worker};
use tokio_util::sync::CancellationToken;

use crate::commands::{self, Found, NotMatched, StartMatching};
use crate::domain::{CandidateId, Job, JobId};
use crate::explain::Explained;
use crate::index::CandidateIndex;
use crate::store::{self, Due, End, Origin, Subject};

/// Rows of what is due that are taken in one round.
const DUE_AT_ONCE: u64 = 200;
/// Jobs that are matched in one round: some tens of milliseconds each, where there are very many candidates.
const JOBS_A_ROUND: usize = 16;
/// Jobs that candidates are held against at once.
const JOBS_AT_ONCE: u64 = 200;
/// Looks at a job for one write: each more than the first because something changed meanwhile.
const LOOKS_MAX: u32 = 5;
/// As late as what another process made due is seen.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Holds a job against all candidates, as all of them are committed now.
pub async fn look(db: &Db, index: &CandidateIndex, job: &JobId) -> Result<Found, DbError> {
    let (id, known) = (job.clone(), index.clone());
    let read = async move |tx: &Tx| -> Result<_, DbError> {
        let Some(job) = store::load_job(tx, &id).await?.filter(|job| job.may_go_on().is_ok()) else {
            return Ok(None);
        };
        let before = store::matches_of(tx, job.id(), job.version()).await?;
        known.refresh(tx).await?;
        Ok(Some((job, before)))
    };
    let Some((job, known)) = db.read(read).await? else {
        // Nobody is looked at for it; whoever writes is told why.
        return Ok(Found { version: 0, best: Vec::new(), known: Vec::new() });
    };
    let index = index.clone();
    let look = move || {
        let best = index.shortlist(&job).into_iter();
        let best =
            best.map(|(candidate, revision, score)| (candidate, revision, Explained::of(&score, &job)));
        Found { version: job.version(), best: best.collect(), known }
    };
    aside(look).await
}

/// Looks at a job and writes what was found, again where that was stale.
pub(crate) async fn looked<T, E: From<DbError>, W: Future<Output = Result<T, E>> + Send>(
    db: &Db,
    index: &CandidateIndex,
    job: &JobId,
    write: impl Fn(Arc<Found>) -> W,
    is_stale: impl Fn(&E) -> bool,
) -> Result<T, E> {
    for _ in 1..LOOKS_MAX {
        match write(Arc::new(look(db, index, job).await?)).await {
            Err(error) if is_stale(&error) => {}
            outcome => return outcome,
        }
    }
    write(Arc::new(look(db, index, job).await?)).await
}

/// Runs what computes for long on a thread where it holds up nobody.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, DbError> {
    let ended = tokio::task::spawn_blocking(work).await;
    ended.map_err(|error| if error.is_panic() { DbError::Panicked } else { DbError::Closed })
}

/// Does the oldest of what is due, and tells how much of it; where nothing is, it only looks.
pub async fn match_due(db: &Db, edge: &Arc<dyn Edge>, index: &CandidateIndex) -> Result<u64, DbError> {
    let known = index.clone();
    let read = async move |tx: &Tx| -> Result<_, DbError> {
        let due = store::first_due(tx, DUE_AT_ONCE).await?;
        if !due.is_empty() {
            known.refresh(tx).await?;
        }
        Ok(due)
    };
    let (mut people, mut seqs) = (BTreeMap::new(), Vec::new());
    let mut jobs: BTreeMap<JobId, Vec<Due>> = BTreeMap::new();
    for due in db.read(read).await? {
        match &due.subject {
            Subject::Candidate(candidate) => {
                people.insert(candidate.clone(), due.origin);
                seqs.push(due.seq);
            }
            Subject::Job { job, .. } => {
                if jobs.len() < JOBS_A_ROUND || jobs.contains_key(job) {
                    jobs.entry(job.clone()).or_default().push(due);
                }
            }
        }
    }
    let mut done = 0;
    if !people.is_empty() {
        find_jobs(db, index, people).await?;
        done += forget(db, seqs).await?;
    }
    for (job, due) in jobs {
        done += match_job(db, edge, index, job, &due).await?;
    }
    Ok(done)
}

async fn match_job(
    db: &Db,
    edge: &Arc<dyn Edge>,
    index: &CandidateIndex,
    job: JobId,
    due: &[Due],
) -> Result<u64, DbError> {
    let now = edge.now();
    let Some(first) = due.first() else { return Ok(0) };
    let cause = first.origin.cause(now);
    let because_of = |due: &Due| match &due.subject {
        Subject::Job { because_of: Some(candidate), .. } => Some((candidate.clone(), due.origin.cause(now))),
        _ => None,
    };
    let because_of: BTreeMap<CandidateId, Cause> = due.iter().filter_map(because_of).collect();
    let seqs: Vec<i64> = due.iter().map(|due| due.seq).collect();
    let command = StartMatching { job: job.clone(), seen: IfMatch::default(), because_of };
    let write = |found: Arc<Found>| {
        let (command, cause, seqs, ids) = (command.clone(), cause.clone(), seqs.clone(), Arc::clone(edge));
        db.write(async move |tx: &Tx| -> Result<u64, NotMatched> {
            commands::start_matching(tx, command.clone(), &found, &*ids, &cause).await?;
            Ok(store::forget_due(tx, &seqs).await?)
        })
    };
    match looked(db, index, &job, write, |error| *error == NotMatched::Stale).await {
        Ok(done) => Ok(done),
        // Its search is over.
        Err(NotMatched::NotFound(_) | NotMatched::Refused(_) | NotMatched::NotNewest(_)) => {
            forget(db, seqs).await
        }
        Err(NotMatched::Stale) => {
            tracing::debug!(job.id = %job, "candidates changed faster than they were looked at");
            Ok(0)
        }
        Err(NotMatched::Database(error)) if error.kind() == ErrorKind::Rejected => {
            // It would be so the next time too, and others wait.
            tracing::error!(job.id = %job, %error, "a job cannot be matched");
            forget(db, seqs).await
        }
        Err(NotMatched::Database(error)) => Err(error),
    }
}

async fn forget(db: &Db, seqs: Vec<i64>) -> Result<u64, DbError> {
    db.write(async move |tx: &Tx| store::forget_due(tx, &seqs).await).await
}

/// Notes which jobs are to be matched because of some candidates: those on whose shortlists they are, and those on whose
/// shortlists they could come.
async fn find_jobs(
    db: &Db,
    index: &CandidateIndex,
    people: BTreeMap<CandidateId, Origin>,
) -> Result<(), DbError> {
    let ids: Arc<[CandidateId]> = people.keys().cloned().collect();
    let of = Arc::clone(&ids);
    let listed = db.read(async move |tx: &Tx| store::listed(tx, &of).await).await?;
    let mut after: Option<JobId> = None;
    loop {
        let behind = after.take();
        let read = async move |tx: &Tx| store::jobs_in_search(tx, behind.as_ref(), JOBS_AT_ONCE).await;
        let jobs: Arc<[Job]> = db.read(read).await?.into();
        let Some(last) = jobs.last() else { return Ok(()) };
        after = Some(last.id().clone());
        let (index, of, among) = (index.clone(), Arc::clone(&jobs), Arc::clone(&ids));
        let fitting = aside(move || index.fitting(&of, &among)).await?;
        let with_some = jobs.iter().zip(&fitting).filter(|(_, fitting)| !fitting.is_empty());
        let with_some: Vec<JobId> = with_some.map(|(job, _)| job.id().clone()).collect();
        let ends = db.read(async move |tx: &Tx| store::shortlist_ends(tx, &with_some).await).await?;
        let mut due = Vec::new();
        for (job, fitting) in jobs.iter().zip(fitting) {
            let of_version = |(version, _): &&(u32, CandidateId)| *version == job.version();
            let on_it = listed.get(job.id()).into_iter().flatten().filter(of_version);
            let mut because_of: BTreeSet<&CandidateId> = on_it.map(|(_, candidate)| candidate).collect();
            let end = ends.get(&(job.id().clone(), job.version()));
            because_of.extend(could_come(job, fitting, &ids, end));
            due.extend(because_of.into_iter().map(|candidate| {
                let subject = Subject::Job { job: job.id().clone(), because_of: Some(candidate.clone()) };
                (subject, people[candidate].clone())
            }));
        }
        if !due.is_empty() {
            db.write(async move |tx: &Tx| store::note_all_due(tx, &due).await).await?;
        }
    }
}

/// Of those who fit, as many as the shortlist has places, who are better than its last.
fn could_come<'a>(
    job: &Job,
    mut fitting: Vec<(usize, u32)>,
    ids: &'a [CandidateId],
    end: Option<&End>,
) -> impl Iterator<Item = &'a CandidateId> {
    let size = job.terms().shortlist.size as usize;
    fitting.sort_unstable_by(|(one, score), (other, than)| than.cmp(score).then(ids[*one].cmp(&ids[*other])));
    fitting.truncate(size);
    let last = end.filter(|end| end.length >= size).map(|end| (end.score_bp, end.candidate.clone()));
    fitting.into_iter().map(move |(place, score)| (&ids[place], score)).filter_map(
        move |(candidate, score)| {
            let is_better = last
                .as_ref()
                .is_none_or(|(least, last)| score > *least || score == *least && *candidate < *last);
            is_better.then_some(candidate)
        },
    )
}

/// What became due is matched, until it is told to stop.
#[derive(Debug)]
pub struct Matching(Worker);

impl Matching {
    /// The index is the one of the API; the database has the tables of this context and of the outbox.
    pub fn start(db: Db, edge: Arc<dyn Edge>, index: CandidateIndex) -> Self {
        Self(Worker::start("recruitment-matching", Rounds { db, edge, index }))
    }

    /// How it does, for whoever outlives the borrow.
    pub fn state_reader(&self) -> impl Fn() -> State + Clone + Send + Sync + 'static + use<> {
        let states = self.0.states();
        move || states.borrow().clone()
    }

    /// Returns when the job that is under way was matched; what is left is done after the next start.
    pub async fn stop(self) {
        self.0.stop().await;
    }
}

struct Rounds {
    db: Db,
    edge: Arc<dyn Edge>,
    index: CandidateIndex,
}

#[derive(Debug)]
struct Trouble(DbError);

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "what is due cannot be read or matched: {}", self.0)
    }
}

impl From<DbError> for Trouble {
    fn from(error: DbError) -> Self {
        Self(error)
    }
}

impl Failure for Trouble {
    fn outlook(&self) -> Outlook {
        if self.0.kind() == ErrorKind::Corrupt { Outlook::Final } else { Outlook::Passing }
    }
}

impl Work for Rounds {
    type Session = ();
    type Error = Trouble;

    async fn open(&mut self) -> Result<(), Trouble> {
        Ok(self.index.warm(&self.db).await?)
    }

    async fn run(&mut self, (): (), stop: &CancellationToken) -> Result<(), Trouble> {
        let mut commits = self.db.commits();
        while !stop.is_cancelled() {
            // Before the look, so that what is committed after it is not missed.
            commits.mark_unchanged();
            if match_due(&self.db, &self.edge, &self.index).await? > 0 {
                continue;
            }
            tokio::select! {
                () = stop.cancelled() => {}
                changed = commits.changed() => changed.map_err(|_| DbError::Closed)?,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
        Ok(())
    }
}
