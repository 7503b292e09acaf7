//! Java's `.properties`: lines of a name and a value, as far as configurations use it.

/// A setting as it stands in a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Property {
    /// Counted from 1; the first, if it takes several.
    pub(super) line: usize,
    pub(super) name: String,
    pub(super) value: String,
}

/// All of them, in order; of a name that comes again the last counts.
pub(super) fn parse(text: &str) -> Vec<Property> {
    let mut all = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let line = line.trim_start();
        if line.is_empty() || line.starts_with(['#', '!']) {
            continue;
        }
        let mut logical = line.to_owned();
        while goes_on(&logical) {
            logical.pop();
            match lines.next() {
                Some((_, more)) => logical += more.trim_start(),
                None => break,
            }
        }
        let (name, value) = split(&logical);
        all.push(Property {
            line: number + 1,
            name: unescaped(name),
            value: unescaped(value).trim_end().to_owned(),
        });
    }
    all
}

/// Whether a line ends with a backslash that stands for itself alone.
fn goes_on(line: &str) -> bool {
    line.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
}

/// Name and value: between them is a blank, `=` or `:`, with blanks around.
fn split(line: &str) -> (&str, &str) {
    let mut escaped = false;
    let end = line.find(|letter: char| {
        let ends = !escaped && (letter == '=' || letter == ':' || letter.is_whitespace());
        escaped = letter == '\\' && !escaped;
        ends
    });
    let Some(end) = end else { return (line, "") };
    let (name, rest) = line.split_at(end);
    let rest = rest.trim_start();
    (name, rest.strip_prefix(['=', ':']).unwrap_or(rest).trim_start())
}

fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            out.push(letter);
            continue;
        }
        match letters.next() {
            Some('t') => out.push('\t'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('u') => {
                let digits: String = letters.by_ref().take(4).collect();
                let letter = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
                out.push(letter.unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            Some(other) => out.push(other),
            None => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_names_and_values_with_their_numbers() {
        let text = "# a comment\n! another\n\na=1\n b : two words \nc\\=d = x=y\nempty=\nalone\nlong=one,\\\n    two\nlast=\\u00e9\\t|";
        let found: Vec<_> = parse(text).into_iter().map(|it| (it.line, it.name, it.value)).collect();
        let expected = [
            (4, "a", "1"),
            (5, "b", "two words"),
            (6, "c=d", "x=y"),
            (7, "empty", ""),
            (8, "alone", ""),
            (9, "long", "one,two"),
            (11, "last", "é\t|"),
        ];
        assert_eq!(found, expected.map(|(line, name, value)| (line, name.to_owned(), value.to_owned())));
    }

    #[test]
    fn a_file_that_ends_in_the_middle_of_a_line_is_read() {
        for text in ["a=b\\", "\\", "=", "a\\u12"] {
            assert_eq!(parse(text).len(), 1, "{text}");
        }
    }
}
