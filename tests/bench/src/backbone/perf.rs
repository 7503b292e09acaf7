//! `pulsar-perf` of Pulsar's distribution: a load that neither side has written for itself.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hexalpes_engines::Pulsar;
use tokio::process::Command;
use tokio::time::timeout;

use crate::stats::median;

const TOPIC: &str = "persistent://public/default/bench-perf";
const SECONDS: &str = "12";
/// Its own JVM compiles so long; and the last interval is cut short.
const WARM_UP_INTERVALS: usize = 5;
/// Of its client, when it batches: 128 KiB and 1 ms, as our client does beside it.
const BATCHES: [&str; 6] = ["-o", "10000", "-bb", "131072", "-b", "1"];
const PATIENCE: Duration = Duration::from_mins(2);

/// Receipts a second, the median of its seconds.
pub(super) async fn rate(service_url: &str, in_flight: Option<usize>) -> Result<f64> {
    let mut command =
        Command::from(Pulsar::program("pulsar-perf").map_err(|absent| anyhow::anyhow!("{absent}"))?);
    command.args(["produce", "-u", service_url, "-r", "10000000", "-s", "512", "-time", SECONDS]);
    // Its client's own numbers, every second.
    command.args(["--stats-interval-seconds", "1"]);
    match in_flight {
        Some(messages) => command.args(["-db", "-o", &messages.to_string()]),
        None => command.args(BATCHES),
    };
    command.arg(TOPIC).stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let output = timeout(PATIENCE, command.output()).await.context("pulsar-perf does not end")??;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "pulsar-perf failed: {said}");
    let rates: Vec<f64> = said.lines().filter_map(receipts_per_second).collect();
    let steady = rates.get(WARM_UP_INTERVALS..rates.len().saturating_sub(1)).unwrap_or_default();
    ensure!(!steady.is_empty(), "pulsar-perf said no rates: {said}");
    Ok(median(steady.to_vec()))
}

/// Of a line such as `… --- Ack received rate: 5434.65 ack/s --- Failed messages: 0 --- …`.
fn receipts_per_second(line: &str) -> Option<f64> {
    line.split_once("Ack received rate: ")?.1.split_once(" ack/s")?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_read_from_a_line_of_the_client() {
        let line = "INFO - [topic] [name] --- Latency: med: 8.0 ms --- Ack received rate: 5434.65 ack/s --- Failed messages: 0";
        assert_eq!(receipts_per_second(line), Some(5434.65));
        assert_eq!(receipts_per_second("Aggregated throughput stats --- 52682 records sent"), None);
    }
}
