//! Rows are marked as published in bulk, beside the way of those that are being published, and the place in the log
//! follows.
//!
//! Each mark is in the log itself, which whoever reads it has to go through: after a long backlog the marks would keep
//! the next rows waiting for as long as they take. So only some are made in each round; the others are written down
//! beside the place, which does not wait for them.

use std::{collections::VecDeque, mem, ops::RangeInclusive, time::Duration};

use hexalpes_capture::Position;
use hexalpes_db::{Db, DbError, Tx};
use hexalpes_kernel::Edge;
use parking_lot::Mutex;
use sea_query::{Condition, Expr, ExprTrait as _, Query, UpdateStatement};
use tokio::{
    sync::{Notify, watch},
    time::{self, Instant},
};

use super::place::{self, Place};
use crate::{
    checkpoint::{Claim, is_source},
    parked,
    relay::RelayError,
};

/// Rows that one transaction marks, and the ranges of numbers that it names them by.
const ROWS_MAX: u64 = 2_000;
const RANGES_MAX: usize = 200;
/// Ranges that are written down, and not marked in the next round.
const RANGES_LATER_MAX: usize = 100;
/// Between two rounds: each is a commit that others wait behind.
const ROUND_EVERY: Duration = Duration::from_millis(100);
/// The same while more rows come than a round marks. They are a backlog's, which waits for whatever else the database
/// does, and reading what marks have written is part of that.
const ROUND_EVERY_AMID_BACKLOG: Duration = Duration::from_secs(1);
/// Between two places while nothing is published: what is written down is itself in the log.
const IDLE_EVERY: Duration = Duration::from_secs(10);

/// What has its receipts and is not marked yet. It is kept as ranges: rows come nearly in the order of their numbers,
/// so that a long backlog is a few of them.
#[derive(Debug)]
pub(crate) struct Marks {
    pending: Mutex<Pending>,
    news: Notify,
    saved: watch::Sender<Saved>,
}

/// How far the place in the log has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Saved {
    pub(crate) base: i64,
    /// From where on the log is needed.
    pub(crate) from: Option<Position>,
}

#[derive(Debug, Default)]
struct Pending {
    ranges: VecDeque<RangeInclusive<i64>>,
    /// Rows that came since that was looked at last.
    came: u64,
    /// Up to where the checkpoint was when the last of them came.
    checkpoint: i64,
    place: Option<Place>,
    is_closed: bool,
}

/// What is done at once.
struct Round {
    /// To be marked, each in a transaction of its own.
    portions: Vec<Vec<RangeInclusive<i64>>>,
    /// To be marked later.
    later: Vec<RangeInclusive<i64>>,
    checkpoint: i64,
    place: Option<Place>,
    is_closed: bool,
}

impl Pending {
    fn add(&mut self, mut seqs: Vec<i64>) {
        self.came += seqs.len() as u64;
        seqs.sort_unstable();
        for seq in seqs {
            match self.ranges.back_mut() {
                Some(last) if *last.end() + 1 == seq => *last = *last.start()..=seq,
                _ => self.ranges.push_back(seq..=seq),
            }
        }
    }

    /// One portion, and as many more as leave few enough for later.
    fn round(&mut self) -> Round {
        let mut portions = Vec::new();
        while !self.ranges.is_empty() && (portions.is_empty() || self.ranges.len() > RANGES_LATER_MAX) {
            portions.push(portion(&mut self.ranges));
        }
        let later = self.ranges.iter().cloned().collect();
        let Self { checkpoint, is_closed, .. } = *self;
        Round { portions, later, checkpoint, place: self.place.take(), is_closed }
    }
}

impl Marks {
    /// With what an earlier session has left, which has come to that checkpoint.
    pub(crate) async fn load(db: &Db, checkpoint: i64) -> Result<Self, DbError> {
        let ranges = db.read(place::unmarked).await?.into();
        let pending = Pending { ranges, checkpoint, ..Pending::default() };
        Ok(Self { pending: Mutex::new(pending), news: Notify::new(), saved: watch::Sender::default() })
    }

    /// These rows have their receipts, as the checkpoint says, and with them all up to that place, if one is given.
    pub(crate) fn add(&self, seqs: Vec<i64>, checkpoint: i64, place: Option<Place>) {
        let mut pending = self.pending.lock();
        pending.add(seqs);
        pending.checkpoint = checkpoint;
        if place.is_some() {
            pending.place = place;
        }
        self.news.notify_one();
    }

    /// No more will come.
    pub(crate) fn close(&self) {
        self.pending.lock().is_closed = true;
        self.news.notify_one();
    }

    pub(crate) fn saved(&self) -> watch::Receiver<Saved> {
        self.saved.subscribe()
    }

    /// Marks what comes, until it is closed and all is marked or written down.
    pub(crate) async fn run(&self, db: &Db, claim: &Claim, edge: &dyn Edge) -> Result<(), RelayError> {
        let mut last = Instant::now();
        let mut written = self.pending.lock().ranges.iter().cloned().collect();
        loop {
            let Round { portions, later, checkpoint, place, is_closed } = self.take(last).await;
            for portion in portions {
                mark(db, claim, checkpoint, portion, edge.now().as_micros()).await?;
            }
            if place.is_some() || later != written {
                place::save_unmarked(db, claim, place.as_ref(), &later).await?;
                written = later;
            }
            if let Some(place) = place {
                let saved = Saved { base: place.base, from: place.needed_from() };
                self.saved.send_replace(saved);
            }
            if is_closed {
                return Ok(());
            }
            last = Instant::now();
        }
    }

    /// Waits for the next round, and for something to do.
    async fn take(&self, last: Instant) -> Round {
        let mut looked = last;
        loop {
            let (is_due_at, is_urgent) = {
                let pending = self.pending.lock();
                let is_chunk = pending.place.as_ref().is_some_and(|place| place.position.is_none());
                let due = match (&pending.place, pending.ranges.is_empty()) {
                    (_, false) => Some(looked + ROUND_EVERY),
                    (Some(_), true) => Some(last + IDLE_EVERY),
                    (None, true) => None,
                };
                // The next rows of a snapshot wait for it.
                (due, pending.is_closed || is_chunk)
            };
            if is_urgent {
                break;
            }
            match is_due_at {
                Some(due) if due <= Instant::now() => {
                    let is_backlog = mem::take(&mut self.pending.lock().came) > ROWS_MAX;
                    if !is_backlog || last.elapsed() >= ROUND_EVERY_AMID_BACKLOG {
                        break;
                    }
                    looked = Instant::now();
                }
                Some(due) => {
                    tokio::select! {
                        () = time::sleep_until(due) => {}
                        () = self.news.notified() => {}
                    }
                }
                None => self.news.notified().await,
            }
        }
        self.pending.lock().round()
    }
}

/// Marks all that is written down as not marked, for who forgets where the log is, in their transaction.
pub(crate) async fn settle(tx: &Tx, now: i64) -> Result<(), DbError> {
    let mut ranges: VecDeque<_> = place::unmarked(tx).await?.into();
    while !ranges.is_empty() {
        tx.execute(&marking(portion(&mut ranges), now)).await?;
    }
    Ok(())
}

/// That a row's number is in one of these.
pub(crate) fn are_among(ranges: impl IntoIterator<Item = RangeInclusive<i64>>) -> Condition {
    ranges.into_iter().fold(Condition::any(), |these, range| {
        let (from, to) = range.into_inner();
        these.add(Expr::col("seq").between(from, to))
    })
}

/// Takes what one transaction marks from the beginning.
fn portion(ranges: &mut VecDeque<RangeInclusive<i64>>) -> Vec<RangeInclusive<i64>> {
    let (mut portion, mut room) = (Vec::new(), ROWS_MAX);
    while room > 0 && portion.len() < RANGES_MAX {
        let Some(range) = ranges.pop_front() else { break };
        let (from, to) = range.into_inner();
        let rows = Ord::min(room, (to - from).unsigned_abs() + 1);
        let next = from + rows.cast_signed();
        portion.push(from..=next - 1);
        if next <= to {
            ranges.push_front(next..=to);
        }
        room -= rows;
    }
    portion
}

/// Refused if the claim was lost meanwhile, or the checkpoint is before these rows: then this is another database than
/// the one that they were read from, which may give their numbers to others.
async fn mark(
    db: &Db,
    claim: &Claim,
    checkpoint: i64,
    ranges: Vec<RangeInclusive<i64>>,
    now: i64,
) -> Result<(), RelayError> {
    let mark = marking(ranges, now);
    let held = Query::select()
        .column("ordinal")
        .from("relay_checkpoint")
        .and_where(is_source())
        .and_where(claim.stands())
        .and_where(Expr::col("ordinal").gte(checkpoint))
        .to_owned();
    db.upkeep(async move |tx: &Tx| {
        if tx.fetch_optional(&held).await?.is_none() {
            return Err(RelayError::Fenced);
        }
        tx.execute(&mark).await?;
        Ok(())
    })
    .await
}

fn marking(ranges: Vec<RangeInclusive<i64>>, now: i64) -> UpdateStatement {
    Query::update()
        .table("outbox_event")
        .value("published", 1_i64)
        .value("published_at", now)
        .cond_where(are_among(ranges))
        .and_where(Expr::col("published").eq(0_i64))
        .and_where(parked::is_not_parked())
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_follow_each_other_are_one_range() {
        let mut pending = Pending::default();
        pending.add(vec![3, 1, 2]);
        pending.add(vec![4, 9, 8]);
        pending.add(vec![5]);
        assert_eq!(pending.ranges, [1..=4, 8..=9, 5..=5]);
    }

    #[test]
    fn no_transaction_marks_more_than_its_share() {
        let mut long = VecDeque::from([1..=2_500, 5_000..=5_000]);
        assert_eq!(portion(&mut long), [1..=2_000]);
        assert_eq!(portion(&mut long), [2_001..=2_500, 5_000..=5_000]);
        assert_eq!(portion(&mut long), []);
        let mut scattered: VecDeque<_> = (0..401).map(|seq| seq * 2..=seq * 2).collect();
        assert_eq!(portion(&mut scattered).len(), 200);
        assert_eq!(scattered.front(), Some(&(400..=400)));
    }

    #[test]
    fn a_round_leaves_a_long_backlog_for_later_and_few_scattered_rows() {
        let mut pending = Pending::default();
        pending.add((1..=1_000_000).collect());
        let round = pending.round();
        assert_eq!((round.portions, round.later), (vec![vec![1..=2_000]], vec![2_001..=1_000_000]));
        assert_eq!(pending.round().portions, [[2_001..=4_000]]);
        let mut pending = Pending::default();
        pending.add((0..450).map(|seq| seq * 2).collect());
        let round = pending.round();
        assert_eq!(round.portions.iter().map(Vec::len).collect::<Vec<_>>(), [200, 200]);
        assert_eq!(round.later.len(), 50);
    }

    /// How long a round waits while so many rows come every 10 ms.
    async fn waits_while_rows_come(rows: i64) -> Duration {
        let marks = Marks { pending: Mutex::default(), news: Notify::new(), saved: watch::Sender::default() };
        let begun = Instant::now();
        let coming = async {
            let mut ticks = time::interval(Duration::from_millis(10));
            for first in (1..).step_by(usize::try_from(rows).unwrap()) {
                ticks.tick().await;
                marks.add((first..first + rows).collect(), first, None);
            }
        };
        tokio::select! {
            _ = marks.take(begun) => begun.elapsed(),
            () = coming => unreachable!("rows come for ever"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn rows_of_a_backlog_are_marked_now_and_then_and_others_soon() {
        assert_eq!(waits_while_rows_come(10).await.as_millis(), 100);
        assert!(waits_while_rows_come(1_000).await >= Duration::from_secs(1));
    }
}
