//! Whether two streams of names have the same names, each as often, in whatever order: in memory that does not grow with
//! them.
//!
//! Names fall into buckets; each bucket has the sum of their hashes, those of one side added and those of the other taken
//! off. Where nothing is amiss every sum is 0. Only of the buckets where it is not are the names kept, in a second pass.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};

use anyhow::Result;

const BUCKETS: usize = 1 << 12;
/// Of so many buckets that differ the names are looked at. Where more differ, the rest is only known to differ.
const LOOKED_AT_MAX: usize = 64;

/// Where two streams differ.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Differences {
    /// Names of the one side.
    pub(super) counted: u64,
    /// Names that the other side lacks,
    pub(super) lost: Vec<String>,
    /// and those that it has too much: from nowhere, or twice.
    pub(super) strange: Vec<String>,
    /// More places differ than were looked at.
    pub(super) unseen: u64,
}

/// Takes a name of a stream.
pub(super) type Take<'a> = &'a mut dyn FnMut(&str);

/// Compares two streams; each is asked for once, and again if they differ.
pub(super) async fn compare(
    expected: impl AsyncFn(Take<'_>) -> Result<()>,
    found: impl AsyncFn(Take<'_>) -> Result<()>,
) -> Result<Differences> {
    let mut tally = Tally::new();
    let mut counted = 0;
    expected(&mut |name| {
        counted += 1;
        tally.add(name);
    })
    .await?;
    found(&mut |name| tally.take_off(name)).await?;
    let differing = tally.differing();
    let unseen = differing.len().saturating_sub(LOOKED_AT_MAX) as u64;
    let looked_at: Vec<usize> = differing.into_iter().take(LOOKED_AT_MAX).collect();
    if looked_at.is_empty() {
        return Ok(Differences { counted, ..Differences::default() });
    }
    let mut names: BTreeMap<String, i64> = BTreeMap::new();
    let is_suspect = |name: &str| looked_at.binary_search(&tally.bucket(name).0).is_ok();
    expected(&mut |name| {
        if is_suspect(name) {
            *names.entry(name.to_owned()).or_default() += 1;
        }
    })
    .await?;
    found(&mut |name| {
        if is_suspect(name) {
            *names.entry(name.to_owned()).or_default() -= 1;
        }
    })
    .await?;
    let mut differences = Differences { counted, unseen, ..Differences::default() };
    for (name, balance) in names {
        let side = if balance > 0 { &mut differences.lost } else { &mut differences.strange };
        let times = usize::try_from(balance.unsigned_abs()).unwrap_or(usize::MAX);
        side.extend(std::iter::repeat_n(name, times));
    }
    Ok(differences)
}

/// Sums of hashes, by bucket.
struct Tally {
    hashes: [RandomState; 2],
    buckets: Vec<u128>,
}

impl Tally {
    fn new() -> Self {
        Self { hashes: [RandomState::new(), RandomState::new()], buckets: vec![0; BUCKETS] }
    }

    fn bucket(&self, name: &str) -> (usize, u128) {
        let [high, low] = self.hashes.each_ref().map(|hash| hash.hash_one(name));
        // Which one does not depend on the machine's word.
        let bucket = usize::try_from(low % BUCKETS as u64).expect("there are fewer buckets than that");
        (bucket, (u128::from(high) << 64) | u128::from(low))
    }

    fn add(&mut self, name: &str) {
        let (bucket, hash) = self.bucket(name);
        self.buckets[bucket] = self.buckets[bucket].wrapping_add(hash);
    }

    fn take_off(&mut self, name: &str) {
        let (bucket, hash) = self.bucket(name);
        self.buckets[bucket] = self.buckets[bucket].wrapping_sub(hash);
    }

    /// In ascending order.
    fn differing(&self) -> Vec<usize> {
        let sums = self.buckets.iter().enumerate();
        sums.filter(|(_, sum)| **sum != 0).map(|(bucket, _)| bucket).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn compared(expected: &[&str], found: &[&str]) -> Differences {
        let stream = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let (expected, found) = (stream(expected), stream(found));
        let give = |names: &[String], take: Take<'_>| {
            for name in names {
                take(name);
            }
        };
        let of = async |take: Take<'_>| -> Result<()> {
            give(&expected, take);
            Ok(())
        };
        let there = async |take: Take<'_>| -> Result<()> {
            give(&found, take);
            Ok(())
        };
        compare(of, there).await.unwrap()
    }

    #[tokio::test]
    async fn the_same_names_in_another_order_are_the_same() {
        let same = compared(&["a", "b", "b", "c"], &["b", "c", "b", "a"]).await;
        assert_eq!(same, Differences { counted: 4, ..Differences::default() });
    }

    #[tokio::test]
    async fn a_name_that_is_lost_strange_or_twice_is_named() {
        let found = compared(&["a", "b", "c"], &["a", "c", "c", "x"]).await;
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let (lost, strange) = (names(&["b"]), names(&["c", "x"]));
        assert_eq!(found, Differences { counted: 3, lost, strange, unseen: 0 });
    }

    #[tokio::test]
    async fn however_much_differs_little_is_kept() {
        let all: Vec<String> = (0..100_000).map(|number| number.to_string()).collect();
        let of = async |take: Take<'_>| -> Result<()> {
            for name in &all {
                take(name);
            }
            Ok(())
        };
        let nothing = async |_: Take<'_>| -> Result<()> { Ok(()) };
        let found = compare(of, nothing).await.unwrap();
        assert_eq!((found.counted, found.unseen), (100_000, (BUCKETS - LOOKED_AT_MAX) as u64));
        assert!((1..10_000).contains(&found.lost.len()), "{}", found.lost.len());
    }
}
