//! Which partition a message goes to.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hexalpes_wire::key::{java_string_hash, murmur3_32};
use tokio::time::Instant;

use super::{Batching, Outgoing};

/// As Java's producers, a batching one stays with a partition for so many of its batches' delays.
const BATCH_DELAYS_A_PARTITION: u32 = 10;

/// How a producer on a topic with partitions chooses one for a message that does not name it. Messages of one key go
/// to one partition, the same that other clients find with the same hash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Routing {
    /// Those without a key go to each partition in turn; while batches are made, to one for ten times as long as
    /// a batch may wait, so that there are batches.
    #[default]
    RoundRobin,
    /// Those without a key all go to one partition, which is drawn when the producer opens.
    Single,
}

/// The hash by which a key finds its partition. All producers of a topic want the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyHash {
    /// Java's hash of a string, the default of Pulsar's Java client.
    #[default]
    JavaString,
    /// Murmur3 of the key's UTF-8, 32 bits.
    Murmur3,
}

impl KeyHash {
    /// The partition of a key among so many, which are not none.
    pub fn partition_of(self, key: &str, partitions: u32) -> u32 {
        let hash = match self {
            Self::JavaString => java_string_hash(key),
            Self::Murmur3 => murmur3_32(key.as_bytes()),
        };
        // Both are taken without their sign.
        (hash & i32::MAX.cast_unsigned()) % partitions
    }
}

/// A producer's choice, with what it remembers.
#[derive(Debug)]
pub(super) struct Router {
    routing: Routing,
    hash: KeyHash,
    /// How long one partition has the messages without a key, if they are to be batched.
    stay: Option<Duration>,
    /// Drawn, so that producers that start together do not fill one partition after the other together.
    first: u32,
    since: Instant,
    turn: AtomicU32,
}

impl Router {
    pub(super) fn new(routing: Routing, hash: KeyHash, batching: Option<Batching>) -> Self {
        let stay = |batching: Batching| {
            (batching.max_delay * BATCH_DELAYS_A_PARTITION).max(Duration::from_millis(1))
        };
        let drawn = RandomState::new().hash_one(());
        Self {
            routing,
            hash,
            stay: batching.map(stay),
            first: u32::try_from(drawn >> 34).expect("it has 30 bits"),
            since: Instant::now(),
            turn: AtomicU32::new(0),
        }
    }

    /// A partition below `partitions`, unless the message names another.
    pub(super) fn partition_of(&self, message: &Outgoing, partitions: u32) -> u32 {
        if let Some(partition) = message.partition {
            return partition;
        }
        match (self.routing, &message.key) {
            (_, Some(key)) => self.hash.partition_of(key, partitions),
            (Routing::Single, None) => self.first % partitions,
            (Routing::RoundRobin, None) => {
                let turn = match self.stay {
                    None => self.turn.fetch_add(1, Ordering::Relaxed),
                    Some(stay) => turns(self.since.elapsed(), stay),
                };
                turn.wrapping_add(self.first) % partitions
            }
        }
    }
}

/// How many whole stays have passed.
fn turns(passed: Duration, stay: Duration) -> u32 {
    let turns = passed.as_nanos() / stay.as_nanos();
    u32::try_from(turns % u128::from(u32::MAX)).expect("the remainder fits")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Worked out with Java's `String.hashCode` and the published Murmur3.
    #[test]
    fn a_key_finds_the_partition_that_other_clients_find() {
        let partitions =
            |hash: KeyHash| ["", "hello", "polygenelubricants"].map(|key| hash.partition_of(key, 7));
        assert_eq!(partitions(KeyHash::JavaString), [0, 99_162_322 % 7, 0]);
        assert_eq!(KeyHash::Murmur3.partition_of("hello", 7), 0x248b_fa47 % 7);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_key_partitions_have_their_turn_message_by_message_or_batch_by_batch() {
        let message = Outgoing::new("x");
        let router = Router::new(Routing::RoundRobin, KeyHash::JavaString, None);
        let mut first: Vec<u32> = (0..4).map(|_| router.partition_of(&message, 4)).collect();
        first.sort_unstable();
        assert_eq!(first, [0, 1, 2, 3]);

        let batching = Batching { max_delay: Duration::from_millis(1), ..Batching::default() };
        let router = Router::new(Routing::RoundRobin, KeyHash::JavaString, Some(batching));
        let before = router.partition_of(&message, 4);
        tokio::time::advance(Duration::from_millis(9)).await;
        assert_eq!(router.partition_of(&message, 4), before);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(router.partition_of(&message, 4), (before + 1) % 4);
    }

    #[test]
    fn a_drawn_partition_is_kept() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("it starts");
        let _inside = runtime.enter();
        let router = Router::new(Routing::Single, KeyHash::JavaString, None);
        let drawn = router.partition_of(&Outgoing::new("x"), 4);
        assert!((0..20).all(|_| router.partition_of(&Outgoing::new("y"), 4) == drawn));
    }
}
