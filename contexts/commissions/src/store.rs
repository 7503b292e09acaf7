//! The table `commission`: one row for each (tenant, conversion, rule slot), which its unique key holds.

use hexalpes_db::{DbError, Migration, Row, Tx, columns};
use hexalpes_kernel::{Amount, Currency, Money, Rate, Timestamp};
use sea_query::{Asterisk, Expr, ExprTrait as _, Iden, Index, Query, SelectStatement, Table};
use serde_json::value::RawValue;

use crate::domain::{
    AffiliateId, CampaignId, Commission, CommissionId, Conversion, ConversionId, State, Stored,
};

/// The only tenant there is until authentication tells them apart.
const TENANT: &str = "default";
/// A conversion may owe one commission for each slot; the program's own is the only one yet.
const RULE_SLOT: &str = "default";

/// What [`crate::router`] needs in its database, besides the outbox.
pub const MIGRATIONS: &[Migration] = &[Migration::new("commissions", 1, "create commission", |backend| {
    let id = |name| columns::id(backend, name);
    vec![
        backend.schema(
            Table::create()
                .table(Col::Table)
                .col(id(Col::Id).not_null().primary_key())
                .col(id(Col::Tenant).not_null())
                .col(id(Col::ConversionId).not_null())
                .col(id(Col::RuleSlot).not_null())
                .col(id(Col::AffiliateId).not_null())
                .col(id(Col::CampaignId))
                .col(columns::integer(Col::GrossMinor).not_null())
                .col(columns::integer(Col::CommissionMinor).not_null())
                .col(id(Col::Currency).not_null())
                .col(id(Col::RatePercent).not_null())
                .col(columns::text(backend, Col::Explanation).not_null())
                .col(id(Col::Status).not_null())
                .col(columns::text(backend, Col::Reason))
                .col(columns::timestamp(Col::HeldUntil))
                .col(columns::timestamp(Col::CreatedAt).not_null())
                .col(columns::timestamp(Col::ApprovedAt)),
        ),
        backend.schema(
            Index::create()
                .unique()
                .name("commission_conversion")
                .table(Col::Table)
                .col(Col::Tenant)
                .col(Col::ConversionId)
                .col(Col::RuleSlot),
        ),
    ]
})];

#[derive(Iden, Clone, Copy)]
enum Col {
    #[iden = "commission"]
    Table,
    Id,
    Tenant,
    ConversionId,
    RuleSlot,
    AffiliateId,
    CampaignId,
    GrossMinor,
    CommissionMinor,
    Currency,
    RatePercent,
    Explanation,
    Status,
    Reason,
    HeldUntil,
    CreatedAt,
    ApprovedAt,
}

/// A commission and the JSON of its explanation, as it was written when the commission was made.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) commission: Commission,
    pub(crate) explanation: Box<RawValue>,
}

/// Inserts a commission unless its conversion has one; tells whether it did.
pub(crate) async fn insert(tx: &Tx, kept: &Kept) -> Result<bool, DbError> {
    let commission = &kept.commission;
    let conversion = commission.conversion();
    let state = Columns::of(commission.state());
    let insert = Query::insert()
        .into_table(Col::Table)
        .columns([
            Col::Id,
            Col::Tenant,
            Col::ConversionId,
            Col::RuleSlot,
            Col::AffiliateId,
            Col::CampaignId,
            Col::GrossMinor,
            Col::CommissionMinor,
            Col::Currency,
            Col::RatePercent,
            Col::Explanation,
            Col::Status,
            Col::Reason,
            Col::HeldUntil,
            Col::CreatedAt,
            Col::ApprovedAt,
        ])
        .values_panic([
            commission.id().as_str().into(),
            TENANT.into(),
            conversion.id.as_str().into(),
            RULE_SLOT.into(),
            conversion.affiliate.as_str().into(),
            conversion.campaign.as_ref().map(CampaignId::as_str).into(),
            conversion.gross.minor().into(),
            commission.amount().minor().into(),
            conversion.gross.currency().code().into(),
            commission.rate().percent().to_string().into(),
            kept.explanation.get().into(),
            state.status.into(),
            state.reason.into(),
            state.held_until.into(),
            commission.created_at().as_micros().into(),
            state.approved_at.into(),
        ])
        .to_owned();
    tx.insert_new(&insert, Col::Id).await
}

/// Writes what can change: the state.
pub(crate) async fn save(tx: &Tx, commission: &Commission) -> Result<(), DbError> {
    let state = Columns::of(commission.state());
    let update = Query::update()
        .table(Col::Table)
        .value(Col::Status, state.status)
        .value(Col::Reason, state.reason)
        .value(Col::HeldUntil, state.held_until)
        .value(Col::ApprovedAt, state.approved_at)
        .and_where(Expr::col(Col::Tenant).eq(TENANT))
        .and_where(Expr::col(Col::Id).eq(commission.id().as_str()))
        .to_owned();
    match tx.execute(&update).await? {
        0 => Err(DbError::NoRow),
        _ => Ok(()),
    }
}

pub(crate) async fn load(tx: &Tx, id: &CommissionId) -> Result<Option<Kept>, DbError> {
    let select = select().and_where(Expr::col(Col::Id).eq(id.as_str())).to_owned();
    tx.fetch_optional(&select).await?.map(|row| kept(&row)).transpose()
}

pub(crate) async fn load_by_conversion(tx: &Tx, id: &ConversionId) -> Result<Option<Kept>, DbError> {
    let select = select()
        .and_where(Expr::col(Col::ConversionId).eq(id.as_str()))
        .and_where(Expr::col(Col::RuleSlot).eq(RULE_SLOT))
        .to_owned();
    tx.fetch_optional(&select).await?.map(|row| kept(&row)).transpose()
}

fn select() -> SelectStatement {
    Query::select().column(Asterisk).from(Col::Table).and_where(Expr::col(Col::Tenant).eq(TENANT)).to_owned()
}

/// A state, spread over its columns.
struct Columns<'a> {
    status: &'static str,
    reason: Option<&'a str>,
    held_until: Option<i64>,
    approved_at: Option<i64>,
}

impl<'a> Columns<'a> {
    fn of(state: &'a State) -> Self {
        let mut columns = Self { status: state.name(), reason: None, held_until: None, approved_at: None };
        match state {
            State::Calculated => {}
            State::Held { until } => columns.held_until = Some(until.as_micros()),
            State::Approved { at } => columns.approved_at = Some(at.as_micros()),
            State::Rejected { reason } => columns.reason = Some(reason),
        }
        columns
    }
}

fn kept(row: &Row) -> Result<Kept, DbError> {
    let currency = parsed(row, "currency", |code| Currency::parse(code).ok())?;
    let money = |column| Ok::<_, DbError>(Money::from_minor(row.get(column)?, currency));
    let time =
        |column| Timestamp::from_micros(row.get(column)?).ok_or_else(|| wrong(column, "it is no time"));
    let status: String = row.get("status")?;
    let state = match status.as_str() {
        "CALCULATED" => State::Calculated,
        "HELD" => State::Held { until: time("held_until")? },
        "APPROVED" => State::Approved { at: time("approved_at")? },
        "REJECTED" => State::Rejected { reason: row.get("reason")? },
        _ => return Err(wrong("status", "it is no state of a commission")),
    };
    let campaign = match row.get::<Option<String>>("campaign_id")? {
        None => None,
        Some(id) => Some(CampaignId::parse(&id).map_err(|_| wrong("campaign_id", "it is no id"))?),
    };
    let conversion = Conversion {
        id: parsed(row, "conversion_id", |id| ConversionId::parse(id).ok())?,
        affiliate: parsed(row, "affiliate_id", |id| AffiliateId::parse(id).ok())?,
        campaign,
        gross: money("gross_minor")?,
    };
    let commission = Commission::restore(Stored {
        id: parsed(row, "id", |id| CommissionId::parse(id).ok())?,
        conversion,
        rate: parsed(row, "rate_percent", |text| Rate::from_percent(Amount::parse(text).ok()?).ok())?,
        amount: money("commission_minor")?,
        state,
        created_at: time("created_at")?,
    });
    let explanation = RawValue::from_string(row.get("explanation")?);
    Ok(Kept { commission, explanation: explanation.map_err(|_| wrong("explanation", "it is not JSON"))? })
}

fn parsed<T>(row: &Row, column: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, DbError> {
    parse(&row.get::<String>(column)?).ok_or_else(|| wrong(column, "it does not parse"))
}

fn wrong(column: &str, why: &'static str) -> DbError {
    DbError::Column { column: column.to_owned(), why }
}
