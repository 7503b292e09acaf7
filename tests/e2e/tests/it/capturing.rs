//! kill −9 of relay, broker and database, or of all of them, at drawn points, while many write into an outbox on a server: every row that was
//! committed is on the topics once, and those of an aggregate are there in the order of their commits.
//!
//! Each test has servers of its own, for it kills them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hexalpes_client::{Client, ClientOptions, ConsumerOptions};
use hexalpes_e2e::{CaptureStage, Captured, Dice, PATIENCE, Part, Writers, messages, rounds};
use hexalpes_engines::{Engine, Pulsar, database_server, eventually, killable, last_lines, pulsar};
use hexalpes_outbox::{EVENTS_TOPIC, RAW_TOPIC};

/// Kills of each database's test.
const KILLS: usize = 6;
/// So many kills of other processes take as long as one of a real Pulsar.
const KILLS_A_JVM: usize = 20;
/// A Pulsar that was killed while it made topics says for half a minute and more that none of its bookies is well.
const A_JVMS_PATIENCE: Duration = Duration::from_mins(2);
/// After so many, everything is compared.
const KILLS_AN_EPISODE: usize = 10;
/// What the outbox of another program has when it is read for the first time: some chunks.
const ROWS_BEFORE: usize = 4_000;
/// Commits between two kills, at most.
const COMMITS: usize = 150;
/// So long a part stays away, at most.
const AWAY_MS: usize = 1_500;
/// Aimed at: after the return of what was away, rows arrive again within this. In a long run nine of ten must, of each part, and
/// all within twice as long.
const SILENCE: Duration = Duration::from_secs(2);
/// The same of CI's few returns, on a machine that others keep busy.
const SILENCE_IN_CI: Duration = Duration::from_secs(10);
/// Of what the relays have printed, where rows came late.
const LINES_SHOWN_MAX: usize = 60;
/// Aimed at: a relay that waits takes over within this; asserted in a long run.
const TAKEN_OVER: Duration = Duration::from_secs(5);
/// Likewise in CI.
const TAKEN_OVER_IN_CI: Duration = Duration::from_secs(15);
/// Written while the broker is away: 100,000 rows of a long run.
const BACKLOG_ROUNDS: usize = 20;
const BACKLOG_ROWS_A_ROUND: usize = 500;
/// A relay of a debug build, whatever its backlog.
const RELAY_BYTES_MAX: u64 = 250 << 20;
/// What a backlog that is five times as long may add: less than its rows have.
const RELAY_MORE_BYTES_MAX: u64 = 24 << 20;
/// Rows as large as a message may be, nearly, and enough of them for nobody to have all.
const LARGE_ROWS: usize = 48;
const LARGE_BYTES: usize = 4_000_000;
/// More than a relay has under way at once, so that a longer backlog needs no more memory.
const ROWS_ENOUGH: usize = 10_000;

async fn stage(engine: Engine, relays: usize) -> CaptureStage {
    println!("on {engine}");
    CaptureStage::set(database_server(engine).unwrap(), relays).await
}

/// Whether it was asked for more kills than CI does: what takes long then is no neighbour's fault.
fn is_long() -> bool {
    rounds(KILLS) > KILLS
}

/// How long nothing arrived after each part's return.
#[derive(Default)]
struct Silences(BTreeMap<Part, Vec<Duration>>);

impl Silences {
    /// What is amiss. Where others keep the machine busy, half of all must be there.
    fn judge(&self, is_long: bool) -> Result<(), String> {
        if !is_long {
            let mut all: Vec<Duration> = self.0.values().flatten().copied().collect();
            all.sort_unstable();
            let median = all[all.len() / 2];
            return if median < SILENCE_IN_CI { Ok(()) } else { Err(format!("{median:?} in the median")) };
        }
        for (part, all) in &self.0 {
            let late = all.iter().filter(|silence| **silence > SILENCE).count();
            if late > all.len().div_ceil(10) || all.iter().any(|silence| *silence > 2 * SILENCE) {
                return Err(format!("after the return of {part}: {all:?}"));
            }
        }
        Ok(())
    }

    fn print(mut self) {
        for (part, all) in &mut self.0 {
            all.sort_unstable();
            let (middle, longest) = (all[all.len() / 2], all[all.len() - 1]);
            let late = all.iter().filter(|silence| **silence > SILENCE).count();
            println!(
                "after the return of {part}: {} times, rows again after {} ms in the median, {} ms at most, \
                 {late} times later than {} s",
                all.len(),
                middle.as_millis(),
                longest.as_millis(),
                SILENCE.as_secs()
            );
        }
    }
}

/// Until the next message arrives at a consumer that comes now.
async fn until_the_next_row(stage: &CaptureStage, since: Instant) -> Duration {
    the_next_row_within(stage, since, PATIENCE).await
}

async fn the_next_row_within(stage: &CaptureStage, since: Instant, patience: Duration) -> Duration {
    let service = stage.service_url();
    let arriving = async {
        let client = Client::connect(ClientOptions::new(&service)).await.unwrap();
        let consumer = client.consumer(stage.events_topic(), ConsumerOptions::new("next-row")).await.unwrap();
        consumer.next().await.unwrap();
        consumer.unsubscribe().await.unwrap();
    };
    let arrived = tokio::time::timeout(patience, arriving).await;
    assert!(arrived.is_ok(), "no row arrives any more: {}", stage.logs());
    since.elapsed()
}

/// After the end of this relay, which worked or waited.
async fn taken_over(engine: Engine, stage: &CaptureStage, relay: usize) {
    let silence = until_the_next_row(stage, Instant::now()).await;
    println!("{engine}: with relay {relay} gone, the next row came after {} ms", silence.as_millis());
    let most = if is_long() { TAKEN_OVER } else { TAKEN_OVER_IN_CI };
    assert!(silence < most, "{engine}: relay {relay} is missed for {} ms", silence.as_millis());
}

/// Waits for so many more commits.
fn written(stage: &CaptureStage, writers: &Writers, commits: usize) {
    let enough = writers.answered() + commits;
    let written = eventually(PATIENCE, || (writers.answered() >= enough).then_some(()));
    assert!(written.is_some(), "nobody can write any more: {}", stage.logs());
}

/// Kills so often, while many write, and compares everything at the end.
async fn episode(stage: &mut CaptureStage, kills: usize, dice: &mut Dice, silences: &mut Silences) -> usize {
    let writers = Writers::start(&stage.db, dice.roll(1 << 30) as u64);
    kill_amid(stage, &writers, kills, dice, silences).await;
    once_and_in_order(stage, writers).await
}

async fn kill_amid(
    stage: &mut CaptureStage,
    writers: &Writers,
    kills: usize,
    dice: &mut Dice,
    silences: &mut Silences,
) {
    for _ in 0..kills {
        written(stage, writers, dice.roll(COMMITS));
        let (part, relay) = (Part::ALL[dice.roll(Part::ALL.len())], dice.roll(stage.relays.len()));
        stage.kill(part, relay);
        let away = Duration::from_millis(dice.roll(AWAY_MS) as u64);
        eventually(away, || None::<()>);
        stage.restart(part, relay);
        let returned = Instant::now();
        // Who writes has to find the database again, too.
        written(stage, writers, 1);
        let silence = until_the_next_row(stage, returned).await;
        if silence > SILENCE {
            println!(
                "{} ms after the return of {part}:\n{}",
                silence.as_millis(),
                last_lines(&stage.logs(), LINES_SHOWN_MAX)
            );
        }
        silences.0.entry(part).or_default().push(silence);
    }
}

/// Ends the writing, and says how many rows were committed.
async fn once_and_in_order(stage: &CaptureStage, writers: Writers) -> usize {
    let answered = writers.stop().await;
    stage.drained().await.unwrap();
    let captured = stage.captured().await;
    captured.compare().unwrap();
    assert!(captured.rows.len() >= answered, "an answer is a commit");
    captured.rows.len()
}

/// Kills in episodes, with another number of relays in each second one.
async fn killed(engine: Engine) {
    let mut dice = Dice::new();
    let mut silences = Silences::default();
    let (mut left, mut rows) = (rounds(KILLS), 0);
    let mut relays = 2;
    while left > 0 {
        let kills = left.min(KILLS_AN_EPISODE);
        // With a standby, and without.
        relays = 3 - relays;
        let mut stage = stage(engine, relays).await;
        rows += episode(&mut stage, kills, &mut dice, &mut silences).await;
        left -= kills;
    }
    println!("{engine}: {} kills, {rows} rows, none lost, none twice, none out of order", rounds(KILLS));
    let judged = silences.judge(is_long());
    silences.print();
    judged.unwrap_or_else(|late| panic!("{engine}: rows arrive again too late: {late}"));
}

/// Accepts S3-CMP-3.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_killed_each_committed_row_is_on_the_topics_once_and_in_order() {
    for engine in killable() {
        killed(engine).await;
    }
}

/// What an outbox has before somebody reads it.
async fn with_rows_before(stage: &CaptureStage) {
    let writers = Writers::start(&stage.db, 5);
    written(stage, &writers, 20);
    writers.stop().await;
    stage.write_backlog(ROWS_BEFORE).await;
}

/// An outbox that another program writes, which has rows already; the first kill is while they are taken.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_killed_a_source_has_each_committed_row_on_its_topics_once_and_in_order() {
    let (mut dice, kills) = (Dice::new(), rounds(KILLS) / 2);
    for engine in killable() {
        println!("on {engine}");
        let server = database_server(engine).unwrap().expect("it is a server");
        let mut stage = CaptureStage::set_for_a_source(server, 1).await;
        with_rows_before(&stage).await;
        let writers = Writers::start(&stage.db, dice.roll(1 << 30) as u64);
        written(&stage, &writers, 1);
        stage.create_source().await;
        stage.kill(Part::Relay, 0);
        stage.restart(Part::Relay, 0);
        let mut silences = Silences::default();
        kill_amid(&mut stage, &writers, kills, &mut dice, &mut silences).await;
        let rows = once_and_in_order(&stage, writers).await;
        println!("{engine}: {} kills, {rows} rows, none lost, none twice, none out of order", 1 + kills);
        let judged = silences.judge(is_long());
        silences.print();
        judged.unwrap_or_else(|late| panic!("{engine}: rows arrive again too late: {late}"));
    }
}

/// The same where somebody else's broker keeps the topics, and dies, and so do a database and the one of two relays that works.
/// The broker is away for as long as its JVM takes to begin, so one database has it in CI, and each in a long run, which brings a
/// Pulsar where there is none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_pulsar_has_each_committed_row_once_and_in_order_whatever_is_killed() {
    if pulsar().is_none() && !is_long() {
        return;
    }
    let mut dice = Dice::new();
    for engine in killable().into_iter().take(if is_long() { usize::MAX } else { 1 }) {
        println!("on {engine}");
        let server = database_server(engine).unwrap();
        let mut stage = CaptureStage::set_on_pulsar(Pulsar::start_brief().unwrap(), server, 2).await;
        let writers = Writers::start(&stage.db, dice.roll(1 << 30) as u64);
        // The first topics of a fresh JVM take seconds; nothing is taken over from one that still makes them.
        until_the_next_row(&stage, Instant::now()).await;
        for _ in 0..rounds(KILLS).div_ceil(KILLS_A_JVM) {
            // Of the relays, whichever works.
            for (part, relay) in [(Part::Relay, 0), (Part::Database, 0), (Part::Relay, 1), (Part::Broker, 0)]
            {
                written(&stage, &writers, dice.roll(COMMITS));
                stage.kill(part, relay);
                if part == Part::Broker {
                    written(&stage, &writers, dice.roll(COMMITS));
                }
                if part == Part::Relay {
                    taken_over(engine, &stage, relay).await;
                }
                stage.restart(part, relay);
                let silence = the_next_row_within(&stage, Instant::now(), A_JVMS_PATIENCE).await;
                println!("rows again {} ms after the return of {part}", silence.as_millis());
            }
        }
        let rows = once_and_in_order(&stage, writers).await;
        println!("{engine}: {rows} rows, none lost, none twice, none out of order");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_relays_on_one_outbox_the_one_goes_on_where_the_other_was() {
    for engine in killable() {
        let mut stage = stage(engine, 2).await;
        let writers = Writers::start(&stage.db, 4);
        for relay in 0..2 {
            until_the_next_row(&stage, Instant::now()).await;
            stage.kill(Part::Relay, relay);
            taken_over(engine, &stage, relay).await;
            stage.restart(Part::Relay, relay);
        }
        writers.stop().await;
        stage.drained().await.unwrap();
        stage.captured().await.compare().unwrap();
    }
}

/// The same of an outbox that another program writes, where two processes share the source: made at the one, it is taken over by the
/// other amid the rows that were there before, and by the one again. In a long run a kill of their server, and of everything, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_processes_that_share_a_source_the_one_goes_on_where_the_other_was() {
    let mut dice = Dice::new();
    for engine in killable() {
        println!("on {engine}");
        let server = database_server(engine).unwrap().expect("it is a server");
        let mut stage = CaptureStage::set_for_a_source(server, 2).await;
        with_rows_before(&stage).await;
        stage.create_source().await;
        let writers = Writers::start(&stage.db, dice.roll(1 << 30) as u64);
        for _ in 0..rounds(KILLS).div_ceil(KILLS) {
            for relay in 0..2 {
                until_the_next_row(&stage, Instant::now()).await;
                stage.kill(Part::Relay, relay);
                taken_over(engine, &stage, relay).await;
                stage.restart(Part::Relay, relay);
            }
            // In CI the outbox that one process reads has these.
            for part in [Part::Database, Part::Everything].into_iter().filter(|_| is_long()) {
                written(&stage, &writers, dice.roll(COMMITS));
                stage.kill(part, 0);
                stage.restart(part, 0);
                until_the_next_row(&stage, Instant::now()).await;
            }
        }
        let rows = once_and_in_order(&stage, writers).await;
        println!("{engine}: {rows} rows, none lost, none twice, none out of order");
    }
}

#[test]
fn rows_that_come_too_late_are_found() {
    let judged = |late: &[u64], is_long| {
        let all = (0..20).map(|at| Duration::from_secs(late.get(at).copied().unwrap_or(1))).collect();
        Silences(BTreeMap::from([(Part::Broker, all)])).judge(is_long)
    };
    assert!(judged(&[3, 3], true).is_ok() && judged(&[3; 3], true).is_err() && judged(&[5], true).is_err());
    assert!(judged(&[30; 9], false).is_ok() && judged(&[30; 11], false).is_err());
}

/// A fault, and a word that the comparison says about it.
type Plant = (&'static str, fn(&mut Captured));

const PLANTS: [Plant; 9] = [
    ("outbox-events: lost", |captured| drop(captured.events.pop())),
    ("outbox-events: lost", |captured| drop(captured.events.remove(0))),
    ("outbox_event: lost", |captured| drop(captured.changes.remove(3))),
    ("outbox-events: twice", |captured| captured.events.push(captured.events[2].clone())),
    ("outbox_event: twice", |captured| captured.changes.insert(1, captured.changes[0].clone())),
    ("outbox-events: out of order", |captured| {
        let first = captured.events[0].clone();
        let same = |seen: &hexalpes_e2e::Seen| seen.aggregate == first.aggregate && *seen != first;
        let second = captured.events.iter().position(same).unwrap();
        captured.events.swap(0, second);
    }),
    ("from nowhere", |captured| "rolled back".clone_into(&mut captured.events[4].id)),
    ("from nowhere", |captured| drop(captured.rows.pop())),
    ("another order", |captured| {
        let other = |pair: &[hexalpes_e2e::Seen]| pair[0].aggregate != pair[1].aggregate;
        let at = captured.changes.windows(2).position(other).unwrap();
        captured.changes.swap(at, at + 1);
    }),
];

/// The positive control: what the comparison is there for, it finds, in what was read and on the real topics.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_comparison_finds_what_is_lost_twice_or_out_of_order() {
    for engine in killable() {
        let mut stage = stage(engine, 1).await;
        let writers = Writers::start(&stage.db, 1);
        written(&stage, &writers, 60);
        writers.stop().await;
        stage.drained().await.unwrap();
        let captured = stage.captured().await;
        captured.compare().unwrap();
        for (number, (said, plant)) in PLANTS.iter().enumerate() {
            let mut planted = captured.clone();
            plant(&mut planted);
            let found = planted.compare().expect_err(said);
            assert!(found.contains(said), "plant {number}: {found}");
        }

        // A relay that is away leaves a row behind.
        stage.kill(Part::Relay, 0);
        let writers = Writers::start(&stage.db, 2);
        written(&stage, &writers, 1);
        writers.stop().await;
        assert!(stage.drained_within(Duration::from_secs(2)).await.unwrap_err().contains("not published"));
        assert!(stage.captured().await.compare().unwrap_err().contains("lost"));
        stage.restart(Part::Relay, 0);
        stage.drained().await.unwrap();
        stage.captured().await.compare().unwrap();

        // Somebody publishes a row once more.
        for topic in [EVENTS_TOPIC, RAW_TOPIC] {
            let service = stage.service_url();
            let first = messages(&service, topic).await.swap_remove(0);
            stage.publish(topic, first.payload.to_vec(), "aggregate-0").await;
            let found = stage.captured().await.compare().unwrap_err();
            assert!(found.contains("twice"), "{topic}: {found}");
        }
    }
}

/// As much as a night's rows. Where a fifth of them took as much, memory does not follow the backlog; of CI's few rows that
/// is not asked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backlog_of_a_broker_that_was_away_is_drained_in_order_and_in_bounded_memory() {
    let backlog = rounds(BACKLOG_ROUNDS) * BACKLOG_ROWS_A_ROUND;
    for engine in [Engine::Sqlite].into_iter().chain(killable()) {
        let mut stage = stage(engine, 1).await;
        let writers = Writers::start(&stage.db, 3);
        written(&stage, &writers, 20);
        writers.stop().await;
        let mut peaks = Vec::new();
        for rows in [backlog / 5, backlog] {
            stage.kill(Part::Broker, 0);
            stage.write_backlog(rows).await;
            let waiting = stage.memory();
            stage.restart(Part::Broker, 0);
            stage.drained().await.unwrap();
            let peak = stage.memory_peak();
            println!("{engine}: {} MB with {rows} rows waiting, {} MB at most", waiting >> 20, peak >> 20);
            peaks.push(peak);
        }
        assert!(peaks[1] < RELAY_BYTES_MAX, "the relay has taken {} MB", peaks[1] >> 20);
        // The system's own count of a peak may fall by some pages.
        let more = peaks[1].saturating_sub(peaks[0]);
        assert!(
            backlog / 5 < ROWS_ENOUGH || more < RELAY_MORE_BYTES_MAX,
            "five times the rows took {} MB more",
            more >> 20
        );
        let captured = stage.captured().await;
        assert!(captured.rows.len() > backlog + backlog / 5);
        captured.compare().unwrap();
    }
}

/// A page of small rows would be half a gigabyte of these.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backlog_of_large_rows_is_drained_in_order_and_in_bounded_memory() {
    for engine in [Engine::Sqlite].into_iter().chain(killable()) {
        let mut stage = stage(engine, 1).await;
        stage.write(12, 0).await;
        stage.drained().await.unwrap();
        stage.kill(Part::Broker, 0);
        stage.write(LARGE_ROWS, LARGE_BYTES).await;
        stage.restart(Part::Broker, 0);
        stage.drained().await.unwrap();
        let peak = stage.memory_peak();
        println!("{engine}: {} MB at most", peak >> 20);
        assert!(peak < RELAY_BYTES_MAX, "{engine}: the relay has taken {} MB", peak >> 20);
        let captured = stage.captured().await;
        assert_eq!(captured.rows.len(), 12 + LARGE_ROWS);
        captured.compare().unwrap();
    }
}
