//! What `deny.toml` bans is not in `Cargo.lock`: the one part of `cargo deny` that needs no network and no
//! installation.

use toml::{Table, Value};

use super::{Finding, Invariant, Tree};

const POLICY: &str = "deny.toml";
const LOCKS: [&str; 2] = ["Cargo.lock", "fuzz/Cargo.lock"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let read = |path| tree.text(path).and_then(|text| text.parse::<Table>().ok()).unwrap_or_default();
    let policy = read(POLICY);
    let banned: Vec<&str> = names(policy.get("bans").and_then(|bans| bans.get("deny"))).collect();
    let mut findings = Vec::new();
    for lock in LOCKS {
        let locked = read(lock);
        let there = names(locked.get("package")).filter(|name| banned.contains(name));
        findings.extend(there.map(|name| Finding {
            invariant: Invariant::OneTls,
            place: lock.to_owned(),
            message: format!("{name} is there, and {POLICY} bans it: cargo tree -i {name}"),
        }));
    }
    findings
}

/// The `name` of every table in an array.
fn names(tables: Option<&Value>) -> impl Iterator<Item = &str> {
    let tables = tables.and_then(Value::as_array).into_iter().flatten();
    tables.filter_map(|table| table.get("name")?.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BANS: &str = "[bans]\ndeny = [{ name = 'openssl-sys' }]";

    #[test]
    fn a_banned_package_is_found() {
        let lock = "[[package]]\nname = 'ring'\n[[package]]\nname = 'openssl-sys'";
        assert_eq!(check(&Tree::of(&[(POLICY, BANS), (LOCKS[0], lock)])).len(), 1);
    }

    #[test]
    fn the_others_are_free() {
        assert_eq!(check(&Tree::of(&[(POLICY, BANS), (LOCKS[0], "[[package]]\nname = 'ring'")])), []);
    }
}
