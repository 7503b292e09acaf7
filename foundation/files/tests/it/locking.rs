//! A data folder belongs to one process at a time.

use std::path::Path;

use hexalpes_files::{Files, ForgetfulFiles, LockError, RealFiles};

#[test]
fn a_held_folder_is_refused_by_name_of_its_holder() {
    let folder = tempfile::tempdir().unwrap();
    let lock = RealFiles.lock_dir(folder.path()).unwrap();
    let refused = RealFiles.lock_dir(folder.path()).unwrap_err();
    let held = format!("{} is in use by process {} (", folder.path().display(), std::process::id());
    assert!(refused.to_string().starts_with(&held), "{refused}");
    drop(lock);
    RealFiles.lock_dir(folder.path()).unwrap();
}

#[test]
fn a_folder_that_is_not_there_cannot_be_locked() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    assert!(matches!(RealFiles.lock_dir(&missing), Err(LockError::Io { .. })));
}

#[test]
fn a_power_cut_frees_the_folder_and_an_old_lock_frees_no_new_one() {
    let disk = ForgetfulFiles::new();
    let data = Path::new("/data");
    disk.create_dir_all(data).unwrap();
    let old = disk.lock_dir(data).unwrap();
    assert!(matches!(disk.lock_dir(data), Err(LockError::Held { .. })));
    disk.forget();
    let _new = disk.lock_dir(data).unwrap();
    drop(old);
    assert!(matches!(disk.lock_dir(data), Err(LockError::Held { .. })));
}
