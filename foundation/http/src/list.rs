//! Lists: a page of items and the way to the next, as JSON or CSV.
//!
//! Not here: the query. A handler selects `limit + 1` items after the cursor and lets [`Page::cut`] tell
//! whether there are more.

use std::fmt;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use hexalpes_db::Keyset;
use serde::{Deserialize, Serialize};

use crate::body::FromFields;
use crate::fields::Fields;
use crate::language::Said;
use crate::problem::Problem;
use crate::said;

const LIMIT_DEFAULT: u32 = 50;
/// The most items of a page.
pub const LIMIT_MAX: u32 = 200;
const CURSOR_CHARS_MAX: usize = 4096;
const NEXT_CURSOR_HEADER: HeaderName = HeaderName::from_static("x-next-cursor");

/// The order of a list: `created_at`, or `-created_at` for the newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    pub field: &'static str,
    pub is_descending: bool,
}

impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.is_descending { "-" } else { "" }, self.field)
    }
}

/// How the items are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Json,
    Csv,
}

/// Extracts `limit`, `cursor`, `sort` and the format; other parameters are the handler's to read.
#[derive(Clone, Debug)]
pub struct ListQuery {
    /// 1 to 200.
    pub limit: u32,
    pub format: Format,
    cursor: Option<String>,
    sort: Option<String>,
}

#[derive(Deserialize)]
struct Parameters {
    limit: Option<String>,
    cursor: Option<String>,
    sort: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for ListQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let Query(Parameters { limit, cursor, sort }) = Query::try_from_uri(&parts.uri)
            .map_err(|error| Problem::unprocessable("invalid_query", error.body_text()))?;
        let limit = match limit {
            None => LIMIT_DEFAULT,
            Some(text) => match text.parse() {
                Ok(limit @ 1..=LIMIT_MAX) => limit,
                _ => {
                    return Err(refusal(
                        "limit",
                        said!("must be 1 to {LIMIT_MAX}", "debe estar entre 1 y {LIMIT_MAX}"),
                    ));
                }
            },
        };
        let is_csv = accepted(&parts.headers).any(|kind| kind == "text/csv");
        let format = if is_csv { Format::Csv } else { Format::Json };
        Ok(Self { limit, format, cursor, sort })
    }
}

/// The parameters that [`ListQuery`] reads.
const LIST_PARAMETERS: [&str; 3] = ["limit", "cursor", "sort"];

/// Extracts what a list is narrowed by: all other parameters, as `T` reads them. Values are texts to it. One that
/// it does not know is refused, for a filter that is not applied shows what was not asked for.
#[derive(Clone, Debug)]
pub struct Filters<T>(pub T);

impl<T: FromFields, S: Send + Sync> FromRequestParts<S> for Filters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map_err(|error| Problem::unprocessable("invalid_query", error.body_text()))?;
        let filters = pairs.into_iter().filter(|(name, _)| !LIST_PARAMETERS.contains(&name.as_str()));
        let mut fields = Fields::of_texts(filters);
        let parsed = T::from_fields(&mut fields);
        let filters = fields.finish(parsed).map_err(|errors| {
            let problem = Problem::invalid(errors);
            Problem { code: "invalid_query", ..problem }
        })?;
        Ok(Self(filters))
    }
}

impl ListQuery {
    /// The order that was asked for, of those that the list knows; by default the first one, descending.
    pub fn sort(&self, fields: &[&'static str]) -> Result<Sort, Problem> {
        let Some(asked) = &self.sort else {
            return Ok(Sort { field: fields[0], is_descending: true });
        };
        let (is_descending, name) =
            asked.strip_prefix('-').map_or((false, asked.as_str()), |name| (true, name));
        let field = fields.iter().find(|field| **field == name);
        field.map(|field| Sort { field, is_descending }).ok_or_else(|| {
            let known = fields.join(", ");
            refusal(
                "sort",
                said!(
                    "must be one of {known}, with - before it for descending",
                    "debe ser uno de {known}, con - delante para orden descendente"
                ),
            )
        })
    }

    /// The order of a list that has but one, which may be asked for.
    pub fn only(&self, sort: Sort) -> Result<Sort, Problem> {
        match &self.sort {
            Some(asked) if *asked != sort.to_string() => {
                Err(refusal("sort", said!("must be {sort}, the only one", "debe ser {sort}, el único")))
            }
            _ => Ok(sort),
        }
    }

    /// The page of a list that is in the order of a time or a number, and of ids where that is equal:
    /// [`Page::position`] gives its cursors.
    pub fn keyset(&self, sort: Sort) -> Result<Keyset, Problem> {
        let after = match self.after::<2>(sort)? {
            None => None,
            Some([at, id]) => match at.parse::<i64>() {
                Ok(at) => Some((at.into(), id.into())),
                Err(_) => return Err(not_given()),
            },
        };
        Ok(Keyset { is_descending: sort.is_descending, after, limit: u64::from(self.limit) + 1 })
    }

    /// As [`ListQuery::keyset`], where what tells equal ones apart is a number too.
    pub fn keyset_by_numbers(&self, sort: Sort) -> Result<Keyset, Problem> {
        let number = |part: String| part.parse::<i64>().map_err(|_| not_given());
        let after = match self.after::<2>(sort)? {
            None => None,
            Some([first, second]) => Some((number(first)?.into(), number(second)?.into())),
        };
        Ok(Keyset { is_descending: sort.is_descending, after, limit: u64::from(self.limit) + 1 })
    }

    /// The position that the cursor holds: what [`Page::cut`]'s `position` gave. `None` at the start.
    pub fn after<const N: usize>(&self, sort: Sort) -> Result<Option<[String; N]>, Problem> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let position = decode(cursor).and_then(|(order, position)| {
            (order == sort.to_string()).then_some(position).and_then(|position| position.try_into().ok())
        });
        position.map(Some).ok_or_else(not_given)
    }
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Leads to the next page; null on the last.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// Makes a page of up to `limit + 1` items; `position` tells where in the order an item stands.
    pub fn cut<const N: usize>(
        mut items: Vec<T>,
        limit: u32,
        sort: Sort,
        position: impl FnOnce(&T) -> [String; N],
    ) -> Self {
        let limit = limit as usize;
        let has_more = items.len() > limit;
        items.truncate(limit);
        let last = items.last().filter(|_| has_more);
        let next_cursor = last.map(|item| encode(sort, &position(item)));
        Self { items, next_cursor }
    }
}

impl<T> Page<T> {
    /// Where something stands in a list of [`ListQuery::keyset`]; times are microseconds.
    pub fn position(at: i64, id: &impl ToString) -> [String; 2] {
        [at.to_string(), id.to_string()]
    }

    /// The same page of something else.
    pub fn map<U>(self, view: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(view).collect(), next_cursor: self.next_cursor }
    }
}

/// An item as a line of CSV.
pub trait Record {
    const COLUMNS: &'static [&'static str];
    /// One cell per column.
    fn cells(&self) -> Vec<String>;
}

impl<T: Serialize + Record> Page<T> {
    /// The page in the format that was asked for; in CSV the next cursor goes into `X-Next-Cursor`.
    pub fn into_answer(self, format: Format) -> Response {
        match format {
            Format::Json => axum::Json(self).into_response(),
            Format::Csv => self.csv().unwrap_or_else(|error| {
                tracing::error!(%error, "a list could not be written as CSV");
                Problem::internal().into_response()
            }),
        }
    }

    fn csv(&self) -> Result<Response, csv::Error> {
        let mut lines = csv::Writer::from_writer(Vec::new());
        lines.write_record(T::COLUMNS)?;
        for item in &self.items {
            lines.write_record(item.cells().into_iter().map(inert))?;
        }
        let text = lines.into_inner().map_err(csv::IntoInnerError::into_error)?;
        let mut response = ([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], text).into_response();
        let next = self.next_cursor.as_deref().and_then(|cursor| HeaderValue::from_str(cursor).ok());
        if let Some(next) = next {
            response.headers_mut().insert(NEXT_CURSOR_HEADER, next);
        }
        Ok(response)
    }
}

/// A cell that a spreadsheet would run as a formula gets an apostrophe before it, which spreadsheets take for
/// "this is text" (OWASP, "CSV Injection"). Numbers, also negative ones, are no formulas and stay as they are.
fn inert(cell: String) -> String {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_number(&cell);
    if is_formula { format!("'{cell}") } else { cell }
}

/// Digits with one sign before and one point between.
fn is_number(cell: &str) -> bool {
    let digits = cell.strip_prefix('-').unwrap_or(cell);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    [whole, fraction].iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The media types of `Accept` in their order, without parameters and in small letters: their names are the same in
/// any case (RFC 9110, 8.3.1).
pub fn accepted(headers: &HeaderMap) -> impl Iterator<Item = String> {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let ranges = values.flat_map(|value| value.split(','));
    ranges.map(|range| range.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

/// 422 `invalid_query`: what is wrong with one parameter of the query.
pub(crate) fn refusal(parameter: &'static str, why: Said) -> Problem {
    let why = why.after(format_args!("{parameter}: "));
    Problem::unprocessable("invalid_query", why).with("parameter", parameter)
}

fn not_given() -> Problem {
    let why = said!(
        "is none that this list gave in this order",
        "no es uno que esta lista haya dado en este orden"
    );
    refusal("cursor", why)
}

/// Order and position as JSON in hexadecimal: opaque, and safe in a URL.
fn encode(sort: Sort, position: &[String]) -> String {
    use fmt::Write as _;
    let text = serde_json::json!([sort.to_string(), position]).to_string();
    text.bytes().fold(String::with_capacity(text.len() * 2), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn decode(cursor: &str) -> Option<(String, Vec<String>)> {
    if cursor.len() > CURSOR_CHARS_MAX || !cursor.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pairs = cursor.as_bytes().chunks_exact(2);
    let bytes = pairs.map(|pair| u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok());
    serde_json::from_slice(&bytes.collect::<Option<Vec<u8>>>()?).ok()
}
