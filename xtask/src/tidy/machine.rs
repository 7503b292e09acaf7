//! Names that mean something on one machine only: its folders, and the hosts that it downloads from.

use super::{Finding, Invariant, Tree};

/// Folders of one person or one machine.
const FOLDERS: [&str; 4] =
    [concat!("/ro", "ot/"), concat!("/wo", "rk/"), concat!("/ho", "me/"), concat!("/Us", "ers/")];

/// Package registries and their mirrors. Which ones are used is each machine's configuration.
const REGISTRIES: [&str; 9] = [
    concat!("crates", ".io"),
    concat!("repo.maven", ".apache.org"),
    concat!("repo1.maven", ".org"),
    concat!("pypi", ".org"),
    concat!("pythonhosted", ".org"),
    concat!("deb.debian", ".org"),
    concat!("registry.npmjs", ".org"),
    concat!("artifac", "tory"),
    concat!("docker", ".io"),
];

/// Written by Cargo; they name the default registry for every package, and must name no other.
const LOCKS: [&str; 2] = ["Cargo.lock", "fuzz/Cargo.lock"];
const DEFAULT_REGISTRY: &str = concat!("registry+https://github.com/rust-lang/crates", ".io-index");

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.texts()
        .flat_map(|(path, text)| if LOCKS.contains(&path) { locked(path, text) } else { named(path, text) })
        .collect()
}

fn named(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let mut find = |message: String| findings.push(found(format!("{path}:{}", index + 1), message));
        for folder in FOLDERS.iter().filter(|folder| begins_a_path(line, folder)) {
            find(format!("`{folder}` is a folder of one machine"));
        }
        for host in REGISTRIES.iter().filter(|host| line.contains(*host)) {
            find(format!("`{host}`: where packages come from is each machine's configuration"));
        }
    }
    findings
}

/// `/a/…` as the beginning of a path, not in the middle of one: `src/a/…`, `{folder}/a/…`.
fn begins_a_path(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '.' | '_' | '-' | '}' | '$' | '~' | '*'))
    })
}

fn locked(path: &str, text: &str) -> Vec<Finding> {
    let sources = text.lines().enumerate().filter_map(|(index, line)| {
        let source = line.strip_prefix("source = \"")?.strip_suffix('"')?;
        (source != DEFAULT_REGISTRY).then(|| format!("{path}:{}", index + 1))
    });
    sources
        .map(|place| found(place, "a package that does not come from the default registry".to_owned()))
        .collect()
}

fn found(place: String, message: String) -> Finding {
    Finding { invariant: Invariant::NoMachine, place, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(path: &str, text: &str) -> usize {
        check(&Tree::of(&[(path, text)])).len()
    }

    #[test]
    fn a_machines_folder_is_found_where_it_begins_a_path() {
        assert_eq!(count("a.sh", &format!("cd {}x", FOLDERS[0])), 1);
        assert_eq!(count("a.sh", &format!("cd target{}x", FOLDERS[0])), 0);
    }

    #[test]
    fn a_registry_is_found() {
        assert_eq!(count("a.toml", &format!("url = 'https://{}/x'", REGISTRIES[0])), 1);
    }

    #[test]
    fn a_locked_package_comes_from_the_default_registry() {
        assert_eq!(count("Cargo.lock", &format!("source = \"{DEFAULT_REGISTRY}\"")), 0);
        assert_eq!(count("Cargo.lock", "source = \"registry+https://elsewhere.example/index\""), 1);
    }
}
