//! Prints how many synced appends a second the log takes with 1, 64 and 256 in flight, beside the rate at
//! which this disk takes a bare write and `fdatasync`, which is the limit of one in flight.
//!
//! `cargo run --release -p hexalpes-log --example append_rate [FOLDER]`

#![allow(clippy::unwrap_used, reason = "a measurement that fails has nothing to say")]

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use hexalpes_files::{Files, RealFiles};
use hexalpes_log::{Appended, FileError, Log, Options, Receipts, TopicId};
use parking_lot::{Condvar, Mutex};

const PAYLOAD: [u8; 512] = [b'x'; 512];
const SPAN: Duration = Duration::from_millis(500);
const ROUNDS: usize = 11;
const IN_FLIGHT: [u32; 3] = [1, 64, 256];

fn main() {
    let folder = std::env::args().nth(1).map_or_else(|| PathBuf::from("target/append_rate"), PathBuf::from);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let files: Arc<dyn Files> = Arc::new(RealFiles);
    let log = folder.join("log");
    // Disks have moods: everything takes turns, and the medians are compared.
    let mut rates: [Vec<f64>; 4] = Default::default();
    for _ in 0..ROUNDS {
        rates[0].push(bare_rate(&*files, &folder));
        for (rates, in_flight) in rates[1..].iter_mut().zip(IN_FLIGHT) {
            rates.push(append_rate(&files, &log, in_flight));
        }
    }
    let [bare, appends @ ..] = rates.map(median);
    println!("bare write + fdatasync {bare:>9.0} /s");
    for (rate, in_flight) in appends.into_iter().zip(IN_FLIGHT) {
        println!("{in_flight:>3} in flight          {rate:>9.0} /s {:>6.2} x bare", rate / bare);
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

fn per_second(count: u32, since: Instant) -> f64 {
    f64::from(count) / since.elapsed().as_secs_f64()
}

fn bare_rate(files: &dyn Files, folder: &Path) -> f64 {
    const FILE_BYTES: u64 = 32 << 20;
    let path = folder.join("bare");
    let file = files.create(&path).unwrap();
    file.write_all_at(&vec![0; usize::try_from(FILE_BYTES).unwrap()], 0).unwrap();
    file.sync_data().unwrap();
    let (mut offset, mut count, started) = (0, 0, Instant::now());
    while started.elapsed() < SPAN {
        file.write_all_at(&PAYLOAD, offset).unwrap();
        file.sync_data().unwrap();
        offset = (offset + 1024) % FILE_BYTES;
        count += 1;
    }
    let rate = per_second(count, started);
    files.remove(&path).unwrap();
    rate
}

/// Counts what is done, and lets the one producer wait.
#[derive(Default)]
struct Window {
    done: Mutex<u32>,
    moved: Condvar,
}

impl Receipts for Window {
    fn synced(&self, appended: &[Appended]) {
        *self.done.lock() += u32::try_from(appended.len()).unwrap();
        self.moved.notify_one();
    }

    fn failed(&self, _: &[Appended], cause: &FileError) {
        panic!("{cause}");
    }
}

/// One producer that keeps so many in flight, as a connection of the broker does: it appends what it may,
/// and leads the commit itself.
fn append_rate(files: &Arc<dyn Files>, dir: &Path, in_flight: u32) -> f64 {
    let (log, _) = Log::open(files, dir, Options::default()).unwrap();
    let window = Arc::new(Window::default());
    let receipts: Arc<dyn Receipts> = Arc::clone(&window) as _;
    let (mut sent, started) = (0, Instant::now());
    while started.elapsed() < SPAN {
        let done = *window.done.lock();
        for _ in 0..in_flight - (sent - done) {
            log.append(TopicId(1), 0, &[&PAYLOAD], &receipts, 0).unwrap();
            sent += 1;
        }
        log.commit_now();
        let mut done = window.done.lock();
        while sent - *done >= in_flight {
            window.moved.wait(&mut done);
        }
    }
    let rate = per_second(*window.done.lock(), started);
    log.close().unwrap();
    rate
}
