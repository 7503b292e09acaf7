//! What others ask for, read into commands. Each body's schema for the document stands beside its parser.

#![allow(dead_code, reason = "the fields of a schema are read as a schema alone")]

mod partners;
mod recruitment;

pub(crate) use partners::{ChangePartnerBody, DocumentBody, RegisterBody, RegisterRequest};
pub(crate) use recruitment::RecruitmentBody;

use hexalpes_http::{Invalid, Raw, Said, said, values};

use crate::domain::{Day, DayError, Json};

const NAME_CHARS_MAX: usize = 200;
/// Of an object whose content is the sender's.
const OBJECT_BYTES_MAX: usize = 64 * 1024;

fn object(raw: &Raw) -> Result<Json, Invalid> {
    raw.object(OBJECT_BYTES_MAX).map(Json::kept)
}

fn day(raw: &Raw) -> Result<Day, Invalid> {
    Day::parse(&raw.string()?).map_err(|error: DayError| {
        let spanish = "debe ser un día como en ISO 8601, por ejemplo 2025-01-15";
        Invalid::new("invalid_date", Said::both(error.to_string(), spanish))
    })
}

/// Texts, of which none is there twice.
fn texts(raw: &Raw, items_max: usize, chars_max: usize) -> Result<Vec<String>, Invalid> {
    let items = raw.items(items_max)?;
    let texts = items.iter().map(|item| values::text(item, chars_max));
    once(texts.collect::<Result<Vec<_>, Invalid>>()?)
}

fn once<T: PartialEq>(items: Vec<T>) -> Result<Vec<T>, Invalid> {
    let is_twice = |(index, item)| items[..index].contains(item);
    if items.iter().enumerate().any(is_twice) {
        let why = said!("has an element twice", "tiene un elemento dos veces");
        return Err(Invalid::new("duplicate_element", why));
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use hexalpes_http::openapi::differences;

    use super::*;
    use crate::domain::{Asked, DocumentDetails, PartnerChanges};

    #[test]
    fn bodies_and_their_schemas_say_the_same() {
        let told = [
            differences::<RegisterRequest, RegisterBody>(),
            differences::<PartnerChanges, ChangePartnerBody>(),
            differences::<DocumentDetails, DocumentBody>(),
            differences::<Asked, RecruitmentBody>(),
        ];
        assert_eq!(told.concat(), Vec::<String>::new());
    }
}
