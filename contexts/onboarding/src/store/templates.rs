//! Templates as rows.

use hexalpes_db::{DbError, Keyset, Row, Tx};
use sea_query::{Asterisk, Expr, ExprTrait as _, Order, Query, SelectStatement};

use super::{TENANT, tables::Templates};
use crate::domain::{ContractType, Language, PartnerType, Template, TemplateId};
use crate::{requests, views};

/// Inserts a version unless it is there; tells whether it did.
pub(crate) async fn insert_template(tx: &Tx, template: &Template) -> Result<bool, DbError> {
    let insert = Query::insert()
        .into_table(Templates::Table)
        .columns([
            Templates::Tenant,
            Templates::Id,
            Templates::ContractType,
            Templates::PartnerType,
            Templates::Language,
            Templates::Version,
            Templates::Title,
            Templates::Body,
            Templates::Terms,
            Templates::CreatedBy,
            Templates::CreatedAt,
        ])
        .values_panic([
            TENANT.into(),
            template.id.as_str().into(),
            template.contract_type.name().into(),
            template.partner_type.name().into(),
            template.language.name().into(),
            i64::from(template.version).into(),
            template.title.as_str().into(),
            template.body.as_str().into(),
            views::terms_json(&template.terms).get().into(),
            template.created_by.as_str().into(),
            template.created_at.as_micros().into(),
        ])
        .to_owned();
    tx.insert_new(&insert, Templates::Id).await
}

pub(crate) async fn load_template(tx: &Tx, id: &TemplateId) -> Result<Option<Template>, DbError> {
    let select = select().and_where(Expr::col(Templates::Id).eq(id.as_str())).to_owned();
    tx.fetch_optional(&select).await?.map(|row| template(&row)).transpose()
}

/// The version that holds for new contracts.
pub(crate) async fn newest_template(
    tx: &Tx,
    contract_type: ContractType,
    partner_type: PartnerType,
    language: Language,
) -> Result<Option<Template>, DbError> {
    let select = select()
        .and_where(Expr::col(Templates::ContractType).eq(contract_type.name()))
        .and_where(Expr::col(Templates::PartnerType).eq(partner_type.name()))
        .and_where(Expr::col(Templates::Language).eq(language.name()))
        .order_by(Templates::Version, Order::Desc)
        .limit(1)
        .to_owned();
    tx.fetch_optional(&select).await?.map(|row| template(&row)).transpose()
}

/// What a list of templates is narrowed by.
#[derive(Clone, Debug, Default)]
pub(crate) struct TemplateFilter {
    pub(crate) contract_type: Option<ContractType>,
    pub(crate) partner_type: Option<PartnerType>,
    pub(crate) language: Option<Language>,
}

/// By the time of their creation.
pub(crate) async fn page_of_templates(
    tx: &Tx,
    filter: TemplateFilter,
    page: Keyset,
) -> Result<Vec<Template>, DbError> {
    let TemplateFilter { contract_type, partner_type, language } = filter;
    let mut select = select();
    select
        .and_where_option(contract_type.map(|of| Expr::col(Templates::ContractType).eq(of.name())))
        .and_where_option(partner_type.map(|of| Expr::col(Templates::PartnerType).eq(of.name())))
        .and_where_option(language.map(|of| Expr::col(Templates::Language).eq(of.name())));
    page.apply(&mut select, Templates::CreatedAt, Templates::Id);
    tx.fetch_all(&select).await?.iter().map(template).collect()
}

fn select() -> SelectStatement {
    Query::select()
        .column(Asterisk)
        .from(Templates::Table)
        .and_where(Expr::col(Templates::Tenant).eq(TENANT))
        .to_owned()
}

fn template(row: &Row) -> Result<Template, DbError> {
    Ok(Template {
        id: row.parsed("id", |id| TemplateId::parse(id).ok())?,
        contract_type: row.parsed("contract_type", ContractType::parse)?,
        partner_type: row.parsed("partner_type", PartnerType::parse)?,
        language: row.parsed("language", Language::parse)?,
        version: row.get("version")?,
        title: row.get("title")?,
        body: row.get("body")?,
        terms: row.parsed("terms", requests::kept_terms)?,
        created_at: row.get("created_at")?,
        created_by: row.get("created_by")?,
    })
}
