//! Tests that do not run, tests that wait for time instead of a fact, and libraries for whose examples a compiler starts
//! though they have none.

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
    findings.extend(examples(tree));
    findings
}

/// A library's examples are tests, and a compiler starts for them, seconds even where there are none. So each says whether
/// it has some.
fn examples(tree: &Tree) -> impl Iterator<Item = Finding> {
    let libraries = tree
        .packages()
        .iter()
        .filter(|package| tree.text(&format!("{}/src/lib.rs", package.folder)).is_some());
    libraries.filter_map(|package| {
        let sources = format!("{}/src/", package.folder);
        let mut texts = tree.texts().filter(|(path, _)| path.starts_with(&sources));
        let message = match (package.runs_examples, texts.any(|(_, text)| has_example(text))) {
            (true, false) => "no example, and a compiler that starts for it: `[lib] doctest = false`",
            (false, true) => "examples that do not run: take `doctest = false` away",
            _ => return None,
        };
        Some(Finding {
            invariant: Invariant::TestsRun,
            place: format!("{}/Cargo.toml", package.folder),
            message: message.to_owned(),
        })
    })
}

/// What a block says of itself that is an example.
fn is_rust(word: &str) -> bool {
    ["", "rust", "no_run", "should_panic", "compile_fail"].contains(&word) || word.starts_with("edition")
}

/// Whether a block of its documentation is Rust: one that names no language, or that one.
fn has_example(text: &str) -> bool {
    let mut is_inside = false;
    for line in text.lines() {
        let line = line.trim_start();
        let said = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"));
        let Some(language) = said.and_then(|said| said.trim_start().strip_prefix("```")) else { continue };
        if !is_inside && language.trim_end().split(',').any(is_rust) {
            return true;
        }
        is_inside = !is_inside;
    }
    false
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

    #[test]
    fn a_library_says_whether_it_has_examples() {
        let example = "//! ```\n//! assert!(true);\n//! ```\n";
        let other = "//! ```text\n//! a -> b\n//! ```\n";
        let (quiet, runs) = ("[package]\nname = 'a'\n[lib]\ndoctest = false", "[package]\nname = 'a'");
        for (manifest, text, found) in
            [(quiet, other, 0), (runs, example, 0), (quiet, example, 1), (runs, other, 1)]
        {
            let tree = Tree::of(&[("a/Cargo.toml", manifest), ("a/src/lib.rs", text)]);
            assert_eq!(check(&tree).len(), found, "{manifest} {text}");
        }
    }
}
