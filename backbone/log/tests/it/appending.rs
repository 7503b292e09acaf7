//! What is appended is there: committed by whoever, read from wherever, before and after a restart.

use hexalpes_log::{AppendError, Options, Position, TopicId};

use crate::support::{Bench, small};

fn numbered(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|n| format!("entry {n}")).collect()
}

#[test]
fn a_caller_that_leads_has_its_receipt_at_once() {
    let bench = Bench::new(small());
    let position = bench.put(1, "entry 0");
    assert_eq!(bench.told.synced()[0].position, position);
    assert_eq!(bench.payloads(1), numbered(0..1));
    assert_eq!(bench.disk.data_syncs(), Bench::new(small()).disk.data_syncs() + 1, "one group, one sync");
}

#[test]
fn nothing_can_be_read_before_it_is_durable() {
    let bench = Bench::new(small());
    bench.queue(1, "entry 0");
    assert_eq!(bench.payloads(1), numbered(0..0));
    assert_eq!(bench.log.last_position(TopicId(1)), None);
}

#[test]
fn what_waits_together_shares_a_sync() {
    let bench = Bench::new(small());
    let before = bench.disk.data_syncs();
    for n in 0..10 {
        bench.queue(n % 3, &format!("entry {n}"));
    }
    bench.log.commit_now();
    assert_eq!(bench.told.synced().len(), 10);
    assert_eq!(bench.told.failed(), []);
    assert_eq!(bench.disk.data_syncs(), before + 1);
}

#[test]
fn the_journal_thread_commits_what_nobody_leads() {
    let bench = Bench::new(small());
    for n in 0..200 {
        bench.queue(1, &format!("entry {n}"));
        bench.log.wake();
    }
    bench.told.wait_for(200);
    assert_eq!(bench.payloads(1), numbered(0..200));
}

#[test]
fn what_only_a_file_has_is_not_recent() {
    let bench = Bench::new(small());
    let first = bench.put(1, "entry 0");
    let recent =
        |bench: &Bench, from| bench.log.read_recent(TopicId(1), from, 7, 1000).map(|read| read.len());
    assert_eq!(recent(&bench, first), Some(1));
    assert_eq!(recent(&bench, first.next()), Some(0));
    let bench = bench.reopen();
    assert_eq!(recent(&bench, first), None);
    let second = bench.put(1, "entry 1");
    assert_eq!((recent(&bench, first), recent(&bench, second)), (None, Some(1)));
}

#[test]
fn entries_stay_through_segments_files_and_restarts() {
    let mut bench = Bench::new(small());
    let mut positions = Vec::new();
    for n in 0..500 {
        positions.push(bench.put(1, &format!("entry {n}")));
        bench.put(2, &format!("other {n}"));
    }
    assert_eq!(bench.payloads(1), numbered(0..500));
    assert!(bench.log.segments(TopicId(1)).len() > 10);
    bench.log.close().unwrap();
    bench = bench.reopen();
    assert_eq!(bench.recovered.replayed, 0, "a closed log opens without replay");
    assert_eq!(bench.payloads(1), numbered(0..500));
    bench = bench.crash();
    assert_eq!(bench.payloads(1), numbered(0..500));
    assert!(bench.put(1, "entry 500") > positions[499], "positions go on rising");
    assert_eq!(bench.payloads(1), numbered(0..501));
    for (n, position) in positions.iter().enumerate() {
        assert_eq!(bench.log.read(TopicId(1), *position, 1, 1).unwrap()[0].payload, format!("entry {n}"));
        assert_eq!(bench.log.entries_between(TopicId(1), Position::EARLIEST, *position), n as u64);
    }
}

#[test]
fn an_entry_larger_than_a_group_is_refused_and_one_just_as_large_is_not() {
    let bench = Bench::new(Options { journal_file_bytes: 16 << 10, ..small() });
    let entry = "x".repeat(9000);
    let receipts = bench.receipts();
    let refused = bench.log.append(TopicId(1), 0, &[entry.as_bytes()], &receipts, 0).unwrap_err();
    let AppendError::TooLarge { limit, .. } = refused else { panic!("{refused}") };
    let entry = "x".repeat(limit);
    for _ in 0..5 {
        bench.put(1, &entry);
    }
    assert_eq!(bench.crash().payloads(1), vec![entry; 5]);
}

#[test]
fn a_crowd_is_refused() {
    let bench = Bench::new(Options { waiting_bytes_max: 1000, ..small() });
    let entry = "x".repeat(400);
    let receipts = bench.receipts();
    let append = || bench.log.append(TopicId(1), 0, &[entry.as_bytes()], &receipts, 0);
    while let Ok(_position) = append() {}
    assert!(matches!(append(), Err(AppendError::Crowded { .. })));
    bench.log.commit_now();
    append().unwrap();
}

#[test]
fn a_closed_log_takes_nothing() {
    let bench = Bench::new(small());
    bench.put(1, "entry 0");
    bench.log.close().unwrap();
    let refused = bench.log.append(TopicId(1), 0, &[], &bench.receipts(), 0);
    assert!(matches!(refused, Err(AppendError::Closed)));
    bench.log.close().unwrap();
    assert_eq!(bench.payloads(1), numbered(0..1));
}
