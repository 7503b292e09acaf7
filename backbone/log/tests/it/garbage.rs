//! Whatever is done to its files, a log is refused or what it reads is what was appended. It never panics.

use std::path::Path;

use hexalpes_files::{Files, ForgetfulFiles};
use hexalpes_log::{Position, TopicId};
use proptest::prelude::*;

use crate::support::{Bench, DIR, small, try_open};

#[derive(Debug, Clone)]
enum Harm {
    Overwrite { at: u64, bytes: Vec<u8> },
    Cut { size: u64 },
    Copy { from: u64, to: u64, sectors: u64 },
}

fn harm() -> impl Strategy<Value = (prop::sample::Index, Harm)> {
    let bytes =
        prop_oneof![prop::collection::vec(any::<u8>(), 1..8), Just(vec![0; 600]), Just(vec![0xff; 4])];
    let harm = prop_oneof![
        (any::<u64>(), bytes).prop_map(|(at, bytes)| Harm::Overwrite { at, bytes }),
        any::<u64>().prop_map(|size| Harm::Cut { size }),
        (0..40_u64, 0..40_u64, 1..5_u64).prop_map(|(from, to, sectors)| Harm::Copy { from, to, sectors }),
    ];
    (any::<prop::sample::Index>(), harm)
}

fn do_harm(disk: &ForgetfulFiles, which: prop::sample::Index, harm: &Harm) {
    let mut paths = vec![Path::new(DIR).join("catalogue")];
    for part in ["journal", "segments"] {
        let folder = Path::new(DIR).join(part);
        paths.extend(disk.list(&folder).unwrap().into_iter().map(|name| folder.join(name)));
    }
    let file = disk.open(&paths[which.index(paths.len())]).unwrap();
    let size = file.size().unwrap();
    match harm {
        Harm::Overwrite { at, bytes } => file.write_all_at(bytes, at % size.max(1)).unwrap(),
        Harm::Cut { size: cut } => file.set_size(cut % (size + 1)).unwrap(),
        Harm::Copy { from, to, sectors } => {
            let mut bytes = vec![0; usize::try_from(sectors * 512).unwrap()];
            let read = file.read_at(&mut bytes, from * 512).unwrap();
            file.write_all_at(&bytes[..read], to * 512).unwrap();
        }
    }
}

fn payload(topic: u64, n: u64) -> String {
    format!("{topic}:{n}:{}", "x".repeat(usize::try_from(n * 7 % 300).unwrap()))
}

proptest! {
    #[test]
    fn harmed_files_are_refused_or_read_as_they_were(
        counts in [0..60_u64, 0..60],
        closed: bool,
        harms in prop::collection::vec(harm(), 1..3),
    ) {
        let bench = Bench::new(small());
        for n in 0..60 {
            for topic in 0..2 {
                if n < counts[usize::try_from(topic).unwrap()] {
                    bench.put(topic, &payload(topic, n));
                }
            }
        }
        if closed {
            bench.log.close().unwrap();
        }
        let disk = bench.disk;
        drop(bench.log);
        for (which, harm) in harms {
            do_harm(&disk, which, &harm);
        }
        let Ok((log, _)) = try_open(&disk, &small()) else { return Ok(()) };
        for topic in 0..2 {
            let (mut from, mut n) = (Position::EARLIEST, 0);
            while let Ok(read) = log.read(TopicId(topic), from, 10, 1000) {
                let Some(last) = read.last() else { break };
                from = last.position.next();
                for entry in read {
                    prop_assert_eq!(&entry.payload, &payload(topic, n));
                    n += 1;
                }
            }
        }
    }
}
