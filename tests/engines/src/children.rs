//! Processes that others have started.

use std::fs;

use anyhow::{Context, Result};

/// The processes that a process has started and that run still.
pub fn child_processes(parent: u32) -> Result<Vec<u32>> {
    let mut children = Vec::new();
    for entry in fs::read_dir("/proc").context("this needs Linux")?.flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // It may have ended meanwhile.
        let status = fs::read_to_string(entry.path().join("status")).unwrap_or_default();
        let found = status.lines().find_map(|line| line.strip_prefix("PPid:"));
        if found.is_some_and(|found| found.trim().parse() == Ok(parent)) {
            children.push(id);
        }
    }
    Ok(children)
}

/// Whether a process runs still. One that has ended, and whose parent has not looked yet, does not.
pub fn process_runs(id: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let state = status.lines().find_map(|line| line.strip_prefix("State:"));
    state.is_some_and(|state| !state.trim().starts_with(['Z', 'X']))
}

#[cfg(test)]
mod tests {
    use std::process::{self, Command};
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_process_is_its_parent_s_child_as_long_as_it_runs() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        assert!(child_processes(process::id()).unwrap().contains(&child.id()));
        assert!(process_runs(child.id()));
        child.kill().unwrap();
        assert!(
            crate::eventually(Duration::from_secs(10), || (!process_runs(child.id())).then_some(()))
                .is_some()
        );
        child.wait().unwrap();
        assert!(!child_processes(process::id()).unwrap().contains(&child.id()));
    }
}
