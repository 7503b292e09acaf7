//! Entries, balances and the trial balance as JSON.

use hexalpes_db::DbError;
use hexalpes_http::Record;
use hexalpes_http::openapi::Decimal;
use hexalpes_kernel::{Currency, Money, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::payouts::WayOutView;
use crate::domain::{Account, AffiliateId, Bucket, Wait};
use crate::store::journal::Ledger;
use crate::store::lists::Booked;
use crate::store::snapshots::TrialLine;

/// An entry of the journal.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Entry)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EntryView {
    /// In the order in which they were booked.
    seq: i64,
    /// The id of the event that tells of it; the entries of one transaction sum to zero.
    transaction_id: String,
    /// What was done: `calculate`, `approve`, `reserve`, …; `open` for what is older than the journal.
    kind: String,
    /// `program:expense`, `partner:af_1:payable`, ….
    account: String,
    /// A debit is positive, a credit negative.
    #[schema(value_type = Decimal)]
    amount: Box<RawValue>,
    amount_minor: i64,
    currency: &'static str,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    commission_id: Option<String>,
    payout_id: Option<String>,
}

impl From<Booked> for EntryView {
    fn from(booked: Booked) -> Self {
        let Booked { seq, transaction, kind, account, amount, at, commission, payout } = booked;
        Self {
            seq,
            transaction_id: transaction,
            kind,
            account: account.name(),
            amount: amount.amount().to_json(),
            amount_minor: amount.minor(),
            currency: amount.currency().code(),
            at,
            commission_id: commission,
            payout_id: payout,
        }
    }
}

impl Record for EntryView {
    const COLUMNS: &'static [&'static str] =
        &["seq", "transactionId", "kind", "account", "amount", "currency", "at", "commissionId", "payoutId"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.seq.to_string(),
            self.transaction_id.clone(),
            self.kind.clone(),
            self.account.clone(),
            self.amount.get().to_owned(),
            self.currency.to_owned(),
            self.at.to_string(),
            self.commission_id.clone().unwrap_or_default(),
            self.payout_id.clone().unwrap_or_default(),
        ]
    }
}

/// What stands in the accounts of one partner.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PartnerBalances)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PartnerBalancesView {
    pub(crate) affiliate_id: String,
    /// One for each currency that the partner ever had anything in.
    balances: Vec<BalancesView>,
}

/// In one currency. All but `receivable` is owed to the partner; `receivable` is what the partner owes.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Balances)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BalancesView {
    currency: &'static str,
    #[schema(value_type = Decimal)]
    pending: Box<RawValue>,
    pending_minor: i64,
    #[schema(value_type = Decimal)]
    held: Box<RawValue>,
    held_minor: i64,
    #[schema(value_type = Decimal)]
    payable: Box<RawValue>,
    payable_minor: i64,
    /// Why no payout will ever have what is payable.
    #[serde(skip_serializing_if = "Option::is_none")]
    payable_waits: Option<PayableWaitsView>,
    #[schema(value_type = Decimal)]
    in_flight: Box<RawValue>,
    in_flight_minor: i64,
    #[schema(value_type = Decimal)]
    receivable: Box<RawValue>,
    receivable_minor: i64,
}

/// That a partner's contract pays in another currency than this was earned in.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PayableWaits)]
#[serde(rename_all = "camelCase")]
struct PayableWaitsView {
    /// `OTHER_CURRENCY`, as in a payout's preview.
    why: &'static str,
    /// The currency that the contract pays in.
    agreed: &'static str,
    way_out: WayOutView,
}

impl PartnerBalancesView {
    /// Of the partner's ledgers, debits less credits; `agreed` is what its contract pays in, if that says so.
    pub(crate) fn of(partner: &AffiliateId, balances: &[(Ledger, Money)], agreed: Option<Currency>) -> Self {
        let mut currencies: Vec<_> = balances.iter().map(|(ledger, _)| ledger.currency).collect();
        currencies.sort_unstable_by_key(|currency| currency.code());
        currencies.dedup();
        let of = |currency| {
            let usual = |bucket| {
                let account = Account::Partner(partner.clone(), bucket);
                let found = balances
                    .iter()
                    .find(|(ledger, _)| ledger.currency == currency && ledger.account == account);
                let minor = found.map_or(0, |(_, balance)| account.sign() * balance.minor());
                (Money::from_minor(minor, currency).amount().to_json(), minor)
            };
            let (pending, pending_minor) = usual(Bucket::Pending);
            let (held, held_minor) = usual(Bucket::Held);
            let (payable, payable_minor) = usual(Bucket::Payable);
            let (in_flight, in_flight_minor) = usual(Bucket::InFlight);
            let (receivable, receivable_minor) = usual(Bucket::Receivable);
            let other = agreed.filter(|agreed| payable_minor > 0 && *agreed != currency);
            let payable_waits = other.map(|agreed| PayableWaitsView {
                why: Wait::OtherCurrency(agreed).name(),
                agreed: agreed.code(),
                way_out: WayOutView::of_other_currency(partner, currency, agreed),
            });
            BalancesView {
                currency: currency.code(),
                pending,
                pending_minor,
                held,
                held_minor,
                payable,
                payable_minor,
                payable_waits,
                in_flight,
                in_flight_minor,
                receivable,
                receivable_minor,
            }
        };
        Self { affiliate_id: partner.to_string(), balances: currencies.into_iter().map(of).collect() }
    }
}

/// All accounts, in each currency.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = TrialBalance)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TrialBalanceView {
    /// Null: all entries.
    #[schema(value_type = Option<String>, format = DateTime)]
    as_of: Option<Timestamp>,
    currencies: Vec<TrialCurrencyView>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = TrialCurrency)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TrialCurrencyView {
    currency: &'static str,
    accounts: Vec<TrialLineView>,
    debit_minor: i64,
    credit_minor: i64,
    /// Whether debits are credits; anything else is damage.
    is_balanced: bool,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = TrialLine)]
#[serde(rename_all = "camelCase")]
struct TrialLineView {
    /// `program:expense`; `partner:*:payable` is that of all partners.
    account: String,
    #[schema(value_type = Decimal)]
    debit: Box<RawValue>,
    debit_minor: i64,
    #[schema(value_type = Decimal)]
    credit: Box<RawValue>,
    credit_minor: i64,
}

impl TrialBalanceView {
    /// The lines are in the order of their currencies.
    pub(crate) fn of(lines: &[TrialLine], as_of: Option<Timestamp>) -> Result<Self, DbError> {
        let mut currencies: Vec<TrialCurrencyView> = Vec::new();
        for line in lines {
            let currency = line.balance.currency().code();
            if currencies.last().is_none_or(|last| last.currency != currency) {
                let new = TrialCurrencyView {
                    currency,
                    accounts: Vec::new(),
                    debit_minor: 0,
                    credit_minor: 0,
                    is_balanced: true,
                };
                currencies.push(new);
            }
            let of = currencies.last_mut().expect("it was pushed when it was missing");
            let view = TrialLineView::of(line);
            let too_large = || DbError::Range("a trial balance");
            of.debit_minor = of.debit_minor.checked_add(view.debit_minor).ok_or_else(too_large)?;
            of.credit_minor = of.credit_minor.checked_add(view.credit_minor).ok_or_else(too_large)?;
            of.is_balanced = of.debit_minor == of.credit_minor;
            of.accounts.push(view);
        }
        Ok(Self { as_of, currencies })
    }
}

impl TrialLineView {
    fn of(line: &TrialLine) -> Self {
        let TrialLine { kind, is_partners, balance } = line;
        let account = match (*is_partners, Account::of(kind, None)) {
            (false, Some(account)) => account.name(),
            _ => format!("partner:*:{kind}"),
        };
        let side = |minor: i64| Money::from_minor(minor.max(0), balance.currency());
        let (debit, credit) = (side(balance.minor()), side(balance.minor().saturating_neg()));
        Self {
            account,
            debit: debit.amount().to_json(),
            debit_minor: debit.minor(),
            credit: credit.amount().to_json(),
            credit_minor: credit.minor(),
        }
    }
}
