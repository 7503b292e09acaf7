//! What is there after a power cut.

use std::path::Path;

use hexalpes_files::{Files, ForgetfulFiles};
use proptest::prelude::*;

const DIR: &str = "/data";
const FILE: &str = "/data/file";

fn disk() -> ForgetfulFiles {
    let disk = ForgetfulFiles::new();
    disk.create_dir_all(Path::new(DIR)).unwrap();
    disk
}

#[test]
fn synced_bytes_under_a_synced_name_are_there() {
    let disk = disk();
    let file = disk.create(Path::new(FILE)).unwrap();
    file.write_all_at(b"here", 0).unwrap();
    file.sync_data().unwrap();
    disk.sync_dir(Path::new(DIR)).unwrap();
    file.write_all_at(b"gone", 4).unwrap();
    disk.forget();
    assert_eq!(disk.read(Path::new(FILE)).unwrap(), b"here");
}

#[test]
fn a_name_in_an_unsynced_folder_is_gone() {
    let disk = disk();
    let file = disk.create(Path::new(FILE)).unwrap();
    file.write_all_at(b"bytes", 0).unwrap();
    file.sync_data().unwrap();
    disk.forget();
    assert!(!disk.exists(Path::new(FILE)).unwrap());
}

#[test]
fn a_removed_file_is_back_if_its_folder_was_not_synced() {
    let disk = disk();
    disk.replace(Path::new(FILE), b"back").unwrap();
    disk.remove(Path::new(FILE)).unwrap();
    disk.forget();
    assert_eq!(disk.read(Path::new(FILE)).unwrap(), b"back");
}

#[test]
fn files_opened_before_the_power_cut_are_of_no_use_after_it() {
    let disk = disk();
    disk.replace(Path::new(FILE), b"").unwrap();
    let file = disk.open(Path::new(FILE)).unwrap();
    disk.forget();
    assert!(file.write_all_at(b"ghost", 0).is_err());
}

#[test]
fn with_syncs_ignored_nothing_is_there() {
    let disk = disk();
    disk.ignore_syncs();
    disk.replace(Path::new(FILE), b"gone").unwrap();
    disk.forget();
    assert!(!disk.exists(Path::new(FILE)).unwrap());
}

proptest! {
    /// Whatever half of a replacement reaches the disk, the file is the old or the new one, whole.
    #[test]
    fn replace_is_whole_or_absent(seed: u64, old in "[a-z]{0,2000}", new in "[A-Z]{0,2000}") {
        let disk = disk();
        disk.replace(Path::new(FILE), old.as_bytes()).unwrap();
        let written = disk.create(Path::new("/data/file.new")).unwrap();
        written.write_all_at(new.as_bytes(), 0).unwrap();
        written.sync_data().unwrap();
        disk.rename(Path::new("/data/file.new"), Path::new(FILE)).unwrap();
        disk.forget_torn(seed);
        let found = disk.read(Path::new(FILE)).unwrap();
        prop_assert!(found == old.as_bytes() || found == new.as_bytes());
    }

    /// A torn forgetting touches nothing that was synced, and the same seed tears the same way.
    #[test]
    fn tearing_spares_what_was_synced_and_repeats(seed: u64, kept in 1..3000_usize, torn in 1..3000_usize) {
        let after = [(); 2].map(|()| {
            let disk = disk();
            disk.replace(Path::new(FILE), &vec![1; kept]).unwrap();
            let file = disk.open(Path::new(FILE)).unwrap();
            file.write_all_at(&vec![2; torn], kept as u64).unwrap();
            disk.forget_torn(seed);
            disk.read(Path::new(FILE)).unwrap()
        });
        prop_assert_eq!(&after[0][..kept], &vec![1; kept]);
        prop_assert_eq!(&after[0], &after[1]);
    }
}
