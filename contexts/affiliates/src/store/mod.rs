//! The tables of programs, affiliates and links. Unique keys hold what must not be there twice.

mod affiliates;
mod links;
mod programs;
mod tables;

pub(crate) use affiliates::{
    AffiliateFilter, RatesFrom, Taken, history, insert_affiliate, load_affiliate, page_of_affiliates,
    save_affiliate,
};
pub(crate) use links::{insert_link, page_of_links};
pub(crate) use programs::{insert_program, load_program, page_of_programs, save_program};
pub use tables::MIGRATIONS;

use hexalpes_db::{DbError, Row};
use hexalpes_kernel::{Amount, Rate, Timestamp};

/// The only tenant there is until authentication tells them apart.
const TENANT: &str = "default";

/// Reads a column as what it must be.
fn parsed<T>(row: &Row, column: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, DbError> {
    parse(&row.get::<String>(column)?).ok_or_else(|| wrong(column, "it does not parse"))
}

fn parsed_if_any<T>(
    row: &Row,
    column: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, DbError> {
    match row.get::<Option<String>>(column)? {
        None => Ok(None),
        Some(text) => parse(&text).map(Some).ok_or_else(|| wrong(column, "it does not parse")),
    }
}

fn time(row: &Row, column: &str) -> Result<Timestamp, DbError> {
    Timestamp::from_micros(row.get(column)?).ok_or_else(|| wrong(column, "it is no time"))
}

fn rate(text: &str) -> Option<Rate> {
    Rate::from_percent(Amount::parse(text).ok()?).ok()
}

fn wrong(column: &str, why: &'static str) -> DbError {
    DbError::Column { column: column.to_owned(), why }
}
