//! The controls: each plants something that must not be, and the same looking through must find it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use hexalpes_files::Files;
use tokio::runtime::Handle;

use crate::{
    chance::Chance,
    ground::Ground,
    harm,
    rounds::{Kind, Tally, live},
    world::{Forgiven, World},
};

/// What is planted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plant {
    /// The disk answers syncs and does nothing, and the power is cut.
    NoSyncs,
    /// The journal's end reads as if it had never been written.
    Lost,
    /// A message in the journal is another one, with a checksum that fits.
    Altered,
    /// The topic takes what it has once more.
    Twice,
    /// A message is sent before its predecessor.
    Order,
}

pub const ALL: [Plant; 5] = [Plant::NoSyncs, Plant::Lost, Plant::Altered, Plant::Twice, Plant::Order];

/// Plants it so many times, and says how often that was found, with one of the findings.
pub fn run(plant: Plant, times: u64, seed: u64, runtime: &Handle) -> Result<(u64, String)> {
    let (mut planted, mut found, mut example) = (0, 0, String::new());
    for seed in (seed..).take_while(|tried| *tried < seed.wrapping_add(10 * times)) {
        let ground = Ground::memory(runtime.clone());
        let world = World::new(ground, seed).map_err(anyhow::Error::msg)?;
        match plant_in(world, plant, &mut Chance::new(seed))? {
            Planted::NotAtAll => continue,
            Planted::NotFound => {}
            Planted::Found(what) => {
                found += 1;
                example = what;
            }
        }
        planted += 1;
        if planted == times {
            break;
        }
    }
    ensure!(planted == times, "{plant:?} could be planted only {planted} times");
    let enough = if plant == Plant::NoSyncs { times.div_ceil(2) } else { times };
    ensure!(found >= enough, "{plant:?} was planted {times} times and found {found} times");
    Ok((found, example))
}

/// What came of it.
enum Planted {
    /// The place had moved on before anything could be planted.
    NotAtAll,
    NotFound,
    Found(String),
}

impl Planted {
    fn of(lived: Result<(), String>) -> Self {
        lived.map_or_else(Self::Found, |()| Self::NotFound)
    }
}

fn plant_in(mut world: World, plant: Plant, chance: &mut Chance) -> Result<Planted> {
    let wrong = anyhow::Error::msg::<String>;
    let disk = world.ground.disk().context("it is in memory")?.clone();
    if plant == Plant::NoSyncs {
        disk.ignore_syncs();
        let lived = (0..3).try_for_each(|_| live(&mut world, Kind::PowerCut, chance, &mut Tally::default()));
        return Ok(Planted::of(lived));
    }
    // A topic that deduplicates would take neither.
    world.deduplicates = !matches!(plant, Plant::Twice | Plant::Order);
    let running = world.start().map_err(wrong)?;
    let mut peers = world.settle(&running, Forgiven::Nothing).map_err(wrong)?;
    match plant {
        Plant::Order => world.send_in_order(&mut peers, &[1, 0]).map_err(wrong)?,
        Plant::Twice => world.send_in_order(&mut peers, &[0, 1, 0]).map_err(wrong)?,
        _ => {}
    }
    world.deduplicates = true;
    world.load(&running, peers, 10, chance).map_err(wrong)?;
    world.mark().map_err(wrong)?;
    if matches!(plant, Plant::Lost | Plant::Altered) {
        disk.forget();
    }
    running.end().map_err(wrong)?;
    if matches!(plant, Plant::Lost | Plant::Altered) {
        let Some((path, mut bytes, at)) = last_group(&disk, &world.ground.data())? else {
            return Ok(Planted::NotAtAll);
        };
        if plant == Plant::Lost {
            bytes[at..].fill(0);
        } else {
            alter(&mut bytes[at + 40..])?;
        }
        harm::write(&disk, &path, &bytes)?;
    }
    let running = world.start().map_err(wrong)?;
    let settled = world.settle(&running, Forgiven::Nothing).map(drop);
    running.end().map_err(wrong)?;
    Ok(Planted::of(settled))
}

/// The journal's last group, if it is not behind a checkpoint: its file's path and content, and where in it it begins.
fn last_group(files: &dyn Files, data: &Path) -> Result<Option<(PathBuf, Vec<u8>, usize)>> {
    let offset_at = |bytes: &[u8]| Some(u64::from_le_bytes(*bytes.get(16..24)?.first_chunk()?));
    let (mut last, mut checkpoint) = (None::<(Option<u64>, PathBuf, usize)>, None);
    for (path, bytes) in harm::content(files, data)? {
        if path.ends_with("catalogue") {
            checkpoint = offset_at(&bytes);
        } else if path.extension().is_some_and(|extension| extension == "journal") {
            for at in (512..bytes.len()).step_by(512).filter(|at| bytes[*at..].starts_with(b"HXGR")) {
                let offset = offset_at(&bytes[at..]);
                if last.as_ref().is_none_or(|(last, ..)| offset > *last) {
                    last = Some((offset, path.clone(), at));
                }
            }
        }
    }
    let (offset, path, at) = last.context("the journal has a group")?;
    let bytes = files.read(&path)?;
    Ok((offset >= checkpoint).then_some((path, bytes, at)))
}

/// Makes the record that begins here another one, with a checksum that fits.
fn alter(record: &mut [u8]) -> Result<()> {
    let length = u32::from_le_bytes(*record.first_chunk().context("a record has a length")?) as usize;
    record[8 + length - 1] ^= 1;
    let checksum = crc32c::crc32c(&record[8..8 + length]);
    record[4..8].copy_from_slice(&checksum.to_le_bytes());
    Ok(())
}
