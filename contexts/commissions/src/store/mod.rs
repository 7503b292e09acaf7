//! The table `commission`: one row for each (tenant, conversion, rule slot), which its unique key holds.

pub(crate) mod contracts;
pub(crate) mod history;
pub(crate) mod journal;
pub(crate) mod known;
#[cfg(test)]
mod laws;
pub(crate) mod lists;
mod migrations;
pub(crate) mod payments;
pub(crate) mod payouts;
pub(crate) mod rated;
pub(crate) mod refunds;
pub(crate) mod reratings;
pub(crate) mod rules;
pub(crate) mod snapshots;
pub(crate) mod statement;
pub(crate) mod terms;

use hexalpes_db::{DbError, Keyset, Row, Tx};
use hexalpes_kernel::{Amount, Currency, Money, Rate, Timestamp};
use sea_query::{Asterisk, Expr, ExprTrait as _, Iden, Order, Query, SelectStatement};
use serde_json::value::RawValue;

use crate::domain::{
    AffiliateId, CampaignId, Commission, CommissionId, Conversion, ConversionId, Payment, PayoutId,
    ProgramId, Reservation, Slot, State, Stored,
};

pub use migrations::MIGRATIONS;

/// The only tenant there is until authentication tells them apart.
pub(crate) const TENANT: &str = "default";

#[derive(Iden, Clone, Copy)]
pub(crate) enum Col {
    #[iden = "commission"]
    Table,
    Id,
    Tenant,
    ProgramId,
    ConversionId,
    RuleSlot,
    AffiliateId,
    CampaignId,
    GrossMinor,
    CommissionMinor,
    /// What of the commission was taken back.
    ReversedMinor,
    /// What of the gross amount was refunded.
    RefundedMinor,
    Currency,
    RatePercent,
    Explanation,
    Status,
    Reason,
    HeldUntil,
    /// Whether it is approved with its release.
    HoldApproves,
    CreatedAt,
    ApprovedAt,
    PayoutId,
    /// What was payable when it went into its payout.
    ReservedMinor,
    /// What of it was set off.
    NettedMinor,
    PaidAt,
    /// When it was rejected, reversed or clawed back.
    EndedAt,
}

/// A commission and the JSON of its explanation, as it was written when the commission was made.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) commission: Commission,
    pub(crate) explanation: Box<RawValue>,
}

/// Inserts a commission unless its conversion has one in that slot; tells whether it did.
pub(crate) async fn insert(tx: &Tx, kept: &Kept) -> Result<bool, DbError> {
    let commission = &kept.commission;
    let conversion = commission.conversion();
    let state = Columns::of(commission.state());
    let insert = Query::insert()
        .into_table(Col::Table)
        .columns([
            Col::Id,
            Col::Tenant,
            Col::ProgramId,
            Col::ConversionId,
            Col::RuleSlot,
            Col::AffiliateId,
            Col::CampaignId,
            Col::GrossMinor,
            Col::CommissionMinor,
            Col::ReversedMinor,
            Col::RefundedMinor,
            Col::Currency,
            Col::RatePercent,
            Col::Explanation,
            Col::Status,
            Col::HeldUntil,
            Col::HoldApproves,
            Col::CreatedAt,
            Col::ApprovedAt,
        ])
        .values_panic([
            commission.id().as_str().into(),
            TENANT.into(),
            commission.program().as_str().into(),
            conversion.id.as_str().into(),
            commission.slot().name().into(),
            conversion.affiliate.as_str().into(),
            conversion.campaign.as_ref().map(CampaignId::as_str).into(),
            conversion.gross.minor().into(),
            commission.amount().minor().into(),
            commission.reversed().minor().into(),
            commission.refunded().minor().into(),
            conversion.gross.currency().code().into(),
            rate_percent(commission).into(),
            kept.explanation.get().into(),
            state.status.into(),
            state.held_until.into(),
            state.hold_approves.into(),
            commission.created_at().as_micros().into(),
            state.approved_at.into(),
        ])
        .to_owned();
    tx.insert_new(&insert, Col::Id).await
}

/// Writes what can change: the state, what was taken back, and what a re-rating changes.
pub(crate) async fn save(tx: &Tx, commission: &Commission) -> Result<(), DbError> {
    let state = Columns::of(commission.state());
    let update = Query::update()
        .table(Col::Table)
        .value(Col::CommissionMinor, commission.amount().minor())
        .value(Col::RatePercent, rate_percent(commission))
        .value(Col::ReversedMinor, commission.reversed().minor())
        .value(Col::RefundedMinor, commission.refunded().minor())
        .value(Col::Status, state.status)
        .value(Col::Reason, state.reason)
        .value(Col::HeldUntil, state.held_until)
        .value(Col::HoldApproves, state.hold_approves)
        .value(Col::ApprovedAt, state.approved_at)
        .value(Col::PayoutId, state.payout_id)
        .value(Col::ReservedMinor, state.reserved_minor)
        .value(Col::NettedMinor, state.netted_minor)
        .value(Col::PaidAt, state.paid_at)
        .value(Col::EndedAt, state.ended_at)
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

/// Empty where it is no plain percentage.
fn rate_percent(commission: &Commission) -> String {
    commission.rate().map(|rate| rate.percent().to_string()).unwrap_or_default()
}

/// The commission that every conversion has.
pub(crate) async fn load_by_conversion(tx: &Tx, id: &ConversionId) -> Result<Option<Kept>, DbError> {
    let select = select()
        .and_where(Expr::col(Col::ConversionId).eq(id.as_str()))
        .and_where(Expr::col(Col::RuleSlot).eq(Slot::FIRST.name()))
        .to_owned();
    tx.fetch_optional(&select).await?.map(|row| kept(&row)).transpose()
}

/// Conversions that are named in one statement: databases bound its values.
const CONVERSIONS_MAX: usize = 500;

/// All commissions of conversions, in no order.
pub(crate) async fn slots(tx: &Tx, ids: &[ConversionId]) -> Result<Vec<Kept>, DbError> {
    let mut all = Vec::new();
    for some in ids.chunks(CONVERSIONS_MAX) {
        let is_of = Expr::col(Col::ConversionId).is_in(some.iter().map(ConversionId::as_str));
        let select = select().and_where(is_of).to_owned();
        for row in tx.fetch_all(&select).await? {
            all.push(kept(&row)?);
        }
    }
    Ok(all)
}

/// The held commissions whose time has come, the longest due first.
pub(crate) async fn due(tx: &Tx, now: Timestamp, limit: u64) -> Result<Vec<Kept>, DbError> {
    let select = select()
        .and_where(Expr::col(Col::Status).eq("HELD"))
        .and_where(Expr::col(Col::HeldUntil).lte(now.as_micros()))
        .order_by(Col::HeldUntil, Order::Asc)
        .limit(limit)
        .to_owned();
    tx.fetch_all(&select).await?.iter().map(kept).collect()
}

/// The commissions of a program that may be paid in a currency, the oldest first, behind one of them.
pub(crate) async fn approved(
    tx: &Tx,
    program: &ProgramId,
    currency: Currency,
    behind: Option<&Commission>,
    limit: u64,
) -> Result<Vec<Kept>, DbError> {
    let after = behind.map(|last| (last.created_at().as_micros().into(), last.id().as_str().into()));
    let mut select = select()
        .and_where(Expr::col(Col::ProgramId).eq(program.as_str()))
        .and_where(Expr::col(Col::Currency).eq(currency.code()))
        .and_where(is_payable())
        .to_owned();
    Keyset { is_descending: false, after, limit }.apply(&mut select, Col::CreatedAt, Col::Id);
    tx.fetch_all(&select).await?.iter().map(kept).collect()
}

fn is_payable() -> Expr {
    let left = Expr::col(Col::CommissionMinor).gt(Expr::col(Col::ReversedMinor));
    Expr::col(Col::Status).eq("APPROVED").and(left)
}

/// In which programs and currencies some partners have commissions that may be paid.
async fn approved_of(tx: &Tx, partners: SelectStatement) -> Result<Vec<(ProgramId, Currency)>, DbError> {
    let select = Query::select()
        .distinct()
        .columns([Col::ProgramId, Col::Currency])
        .from(Col::Table)
        .and_where(Expr::col(Col::Tenant).eq(TENANT))
        .and_where(Expr::col(Col::AffiliateId).in_subquery(partners))
        .and_where(is_payable())
        .order_by(Col::ProgramId, Order::Asc)
        .order_by(Col::Currency, Order::Asc)
        .to_owned();
    let read = |row: &Row| {
        let program = row.parsed("program_id", |id| ProgramId::parse(id).ok())?;
        Ok((program, row.parsed("currency", |code| Currency::parse(code).ok())?))
    };
    tx.fetch_all(&select).await?.iter().map(read).collect()
}

/// What was taken back of a partner's commissions since they went into payouts that are still on their way.
pub(crate) async fn refunded_on_its_way(
    tx: &Tx,
    partner: &AffiliateId,
    currency: Currency,
) -> Result<i64, DbError> {
    let select = select()
        .and_where(Expr::col(Col::AffiliateId).eq(partner.as_str()))
        .and_where(Expr::col(Col::Currency).eq(currency.code()))
        .and_where(Expr::col(Col::Status).eq("IN_PAYOUT"))
        .to_owned();
    let mut sum = 0_i64;
    for row in tx.fetch_all(&select).await? {
        let on_its_way = kept(&row)?.commission.refunded_on_its_way().minor();
        sum = sum.checked_add(on_its_way).ok_or(DbError::Range("what is on its way"))?;
    }
    Ok(sum)
}

pub(crate) fn select() -> SelectStatement {
    Query::select().column(Asterisk).from(Col::Table).and_where(Expr::col(Col::Tenant).eq(TENANT)).to_owned()
}

/// A state, spread over its columns.
#[derive(Default)]
struct Columns<'a> {
    status: &'static str,
    reason: Option<&'a str>,
    held_until: Option<i64>,
    hold_approves: bool,
    approved_at: Option<i64>,
    payout_id: Option<&'a str>,
    reserved_minor: Option<i64>,
    netted_minor: Option<i64>,
    paid_at: Option<i64>,
    ended_at: Option<i64>,
}

impl<'a> Columns<'a> {
    fn of(state: &'a State) -> Self {
        let reservation = state.reservation();
        let mut columns = Self {
            status: state.name(),
            reason: state.reason(),
            approved_at: state.approved_at().map(Timestamp::as_micros),
            payout_id: reservation.map(|reservation| reservation.payout.as_str()),
            reserved_minor: reservation.map(|reservation| reservation.amount.minor()),
            netted_minor: reservation.map(|reservation| reservation.netted.minor()),
            paid_at: state.paid_at().map(Timestamp::as_micros),
            ..Self::default()
        };
        match state {
            State::Held { until, approves } => {
                columns.held_until = until.map(Timestamp::as_micros);
                columns.hold_approves = *approves;
            }
            State::Rejected { at, .. } | State::Reversed { at, .. } | State::ClawedBack { at, .. } => {
                columns.ended_at = Some(at.as_micros());
            }
            State::Calculated | State::Approved { .. } | State::InPayout(_) | State::Paid { .. } => {}
        }
        columns
    }
}

/// A row's columns, read as what the domain knows.
struct Reader<'a> {
    row: &'a Row,
    currency: Currency,
}

impl Reader<'_> {
    fn money(&self, column: &str) -> Result<Money, DbError> {
        Ok(Money::from_minor(self.row.get(column)?, self.currency))
    }

    fn state(&self) -> Result<State, DbError> {
        let row = self.row;
        let reason = || row.get::<String>("reason");
        Ok(match row.get::<String>("status")?.as_str() {
            "CALCULATED" => State::Calculated,
            "HELD" => State::Held { until: row.get("held_until")?, approves: row.get("hold_approves")? },
            "APPROVED" => State::Approved { at: row.get("approved_at")? },
            "REJECTED" => State::Rejected { reason: reason()?, at: row.get("ended_at")? },
            "REVERSED" => State::Reversed { reason: reason()?, at: row.get("ended_at")? },
            "IN_PAYOUT" => State::InPayout(self.reservation()?),
            "PAID" => State::Paid { payment: self.payment()? },
            "CLAWED_BACK" => {
                State::ClawedBack { payment: self.payment()?, reason: reason()?, at: row.get("ended_at")? }
            }
            _ => return Err(DbError::column("status", "it is no state of a commission")),
        })
    }

    fn reservation(&self) -> Result<Reservation, DbError> {
        Ok(Reservation {
            payout: self.row.parsed("payout_id", |id| PayoutId::parse(id).ok())?,
            amount: self.money("reserved_minor")?,
            netted: self.money("netted_minor")?,
            approved_at: self.row.get("approved_at")?,
        })
    }

    fn payment(&self) -> Result<Payment, DbError> {
        Ok(Payment { reservation: self.reservation()?, at: self.row.get("paid_at")? })
    }
}

pub(crate) fn kept(row: &Row) -> Result<Kept, DbError> {
    let reader = Reader { row, currency: row.parsed("currency", |code| Currency::parse(code).ok())? };
    let conversion = Conversion {
        id: row.parsed("conversion_id", |id| ConversionId::parse(id).ok())?,
        affiliate: row.parsed("affiliate_id", |id| AffiliateId::parse(id).ok())?,
        campaign: row.parsed_if_any("campaign_id", |id| CampaignId::parse(id).ok())?,
        gross: reader.money("gross_minor")?,
    };
    let commission = Commission::restore(Stored {
        id: row.parsed("id", |id| CommissionId::parse(id).ok())?,
        program: row.parsed("program_id", |id| ProgramId::parse(id).ok())?,
        slot: row.parsed("rule_slot", Slot::parse)?,
        conversion,
        rate: rate(row)?,
        amount: reader.money("commission_minor")?,
        reversed: reader.money("reversed_minor")?,
        refunded: reader.money("refunded_minor")?,
        state: reader.state()?,
        created_at: row.get("created_at")?,
    });
    let explanation = RawValue::from_string(row.get("explanation")?);
    Ok(Kept {
        commission,
        explanation: explanation.map_err(|_| DbError::column("explanation", "it is not JSON"))?,
    })
}

/// Empty where it is no plain percentage.
fn rate(row: &Row) -> Result<Option<Rate>, DbError> {
    if row.get::<String>("rate_percent")?.is_empty() {
        return Ok(None);
    }
    row.parsed("rate_percent", percent).map(Some)
}

fn percent(text: &str) -> Option<Rate> {
    Rate::from_percent(Amount::parse(text).ok()?).ok()
}
