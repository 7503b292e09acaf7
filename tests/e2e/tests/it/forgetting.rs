//! The power is cut under the whole chain, and what was not synced is gone: every answered command is in the
//! database, and its event once on each topic and once in `events.jsonl`, in the order of the commits.
//!
//! Journal, segments and the broker's metadata lie on one disk that forgets what was not synced, `events.jsonl` on
//! another. SQLite does not go through the file layer: that its writer syncs each commit is shown in `foundation/db`. Here
//! its files are copied, log and all, while commands are under way and right after the power went out on
//! both: never before, for then the broker would know events of a future that did not come.

use std::{
    fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use hexalpes_e2e::{Answered, Api, Dice, Ledger, PATIENCE, calculation, rounds};
use serde_json::json;
use tokio::{task::JoinSet, time::timeout};

use crate::life::{Disks, Life, copy_databases};

const HISTORIES: usize = 6;
/// How often the power is cut in one history.
const CUTS: usize = 4;
const CLIENTS: usize = 8;
const COMMISSIONS_EACH: usize = 6;
const ANSWERS: usize = CLIENTS * COMMISSIONS_EACH * 2;
/// Writes and syncs that the disk still does once a cut is decided, at most.
const OPERATIONS: usize = 40;

/// What clients know of one life, as they come to know it.
#[derive(Default)]
struct Clients {
    ledger: Mutex<Ledger>,
    answers: AtomicUsize,
    /// The power goes out: no further command is begun.
    ending: AtomicBool,
}

impl Clients {
    fn note(&self, conversion: &str, answered: Answered) {
        let is_answer = answered != Answered::Nothing;
        self.ledger.lock().unwrap().note(conversion.to_owned(), answered);
        self.answers.fetch_add(usize::from(is_answer), Ordering::SeqCst);
    }

    fn is_ending(&self) -> bool {
        self.ending.load(Ordering::SeqCst)
    }

    /// Calculates and approves, one after the other. Everything is noted before the next step is taken, so that
    /// what is known when [`Self::ending`] is set is all that was ever sent.
    async fn send(&self, api: &Api, name: &str) {
        for number in 0..COMMISSIONS_EACH {
            let conversion = format!("{name}-{number}");
            self.note(&conversion, Answered::Nothing);
            if self.is_ending() {
                return;
            }
            let (status, body) = api.post("/commissions/calculate", &calculation(&conversion)).await;
            assert_eq!(status, 201, "{body}");
            let commission = body["commissionId"].as_str().unwrap().to_owned();
            self.note(&conversion, Answered::Calculated { commission: commission.clone() });
            if self.is_ending() {
                return;
            }
            let (status, body) =
                api.post("/commissions/approve", &json!({ "commissionId": commission })).await;
            assert_eq!(status, 200, "{body}");
            self.note(&conversion, Answered::Approved { commission });
        }
    }
}

/// One life that ends with a cut at a drawn point, and what was known by then. Its databases are left in `after`.
async fn life_and_cut(
    disks: &Disks,
    [before, after]: [&Path; 2],
    dice: &mut Dice,
    name: &str,
    known: &mut Ledger,
) -> Result<(), String> {
    let life = Life::start(disks, before).await?;
    let clients = Arc::new(Clients::default());
    let mut sending = JoinSet::new();
    for client in 0..CLIENTS {
        let (clients, api, name) = (Arc::clone(&clients), life.api.clone(), format!("{name}-{client}"));
        sending.spawn(async move { clients.send(&api, &name).await });
    }
    let wanted = dice.roll(ANSWERS);
    until(|| clients.answers.load(Ordering::SeqCst) >= wanted).await;
    let first = [&disks.broker, &disks.events][dice.roll(2)];
    first.cut_power_after(u32::try_from(dice.roll(OPERATIONS)).unwrap());
    until(|| first.is_power_out() || clients.answers.load(Ordering::SeqCst) == ANSWERS).await;
    disks.broker.cut_power_after(0);
    disks.events.cut_power_after(0);

    clients.ending.store(true, Ordering::SeqCst);
    let ledger = clients.ledger.lock().unwrap().clone();
    copy_databases(before, after);
    while let Some(client) = sending.join_next().await {
        client.unwrap();
    }
    for (conversion, answered) in ledger.iter() {
        known.note(conversion.to_owned(), answered.clone());
    }
    Ok(())
}

async fn until(condition: impl Fn() -> bool) {
    let reached = async {
        while !condition() {
            hexalpes_engines::a_moment().await;
        }
    };
    timeout(PATIENCE, reached).await.expect("it comes to that");
}

/// Some lives on the same disks, each but the last ended by a cut; says what is wrong in the end. From the second
/// on, the disks are spoilt.
fn history(dice: &mut Dice, patience: Duration, spoil: impl Fn(&Disks)) -> Result<Ledger, String> {
    let disks = Disks::default();
    let folder = tempfile::tempdir().unwrap();
    let databases: Vec<_> = (0..=CUTS).map(|life| folder.path().join(life.to_string())).collect();
    for folder in &databases {
        fs::create_dir(folder).unwrap();
    }
    let mut known = Ledger::default();
    for cut in 0..CUTS {
        let places = [databases[cut].as_path(), databases[cut + 1].as_path()];
        in_a_runtime(life_and_cut(&disks, places, dice, &format!("life-{cut}"), &mut known))?;
        disks.broker.forget_torn(dice.roll(usize::MAX) as u64);
        disks.events.forget_torn(dice.roll(usize::MAX) as u64);
        spoil(&disks);
    }
    let last = async {
        let life = Life::start(&disks, &databases[CUTS]).await?;
        life.finish(&disks, &known, patience).await
    };
    in_a_runtime(last)?.compare(&known)?;
    Ok(known)
}

/// All that the work has started is gone when this returns.
fn in_a_runtime<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let done = runtime.block_on(work);
    runtime.shutdown_timeout(PATIENCE);
    done
}

/// Accepts S3-CMP-3, S3-QS-3, S3-QS-6.
#[test]
fn what_was_answered_is_told_exactly_once_when_the_power_is_cut_under_the_whole_chain() {
    let mut dice = Dice::new();
    let (mut answered, mut cut_off) = (0, 0);
    for number in 0..rounds(HISTORIES) {
        let told = history(&mut dice, PATIENCE, |_| ());
        let ledger = told.unwrap_or_else(|what| panic!("history {number}: {what}"));
        answered += ledger.answered();
        cut_off += ledger.cut_off();
    }
    assert!(answered > 0 && cut_off > 0, "{answered} were answered and {cut_off} cut off");
}

/// The control: if only one of the two disks does not sync any more, hardly any such history may pass.
#[test]
fn without_syncs_the_chain_loses_what_was_answered() {
    const PATIENCE_WITH_FAULTS: Duration = Duration::from_secs(5);
    let mut dice = Dice::new();
    let spoils: [fn(&Disks); 2] = [|disks| disks.broker.ignore_syncs(), |disks| disks.events.ignore_syncs()];
    for (spoil, name) in spoils.into_iter().zip(["broker", "events.jsonl"]) {
        let histories = (0..3).map(|_| history(&mut dice, PATIENCE_WITH_FAULTS, spoil));
        let found: Vec<_> = histories.filter_map(Result::err).collect();
        println!("without syncs of {name}: {found:?}");
        assert!(found.len() >= 2, "only {found:?} was noticed in 3 histories without syncs of {name}");
    }
}
