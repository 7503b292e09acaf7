//! The audit trail after the load: every answered command's event, once.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use hexalpes_engines::eventually;

use crate::post::conversion_of;

const DRAINED_WITHIN: Duration = Duration::from_mins(1);

/// Waits until `events.jsonl` has a line for each of the conversions 0 to `count`, checks that it has no other,
/// and says how long that took.
pub(crate) fn drained(file: &Path, count: u32) -> Result<Duration> {
    let since = Instant::now();
    let bytes_a_line = fs::read(file)?.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::len).min();
    let enough = u64::from(count) * bytes_a_line.unwrap_or(0) as u64;
    let text = eventually(DRAINED_WITHIN, || {
        // Reading all of it again and again would slow down what is waited for.
        let grown = fs::metadata(file).ok()?.len() >= enough;
        let text = grown.then(|| fs::read(file).ok()).flatten()?;
        (lines(&text).count() >= count as usize).then_some(text)
    });
    let took = since.elapsed();
    let text = text.with_context(|| format!("events.jsonl has not got {count} lines"))?;
    let mut seen = HashSet::new();
    for line in lines(&text) {
        let conversion = conversion_of(line).context("a line is not about one of our conversions")?;
        ensure!(seen.insert(conversion), "conversion {conversion} is there twice");
        ensure!(conversion < count, "conversion {conversion} was not asked for");
    }
    ensure!(seen.len() == count as usize, "{} lines for {count} conversions", seen.len());
    Ok(took)
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trail(conversions: &[u32]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let line = |number: &u32| format!("{{\"conversionId\":\"conv-bench-{number:09}\"}}\n");
        fs::write(file.path(), conversions.iter().map(line).collect::<String>()).unwrap();
        file
    }

    #[test]
    fn a_trail_has_each_conversion_once() {
        assert!(drained(trail(&[1, 0, 2]).path(), 3).is_ok());
        assert!(drained(trail(&[0, 1, 1]).path(), 3).is_err());
        assert!(drained(trail(&[0, 1, 2, 2]).path(), 3).is_err());
    }
}
