//! One thing after the other goes wrong, drawn by chance, and after each the world is looked through.

use std::{
    collections::BTreeMap,
    fmt,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use hexalpes_files::ForgetfulFiles;
use tokio::runtime::Handle;

use crate::{
    chance::Chance,
    ground::{Ground, Running},
    harm::{self, Harm, Harmed},
    panics,
    world::{Done, Forgiven, World},
};

/// What goes wrong in a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// SIGKILL for a broker of its own process.
    Kill,
    /// What was not synced is gone, or torn.
    PowerCut,
    FailedSync,
    FailedWrite,
    FullDisk,
    /// Nothing.
    Stop,
    Harm(Harm),
}

use Kind::{FailedSync, FailedWrite, FullDisk, Kill, PowerCut, Stop};

const BIT: Kind = Kind::Harm(Harm::Bit);
const LOST: Kind = Kind::Harm(Harm::LostSector);
const STRAY: Kind = Kind::Harm(Harm::StraySector);

const IN_MEMORY: [Kind; 16] = [
    PowerCut,
    PowerCut,
    PowerCut,
    PowerCut,
    FailedSync,
    FailedSync,
    FailedWrite,
    FailedWrite,
    FullDisk,
    FullDisk,
    Stop,
    BIT,
    BIT,
    BIT,
    LOST,
    STRAY,
];
const IN_A_FOLDER: [Kind; 8] = [Kill, Kill, Kill, Kill, BIT, BIT, LOST, STRAY];

/// So many rounds are one history: then a new world begins.
const ROUNDS_PER_WORLD: u64 = 5;
/// One world of so many is of processes that are killed.
const FOLDERS: u64 = 3;

#[derive(Debug, Default, Clone, Copy)]
struct Count {
    rounds: u64,
    /// Clients noticed.
    noticed: u64,
    /// The broker did not start, and said why.
    refused: u64,
    /// It started all the same, and nothing was amiss.
    harmless: u64,
}

/// What was done how often.
#[derive(Debug, Default)]
pub struct Tally {
    kinds: BTreeMap<Kind, Count>,
    worlds: u64,
    /// Starts that were interrupted too.
    starts_cut: u64,
    done: Done,
    /// What was done in this history so far, for whoever has to find out what was wrong.
    trace: Vec<String>,
}

/// What `run` is to do.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    pub rounds: u64,
    pub seed: u64,
    /// How many histories at the same time.
    pub lanes: usize,
}

/// Lives through so many rounds. An error says what is wrong, and in which history.
pub fn run(options: &Options, program: &Path, runtime: &Handle) -> Result<Tally> {
    panics::count();
    let worlds = options.rounds.div_ceil(ROUNDS_PER_WORLD);
    let (next, tally, wrong) = (AtomicU64::new(0), Mutex::new(Tally::default()), Mutex::new(None));
    std::thread::scope(|scope| {
        for _ in 0..options.lanes {
            scope.spawn(|| {
                loop {
                    let world = next.fetch_add(1, Ordering::SeqCst);
                    if world >= worlds || wrong.lock().expect("nobody panics over it").is_some() {
                        return;
                    }
                    let rounds = ROUNDS_PER_WORLD.min(options.rounds - world * ROUNDS_PER_WORLD);
                    let seed = options.seed.wrapping_add(world);
                    let mut own = Tally::default();
                    let lived = history(seed, rounds, program, runtime, &mut own);
                    tally.lock().expect("nobody panics over it").add(&own);
                    if let Err(what) = lived {
                        let trace = own.trace.join("\n  ");
                        let what = format!(
                            "{what}\n  {trace}\nagain: cargo xtask torture log --seed {seed} --rounds {rounds} --lanes 1"
                        );
                        wrong.lock().expect("nobody panics over it").get_or_insert(what);
                    }
                }
            });
        }
    });
    if let Some(what) = wrong.into_inner().expect("nobody panics over it") {
        anyhow::bail!(what);
    }
    ensure!(panics::counted() == 0, "there were {} panics", panics::counted());
    Ok(tally.into_inner().expect("nobody panics over it"))
}

fn history(
    seed: u64,
    rounds: u64,
    program: &Path,
    runtime: &Handle,
    tally: &mut Tally,
) -> Result<(), String> {
    let mut chance = Chance::new(seed);
    let in_a_folder = seed.is_multiple_of(FOLDERS);
    let ground = if in_a_folder {
        Ground::folder(program).map_err(|error| error.to_string())?
    } else {
        Ground::memory(runtime.clone())
    };
    let mut world = World::new(ground, seed)?;
    tally.worlds += 1;
    for round in 0..rounds {
        let kind = *if in_a_folder { chance.of(&IN_A_FOLDER) } else { chance.of(&IN_MEMORY) };
        let lived = live(&mut world, kind, &mut chance, tally);
        lived.map_err(|what| format!("seed {seed}, round {round}, {kind:?}: {what}"))?;
    }
    // Whatever the last round did: the next start, and the one after it, find everything.
    for _ in 0..2 {
        let ended = world.start().and_then(|running| {
            world.settle(&running, Forgiven::Nothing)?;
            running.end()
        });
        ended.map_err(|what| format!("seed {seed}, at the end: {what}"))?;
    }
    let Done { receipts, duplicates, read } = world.done;
    tally.done.receipts += receipts;
    tally.done.duplicates += duplicates;
    tally.done.read += read;
    Ok(())
}

/// One round: a calm start at which everything is there, some load, and what goes wrong.
pub(crate) fn live(
    world: &mut World,
    kind: Kind,
    chance: &mut Chance,
    tally: &mut Tally,
) -> Result<(), String> {
    let running = world.start()?;
    let peers = world.settle(&running, Forgiven::Nothing)?;
    if let Some(disk) = world.ground.disk() {
        arm(disk, kind, chance).map_err(|error| error.to_string())?;
    }
    let messages = 1 + chance.below(80);
    let delay = Duration::from_micros(if kind == Kill { chance.below(60_000) } else { u64::MAX >> 20 });
    let loaded = match kind {
        Kill => running.kill_during(delay, || world.load(&running, peers, messages, chance)),
        _ => world.load(&running, peers, messages, chance),
    };
    let gone = loaded?;
    if let (Some(what), Stop | Kind::Harm(_)) = (&gone, kind) {
        return Err(format!("nothing went wrong, and it says: {what}"));
    }
    tally.trace.push(format!("{kind}: {}", gone.as_deref().unwrap_or("nobody noticed")));
    let count = tally.kinds.entry(kind).or_default();
    count.rounds += 1;
    count.noticed += u64::from(gone.is_some());
    match kind {
        Kind::Harm(what) => return harm_and_start(world, running, what, chance, tally),
        _ => running.end()?,
    }
    let Ground::Memory { disk, .. } = &world.ground else { return Ok(()) };
    let disk = disk.clone();
    // After the power was cut the disk has forgotten; after a failure the machine may well have run on.
    if kind == PowerCut || (kind != Stop && chance.once_in(2)) {
        tally.trace.push("power off".to_owned());
        disk.forget_torn(chance.below(u64::MAX));
    }
    disk.heal();
    while kind != Stop && chance.once_in(3) {
        tally.starts_cut += 1;
        cut_a_start(world, &disk, chance, tally)?;
    }
    Ok(())
}

/// Has something go wrong later on, while the world goes on.
fn arm(disk: &ForgetfulFiles, kind: Kind, chance: &mut Chance) -> Result<()> {
    let soon = |chance: &mut Chance, bound| 1 + u32::try_from(chance.below(bound)).expect("small");
    match kind {
        PowerCut => disk.cut_power_after(soon(chance, 200)),
        FailedSync => disk.fail_sync(soon(chance, 60)),
        FailedWrite => disk.fail_write(soon(chance, 120)),
        FullDisk => {
            let used: usize = harm::content(disk, Path::new("/data"))?.values().map(Vec::len).sum();
            disk.set_capacity(Some(used as u64 + chance.below(100_000)));
        }
        Kill | Stop | Kind::Harm(_) => {}
    }
    Ok(())
}

/// Something goes wrong while the broker starts.
fn cut_a_start(
    world: &World,
    disk: &ForgetfulFiles,
    chance: &mut Chance,
    tally: &mut Tally,
) -> Result<(), String> {
    let kind = *chance.of(&[PowerCut, PowerCut, FailedSync, FailedWrite]);
    let soon = 1 + u32::try_from(chance.below(60)).expect("small");
    match kind {
        FailedSync => disk.fail_sync(1 + soon / 4),
        FailedWrite => disk.fail_write(1 + soon / 2),
        _ => disk.cut_power_after(soon),
    }
    let mut note = |what: &str| tally.trace.push(format!("{kind} while it starts: {what}"));
    match world.start() {
        Ok(running) => {
            note("it started");
            running.end()?;
        }
        Err(what) if what.contains("is damaged") => return Err(format!("{kind} while it starts: {what}")),
        Err(what) => note(&what),
    }
    if kind == PowerCut || chance.once_in(2) {
        tally.trace.push("power off".to_owned());
        disk.forget_torn(chance.below(u64::MAX));
    }
    disk.heal();
    Ok(())
}

/// Ends the broker, harms a file, and starts it again: it must refuse, and say why, or have everything.
fn harm_and_start(
    world: &mut World,
    running: Running,
    what: Harm,
    chance: &mut Chance,
    tally: &mut Tally,
) -> Result<(), String> {
    let said = |error: anyhow::Error| format!("{error:#}");
    world.mark()?;
    match world.ground.disk() {
        // With all that was synced in the journal, and not in the segments.
        Some(disk) if chance.once_in(2) => {
            disk.forget();
            running.end()?;
        }
        _ => running.end()?,
    }
    let (files, data) = (world.ground.files(), world.ground.data());
    let Some(harmed) = Harmed::one_of(&*files, &data, what, chance).map_err(said)? else { return Ok(()) };
    let before = harm::content(&*files, &data).map_err(said)?;
    let count = tally.kinds.entry(Kind::Harm(what)).or_default();
    match world.ground.start(world.deduplicates) {
        Err(refusal) => {
            count.refused += 1;
            harmed.is_named_by(&format!("{refusal:#}"))?;
            if harm::content(&*files, &data).map_err(said)? != before {
                return Err(format!("it refused to start, and changed something: {refusal:#}"));
            }
            harmed.undo(&*files).map_err(said)
        }
        Ok(running) => {
            count.harmless += 1;
            let forgiven = if harmed.is_in_the_journal() { Forgiven::TheMark } else { Forgiven::Nothing };
            let settled = world.settle(&running, forgiven);
            let Harmed { path, what, from, until, .. } = &harmed;
            settled.map_err(|wrong| {
                format!("{what:?} of bytes {from} to {until} of {} was taken: {wrong}", path.display())
            })?;
            running.end()
        }
    }
}

impl Tally {
    fn add(&mut self, other: &Self) {
        for (kind, count) in &other.kinds {
            let sum = self.kinds.entry(*kind).or_default();
            sum.rounds += count.rounds;
            sum.noticed += count.noticed;
            sum.refused += count.refused;
            sum.harmless += count.harmless;
        }
        self.worlds += other.worlds;
        self.starts_cut += other.starts_cut;
        self.done.receipts += other.done.receipts;
        self.done.duplicates += other.done.duplicates;
        self.done.read += other.done.read;
    }

    pub fn rounds(&self) -> u64 {
        self.kinds.values().map(|count| count.rounds).sum()
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Kill => "kill -9",
            PowerCut => "power cut, torn writes",
            FailedSync => "failed sync",
            FailedWrite => "failed write",
            FullDisk => "full disk",
            Stop => "stop",
            Self::Harm(Harm::Bit) => "flipped bit",
            Self::Harm(Harm::LostSector) => "lost sector",
            Self::Harm(Harm::StraySector) => "stray sector",
        })
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<24}{:>8}{:>9}{:>9}{:>9}", "", "rounds", "noticed", "refused", "harmless")?;
        for (kind, count) in &self.kinds {
            let Count { rounds, noticed, refused, harmless } = count;
            writeln!(f, "{kind:<24}{rounds:>8}{noticed:>9}{refused:>9}{harmless:>9}")?;
        }
        let Done { receipts, duplicates, read } = self.done;
        writeln!(
            f,
            "{} histories, {} interrupted starts, {receipts} messages with receipts, {duplicates} duplicates dropped, \
             {read} messages read and compared",
            self.worlds, self.starts_cut
        )
    }
}

/// How long something took, as it is printed.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let started = Instant::now();
    let done = work();
    (done, started.elapsed())
}
