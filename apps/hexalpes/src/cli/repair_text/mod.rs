//! `hexalpes repair-text`: from standard input to standard output, or files in place.

mod mac_roman;

use std::{
    fs,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, anyhow};
use clap::Args;
use hexalpes_files::{Files as _, RealFiles};

use super::output::line;

#[derive(Args)]
pub(super) struct RepairText {
    /// Files to repair; without any, standard input
    files: Vec<PathBuf>,
    /// Write the files in place instead of printing them
    #[arg(long, requires = "files")]
    write: bool,
}

impl RepairText {
    pub(super) fn run(self) -> Result<()> {
        if self.files.is_empty() {
            let mut text = Vec::new();
            io::stdin().lock().read_to_end(&mut text).context("standard input cannot be read")?;
            return print(&mac_roman::repair(&utf8(text, "standard input")?).0);
        }
        for path in &self.files {
            let shown = path.display().to_string();
            let text = utf8(fs::read(path).with_context(|| format!("{shown} cannot be read"))?, &shown)?;
            let (repaired, lines) = mac_roman::repair(&text);
            match self.write {
                false => print(&repaired)?,
                true if lines == 0 => line(&format!("{shown}: nothing to repair"))?,
                true => {
                    replace(path, &repaired).with_context(|| format!("{shown} cannot be written"))?;
                    line(&format!("{shown}: {lines} lines repaired"))?;
                }
            }
        }
        Ok(())
    }
}

/// Keeps the old or the new, whole, and the file's own permissions; a link stays a link.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    let permissions = fs::metadata(&path)?.permissions();
    if permissions.readonly() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    RealFiles.replace(&path, text.as_bytes())?;
    fs::set_permissions(&path, permissions)
}

fn utf8(bytes: Vec<u8>, what: &str) -> Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        anyhow!("{what} is no UTF-8 at byte {at}: this repairs UTF-8 text alone; convert it first")
    })
}

fn print(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}
