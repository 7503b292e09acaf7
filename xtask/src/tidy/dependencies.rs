//! Who may depend on whom.
//!
//! `apps → contexts → {contracts, backbone/{client,consumer,outbox}, foundation} → kernel`, and the broker
//! with its parts beside all of it.

use super::tree::Package;
use super::{Finding, Invariant, Tree};

/// A folder, or every folder under a prefix that ends with `/`.
type Place = &'static str;

/// The rooms, and on what of ours each may be built. The first that fits counts.
const ROOMS: [(Place, &[Place]); 25] = [
    ("foundation/kernel", &[]),
    ("foundation/files", &[]),
    ("foundation/", &["foundation/"]),
    ("backbone/wire", &[]),
    ("backbone/log", &["foundation/files"]),
    ("backbone/auth", &[]),
    ("backbone/registry", &["backbone/wire"]),
    ("backbone/avro", &[]),
    ("backbone/routing", &["backbone/wire"]),
    ("backbone/capture", &["foundation/kernel"]),
    ("backbone/binlog", &["backbone/capture", "foundation/kernel"]),
    ("backbone/pgoutput", &["backbone/capture", "foundation/kernel"]),
    (
        "backbone/broker",
        &[
            "foundation/files",
            "foundation/tls",
            "backbone/wire",
            "backbone/log",
            "backbone/auth",
            "backbone/registry",
        ],
    ),
    (
        "backbone/admin",
        &["foundation/tls", "backbone/wire", "backbone/broker", "backbone/auth", "backbone/registry"],
    ),
    ("backbone/client", &["backbone/wire"]),
    ("backbone/topology", &["backbone/client", "backbone/routing"]),
    (
        "backbone/outbox",
        &[
            "backbone/avro",
            "backbone/binlog",
            "backbone/capture",
            "backbone/client",
            "backbone/pgoutput",
            "backbone/routing",
            "foundation/",
        ],
    ),
    (
        "backbone/sources",
        &[
            "backbone/binlog",
            "backbone/capture",
            "backbone/client",
            "backbone/outbox",
            "backbone/pgoutput",
            "backbone/routing",
            "foundation/",
        ],
    ),
    ("backbone/consumer", &["backbone/avro", "backbone/client", "backbone/outbox", "foundation/"]),
    ("backbone/desk", &["backbone/avro", "backbone/client", "foundation/kernel"]),
    ("backbone/console", &["backbone/auth", "backbone/client", "backbone/desk", "foundation/"]),
    ("contracts", &["foundation/kernel"]),
    ("contexts/", &["contracts", "backbone/client", "backbone/consumer", "backbone/outbox", "foundation/"]),
    ("apps/", &["contexts/", "contracts", "backbone/", "foundation/"]),
    ("tests/engines", &[]),
];

/// These may use anything: nobody builds on them.
const ENDS: [Place; 3] = ["tests/", "xtask", "fuzz"];

/// What the tests of any room may use, besides.
const FOR_TESTS: [Place; 3] = ["foundation/", "backbone/", "tests/engines"];

/// Where an error may be anything.
const ANY_ERROR: [Place; 3] = ["apps/", "tests/", "xtask"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.packages().iter().flat_map(|package| [directions(tree, package), errors(package)].concat()).collect()
}

fn directions(tree: &Tree, package: &Package) -> Vec<Finding> {
    let folder = &package.folder;
    let find = |invariant, message| Finding { invariant, place: format!("{folder}/Cargo.toml"), message };
    let Some((_, allowed)) = ROOMS.iter().find(|(place, _)| lies_in(folder, place)) else {
        let known = ENDS.iter().any(|place| lies_in(folder, place));
        let message = "no rule says what it may depend on: xtask/src/tidy/dependencies.rs".to_owned();
        return if known { Vec::new() } else { vec![find(Invariant::OneWay, message)] };
    };
    let ours = |name: &String| tree.packages().iter().find(|other| other.name == *name);
    let built = package.dependencies.iter().filter_map(ours);
    let tested = package.test_dependencies.iter().filter_map(ours);
    let wrong_build = built.filter(|other| !lies_in_any(&other.folder, allowed));
    let wrong_tests = tested
        .filter(|other| !lies_in_any(&other.folder, allowed) && !lies_in_any(&other.folder, &FOR_TESTS));
    wrong_build
        .chain(wrong_tests)
        .map(|other| {
            find(broken(folder, &other.folder), format!("{folder} may not depend on {}", other.folder))
        })
        .collect()
}

fn errors(package: &Package) -> Vec<Finding> {
    let folder = &package.folder;
    if lies_in_any(folder, &ANY_ERROR) || !package.dependencies.iter().any(|name| name == "anyhow") {
        return Vec::new();
    }
    let message = "anyhow is for apps, tests and xtask; here an error is an enum of facts".to_owned();
    vec![Finding { invariant: Invariant::TypedErrors, place: format!("{folder}/Cargo.toml"), message }]
}

fn broken(folder: &str, other: &str) -> Invariant {
    let broker = ["backbone/wire", "backbone/log", "backbone/registry", "backbone/broker", "backbone/admin"];
    if lies_in(folder, "contexts/") && lies_in(other, "contexts/") {
        Invariant::ContextsApart
    } else if broker.contains(&folder) {
        Invariant::BackboneApart
    } else {
        Invariant::OneWay
    }
}

fn lies_in_any(folder: &str, places: &[Place]) -> bool {
    places.iter().any(|place| lies_in(folder, place))
}

fn lies_in(folder: &str, place: &str) -> bool {
    folder == place || (place.ends_with('/') && folder.starts_with(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A workspace of packages, each with the lines under its `[dependencies]`.
    fn found(packages: &[(&str, &str)]) -> Vec<(Invariant, String)> {
        let manifests: Vec<(String, String)> = packages
            .iter()
            .map(|(folder, rest)| {
                let name = folder.rsplit('/').next().unwrap();
                (format!("{folder}/Cargo.toml"), format!("[package]\nname = '{name}'\n{rest}"))
            })
            .collect();
        let tree = Tree::new(manifests).unwrap();
        check(&tree).into_iter().map(|finding| (finding.invariant, finding.message)).collect()
    }

    #[test]
    fn a_context_may_stand_on_the_foundation() {
        let context = ("contexts/commissions", "[dependencies]\nkernel = '*'\nclient = '*'");
        assert_eq!(found(&[context, ("foundation/kernel", ""), ("backbone/client", "")]), []);
    }

    #[test]
    fn a_context_may_not_know_another() {
        let context = ("contexts/commissions", "[dependencies]\nnotifications = '*'");
        let message = "contexts/commissions may not depend on contexts/notifications".to_owned();
        let expected = [(Invariant::ContextsApart, message)];
        assert_eq!(found(&[context, ("contexts/notifications", "")]), expected);
    }

    #[test]
    fn not_even_in_its_tests() {
        let context = ("contexts/commissions", "[dev-dependencies]\nnotifications = '*'");
        assert_eq!(found(&[context, ("contexts/notifications", "")]).len(), 1);
    }

    #[test]
    fn the_broker_knows_no_business() {
        let broker = ("backbone/broker", "[dependencies]\nkernel = '*'");
        let message = "backbone/broker may not depend on foundation/kernel".to_owned();
        assert_eq!(found(&[broker, ("foundation/kernel", "")]), [(Invariant::BackboneApart, message)]);
    }

    #[test]
    fn the_foundation_does_not_look_up() {
        let db = ("foundation/db", "[dependencies]\noutbox = '*'");
        let message = "foundation/db may not depend on backbone/outbox".to_owned();
        assert_eq!(found(&[db, ("backbone/outbox", "")]), [(Invariant::OneWay, message)]);
    }

    #[test]
    fn tests_may_use_a_broker_and_real_engines() {
        let client = ("backbone/client", "[dev-dependencies]\nbroker = '*'\nengines = '*'");
        assert_eq!(found(&[client, ("backbone/broker", ""), ("tests/engines", "")]), []);
    }

    #[test]
    fn a_new_room_needs_a_rule() {
        assert_eq!(found(&[("backbone/attic", "")]).len(), 1);
    }

    #[test]
    fn anyhow_stays_at_the_edge() {
        let (kernel, app) = ("foundation/kernel", "apps/hexalpes");
        assert_eq!(found(&[(app, "[dependencies]\nanyhow = '1'")]), []);
        assert_eq!(found(&[(kernel, "[dependencies]\nanyhow = '1'")])[0].0, Invariant::TypedErrors);
    }
}
