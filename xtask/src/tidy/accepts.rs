//! `Accepts S3-QS-7.` must name an item of docs/acceptance.md, or the list of what is shown would lie.

use super::{Finding, Invariant, Tree};
use crate::acceptance::{self, Inventory};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let inventory = Inventory::read(tree.text(acceptance::DOCUMENT).unwrap_or_default());
    let mut findings = Vec::new();
    for source in tree.sources() {
        for shown in acceptance::shown(source) {
            for id in shown.ids.iter().filter(|id| !inventory.has(id)) {
                findings.push(Finding {
                    invariant: Invariant::RealItems,
                    place: shown.place.clone(),
                    message: format!("{} has no item {id}", acceptance::DOCUMENT),
                });
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_that_does_not_exist_is_found() {
        let document = (acceptance::DOCUMENT, "| S3-QS-7 | e2e |");
        let test = "/// Accepts S3-QS-7, S3-QS-99.\n#[test]\nfn a() {}";
        let found = check(&Tree::of(&[document, ("a/tests/it/main.rs", test)]));
        assert_eq!(found.len(), 1);
        assert!(found[0].message.contains("S3-QS-99"));
    }
}
