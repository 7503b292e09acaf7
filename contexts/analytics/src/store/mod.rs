//! Reports as rows, and what is added up of them.

mod campaigns;
mod filter;
mod order;
mod reports;
mod sums;
mod tables;

pub(crate) use campaigns::{known, learn};
pub(crate) use filter::{Filter, Whose};
pub(crate) use order::{ORDER_PARTS, Order};
pub(crate) use reports::{Line, Whole, is_known, keep, load_report, newest_lines, period_lines};
pub(crate) use sums::{By, Sum, Total, event_of, events_at, sums, totals};
pub use tables::MIGRATIONS;
pub(crate) use tables::Reports as Column;

use hexalpes_db::{DbError, Row};
use hexalpes_kernel::Currency;

use crate::domain::{AsOf, Day, Figures, Period, ReportId};

/// The only tenant there is until authentication tells them apart.
const TENANT: &str = "default";

/// Of a row, or of a sum over rows, whose columns are called the same.
fn figures(row: &Row) -> Result<Figures, DbError> {
    Ok(Figures {
        currency: row.parsed("currency", |code| Currency::parse(code).ok())?,
        impressions: row.get("impressions")?,
        clicks: row.get("clicks")?,
        leads: row.get("leads")?,
        conversions: row.get("conversions")?,
        spend_minor: row.get("spend_minor")?,
        revenue_minor: row.get("revenue_minor")?,
    })
}

fn period(row: &Row) -> Result<Period, DbError> {
    row.parsed("period", |name| Period::parse(name).ok())
}

fn day(row: &Row, column: &str) -> Result<Day, DbError> {
    Day::from_number(row.get(column)?).ok_or_else(|| DbError::column(column, "it is no day"))
}

fn as_of(row: &Row) -> Result<AsOf, DbError> {
    Ok(AsOf {
        event: row.get("event_id")?,
        report: row.parsed("report_id", |id| ReportId::parse(id).ok())?,
        version: row.get("version")?,
        occurred_at: row.get("occurred_at")?,
    })
}
