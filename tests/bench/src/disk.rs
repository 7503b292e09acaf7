//! What the disk itself gives: a small write and `fdatasync` after another. It is the limit of one in flight.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::stats::Latencies;

const FILE_BYTES: u64 = 16 << 20;
/// A message and its record's head, on a block of its own, as a journal of small groups writes.
const WRITE_BYTES: usize = 1024;

/// What a while of nothing but syncs has shown.
pub(crate) struct Bare {
    pub(crate) per_second: f64,
    /// Of a write with its sync.
    pub(crate) latencies: Latencies,
}

/// Writes into space that was written before, as the journal's is.
pub(crate) fn bare(span: Duration) -> Result<Bare> {
    let folder = tempfile::Builder::new().prefix("hexalpes-bench-").tempdir()?;
    let file = File::create(folder.path().join("bare"))?;
    file.write_all_at(&vec![0; usize::try_from(FILE_BYTES)?], 0)?;
    file.sync_data()?;
    let (mut count, started, mut latencies) = (0_u32, Instant::now(), Latencies::default());
    while started.elapsed() < span {
        let began = Instant::now();
        let offset = u64::from(count) * WRITE_BYTES as u64 % FILE_BYTES;
        file.write_all_at(&[b'x'; WRITE_BYTES], offset)?;
        file.sync_data()?;
        latencies.add(began.elapsed());
        count += 1;
    }
    Ok(Bare { per_second: f64::from(count) / started.elapsed().as_secs_f64(), latencies })
}
