//! Where amounts are handled there are no floats, not even on the way through JSON.

use super::{Finding, Invariant, Tree};

/// Everything that holds, computes, stores or words an amount.
const PLACES: [&str; 3] = ["foundation/kernel/src/", "contracts/src/", "contexts/"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let sources = tree.sources().iter();
    let lines = sources.filter(|source| PLACES.iter().any(|place| source.path().starts_with(place)));
    lines
        .flat_map(|source| source.lines().filter(|line| line.words().any(is_float)).collect::<Vec<_>>())
        .map(|line| Finding {
            invariant: Invariant::ExactMoney,
            place: line.place,
            message: "a float among amounts: use Money, Rate or Amount".to_owned(),
        })
        .collect()
}

/// `f64`, and names and literals that end so: `as_f64`, `1.0_f32`, `0f64`.
fn is_float(word: &str) -> bool {
    let before = word.strip_suffix("f64").or_else(|| word.strip_suffix("f32"));
    before.is_some_and(|before| before.chars().next_back().is_none_or(|c| c == '_' || c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_float_is_found_under_each_of_its_names() {
        for text in ["let a: f64 = b;", "value.as_f64()", "let a = 1.0_f32;"] {
            let tree = Tree::of(&[("contexts/commissions/src/store.rs", text)]);
            assert_eq!(check(&tree).len(), 1, "{text}");
        }
    }

    #[test]
    fn elsewhere_and_in_words_it_is_free() {
        let tree = Tree::of(&[
            ("foundation/http/src/lib.rs", "let seconds: f64 = 0.5;"),
            ("foundation/kernel/src/money.rs", "/// Never an f64.\nlet a = \"f64\"; let elf64s = 1;"),
        ]);
        assert_eq!(check(&tree), []);
    }
}
