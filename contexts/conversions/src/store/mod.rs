//! The tables of conversions, refunds and clicks, and of what is known of the affiliates context.

mod clicks;
mod conversions;
mod known;
mod lines;
mod metrics;
mod refunds;
mod tables;

pub(crate) use clicks::{clicks_of, insert_click, load_click};
pub(crate) use conversions::{
    ConversionFilter, insert_conversion, load_by_external, load_conversion, page_of_conversions,
    save_refunded,
};
pub(crate) use known::{
    affiliate_by_code, known_affiliate, known_link, known_program, learn_affiliate, learn_link, learn_program,
};
pub(crate) use metrics::{Grouping, MetricsFilter, Total, totals};
pub(crate) use refunds::{insert_refund, load_refund_by_external, refunds_of};
pub(crate) use tables::Conversions;
pub use tables::MIGRATIONS;

use hexalpes_db::{DbError, Row};
use hexalpes_kernel::{Currency, Money, Timestamp};

/// The only tenant there is until authentication tells them apart.
pub(crate) const TENANT: &str = "default";

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

fn currency(row: &Row) -> Result<Currency, DbError> {
    parsed(row, "currency", |code| Currency::parse(code).ok())
}

fn money(row: &Row, column: &str, currency: Currency) -> Result<Money, DbError> {
    Ok(Money::from_minor(row.get(column)?, currency))
}

fn wrong(column: &str, why: &'static str) -> DbError {
    DbError::Column { column: column.to_owned(), why }
}
