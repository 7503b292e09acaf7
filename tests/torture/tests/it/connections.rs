use std::path::Path;

use hexalpes_torture::connections::{self, Scale};

#[test]
fn whatever_clients_do_memory_stays_bounded_and_others_are_served() {
    let program = connections::own(Path::new(env!("CARGO_BIN_EXE_hexalpes-torture")));
    let mut outcomes = 0;
    connections::run(&program, Scale::SHORT, |_| outcomes += 1).unwrap();
    assert_eq!(outcomes, 6);
}
