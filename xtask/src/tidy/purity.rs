//! What a `domain/` folder must not know: the world.

use super::{Finding, Invariant, Source, Tree};

/// Where time and chance come from. A fact that depends on them cannot be replayed.
const CLOCKS_AND_CHANCE: [&str; 8] =
    ["SystemTime", "Instant", "Clock", "Ids", "now_v7", "new_v4", "rand", "RandomState"];

/// Words of waiting, storing, encoding and speaking. A crate's name stands for all of it.
const WORLD: [&str; 16] = [
    "async",
    "await",
    "axum",
    "hexalpes_client",
    "hexalpes_db",
    "hexalpes_http",
    "hexalpes_outbox",
    "http",
    "reqwest",
    "rusqlite",
    "sea_query",
    "serde",
    "serde_json",
    "sqlx",
    "tokio",
    "tracing",
];

/// By their paths, for `net` alone is also an amount.
const SYSTEM: [&str; 3] = ["std::env", "std::fs", "std::net"];

/// A derive would let a wire name change with a field's name.
const DERIVES: [&str; 2] = ["Serialize", "Deserialize"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.sources().iter().filter(|source| is_domain(source)).flat_map(findings).collect()
}

fn is_domain(source: &Source) -> bool {
    let path = source.path();
    path.starts_with("contexts/") && (path.contains("/src/domain/") || path.ends_with("/src/domain.rs"))
}

fn findings(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for line in source.lines().filter(|line| !line.test) {
        let paths = SYSTEM.into_iter().filter(|path| line.code.contains(path));
        for word in line.words().chain(paths) {
            let (invariant, reason) = if CLOCKS_AND_CHANCE.contains(&word) {
                (Invariant::TimeIsAnArgument, "time and ids are arguments of a domain")
            } else if [&WORLD[..], &SYSTEM, &DERIVES].concat().contains(&word) {
                (Invariant::PureDomain, "a domain neither waits, stores, encodes nor speaks")
            } else {
                continue;
            };
            let place = line.place.clone();
            findings.push(Finding { invariant, place, message: format!("`{word}`: {reason}") });
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<Invariant> {
        check(&Tree::of(&[(path, text)])).into_iter().map(|finding| finding.invariant).collect()
    }

    #[test]
    fn a_domain_does_not_wait_or_encode() {
        let path = "contexts/commissions/src/domain/commission.rs";
        assert_eq!(found(path, "pub async fn approve() {}"), [Invariant::PureDomain]);
        assert_eq!(found(path, "#[derive(Serialize)]\nstruct A;"), [Invariant::PureDomain]);
        assert_eq!(found(path, "use hexalpes_db::Tx;"), [Invariant::PureDomain]);
        assert_eq!(found(path, "let a = std::net::TcpStream::connect(b);"), [Invariant::PureDomain]);
    }

    #[test]
    fn a_domain_does_not_look_at_a_clock() {
        let path = "contexts/commissions/src/domain.rs";
        assert_eq!(found(path, "let a = SystemTime::now();"), [Invariant::TimeIsAnArgument]);
    }

    #[test]
    fn words_and_tests_are_free_and_so_is_the_rest() {
        let path = "contexts/commissions/src/domain/commission.rs";
        let text = "/// Not async.\nfn a(now: Timestamp, net: Money) {}\n#[cfg(test)]\nmod tests {\n use serde_json;\n}";
        assert_eq!(found(path, text), []);
        assert_eq!(found("contexts/commissions/src/http.rs", "async fn a() {}"), []);
    }
}
