//! What the disk itself gives: a small write and `fdatasync` after another. It is the limit of one in flight.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use anyhow::Result;

const FILE_BYTES: u64 = 16 << 20;
/// A message and its record's head, on a block of its own, as a journal of small groups writes.
const WRITE_BYTES: usize = 1024;

/// Syncs a second, into space that was written before, as the journal's is.
pub(crate) fn syncs_per_second(span: Duration) -> Result<f64> {
    let folder = tempfile::Builder::new().prefix("hexalpes-bench-").tempdir()?;
    let file = File::create(folder.path().join("bare"))?;
    file.write_all_at(&vec![0; usize::try_from(FILE_BYTES)?], 0)?;
    file.sync_data()?;
    let (mut count, started) = (0_u32, Instant::now());
    while started.elapsed() < span {
        let offset = u64::from(count) * WRITE_BYTES as u64 % FILE_BYTES;
        file.write_all_at(&[b'x'; WRITE_BYTES], offset)?;
        file.sync_data()?;
        count += 1;
    }
    Ok(f64::from(count) / started.elapsed().as_secs_f64())
}
