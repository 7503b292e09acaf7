//! Tests that do not run, and tests that wait for time instead of a fact.

use super::{Finding, Invariant, Tree};

/// The one place where time passes in tests: it asks for a condition until a deadline.
const WAITS: &str = "tests/engines/src/wait.rs";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.sources() {
        for line in source.lines() {
            let message = if line.code.contains("#[ignore") {
                "a test that does not run: mend it, or remove it"
            } else if line.test && source.path() != WAITS && line.words().any(|word| word == "sleep") {
                "a test that sleeps: drive the clock, or wait for a condition with a deadline"
            } else {
                continue;
            };
            findings.push(Finding {
                invariant: Invariant::TestsRun,
                place: line.place,
                message: message.to_owned(),
            });
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_that_does_not_run_is_found() {
        assert_eq!(check(&Tree::of(&[("a/src/lib.rs", "#[test]\n#[ignore]\nfn a() {}")])).len(), 1);
        assert_eq!(check(&Tree::of(&[("a/src/lib.rs", "#[ignore = \"slow\"]\nfn a() {}")])).len(), 1);
    }

    #[test]
    fn only_tests_may_not_sleep() {
        let sleeps = "fn a() { thread::sleep(STEP) }";
        assert_eq!(check(&Tree::of(&[("a/tests/it/main.rs", sleeps)])).len(), 1);
        assert_eq!(check(&Tree::of(&[("a/src/lib.rs", sleeps)])), []);
        assert_eq!(check(&Tree::of(&[(WAITS, sleeps)])), []);
    }
}
