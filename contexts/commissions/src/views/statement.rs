//! A statement as JSON.

use hexalpes_http::openapi::Decimal;
use hexalpes_kernel::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::store::statement::{Statement, StatementLine};

/// What was owed to a partner before a period, each entry in it, and what is owed after it, less what the partner owes.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Statement)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StatementView {
    affiliate_id: String,
    currency: &'static str,
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    to: Timestamp,
    #[schema(value_type = Decimal)]
    opening: Box<RawValue>,
    opening_minor: i64,
    lines: Vec<StatementLineView>,
    #[schema(value_type = Decimal)]
    closing: Box<RawValue>,
    closing_minor: i64,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = StatementLine)]
#[serde(rename_all = "camelCase")]
struct StatementLineView {
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// What was done: `calculate`, `approve`, `pay`, ….
    kind: String,
    /// `pending`, `held`, `payable`, `in_flight` or `receivable`.
    account: &'static str,
    commission_id: Option<String>,
    payout_id: Option<String>,
    /// What it adds to what is owed.
    #[schema(value_type = Decimal)]
    amount: Box<RawValue>,
    amount_minor: i64,
    /// What is owed after it.
    #[schema(value_type = Decimal)]
    balance: Box<RawValue>,
    balance_minor: i64,
}

impl From<StatementLine> for StatementLineView {
    fn from(line: StatementLine) -> Self {
        let StatementLine { entry, amount, balance } = line;
        Self {
            at: entry.at,
            kind: entry.kind,
            account: entry.account.kind(),
            commission_id: entry.commission,
            payout_id: entry.payout,
            amount: amount.amount().to_json(),
            amount_minor: amount.minor(),
            balance: balance.amount().to_json(),
            balance_minor: balance.minor(),
        }
    }
}

impl From<Statement> for StatementView {
    fn from(statement: Statement) -> Self {
        let Statement { partner, currency, from, to, opening, lines, closing } = statement;
        Self {
            affiliate_id: partner.to_string(),
            currency: currency.code(),
            from,
            to,
            opening: opening.amount().to_json(),
            opening_minor: opening.minor(),
            lines: lines.into_iter().map(Into::into).collect(),
            closing: closing.amount().to_json(),
            closing_minor: closing.minor(),
        }
    }
}
