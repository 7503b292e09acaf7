//! Drawn points: different ones each round, the same ones each run.

use std::env;

/// Set it to what a failed test printed.
const SEED_VARIABLE: &str = "HEXALPES_TEST_SEED";
/// Set it to kill more often than CI does.
const ROUNDS_VARIABLE: &str = "HEXALPES_TEST_ROUNDS";

/// `SplitMix64` (Steele, Lea and Flood, 2014): small, and good enough to choose where to kill.
#[derive(Debug)]
pub struct Dice {
    state: u64,
}

impl Dice {
    /// From the environment's seed, else a fixed one; printed, so that a failure shows it.
    pub fn new() -> Self {
        let seed = number(SEED_VARIABLE).unwrap_or(0x5EED);
        println!("{SEED_VARIABLE}={seed}");
        Self { state: seed }
    }

    /// From a seed that was drawn.
    pub fn seeded(seed: u64) -> Self {
        Self { state: seed }
    }

    /// One of `0..sides`.
    pub fn roll(&mut self, sides: usize) -> usize {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        let sides = u64::try_from(sides).expect("dice have few sides");
        usize::try_from(mixed % sides).expect("less than sides")
    }
}

impl Default for Dice {
    fn default() -> Self {
        Self::new()
    }
}

/// How many rounds a test that kills takes: `usual`, unless the environment asks for another number.
pub fn rounds(usual: usize) -> usize {
    number(ROUNDS_VARIABLE).and_then(|rounds| usize::try_from(rounds).ok()).unwrap_or(usual)
}

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text}")))
}
