//! `cargo xtask tidy`: what the compiler cannot see.
//!
//! Each rule looks at the whole [`Tree`] and gives back what it found. A rule belongs to an invariant of
//! ARCHITECTURE.md and says so in every message; the numbers and names there and here are the same, which
//! is a rule too. Rules are made of plain text work, so that they need no parser and run in a second.

mod accepts;
mod banned;
mod dependencies;
mod document;
mod invariant;
mod loose_ends;
mod machine;
mod money;
mod purity;
mod readme;
mod running;
mod shape;
mod source;
mod tree;

use std::fmt;
use std::process::ExitCode;

use anyhow::Result;

pub(crate) use invariant::Invariant;
pub(crate) use source::Source;
pub(crate) use tree::Tree;

use crate::workspace;

/// One place that does not hold what ARCHITECTURE.md promises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) invariant: Invariant,
    /// `path` or `path:line`.
    pub(crate) place: String,
    pub(crate) message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.invariant.number();
        write!(f, "{}: {} (ARCHITECTURE.md, invariant {number})", self.place, self.message)
    }
}

type Rule = fn(&Tree) -> Vec<Finding>;

const RULES: [Rule; 11] = [
    dependencies::check,
    purity::check,
    money::check,
    shape::check,
    running::check,
    loose_ends::check,
    machine::check,
    accepts::check,
    banned::check,
    document::check,
    readme::check,
];

pub(crate) fn run() -> Result<ExitCode> {
    let tree = Tree::new(workspace::texts(&workspace::root()?)?)?;
    let findings: Vec<Finding> = RULES.iter().flat_map(|rule| rule(&tree)).collect();
    for finding in &findings {
        println!("{finding}");
    }
    if findings.is_empty() {
        println!("tidy: {} files, nothing found", tree.len());
        return Ok(ExitCode::SUCCESS);
    }
    println!("tidy: {} found", findings.len());
    Ok(ExitCode::FAILURE)
}
