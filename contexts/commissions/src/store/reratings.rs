//! The tables `rerating` and `rerating_line`: what a period would have owed by other rules, as it was worked out, and
//! whether it was applied.

use hexalpes_db::{Backend, DbError, Keyset, Row, Tx, columns};
use hexalpes_kernel::{Currency, Money, Timestamp};
use sea_query::{Asterisk, Expr, ExprTrait as _, Iden, Index, Order, Query, SelectStatement, Table};
use serde_json::value::RawValue;

use super::{TENANT, percent};
use crate::domain::{
    AffiliateId, CampaignId, CommissionId, ConversionId, ProgramId, RateSource, Rating, ReratingId, RuleId,
};

#[derive(Iden, Clone, Copy)]
enum Reratings {
    #[iden = "rerating"]
    Table,
    Tenant,
    Id,
    ProgramId,
    FromAt,
    UntilAt,
    AffiliateId,
    CampaignId,
    RuleId,
    RuleVersion,
    Reason,
    Status,
    /// JSON: the rules that counted, in their order.
    Rules,
    /// JSON: the contracts that held then; null in drafts that are older than the column.
    Contracts,
    /// From when on conversions were looked at, which tiers counted.
    LookedFrom,
    /// How many there were; null where no tiers count.
    Looked,
    Conversions,
    CreatedAt,
    CreatedBy,
    AppliedAt,
    AppliedBy,
}

#[derive(Iden, Clone, Copy)]
enum Lines {
    #[iden = "rerating_line"]
    Table,
    Tenant,
    ReratingId,
    Number,
    ConversionId,
    CommissionId,
    AddedId,
    AffiliateId,
    OccurredAt,
    GrossMinor,
    Currency,
    Outcome,
    BeforeMinor,
    AfterMinor,
    BookedMinor,
    RatePercent,
    Source,
    Rule,
    RuleVersion,
    /// Of tiers.
    Period,
    FormerRuleId,
    FormerRuleVersion,
    Explanation,
    AppliedAt,
}

pub(super) fn create(backend: Backend) -> Vec<String> {
    let id = |name| columns::id(backend, name);
    let line_id = |name| columns::id(backend, name);
    vec![
        backend.schema(
            Table::create()
                .table(Reratings::Table)
                .col(id(Reratings::Tenant).not_null())
                .col(id(Reratings::Id).not_null())
                .col(id(Reratings::ProgramId).not_null())
                .col(columns::timestamp(Reratings::FromAt).not_null())
                .col(columns::timestamp(Reratings::UntilAt).not_null())
                .col(id(Reratings::AffiliateId))
                .col(id(Reratings::CampaignId))
                .col(id(Reratings::RuleId))
                .col(columns::integer(Reratings::RuleVersion))
                .col(columns::text(backend, Reratings::Reason).not_null())
                .col(id(Reratings::Status).not_null())
                .col(columns::text(backend, Reratings::Rules).not_null())
                .col(columns::timestamp(Reratings::LookedFrom).not_null())
                .col(columns::integer(Reratings::Looked))
                .col(columns::integer(Reratings::Conversions).not_null())
                .col(columns::timestamp(Reratings::CreatedAt).not_null())
                .col(id(Reratings::CreatedBy).not_null())
                .col(columns::timestamp(Reratings::AppliedAt))
                .col(id(Reratings::AppliedBy))
                .primary_key(Index::create().col(Reratings::Tenant).col(Reratings::Id)),
        ),
        backend.schema(
            Index::create()
                .name("rerating_created")
                .table(Reratings::Table)
                .col(Reratings::Tenant)
                .col(Reratings::CreatedAt)
                .col(Reratings::Id),
        ),
        backend.schema(
            Table::create()
                .table(Lines::Table)
                .col(line_id(Lines::Tenant).not_null())
                .col(line_id(Lines::ReratingId).not_null())
                .col(columns::integer(Lines::Number).not_null())
                .col(line_id(Lines::ConversionId).not_null())
                .col(line_id(Lines::CommissionId).not_null())
                .col(line_id(Lines::AddedId))
                .col(line_id(Lines::AffiliateId).not_null())
                .col(columns::timestamp(Lines::OccurredAt).not_null())
                .col(columns::integer(Lines::GrossMinor).not_null())
                .col(line_id(Lines::Currency).not_null())
                .col(line_id(Lines::Outcome).not_null())
                .col(columns::integer(Lines::BeforeMinor).not_null())
                .col(columns::integer(Lines::AfterMinor).not_null())
                .col(columns::integer(Lines::BookedMinor).not_null())
                .col(line_id(Lines::RatePercent).not_null())
                .col(columns::integer(Lines::Source).not_null())
                .col(line_id(Lines::Rule).not_null())
                .col(columns::integer(Lines::RuleVersion).not_null())
                .col(line_id(Lines::Period))
                .col(line_id(Lines::FormerRuleId))
                .col(columns::integer(Lines::FormerRuleVersion))
                .col(columns::text(backend, Lines::Explanation).not_null())
                .col(columns::timestamp(Lines::AppliedAt))
                .primary_key(Index::create().col(Lines::Tenant).col(Lines::ReratingId).col(Lines::Number)),
        ),
        backend.schema(
            Index::create()
                .name("rerating_line_conversion")
                .table(Lines::Table)
                .col(Lines::Tenant)
                .col(Lines::ConversionId),
        ),
    ]
}

pub(super) fn note_contracts(backend: Backend) -> Vec<String> {
    let mut contracts = columns::text(backend, Reratings::Contracts);
    vec![backend.schema(Table::alter().table(Reratings::Table).add_column(&mut contracts))]
}

/// Who applied it, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Applied {
    pub(crate) at: Timestamp,
    pub(crate) by: String,
}

/// What was rated anew, under which rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rerating {
    pub(crate) id: ReratingId,
    pub(crate) program: ProgramId,
    /// When customers did it: from, and before.
    pub(crate) from: Timestamp,
    pub(crate) until: Timestamp,
    pub(crate) affiliate: Option<AffiliateId>,
    pub(crate) campaign: Option<CampaignId>,
    /// The version that was named; else the rules as they stood.
    pub(crate) rule: Option<(RuleId, u32)>,
    pub(crate) reason: String,
    /// JSON: ids and versions of the rules that counted, in their order.
    pub(crate) rules: String,
    /// JSON: the contracts that held while it was looked, and from and until when; none in drafts of before that was
    /// noted.
    pub(crate) contracts: Option<String>,
    pub(crate) looked_from: Timestamp,
    /// The program's conversions since then, or the affiliate's in it; none where no tiers count.
    pub(crate) looked: Option<i64>,
    /// In the selection.
    pub(crate) conversions: i64,
    pub(crate) created_at: Timestamp,
    pub(crate) created_by: String,
    pub(crate) applied: Option<Applied>,
}

impl Rerating {
    pub(crate) fn status(&self) -> &'static str {
        if self.applied.is_some() { "APPLIED" } else { "DRAFT" }
    }
}

/// What becomes of a conversion's commissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Its commission is worth more or less.
    Adjusted,
    /// Its commission has left already: the rest is one of its own.
    Added,
    /// Its commission has left already: the partner owes the difference.
    OwedBack,
    /// The amount is the same; it counts for the tiers of another rule.
    Counted,
    /// Nothing: the customer got all back.
    Refunded,
    /// Nothing: somebody rejected, reversed or clawed back.
    Decided,
}

impl Outcome {
    pub(crate) const ALL: [(&'static str, Self); 6] = [
        ("ADJUSTED", Self::Adjusted),
        ("ADDED", Self::Added),
        ("OWED_BACK", Self::OwedBack),
        ("COUNTED", Self::Counted),
        ("REFUNDED", Self::Refunded),
        ("DECIDED", Self::Decided),
    ];

    pub(crate) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, outcome)| *outcome == self).map_or("", |(name, _)| name)
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, outcome)| outcome)
    }

    /// Whether the commissions stay as they are, whatever the rules say.
    pub(crate) fn stays(self) -> bool {
        matches!(self, Self::Refunded | Self::Decided)
    }
}

/// A conversion that owes another amount, or counts for another rule.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// From 1, in the order in which customers bought.
    pub(crate) number: i64,
    pub(crate) conversion: ConversionId,
    /// The one that every conversion has.
    pub(crate) commission: CommissionId,
    /// The one that was added.
    pub(crate) added: Option<CommissionId>,
    pub(crate) affiliate: AffiliateId,
    pub(crate) occurred_at: Timestamp,
    pub(crate) gross: Money,
    pub(crate) outcome: Outcome,
    pub(crate) before: Money,
    /// What it owes by the rules on trial.
    pub(crate) rating: Rating,
    /// What the books get: the difference of what is left after refunds.
    pub(crate) booked: Money,
    /// Of the tiers that counted.
    pub(crate) period: Option<String>,
    /// The rule that it was rated by before.
    pub(crate) former_rule: Option<(RuleId, u32)>,
    pub(crate) explanation: Box<RawValue>,
}

/// Rows of one statement: databases bound its values.
const ROWS_MAX: usize = 200;

pub(crate) async fn insert(tx: &Tx, rerating: &Rerating, lines: &[Line]) -> Result<(), DbError> {
    let insert = Query::insert()
        .into_table(Reratings::Table)
        .columns([
            Reratings::Tenant,
            Reratings::Id,
            Reratings::ProgramId,
            Reratings::FromAt,
            Reratings::UntilAt,
            Reratings::AffiliateId,
            Reratings::CampaignId,
            Reratings::RuleId,
            Reratings::RuleVersion,
            Reratings::Reason,
            Reratings::Status,
            Reratings::Rules,
            Reratings::Contracts,
            Reratings::LookedFrom,
            Reratings::Looked,
            Reratings::Conversions,
            Reratings::CreatedAt,
            Reratings::CreatedBy,
        ])
        .values_panic([
            TENANT.into(),
            rerating.id.as_str().into(),
            rerating.program.as_str().into(),
            rerating.from.as_micros().into(),
            rerating.until.as_micros().into(),
            rerating.affiliate.as_ref().map(AffiliateId::as_str).into(),
            rerating.campaign.as_ref().map(CampaignId::as_str).into(),
            rerating.rule.as_ref().map(|(id, _)| id.as_str()).into(),
            rerating.rule.as_ref().map(|(_, version)| i64::from(*version)).into(),
            rerating.reason.as_str().into(),
            rerating.status().into(),
            rerating.rules.as_str().into(),
            rerating.contracts.as_deref().into(),
            rerating.looked_from.as_micros().into(),
            rerating.looked.into(),
            rerating.conversions.into(),
            rerating.created_at.as_micros().into(),
            rerating.created_by.as_str().into(),
        ])
        .to_owned();
    tx.execute(&insert).await?;
    for some in lines.chunks(ROWS_MAX) {
        insert_lines(tx, &rerating.id, some).await?;
    }
    Ok(())
}

async fn insert_lines(tx: &Tx, rerating: &ReratingId, lines: &[Line]) -> Result<(), DbError> {
    let mut insert = Query::insert()
        .into_table(Lines::Table)
        .columns([
            Lines::Tenant,
            Lines::ReratingId,
            Lines::Number,
            Lines::ConversionId,
            Lines::CommissionId,
            Lines::AffiliateId,
            Lines::OccurredAt,
            Lines::GrossMinor,
            Lines::Currency,
            Lines::Outcome,
            Lines::BeforeMinor,
            Lines::AfterMinor,
            Lines::BookedMinor,
            Lines::RatePercent,
            Lines::Source,
            Lines::Rule,
            Lines::RuleVersion,
            Lines::Period,
            Lines::FormerRuleId,
            Lines::FormerRuleVersion,
            Lines::Explanation,
        ])
        .to_owned();
    for line in lines {
        let rating = &line.rating;
        let former = line.former_rule.as_ref();
        insert.values_panic([
            TENANT.into(),
            rerating.as_str().into(),
            line.number.into(),
            line.conversion.as_str().into(),
            line.commission.as_str().into(),
            line.affiliate.as_str().into(),
            line.occurred_at.as_micros().into(),
            line.gross.minor().into(),
            line.gross.currency().code().into(),
            line.outcome.name().into(),
            line.before.minor().into(),
            rating.amount.minor().into(),
            line.booked.minor().into(),
            rating.rate.map(|rate| rate.percent().to_string()).unwrap_or_default().into(),
            rating.source.rank().into(),
            rating.rule.as_str().into(),
            i64::from(rating.rule_version).into(),
            line.period.as_deref().into(),
            former.map(|(id, _)| id.as_str()).into(),
            former.map(|(_, version)| i64::from(*version)).into(),
            line.explanation.get().into(),
        ]);
    }
    tx.execute(&insert).await.map(|_| ())
}

/// Says that it was applied; tells whether it was not yet.
pub(crate) async fn applied(tx: &Tx, id: &ReratingId, applied: &Applied) -> Result<bool, DbError> {
    let update = Query::update()
        .table(Reratings::Table)
        .value(Reratings::Status, "APPLIED")
        .value(Reratings::AppliedAt, applied.at.as_micros())
        .value(Reratings::AppliedBy, applied.by.as_str())
        .and_where(Expr::col(Reratings::Tenant).eq(TENANT))
        .and_where(Expr::col(Reratings::Id).eq(id.as_str()))
        .and_where(Expr::col(Reratings::Status).eq("DRAFT"))
        .to_owned();
    if tx.execute(&update).await? == 0 {
        return Ok(false);
    }
    let update = Query::update()
        .table(Lines::Table)
        .value(Lines::AppliedAt, applied.at.as_micros())
        .and_where(Expr::col(Lines::Tenant).eq(TENANT))
        .and_where(Expr::col(Lines::ReratingId).eq(id.as_str()))
        .to_owned();
    tx.execute(&update).await?;
    Ok(true)
}

/// Names the commission that a line added.
pub(crate) async fn added(
    tx: &Tx,
    id: &ReratingId,
    number: i64,
    commission: &CommissionId,
) -> Result<(), DbError> {
    let update = Query::update()
        .table(Lines::Table)
        .value(Lines::AddedId, commission.as_str())
        .and_where(Expr::col(Lines::Tenant).eq(TENANT))
        .and_where(Expr::col(Lines::ReratingId).eq(id.as_str()))
        .and_where(Expr::col(Lines::Number).eq(number))
        .to_owned();
    tx.execute(&update).await.map(|_| ())
}

pub(crate) async fn load(tx: &Tx, id: &ReratingId) -> Result<Option<Rerating>, DbError> {
    let select = headers().and_where(Expr::col(Reratings::Id).eq(id.as_str())).to_owned();
    tx.fetch_optional(&select).await?.map(|row| header(&row)).transpose()
}

/// What a list of re-ratings may be narrowed by.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReratingFilter {
    pub(crate) program: Option<ProgramId>,
    pub(crate) status: Option<&'static str>,
}

pub(crate) async fn page(tx: &Tx, filter: ReratingFilter, keyset: Keyset) -> Result<Vec<Rerating>, DbError> {
    let mut select = headers();
    let ReratingFilter { program, status } = filter;
    select.and_where_option(program.map(|id| Expr::col(Reratings::ProgramId).eq(id.as_str())));
    select.and_where_option(status.map(|status| Expr::col(Reratings::Status).eq(status)));
    keyset.apply(&mut select, Reratings::CreatedAt, Reratings::Id);
    tx.fetch_all(&select).await?.iter().map(header).collect()
}

fn headers() -> SelectStatement {
    Query::select()
        .column(Asterisk)
        .from(Reratings::Table)
        .and_where(Expr::col(Reratings::Tenant).eq(TENANT))
        .to_owned()
}

fn header(row: &Row) -> Result<Rerating, DbError> {
    let rule = row.parsed_if_any("rule_id", |id| RuleId::parse(id).ok())?;
    let at: Option<Timestamp> = row.get("applied_at")?;
    let by: Option<String> = row.get("applied_by")?;
    Ok(Rerating {
        id: row.parsed("id", |id| ReratingId::parse(id).ok())?,
        program: row.parsed("program_id", |id| ProgramId::parse(id).ok())?,
        from: row.get("from_at")?,
        until: row.get("until_at")?,
        affiliate: row.parsed_if_any("affiliate_id", |id| AffiliateId::parse(id).ok())?,
        campaign: row.parsed_if_any("campaign_id", |id| CampaignId::parse(id).ok())?,
        rule: rule.zip(row.get("rule_version")?),
        reason: row.get("reason")?,
        rules: row.get("rules")?,
        contracts: row.get("contracts")?,
        looked_from: row.get("looked_from")?,
        looked: row.get("looked")?,
        conversions: row.get("conversions")?,
        created_at: row.get("created_at")?,
        created_by: row.get("created_by")?,
        applied: at.zip(by).map(|(at, by)| Applied { at, by }),
    })
}

/// What a list of lines may be narrowed by.
#[derive(Clone, Debug, Default)]
pub(crate) struct LineFilter {
    pub(crate) affiliate: Option<AffiliateId>,
    pub(crate) outcome: Option<Outcome>,
}

/// The lines of a re-rating, by their numbers.
pub(crate) async fn lines(
    tx: &Tx,
    id: &ReratingId,
    filter: &LineFilter,
    keyset: Keyset,
) -> Result<Vec<Line>, DbError> {
    let mut select = Query::select()
        .column(Asterisk)
        .from(Lines::Table)
        .and_where(Expr::col(Lines::Tenant).eq(TENANT))
        .and_where(Expr::col(Lines::ReratingId).eq(id.as_str()))
        .to_owned();
    let LineFilter { affiliate, outcome } = filter;
    select.and_where_option(affiliate.as_ref().map(|id| Expr::col(Lines::AffiliateId).eq(id.as_str())));
    select.and_where_option(outcome.map(|outcome| Expr::col(Lines::Outcome).eq(outcome.name())));
    keyset.apply(&mut select, Lines::Number, Lines::Number);
    tx.fetch_all(&select).await?.iter().map(line).collect()
}

fn line(row: &Row) -> Result<Line, DbError> {
    let currency = row.parsed("currency", |code| Currency::parse(code).ok())?;
    let money = |column| Ok::<_, DbError>(Money::from_minor(row.get(column)?, currency));
    let former = row.parsed_if_any("former_rule_id", |id| RuleId::parse(id).ok())?;
    let explanation = RawValue::from_string(row.get("explanation")?);
    Ok(Line {
        number: row.get("number")?,
        conversion: row.parsed("conversion_id", |id| ConversionId::parse(id).ok())?,
        commission: row.parsed("commission_id", |id| CommissionId::parse(id).ok())?,
        added: row.parsed_if_any("added_id", |id| CommissionId::parse(id).ok())?,
        affiliate: row.parsed("affiliate_id", |id| AffiliateId::parse(id).ok())?,
        occurred_at: row.get("occurred_at")?,
        gross: money("gross_minor")?,
        outcome: row.parsed("outcome", Outcome::parse)?,
        before: money("before_minor")?,
        rating: Rating {
            amount: money("after_minor")?,
            rate: percent(&row.get::<String>("rate_percent")?),
            source: source(row.get("source")?)?,
            rule: row.get("rule")?,
            rule_version: row.get("rule_version")?,
        },
        booked: money("booked_minor")?,
        period: row.get("period")?,
        former_rule: former.zip(row.get("former_rule_version")?),
        explanation: explanation.map_err(|_| DbError::column("explanation", "it is not JSON"))?,
    })
}

fn source(rank: i64) -> Result<RateSource, DbError> {
    RateSource::ALL
        .into_iter()
        .find(|source| source.rank() == rank)
        .ok_or_else(|| DbError::column("source", "it is no source of a rate"))
}

/// What a line comes to, for sums.
#[derive(Clone, Debug)]
pub(crate) struct LineSums {
    pub(crate) affiliate: String,
    pub(crate) outcome: Outcome,
    pub(crate) before: Money,
    pub(crate) after: Money,
    pub(crate) booked: Money,
}

/// Of all lines of a re-rating.
pub(crate) async fn sums(tx: &Tx, id: &ReratingId) -> Result<Vec<LineSums>, DbError> {
    let select = Query::select()
        .columns([
            Lines::AffiliateId,
            Lines::Outcome,
            Lines::Currency,
            Lines::BeforeMinor,
            Lines::AfterMinor,
            Lines::BookedMinor,
        ])
        .from(Lines::Table)
        .and_where(Expr::col(Lines::Tenant).eq(TENANT))
        .and_where(Expr::col(Lines::ReratingId).eq(id.as_str()))
        .to_owned();
    let sums = |row: &Row| {
        let currency = row.parsed("currency", |code| Currency::parse(code).ok())?;
        let money = |column| Ok::<_, DbError>(Money::from_minor(row.get(column)?, currency));
        Ok(LineSums {
            affiliate: row.get("affiliate_id")?,
            outcome: row.parsed("outcome", Outcome::parse)?,
            before: money("before_minor")?,
            after: money("after_minor")?,
            booked: money("booked_minor")?,
        })
    };
    tx.fetch_all(&select).await?.iter().map(sums).collect()
}

/// What a re-rating did to a conversion.
#[derive(Clone, Debug)]
pub(crate) struct RatedAnew {
    pub(crate) rerating: Rerating,
    pub(crate) line: Line,
}

/// What was applied to a conversion, the oldest first.
pub(crate) async fn of(tx: &Tx, conversion: &ConversionId) -> Result<Vec<RatedAnew>, DbError> {
    let select = Query::select()
        .column(Asterisk)
        .from(Lines::Table)
        .and_where(Expr::col(Lines::Tenant).eq(TENANT))
        .and_where(Expr::col(Lines::ConversionId).eq(conversion.as_str()))
        .and_where(Expr::col(Lines::AppliedAt).is_not_null())
        .order_by(Lines::AppliedAt, Order::Asc)
        .order_by(Lines::ReratingId, Order::Asc)
        .to_owned();
    let mut all = Vec::new();
    for row in tx.fetch_all(&select).await? {
        let id = row.parsed("rerating_id", |id| ReratingId::parse(id).ok())?;
        let rerating = load(tx, &id).await?.ok_or(DbError::NoRow)?;
        all.push(RatedAnew { rerating, line: line(&row)? });
    }
    Ok(all)
}
