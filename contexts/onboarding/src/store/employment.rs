//! Contracts of employment as rows.

use hexalpes_db::{DbError, Keyset, Row, Tx};
use hexalpes_kernel::{Currency, Money};
use sea_query::{Asterisk, Expr, ExprTrait as _, Query, SelectStatement};

use super::{TENANT, tables::Employment};
use crate::domain::{
    CandidateId, Document, EmploymentContract, EmploymentId, EmploymentTerms, EmploymentType, HiringId,
    JobId, PartnerId,
};

/// Inserts a contract unless the hiring has one; tells whether it did.
pub(crate) async fn insert_employment(tx: &Tx, contract: &EmploymentContract) -> Result<bool, DbError> {
    let EmploymentContract { terms, document, created_at } = contract;
    let insert = Query::insert()
        .into_table(Employment::Table)
        .columns([
            Employment::Tenant,
            Employment::Id,
            Employment::HiringId,
            Employment::PartnerId,
            Employment::CandidateId,
            Employment::JobId,
            Employment::JobTitle,
            Employment::Department,
            Employment::StartDate,
            Employment::Kind,
            Employment::SalaryMinor,
            Employment::Currency,
            Employment::Benefits,
            Employment::Agreed,
            Employment::DocumentTitle,
            Employment::DocumentText,
            Employment::DocumentHtml,
            Employment::DocumentHash,
            Employment::CreatedAt,
        ])
        .values_panic([
            TENANT.into(),
            terms.id.as_str().into(),
            terms.hiring.as_str().into(),
            terms.partner.as_str().into(),
            terms.candidate.as_str().into(),
            terms.job.as_str().into(),
            terms.job_title.as_str().into(),
            terms.department.as_str().into(),
            terms.start_date.as_str().into(),
            terms.employment_type.name().into(),
            terms.salary.minor().into(),
            terms.salary.currency().code().into(),
            terms.benefits.as_str().into(),
            terms.agreed.as_str().into(),
            document.title.as_str().into(),
            document.text.as_str().into(),
            document.html.as_str().into(),
            document.hash.as_str().into(),
            created_at.as_micros().into(),
        ])
        .to_owned();
    tx.insert_new(&insert, Employment::Id).await
}

pub(crate) async fn load_employment(
    tx: &Tx,
    id: &EmploymentId,
) -> Result<Option<EmploymentContract>, DbError> {
    let select = select().and_where(Expr::col(Employment::Id).eq(id.as_str())).to_owned();
    tx.fetch_optional(&select).await?.map(|row| contract(&row)).transpose()
}

/// What a list is narrowed by.
#[derive(Clone, Debug, Default)]
pub(crate) struct EmploymentFilter {
    pub(crate) partner: Option<PartnerId>,
    pub(crate) candidate: Option<CandidateId>,
    pub(crate) hiring: Option<HiringId>,
}

/// By the time of their drafting.
pub(crate) async fn page_of_employment(
    tx: &Tx,
    filter: EmploymentFilter,
    page: Keyset,
) -> Result<Vec<EmploymentContract>, DbError> {
    let EmploymentFilter { partner, candidate, hiring } = filter;
    let filters = [
        (Employment::PartnerId, partner.map(|id| id.to_string())),
        (Employment::CandidateId, candidate.map(|id| id.to_string())),
        (Employment::HiringId, hiring.map(|id| id.to_string())),
    ];
    let mut select = select();
    for (column, value) in filters {
        select.and_where_option(value.map(|value| Expr::col(column).eq(value)));
    }
    page.apply(&mut select, Employment::CreatedAt, Employment::Id);
    tx.fetch_all(&select).await?.iter().map(contract).collect()
}

fn select() -> SelectStatement {
    Query::select()
        .column(Asterisk)
        .from(Employment::Table)
        .and_where(Expr::col(Employment::Tenant).eq(TENANT))
        .to_owned()
}

fn contract(row: &Row) -> Result<EmploymentContract, DbError> {
    let currency = row.parsed("currency", |code| Currency::parse(code).ok())?;
    let created_at = row.get("created_at")?;
    Ok(EmploymentContract {
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
