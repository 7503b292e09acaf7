//! All candidates as the matcher sees them, in memory and in step with their table.
//!
//! Several processes share the table: before each use the index reads which candidates have changed since. A number of
//! a change is drawn before its transaction commits, so a lower one may appear after a higher one; numbers are therefore
//! looked at again until no transaction that drew them can still be open.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hexalpes_db::{Backend, Db, DbError, Tx};
use parking_lot::RwLock;

use crate::domain::matcher::{self, Score, Traits, Vocabulary, Wanted};
use crate::domain::{Candidate, CandidateId, Job, Source};
use crate::store::{self, Change};

/// Candidates that are read at once.
const AT_ONCE: u64 = 2_000;
/// A command on a server ends within 30 seconds ([`hexalpes_db::DbOptions`]).
const OPEN_ON_A_SERVER_MAX: Duration = Duration::from_secs(40);
/// SQLite has one writer, whose batch may roll back and give its numbers away again.
const OPEN_ON_SQLITE_MAX: Duration = Duration::from_secs(5);

/// A shared index; clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct CandidateIndex(Arc<RwLock<Known>>);

#[derive(Debug, Default)]
struct Known {
    vocabulary: Vocabulary,
    slots: Vec<Slot>,
    places: HashMap<CandidateId, usize>,
    is_loaded: bool,
    /// Up to here no change is still to come.
    settled: i64,
    /// The highest number that was seen, and when that was.
    seen_at: Vec<(Instant, i64)>,
    /// Numbers above `settled` that were seen, and whose they were.
    seen: HashMap<i64, String>,
}

#[derive(Debug)]
struct Slot {
    id: CandidateId,
    revision: u32,
    source: Source,
    /// None: nobody to be hired any longer.
    traits: Option<Traits>,
}

impl CandidateIndex {
    /// Reads all candidates, so that the first job to be matched does not wait for it.
    pub async fn warm(&self, db: &Db) -> Result<(), DbError> {
        let index = self.clone();
        db.read(async move |tx: &Tx| index.refresh(tx).await).await
    }

    /// How many candidates can be matched.
    pub fn len(&self) -> usize {
        self.0.read().slots.iter().filter(|slot| slot.traits.is_some()).count()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads what has changed, in a transaction that only reads: what others wrote and may take back is not seen there.
    pub(crate) async fn refresh(&self, tx: &Tx) -> Result<(), DbError> {
        let (is_loaded, settled) = {
            let known = self.0.read();
            (known.is_loaded, known.settled)
        };
        if !is_loaded {
            return self.load(tx).await;
        }
        let changes = store::changes_after(tx, settled).await?;
        let unseen: Vec<Change> = {
            let known = self.0.read();
            let is_new = |change: &Change| known.seen.get(&change.seq) != Some(&change.candidate);
            changes.into_iter().filter(is_new).collect()
        };
        let mut candidates = Vec::with_capacity(unseen.len());
        for some in unseen.chunks(500) {
            let ids: Vec<&str> = some.iter().map(|change| change.candidate.as_str()).collect();
            candidates.extend(store::load_candidates(tx, &ids).await?);
        }
        let mut known = self.0.write();
        for candidate in &candidates {
            known.put(candidate);
        }
        for Change { seq, candidate } in unseen {
            known.seen.insert(seq, candidate);
        }
        known.settle(Instant::now(), tx.backend());
        Ok(())
    }

    async fn load(&self, tx: &Tx) -> Result<(), DbError> {
        // First the number, then the rows: what is written between is read twice.
        let newest = store::newest_change(tx).await?;
        let mut after: Option<CandidateId> = None;
        loop {
            let candidates = store::first_candidates(tx, after.as_ref(), AT_ONCE).await?;
            let Some(last) = candidates.last() else { break };
            after = Some(last.id().clone());
            let mut known = self.0.write();
            for candidate in &candidates {
                known.put(candidate);
            }
        }
        let mut known = self.0.write();
        if !known.is_loaded {
            known.is_loaded = true;
            // Changes below the newest may still be open: they are looked for from a while before it.
            known.settled = (newest - i64::try_from(AT_ONCE).unwrap_or(i64::MAX)).max(0);
            known.seen_at = vec![(Instant::now(), newest)];
        }
        Ok(())
    }

    /// The best for a job, of those who come from where the partner wants, the best first; each with the revision that
    /// was looked at.
    pub(crate) fn shortlist(&self, job: &Job) -> Vec<(CandidateId, u32, Score)> {
        let known = self.0.read();
        let wanted = Wanted::of(job, &known.vocabulary);
        let candidates = known.slots.iter().filter_map(|slot| Some((slot, slot.traits_for(job)?)));
        let (size, minimum) = (job.terms().shortlist.size as usize, job.terms().shortlist.minimum_bp);
        let best = matcher::shortlist(&wanted, candidates, |slot| slot.id.as_str(), size, minimum);
        best.into_iter().map(|(slot, score)| (slot.id.clone(), slot.revision, score)).collect()
    }

    /// For each job, who of some candidates has the score that its shortlist takes at least: their places among the
    /// candidates, with their scores.
    pub(crate) fn fitting(&self, jobs: &[Job], candidates: &[CandidateId]) -> Vec<Vec<(usize, u32)>> {
        let known = self.0.read();
        let slot = |id: &CandidateId| known.places.get(id).map(|place| &known.slots[*place]);
        let slots: Vec<(usize, &Slot)> =
            candidates.iter().enumerate().filter_map(|(place, id)| Some((place, slot(id)?))).collect();
        let of_job = |job: &Job| {
            let (wanted, minimum) = (Wanted::of(job, &known.vocabulary), job.terms().shortlist.minimum_bp);
            let score = |(place, slot): &(usize, &Slot)| {
                matcher::total(&wanted, slot.traits_for(job)?, minimum).map(|total| (*place, total))
            };
            slots.iter().filter_map(score).collect()
        };
        jobs.iter().map(of_job).collect()
    }
}

impl Slot {
    /// Of somebody who can be hired, and comes from where the partner wants.
    fn traits_for(&self, job: &Job) -> Option<&Traits> {
        let sources = &job.terms().sources;
        let comes_right = sources.is_empty() || sources.contains(&self.source);
        self.traits.as_ref().filter(|_| comes_right)
    }
}

impl Known {
    /// What is older than what is known changes nothing.
    fn put(&mut self, candidate: &Candidate) {
        let traits = candidate.is_active().then(|| Traits::of(candidate.profile(), &mut self.vocabulary));
        let slot = Slot {
            id: candidate.id().clone(),
            revision: candidate.revision(),
            source: candidate.profile().source,
            traits,
        };
        match self.places.get(candidate.id()) {
            Some(place) if self.slots[*place].revision > slot.revision => {}
            Some(place) => self.slots[*place] = slot,
            None => {
                self.places.insert(slot.id.clone(), self.slots.len());
                self.slots.push(slot);
            }
        }
    }

    /// Forgets the numbers below which no transaction can be open any longer.
    fn settle(&mut self, now: Instant, backend: Backend) {
        let open_max = if backend == Backend::Sqlite { OPEN_ON_SQLITE_MAX } else { OPEN_ON_A_SERVER_MAX };
        let newest = self.seen.keys().copied().max().unwrap_or(self.settled);
        if self.seen_at.last().is_none_or(|(_, seen)| *seen < newest) {
            self.seen_at.push((now, newest));
        }
        let old = self.seen_at.iter().take_while(|(at, _)| now.duration_since(*at) >= open_max).count();
        if let Some((_, settled)) = self.seen_at[..old].last() {
            let settled = (*settled).max(self.settled);
            self.settled = settled;
            self.seen.retain(|seq, _| *seq > settled);
        }
        self.seen_at.drain(..old);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(seqs: &[i64]) -> Known {
        let seen = seqs.iter().map(|seq| (*seq, format!("c-{seq}"))).collect();
        Known { seen, ..Known::default() }
    }

    #[test]
    fn a_number_is_settled_when_no_transaction_that_drew_a_lower_one_can_be_open() {
        let mut known = known(&[3, 5]);
        let start = Instant::now();
        known.settle(start, Backend::Postgres);
        assert_eq!(known.settled, 0);
        known.seen.insert(4, "c-4".to_owned());
        known.seen.insert(6, "c-6".to_owned());
        known.settle(start + Duration::from_secs(20), Backend::Postgres);
        assert_eq!(known.settled, 0);
        known.settle(start + Duration::from_secs(41), Backend::Postgres);
        assert_eq!((known.settled, known.seen.len()), (5, 1));
        known.settle(start + Duration::from_secs(61), Backend::Postgres);
        assert_eq!((known.settled, known.seen.len()), (6, 0));
    }
}
