//! What a relay does: finds out where everything is, then sends and confirms at the same time.

use std::{
    mem,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use futures::future;
use hexalpes_client::Client;
use hexalpes_db::Db;
use hexalpes_kernel::Edge;
use hexalpes_routing::Rule;
use hexalpes_worker::Job;
use parking_lot::Mutex;
use tokio::{
    sync::{Semaphore, mpsc, watch},
    time::{self, Instant},
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{
    RelayError,
    feed::Feed,
    flight::Flight,
    reader::{Finished, Reader},
    tail,
    topic::Topic,
    topics::{ROWS_IN_FLIGHT_MAX, Topics, Ways},
};
use crate::{
    checkpoint::{self, Checkpoint, Claim, Claimed},
    layout::Layouts,
    log::{feed::LogFeed, marks::Marks, source::AnySource},
    message, operate,
    parking::Parking,
    row::{self, OutboxRow},
    rules::Rules,
    shape::{Blank, Shape},
    status::Counters,
};

/// Between two checkpoints, each of which is a commit that others wait behind. What it does not say yet after a
/// crash, the broker knows.
const CHECKPOINT_EVERY: Duration = Duration::from_millis(25);
/// How long a relay that is told to stop waits for receipts. Rows that have none then are settled by the
/// next start.
const STOP_PATIENCE: Duration = Duration::from_secs(2);
/// The same where nothing more can be read because the database does not answer: what has receipts can hardly be written down then.
const AWAY_PATIENCE: Duration = Duration::from_millis(200);
/// Parked rows that are tried before others have their turn: each is sent alone, and waits for its receipts.
const PARKED_AT_ONCE_MAX: usize = 16;
/// Between two such turns, if there are no others.
const TRY_EVERY: Duration = Duration::from_millis(2);

pub(super) struct Work {
    pub(super) db: Db,
    pub(super) client: Client,
    pub(super) edge: Arc<dyn Edge>,
    pub(super) service: String,
    pub(super) ways: Ways,
    pub(super) rules: Arc<[Rule]>,
    /// Whose log is read; none where the table's own numbers are the order of the commits.
    pub(super) source: Option<Arc<dyn AnySource>>,
    /// What the columns of its rows are.
    pub(super) shape: Arc<dyn Shape>,
    /// Set when it is to pause.
    pub(super) paused: watch::Sender<bool>,
    /// How many parked rows are to be tried, when that may have changed.
    pub(super) to_try: watch::Sender<u64>,
    pub(super) counters: Arc<Mutex<Counters>>,
}

/// What is open, and where the relay goes on.
pub(super) struct Session {
    topics: Topics,
    claim: Claim,
    checkpoint: Checkpoint,
    /// The event there, where a log is read.
    last_event: Option<String>,
    feed: Feed,
    /// Rows from a log that are to be marked.
    marks: Option<Marks>,
    /// Up to here topics have rows that the checkpoint does not know of: nothing is settled before they came by.
    hold: i64,
    /// No row after it was ever sent.
    sent: i64,
    parking: Parking,
}

impl Job for Work {
    type Session = Session;
    type Error = RelayError;

    async fn open(&mut self) -> Result<Session, RelayError> {
        // None yet is worth a line, too.
        self.count_errors(0);
        let epoch = checkpoint::load_or_mint(&self.db, self.edge.uuid()).await?;
        if let Some(by) = operate::paused(&self.db).await? {
            return Err(RelayError::Paused(by));
        }
        self.paused.send_replace(false);
        // Before it takes the names. When the broker comes back, whoever has the log takes them again, and a relay that only
        // waits would have them for a moment and keep it from that.
        if let Some(source) = &self.source {
            source.check().await?;
        }
        let ways = self.ways.clone();
        let mut topics = Topics::open(self.client.clone(), &self.service, ways, &epoch).await?;
        // Only now: until it lost the names, another relay may have moved the checkpoint. This session's own: what the one
        // before it was writing down when it ended may still be tried, and would take back what this one has written.
        let claim = Claim { epoch, holder: self.edge.uuid().simple().to_string() };
        let Claimed { checkpoint, last_event, sent } = checkpoint::claim(&self.db, &claim).await?;
        let marks = match self.source {
            Some(_) => Some(Marks::load(&self.db, checkpoint.ordinal).await?),
            None => None,
        };
        let (mut feed, newest) = self.feed(&claim, checkpoint, marks.as_ref()).await?;
        let layouts = Layouts::load(self.db.clone(), claim.clone(), checkpoint.ordinal).await?;
        // What a copy of the database has noted may be less than was sent since.
        let sent = sent.map_or(newest, |noted| noted.max(checkpoint.ordinal).max(topics.furthest()));
        let rules = Rules::load(&self.db, &claim, &self.rules, checkpoint.ordinal, sent).await?;
        topics.begin(layouts, rules, sent).await?;
        let (raw, events) = future::try_join(
            self.stored(&topics.raw, topics.name(), checkpoint, newest),
            self.stored(&topics.events, topics.name(), checkpoint, newest),
        )
        .await?;
        let mut hold = 0;
        if let Feed::Log(log) = &mut feed {
            if let Some(id) = &last_event {
                log.expect(topics.raw.name(), checkpoint.ordinal, id.clone());
            }
            for Tail { place, ordinal, id } in raw.tails.into_iter().chain(events.tails) {
                log.expect(&place, ordinal, id);
            }
            log.ask_for_the_end().await?;
            hold = log.expected();
            if topics.are_all_of_events() {
                log.are_everywhere(raw.last.iter().chain(&events.last).copied().min().unwrap_or(0));
            }
        }
        topics.raw.stored = raw.last;
        topics.events.stored = events.last;
        let parking = Parking::load(&self.db, &claim, &self.shape).await?;
        Ok(Session { topics, claim, checkpoint, last_event, feed, marks, hold, sent, parking })
    }

    async fn run(&mut self, mut session: Session, stop: &CancellationToken) -> Result<(), RelayError> {
        loop {
            Box::pin(self.session(session, stop)).await?;
            let opened = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                opened = self.open() => opened,
            };
            session = opened?;
        }
    }
}

impl Work {
    /// Sends and confirms until it is told to stop, or a topic has partitions that another session would use.
    async fn session(&self, session: Session, stop: &CancellationToken) -> Result<(), RelayError> {
        let Session { mut topics, claim, checkpoint, last_event, feed, marks, hold, sent, mut parking } =
            session;
        let mut reader = Reader::start(feed);
        let away = reader.away();
        // When it is to end; when it does, and only waits for receipts any more.
        let (end, ends, grown) = (stop.child_token(), stop.child_token(), topics.grown());
        let (counting, flights) = mpsc::unbounded_channel();
        let (moved, reached) = watch::channel(checkpoint.ordinal);
        let hold_back = Hold { through: hold, reached };
        let sent = Sent { flights: counting, hold: hold_back, last: checkpoint.ordinal, ever: sent };
        let work = async {
            let send = async {
                let sending = self.send(&mut topics, &mut reader, &mut parking, sent, stop, &end).await;
                // What nobody sends is not written down either. What is sent is, also when there is nothing more to read.
                reader.end();
                ends.cancel();
                sending
            };
            let from = Reached { checkpoint, last_event, moved };
            let confirm = self.confirm(&claim, from, flights, marks.as_ref(), hold);
            let mark = async {
                match &marks {
                    Some(marks) => marks.run(&self.db, &claim, &*self.edge).await,
                    None => Ok(()),
                }
            };
            let (ever, (), ()) = Box::pin(future::try_join3(send, confirm, mark)).await?;
            // Told to stop while it sent, it has rows on their way that nobody counts.
            topics.close().await;
            Ok(Some(Settled { ever }))
        };
        let mut paused = self.paused.subscribe();
        let end_when_grown = async {
            tokio::select! {
                () = grown => {}
                _ = paused.wait_for(|paused| *paused) => {}
            }
            end.cancel();
            future::pending::<()>().await;
        };
        let ended = tokio::select! {
            outcome = work => outcome.inspect_err(|why| self.count_error(why)),
            () = end_when_grown => Ok(None),
            () = overdue(&ends, &away) => {
                warn!(relay.service = self.service, "stops before all receipts are there");
                Ok(None)
            }
        };
        // Before the next session opens the log, this one has left it.
        let Finished { feed, failure } = reader.stop().await;
        let ended = ended?;
        if let Some(why) = failure {
            return Err(why);
        }
        if let Some(Settled { ever }) = ended
            && let Feed::Log(mut log) = feed
        {
            // What it is not told now it is told when the next session has come further.
            time::timeout(STOP_PATIENCE, log.confirm()).await.unwrap_or(Ok(()))?;
            if let Some(ever) = ever {
                // Where it is not known, more may have been sent than was.
                let noted = time::timeout(STOP_PATIENCE, checkpoint::ended(&self.db, &claim, ever)).await;
                noted.unwrap_or(Ok(()))?;
            }
        }
        Ok(())
    }

    /// What is read from now on, and the last row that may have been sent before.
    async fn feed(
        &self,
        claim: &Claim,
        checkpoint: Checkpoint,
        marks: Option<&Marks>,
    ) -> Result<(Feed, i64), RelayError> {
        let (Some(source), Some(marks)) = (&self.source, marks) else {
            let newest = row::newest_seq(&self.db).await?.max(checkpoint.ordinal);
            return Ok((Feed::of_table(&self.db, checkpoint.ordinal), newest));
        };
        let opened =
            LogFeed::open(&self.db, claim, source, &self.shape, checkpoint, &self.counters, marks.saved())
                .await?;
        // How far the log goes is known when it is read; how far it was sent is bounded.
        let sent = checkpoint.ordinal + i64::try_from(ROWS_IN_FLIGHT_MAX).expect("it is a small number");
        Ok((Feed::Log(Box::new(opened)), sent))
    }

    /// Up to where a topic of events has our rows, in each partition, whatever happened to either side. No row after
    /// `newest` was ever sent.
    async fn stored(
        &self,
        topic: &Topic,
        producer: &str,
        checkpoint: Checkpoint,
        newest: i64,
    ) -> Result<Stored, RelayError> {
        let told = &topic.stored;
        let furthest = told.iter().copied().max().unwrap_or(-1).max(0);
        // The last row is in one of them. Where nothing is known of a partition, nothing may have been there.
        if furthest == checkpoint.events && (told.len() == 1 || told.iter().all(|told| *told >= 0)) {
            return Ok(Stored { last: told.clone(), tails: Vec::new() });
        }
        // Beyond the checkpoint: the last relay died before it could note it; or the database is an older
        // copy. Below it: the broker forgot the producer, as it does when one is away for long; or it lost
        // data. The topic's messages tell which.
        let is_log = self.source.is_some();
        let restored = |stored| match topic.name().to_owned() {
            topic if is_log => RelayError::NeverSent { topic, stored, sent: newest },
            topic => RelayError::DatabaseRestored { topic, stored, newest },
        };
        if furthest > newest {
            return Err(restored(furthest));
        }
        let (mut stored, mut tails) = (Vec::new(), Vec::new());
        for (place, told) in topic.places().iter().zip(told) {
            let last = tail::last_of(&self.client, place, producer).await?;
            let found = last.as_ref().map_or(-1, |last| last.sequence_id.cast_signed());
            if let Some(published) = last.as_ref().and_then(message::event_id) {
                if is_log {
                    tails.push(Tail { place: place.clone(), ordinal: found, id: published });
                } else if found <= newest
                    && let Some(kept) = row::id_of(&self.db, found).await?
                    && published != kept
                {
                    return Err(RelayError::OtherEvent { topic: place.clone(), row: found, published, kept });
                }
            }
            stored.push(found.max(*told));
        }
        let furthest = stored.iter().copied().max().unwrap_or(-1).max(0);
        if furthest > newest {
            return Err(restored(furthest));
        }
        if furthest < checkpoint.events {
            let (topic, published) = (topic.name().to_owned(), checkpoint.events);
            return Err(RelayError::TopicLost { topic, stored: furthest, published });
        }
        Ok(Stored { last: stored, tails })
    }

    /// With the seeds' name.
    fn count_error(&self, why: &RelayError) {
        if matches!(why, RelayError::Open { .. } | RelayError::Send(_) | RelayError::SendTogether(_)) {
            self.count_errors(1);
        }
    }

    fn count_errors(&self, errors: u64) {
        let labels = [("service", self.service.clone())];
        metrics::counter!("pulsar_event_publish_errors_total", &labels).increment(errors);
    }

    /// Sends what is read, until it is told to stop, or to `end` when what it began to send is whole, or there is no more. Says
    /// which row was ever sent last; not if it was stopped amid some.
    async fn send(
        &self,
        topics: &mut Topics,
        reader: &mut Reader,
        parking: &mut Parking,
        mut sent: Sent,
        stop: &CancellationToken,
        end: &CancellationToken,
    ) -> Result<Option<i64>, RelayError> {
        let room = Arc::new(Semaphore::new(ROWS_IN_FLIGHT_MAX));
        let mut to_try = self.to_try.subscribe();
        to_try.mark_changed();
        // Parked rows are left that are to be tried: rows that are ready go out between them.
        let mut is_trying = false;
        let mut is_amid = false;
        loop {
            // A transaction that is sent in part would begin anew, and not get further the next time.
            let is_over = if is_amid { stop.cancelled() } else { end.cancelled() };
            let read = tokio::select! {
                biased;
                () = is_over => return Ok(Some(sent.ever)),
                Ok(()) = to_try.changed(), if !is_trying => None,
                read = reader.next() => match read {
                    Some(read) => Some(read),
                    None => return Ok(Some(sent.ever)),
                },
                () = time::sleep(TRY_EVERY), if is_trying => None,
            };
            let Some((read, landing)) = read else {
                is_trying = self.try_parked(topics, parking).await?;
                continue;
            };
            is_amid = read.is_amid;
            let (held, rows) = sent.hold.split(read.rows);
            if !held.is_empty() {
                let Some(flight) = self.flight(topics, parking, &room, &held, stop).await? else {
                    return Ok(None);
                };
                sent.send(flight);
            }
            if !rows.is_empty() {
                tokio::select! {
                    () = stop.cancelled() => return Ok(Some(sent.ever)),
                    () = sent.hold.is_over() => {}
                }
            }
            let Some(mut flight) = self.flight(topics, parking, &room, &rows, stop).await? else {
                return Ok(None);
            };
            (flight.seqs, flight.place, flight.landing) = (read.seqs, read.place, Some(landing));
            sent.send(flight);
            if read.is_past_end {
                // What another session may have sent has come by.
                sent.ever = sent.last;
                topics.end_if_late(sent.ever);
            }
            if is_trying {
                is_trying = self.try_parked(topics, parking).await?;
            }
        }
    }

    /// Sends rows as soon as there is room for them. None when it is told to stop meanwhile: what of these is sent and
    /// what is not, the next start finds out.
    async fn flight(
        &self,
        topics: &mut Topics,
        parking: &mut Parking,
        room: &Arc<Semaphore>,
        rows: &[Row],
        stop: &CancellationToken,
    ) -> Result<Option<Flight>, RelayError> {
        if rows.is_empty() {
            return Ok(Some(Flight::default()));
        }
        let count = u32::try_from(rows.len().min(ROWS_IN_FLIGHT_MAX)).expect("it is a small number");
        let sending = async {
            let room = Arc::clone(room).acquire_many_owned(count).await.expect("nobody closes it");
            self.counters.lock().received += u64::from(count);
            let mut flight = topics.publish(rows, parking, &*self.edge).await?;
            flight.last_event = rows.last().and_then(id_of).map(str::to_owned);
            flight.rows = u64::from(count);
            flight.room = Some(room);
            Ok(Some(flight))
        };
        tokio::select! {
            () = stop.cancelled() => Ok(None),
            flight = sending => flight,
        }
    }

    /// Publishes some of the parked rows that an operator wants to be tried, and says whether there may be more.
    async fn try_parked(&self, topics: &mut Topics, parking: &mut Parking) -> Result<bool, RelayError> {
        for _ in 0..PARKED_AT_ONCE_MAX {
            let Some((parked, row)) = parking.next().await? else {
                parking.refresh().await?;
                return Ok(false);
            };
            match topics.publish_parked(&parked, row).await? {
                Some(refused) => parking.again(&parked, refused).await?,
                None => parking.done(&parked, self.edge.now()).await?,
            }
        }
        Ok(true)
    }

    /// Waits for receipts and moves the checkpoint behind them.
    ///
    /// Any row may be a checkpoint, since its ordinal is its place in the order of the commits.
    async fn confirm(
        &self,
        claim: &Claim,
        from: Reached,
        mut flights: mpsc::UnboundedReceiver<Flight>,
        marks: Option<&Marks>,
        hold: i64,
    ) -> Result<(), RelayError> {
        let Reached { mut checkpoint, mut last_event, moved } = from;
        let mut next = None;
        let mut due = Instant::now();
        let (mut to, mut seqs, mut place) = (checkpoint, Vec::new(), None);
        while let Some(mut first) = take(&mut next, &mut flights).await {
            first.arrive().await?;
            let mut arrived = vec![first];
            // Those that arrive until the next checkpoint is due share it.
            while let Ok(Some(mut flight)) = time::timeout_at(due, take(&mut next, &mut flights)).await {
                let Ok(outcome) = time::timeout_at(due, flight.arrive()).await else {
                    next = Some(flight);
                    break;
                };
                outcome?;
                arrived.push(flight);
            }
            for flight in &mut arrived {
                if flight.checkpoint.ordinal > to.ordinal {
                    last_event = flight.last_event.take();
                }
                to = to.joined(flight.checkpoint);
                seqs.append(&mut flight.seqs);
                place = flight.place.take().or(place);
            }
            if to.ordinal >= hold {
                match marks {
                    None => checkpoint::advance(&self.db, claim, checkpoint, to, self.edge.now()).await?,
                    Some(_) if to == checkpoint => {}
                    Some(_) => {
                        checkpoint::move_to(&self.db, claim, checkpoint, to, last_event.as_deref()).await?;
                    }
                }
                if to != checkpoint {
                    due = Instant::now() + CHECKPOINT_EVERY;
                    checkpoint = to;
                    moved.send_replace(to.ordinal);
                }
                if let Some(marks) = marks {
                    marks.add(mem::take(&mut seqs), checkpoint.ordinal, place.take());
                }
            }
            for flight in arrived {
                flight.count(&self.service);
                self.counters.lock().written += flight.rows;
            }
        }
        if let Some(marks) = marks {
            marks.close();
        }
        Ok(())
    }
}

/// A row that was read, or why it could not be.
type Row = Result<OutboxRow, Blank>;

fn id_of(row: &Row) -> Option<&str> {
    row.as_ref().map_or_else(Blank::id, |row| Some(&row.id))
}

/// Where the checkpoint is.
struct Reached {
    checkpoint: Checkpoint,
    last_event: Option<String>,
    /// Who waits for it to move.
    moved: watch::Sender<i64>,
}

/// How a session has ended that has all its receipts.
struct Settled {
    /// The last row that was ever sent, if that is known.
    ever: Option<i64>,
}

/// What is on its way, for who waits for its receipts.
struct Sent {
    flights: mpsc::UnboundedSender<Flight>,
    hold: Hold,
    /// The last row that came by.
    last: i64,
    /// No row after it was ever sent, by this session or another.
    ever: i64,
}

impl Sent {
    fn send(&mut self, flight: Flight) {
        self.last = self.last.max(flight.checkpoint.ordinal);
        self.ever = self.ever.max(self.last);
        // It fails only if the other half did, which ends this one as well.
        let _ = self.flights.send(flight);
    }
}

/// Up to where topics have rows that the checkpoint does not know of. It does not move before these came by, and until it
/// does, nothing behind them is sent: the next start expects nothing further from it than what may be on its way at once.
struct Hold {
    through: i64,
    /// Where the checkpoint is.
    reached: watch::Receiver<i64>,
}

impl Hold {
    /// Those up to there, as long as that is not over; and the others.
    fn split(&self, mut rows: Vec<Row>) -> (Vec<Row>, Vec<Row>) {
        if *self.reached.borrow() >= self.through {
            return (Vec::new(), rows);
        }
        let ordinal = |row: &Row| row.as_ref().map_or_else(Blank::ordinal, |row| row.ordinal);
        let behind = rows.partition_point(|row| ordinal(row) <= self.through);
        let others = rows.split_off(behind);
        (rows, others)
    }

    async fn is_over(&mut self) {
        // It fails only if the other half did, which ends this one as well.
        let through = self.through;
        let _ = self.reached.wait_for(|reached| *reached >= through).await;
    }
}

/// Up to where a topic has our rows, in each partition.
struct Stored {
    last: Vec<i64>,
    /// The last rows that were found there, where somebody had to look, and a log tells later whether they are ours.
    tails: Vec<Tail>,
}

/// The last row in a partition.
struct Tail {
    place: String,
    ordinal: i64,
    id: String,
}

async fn take(next: &mut Option<Flight>, flights: &mut mpsc::UnboundedReceiver<Flight>) -> Option<Flight> {
    match next.take() {
        Some(flight) => Some(flight),
        None => flights.recv().await,
    }
}

async fn overdue(ends: &CancellationToken, away: &AtomicBool) {
    ends.cancelled().await;
    time::sleep(if away.load(Relaxed) { AWAY_PATIENCE } else { STOP_PATIENCE }).await;
}
