//! What is damaged is refused by name and byte, and left as it is; what a crash tore is cut.

use std::path::{Path, PathBuf};

use hexalpes_files::{Files, ForgetfulFiles};
use hexalpes_log::{OpenError, Options, Position, ReadError, TopicId};

use crate::support::{Bench, DIR, entries, payloads, small, try_open};

/// Ten entries, each synced as a group of its own, and none in the segments.
fn ten_groups() -> ForgetfulFiles {
    let bench = Bench::new(small());
    for n in 0..10 {
        bench.put(1, &format!("entry {n}"));
    }
    drop(bench.log);
    bench.disk
}

fn journal() -> PathBuf {
    Path::new(DIR).join("journal/0.journal")
}

/// The byte where the group of an entry begins: each takes a sector, the first is the file's head.
fn group(entry: u64) -> u64 {
    512 * (entry + 1)
}

fn flip(disk: &ForgetfulFiles, path: &Path, byte: u64) {
    let file = disk.open(path).unwrap();
    let mut found = [0];
    file.read_exact_at(&mut found, byte).unwrap();
    file.write_all_at(&[found[0] ^ 0x10], byte).unwrap();
    file.sync_data().unwrap();
}

fn content(disk: &ForgetfulFiles) -> Vec<(PathBuf, Vec<u8>)> {
    let folders = ["", "journal", "segments"].map(|folder| Path::new(DIR).join(folder));
    let paths = folders.iter().flat_map(|folder| {
        let names = disk.list(folder).unwrap();
        names.into_iter().map(|name| folder.join(name)).collect::<Vec<_>>()
    });
    paths.filter_map(|path| Some((path.clone(), disk.read(&path).ok()?))).collect()
}

/// Opening is refused, in one line, and changes nothing.
fn refusal(disk: &ForgetfulFiles, options: &Options) -> OpenError {
    let before = content(disk);
    let refused = try_open(disk, options).unwrap_err();
    assert!(content(disk) == before, "something was changed");
    assert_eq!(refused.to_string().lines().count(), 1);
    refused
}

#[test]
fn a_flipped_bit_in_what_was_synced_is_refused_with_file_and_byte() {
    for (what, offset_in_group, reported) in
        [("head", 20, 0), ("record", 40 + 10, 40), ("payload", 40 + 50, 40)]
    {
        let disk = ten_groups();
        flip(&disk, &journal(), group(4) + offset_in_group);
        let OpenError::Damaged(damage) = refusal(&disk, &small()) else { panic!("{what}") };
        assert_eq!((damage.path, damage.byte), (journal(), group(4) + reported), "{what}");
    }
}

#[test]
fn every_bit_of_the_synced_groups_counts() {
    let whole = ten_groups();
    let bytes = whole.read(&journal()).unwrap();
    for byte in group(0)..group(9) {
        let in_use = bytes[usize::try_from(byte).unwrap()] != 0;
        if !in_use {
            continue;
        }
        flip(&whole, &journal(), byte);
        assert!(matches!(refusal(&whole, &small()), OpenError::Damaged(_)), "byte {byte}");
        flip(&whole, &journal(), byte);
    }
}

#[test]
fn the_last_group_is_cut_if_it_is_torn() {
    let disk = ten_groups();
    flip(&disk, &journal(), group(9) + 60);
    let (log, recovered) = try_open(&disk, &small()).unwrap();
    assert_eq!(recovered.torn.unwrap().byte, group(9) + 40);
    assert_eq!(payloads(&log, 1).len(), 9);
}

#[test]
fn a_torn_group_ends_the_journal_even_if_valid_groups_follow() {
    let disk = ten_groups();
    let file = disk.open(&journal()).unwrap();
    // As if groups 8 and 9 had been written without a sync between them, and only 9 had reached the disk.
    let mut last = vec![0; 512];
    file.read_exact_at(&mut last, group(9)).unwrap();
    last[24..32].copy_from_slice(&(512_u64 * 8).to_le_bytes());
    let checksum = crc32c::crc32c(&last[8..40]);
    last[4..8].copy_from_slice(&checksum.to_le_bytes());
    file.write_all_at(&last, group(9)).unwrap();
    file.write_all_at(&[0; 512], group(8)).unwrap();
    file.sync_data().unwrap();

    let bench = Bench::on(disk, small());
    assert_eq!(bench.recovered.torn.as_ref().unwrap().byte, group(8));
    assert_eq!(bench.payloads(1).len(), 8);
    bench.put(1, "after");
    let bench = bench.crash();
    assert_eq!(bench.payloads(1).len(), 9, "what was cut does not come back");
}

#[test]
fn a_journal_file_whose_head_is_damaged_is_refused() {
    let disk = ten_groups();
    flip(&disk, &journal(), 17);
    let refused = refusal(&disk, &small()).to_string();
    assert_eq!(
        refused,
        "/data/log/journal/0.journal is damaged at byte 0: its header's checksum does not match; \
         restore the data folder from a backup"
    );
}

#[test]
fn a_missing_journal_file_is_refused() {
    let bench = Bench::new(Options { checkpoint_bytes: 1 << 20, ..small() });
    for n in 0..100 {
        bench.put(1, &format!("entry {n} {}", "x".repeat(1000)));
    }
    drop(bench.log);
    bench.disk.remove(&Path::new(DIR).join("journal/1.journal")).unwrap();
    assert!(matches!(refusal(&bench.disk, &small()), OpenError::Damaged(_)));
}

fn closed(entries: usize) -> ForgetfulFiles {
    let bench = Bench::new(small());
    for n in 0..entries {
        bench.put(1, &format!("entry {n}"));
    }
    bench.log.close().unwrap();
    drop(bench.log);
    bench.disk
}

fn segment(ledger: u64) -> PathBuf {
    Path::new(DIR).join(format!("segments/1-{ledger}.segment"))
}

#[test]
fn a_damaged_segment_is_refused_with_file_and_byte() {
    let disk = closed(5);
    flip(&disk, &segment(1), 64 + 60);
    let refused = refusal(&disk, &small()).to_string();
    assert!(refused.starts_with("/data/log/segments/1-1.segment is damaged at byte 119: "), "{refused}");
}

#[test]
fn damage_that_opening_does_not_look_for_is_found_by_reading() {
    let disk = closed(50);
    flip(&disk, &segment(2), 64 + 10);
    let (log, _) = try_open(&disk, &Options { verify_bytes: 0, ..small() }).unwrap();
    let damaged = log.read(TopicId(1), Position::new(2, 0), 10, 1000);
    assert!(
        matches!(damaged, Err(ReadError::Damage(damage)) if damage.path == segment(2) && damage.byte == 64)
    );
    assert_eq!(log.read(TopicId(1), Position::new(1, 0), 10, 1000).unwrap().len(), 10);
}

#[test]
fn a_segment_that_is_cut_short_or_gone_is_refused() {
    let disk = closed(50);
    let file = disk.open(&segment(1)).unwrap();
    let size = file.size().unwrap();
    file.set_size(size - 1).unwrap();
    let refused = refusal(&disk, &Options { verify_bytes: 0, ..small() }).to_string();
    assert!(refused.contains(&format!("it ends there, but {size} bytes were synced")), "{refused}");
    disk.remove(&segment(1)).unwrap();
    assert!(matches!(refusal(&disk, &small()), OpenError::Damaged(damage) if damage.path == segment(1)));
}

#[test]
fn a_damaged_or_missing_catalogue_is_refused() {
    let disk = closed(5);
    let catalogue = Path::new(DIR).join("catalogue");
    flip(&disk, &catalogue, 30);
    assert!(matches!(refusal(&disk, &small()), OpenError::Damaged(damage) if damage.path == catalogue));
    disk.remove(&catalogue).unwrap();
    assert!(matches!(refusal(&disk, &small()), OpenError::Damaged(damage) if damage.path == catalogue));
}

#[test]
fn a_newer_format_is_refused_in_any_file() {
    for name in ["catalogue", "journal/0.journal", "segments/1-1.segment"] {
        let disk = closed(5);
        let path = Path::new(DIR).join(name);
        let file = disk.open(&path).unwrap();
        file.write_all_at(&3_u32.to_le_bytes(), 8).unwrap();
        let refused = refusal(&disk, &small()).to_string();
        let expected = "was written by a newer version (format 3, this binary knows 1): run that version";
        assert!(refused.starts_with(&format!("{} {expected}", path.display())), "{refused}");
    }
}

#[test]
fn what_a_crash_left_of_unknown_segments_is_removed() {
    let disk = closed(5);
    disk.create(&segment(9)).unwrap();
    let (log, _) = try_open(&disk, &small()).unwrap();
    assert!(!disk.exists(&segment(9)).unwrap());
    assert_eq!(entries(&log, 1).len(), 5);
}
