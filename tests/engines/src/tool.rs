//! Programs of this machine: where they are, and what they said when they failed.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, bail};

/// Where servers lie that an ordinary user's `PATH` does not name.
const SERVER_FOLDERS: [&str; 3] = ["/usr/sbin", "/usr/local/sbin", "/sbin"];

/// What of a log an error carries.
pub(crate) const LINES: usize = 15;

/// The first of `names` that is in `PATH` or where servers lie.
pub(crate) fn find(names: &[&str]) -> Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = env::split_paths(&path).chain(SERVER_FOLDERS.map(PathBuf::from)).collect();
    let found = names.iter().find_map(|name| {
        folders.iter().map(|folder| folder.join(name)).find(|candidate| candidate.is_file())
    });
    found.with_context(|| format!("there is no {} here", names.join(" or ")))
}

/// Runs a program to its end. The error carries the end of what it said.
pub(crate) fn run(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let Output { status, stdout, stderr } =
        command.output().with_context(|| format!("{name} cannot be run"))?;
    if !status.success() {
        let said = [stdout, stderr].concat();
        bail!("{name} ended with {status}\n{}", last_lines(&String::from_utf8_lossy(&said), LINES));
    }
    Ok(String::from_utf8_lossy(&stdout).into_owned())
}

/// A folder becomes a copy of another one, with all owners and rights.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    run(Command::new("cp").arg("-a").args([from, to])).map(drop)
}

/// The end of a log.
pub fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error = find(&["hexalpes-no-such-thing", "nor-this"]).unwrap_err();
        assert_eq!(error.to_string(), "there is no hexalpes-no-such-thing or nor-this here");
    }

    #[test]
    fn a_failure_carries_what_the_program_said() {
        let error = run(Command::new("sh").args(["-c", "echo the disk is full >&2; exit 3"])).unwrap_err();
        assert!(error.to_string().contains("the disk is full"), "{error}");
    }
}
