//! Long histories with the power cut at any change of the disk, in the middle of recovery too.

use crate::world::{Syncs, World, live};

#[test]
fn acknowledged_entries_survive_every_power_cut() {
    for seed in 0..100 {
        live(World::new(Syncs::Kept), seed, 300).unwrap_or_else(|what| panic!("seed {seed}: {what}"));
    }
}

/// The control: on a disk that does not sync, the same histories must not pass.
#[test]
fn without_syncs_acknowledged_entries_are_lost() {
    let failed = (0..20).filter(|seed| live(World::new(Syncs::Ignored), *seed, 300).is_err()).count();
    assert!(failed >= 15, "only {failed} of 20 histories noticed that nothing was synced");
}
