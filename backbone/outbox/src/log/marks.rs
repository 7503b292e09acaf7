//! Rows are marked as published in bulk, beside the way of those that are being published, and the place in the log
//! follows.
//!
//! Each mark is in the log itself, which whoever reads it has to go through: after a long backlog the marks would keep
//! the next rows waiting for as long as they take. So only some are made in each round, those of the rows that came last
//! before others; the others are written down beside the place, which does not wait for them. Who asks for rows by
//! [`page`](crate::page) hears of these as well that they are published.

use std::{cmp, mem, time::Duration};

use hexalpes_capture::Position;
use hexalpes_db::{Db, DbError, Tx};
use hexalpes_kernel::Edge;
use parking_lot::Mutex;
use sea_query::{Expr, ExprTrait as _, Query, UpdateStatement};
use tokio::{
    sync::{Notify, watch},
    time::{self, Instant},
};

use super::{
    place::{self, Place},
    runs::Runs,
};
use crate::{
    checkpoint::{Claim, is_source},
    parked,
    relay::RelayError,
};

/// Rows that one transaction marks, and the pieces that it names them by.
const ROWS_MAX: u32 = 2_000;
const PIECES_MAX: usize = 200;
/// Rows of a backlog that are marked in a second beside those that come, which wait for what marks take from the database.
const BESIDE_MANY: u64 = 200;
/// The same while fewer come in a second than [`FEW`].
const BESIDE_FEW: u64 = 2_000;
const FEW: u64 = 100;
/// When none came for so long, nobody waits.
const QUIET_AFTER: Duration = Duration::from_secs(2);
/// Pieces that are written down, and not marked in the next round.
const PIECES_LATER_MAX: usize = 100;
/// Between two rounds: each is a commit that others wait behind.
const ROUND_EVERY: Duration = Duration::from_millis(100);
/// The same while more rows come than a round marks. They are a backlog's, which waits for whatever else the database
/// does, and reading what marks have written is part of that: none are made, and the place is written down.
const ROUND_EVERY_AMID_BACKLOG: Duration = Duration::from_secs(1);
/// After a round that took long: so many times as long, and no longer than amid a backlog. A database that has enough to do has
/// more of others' than of marks.
const PAUSE_FOR_ROUND: u32 = 4;
/// Between two places while nothing is published: what is written down is itself in the log.
const IDLE_EVERY: Duration = Duration::from_secs(10);

/// What has its receipts and is not marked yet. Rows come nearly in the order of their numbers, so that a long backlog is a
/// few pieces.
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

#[derive(Debug)]
struct Pending {
    rows: Runs,
    /// Rows that came since that was looked at last.
    came: u64,
    /// When there was a look that found some.
    busy: Instant,
    /// Up to where the checkpoint was when the last of them came.
    checkpoint: i64,
    place: Option<Place>,
    is_closed: bool,
}

/// What is done at once.
struct Round {
    /// To be marked, each in a transaction of its own.
    portions: Vec<Runs>,
    /// To be marked later.
    later: Runs,
    checkpoint: i64,
    place: Option<Place>,
    is_closed: bool,
}

impl Pending {
    fn new(rows: Runs, checkpoint: i64) -> Self {
        Self { rows, came: 0, busy: Instant::now(), checkpoint, place: None, is_closed: false }
    }

    fn add(&mut self, mut seqs: Vec<i64>) {
        self.came += seqs.len() as u64;
        seqs.sort_unstable();
        self.rows.extend(seqs);
    }

    /// How many rows a round marks that is so long after the last one: those that came, and some others. None amid a backlog:
    /// so it stays in one piece.
    fn budget(&mut self, after: Duration) -> u32 {
        let came = mem::take(&mut self.came);
        if came > 0 {
            self.busy = Instant::now();
        }
        if self.busy.elapsed() >= QUIET_AFTER {
            return ROWS_MAX;
        }
        if came > u64::from(ROWS_MAX) {
            return 0;
        }
        let millis = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        let a_second = if came * 1_000 < FEW * millis { BESIDE_FEW } else { BESIDE_MANY };
        let others = a_second.saturating_mul(millis) / 1_000;
        u32::try_from(came + others).map_or(ROWS_MAX, |rows| cmp::min(rows, ROWS_MAX))
    }

    /// One portion of so many, and as many more as leave few enough pieces for later.
    fn round(&mut self, budget: u32) -> Round {
        let mut portions = Vec::new();
        if budget > 0 && !self.rows.is_empty() {
            portions.push(portion(&mut self.rows, budget));
        }
        while self.rows.pieces() > PIECES_LATER_MAX {
            portions.push(portion(&mut self.rows, ROWS_MAX));
        }
        let later = self.rows.clone();
        let Self { checkpoint, is_closed, .. } = *self;
        Round { portions, later, checkpoint, place: self.place.take(), is_closed }
    }
}

impl Marks {
    fn of(pending: Pending) -> Self {
        Self { pending: Mutex::new(pending), news: Notify::new(), saved: watch::Sender::default() }
    }

    /// With what an earlier session has left, which has come to that checkpoint.
    pub(crate) async fn load(db: &Db, checkpoint: i64) -> Result<Self, DbError> {
        let rows = db.read(place::unmarked).await?;
        Ok(Self::of(Pending::new(rows, checkpoint)))
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
        let (mut last, mut every) = (Instant::now(), ROUND_EVERY);
        let mut written = self.pending.lock().rows.clone();
        loop {
            let Round { portions, later, checkpoint, place, is_closed } = self.take(last, every).await;
            let begun = Instant::now();
            for portion in portions {
                mark(db, claim, checkpoint, &portion, edge.now().as_micros()).await?;
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
            every = (PAUSE_FOR_ROUND * (last - begun)).clamp(ROUND_EVERY, ROUND_EVERY_AMID_BACKLOG);
        }
    }

    /// Waits for the next round, and for something to do.
    async fn take(&self, last: Instant, every: Duration) -> Round {
        let mut looked = last;
        let budget = loop {
            let (is_due_at, is_urgent) = {
                let pending = self.pending.lock();
                let is_chunk = pending.place.as_ref().is_some_and(|place| place.position.is_none());
                let due = match (&pending.place, pending.rows.is_empty()) {
                    (_, false) => Some(looked + every),
                    (Some(_), true) => Some(last + IDLE_EVERY),
                    (None, true) => None,
                };
                // The next rows of a snapshot wait for it.
                (due, pending.is_closed || is_chunk)
            };
            if is_urgent {
                break ROWS_MAX;
            }
            match is_due_at {
                Some(due) if due <= Instant::now() => {
                    let budget = self.pending.lock().budget(last.elapsed());
                    if budget > 0 || last.elapsed() >= ROUND_EVERY_AMID_BACKLOG {
                        break budget;
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
        };
        self.pending.lock().round(budget)
    }
}

/// Marks all that is written down as not marked, for who forgets where the log is, in their transaction.
pub(crate) async fn settle(tx: &Tx, now: i64) -> Result<(), DbError> {
    let mut rows = place::unmarked(tx).await?;
    while !rows.is_empty() {
        tx.execute(&marking(&portion(&mut rows, ROWS_MAX), now)).await?;
    }
    Ok(())
}

/// Takes what one transaction marks.
fn portion(rows: &mut Runs, rows_max: u32) -> Runs {
    rows.take_last(rows_max, PIECES_MAX)
}

/// Refused if the claim was lost meanwhile, or the checkpoint is before these rows: then this is another database than
/// the one that they were read from, which may give their numbers to others.
async fn mark(db: &Db, claim: &Claim, checkpoint: i64, rows: &Runs, now: i64) -> Result<(), RelayError> {
    let mark = marking(rows, now);
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

fn marking(rows: &Runs, now: i64) -> UpdateStatement {
    Query::update()
        .table("outbox_event")
        .value("published", 1_i64)
        .value("published_at", now)
        .cond_where(rows.have())
        .and_where(Expr::col("published").eq(0_i64))
        .and_where(parked::is_not_parked())
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending(seqs: impl IntoIterator<Item = i64>) -> Pending {
        let mut pending = Pending::new(Runs::default(), 0);
        pending.add(seqs.into_iter().collect());
        pending
    }

    #[test]
    fn rows_that_come_together_are_taken_in_the_order_of_their_numbers() {
        let mut pending = pending([3, 1, 2]);
        pending.add(vec![4, 9, 8]);
        pending.add(vec![5]);
        assert_eq!(pending.rows, Runs::of([1, 2, 3, 4, 8, 9, 5]));
    }

    #[test]
    fn no_transaction_marks_more_than_its_share() {
        let mut long = Runs::of((1..=2_500).chain([5_000]));
        assert_eq!(portion(&mut long, ROWS_MAX), Runs::of((502..=2_500).chain([5_000])));
        assert_eq!(portion(&mut long, ROWS_MAX), Runs::of(1..=501));
        assert_eq!(portion(&mut long, ROWS_MAX), Runs::default());
        let mut scattered = Runs::of((0..900).map(|row| row * row));
        assert_eq!(portion(&mut scattered, ROWS_MAX).pieces(), 200);
        assert_eq!(scattered.pieces(), 251);
    }

    #[test]
    fn a_round_leaves_a_long_backlog_for_later_and_few_scattered_rows() {
        let mut long = pending(1..=1_000_000);
        let round = long.round(ROWS_MAX);
        assert_eq!(
            (round.portions, round.later),
            (vec![Runs::of(998_001..=1_000_000)], Runs::of(1..=998_000))
        );
        assert_eq!(long.round(ROWS_MAX).portions, [Runs::of(996_001..=998_000)]);
        // Where the server leaves out six of seven numbers, as well.
        let round = pending((0..1_000_000).map(|row| row * 7)).round(ROWS_MAX);
        assert_eq!((round.portions.len(), round.later.pieces()), (1, 1));
        // Numbers at ever greater distances.
        let round = pending((0..900).map(|row| row * row)).round(ROWS_MAX);
        let pieces: Vec<usize> = round.portions.iter().map(Runs::pieces).collect();
        assert_eq!((pieces, round.later.pieces()), (vec![PIECES_MAX, PIECES_MAX], 51));
    }

    #[test]
    fn rows_that_come_are_marked_at_once_and_few_of_a_backlog_beside_them() {
        let mut pending = pending(1..=100_000);
        pending.came = 0;
        let mut marked = |came: i64, next: i64, millis: u64| {
            pending.add((next..next + came).collect());
            let budget = pending.budget(Duration::from_millis(millis));
            pending.round(budget).portions.pop()
        };
        assert_eq!(marked(300, 100_001, 100), Some(Runs::of(99_981..=100_300)));
        assert_eq!(marked(10, 100_301, 100), Some(Runs::of((99_961..=99_980).chain(100_301..=100_310))));
        // A round that took long.
        assert_eq!(marked(100, 100_311, 500), Some(Runs::of((99_861..=99_960).chain(100_311..=100_410))));
        // Fewer come.
        assert_eq!(marked(1, 100_411, 100), Some(Runs::of((99_661..=99_860).chain([100_411]))));
        assert_eq!(marked(0, 0, 100), Some(Runs::of(99_461..=99_660)));
    }

    #[test]
    fn a_backlog_that_comes_stays_in_one_piece() {
        let mut pending = pending([]);
        for first in (0..300).map(|second| second * 60_000) {
            pending.add((first..first + 60_000).collect());
            let budget = pending.budget(ROUND_EVERY_AMID_BACKLOG);
            let round = pending.round(budget);
            assert_eq!((round.portions.len(), round.later.pieces()), (0, 1));
        }
    }

    /// How long a round waits while so many rows come every 10 ms.
    async fn waits_while_rows_come(rows: i64) -> Duration {
        let marks = Marks::of(Pending::new(Runs::default(), 0));
        let begun = Instant::now();
        let coming = async {
            let mut ticks = time::interval(Duration::from_millis(10));
            for first in (1..).step_by(usize::try_from(rows).unwrap()) {
                ticks.tick().await;
                marks.add((first..first + rows).collect(), first, None);
            }
        };
        tokio::select! {
            _ = marks.take(begun, ROUND_EVERY) => begun.elapsed(),
            () = coming => unreachable!("rows come for ever"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn rows_of_a_backlog_are_marked_now_and_then_and_others_soon() {
        assert_eq!(waits_while_rows_come(10).await.as_millis(), 100);
        assert!(waits_while_rows_come(1_000).await >= Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_backlog_is_marked_as_fast_as_can_be_when_none_came_for_a_while() {
        let marks = Marks::of(Pending::new(Runs::of(1..=100_000), 0));
        let round = async || marks.take(Instant::now(), ROUND_EVERY).await.portions.pop().unwrap();
        assert_eq!(round().await, Runs::of(99_801..=100_000));
        time::advance(QUIET_AFTER).await;
        assert_eq!(round().await, Runs::of(97_801..=99_800));
        marks.add(vec![100_001], 100_001, None);
        assert_eq!(round().await, Runs::of((97_601..=97_800).chain([100_001])));
    }
}
