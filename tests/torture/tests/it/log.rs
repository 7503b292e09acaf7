use std::path::Path;

use hexalpes_torture::{controls, rounds};
use tokio::runtime::Runtime;

#[test]
fn whatever_goes_wrong_the_broker_keeps_its_word_or_says_what_is_damaged() {
    let program = Path::new(env!("CARGO_BIN_EXE_hexalpes-torture"));
    let options = rounds::Options { rounds: 60, seed: 0, lanes: 2 };
    let runtime = Runtime::new().unwrap();
    let tally = rounds::run(&options, program, runtime.handle()).unwrap_or_else(|wrong| panic!("{wrong:#}"));
    assert_eq!(tally.rounds(), 60, "{tally}");
}

#[test]
fn what_is_planted_is_found() {
    let runtime = Runtime::new().unwrap();
    for plant in controls::ALL {
        let (found, _) = controls::run(plant, 2, 0, runtime.handle()).unwrap();
        assert!(found > 0, "{plant:?}");
    }
}
