//! Many callers at once: some lead, some leave it to the journal thread, some only read.

use std::{
    sync::{Arc, mpsc},
    thread,
};

use hexalpes_log::{Appended, FileError, Log, Position, Receipts, TopicId};

use crate::support::{Bench, entries, small};

struct Forward(mpsc::Sender<Appended>);

impl Receipts for Forward {
    fn synced(&self, appended: &[Appended]) {
        for one in appended {
            // Whoever does not listen any more does not need to know.
            let _ = self.0.send(*one);
        }
    }

    fn failed(&self, _: &[Appended], cause: &FileError) {
        panic!("{cause}");
    }
}

/// Appends so many, a few in flight, and checks that the receipts come in order. Returns the positions.
fn produce(log: &Log, topic: u64, count: u64, leads: bool) -> Vec<Position> {
    const IN_FLIGHT: u64 = 5;
    let (sender, receiver) = mpsc::channel();
    let receipts: Arc<dyn Receipts> = Arc::new(Forward(sender));
    let mut positions = Vec::new();
    for token in 0..count {
        let payload = format!("{topic} {token}");
        positions.push(log.append(TopicId(topic), 0, &[payload.as_bytes()], &receipts, token).unwrap());
        if leads {
            log.commit_now();
        } else {
            log.wake();
        }
        if token >= IN_FLIGHT {
            assert_eq!(receiver.recv().unwrap().token, token - IN_FLIGHT);
        }
    }
    for token in count.saturating_sub(IN_FLIGHT)..count {
        assert_eq!(receiver.recv().unwrap().token, token);
    }
    positions
}

/// Follows a topic as a consumer does, and returns once it has seen so many.
fn consume(log: &Log, topic: u64, count: usize) -> Vec<Position> {
    let (mut from, mut seen) = (Position::EARLIEST, Vec::new());
    while seen.len() < count {
        let read = log.read(TopicId(topic), from, 50, 10_000).unwrap();
        seen.extend(read.iter().map(|entry| entry.position));
        from = seen.last().map_or(from, |last| last.next());
        thread::yield_now();
    }
    seen
}

#[test]
fn producers_and_consumers_see_one_order() {
    const COUNT: u64 = 400;
    let bench = Bench::new(small());
    thread::scope(|scope| {
        for topic in 0..6 {
            let log = &bench.log;
            let producer = scope.spawn(move || produce(log, topic, COUNT, topic % 2 == 0));
            let consumer = scope.spawn(move || consume(log, topic, usize::try_from(COUNT).unwrap()));
            scope.spawn(move || assert_eq!(producer.join().unwrap(), consumer.join().unwrap()));
        }
    });
    let bench = bench.crash();
    for topic in 0..6 {
        let found: Vec<String> = entries(&bench.log, topic).into_iter().map(|(_, payload)| payload).collect();
        let expected: Vec<String> = (0..COUNT).map(|token| format!("{topic} {token}")).collect();
        assert_eq!(found, expected);
    }
}

#[test]
fn several_producers_of_one_topic_share_its_positions() {
    let bench = Bench::new(small());
    let mut positions: Vec<Position> = thread::scope(|scope| {
        let producers: Vec<_> = (0..4)
            .map(|n| {
                scope.spawn({
                    let log = &bench.log;
                    move || produce(log, 1, 200, n < 2)
                })
            })
            .collect();
        producers.into_iter().flat_map(|producer| producer.join().unwrap()).collect()
    });
    positions.sort_unstable();
    let found: Vec<Position> = entries(&bench.log, 1).into_iter().map(|(position, _)| position).collect();
    assert_eq!(found, positions);
}

struct Panics;

impl Receipts for Panics {
    fn synced(&self, _: &[Appended]) {
        panic!("a receiver that is broken");
    }

    fn failed(&self, _: &[Appended], _: &FileError) {}
}

#[test]
fn a_receiver_that_panics_takes_nobody_with_it() {
    let bench = Bench::new(small());
    let broken: Arc<dyn Receipts> = Arc::new(Panics);
    let leader = thread::spawn({
        let log = bench.log.clone();
        move || {
            log.append(TopicId(1), 0, &[b"broken"], &broken, 0).unwrap();
            log.commit_now();
        }
    });
    leader.join().unwrap_err();
    bench.put(1, "next");
    assert_eq!(bench.told.synced().len(), 1);
    assert_eq!(bench.payloads(1), ["broken", "next"]);
}
