//! What a test can make go wrong.

use std::{io::ErrorKind, path::Path};

use hexalpes_files::{Files, ForgetfulFiles};

#[test]
fn a_full_disk_takes_what_fits() {
    let disk = ForgetfulFiles::new();
    let file = disk.create(Path::new("/file")).unwrap();
    disk.set_capacity(Some(6));
    file.write_all_at(b"1234", 0).unwrap();
    let error = file.write_all_at(b"5678", 4).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    assert_eq!(disk.read(Path::new("/file")).unwrap(), b"123456");
    file.write_all_at(b"abc", 0).unwrap();
}

#[test]
fn a_read_only_disk_can_be_read() {
    let disk = ForgetfulFiles::new();
    disk.replace(Path::new("/file"), b"old").unwrap();
    disk.set_read_only(true);
    assert_eq!(disk.read(Path::new("/file")).unwrap(), b"old");
    assert_eq!(disk.open(Path::new("/file")).unwrap_err().kind(), ErrorKind::ReadOnlyFilesystem);
    assert_eq!(disk.create(Path::new("/new")).unwrap_err().kind(), ErrorKind::ReadOnlyFilesystem);
    assert_eq!(disk.remove(Path::new("/file")).unwrap_err().kind(), ErrorKind::ReadOnlyFilesystem);
}

#[test]
fn the_named_sync_and_write_fail_and_no_other() {
    let disk = ForgetfulFiles::new();
    let file = disk.create(Path::new("/file")).unwrap();
    disk.fail_sync(2);
    file.sync_data().unwrap();
    file.sync_data().unwrap_err();
    file.sync_data().unwrap();
    disk.fail_write(1);
    file.write_all_at(b"x", 0).unwrap_err();
    file.write_all_at(b"x", 0).unwrap();
    assert_eq!(disk.data_syncs(), 3);
}

#[test]
fn when_the_power_is_out_nothing_changes_until_the_machine_is_back() {
    let disk = ForgetfulFiles::new();
    let file = disk.create(Path::new("/file")).unwrap();
    disk.sync_dir(Path::new("/")).unwrap();
    disk.cut_power_after(2);
    file.write_all_at(b"kept", 0).unwrap();
    file.sync_data().unwrap();
    file.write_all_at(b"gone", 0).unwrap_err();
    file.sync_data().unwrap_err();
    disk.forget();
    assert_eq!(disk.read(Path::new("/file")).unwrap(), b"kept");
    disk.remove(Path::new("/file")).unwrap();
}
