//! The fuzzing targets with the corpus, as ordinary tests.
//!
//! What was found by fuzzing and taken into `fuzz/corpus` stays there. The files that begin with `seed-` are what the
//! targets' own seeds say: `HEXALPES_WRITE_CORPUS=1 cargo test -p hexalpes-fuzz` writes them anew.

#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

use std::{
    fs,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
};

use hexalpes_fuzz::{TARGETS, Target};

fn folder(target: Target) -> PathBuf {
    Path::new("../../fuzz/corpus").join(target.name)
}

fn run(target: Target, name: &str, input: &[u8]) {
    let ran = panic::catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    assert!(ran.is_ok(), "{} fails with {name}", target.name);
}

#[test]
fn whatever_lies_in_the_corpus_is_taken_or_refused_and_keeps_the_laws() {
    for target in TARGETS {
        let folder = folder(target);
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            run(target, &path.display().to_string(), &fs::read(&path).unwrap());
        }
    }
}

#[test]
fn the_corpus_has_what_the_broker_writes() {
    for target in TARGETS {
        let folder = folder(target);
        for (n, seed) in (target.seeds)().into_iter().enumerate() {
            let path = folder.join(format!("seed-{n:02}"));
            if std::env::var_os("HEXALPES_WRITE_CORPUS").is_some() {
                fs::create_dir_all(&folder).unwrap();
                fs::write(&path, &seed).unwrap();
            }
            let there = fs::read(&path).is_ok_and(|there| there == seed);
            assert!(there, "{} is not what is written: HEXALPES_WRITE_CORPUS=1 writes it", path.display());
        }
    }
}

/// A little fuzzing in every run: each seed with some of its bytes changed, the same every time. libFuzzer has to be compiled into
/// everything for `cargo xtask fuzz`, which takes longer than all that it would try here.
#[test]
fn seeds_with_a_few_bytes_changed_are_taken_or_refused() {
    const TIMES: usize = 60;
    for target in TARGETS {
        for (n, seed) in (target.seeds)().into_iter().enumerate() {
            let mut state = u64::try_from(n).unwrap() + 1;
            let mut chance = move |bound: usize| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                usize::try_from(state >> 33).unwrap() % bound.max(1)
            };
            for time in 0..TIMES {
                let mut changed = seed.clone();
                for _ in 0..=chance(3) {
                    match (chance(4), changed.is_empty()) {
                        (0, _) => changed.truncate(chance(seed.len() + 1)),
                        (1, false) => {
                            let at = chance(changed.len());
                            changed[at] = 0xff;
                        }
                        (2, false) => {
                            let at = chance(changed.len());
                            changed[at] ^= 1 << chance(8);
                        }
                        _ => changed.insert(chance(changed.len() + 1), u8::try_from(chance(256)).unwrap()),
                    }
                }
                run(target, &format!("seed {n}, change {time}: {changed:?}"), &changed);
            }
        }
    }
}
