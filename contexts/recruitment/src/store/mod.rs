//! The tables of jobs, candidates, applications, hires and matches. Unique keys hold what must not be there twice.

mod applications;
mod cancellations;
mod candidates;
mod changes;
mod costs;
mod due;
mod hires;
mod jobs;
mod json;
mod matches;
mod tables;
mod talks;

pub(crate) use applications::{
    ApplicationFilter, application_of, applications_of, end_applications, forget_reasons, insert_application,
    load_application, page_of_applications, save_application,
};
pub(crate) use cancellations::{RequestEnd, insert_request_end, request_end_of};
pub(crate) use candidates::{
    Alike, CandidateFilter, Taken, alike, insert_candidate, load_candidate, load_candidates,
    page_of_candidates, revisions_of_active, save_candidate,
};
pub(crate) use changes::{Change, changes_after, first_candidates, newest_change};
pub(crate) use costs::{Cost, insert_cost, load_cost_by_reference, page_of_costs, spent};
pub(crate) use due::{Due, Origin, Subject, first_due, forget_due, note_all_due, note_due};
pub(crate) use hires::{
    HireFilter, hire_of_application, hires_of_job, insert_hire, is_hired, load_hire, page_of_hires,
};
pub(crate) use jobs::{
    JobFilter, insert_job, jobs_in_search, load_by_request, load_job, page_of_jobs, save_job,
};
pub(crate) use matches::{
    End, Match, MatchFilter, applications_for, considered, insert_match, listed, matches_of, page_of_matches,
    save_match, shortlist_ends,
};
pub use tables::MIGRATIONS;
pub(crate) use talks::{
    cancel_interviews, count_interviews, count_offers, forget_words, insert_interview, insert_offer,
    interviews_of, load_interview, load_offer, offers_of, save_interview, save_offer,
};

use hexalpes_db::{DbError, Tx};
use sea_query::{
    Asterisk, Expr, ExprTrait as _, InsertStatement, Query, SelectStatement, UpdateStatement, Value,
};

/// The only tenant there is until authentication tells them apart.
const TENANT: &str = "default";

/// Columns and what they are to hold.
type Cells = Vec<(&'static str, Value)>;

fn select(table: &'static str) -> SelectStatement {
    Query::select().column(Asterisk).from(table).and_where(Expr::col("tenant").eq(TENANT)).to_owned()
}

fn by_id(table: &'static str, id: &str) -> SelectStatement {
    select(table).and_where(Expr::col("id").eq(id)).to_owned()
}

fn insert(table: &'static str, cells: Cells) -> InsertStatement {
    let (columns, values): (Vec<_>, Vec<_>) = cells.into_iter().unzip();
    Query::insert()
        .into_table(table)
        .columns(std::iter::once("tenant").chain(columns))
        .values_panic(std::iter::once(Value::from(TENANT)).chain(values).map(Expr::from))
        .to_owned()
}

fn update(table: &'static str, id: &str, cells: Cells) -> UpdateStatement {
    Query::update()
        .table(table)
        .values(cells.into_iter().map(|(column, value)| (column, value.into())))
        .and_where(Expr::col("tenant").eq(TENANT))
        .and_where(Expr::col("id").eq(id))
        .to_owned()
}

/// Narrows a select to the values that are given.
fn narrow(select: &mut SelectStatement, filters: impl IntoIterator<Item = (&'static str, Option<String>)>) {
    for (column, value) in filters {
        select.and_where_option(value.map(|value| Expr::col(column).eq(value)));
    }
}

/// Runs an update that must hit its row, which another transaction may have changed meanwhile.
async fn hit(tx: &Tx, update: &UpdateStatement) -> Result<(), DbError> {
    match tx.execute(update).await? {
        0 => Err(DbError::Conflict("it was changed a moment ago".to_owned())),
        _ => Ok(()),
    }
}
