//! The table `rated_conversion`: what a commission was derived from, for rules to be tried on it again.

use hexalpes_db::{Backend, DbError, Keyset, Row, Tx, columns};
use sea_query::{ColumnDef, Expr, ExprTrait as _, Iden, Index, Query, SelectStatement, Table};

use super::{TENANT, percent};
use hexalpes_kernel::{Currency, Money, Rate, Timestamp};

use crate::domain::{
    AffiliateId, CampaignId, Commission, CommissionId, Explanation, Facts, Program, ProgramId, RateSource,
    Rating, Recorded, RuleId,
};

#[derive(Iden, Clone, Copy)]
pub(crate) enum Rated {
    #[iden = "rated_conversion"]
    Table,
    Tenant,
    ConversionId,
    CommissionId,
    ProgramId,
    AffiliateId,
    AffiliateType,
    CampaignId,
    Kind,
    ProductId,
    Country,
    NewCustomer,
    Currency,
    GrossMinor,
    /// As it was calculated, or rated anew.
    CommissionMinor,
    OccurredAt,
    /// 0: the program's rate, 1: the affiliate's, 2: a rule, 3: the request, 4: a partner's contract.
    Source,
    RuleId,
    RuleVersion,
    /// Percent: what counts where neither a rule nor a contract holds; empty where it cannot be said.
    FallbackPercent,
    /// 0: it is the program's rate, 1: the affiliate's.
    FallbackSource,
    ProgramVersion,
}

pub(super) fn create(backend: Backend) -> Vec<String> {
    let id = |name| columns::id(backend, name);
    vec![
        backend.schema(
            Table::create()
                .table(Rated::Table)
                .col(id(Rated::Tenant).not_null())
                .col(id(Rated::ConversionId).not_null())
                .col(id(Rated::CommissionId).not_null())
                .col(id(Rated::ProgramId).not_null())
                .col(id(Rated::AffiliateId).not_null())
                .col(columns::text(backend, Rated::AffiliateType))
                .col(id(Rated::CampaignId))
                .col(id(Rated::Kind).not_null())
                .col(id(Rated::ProductId))
                .col(id(Rated::Country))
                .col(ColumnDef::new(Rated::NewCustomer).boolean())
                .col(id(Rated::Currency).not_null())
                .col(columns::integer(Rated::GrossMinor).not_null())
                .col(columns::integer(Rated::CommissionMinor).not_null())
                .col(columns::timestamp(Rated::OccurredAt).not_null())
                .col(columns::integer(Rated::Source).not_null())
                .col(id(Rated::RuleId))
                .col(columns::integer(Rated::RuleVersion))
                .col(id(Rated::FallbackPercent).not_null())
                .col(columns::integer(Rated::FallbackSource).not_null())
                .col(columns::integer(Rated::ProgramVersion).not_null())
                .primary_key(
                    Index::create()
                        .col(Rated::Tenant)
                        .col(Rated::ProgramId)
                        .col(Rated::OccurredAt)
                        .col(Rated::ConversionId),
                ),
        ),
        // What is older than the table keeps the rate that it has, whatever rules say.
        "INSERT INTO rated_conversion (tenant, conversion_id, commission_id, program_id, affiliate_id, campaign_id, \
         kind, currency, gross_minor, commission_minor, occurred_at, source, fallback_percent, fallback_source, program_version) \
         SELECT tenant, conversion_id, id, program_id, affiliate_id, campaign_id, 'sale', currency, gross_minor, \
         commission_minor, created_at, 3, rate_percent, 0, 1 FROM commission"
            .to_owned(),
    ]
}

/// With the commission, in its transaction.
pub(crate) async fn insert(
    tx: &Tx,
    commission: &Commission,
    facts: &Facts,
    explanation: &Explanation,
    program: &Program,
    affiliate_rate: Option<Rate>,
) -> Result<(), DbError> {
    let conversion = commission.conversion();
    let is_rule = explanation.source.is_rule();
    let insert = Query::insert()
        .into_table(Rated::Table)
        .columns([
            Rated::Tenant,
            Rated::ConversionId,
            Rated::CommissionId,
            Rated::ProgramId,
            Rated::AffiliateId,
            Rated::AffiliateType,
            Rated::CampaignId,
            Rated::Kind,
            Rated::ProductId,
            Rated::Country,
            Rated::NewCustomer,
            Rated::Currency,
            Rated::GrossMinor,
            Rated::CommissionMinor,
            Rated::OccurredAt,
            Rated::Source,
            Rated::RuleId,
            Rated::RuleVersion,
            Rated::FallbackPercent,
            Rated::FallbackSource,
            Rated::ProgramVersion,
        ])
        .values_panic([
            TENANT.into(),
            conversion.id.as_str().into(),
            commission.id().as_str().into(),
            commission.program().as_str().into(),
            conversion.affiliate.as_str().into(),
            facts.affiliate_type.as_deref().into(),
            conversion.campaign.as_ref().map(CampaignId::as_str).into(),
            facts.kind.as_str().into(),
            facts.product.as_deref().into(),
            facts.country.as_deref().into(),
            facts.new_customer.into(),
            conversion.gross.currency().code().into(),
            conversion.gross.minor().into(),
            commission.amount().minor().into(),
            facts.occurred_at.as_micros().into(),
            explanation.source.rank().into(),
            explanation.rule_id.as_ref().map(RuleId::as_str).into(),
            is_rule.then_some(i64::from(explanation.rule_version)).into(),
            affiliate_rate.unwrap_or(program.rate).percent().to_string().into(),
            i64::from(affiliate_rate.is_some()).into(),
            i64::from(program.version).into(),
        ])
        .to_owned();
    tx.execute(&insert).await.map(|_| ())
}

/// A row of the table.
#[derive(Clone, Debug)]
pub(crate) struct RatedRow {
    pub(crate) conversion: String,
    pub(crate) recorded: Recorded,
}

/// What a conversion was rated by.
#[derive(Clone, Debug)]
pub(crate) struct RatedBy {
    pub(crate) commission: CommissionId,
    pub(crate) affiliate: AffiliateId,
    /// The rule in its version, where it was one.
    pub(crate) rule: Option<(RuleId, u32)>,
    /// What counts where no rule holds is the affiliate's own.
    pub(crate) is_fallback_affiliates: bool,
    pub(crate) program_version: u32,
}

/// The conversions of a program that customers did from a time until before another, in that order.
pub(crate) async fn page(
    tx: &Tx,
    program: &ProgramId,
    period: (Timestamp, Timestamp),
    after: Option<(i64, String)>,
    limit: u64,
) -> Result<Vec<RatedRow>, DbError> {
    tx.fetch_all(&selected(program, period, after, limit)).await?.iter().map(rated).collect()
}

/// As [`page`], of one affiliate where one is named, and with what each was rated by.
pub(crate) async fn page_with_rules(
    tx: &Tx,
    program: &ProgramId,
    affiliate: Option<&AffiliateId>,
    period: (Timestamp, Timestamp),
    after: Option<(i64, String)>,
    limit: u64,
) -> Result<Vec<(RatedRow, RatedBy)>, DbError> {
    let mut select = selected(program, period, after, limit);
    select.columns([
        Rated::CommissionId,
        Rated::RuleId,
        Rated::RuleVersion,
        Rated::FallbackSource,
        Rated::ProgramVersion,
    ]);
    select.and_where_option(affiliate.map(|id| Expr::col(Rated::AffiliateId).eq(id.as_str())));
    let both = |row: &Row| {
        let rule = row.parsed_if_any("rule_id", |id| RuleId::parse(id).ok())?;
        let version: Option<u32> = row.get("rule_version")?;
        let by = RatedBy {
            commission: row.parsed("commission_id", |id| CommissionId::parse(id).ok())?,
            affiliate: row.parsed("affiliate_id", |id| AffiliateId::parse(id).ok())?,
            rule: rule.zip(version),
            is_fallback_affiliates: row.get::<i64>("fallback_source")? == 1,
            program_version: row.get("program_version")?,
        };
        Ok((rated(row)?, by))
    };
    tx.fetch_all(&select).await?.iter().map(both).collect()
}

/// How many conversions of a program customers did in a period; of one affiliate where one is named.
pub(crate) async fn count(
    tx: &Tx,
    program: &ProgramId,
    affiliate: Option<&AffiliateId>,
    (from, until): (Timestamp, Timestamp),
) -> Result<i64, DbError> {
    let select = Query::select()
        .expr_as(Expr::col(Rated::ConversionId).count(), "conversions")
        .from(Rated::Table)
        .and_where(Expr::col(Rated::Tenant).eq(TENANT))
        .and_where(Expr::col(Rated::ProgramId).eq(program.as_str()))
        .and_where(Expr::col(Rated::OccurredAt).gte(from.as_micros()))
        .and_where(Expr::col(Rated::OccurredAt).lt(until.as_micros()))
        .and_where_option(affiliate.map(|id| Expr::col(Rated::AffiliateId).eq(id.as_str())))
        .to_owned();
    tx.fetch_one(&select).await?.get("conversions")
}

/// Says what a conversion is rated by from now on.
pub(crate) async fn rated_anew(
    tx: &Tx,
    program: &ProgramId,
    (occurred_at, conversion): (Timestamp, &str),
    rating: &Rating,
) -> Result<(), DbError> {
    let is_rule = rating.source.is_rule();
    let update = Query::update()
        .table(Rated::Table)
        .value(Rated::CommissionMinor, rating.amount.minor())
        .value(Rated::Source, rating.source.rank())
        .value(Rated::RuleId, is_rule.then_some(rating.rule.as_str()))
        .value(Rated::RuleVersion, is_rule.then_some(i64::from(rating.rule_version)))
        .and_where(Expr::col(Rated::Tenant).eq(TENANT))
        .and_where(Expr::col(Rated::ProgramId).eq(program.as_str()))
        .and_where(Expr::col(Rated::OccurredAt).eq(occurred_at.as_micros()))
        .and_where(Expr::col(Rated::ConversionId).eq(conversion))
        .to_owned();
    tx.execute(&update).await.map(|_| ())
}

fn selected(
    program: &ProgramId,
    (from, until): (Timestamp, Timestamp),
    after: Option<(i64, String)>,
    limit: u64,
) -> SelectStatement {
    let mut select = Query::select()
        .columns([
            Rated::ConversionId,
            Rated::AffiliateId,
            Rated::AffiliateType,
            Rated::CampaignId,
            Rated::Kind,
            Rated::ProductId,
            Rated::Country,
            Rated::NewCustomer,
            Rated::Currency,
            Rated::GrossMinor,
            Rated::CommissionMinor,
            Rated::OccurredAt,
            Rated::Source,
            Rated::FallbackPercent,
        ])
        .from(Rated::Table)
        .and_where(Expr::col(Rated::Tenant).eq(TENANT))
        .and_where(Expr::col(Rated::ProgramId).eq(program.as_str()))
        .and_where(Expr::col(Rated::OccurredAt).lt(until.as_micros()))
        .to_owned();
    if after.is_none() {
        select.and_where(Expr::col(Rated::OccurredAt).gte(from.as_micros()));
    }
    let after = after.map(|(at, id)| (at.into(), id.into()));
    let keyset = Keyset { is_descending: false, after, limit };
    keyset.apply(&mut select, Rated::OccurredAt, Rated::ConversionId);
    select
}

fn rated(row: &Row) -> Result<RatedRow, DbError> {
    let currency = row.parsed("currency", |code| Currency::parse(code).ok())?;
    let campaign = match row.get::<Option<String>>("campaign_id")? {
        None => None,
        Some(id) => Some(CampaignId::parse(&id).map_err(|_| DbError::column("campaign_id", "it is no id"))?),
    };
    let recorded = Recorded {
        affiliate: row.get("affiliate_id")?,
        campaign,
        gross: Money::from_minor(row.get("gross_minor")?, currency),
        paid: Money::from_minor(row.get("commission_minor")?, currency),
        facts: Facts {
            affiliate_type: row.get("affiliate_type")?,
            kind: row.get("kind")?,
            product: row.get("product_id")?,
            country: row.get("country")?,
            new_customer: row.get("new_customer")?,
            occurred_at: row.get("occurred_at")?,
        },
        is_asked: row.get::<i64>("source")? == RateSource::Request.rank(),
        fallback: percent(&row.get::<String>("fallback_percent")?),
    };
    Ok(RatedRow { conversion: row.get("conversion_id")?, recorded })
}

impl RatedRow {
    /// Where in the order it stands.
    pub(crate) fn position(&self) -> (i64, String) {
        (self.recorded.facts.occurred_at.as_micros(), self.conversion.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Col, MIGRATIONS, laws::databases_before};
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn commissions_that_are_older_than_rules_keep_their_rate_whatever_rules_say() {
        databases_before(5, async |db| {
            let older = Query::insert()
                .into_table(Col::Table)
                .columns([
                    Col::Id,
                    Col::Tenant,
                    Col::ConversionId,
                    Col::RuleSlot,
                    Col::AffiliateId,
                    Col::GrossMinor,
                    Col::CommissionMinor,
                    Col::Currency,
                    Col::RatePercent,
                    Col::Explanation,
                    Col::Status,
                    Col::CreatedAt,
                ])
                .values_panic([
                    "com_1".into(),
                    TENANT.into(),
                    "conv-1".into(),
                    "default".into(),
                    "aff-1".into(),
                    1_000_i64.into(),
                    100_i64.into(),
                    "USD".into(),
                    "10".into(),
                    "{}".into(),
                    "CALCULATED".into(),
                    7_i64.into(),
                ])
                .to_owned();
            db.write(async move |tx: &Tx| tx.execute(&older).await.map(drop)).await.unwrap();
            db.migrate(MIGRATIONS).await.unwrap();
            let period = (Timestamp::from_micros(7).unwrap(), Timestamp::from_micros(8).unwrap());
            let program = Program::default().id();
            let read = async move |tx: &Tx| page(tx, &program, period, None, 10).await;
            let rows: Vec<RatedRow> = db.read(read).await.unwrap();
            let [row] = &rows[..] else { panic!("{rows:?}") };
            assert_eq!((row.conversion.as_str(), row.recorded.is_asked), ("conv-1", true));
            assert_eq!((row.recorded.gross.minor(), row.recorded.paid.minor()), (1_000, 100));
        })
        .await;
    }
}
