//! Where tests keep what they write: in memory, where there is enough of it. They make and drop some thousand databases, and
//! most of what a disk does then is to look for room that was given up a moment ago.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::{env, process};

use anyhow::{Context, Result, anyhow};
use hexalpes_engines::process_runs;
use tempfile::TempDir;

/// Linux has it everywhere; other systems do without.
const IN_MEMORY: &str = "/dev/shm";
/// What is to be free: a whole run has had little over one GiB at a time, and what is compiled takes memory too.
const FREE_BYTES_MIN: u64 = 12 << 30;
/// The id of the process that uses a folder follows.
const PREFIX: &str = "hexalpes-tests-";

/// A folder for all temporary files from now on, our own and, as `TMPDIR`, those of who is told so. None where there is not
/// enough memory, or whoever calls says where such files go.
pub(crate) fn folder() -> Result<Option<TempDir>> {
    if env::var_os("TMPDIR").is_some() || free().is_none_or(|free| free < FREE_BYTES_MIN) {
        return Ok(None);
    }
    remove_left_behind();
    let prefix = format!("{PREFIX}{}-", process::id());
    let folder = tempfile::Builder::new().prefix(&prefix).tempdir_in(IN_MEMORY)?;
    // Database servers run as users of their own.
    fs::set_permissions(folder.path(), Permissions::from_mode(0o1777)).context("nobody else may use it")?;
    tempfile::env::override_temp_dir(folder.path())
        .map_err(|other| anyhow!("temporary files go to {} already", other.display()))?;
    Ok(Some(folder))
}

/// Bytes that may be written there and that memory has.
fn free() -> Option<u64> {
    let told = fs::read_to_string("/proc/meminfo").ok()?;
    let kibibytes = told.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let available = kibibytes.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024;
    let room = rustix::fs::statvfs(IN_MEMORY).ok()?;
    Some(available.min(room.f_bavail * room.f_frsize))
}

/// Folders of runs that were killed.
fn remove_left_behind() {
    for entry in fs::read_dir(IN_MEMORY).into_iter().flatten().flatten() {
        if owner(&entry.file_name()).is_some_and(|id| !process_runs(id)) {
            // Whose it is does it the next time.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn owner(folder: &OsStr) -> Option<u32> {
    let (id, _) = folder.to_str()?.strip_prefix(PREFIX)?.split_once('-')?;
    id.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_names_the_process_that_uses_it() {
        assert_eq!(owner(OsStr::new("hexalpes-tests-4711-Ab3dEf")), Some(4711));
        for other in ["hexalpes-tests-", "hexalpes-tests-x-Ab3dEf", "PostgreSQL.4711-1"] {
            assert_eq!(owner(OsStr::new(other)), None);
        }
    }
}
