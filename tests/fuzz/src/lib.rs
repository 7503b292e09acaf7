//! What must hold for any bytes at all, one function of them for each decoder: `fuzz/` gives them what libFuzzer thinks
//! of, and an ordinary test what lies in `fuzz/corpus`. A function that returns has found nothing wrong; one that panics
//! has.
//!
//! More than that nothing panics: what is decoded and encoded again is the same, a log that opens opens again with the
//! same in it, and no length that lies takes memory (the fuzzer's allocator watches that).
//!
//! Checksums are set right before a file is opened: behind a wrong one no byte would ever be looked at.

#![allow(clippy::unwrap_used, reason = "a panic is how something wrong is told")]

mod compressed;
mod disk;
mod frames;
mod metadata;
mod rest;
mod schemas;
mod seeds;
mod tokens;
mod topics;

/// One decoder and its law.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    pub name: &'static str,
    pub run: fn(&[u8]),
    /// What the broker itself would write there: the corpus begins with it.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

pub const TARGETS: [Target; 12] = [
    Target { name: "frame", run: frames::frame, seeds: seeds::frames },
    Target { name: "payload", run: frames::payload, seeds: seeds::payloads },
    Target { name: "batch", run: frames::batch, seeds: seeds::batches },
    Target { name: "compression", run: compressed::compression, seeds: seeds::compressions },
    Target { name: "names", run: topics::names, seeds: seeds::names },
    Target { name: "journal", run: disk::journal, seeds: disk::journal_seeds },
    Target { name: "segment", run: disk::segment, seeds: disk::segment_seeds },
    Target { name: "catalogue", run: disk::catalogue, seeds: disk::catalogue_seeds },
    Target { name: "metadata", run: metadata::metadata, seeds: metadata::seeds },
    Target { name: "rest", run: rest::rest, seeds: rest::seeds },
    Target { name: "token", run: tokens::token, seeds: tokens::seeds },
    Target { name: "schema", run: schemas::schema, seeds: schemas::seeds },
];

/// The target of this name.
pub fn target(name: &str) -> Target {
    *TARGETS.iter().find(|target| target.name == name).expect("every target is in the list")
}
