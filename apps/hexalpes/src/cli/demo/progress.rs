//! How far it is: a bar on a terminal, plain lines elsewhere.

use std::io::{self, IsTerminal as _};

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};

use super::super::output::line;

/// A bar of so many steps, if somebody looks.
pub(super) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    pub(super) fn begin(what: &'static str, steps: u64) -> Result<Self> {
        if !io::stdout().is_terminal() {
            line(&format!("{what}: {steps}"))?;
            return Ok(Self { bar: ProgressBar::hidden() });
        }
        let style = ProgressStyle::with_template("{msg} [{bar:30}] {pos}/{len} {elapsed}")?;
        let bar = ProgressBar::new(steps).with_style(style.progress_chars("=> ")).with_message(what);
        bar.tick();
        Ok(Self { bar })
    }

    /// One more is done.
    pub(super) fn step(&self) {
        self.bar.inc(1);
    }

    /// One more is done, and there is something to say of it.
    pub(super) fn tell(&self, text: &str) -> Result<()> {
        self.bar.suspend(|| line(text))?;
        self.step();
        Ok(())
    }

    /// The bar goes away; what was told stays.
    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
