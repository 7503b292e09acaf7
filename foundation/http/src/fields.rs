//! The fields of a JSON object, taken one by one; all that is wrong is told at once.
//!
//! A value is handed to its parser as the text that stood in the body, so that an amount never goes through
//! a float.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::language::Said;
use crate::problem::FieldError;
use crate::said;

/// So many errors are told; more would only be a long answer to a bad joke.
const ERRORS_MAX: usize = 50;
/// So many characters of an unknown field's name are repeated.
const NAME_CHARS_MAX: usize = 64;

/// Why a field's value is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    pub code: &'static str,
    pub message: Said,
}

impl Invalid {
    pub fn new(code: &'static str, message: impl Into<Said>) -> Self {
        Self { code, message: message.into() }
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
            return Err(self.is_not(("a string", "un texto")));
        }
        serde_json::from_str(self.text()).map_err(|_| {
            Invalid::new("invalid_text", said!("is not valid Unicode text", "no es texto Unicode válido"))
        })
    }

    /// The text of the value if it is a number.
    pub fn number(&self) -> Result<&str, Invalid> {
        if self.text().starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
            return Ok(self.text());
        }
        Err(self.is_not(("a number", "un número")))
    }

    /// The value if it is a whole number within range.
    pub fn integer(&self) -> Result<i64, Invalid> {
        let number = self.number()?;
        number.parse().map_err(|_| {
            Invalid::new(
                "invalid_number",
                said!("must be a whole number within range", "debe ser un número entero dentro del rango"),
            )
        })
    }

    /// The elements if it is a list of 1 to `items_max`.
    pub fn items(&self, items_max: usize) -> Result<Vec<Self>, Invalid> {
        if !self.text().starts_with('[') {
            return Err(self.is_not(("a list", "una lista")));
        }
        let items: Vec<Box<RawValue>> = serde_json::from_str(self.text())
            .map_err(|_| Invalid::new("invalid_text", said!("is not a list", "no es una lista")))?;
        if items.is_empty() || items.len() > items_max {
            let why = said!("must have 1 to {items_max} elements", "debe tener de 1 a {items_max} elementos");
            return Err(Invalid::new("wrong_length", why));
        }
        Ok(items.into_iter().map(Self).collect())
    }

    /// The JSON text of an object, whatever is in it, to the letter; of `bytes_max` at most.
    pub fn object(&self, bytes_max: usize) -> Result<&str, Invalid> {
        if !self.text().starts_with('{') {
            return Err(self.is_not(("an object", "un objeto")));
        }
        if self.text().len() > bytes_max {
            let why = said!("has more than {bytes_max} bytes", "tiene más de {bytes_max} bytes");
            return Err(Invalid::new("too_long", why));
        }
        Ok(self.text())
    }

    pub fn boolean(&self) -> Result<bool, Invalid> {
        match self.text() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(self.is_not(("true or false", "true o false"))),
        }
    }

    fn is_not(&self, wanted: (&str, &str)) -> Invalid {
        Invalid::new("wrong_type", not_a(wanted, self.text()))
    }
}

/// That a JSON text should be something else, which is named in English and in Spanish.
fn not_a((english, spanish): (&str, &str), json: &str) -> Said {
    let (is, es) = match json.as_bytes().first() {
        Some(b'"') => ("a string", "un texto"),
        Some(b'{') => ("an object", "un objeto"),
        Some(b'[') => ("an array", "una lista"),
        Some(b't' | b'f') => ("a truth value", "un valor lógico"),
        Some(b'n') => ("null", "null"),
        _ => ("a number", "un número"),
    };
    Said::both(format!("must be {english}, not {is}"), format!("debe ser {spanish}, no {es}"))
}

/// What a change says of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change<T> {
    /// Nothing: it stays.
    Keep,
    /// It goes.
    Clear,
    Set(T),
}

/// A field that a body may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Known {
    pub name: &'static str,
    pub is_required: bool,
}

/// The fields of one object, and what was found wrong with them so far.
#[derive(Debug, Default)]
pub struct Fields {
    at: String,
    values: BTreeMap<String, Raw>,
    known: Vec<Known>,
    errors: Vec<FieldError>,
}

impl Fields {
    /// An object whose fields are texts: the parameters of a query.
    pub(crate) fn of_texts(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut fields = Self::default();
        for (name, text) in pairs {
            let json = serde_json::value::to_raw_value(&text).expect("a text is always JSON");
            if fields.values.insert(name.clone(), Raw(json)).is_some() {
                fields.refuse(
                    &name,
                    Invalid::new("duplicate_field", said!("is there twice", "está dos veces")),
                );
            }
        }
        fields
    }

    /// What was asked for so far.
    pub(crate) fn known(&self) -> &[Known] {
        &self.known
    }

    /// Reads a JSON text that is known to be well-formed.
    pub(crate) fn read(json: &str) -> Result<Self, FieldError> {
        Self::read_at(String::new(), json)
    }

    fn read_at(at: String, json: &str) -> Result<Self, FieldError> {
        let refuse = |code, message: Said| FieldError { pointer: at.clone(), code, message };
        if !json.starts_with('{') {
            return Err(refuse("wrong_type", not_a(("an object", "un objeto"), json)));
        }
        let pairs: Pairs = serde_json::from_str(json).map_err(|_| {
            refuse("invalid_text", said!("a name is not valid text", "un nombre no es texto válido"))
        })?;
        let mut fields = Self { at, ..Self::default() };
        for (name, value) in pairs.0 {
            if fields.values.insert(name.clone(), Raw(value)).is_some() {
                fields.refuse(
                    &name,
                    Invalid::new("duplicate_field", said!("is there twice", "está dos veces")),
                );
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
        let Some(value) = self.take(Known { name, is_required: true }) else {
            self.refuse(name, Invalid::new("missing_field", said!("is missing", "falta")));
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
        match self.take(Known { name, is_required: false }) {
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
        let Some(value) = self.take(Known { name, is_required: false }) else { return Some(None) };
        self.inner(name, &value, parse).map(Some)
    }

    /// Takes an object within the object, which must be there.
    pub fn required_object<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&mut Fields) -> Option<T>,
    ) -> Option<T> {
        let Some(value) = self.take(Known { name, is_required: true }) else {
            self.refuse(name, Invalid::new("missing_field", said!("is missing", "falta")));
            return None;
        };
        self.inner(name, &value, parse)
    }

    fn inner<T>(
        &mut self,
        name: &str,
        value: &Raw,
        parse: impl FnOnce(&mut Fields) -> Option<T>,
    ) -> Option<T> {
        let outcome = Self::read_at(self.pointer(name), value.text()).map_err(|error| vec![error]).and_then(
            |mut fields| {
                let parsed = parse(&mut fields);
                fields.finish(parsed)
            },
        );
        outcome.map_err(|errors| self.errors.extend(errors)).ok()
    }

    /// Takes a list of objects, of one at least and `items_max` at most, if it is there.
    pub fn objects<T>(
        &mut self,
        name: &'static str,
        items_max: usize,
        parse: impl FnMut(&mut Fields) -> Option<T>,
    ) -> Option<Option<Vec<T>>> {
        let items = self.optional(name, |raw| raw.items(items_max))?;
        let Some(items) = items else { return Some(None) };
        self.read_all(name, &items, parse).map(Some)
    }

    /// Takes a list of objects, as [`Fields::objects`], that must be there.
    pub fn required_objects<T>(
        &mut self,
        name: &'static str,
        items_max: usize,
        parse: impl FnMut(&mut Fields) -> Option<T>,
    ) -> Option<Vec<T>> {
        let items = self.required(name, |raw| raw.items(items_max))?;
        self.read_all(name, &items, parse)
    }

    fn read_all<T>(
        &mut self,
        name: &'static str,
        items: &[Raw],
        parse: impl FnMut(&mut Fields) -> Option<T>,
    ) -> Option<Vec<T>> {
        let mut parsed = Vec::with_capacity(items.len());
        let mut is_fine = true;
        for item in self.read_each(name, items, parse) {
            match item {
                Ok(value) => parsed.push(value),
                Err(errors) => {
                    self.errors.extend(errors);
                    is_fine = false;
                }
            }
        }
        is_fine.then_some(parsed)
    }

    /// Takes a list of objects that must be there, as [`Fields::objects`], but each for itself: what is wrong with one
    /// is that one's.
    pub fn each<T>(
        &mut self,
        name: &'static str,
        items_max: usize,
        parse: impl FnMut(&mut Fields) -> Option<T>,
    ) -> Option<Vec<Result<T, Vec<FieldError>>>> {
        let items = self.required(name, |raw| raw.items(items_max))?;
        Some(self.read_each(name, &items, parse))
    }

    fn read_each<T>(
        &self,
        name: &str,
        items: &[Raw],
        mut parse: impl FnMut(&mut Fields) -> Option<T>,
    ) -> Vec<Result<T, Vec<FieldError>>> {
        let at = self.pointer(name);
        let read = |(index, item): (usize, &Raw)| {
            let mut fields =
                Self::read_at(format!("{at}/{index}"), item.text()).map_err(|error| vec![error])?;
            let value = parse(&mut fields);
            fields.finish(value)
        };
        items.iter().enumerate().map(read).collect()
    }

    /// As [`Fields::optional`], but tells what is missing from what is null, as a change must (RFC 7396): null
    /// takes the value away.
    pub fn change<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&Raw) -> Result<T, Invalid>,
    ) -> Option<Change<T>> {
        self.known.push(Known { name, is_required: false });
        match self.values.remove(name) {
            None => Some(Change::Keep),
            Some(value) if value.text() == "null" => Some(Change::Clear),
            Some(value) => self.parse(name, &value, parse).map(Change::Set),
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
            let known: Vec<&str> = self.known.iter().map(|known| known.name).collect();
            let hint = nearest(&name, &known);
            let message = if let Some(known) = hint {
                said!("is unknown; did you mean {known}?", "es desconocido; ¿quiso decir {known}?")
            } else {
                let known = known.join(", ");
                said!("is unknown; known are {known}", "es desconocido; se conocen {known}")
            };
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

    fn take(&mut self, known: Known) -> Option<Raw> {
        self.known.push(known);
        self.values.remove(known.name).filter(|value| value.text() != "null")
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
fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
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
