//! `cargo xtask acceptance`: what the seeds ask for, and which test shows it.
//!
//! An item is any id that stands in docs/acceptance.md: `S3-QS-7`, `C-12`, `G-3`, ranges as `S0-VOL-1..4`.
//! A test shows items by its doc comment: `Accepts S3-QS-7, C-9.`

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;

use crate::tidy::Source;
use crate::workspace;

pub(crate) const DOCUMENT: &str = "docs/acceptance.md";

#[derive(Args)]
pub(crate) struct Options {
    /// Only items whose ids begin so: S3, S3-QS, C
    #[arg(default_value = "")]
    prefix: String,
    /// Only items without a test
    #[arg(long)]
    missing: bool,
}

/// The items in the order of the document, each with what it says of them.
#[derive(Debug)]
pub(crate) struct Inventory {
    ids: Vec<String>,
    words: BTreeMap<String, String>,
}

/// A test's doc comment that names items.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) ids: Vec<String>,
    /// `path::name_of_the_test`
    pub(crate) test: String,
    /// `path:line`
    pub(crate) place: String,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let texts = workspace::texts(&workspace::root()?)?;
    let (_, document) = texts.iter().find(|(path, _)| path == DOCUMENT).context(DOCUMENT)?;
    let inventory = Inventory::read(document);
    let mut tests: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, text) in texts.iter().filter(|(path, _)| workspace::is_rust(path)) {
        for shown in shown(&Source::new(path, text)) {
            for id in shown.ids {
                tests.entry(id).or_default().push(shown.test.clone());
            }
        }
    }
    let items: Vec<&String> = inventory.ids.iter().filter(|id| id.starts_with(&options.prefix)).collect();
    let (with, without): (Vec<&String>, Vec<&String>) = items.iter().partition(|id| tests.contains_key(**id));
    if !options.missing {
        println!("with a test:");
        for id in &with {
            println!("  {id:<12} {}", tests[*id].join("\n               "));
        }
    }
    println!("without a test:");
    for id in &without {
        println!("  {id:<12} {}", inventory.words.get(*id).map_or("", String::as_str));
    }
    println!("{} items: {} with a test, {} without", items.len(), with.len(), without.len());
    Ok(ExitCode::SUCCESS)
}

impl Inventory {
    pub(crate) fn read(document: &str) -> Self {
        let mut ids = Vec::new();
        let mut seen = BTreeSet::new();
        let mut words = BTreeMap::new();
        for line in document.lines() {
            for id in ids_in(line) {
                if seen.insert(id.clone()) {
                    ids.push(id);
                }
            }
            // A row of a table is about the id in its first cell.
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            if let ["", id, text, ..] = cells[..]
                && ids_in(id) == [id]
            {
                words.entry(id.to_owned()).or_insert_with(|| shortened(text));
            }
        }
        Self { ids, words }
    }

    pub(crate) fn has(&self, id: &str) -> bool {
        self.ids.iter().any(|known| known == id)
    }
}

/// The doc comments of tests that say what they accept.
pub(crate) fn shown(source: &Source) -> Vec<Shown> {
    let mut shown = Vec::new();
    let mut comment = String::new();
    let mut is_test = false;
    for (text, line) in source.text().lines().zip(source.lines()) {
        let code = line.code.trim();
        if let Some(words) = text.trim().strip_prefix("///") {
            comment = comment + words + "\n";
        } else if code.starts_with("#[") {
            is_test |= line.words().any(|word| word == "test");
        } else {
            if let Some(name) = function_name(code)
                && is_test
            {
                let ids = accepted(&comment);
                if !ids.is_empty() {
                    let test = format!("{}::{name}", source.path());
                    shown.push(Shown { ids, test, place: line.place });
                }
            }
            comment.clear();
            is_test = false;
        }
    }
    shown
}

fn function_name(line: &str) -> Option<&str> {
    let (before, after) = line.split_once("fn ")?;
    let declares = before.split_whitespace().all(|word| matches!(word, "pub" | "async"));
    declares.then(|| after.split(['(', '<']).next().unwrap_or(after).trim())
}

/// The ids between `Accepts` and the end of its sentence.
fn accepted(comment: &str) -> Vec<String> {
    let sentences = comment.split("Accepts ").skip(1);
    sentences.flat_map(|sentence| ids_in(sentence.split(". ").next().unwrap_or(sentence))).collect()
}

/// Every id in a text, ranges spelled out.
fn ids_in(text: &str) -> Vec<String> {
    let mut ids = Vec::new();
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let mut rest = text;
    while let Some(start) = rest.find(is_part) {
        rest = &rest[start..];
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        rest = after;
        if !is_id(word) {
            continue;
        }
        ids.push(word.to_owned());
        if let Some(last) = after.strip_prefix("..").and_then(leading_number) {
            let (series, first) = word.rsplit_once('-').expect("an id has a hyphen");
            let first: u32 = first.parse().unwrap_or(last);
            ids.extend((first + 1..=last).map(|number| format!("{series}-{number}")));
        }
    }
    ids
}

fn leading_number(text: &str) -> Option<u32> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

/// `S0-CAP-1`, `S3-CMP-5b`, `C-12`, `G-3`.
fn is_id(word: &str) -> bool {
    let parts: Vec<&str> = word.split('-').collect();
    let (series, number) = match parts[..] {
        ["C" | "G", number] => (None, number),
        [seed, series, number] => (Some((seed, series)), number),
        _ => return false,
    };
    let of_a_seed = series.is_none_or(|(seed, series)| {
        matches!(seed, "S0" | "S1" | "S2" | "S3" | "S4")
            && !series.is_empty()
            && series.chars().all(|c| c.is_ascii_uppercase())
    });
    let digits = number.trim_end_matches(|c: char| c.is_ascii_lowercase());
    of_a_seed
        && !digits.is_empty()
        && digits.chars().all(|c| c.is_ascii_digit())
        && number.len() <= digits.len() + 1
}

fn shortened(text: &str) -> String {
    const CHARS: usize = 90;
    let short: String = text.chars().take(CHARS).collect();
    if short.len() < text.len() { short + "…" } else { short }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_among_words_and_ranges_are_spelled_out() {
        assert_eq!(
            ids_in("cfg (S0-NET-1, S0-VOL-1..4)."),
            ["S0-NET-1", "S0-VOL-1", "S0-VOL-2", "S0-VOL-3", "S0-VOL-4"]
        );
        assert_eq!(ids_in("see C-12, S3-CMP-5b and UTF-8, conv-001, S9-X-1"), ["C-12", "S3-CMP-5b"]);
    }

    #[test]
    fn a_row_says_what_its_item_is_about() {
        let inventory = Inventory::read("| Id | Item |\n|---|---|\n| S3-QS-1 | After commit (C-9) | 1:2 |");
        assert_eq!(inventory.ids, ["S3-QS-1", "C-9"]);
        assert_eq!(inventory.words["S3-QS-1"], "After commit (C-9)");
        assert!(!inventory.has("S3-QS-2"));
    }

    #[test]
    fn a_test_shows_what_its_comment_accepts() {
        let text = "
            /// One fact. Accepts S3-QS-7,
            /// C-9. Not S3-QS-8.
            #[tokio::test]
            async fn a_fact_holds() {}

            /// Accepts S3-QS-1.
            fn not_a_test() {}
        ";
        let shown = shown(&Source::new("a.rs", text));
        let expected = Shown {
            ids: vec!["S3-QS-7".into(), "C-9".into()],
            test: "a.rs::a_fact_holds".into(),
            place: "a.rs:5".into(),
        };
        assert_eq!(shown, [expected]);
    }

    #[test]
    fn a_sample_in_a_string_is_no_test() {
        let text = "let a = \"\n/// Accepts C-9.\n#[test]\nfn a() {}\n\";";
        assert_eq!(shown(&Source::new("a.rs", text)), []);
    }
}
