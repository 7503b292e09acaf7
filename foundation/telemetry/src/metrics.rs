//! The process's metrics, kept to be shown in Prometheus's text format. There is no listener here.

use std::fmt;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// Upper bounds of the buckets of every histogram whose name ends in `_seconds`.
const SECONDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Why metrics were not set up.
#[derive(Debug, thiserror::Error)]
#[error("metrics cannot be set up: {0}")]
pub struct MetricsError(String);

/// Shows what was counted; clones share it.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
    /// What is shown a second time, and under which name.
    aliases: &'static [(&'static str, &'static str)],
}

impl Metrics {
    /// Makes itself the receiver of all that the process counts. Works once a process.
    pub fn install() -> Result<Self, MetricsError> {
        let recorder = builder()?.build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).map_err(|why| MetricsError(why.to_string()))?;
        Ok(Self { handle, aliases: &[] })
    }

    /// Shows nothing, for ever: for tests, of which several share a process.
    pub fn detached() -> Self {
        Self { handle: PrometheusBuilder::new().build_recorder().handle(), aliases: &[] }
    }

    /// Shows metrics a second time, each under another name behind its own.
    pub fn with_aliases(self, aliases: &'static [(&'static str, &'static str)]) -> Self {
        Self { aliases, ..self }
    }

    /// All metrics in Prometheus's text format.
    pub fn render(&self) -> String {
        // Nobody else tidies up what histograms collect between two scrapes.
        self.handle.run_upkeep();
        let mut text = self.handle.render();
        let again: String =
            self.aliases.iter().flat_map(|(metric, alias)| renamed(&text, metric, alias)).collect();
        text += &again;
        text
    }
}

/// The lines of a metric under another name.
fn renamed(text: &str, metric: &str, alias: &str) -> Vec<String> {
    let rename = |line: &str| {
        let is_about = line.starts_with("# ");
        let at = if is_about { line.match_indices(' ').nth(1)?.0 + 1 } else { 0 };
        let rest = line[at..].strip_prefix(metric)?;
        let suffixes: &[&str] = if is_about { &[""] } else { &["", "_bucket", "_sum", "_count"] };
        let fits =
            |suffix: &&str| rest.strip_prefix(*suffix).is_some_and(|rest| rest.starts_with(['{', ' ']));
        suffixes.iter().any(fits).then(|| format!("{}{alias}{rest}\n", &line[..at]))
    };
    text.lines().filter_map(rename).collect()
}

fn builder() -> Result<PrometheusBuilder, MetricsError> {
    let seconds = metrics_exporter_prometheus::Matcher::Suffix("_seconds".to_owned());
    PrometheusBuilder::new()
        .set_buckets_for_metric(seconds, SECONDS)
        .map_err(|why| MetricsError(why.to_string()))
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_shown() {
        let shown = Metrics::install().unwrap();
        metrics::counter!("hexalpes_greetings_total").increment(2);
        metrics::histogram!("hexalpes_greeting_seconds").record(0.003);
        let text = shown.render();
        assert!(text.contains("hexalpes_greetings_total 2"), "{text}");
        assert!(text.contains("hexalpes_greeting_seconds_bucket{le=\"0.005\"} 1"), "{text}");
        assert!(Metrics::install().is_err());
        let twice = shown.with_aliases(&[
            ("hexalpes_greetings_total", "greetings"),
            ("hexalpes_greeting_seconds", "greeting"),
        ]);
        let text = twice.render();
        for line in [
            "hexalpes_greetings_total 2",
            "# TYPE greetings counter",
            "greetings 2",
            "# TYPE greeting histogram",
            "greeting_bucket{le=\"0.005\"} 1",
            "greeting_count 1",
        ] {
            assert_eq!(text.lines().filter(|shown| *shown == line).count(), 1, "{line} in {text}");
        }
    }
}
