//! A text with places for what an event holds: `{{ campaign_id }}`.

use std::fmt::Write as _;

/// What stands for a field that is empty.
const NOTHING: &str = "—";
/// Characters of a field's value that are shown.
const VALUE_CHARS_MAX: usize = 500;

/// A text whose places are all known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Field(String),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TemplateError {
    #[error("a {{{{ at character {at} is never closed")]
    Unclosed { at: usize },
    #[error("the event has no {name} that could be shown; it has {known}")]
    Unknown { name: String, known: String },
}

impl Template {
    /// Reads a text; each place must name one of the fields.
    pub(crate) fn parse<'a>(
        text: &str,
        fields: impl Iterator<Item = &'a str> + Clone,
    ) -> Result<Self, TemplateError> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let at = text.len() - rest.len() + before.len();
            let Some((name, beyond)) = after.split_once("}}") else {
                return Err(TemplateError::Unclosed { at: text[..at].chars().count() + 1 });
            };
            let name = name.trim();
            if !fields.clone().any(|field| field == name) {
                let known = fields.collect::<Vec<_>>().join(", ");
                let name = name.chars().take(64).collect();
                return Err(TemplateError::Unknown { name, known });
            }
            pieces.extend([Piece::Text(before.to_owned()), Piece::Field(name.to_owned())]);
            rest = beyond;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        Ok(Self(pieces))
    }

    /// The text with what the places stand for. Values bring no lines of their own and no control characters.
    pub(crate) fn render(&self, value: impl Fn(&str) -> Option<String>) -> String {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(words) => text.push_str(words),
                Piece::Field(name) => {
                    let value = value(name).filter(|value| !value.is_empty());
                    let value = value.unwrap_or_else(|| NOTHING.to_owned());
                    for one in value.chars().take(VALUE_CHARS_MAX) {
                        let _ = text.write_char(if one.is_control() { ' ' } else { one });
                    }
                }
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: [&str; 2] = ["name", "amount"];

    fn parse(text: &str) -> Result<Template, TemplateError> {
        Template::parse(text, FIELDS.into_iter())
    }

    #[test]
    fn places_are_filled_and_nothing_is_a_dash() {
        let value = |name: &str| (name == "name").then(|| "Ñandú\r\nBcc: all".to_owned());
        let text = parse("{{name}} {{ amount }}. } {").unwrap().render(value);
        assert_eq!(text, "Ñandú  Bcc: all —. } {");
    }

    #[test]
    fn a_place_that_the_event_has_not_is_refused() {
        assert_eq!(parse("é {{ name"), Err(TemplateError::Unclosed { at: 3 }));
        let unknown = TemplateError::Unknown { name: "nombre".to_owned(), known: "name, amount".to_owned() };
        assert_eq!(parse("{{nombre}}"), Err(unknown));
    }
}
