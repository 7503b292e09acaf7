//! A pattern, and a text with places for what its groups found.

use regex::Regex;

/// A pattern as the routers of Kafka Connect and Debezium take it, and what a value that fits it becomes.
#[derive(Clone, Debug)]
pub struct Pattern {
    whole: Regex,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Group(usize),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    #[error("the regex {regex:?} cannot be read: {why}")]
    Regex { regex: String, why: String },
    #[error(
        "{replacement:?} names group {group}, which the regex {regex:?} does not have; it has {count}, and a dollar sign \
         is written \\$"
    )]
    Group { replacement: String, group: String, regex: String, count: usize },
    #[error("{replacement:?} has a {what} that ends nowhere; a dollar sign is written \\$")]
    Open { replacement: String, what: &'static str },
}

impl Pattern {
    pub fn new(regex: &str, replacement: &str) -> Result<Self, PatternError> {
        let wrong = |why: regex::Error| {
            let why = why.to_string().lines().last().unwrap_or_default().trim().to_owned();
            PatternError::Regex { regex: regex.to_owned(), why }
        };
        // By itself first: what is no pattern alone could become one between our brackets.
        Regex::new(regex).map_err(wrong)?;
        let whole = Regex::new(&format!("^(?:{regex})$")).map_err(wrong)?;
        let parts = parts(&whole, regex, replacement)?;
        Ok(Self { whole, parts })
    }

    /// What the value becomes; none if the pattern does not fit all of it.
    pub fn replace(&self, value: &str) -> Option<String> {
        self.fill(value, |found, text| text.push_str(found))
    }

    /// As [`Self::replace`], and what the groups found goes through `put`.
    pub(crate) fn fill(&self, value: &str, put: impl Fn(&str, &mut String)) -> Option<String> {
        let captures = self.whole.captures(value)?;
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(own) => text.push_str(own),
                Part::Group(group) => put(captures.get(*group).map_or("", |found| found.as_str()), &mut text),
            }
        }
        Some(text)
    }

    /// The replacement with `x` for each group.
    pub(crate) fn sample(&self) -> String {
        self.parts.iter().map(|part| if let Part::Text(own) = part { own.as_str() } else { "x" }).collect()
    }

    /// What stands before the first group: all of it if there is none.
    pub(crate) fn head(&self) -> &str {
        match self.parts.first() {
            Some(Part::Text(own)) => own,
            _ => "",
        }
    }
}

/// Java's way: `$1` takes as many digits as make a group that exists, `${name}` is a named one, and a backslash
/// takes the next character as it is.
fn parts(whole: &Regex, regex: &str, replacement: &str) -> Result<Vec<Part>, PatternError> {
    let count = whole.captures_len() - 1;
    let open = |what| PatternError::Open { replacement: replacement.to_owned(), what };
    let unknown = |group: &str| PatternError::Group {
        replacement: replacement.to_owned(),
        group: group.to_owned(),
        regex: regex.to_owned(),
        count,
    };
    let (mut parts, mut text, mut rest) = (Vec::new(), String::new(), replacement);
    while let Some(next) = rest.chars().next() {
        rest = &rest[next.len_utf8()..];
        match next {
            '\\' => {
                let literal = rest.chars().next().ok_or_else(|| open("backslash"))?;
                text.push(literal);
                rest = &rest[literal.len_utf8()..];
            }
            '$' => {
                let group = if let Some(named) = rest.strip_prefix('{') {
                    let (name, behind) = named.split_once('}').ok_or_else(|| open("group"))?;
                    rest = behind;
                    let by_name = whole.capture_names().position(|known| known == Some(name));
                    by_name
                        .or_else(|| name.parse().ok().filter(|number| *number <= count))
                        .ok_or_else(|| unknown(name))?
                } else {
                    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
                    if digits == 0 {
                        return Err(open("dollar sign"));
                    }
                    let fits =
                        |end: &usize| rest[..*end].parse::<usize>().is_ok_and(|number| number <= count);
                    let end = (1..=digits).rev().find(fits).ok_or_else(|| unknown(&rest[..digits]))?;
                    let number = rest[..end].parse().map_err(|_| unknown(&rest[..digits]))?;
                    rest = &rest[end..];
                    number
                };
                if !text.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut text)));
                }
                parts.push(Part::Group(group));
            }
            other => text.push(other),
        }
    }
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replaced(regex: &str, replacement: &str, value: &str) -> Option<String> {
        Pattern::new(regex, replacement).unwrap().replace(value)
    }

    #[test]
    fn a_pattern_fits_a_whole_value_and_its_groups_are_put_in() {
        for (regex, replacement, value, expected) in [
            ("(.*)", "outbox-events", "alpes-mysql.alpes.outbox_event", Some("outbox-events")),
            ("(?<routedByValue>.*)", "outbox.event.${routedByValue}", "Order", Some("outbox.event.Order")),
            (r"(.*)\.(.*)", "$2-of-$1s", "shop.orders", Some("orders-of-shops")),
            ("(a)", "$10", "a", Some("a0")),
            ("(a)(b)?", "[$2]", "a", Some("[]")),
            ("a", r"\$1", "a", Some("$1")),
            ("order", "x", "orders", None),
        ] {
            assert_eq!(replaced(regex, replacement, value).as_deref(), expected, "{regex} {replacement}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused_by_its_name() {
        for (regex, replacement, words) in [
            ("(", "x", "cannot be read"),
            ("a)(b", "x", "cannot be read"),
            ("(a)", "$2", "names group 2"),
            ("(a)", "${b}", "names group b"),
            ("(a)", "${b", "a group that ends nowhere"),
            ("(a)", "a$", "a dollar sign that ends nowhere"),
            ("(a)", "a\\", "a backslash that ends nowhere"),
        ] {
            let error = Pattern::new(regex, replacement).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
