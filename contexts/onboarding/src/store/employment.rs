//! Contracts of employment as rows. Signatories and trail are kept with those of the other contracts, under its id.

use hexalpes_db::{DbError, Keyset, Row, Tx};
use hexalpes_kernel::{Currency, Money, Timestamp};
use sea_query::{Asterisk, Expr, ExprTrait as _, Order, Query, SelectStatement, Value};

use super::contracts::{save_signatories, signatories_of};
use super::{TENANT, tables::Employment};
use crate::domain::audit::Head;
use crate::domain::{
    CandidateId, Document, EmploymentContract, EmploymentFact, EmploymentId, EmploymentState,
    EmploymentTerms, EmploymentType, HiringId, JobId, Language, PartnerId, Signatory,
};

/// Inserts a contract unless the hiring has one; tells whether it did.
pub(crate) async fn insert_employment(tx: &Tx, contract: &EmploymentContract) -> Result<bool, DbError> {
    let EmploymentContract { terms, document, .. } = contract;
    let fixed: [(Employment, Value); 20] = [
        (Employment::Tenant, TENANT.into()),
        (Employment::Id, terms.id.as_str().into()),
        (Employment::HiringId, terms.hiring.as_str().into()),
        (Employment::PartnerId, terms.partner.as_str().into()),
        (Employment::CandidateId, terms.candidate.as_str().into()),
        (Employment::JobId, terms.job.as_str().into()),
        (Employment::JobTitle, terms.job_title.as_str().into()),
        (Employment::Department, terms.department.as_str().into()),
        (Employment::StartDate, terms.start_date.as_str().into()),
        (Employment::Kind, terms.employment_type.name().into()),
        (Employment::SalaryMinor, terms.salary.minor().into()),
        (Employment::Currency, terms.salary.currency().code().into()),
        (Employment::Benefits, terms.benefits.as_str().into()),
        (Employment::Agreed, terms.agreed.as_str().into()),
        (Employment::Language, contract.language.name().into()),
        (Employment::DocumentTitle, document.title.as_str().into()),
        (Employment::DocumentText, document.text.as_str().into()),
        (Employment::DocumentHtml, document.html.as_str().into()),
        (Employment::DocumentHash, document.hash.as_str().into()),
        (Employment::CreatedAt, contract.created_at.as_micros().into()),
    ];
    let (columns, values): (Vec<_>, Vec<_>) = fixed.into_iter().chain(row_of(contract)).unzip();
    let insert = Query::insert()
        .into_table(Employment::Table)
        .columns(columns)
        .values_panic(values.into_iter().map(Expr::from))
        .to_owned();
    tx.insert_new(&insert, Employment::Id).await
}

/// Writes what the facts changed, if nobody else changed it meanwhile.
pub(crate) async fn save_employment(
    tx: &Tx,
    contract: &EmploymentContract,
    before: u32,
    facts: &[EmploymentFact],
) -> Result<(), DbError> {
    let update = Query::update()
        .table(Employment::Table)
        .values(row_of(contract).into_iter().map(|(column, value)| (column, value.into())))
        .and_where(Expr::col(Employment::Tenant).eq(TENANT))
        .and_where(Expr::col(Employment::Id).eq(contract.terms.id.as_str()))
        .and_where(Expr::col(Employment::Revision).eq(i64::from(before)))
        .to_owned();
    if tx.execute(&update).await? == 0 {
        return Err(DbError::Conflict("the contract was changed a moment ago".to_owned()));
    }
    let signatories = |fact: &EmploymentFact| {
        use EmploymentFact::{Sent, SignedBy, TokenRenewed};
        matches!(fact, Sent | TokenRenewed { .. } | SignedBy { .. })
    };
    if facts.iter().any(signatories) {
        save_signatories(tx, &contract.terms.id.trail(), &contract.signatories).await?;
    }
    Ok(())
}

/// What a verb may change.
fn row_of(contract: &EmploymentContract) -> Vec<(Employment, Value)> {
    let micros = |at: Option<Timestamp>| -> Value { at.map(Timestamp::as_micros).into() };
    let (reason, ended_at) = match &contract.state {
        EmploymentState::Terminated { reason, at } => (Some(reason.as_str()), Some(*at)),
        EmploymentState::Draft | EmploymentState::Sent | EmploymentState::Signed => (None, None),
    };
    vec![
        (Employment::Revision, i64::from(contract.revision).into()),
        (Employment::Status, contract.state.name().into()),
        (Employment::Reason, reason.into()),
        (Employment::SentAt, micros(contract.sent_at)),
        (Employment::SignedAt, micros(contract.signed_at)),
        (Employment::EndedAt, micros(ended_at)),
        (Employment::RemindedDays, contract.reminded_days.map(i64::from).into()),
        (Employment::DueAt, micros(contract.due_at())),
        (Employment::TrailEntries, i64::from(contract.trail.entries).into()),
        (Employment::TrailHash, contract.trail.hash.as_str().into()),
        (Employment::ChangedAt, micros(Some(contract.changed_at))),
    ]
}

pub(crate) async fn load_employment(
    tx: &Tx,
    id: &EmploymentId,
) -> Result<Option<EmploymentContract>, DbError> {
    let select = select().and_where(Expr::col(Employment::Id).eq(id.as_str())).to_owned();
    let Some(row) = tx.fetch_optional(&select).await? else { return Ok(None) };
    Ok(whole(tx, &[row]).await?.pop())
}

/// Those for which somebody is to be reminded by now, the longest due first.
pub(crate) async fn due_employment(
    tx: &Tx,
    now: Timestamp,
    limit: u64,
) -> Result<Vec<EmploymentId>, DbError> {
    let select = Query::select()
        .column(Employment::Id)
        .from(Employment::Table)
        .and_where(Expr::col(Employment::Tenant).eq(TENANT))
        .and_where(Expr::col(Employment::DueAt).lte(now.as_micros()))
        .order_by(Employment::DueAt, Order::Asc)
        .limit(limit)
        .to_owned();
    let rows = tx.fetch_all(&select).await?;
    rows.iter().map(|row| row.parsed("id", |id| EmploymentId::parse(id).ok())).collect()
}

/// What a list is narrowed by.
#[derive(Clone, Debug, Default)]
pub(crate) struct EmploymentFilter {
    pub(crate) partner: Option<PartnerId>,
    pub(crate) candidate: Option<CandidateId>,
    pub(crate) hiring: Option<HiringId>,
    pub(crate) status: Option<&'static str>,
}

/// By the time of their drafting.
pub(crate) async fn page_of_employment(
    tx: &Tx,
    filter: EmploymentFilter,
    page: Keyset,
) -> Result<Vec<EmploymentContract>, DbError> {
    let EmploymentFilter { partner, candidate, hiring, status } = filter;
    let filters = [
        (Employment::PartnerId, partner.map(|id| id.to_string())),
        (Employment::CandidateId, candidate.map(|id| id.to_string())),
        (Employment::HiringId, hiring.map(|id| id.to_string())),
        (Employment::Status, status.map(str::to_owned)),
    ];
    let mut select = select();
    for (column, value) in filters {
        select.and_where_option(value.map(|value| Expr::col(column).eq(value)));
    }
    page.apply(&mut select, Employment::CreatedAt, Employment::Id);
    whole(tx, &tx.fetch_all(&select).await?).await
}

fn select() -> SelectStatement {
    Query::select()
        .column(Asterisk)
        .from(Employment::Table)
        .and_where(Expr::col(Employment::Tenant).eq(TENANT))
        .to_owned()
}

/// Contracts with their signatories, in the order of their rows.
async fn whole(tx: &Tx, rows: &[Row]) -> Result<Vec<EmploymentContract>, DbError> {
    let ids = rows.iter().map(|row| row.get("id")).collect::<Result<Vec<String>, _>>()?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut signatories = signatories_of(tx, &ids).await?;
    rows.iter().zip(&ids).map(|(row, id)| contract(row, signatories.remove(id).unwrap_or_default())).collect()
}

fn state(row: &Row) -> Result<EmploymentState, DbError> {
    Ok(match row.get::<String>("status")?.as_str() {
        "DRAFT" => EmploymentState::Draft,
        "SENT" => EmploymentState::Sent,
        "SIGNED" => EmploymentState::Signed,
        "TERMINATED" => EmploymentState::Terminated { reason: row.get("reason")?, at: row.get("ended_at")? },
        _ => return Err(DbError::column("status", "it is no state of a contract of employment")),
    })
}

fn contract(row: &Row, signatories: Vec<Signatory>) -> Result<EmploymentContract, DbError> {
    let currency = row.parsed("currency", |code| Currency::parse(code).ok())?;
    let created_at = row.get("created_at")?;
    Ok(EmploymentContract {
        state: state(row)?,
        language: row.parsed("language", Language::parse)?,
        revision: row.get("revision")?,
        signatories,
        sent_at: row.get("sent_at")?,
        signed_at: row.get("signed_at")?,
        reminded_days: row.get("reminded_days")?,
        trail: Head { entries: row.get("trail_entries")?, hash: row.get("trail_hash")? },
        changed_at: row.get::<Option<Timestamp>>("changed_at")?.unwrap_or(created_at),
        terms: EmploymentTerms {
            id: row.parsed("id", |id| EmploymentId::parse(id).ok())?,
            hiring: row.parsed("hiring_id", |id| HiringId::parse(id).ok())?,
            partner: row.parsed("partner_id", |id| PartnerId::parse(id).ok())?,
            candidate: row.parsed("candidate_id", |id| CandidateId::parse(id).ok())?,
            job: row.parsed("job_id", |id| JobId::parse(id).ok())?,
            job_title: row.get("job_title")?,
            department: row.get("department")?,
            start_date: row.get("start_date")?,
            employment_type: row.parsed("employment_type", EmploymentType::parse)?,
            salary: Money::from_minor(row.get("salary_minor")?, currency),
            benefits: row.get("benefits")?,
            agreed: row.get("agreed")?,
        },
        document: Document {
            title: row.get("document_title")?,
            text: row.get("document_text")?,
            html: row.get("document_html")?,
            hash: row.get("document_hash")?,
            sent_at: created_at,
        },
        created_at,
    })
}
