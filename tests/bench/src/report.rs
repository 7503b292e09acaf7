//! What was measured, beside what was aimed at.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// What a line is to reach.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Aim {
    /// Of ours over the real one's.
    RatioAtLeast(f64),
    /// So much of the real one's, or so much at all.
    EitherAtLeast {
        ratio: f64,
        ours: f64,
    },
    RatioAtMost(f64),
    AtLeast(f64),
    AtMost(f64),
}

#[derive(Debug)]
pub(crate) struct Line {
    what: String,
    unit: &'static str,
    ours: f64,
    real: Option<f64>,
    aim: Option<Aim>,
}

impl Line {
    pub(crate) fn new(what: impl Into<String>, unit: &'static str, ours: f64) -> Self {
        Self { what: what.into(), unit, ours, real: None, aim: None }
    }

    pub(crate) fn beside(self, real: Option<f64>) -> Self {
        Self { real, ..self }
    }

    pub(crate) fn aim(self, aim: Option<Aim>) -> Self {
        Self { aim, ..self }
    }

    fn ratio(&self) -> Option<f64> {
        self.real.filter(|real| *real > 0.0).map(|real| self.ours / real)
    }

    /// None where there is no aim, or nothing to compare with.
    fn met(&self) -> Option<bool> {
        match self.aim? {
            Aim::RatioAtLeast(aim) => self.ratio().map(|ratio| ratio >= aim),
            Aim::EitherAtLeast { ours, .. } if self.ours >= ours => Some(true),
            Aim::EitherAtLeast { ratio: aim, .. } => self.ratio().map(|ratio| ratio >= aim),
            Aim::RatioAtMost(aim) => self.ratio().map(|ratio| ratio <= aim),
            Aim::AtLeast(aim) => Some(self.ours >= aim),
            Aim::AtMost(aim) => Some(self.ours <= aim),
        }
    }

    fn aim_text(&self) -> String {
        match self.aim {
            None => String::new(),
            Some(Aim::RatioAtLeast(aim)) => format!("≥ {aim}×"),
            Some(Aim::EitherAtLeast { ratio, ours }) => format!("≥ {ratio}× or {ours:.0}"),
            Some(Aim::RatioAtMost(aim)) => format!("≤ {aim:.2}×"),
            Some(Aim::AtLeast(aim)) => format!("≥ {aim}"),
            Some(Aim::AtMost(aim)) => format!("≤ {aim}"),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Report {
    title: &'static str,
    lines: Vec<Line>,
}

impl Report {
    pub(crate) fn new(title: &'static str) -> Self {
        Self { title, lines: Vec::new() }
    }

    pub(crate) fn add(&mut self, line: Line) {
        self.lines.push(line);
    }

    pub(crate) fn table(&self) -> String {
        let mut text = format!(
            "{:<56} {:>10} {:>10} {:>8} {:>14}  \n",
            self.title, "hexalpes", "Pulsar", "ratio", "aim"
        );
        for line in &self.lines {
            let met = match line.met() {
                None => "",
                Some(true) => "met",
                Some(false) => "NOT MET",
            };
            let real = line.real.map(number).unwrap_or_default();
            let ratio = line.ratio().map(|ratio| format!("{ratio:.2}×")).unwrap_or_default();
            let what = format!("{}, {}", line.what, line.unit);
            // Writing to a string does not fail.
            let _ = writeln!(
                text,
                "{what:<56} {:>10} {real:>10} {ratio:>8} {:>14}  {met}",
                number(line.ours),
                line.aim_text()
            );
        }
        text
    }

    pub(crate) fn json(&self) -> Value {
        let lines: Vec<Value> = self
            .lines
            .iter()
            .map(|line| {
                json!({
                    "what": line.what, "unit": line.unit, "hexalpes": line.ours, "pulsar": line.real,
                    "ratio": line.ratio(), "aim": line.aim.map(|_| line.aim_text()), "met": line.met(),
                })
            })
            .collect();
        json!({ "title": self.title, "lines": lines })
    }
}

/// Three digits that mean something are enough.
fn number(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_aim_is_met_or_not_and_unknown_without_a_real_one() {
        let line = |real| Line::new("rate", "/s", 16.0).beside(real).aim(Some(Aim::RatioAtLeast(8.0)));
        assert_eq!(
            [Some(2.0), Some(4.0), None].map(|real| line(real).met()),
            [Some(true), Some(false), None]
        );
        assert_eq!(Line::new("rss", "MB", 61.0).aim(Some(Aim::AtMost(60.0))).met(), Some(false));
    }

    #[test]
    fn the_table_says_what_is_not_met() {
        let mut report = Report::new("the broker");
        report.add(Line::new("start", "s", 0.75).aim(Some(Aim::AtMost(0.5))));
        assert!(report.table().contains("NOT MET"), "{}", report.table());
        assert_eq!(report.json()["lines"][0]["met"], false);
    }
}
