//! JSON for people: with lines and indents, and every number as it was written.

use serde::de::IgnoredAny;

/// A payload is shown up to here.
pub(crate) const SHOWN_CHARS_MAX: usize = 4000;

/// What is no JSON stays as it is. Long texts are cut, and say so by the second value: how many characters there are.
pub(crate) fn shown(text: &str) -> (String, Option<usize>) {
    // What is cut is not laid out as a whole.
    let pretty =
        if serde_json::from_str::<IgnoredAny>(text).is_ok() { laid_out(text) } else { text.to_owned() };
    match pretty.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => (pretty[..end].to_owned(), Some(text.chars().count())),
        None => (pretty, None),
    }
}

/// Of a text that is JSON. It ends soon after what is shown of it.
fn laid_out(json: &str) -> String {
    let mut out = String::with_capacity(json.len().min(SHOWN_CHARS_MAX) * 2);
    let (mut depth, mut in_text, mut is_escaped) = (0_usize, false, false);
    let mut letters = json.trim().chars().filter(|letter| !letter.is_control()).peekable();
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth.min(40)));
    };
    while let Some(letter) = letters.next() {
        if out.len() > SHOWN_CHARS_MAX * 4 {
            break;
        }
        if in_text {
            out.push(letter);
            in_text = is_escaped || letter != '"';
            is_escaped = letter == '\\' && !is_escaped;
            continue;
        }
        match letter {
            '"' => {
                in_text = true;
                out.push(letter);
            }
            '{' | '[' => {
                out.push(letter);
                while letters.peek().is_some_and(|next| next.is_whitespace()) {
                    letters.next();
                }
                if letters.peek().is_some_and(|next| matches!(next, '}' | ']')) {
                    out.extend(letters.next());
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(letter);
            }
            ',' => {
                out.push(letter);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            space if space.is_whitespace() => {}
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_laid_out_with_its_numbers_as_they_were_written() {
        let (text, cut) = shown(r#"{"monto":1000.00,"a":[ ],"b":[1,{"c":"x, \"{y}\" \\"}], "d":1e400}"#);
        assert_eq!(cut, None);
        let expected = [
            "{",
            r#"  "monto": 1000.00,"#,
            r#"  "a": [],"#,
            r#"  "b": ["#,
            "    1,",
            "    {",
            r#"      "c": "x, \"{y}\" \\""#,
            "    }",
            "  ],",
            r#"  "d": 1e400"#,
            "}",
        ];
        assert_eq!(text, expected.join("\n"));
    }

    #[test]
    fn what_is_no_json_stays_and_what_is_long_is_cut() {
        assert_eq!(shown("{not json}"), ("{not json}".to_owned(), None));
        let long = "é".repeat(SHOWN_CHARS_MAX + 5);
        let (text, cut) = shown(&long);
        assert_eq!((text.chars().count(), cut), (SHOWN_CHARS_MAX, Some(SHOWN_CHARS_MAX + 5)));
        let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
        assert!(shown(&deep).0.starts_with("[\n  [\n    ["));
    }
}
