//! README.md and README.es.md ask for the same commands, in the same order.

use super::{Finding, Invariant, Tree};

const ENGLISH: &str = "README.md";
const SPANISH: &str = "README.es.md";
/// What opens and closes a block.
const FENCE: &str = "```";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let [english, spanish] = [ENGLISH, SPANISH].map(|path| commands(tree.text(path).unwrap_or_default()));
    let differs = english.iter().zip(&spanish).find(|(one, other)| one.1 != other.1);
    let (line, message) = match differs {
        Some(((at, command), (line, other))) => {
            (*line, format!("says `{other}` where line {at} of {ENGLISH} says `{command}`"))
        }
        None if english.len() == spanish.len() => return Vec::new(),
        None => match (english.get(spanish.len()), spanish.get(english.len())) {
            (Some((at, command)), _) => (1, format!("does not have `{command}` of line {at} of {ENGLISH}")),
            (_, Some((line, other))) => (*line, format!("says `{other}`, which {ENGLISH} does not have")),
            (None, None) => return Vec::new(),
        },
    };
    vec![Finding { invariant: Invariant::TwoReadmes, place: format!("{SPANISH}:{line}"), message }]
}

/// The lines of all blocks with their numbers; what is said about them, after a `#`, is in each reader's language.
fn commands(text: &str) -> Vec<(usize, &str)> {
    let mut is_inside = false;
    let mut commands = Vec::new();
    for (at, line) in text.lines().enumerate() {
        if line.trim_start().starts_with(FENCE) {
            is_inside = !is_inside;
            commands.push((at + 1, line.trim()));
        } else if is_inside {
            let command = without_comment(line).trim_end();
            if !command.is_empty() {
                commands.push((at + 1, command));
            }
        }
    }
    commands
}

fn without_comment(line: &str) -> &str {
    if line.trim_start().starts_with('#') {
        return "";
    }
    line.split_once(" # ").map_or(line, |(command, _)| command)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAYS: &str = "Run it:\n```sh\n# first\ncargo run    # builds\n\ncargo test\n```\n";

    fn found(spanish: &str) -> Vec<(String, String)> {
        let findings = check(&Tree::of(&[(ENGLISH, SAYS), (SPANISH, spanish)]));
        findings.into_iter().map(|found| (found.place, found.message)).collect()
    }

    #[test]
    fn comments_and_prose_may_differ_and_commands_may_not() {
        assert_eq!(found("Ejecute:\n\n```sh\ncargo run # compila\ncargo test\n```\nEso es todo.\n"), []);
        for (spanish, place, message) in [
            (
                "```sh\ncargo test\ncargo run\n```\n",
                "README.es.md:2",
                "says `cargo test` where line 4 of README.md says `cargo run`",
            ),
            (
                "```sh\ncargo run\n```\n",
                "README.es.md:3",
                "says ````` where line 6 of README.md says `cargo test`",
            ),
            ("", "README.es.md:1", "does not have ````sh` of line 2 of README.md"),
            (
                "```sh\ncargo run\ncargo test\n```\n```sh\n",
                "README.es.md:5",
                "says ````sh`, which README.md does not have",
            ),
        ] {
            assert_eq!(found(spanish), [(place.to_owned(), message.to_owned())]);
        }
    }
}
