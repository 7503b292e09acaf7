//! Notes to oneself, stubs, and lints silenced without a word.

use super::{Finding, Invariant, Source, Tree};

/// In two halves, so that this file does not find itself.
const NOTES: [&str; 4] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX"), concat!("HA", "CK")];

const STUBS: [&str; 2] = ["todo!", "unimplemented!"];

/// Documents may speak of such notes; code may not hold them.
const DOCUMENT: &str = ".md";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let notes = tree.texts().filter(|(path, _)| !path.ends_with(DOCUMENT)).flat_map(notes);
    let code = tree.sources().iter().flat_map(|source| [stubs(source), silenced(source)].concat());
    notes.chain(code).collect()
}

fn notes((path, text): (&str, &str)) -> Vec<Finding> {
    let has_note = |line: &str| line.split(|c: char| !c.is_alphanumeric()).any(|word| NOTES.contains(&word));
    let lines = text.lines().enumerate().filter(|(_, line)| has_note(line));
    lines
        .map(|(index, _)| {
            found(format!("{path}:{}", index + 1), "a note to oneself: do it, or open an issue")
        })
        .collect()
}

fn stubs(source: &Source) -> Vec<Finding> {
    let lines = source.lines().filter(|line| STUBS.iter().any(|stub| line.code.contains(stub)));
    lines.map(|line| found(line.place, "a stub")).collect()
}

/// An attribute may span lines: what counts is what stands before its bracket closes.
fn silenced(source: &Source) -> Vec<Finding> {
    let lines: Vec<_> = source.lines().collect();
    let starts = lines.iter().enumerate().filter_map(|(index, line)| {
        let start = ["#[allow(", "#![allow(", "#[expect(", "#![expect("]
            .iter()
            .find_map(|start| line.code.find(start))?;
        Some((index, start))
    });
    starts
        .filter(|(index, start)| {
            let rest = lines[*index..].iter().map(|line| line.code).collect::<Vec<_>>().join("\n");
            let attribute = rest[*start..].split(']').next().unwrap_or_default();
            !attribute.contains("reason")
        })
        .map(|(index, _)| found(lines[index].place.clone(), "a lint silenced without a reason"))
        .collect()
}

fn found(place: String, message: &str) -> Finding {
    Finding { invariant: Invariant::NothingLeft, place, message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(path: &str, text: &str) -> usize {
        check(&Tree::of(&[(path, text)])).len()
    }

    #[test]
    fn a_note_is_found_in_any_file_but_a_document() {
        let note = format!("# {} later", NOTES[0]);
        assert_eq!(count("Cargo.lock.txt", &note), 1);
        assert_eq!(count("CONTRIBUTING.md", &note), 0);
        assert_eq!(count("a/src/lib.rs", "// see METHODOLOGY"), 0);
    }

    #[test]
    fn a_stub_is_found_in_code_and_not_in_words() {
        assert_eq!(count("a/src/lib.rs", "fn a() { todo!() }"), 1);
        assert_eq!(count("a/src/lib.rs", "/// Never `todo!`.\nfn a() {}"), 0);
    }

    #[test]
    fn a_silenced_lint_needs_a_reason() {
        assert_eq!(count("a/src/lib.rs", "#[allow(dead_code)]\nfn a() {}"), 1);
        assert_eq!(count("a/src/lib.rs", "#![allow(dead_code)]"), 1);
        assert_eq!(count("a/src/lib.rs", "#[allow(\n  dead_code,\n  reason = \"b\"\n)]\nfn a() {}"), 0);
    }
}
