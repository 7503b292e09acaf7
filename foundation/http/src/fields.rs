//! The fields of a JSON object, taken one by one; all that is wrong is told at once.
//!
//! A value is handed to its parser as the text that stood in the body, so that an amount never goes through
//! a float.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::problem::FieldError;

/// So many errors are told; more would only be a long answer to a bad joke.
const ERRORS_MAX: usize = 50;
/// So many characters of an unknown field's name are repeated.
const NAME_CHARS_MAX: usize = 64;

/// Why a field's value is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    pub code: &'static str,
    pub message: String,
}

impl Invalid {
    pub fn new(code: &'static str, message: impl fmt::Display) -> Self {
        Self { code, message: message.to_string() }
    }
}

/// A value as it stood in the body.
#[derive(Debug)]
pub struct Raw(Box<RawValue>);

impl Raw {
    /// The value's JSON text: `10.50`, `"USD"`.
    pub fn text(&self) -> &str {
        self.0.get()
    }

    /// The value if it is a string, without its quotes and escapes.
    pub fn string(&self) -> Result<String, Invalid> {
        if !self.text().starts_with('"') {
            return Err(Invalid::new("wrong_type", format_args!("must be a string, not {}", self.kind())));
        }
        serde_json::from_str(self.text())
            .map_err(|_| Invalid::new("invalid_text", "is not valid Unicode text"))
    }

    /// The text of the value if it is a number.
    pub fn number(&self) -> Result<&str, Invalid> {
        if self.text().starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
            return Ok(self.text());
        }
        Err(Invalid::new("wrong_type", format_args!("must be a number, not {}", self.kind())))
    }

    /// The value if it is a whole number within range.
    pub fn integer(&self) -> Result<i64, Invalid> {
        let number = self.number()?;
        number.parse().map_err(|_| Invalid::new("invalid_number", "must be a whole number within range"))
    }

    pub fn boolean(&self) -> Result<bool, Invalid> {
        match self.text() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(Invalid::new("wrong_type", format_args!("must be true or false, not {}", self.kind()))),
        }
    }

    fn kind(&self) -> &'static str {
        kind(self.text())
    }
}

fn kind(json: &str) -> &'static str {
    match json.as_bytes().first() {
        Some(b'"') => "a string",
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b't' | b'f') => "a truth value",
        Some(b'n') => "null",
        _ => "a number",
    }
}

/// The fields of one object, and what was found wrong with them so far.
#[derive(Debug, Default)]
pub struct Fields {
    at: String,
    values: BTreeMap<String, Raw>,
    known: Vec<&'static str>,
    errors: Vec<FieldError>,
}

impl Fields {
    /// Reads a JSON text that is known to be well-formed.
    pub(crate) fn read(json: &str) -> Result<Self, FieldError> {
        Self::read_at(String::new(), json)
    }

    fn read_at(at: String, json: &str) -> Result<Self, FieldError> {
        let refuse = |code, message: String| FieldError { pointer: at.clone(), code, message };
        if !json.starts_with('{') {
            return Err(refuse("wrong_type", format!("must be an object, not {}", kind(json))));
        }
        let pairs: Pairs = serde_json::from_str(json)
            .map_err(|_| refuse("invalid_text", "a name is not valid text".into()))?;
        let mut fields = Self { at, ..Self::default() };
        for (name, value) in pairs.0 {
            if fields.values.insert(name.clone(), Raw(value)).is_some() {
                fields.refuse(&name, Invalid::new("duplicate_field", "is there twice"));
            }
        }
        Ok(fields)
    }

    /// Takes a field that must be there. `None` after an error, which [`Fields::finish`] tells.
    pub fn required<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&Raw) -> Result<T, Invalid>,
    ) -> Option<T> {
        let Some(value) = self.take(name) else {
            self.refuse(name, Invalid::new("missing_field", "is missing"));
            return None;
        };
        self.parse(name, &value, parse)
    }

    /// Takes a field that may be missing or null: `Some(None)`. `None` after an error.
    pub fn optional<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&Raw) -> Result<T, Invalid>,
    ) -> Option<Option<T>> {
        match self.take(name) {
            None => Some(None),
            Some(value) => self.parse(name, &value, parse).map(Some),
        }
    }

    /// Takes an object within the object, if it is there.
    pub fn object<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&mut Fields) -> Option<T>,
    ) -> Option<Option<T>> {
        let Some(value) = self.take(name) else { return Some(None) };
        let inner = Self::read_at(self.pointer(name), value.text());
        match inner.and_then(|mut fields| {
            let parsed = parse(&mut fields);
            fields.finish(parsed).map_err(|errors| {
                self.errors.extend(errors);
                FieldError { pointer: String::new(), code: "", message: String::new() }
            })
        }) {
            Ok(value) => Some(Some(value)),
            Err(error) => {
                if !error.code.is_empty() {
                    self.errors.push(error);
                }
                None
            }
        }
    }

    /// Adds an error that is about more than one field, or found late.
    pub fn refuse(&mut self, name: &str, invalid: Invalid) {
        let pointer = self.pointer(name);
        self.errors.push(FieldError { pointer, code: invalid.code, message: invalid.message });
    }

    /// The parsed value, unless something is wrong or a field is left that nobody asked for.
    pub(crate) fn finish<T>(mut self, parsed: Option<T>) -> Result<T, Vec<FieldError>> {
        for name in std::mem::take(&mut self.values).into_keys() {
            let hint = nearest(&name, &self.known);
            let message = hint.map_or_else(
                || format!("is unknown; known are {}", self.known.join(", ")),
                |known| format!("is unknown; did you mean {known}?"),
            );
            self.refuse(&name, Invalid::new("unknown_field", message));
        }
        self.errors.truncate(ERRORS_MAX);
        match parsed {
            Some(value) if self.errors.is_empty() => Ok(value),
            Some(_) => Err(self.errors),
            None => {
                debug_assert!(!self.errors.is_empty(), "a body that is refused says why");
                Err(self.errors)
            }
        }
    }

    fn take(&mut self, name: &'static str) -> Option<Raw> {
        self.known.push(name);
        self.values.remove(name).filter(|value| value.text() != "null")
    }

    fn parse<T>(
        &mut self,
        name: &str,
        value: &Raw,
        parse: impl FnOnce(&Raw) -> Result<T, Invalid>,
    ) -> Option<T> {
        parse(value).map_err(|invalid| self.refuse(name, invalid)).ok()
    }

    fn pointer(&self, name: &str) -> String {
        let short: String = name.chars().take(NAME_CHARS_MAX).collect();
        format!("{}/{}", self.at, short.replace('~', "~0").replace('/', "~1"))
    }
}

/// The pairs of an object in their order, repeated names included.
struct Pairs(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// The known name that was probably meant: the same but for case and separators, or two typing errors away.
fn nearest(name: &str, known: &[&'static str]) -> Option<&'static str> {
    if name.len() > NAME_CHARS_MAX {
        return None;
    }
    let name = plain(name);
    let distances = known.iter().map(|known| (distance(&name, &plain(known)), *known));
    distances
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= 2)
        .map(|(_, known)| known)
}

fn plain(name: &str) -> Vec<char> {
    name.chars().filter(|char| char.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Levenshtein's distance, by one row of the table at a time.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
