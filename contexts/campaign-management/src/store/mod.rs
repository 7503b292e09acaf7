//! The tables of campaigns, budgets, spend, results and reports, and of what is known of partners.

mod alerts;
mod budgets;
mod campaigns;
mod days;
mod refunds;
mod renewals;
mod reports;
mod results;
mod rights;
mod schedule;
mod spend;
mod tables;

pub(crate) use alerts::{AlertFilter, AlertRow, alerts_given, insert_alert, page_of_alerts};
pub(crate) use budgets::{
    BudgetFilter, budget_versions, budgets_of, budgets_of_open, insert_budget, load_budget, page_of_budgets,
    save_budget,
};
pub(crate) use campaigns::{
    CampaignFilter, Change, claim_campaign, count_open, due_for_a_look, history, insert_campaign,
    insert_change, load_campaign, load_campaigns, mark_looked, page_of_campaigns, save_campaign,
};
pub(crate) use days::{add_to_day, burned, days_of, others, spend_on, spend_within, totals_within};
pub(crate) use refunds::{insert_refund, take_refunds};
pub(crate) use renewals::{outdate, outdated, take_renewal};
pub(crate) use reports::{
    ReportFilter, ReportRow, asked_for_since, insert_report, load_report, newest_report, page_of_reports,
    replace_report,
};
pub(crate) use results::{ResultRow, insert_result, load_result, result_anywhere};
pub(crate) use rights::{
    claim_partner, learn_end, learn_grant, learn_validated, mark_reviewed, partners_to_review,
    rights_changed, rights_of, to_review,
};
pub(crate) use schedule::{
    Unscheduled, due_reports, follow_in_schedule, schedule, schedules_of, unscheduled,
};
pub(crate) use spend::{corrections_of, insert_entry, load_entry, page_of_spend};
pub use tables::MIGRATIONS;

use hexalpes_db::{DbError, Row};
use hexalpes_kernel::{Currency, Money};

use crate::domain::Day;

/// The only tenant there is until authentication tells them apart.
pub(crate) const TENANT: &str = "default";

fn currency(row: &Row) -> Result<Currency, DbError> {
    row.parsed("currency", |code| Currency::parse(code).ok())
}

fn money(row: &Row, column: &str, currency: Currency) -> Result<Money, DbError> {
    Ok(Money::from_minor(row.get(column)?, currency))
}

fn day(row: &Row, column: &str) -> Result<Day, DbError> {
    Day::from_number(row.get(column)?).ok_or_else(|| DbError::column(column, "it is no day"))
}

fn day_if_any(row: &Row, column: &str) -> Result<Option<Day>, DbError> {
    row.get::<Option<i64>>(column)?.map(|_| day(row, column)).transpose()
}
