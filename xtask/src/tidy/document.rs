//! ARCHITECTURE.md numbers and names the invariants as the messages here do.

use super::{Finding, Invariant, Tree};

const DOCUMENT: &str = "ARCHITECTURE.md";

/// In the document an invariant begins a line: `4. **Time and randomness are arguments.**`
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let document = tree.text(DOCUMENT).unwrap_or_default();
    let missing = Invariant::ALL.into_iter().filter(|invariant| {
        let begins = format!("{}. **{}", invariant.number(), invariant.name());
        !document.lines().any(|line| line.starts_with(&begins))
    });
    missing
        .map(|invariant| Finding {
            invariant,
            place: DOCUMENT.to_owned(),
            message: format!("“{}” is not there under its number", invariant.name()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invariant_that_changed_its_number_is_found() {
        let lines =
            Invariant::ALL.map(|it| format!("{}. **{}.** Because.\n", it.number(), it.name())).concat();
        assert_eq!(check(&Tree::of(&[(DOCUMENT, &lines)])), []);
        let renumbered = lines.replacen("4. ", "40. ", 1);
        assert_eq!(check(&Tree::of(&[(DOCUMENT, &renumbered)])).len(), 1);
    }
}
