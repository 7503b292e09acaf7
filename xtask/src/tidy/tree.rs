//! The checkout as the rules see it: sources, manifests, documents.

use anyhow::{Context, Result};
use toml::Table;

use super::Source;
use crate::workspace::is_rust;

/// Everything that lies in the checkout.
#[derive(Debug)]
pub(crate) struct Tree {
    texts: Vec<(String, String)>,
    sources: Vec<Source>,
    packages: Vec<Package>,
}

/// One crate of ours: where it lies and what its manifest asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Package {
    /// `foundation/kernel`
    pub(crate) folder: String,
    pub(crate) name: String,
    /// What it is built with.
    pub(crate) dependencies: Vec<String>,
    /// What its tests are built with, besides.
    pub(crate) test_dependencies: Vec<String>,
    /// The examples of its documentation are tests.
    pub(crate) runs_examples: bool,
}

impl Tree {
    pub(crate) fn new(texts: Vec<(String, String)>) -> Result<Self> {
        let sources =
            texts.iter().filter(|(path, _)| is_rust(path)).map(|(path, text)| Source::new(path, text));
        let sources = sources.collect();
        let mut packages = Vec::new();
        for (path, text) in &texts {
            if let Some(folder) = path.strip_suffix("/Cargo.toml") {
                packages.push(package(folder, text).with_context(|| path.clone())?);
            }
        }
        Ok(Self { texts, sources, packages })
    }

    /// A small tree for a test of a rule.
    #[cfg(test)]
    pub(crate) fn of(texts: &[(&str, &str)]) -> Self {
        let texts = texts.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        Self::new(texts).expect("a sample that can be read")
    }

    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }

    /// Every text file: path and content.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.texts().find(|(candidate, _)| *candidate == path).map(|(_, text)| text)
    }

    pub(crate) fn sources(&self) -> &[Source] {
        &self.sources
    }

    pub(crate) fn packages(&self) -> &[Package] {
        &self.packages
    }
}

fn package(folder: &str, manifest: &str) -> Result<Package> {
    let manifest: Table = manifest.parse()?;
    let name = manifest.get("package").and_then(|package| package.get("name")).and_then(toml::Value::as_str);
    let name = name.context("a package has a name")?.to_owned();
    let mut dependencies = Vec::new();
    let mut test_dependencies = Vec::new();
    let targets = manifest.get("target").and_then(toml::Value::as_table).into_iter().flat_map(Table::values);
    for section in targets.filter_map(toml::Value::as_table).chain([&manifest]) {
        dependencies.extend(keys(section, "dependencies"));
        dependencies.extend(keys(section, "build-dependencies"));
        test_dependencies.extend(keys(section, "dev-dependencies"));
    }
    let doctest = manifest.get("lib").and_then(|lib| lib.get("doctest")).and_then(toml::Value::as_bool);
    let runs_examples = doctest.unwrap_or(true);
    Ok(Package { folder: folder.to_owned(), name, dependencies, test_dependencies, runs_examples })
}

fn keys(section: &Table, name: &str) -> Vec<String> {
    let table = section.get(name).and_then(toml::Value::as_table);
    table.into_iter().flat_map(Table::keys).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_names_what_it_asks_for_in_every_section() {
        let manifest = "
            [package]
            name = 'a'
            [dependencies]
            b.workspace = true
            [target.'cfg(unix)'.dependencies]
            c = '1'
            [dev-dependencies]
            d = { path = '../d' }
        ";
        let package = package("foundation/a", manifest).unwrap();
        assert_eq!(package.dependencies, ["c", "b"]);
        assert_eq!(package.test_dependencies, ["d"]);
        assert!(package.runs_examples);
    }
}
