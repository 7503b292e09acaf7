//! Random histories against the model in [`world`](crate::world), made smaller until they show just what is wrong.

use proptest::prelude::*;

use crate::world::{Act, Syncs, World};

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let topic = || 1..4_u64;
    let bytes = || prop_oneof![20 => 0..300_usize, 1 => 2000..7000_usize];
    let append = (topic(), bytes(), any::<bool>()).prop_map(|(topic, bytes, commit)| Act::Append {
        topic,
        bytes,
        commit,
    });
    let act = prop_oneof![
        60 => append,
        2 => Just(Act::Checkpoint),
        2 => (topic(), 0..40_usize).prop_map(|(topic, keep)| Act::Trim { topic, keep }),
        1 => topic().prop_map(|topic| Act::Delete { topic }),
        6 => (topic(), 0..100_usize).prop_map(|(topic, skip)| Act::Read { topic, skip }),
        1 => any::<bool>().prop_map(|properly| Act::Reopen { properly }),
        3 => (0..60_u32, any::<u64>()).prop_map(|(after, seed)| Act::CutPower { after, seed }),
    ];
    prop::collection::vec(act, 1..150)
}

proptest! {
    #[test]
    fn whatever_is_acknowledged_is_there_once_in_order(acts in acts()) {
        let mut world = World::new(Syncs::Kept);
        for act in &acts {
            prop_assert_eq!(world.act(act), Ok(()));
        }
        prop_assert_eq!(world.end(), Ok(()));
    }
}
