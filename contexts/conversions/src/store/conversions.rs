//! Conversions as rows.

use hexalpes_db::{DbError, Keyset, Row, Tx};
use hexalpes_kernel::{Currency, Money, Timestamp};
use sea_query::{Asterisk, Expr, ExprTrait as _, Query, SelectStatement};

use super::tables::Conversions;
use super::{TENANT, currency, lines, money};
use crate::domain::{
    AffiliateId, Attribution, CampaignId, ClickId, Conversion, ConversionId, ExternalId, Found, Kind, Lines,
    Model, ProductId, ProgramId, Stored,
};

const DAY_MICROS: i64 = 24 * 3_600 * 1_000_000;

/// Inserts a conversion unless the program has one of its external id; tells whether it did.
pub(crate) async fn insert_conversion(tx: &Tx, conversion: &Conversion) -> Result<bool, DbError> {
    let parts = conversion.parts();
    let Attribution { found, program_revision, affiliate_revision } = &parts.attribution;
    let (click, counted) = match found {
        Found::Explicit | Found::Code => (None, 0),
        Found::Click { click, of, .. } => (Some(click.as_str()), i64::try_from(*of).unwrap_or(i64::MAX)),
    };
    let insert = Query::insert()
        .into_table(Conversions::Table)
        .columns([
            Conversions::Tenant,
            Conversions::Id,
            Conversions::ProgramId,
            Conversions::AffiliateId,
            Conversions::CampaignId,
            Conversions::Kind,
            Conversions::Currency,
            Conversions::GrossMinor,
            Conversions::RefundedMinor,
            Conversions::ProductId,
            Conversions::Country,
            Conversions::NewCustomer,
            Conversions::ExternalId,
            Conversions::Found,
            Conversions::ClickId,
            Conversions::ClicksCounted,
            Conversions::ProgramRevision,
            Conversions::AffiliateRevision,
            Conversions::OccurredAt,
            Conversions::RecordedAt,
            Conversions::Day,
        ])
        .values_panic([
            TENANT.into(),
            parts.id.as_str().into(),
            parts.program.as_str().into(),
            parts.affiliate.as_str().into(),
            parts.campaign.as_ref().map(CampaignId::as_str).into(),
            parts.kind.name().into(),
            parts.gross.currency().code().into(),
            parts.gross.minor().into(),
            parts.refunded.minor().into(),
            parts.product.as_ref().map(ProductId::as_str).into(),
            parts.country.as_deref().into(),
            parts.new_customer.into(),
            parts.external.as_ref().map(ExternalId::as_str).into(),
            found.name().into(),
            click.into(),
            counted.into(),
            i64::from(*program_revision).into(),
            i64::from(*affiliate_revision).into(),
            parts.occurred_at.as_micros().into(),
            parts.recorded_at.as_micros().into(),
            parts.occurred_at.as_micros().div_euclid(DAY_MICROS).into(),
        ])
        .to_owned();
    if !tx.insert_new(&insert, Conversions::Id).await? {
        return Ok(false);
    }
    lines::insert(tx, &parts.id, &parts.lines).await?;
    Ok(true)
}

/// Writes what was given back, if nobody else gave something back meanwhile.
pub(crate) async fn save_refunded(tx: &Tx, conversion: &Conversion, before: Money) -> Result<(), DbError> {
    let parts = conversion.parts();
    let update = Query::update()
        .table(Conversions::Table)
        .value(Conversions::RefundedMinor, parts.refunded.minor())
        .and_where(Expr::col(Conversions::Tenant).eq(TENANT))
        .and_where(Expr::col(Conversions::Id).eq(parts.id.as_str()))
        .and_where(Expr::col(Conversions::RefundedMinor).eq(before.minor()))
        .to_owned();
    if tx.execute(&update).await? == 0 {
        return Err(DbError::Conflict("something was given back a moment ago".to_owned()));
    }
    lines::save_refunded(tx, &parts.id, &parts.lines).await
}

pub(crate) async fn load_conversion(tx: &Tx, id: &ConversionId) -> Result<Option<Conversion>, DbError> {
    let select = select().and_where(Expr::col(Conversions::Id).eq(id.as_str())).to_owned();
    load(tx, &select).await
}

pub(crate) async fn load_by_external(
    tx: &Tx,
    program: &ProgramId,
    external: &ExternalId,
) -> Result<Option<Conversion>, DbError> {
    let select = select()
        .and_where(Expr::col(Conversions::ProgramId).eq(program.as_str()))
        .and_where(Expr::col(Conversions::ExternalId).eq(external.as_str()))
        .to_owned();
    load(tx, &select).await
}

async fn load(tx: &Tx, select: &SelectStatement) -> Result<Option<Conversion>, DbError> {
    let Some(row) = tx.fetch_optional(select).await? else { return Ok(None) };
    let (id, currency) = (id(&row)?, currency(&row)?);
    let lines = lines::load(tx, &[id], currency).await?.pop().map(|(_, lines)| lines);
    conversion(&row, lines.unwrap_or_default()).map(Some)
}

/// What a list of conversions is narrowed by.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConversionFilter {
    pub(crate) affiliate: Option<AffiliateId>,
    pub(crate) program: Option<ProgramId>,
    pub(crate) campaign: Option<CampaignId>,
    pub(crate) kind: Option<Kind>,
    pub(crate) currency: Option<Currency>,
    pub(crate) external: Option<ExternalId>,
    /// When it happened: from, and before.
    pub(crate) from: Option<Timestamp>,
    pub(crate) until: Option<Timestamp>,
}

/// By `recorded_at` or `occurred_at`. The lines of a list's conversions are not read.
pub(crate) async fn page_of_conversions(
    tx: &Tx,
    filter: ConversionFilter,
    column: &'static str,
    page: Keyset,
) -> Result<Vec<Conversion>, DbError> {
    let ConversionFilter { affiliate, program, campaign, kind, currency, external, from, until } = filter;
    let filters = [
        (Conversions::AffiliateId, affiliate.map(|id| id.to_string())),
        (Conversions::ProgramId, program.map(|id| id.to_string())),
        (Conversions::CampaignId, campaign.map(|id| id.to_string())),
        (Conversions::Kind, kind.map(|kind| kind.name().to_owned())),
        (Conversions::Currency, currency.map(|currency| currency.code().to_owned())),
        (Conversions::ExternalId, external.map(|id| id.to_string())),
    ];
    let mut select = select();
    for (column, value) in filters {
        select.and_where_option(value.map(|value| Expr::col(column).eq(value)));
    }
    let occurred = || Expr::col(Conversions::OccurredAt);
    select.and_where_option(from.map(|from| occurred().gte(from.as_micros())));
    select.and_where_option(until.map(|until| occurred().lt(until.as_micros())));
    page.apply(&mut select, column, "id");
    tx.fetch_all(&select).await?.iter().map(|row| conversion(row, Lines::default())).collect()
}

fn select() -> SelectStatement {
    Query::select()
        .column(Asterisk)
        .from(Conversions::Table)
        .and_where(Expr::col(Conversions::Tenant).eq(TENANT))
        .to_owned()
}

fn id(row: &Row) -> Result<ConversionId, DbError> {
    row.parsed("id", |id| ConversionId::parse(id).ok())
}

fn conversion(row: &Row, lines: Lines) -> Result<Conversion, DbError> {
    let currency = currency(row)?;
    let found = match row.get::<String>("found")?.as_str() {
        "explicit" if row.get::<Option<String>>("click_id")?.is_none() => Found::Explicit,
        "code" => Found::Code,
        model => Found::Click {
            model: Model::parse(model).ok_or_else(|| DbError::column("found", "it is no way of finding"))?,
            click: row.parsed("click_id", |id| ClickId::parse(id).ok())?,
            of: row.get::<u32>("clicks_counted")? as usize,
        },
    };
    Ok(Conversion::restore(Stored {
        id: id(row)?,
        program: row.parsed("program_id", |id| ProgramId::parse(id).ok())?,
        affiliate: row.parsed("affiliate_id", |id| AffiliateId::parse(id).ok())?,
        campaign: row.parsed_if_any("campaign_id", |id| CampaignId::parse(id).ok())?,
        kind: row.parsed("kind", Kind::parse)?,
        gross: money(row, "gross_minor", currency)?,
        lines,
        product: row.parsed_if_any("product_id", |id| ProductId::parse(id).ok())?,
        country: row.get("country")?,
        new_customer: row.get("new_customer")?,
        external: row.parsed_if_any("external_id", |id| ExternalId::parse(id).ok())?,
        attribution: Attribution {
            found,
            program_revision: row.get("program_revision")?,
            affiliate_revision: row.get("affiliate_revision")?,
        },
        refunded: money(row, "refunded_minor", currency)?,
        occurred_at: row.get("occurred_at")?,
        recorded_at: row.get("recorded_at")?,
    }))
}
