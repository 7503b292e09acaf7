//! Topics come with their first entry, lose old segments, and go.

use hexalpes_log::{Position, TopicId};

use crate::support::{Bench, small};

const TOPIC: TopicId = TopicId(1);

fn filled(entries: usize) -> Bench {
    let bench = Bench::new(small());
    for n in 0..entries {
        bench.put(1, &format!("entry {n}"));
    }
    bench
}

#[test]
fn a_topic_without_entries_is_none() {
    let bench = filled(0);
    assert_eq!(bench.log.topics(), []);
    assert_eq!(bench.log.first_position(TOPIC), None);
    assert_eq!(bench.log.read(TOPIC, Position::EARLIEST, 1, 1).unwrap(), []);
    assert_eq!(bench.log.first_at(TOPIC, Position::EARLIEST, 0).unwrap(), None);
}

#[test]
fn trimming_takes_whole_segments_and_never_the_last() {
    let bench = filled(100);
    let segments = bench.log.segments(TOPIC);
    let third = segments[2].ledger;
    bench.log.trim_before(TOPIC, Position::new(third, 7));
    assert_eq!(bench.log.first_position(TOPIC), Some(Position::new(third, 0)));
    assert_eq!(bench.payloads(1)[0], "entry 40");
    bench.log.checkpoint().unwrap();
    let bench = bench.crash();
    assert_eq!(bench.payloads(1)[0], "entry 40");
    assert_eq!(bench.payloads(1).len(), 60);

    bench.log.trim_before(TOPIC, Position::new(u64::MAX, 0));
    assert_eq!(bench.log.segments(TOPIC).len(), 1);
    assert_eq!(bench.payloads(1).last().unwrap(), "entry 99");
}

#[test]
fn a_position_that_was_trimmed_reads_on_from_the_first_there_is() {
    let bench = filled(100);
    let early = Position::new(bench.log.segments(TOPIC)[0].ledger, 3);
    let fourth = bench.log.segments(TOPIC)[3].ledger;
    bench.log.trim_before(TOPIC, Position::new(fourth, 0));
    assert_eq!(bench.log.read(TOPIC, early, 1, 1).unwrap()[0].payload, "entry 60");
    assert_eq!(bench.log.entries_between(TOPIC, early, Position::new(fourth, 5)), 5);
}

#[test]
fn a_deleted_topic_stays_deleted_and_its_number_begins_anew() {
    let bench = filled(50);
    bench.put(2, "other");
    let last = bench.log.last_position(TOPIC).unwrap();
    bench.log.delete_topic(TOPIC).unwrap();
    assert_eq!(bench.log.topics(), [TopicId(2)]);
    let again = bench.put(1, "again");
    bench.told.wait_for(52);
    assert!(again.ledger > last.ledger && again.entry == 0, "{again}");
    let bench = bench.crash();
    assert_eq!(bench.payloads(1), ["again"]);
    bench.log.delete_topic(TOPIC).unwrap();
    bench.log.close().unwrap();
    let bench = bench.crash();
    assert_eq!(bench.log.topics(), [TopicId(2)]);
    assert_eq!(bench.payloads(2), ["other"]);
}

#[test]
fn the_first_entry_of_a_time_is_found_in_segments_and_in_memory() {
    let bench = filled(0);
    for stamp in 0..200 {
        bench.log.append(TOPIC, 1000 + stamp * 10, &[b"x"], &bench.receipts(), 0).unwrap();
        bench.log.commit_now();
    }
    bench.told.wait_for(200);
    let positions: Vec<Position> = bench.told.synced().iter().map(|appended| appended.position).collect();
    let bench = bench.crash();
    assert_eq!(bench.log.first_at(TOPIC, Position::EARLIEST, 0).unwrap(), Some(positions[0]));
    assert_eq!(bench.log.first_at(TOPIC, Position::EARLIEST, 1995).unwrap(), Some(positions[100]));
    assert_eq!(bench.log.first_at(TOPIC, Position::EARLIEST, 2990).unwrap(), Some(positions[199]));
    assert_eq!(bench.log.first_at(TOPIC, Position::EARLIEST, 2991).unwrap(), None);
    // From further on, also where that is not in memory.
    assert_eq!(bench.log.first_at(TOPIC, positions[150], 1995).unwrap(), Some(positions[150]));
    assert_eq!(bench.log.first_at(TOPIC, positions[150], 2990).unwrap(), Some(positions[199]));
    assert_eq!(bench.log.first_at(TOPIC, positions[199].next(), 0).unwrap(), None);
    let late = bench.log.append(TOPIC, 9000, &[b"x"], &bench.receipts(), 0).unwrap();
    bench.log.commit_now();
    assert_eq!(bench.log.first_at(TOPIC, Position::EARLIEST, 2991).unwrap(), Some(late));
}

#[test]
fn reading_takes_no_more_than_asked_but_always_one() {
    let bench = filled(100);
    for from in [Position::EARLIEST, Position::new(bench.log.segments(TOPIC)[4].ledger, 10)] {
        assert_eq!(bench.log.read(TOPIC, from, 3, 1000).unwrap().len(), 3);
        assert_eq!(bench.log.read(TOPIC, from, 100, 20).unwrap().len(), 2);
        assert_eq!(bench.log.read(TOPIC, from, 100, 0).unwrap().len(), 1);
        assert_eq!(bench.log.read(TOPIC, from, 0, 1000).unwrap().len(), 0);
    }
}
