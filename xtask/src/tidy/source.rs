//! A Rust file, with its code told apart from its words.

/// A file of ours as the rules read it.
#[derive(Debug)]
pub(crate) struct Source {
    path: String,
    text: String,
    /// The same lines with comments and the insides of literals blanked, so that a rule about code is not
    /// set off by words.
    code: String,
    /// For each line, whether only tests are built from it.
    tests: Vec<bool>,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let code = blank(text);
        let tests = if is_test_file(path) { vec![true; code.lines().count()] } else { test_lines(&code) };
        Self { path: path.to_owned(), text: text.to_owned(), code, tests }
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The code of every line, numbered from 1, and whether it is a test's.
    pub(crate) fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        self.code.lines().zip(&self.tests).enumerate().map(|(index, (code, test))| Line {
            place: format!("{}:{}", self.path, index + 1),
            code,
            test: *test,
        })
    }

    pub(crate) fn is_test_file(&self) -> bool {
        is_test_file(&self.path)
    }
}

/// One line of code.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    /// `path:line`
    pub(crate) place: String,
    pub(crate) code: &'a str,
    pub(crate) test: bool,
}

impl<'a> Line<'a> {
    /// The identifiers and numbers in it, in order.
    pub(crate) fn words(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        self.code.split(move |c| !word(c)).filter(|word| !word.is_empty())
    }
}

/// A crate's `tests/`, the test crates, and modules that are tests by their name.
fn is_test_file(path: &str) -> bool {
    let mut folders: Vec<&str> = path.split('/').collect();
    let file = folders.pop().unwrap_or_default();
    folders.contains(&"tests") || file == "tests.rs"
}

/// Marks what stands between the braces after `#[cfg(test)]`.
fn test_lines(code: &str) -> Vec<bool> {
    let mut marks = Vec::new();
    let mut depth = 0_usize;
    let mut announced = false;
    for line in code.lines() {
        announced |= depth == 0 && line.contains("#[cfg(test)]");
        marks.push(announced || depth > 0);
        if !announced && depth == 0 {
            continue;
        }
        for c in line.chars() {
            match c {
                '{' => {
                    depth += 1;
                    announced = false;
                }
                '}' => depth = depth.saturating_sub(1),
                // An item without a body: `use`, `mod name;`.
                ';' if depth == 0 => announced = false,
                _ => {}
            }
        }
    }
    marks
}

/// What a lexer needs to know between two characters.
enum Within {
    Code,
    LineComment,
    BlockComment { depth: usize },
    Literal { quote: char },
    RawString { hashes: usize },
}

/// Replaces comments and the insides of literals by blanks, and keeps every line break.
fn blank(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut within = Within::Code;
    let mut at = 0;
    while at < chars.len() {
        let (next, length) = step(&within, &chars, at);
        for &c in &chars[at..at + length] {
            let kept = c == '\n' || matches!((&within, &next), (Within::Code, Within::Code));
            code.push(if kept { c } else { ' ' });
        }
        at += length;
        within = next;
    }
    code
}

/// What comes after the characters at `at`, and how many of them were taken.
fn step(within: &Within, chars: &[char], at: usize) -> (Within, usize) {
    let rest = &chars[at..];
    match *within {
        Within::Code => match rest {
            ['/', '/', ..] => (Within::LineComment, 2),
            ['/', '*', ..] => (Within::BlockComment { depth: 1 }, 2),
            ['"', ..] => (Within::Literal { quote: '"' }, 1),
            ['\'', '\\', ..] | ['\'', _, '\'', ..] => (Within::Literal { quote: '\'' }, 1),
            ['r', ..] if !follows_word(chars, at) => match raw_string(rest) {
                Some(hashes) => (Within::RawString { hashes }, hashes + 2),
                None => (Within::Code, 1),
            },
            _ => (Within::Code, 1),
        },
        Within::LineComment if rest[0] == '\n' => (Within::Code, 1),
        Within::LineComment => (Within::LineComment, 1),
        Within::BlockComment { depth } => match rest {
            ['/', '*', ..] => (Within::BlockComment { depth: depth + 1 }, 2),
            ['*', '/', ..] if depth == 1 => (Within::Code, 2),
            ['*', '/', ..] => (Within::BlockComment { depth: depth - 1 }, 2),
            _ => (Within::BlockComment { depth }, 1),
        },
        Within::Literal { quote } => match rest {
            ['\\', _, ..] => (Within::Literal { quote }, 2),
            [c, ..] if *c == quote => (Within::Code, 1),
            _ => (Within::Literal { quote }, 1),
        },
        Within::RawString { hashes } => {
            let ends =
                rest[0] == '"' && rest[1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes;
            if ends { (Within::Code, hashes + 1) } else { (Within::RawString { hashes }, 1) }
        }
    }
}

/// Whether the character before is part of a name, so that this `r` begins no raw string. `b` and `c` may
/// stand before it.
fn follows_word(chars: &[char], at: usize) -> bool {
    let before = at.checked_sub(1).map(|before| chars[before]);
    before.is_some_and(|c| (c.is_alphanumeric() || c == '_') && c != 'b' && c != 'c')
}

/// The number of `#` between `r` and `"`.
fn raw_string(rest: &[char]) -> Option<usize> {
    let hashes = rest[1..].iter().take_while(|c| **c == '#').count();
    (rest.get(hashes + 1) == Some(&'"')).then_some(hashes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> String {
        blank(text).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_and_the_insides_of_literals_are_not_code() {
        assert_eq!(code("a // b\nc /* d /* e */ f */ g"), "a c g");
        assert_eq!(code(r#"let a = "f64 \" f64"; b"#), "let a = ; b");
        assert_eq!(code("let a = r#\"f64 \" f64\"#; b"), "let a = ; b");
        assert_eq!(code(r"let a = b'\''; c"), "let a = b ; c");
    }

    #[test]
    fn a_lifetime_is_not_a_character() {
        assert_eq!(code("fn a<'a>(b: &'a str) {}"), "fn a<'a>(b: &'a str) {}");
        assert_eq!(code("let a = '{'; b"), "let a = ; b");
    }

    #[test]
    fn lines_keep_their_numbers() {
        let text = "a\n/* b\nb */\n\"c\nc\"\nd";
        assert_eq!(blank(text).lines().count(), text.lines().count());
    }

    #[test]
    fn a_test_module_ends_where_its_brace_closes() {
        let source =
            Source::new("a/src/lib.rs", "fn a() {}\n#[cfg(test)]\nmod tests {\n  fn b() {}\n}\nfn c() {}");
        let tests: Vec<bool> = source.lines().map(|line| line.test).collect();
        assert_eq!(tests, [false, true, true, true, true, false]);
    }

    #[test]
    fn a_declared_test_module_marks_one_line() {
        let source = Source::new("a/src/lib.rs", "#[cfg(test)]\nmod tests;\nfn c() {}");
        let tests: Vec<bool> = source.lines().map(|line| line.test).collect();
        assert_eq!(tests, [true, true, false]);
    }

    #[test]
    fn files_under_tests_are_tests() {
        assert!(is_test_file("foundation/db/tests/it/main.rs"));
        assert!(is_test_file("tests/engines/src/lib.rs"));
        assert!(is_test_file("foundation/db/src/writer/tests.rs"));
        assert!(!is_test_file("foundation/db/src/lib.rs"));
    }
}
