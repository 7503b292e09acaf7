//! What is written down of a run: a JSON document whose schema is in `docs/schemas`.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use serde::Serialize;

use super::super::output::line;

/// Of all three documents; a change that old readers do not understand counts it up.
pub(super) const VERSION: u32 = 1;

pub(super) fn write(file: &Path, report: &impl Serialize) -> Result<()> {
    let text = format!("{}\n", serde_json::to_string_pretty(report)?);
    fs::write(file, text).with_context(|| format!("{} cannot be written", file.display()))?;
    line(&format!("wrote {}", file.display()))
}
