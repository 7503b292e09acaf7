//! What a test is given.

use std::collections::HashSet;
use std::thread;

/// Tests run side by side, and each takes its databases when it likes.
#[test]
fn many_tests_may_take_databases_at_once() {
    let urls = thread::scope(|scope| {
        let takers: Vec<_> = (0..8).map(|_| scope.spawn(hexalpes_engines::databases)).collect();
        let taken: Vec<_> = takers.into_iter().flat_map(|taker| taker.join().unwrap()).collect();
        taken.iter().map(|database| database.url().to_owned()).collect::<Vec<_>>()
    });
    let distinct: HashSet<&String> = urls.iter().collect();
    assert_eq!(distinct.len(), urls.len());
}

#[test]
#[should_panic(expected = "no-such-program is not built")]
fn a_program_that_was_not_built_is_named() {
    hexalpes_engines::program("no-such-program");
}
