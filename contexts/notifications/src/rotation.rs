//! Files that were put aside: `events.jsonl` becomes `events-000001.jsonl`, and never changes again.
//!
//! The decision is in the inbox before the file gets its new name, and taken out of it after: so a start
//! knows whether a file under the old name is the one to be put aside or already the next. Synchronous; it
//! knows no database.

use std::{
    io,
    path::{Path, PathBuf},
};

use hexalpes_files::Files;

use crate::events_file::folder_of;

/// The name of the file that is put aside as number `number`, beside `path`.
pub(crate) fn aside(path: &Path, number: u64) -> PathBuf {
    let (stem, extension) = name_of(path);
    path.with_file_name(format!("{stem}-{number:06}{extension}"))
}

/// Gives the file its new name, unless that was done before; durable when it returns.
pub(crate) fn put_aside(files: &dyn Files, path: &Path, number: u64) -> io::Result<()> {
    let aside = aside(path, number);
    if !files.exists(&aside)? {
        files.rename(path, &aside)?;
    }
    files.sync_dir(folder_of(path))
}

/// Removes the oldest files that were put aside, so that `keep` of them stay; says how many.
pub(crate) fn remove_oldest(files: &dyn Files, path: &Path, keep: usize) -> io::Result<usize> {
    let mut all = put_aside_before(files, path)?;
    all.sort_unstable();
    let excess = all.len().saturating_sub(keep);
    for number in &all[..excess] {
        files.remove(&aside(path, *number))?;
    }
    if excess > 0 {
        files.sync_dir(folder_of(path))?;
    }
    Ok(excess)
}

/// Removes the file and all that were put aside.
pub(crate) fn remove_all(files: &dyn Files, path: &Path) -> io::Result<()> {
    let folder = folder_of(path);
    if !files.exists(folder)? {
        return Ok(());
    }
    for number in put_aside_before(files, path)? {
        files.remove(&aside(path, number))?;
    }
    if files.exists(path)? {
        files.remove(path)?;
    }
    files.sync_dir(folder)
}

/// The numbers of the files that were put aside.
fn put_aside_before(files: &dyn Files, path: &Path) -> io::Result<Vec<u64>> {
    let (stem, extension) = name_of(path);
    let number = |name: &String| {
        name.strip_prefix(&stem)?.strip_prefix('-')?.strip_suffix(&extension)?.parse::<u64>().ok()
    };
    let mut numbers: Vec<u64> = files.list(folder_of(path))?.iter().filter_map(number).collect();
    // A name of somebody else's making, such as `events-7.jsonl`, is none of ours.
    numbers.retain(|number| files.exists(&aside(path, *number)).unwrap_or(false));
    Ok(numbers)
}

fn name_of(path: &Path) -> (String, String) {
    let text = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    let extension =
        path.extension().map(|extension| format!(".{}", text(Some(extension)))).unwrap_or_default();
    (text(path.file_stem()), extension)
}

#[cfg(test)]
mod tests {
    use hexalpes_files::ForgetfulFiles;

    use super::*;

    const PATH: &str = "/data/events.jsonl";

    fn disk(names: &[&str]) -> ForgetfulFiles {
        let disk = ForgetfulFiles::new();
        disk.create_dir_all(Path::new("/data")).unwrap();
        for name in names {
            disk.create(&Path::new("/data").join(name)).unwrap();
        }
        disk
    }

    fn names(disk: &ForgetfulFiles) -> Vec<String> {
        disk.list(Path::new("/data")).unwrap()
    }

    #[test]
    fn a_file_put_aside_keeps_its_number() {
        let disk = disk(&["events.jsonl"]);
        put_aside(&disk, Path::new(PATH), 7).unwrap();
        assert_eq!(names(&disk), ["events-000007.jsonl"]);
    }

    #[test]
    fn the_next_file_is_not_taken_for_the_one_before() {
        let disk = disk(&["events-000007.jsonl", "events.jsonl"]);
        put_aside(&disk, Path::new(PATH), 7).unwrap();
        assert_eq!(names(&disk), ["events-000007.jsonl", "events.jsonl"]);
    }

    #[test]
    fn the_oldest_go_and_what_is_not_ours_stays() {
        let others = ["events-7.jsonl", "events-a.jsonl", "events.jsonl", "other-000001.jsonl"];
        let disk = disk(
            &[&others[..], &["events-000008.jsonl", "events-000009.jsonl", "events-000010.jsonl"]].concat(),
        );
        assert_eq!(remove_oldest(&disk, Path::new(PATH), 1).unwrap(), 2);
        let mut left = [&others[..], &["events-000010.jsonl"]].concat();
        left.sort_unstable();
        assert_eq!(names(&disk), left);
    }
}
