//! What happens when the disk fails, is full, or cannot be written.

use std::path::Path;

use hexalpes_files::{Files, ForgetfulFiles};
use hexalpes_log::{AppendError, Durability, OpenError, Options, TopicId};

use crate::support::{Bench, DIR, payloads, small, try_open};

fn assert_stopped(bench: &Bench) {
    let refused = bench.log.append(TopicId(1), 0, &[b"more"], &bench.receipts(), 0);
    assert!(matches!(refused, Err(AppendError::Stopped(_))), "{refused:?}");
}

#[test]
fn after_a_failed_sync_nothing_more_is_taken_and_nothing_was_promised() {
    let bench = Bench::new(small());
    bench.put(1, "kept");
    bench.disk.fail_sync(1);
    bench.put(1, "lost");
    assert_eq!((bench.told.synced().len(), bench.told.failed().len()), (1, 1));
    assert_stopped(&bench);
    assert_eq!(bench.payloads(1), ["kept"], "what is durable can still be read");
    bench.log.close().unwrap_err();
    assert_eq!(bench.crash().payloads(1), ["kept"]);
}

#[test]
fn after_a_failed_write_those_who_wait_are_told_too() {
    let bench = Bench::new(small());
    bench.disk.fail_write(1);
    // More than one group's worth.
    let entry = "x".repeat(3000);
    for _ in 0..10 {
        bench.queue(1, &entry);
    }
    bench.log.commit_now();
    bench.told.wait_for(10);
    assert_eq!(bench.told.failed().len(), 10);
    assert_stopped(&bench);
}

#[test]
fn a_disk_that_fills_up_stops_the_log_and_loses_nothing() {
    let bench = Bench::new(small());
    bench.disk.set_capacity(Some(100 << 10));
    let entry = "x".repeat(900);
    let mut appended = 0;
    while bench.told.failed().is_empty() && appended < 10_000 {
        let result = bench.log.append(TopicId(1), 0, &[entry.as_bytes()], &bench.receipts(), 0);
        if result.is_err() {
            break;
        }
        appended += 1;
        bench.log.commit_now();
    }
    assert_stopped(&bench);
    let kept = bench.told.synced().len();
    assert!(kept > 10);

    bench.disk.set_capacity(None);
    let bench = bench.crash();
    assert!(bench.payloads(1).len() >= kept);
}

#[test]
fn a_full_disk_is_named_when_opening() {
    let disk = ForgetfulFiles::new();
    disk.set_capacity(Some(1000));
    let refused = try_open(&disk, &small()).unwrap_err().to_string();
    assert!(refused.starts_with("cannot make /data/log/journal/0.journal: "), "{refused}");
    assert!(refused.ends_with("; free some space"), "{refused}");
    disk.set_capacity(None);
    try_open(&disk, &small()).unwrap();
}

#[test]
fn a_read_only_disk_is_named_when_opening() {
    let bench = Bench::new(small());
    bench.put(1, "kept");
    let disk = bench.disk;
    drop(bench.log);
    disk.set_read_only(true);
    let refused = try_open(&disk, &small()).unwrap_err();
    assert!(matches!(refused, OpenError::Locked(_)), "{refused}");
    assert_eq!(refused.to_string().lines().count(), 1);
    disk.set_read_only(false);
    assert_eq!(payloads(&try_open(&disk, &small()).unwrap().0, 1), ["kept"]);
}

#[test]
fn a_folder_in_use_is_refused() {
    let bench = Bench::new(small());
    let refused = try_open(&bench.disk, &small()).unwrap_err();
    assert!(matches!(refused, OpenError::Locked(_)), "{refused}");
}

#[test]
fn without_durability_nothing_is_synced_for_an_append() {
    let bench = Bench::new(Options { durability: Durability::Os, ..small() });
    let before = bench.disk.data_syncs();
    bench.put(1, "lost");
    assert_eq!((bench.disk.data_syncs(), bench.told.synced().len()), (before, 1));
    assert_eq!(bench.crash().payloads(1), [""; 0]);
}

#[test]
fn segments_that_cannot_be_written_stop_the_log() {
    let bench = Bench::new(small());
    for _ in 0..10 {
        bench.put(1, "kept");
    }
    bench.disk.set_read_only(true);
    bench.log.checkpoint().unwrap_err();
    assert_stopped(&bench);
    bench.disk.set_read_only(false);
    assert_eq!(bench.crash().payloads(1).len(), 10);
}

#[test]
fn a_start_that_was_cut_off_at_any_write_can_be_repeated() {
    for write in 1.. {
        let disk = ForgetfulFiles::new();
        disk.create_dir_all(Path::new(DIR)).unwrap();
        disk.fail_write(write);
        let opened = try_open(&disk, &small());
        let done = opened.is_ok();
        drop(opened);
        disk.forget_torn(u64::from(write));
        let bench = Bench::on(disk, small());
        bench.put(1, "kept");
        assert_eq!(bench.crash().payloads(1), ["kept"], "write {write}");
        if done {
            return;
        }
    }
}
