//! Payouts, plans and terms as JSON.

use hexalpes_http::Record;
use hexalpes_http::openapi::Decimal;
use hexalpes_kernel::{Currency, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::domain::{AffiliateId, Item, Line, LineState, Payout, Plan, PlannedLine, Terms, Wait, Waiting};
use crate::store::payouts::Summary;

/// A payout. Amounts are JSON numbers in major units, exact; `*Minor` beside them are whole minor units.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Payout)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PayoutView {
    payout_id: String,
    program_id: String,
    currency: &'static str,
    /// `file` or `webhook`.
    method: &'static str,
    /// `DRAFT`, `SENDING`, `SENT`, `SETTLED` or `FAILED`.
    status: &'static str,
    #[schema(value_type = Decimal)]
    total: Box<RawValue>,
    total_minor: i64,
    #[schema(value_type = Decimal)]
    settled: Box<RawValue>,
    settled_minor: i64,
    #[schema(value_type = Decimal)]
    failed: Box<RawValue>,
    failed_minor: i64,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    lines: Vec<LineView>,
}

/// What one partner gets.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PayoutLine)]
#[serde(rename_all = "camelCase")]
struct LineView {
    number: u32,
    affiliate_id: String,
    #[schema(value_type = Decimal)]
    amount: Box<RawValue>,
    amount_minor: i64,
    /// What was set off against what the partner owed.
    #[schema(value_type = Decimal)]
    netted: Box<RawValue>,
    netted_minor: i64,
    /// `RESERVED`, `SENT`, `SETTLED` or `FAILED`.
    status: &'static str,
    /// Why it failed; of a line that waits, why it could not be sent yet.
    reason: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    changed_at: Option<Timestamp>,
    /// The same however often the line is sent.
    idempotency_key: String,
    commissions: Vec<ItemView>,
}

/// A commission in a line.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PayoutItem)]
#[serde(rename_all = "camelCase")]
struct ItemView {
    commission_id: String,
    #[schema(value_type = Decimal)]
    amount: Box<RawValue>,
    amount_minor: i64,
}

impl From<&Item> for ItemView {
    fn from(item: &Item) -> Self {
        Self {
            commission_id: item.commission.to_string(),
            amount: item.amount.amount().to_json(),
            amount_minor: item.amount.minor(),
        }
    }
}

impl PayoutView {
    /// `troubles` says of lines why they could not be sent yet.
    pub(crate) fn of(payout: &Payout, troubles: &[(u32, String)]) -> Self {
        let (total, settled, failed) = (payout.total(), payout.settled(), payout.failed());
        let line = |line: &Line| {
            let (changed_at, reason) = match &line.state {
                LineState::Reserved => {
                    let trouble = troubles.iter().find(|(number, _)| *number == line.number);
                    (None, trouble.map(|(_, why)| why.clone()))
                }
                LineState::Sent { at } | LineState::Settled { at } => (Some(*at), None),
                LineState::Failed { at, reason } => (Some(*at), Some(reason.clone())),
            };
            LineView {
                number: line.number,
                affiliate_id: line.partner.to_string(),
                amount: line.amount.amount().to_json(),
                amount_minor: line.amount.minor(),
                netted: line.netted.amount().to_json(),
                netted_minor: line.netted.minor(),
                status: line.state.name(),
                reason,
                changed_at,
                idempotency_key: line.key(&payout.id),
                commissions: line.items.iter().map(Into::into).collect(),
            }
        };
        Self {
            payout_id: payout.id.to_string(),
            program_id: payout.program.to_string(),
            currency: payout.currency.code(),
            method: payout.method.name(),
            status: payout.status.name(),
            total: total.amount().to_json(),
            total_minor: total.minor(),
            settled: settled.amount().to_json(),
            settled_minor: settled.minor(),
            failed: failed.amount().to_json(),
            failed_minor: failed.minor(),
            created_at: payout.created_at,
            lines: payout.lines.iter().map(line).collect(),
        }
    }
}

/// A payout in a list: what its lines come to.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PayoutSummary)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PayoutSummaryView {
    payout_id: String,
    program_id: String,
    currency: &'static str,
    /// `file` or `webhook`.
    method: &'static str,
    /// `DRAFT`, `SENDING`, `SENT`, `SETTLED` or `FAILED`.
    status: &'static str,
    #[schema(value_type = Decimal)]
    total: Box<RawValue>,
    total_minor: i64,
    #[schema(value_type = Decimal)]
    settled: Box<RawValue>,
    settled_minor: i64,
    #[schema(value_type = Decimal)]
    failed: Box<RawValue>,
    failed_minor: i64,
    line_count: u64,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<Summary> for PayoutSummaryView {
    fn from(summary: Summary) -> Self {
        let Summary { payout, total, settled, failed, line_count } = summary;
        Self {
            payout_id: payout.id.to_string(),
            program_id: payout.program.to_string(),
            currency: payout.currency.code(),
            method: payout.method.name(),
            status: payout.status.name(),
            total: total.amount().to_json(),
            total_minor: total.minor(),
            settled: settled.amount().to_json(),
            settled_minor: settled.minor(),
            failed: failed.amount().to_json(),
            failed_minor: failed.minor(),
            line_count,
            created_at: payout.created_at,
        }
    }
}

impl Record for PayoutSummaryView {
    const COLUMNS: &'static [&'static str] = &[
        "payoutId",
        "programId",
        "currency",
        "method",
        "status",
        "total",
        "settled",
        "failed",
        "lines",
        "createdAt",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.payout_id.clone(),
            self.program_id.clone(),
            self.currency.to_owned(),
            self.method.to_owned(),
            self.status.to_owned(),
            self.total.get().to_owned(),
            self.settled.get().to_owned(),
            self.failed.get().to_owned(),
            self.line_count.to_string(),
            self.created_at.to_string(),
        ]
    }
}

/// What would be paid now. Nothing is reserved.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PayoutPreview)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PreviewView {
    program_id: String,
    currency: &'static str,
    #[schema(value_type = Decimal)]
    minimum: Box<RawValue>,
    minimum_minor: i64,
    method: &'static str,
    total_minor: i64,
    lines: Vec<PlannedLineView>,
    /// Below the minimum, or nothing after what the partner owes.
    carried_forward: Vec<PlannedLineView>,
    /// What the partners' contracts keep for another payout, and why.
    waiting: Vec<WaitingView>,
}

/// Commissions of a partner that wait for the same reason.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = WaitingCommissions)]
#[serde(rename_all = "camelCase")]
struct WaitingView {
    affiliate_id: String,
    /// `NOT_DUE`, `OTHER_METHOD`, `OTHER_CURRENCY` or `OTHER_FREQUENCY`: than the contract agrees.
    why: &'static str,
    /// The method, the currency or the frequency that the contract agrees.
    agreed: Option<&'static str>,
    /// Of what is not due: when the first of them is.
    #[schema(value_type = Option<String>, format = DateTime)]
    due_at: Option<Timestamp>,
    commission_count: u32,
    #[schema(value_type = Decimal)]
    amount: Box<RawValue>,
    amount_minor: i64,
    /// What can be done, where no other payout will ever have them.
    #[serde(skip_serializing_if = "Option::is_none")]
    way_out: Option<WayOutView>,
}

/// What somebody can do, in both languages.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = WayOut)]
pub(crate) struct WayOutView {
    es: String,
    en: String,
}

impl WayOutView {
    /// Out of a currency in which a partner earned and its contract does not pay: there are no rates here.
    pub(crate) fn of_other_currency(partner: &AffiliateId, earned: Currency, agreed: Currency) -> Self {
        let list = format!("GET /api/v1/comisiones?afiliado_id={partner}&moneda={earned}&estado=APPROVED");
        let pay = "POST /api/v1/comisiones/{id}/pagar";
        Self {
            es: format!(
                "el contrato de {partner} solo paga en {agreed} y aquí no se cambia moneda: pague cada comisión en {earned} por \
                 su id ({list}; {pay}), o acuerde un contrato que pague en {earned}"
            ),
            en: format!(
                "the contract of {partner} pays in {agreed} alone, and nothing is converted here: pay each commission in {earned} \
                 by its id ({list}; {pay}), or agree a contract that pays in {earned}"
            ),
        }
    }
}

impl From<&Waiting> for WaitingView {
    fn from(waiting: &Waiting) -> Self {
        let (agreed, due_at) = match waiting.why {
            Wait::OtherCurrency(currency) => (Some(currency.code()), None),
            Wait::OtherFrequency(frequency) => (Some(frequency.name()), None),
            Wait::OtherMethod(method) => (Some(method.name()), None),
            Wait::NotDue(at) => (None, Some(at)),
        };
        let way_out = match waiting.why {
            Wait::OtherCurrency(agreed) => {
                let earned = waiting.amount.currency();
                Some(WayOutView::of_other_currency(&waiting.partner, earned, agreed))
            }
            // Another payout has them.
            Wait::OtherFrequency(_) | Wait::OtherMethod(_) | Wait::NotDue(_) => None,
        };
        Self {
            way_out,
            affiliate_id: waiting.partner.to_string(),
            why: waiting.why.name(),
            agreed,
            due_at,
            commission_count: waiting.commissions,
            amount: waiting.amount.amount().to_json(),
            amount_minor: waiting.amount.minor(),
        }
    }
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PlannedLine)]
#[serde(rename_all = "camelCase")]
struct PlannedLineView {
    affiliate_id: String,
    /// What is payable.
    #[schema(value_type = Decimal)]
    gross: Box<RawValue>,
    gross_minor: i64,
    /// What is set off against what the partner owes.
    #[schema(value_type = Decimal)]
    netted: Box<RawValue>,
    netted_minor: i64,
    #[schema(value_type = Decimal)]
    amount: Box<RawValue>,
    amount_minor: i64,
    commissions: Vec<ItemView>,
}

impl From<&PlannedLine> for PlannedLineView {
    fn from(line: &PlannedLine) -> Self {
        Self {
            affiliate_id: line.partner.to_string(),
            gross: line.gross.amount().to_json(),
            gross_minor: line.gross.minor(),
            netted: line.netted.amount().to_json(),
            netted_minor: line.netted.minor(),
            amount: line.amount.amount().to_json(),
            amount_minor: line.amount.minor(),
            commissions: line.items.iter().map(Into::into).collect(),
        }
    }
}

impl PreviewView {
    pub(crate) fn of(terms: &Terms, plan: &Plan) -> Self {
        let total = plan.lines.iter().fold(0_i64, |sum, line| sum.saturating_add(line.amount.minor()));
        Self {
            program_id: terms.program.to_string(),
            currency: terms.currency().code(),
            minimum: terms.minimum.amount().to_json(),
            minimum_minor: terms.minimum.minor(),
            method: terms.method.name(),
            total_minor: total,
            lines: plan.lines.iter().map(Into::into).collect(),
            carried_forward: plan.carried.iter().map(Into::into).collect(),
            waiting: plan.waiting.iter().map(Into::into).collect(),
        }
    }
}

/// How a program pays out in a currency.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PayoutTermsView)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TermsView {
    program_id: String,
    currency: &'static str,
    #[schema(value_type = Decimal)]
    minimum: Box<RawValue>,
    minimum_minor: i64,
    method: &'static str,
    schedule: &'static str,
    /// Of the week or the month; null for `manual`.
    day: Option<u8>,
    endpoint: Option<String>,
}

impl From<&Terms> for TermsView {
    fn from(terms: &Terms) -> Self {
        Self {
            program_id: terms.program.to_string(),
            currency: terms.currency().code(),
            minimum: terms.minimum.amount().to_json(),
            minimum_minor: terms.minimum.minor(),
            method: terms.method.name(),
            schedule: terms.schedule.name(),
            day: Some(terms.schedule.day()).filter(|day| *day > 0),
            endpoint: terms.endpoint.clone(),
        }
    }
}
