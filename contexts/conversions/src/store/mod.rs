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
use hexalpes_kernel::{Currency, Money};

/// The only tenant there is until authentication tells them apart.
pub(crate) const TENANT: &str = "default";

fn currency(row: &Row) -> Result<Currency, DbError> {
    row.parsed("currency", |code| Currency::parse(code).ok())
}

fn money(row: &Row, column: &str, currency: Currency) -> Result<Money, DbError> {
    Ok(Money::from_minor(row.get(column)?, currency))
}
