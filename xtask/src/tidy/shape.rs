//! Files that fit in a head, and one test binary a crate.

use super::{Finding, Invariant, Source, Tree};

/// Past this a file is several files. Functions are clippy's to measure (`clippy.toml`).
const LINES_MAX: usize = 800;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.sources().iter().flat_map(|source| [long(source), second_binary(source)]).flatten().collect()
}

fn long(source: &Source) -> Option<Finding> {
    let lines = source.text().lines().count();
    (lines > LINES_MAX && !source.is_test_file()).then(|| Finding {
        invariant: Invariant::SmallFiles,
        place: source.path().to_owned(),
        message: format!("{lines} lines, more than {LINES_MAX}: find the concepts in it"),
    })
}

/// Every file right under a crate's `tests/` would be linked into a program of its own.
fn second_binary(source: &Source) -> Option<Finding> {
    let (package, file) = source.path().rsplit_once("/tests/")?;
    (!package.is_empty() && !file.contains('/')).then(|| Finding {
        invariant: Invariant::TestsRun,
        place: source.path().to_owned(),
        message: "one test binary a crate, tests/it/main.rs: linking is the slow part".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_file_is_found_unless_it_is_a_test() {
        let text = "fn a() {}\n".repeat(LINES_MAX + 1);
        assert_eq!(check(&Tree::of(&[("a/src/lib.rs", &text)])).len(), 1);
        assert_eq!(check(&Tree::of(&[("a/tests/it/main.rs", &text)])), []);
        assert_eq!(check(&Tree::of(&[("a/src/lib.rs", &text[10..])])), []);
    }

    #[test]
    fn a_second_test_binary_is_found() {
        assert_eq!(check(&Tree::of(&[("foundation/db/tests/more.rs", "")])).len(), 1);
        assert_eq!(check(&Tree::of(&[("foundation/db/tests/it/more.rs", "")])), []);
    }
}
