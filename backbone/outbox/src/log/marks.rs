//! Rows are marked as published in bulk, beside the way of those that are being published; then the place in the log
//! follows.

use std::{mem, ops::RangeInclusive, time::Duration};

use hexalpes_capture::Position;
use hexalpes_db::{Db, DbError, Tx};
use hexalpes_kernel::Edge;
use parking_lot::Mutex;
use sea_query::{Condition, Expr, ExprTrait as _, Query};
use tokio::{
    sync::{Notify, watch},
    time::{self, Instant},
};

use super::place::Place;
use crate::{checkpoint::Claim, parked, relay::RelayError};

/// Rows that one transaction marks, and the ranges of numbers that it names them by.
const ROWS_MAX: u64 = 2_000;
const RANGES_MAX: usize = 200;
/// Between two rounds: each is a commit that others wait behind.
const ROUND_EVERY: Duration = Duration::from_millis(100);
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
    ranges: Vec<RangeInclusive<i64>>,
    place: Option<Place>,
    is_closed: bool,
}

impl Pending {
    fn add(&mut self, mut seqs: Vec<i64>) {
        seqs.sort_unstable();
        for seq in seqs {
            match self.ranges.last_mut() {
                Some(last) if *last.end() + 1 == seq => *last = *last.start()..=seq,
                _ => self.ranges.push(seq..=seq),
            }
        }
    }
}

impl Marks {
    pub(crate) fn new() -> Self {
        Self { pending: Mutex::default(), news: Notify::new(), saved: watch::Sender::default() }
    }

    /// These rows have their receipts, and with them all up to that place, if one is given.
    pub(crate) fn add(&self, seqs: Vec<i64>, place: Option<Place>) {
        let mut pending = self.pending.lock();
        pending.add(seqs);
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

    /// Marks what comes, until it is closed and all is marked.
    pub(crate) async fn run(&self, db: &Db, claim: &Claim, edge: &dyn Edge) -> Result<(), RelayError> {
        let mut last = Instant::now();
        loop {
            let Pending { ranges, place, is_closed } = self.take(last).await;
            for some in portions(ranges) {
                mark(db, some, edge.now().as_micros()).await?;
            }
            if let Some(place) = place {
                place.save(db, claim).await?;
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
    async fn take(&self, last: Instant) -> Pending {
        loop {
            let (is_due_at, is_closed) = {
                let pending = self.pending.lock();
                let is_chunk = pending.place.as_ref().is_some_and(|place| place.position.is_none());
                // The next rows of a snapshot wait for it.
                let wait = match (&pending.place, pending.ranges.is_empty()) {
                    _ if is_chunk => Some(Duration::ZERO),
                    (_, false) => Some(ROUND_EVERY),
                    (Some(_), true) => Some(IDLE_EVERY),
                    (None, true) => None,
                };
                (wait.map(|wait| last + wait), pending.is_closed)
            };
            match is_due_at {
                Some(due) if is_closed || due <= Instant::now() => break,
                Some(due) => {
                    tokio::select! {
                        () = time::sleep_until(due) => {}
                        () = self.news.notified() => {}
                    }
                }
                None if is_closed => break,
                None => self.news.notified().await,
            }
        }
        let mut pending = self.pending.lock();
        let is_closed = pending.is_closed;
        Pending { is_closed, ..mem::take(&mut *pending) }
    }
}

/// What each transaction marks.
fn portions(ranges: Vec<RangeInclusive<i64>>) -> Vec<Vec<RangeInclusive<i64>>> {
    let mut portions = vec![Vec::new()];
    let mut room = ROWS_MAX;
    for range in ranges {
        let (mut from, to) = range.into_inner();
        while from <= to {
            if room == 0 || portions.last().is_some_and(|last| last.len() == RANGES_MAX) {
                portions.push(Vec::new());
                room = ROWS_MAX;
            }
            let rows = Ord::min(room, (to - from).unsigned_abs() + 1);
            let next = from + rows.cast_signed();
            if let Some(last) = portions.last_mut() {
                last.push(from..=next - 1);
            }
            room -= rows;
            from = next;
        }
    }
    portions.retain(|portion| !portion.is_empty());
    portions
}

async fn mark(db: &Db, ranges: Vec<RangeInclusive<i64>>, now: i64) -> Result<(), DbError> {
    let mut these = Condition::any();
    for range in ranges {
        let (from, to) = range.into_inner();
        these = these.add(Expr::col("seq").between(from, to));
    }
    let mark = Query::update()
        .table("outbox_event")
        .value("published", 1_i64)
        .value("published_at", now)
        .cond_where(these)
        .and_where(Expr::col("published").eq(0_i64))
        .and_where(parked::is_not_parked())
        .to_owned();
    db.upkeep(async move |tx: &Tx| tx.execute(&mark).await.map(drop)).await
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
        let long = portions(vec![1..=4_500, 5_000..=5_000]);
        assert_eq!(long, [vec![1..=2_000], vec![2_001..=4_000], vec![4_001..=4_500, 5_000..=5_000]]);
        let scattered = portions((0..401).map(|seq| seq * 2..=seq * 2).collect());
        assert_eq!(scattered.iter().map(Vec::len).collect::<Vec<_>>(), [200, 200, 1]);
    }
}
