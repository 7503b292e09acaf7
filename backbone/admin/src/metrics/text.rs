//! The format: a line with the type of each metric, then a line for each of its series.

use std::fmt::{self, Write};

use crate::CLUSTER;

/// A metric of something: its name, and where its value comes from. A name that ends in `_total` is a counter's.
pub(super) type Metric<T> = (&'static str, fn(&T) -> f64);

#[derive(Default)]
pub(super) struct Text(String);

/// The labels of a series as they are written, the cluster first.
pub(super) struct Labels(String);

impl Labels {
    pub(super) fn new() -> Self {
        Self(format!("cluster=\"{CLUSTER}\""))
    }

    pub(super) fn with(&self, label: &str, value: &str) -> Self {
        let escaped = value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n");
        Self(format!("{},{label}=\"{escaped}\"", self.0))
    }
}

impl Text {
    pub(super) fn into_string(self) -> String {
        self.0
    }

    pub(super) fn begin(&mut self, metric: &str, kind: &str) {
        self.write(format_args!("# TYPE {metric} {kind}\n"));
    }

    pub(super) fn series(&mut self, metric: &str, labels: &Labels, value: f64) {
        self.write(format_args!("{metric}{{{}}} {value}\n", labels.0));
    }

    /// A metric that has one series.
    pub(super) fn one(&mut self, metric: &str, labels: &Labels, value: f64) {
        self.begin(metric, kind(metric));
        self.series(metric, labels, value);
    }

    /// Metrics of several things of a kind.
    pub(super) fn each<T>(&mut self, metrics: &[Metric<T>], all: &[(Labels, &T)]) {
        for (metric, value) in metrics {
            self.begin(metric, kind(metric));
            for (labels, of) in all {
                self.series(metric, labels, value(of));
            }
        }
    }

    fn write(&mut self, arguments: fmt::Arguments<'_>) {
        self.0.write_fmt(arguments).expect("a string takes whatever is written to it");
    }
}

fn kind(metric: &str) -> &'static str {
    if metric.ends_with("_total") { "counter" } else { "gauge" }
}

#[allow(clippy::cast_precision_loss, reason = "the format has no other numbers, and these are far from 2^53")]
pub(super) const fn number(value: u64) -> f64 {
    value as f64
}

#[allow(clippy::cast_precision_loss, reason = "the format has no other numbers, and these are far from 2^53")]
pub(super) const fn count(value: usize) -> f64 {
    value as f64
}

#[allow(clippy::cast_precision_loss, reason = "the format has no other numbers, and these are far from 2^53")]
pub(super) const fn signed(value: i64) -> f64 {
    value as f64
}

/// Microseconds as Pulsar tells of latencies.
pub(super) const fn milliseconds(micros: u64) -> f64 {
    number(micros) / 1000.0
}
