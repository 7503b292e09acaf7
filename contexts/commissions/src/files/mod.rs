//! Payouts and statements as files: CSV and PDF for people, ISO 20022 for banks.
//!
//! Where partners are paid is told by another context, sealed. CSV says it as far as it is known; a bank's file is for those
//! whose accounts are known alone, for a bank refuses it as a whole.

use std::collections::BTreeMap;

use hexalpes_contracts::affiliates::PayTo;

mod pain;
pub(crate) mod statement;

use crate::domain::{AffiliateId, Line, LineState, Payout};

pub(crate) use pain::{PainError, names, pain001};

/// The lines that may still be paid by a file.
fn open(payout: &Payout) -> impl Iterator<Item = &Line> {
    payout.lines.iter().filter(|line| matches!(line.state, LineState::Reserved | LineState::Sent { .. }))
}

/// One line for each partner, with the key that tells a line which comes twice.
pub(crate) fn csv(payout: &Payout, pay_to: &BTreeMap<AffiliateId, PayTo>) -> Result<Vec<u8>, csv::Error> {
    let mut lines = csv::Writer::from_writer(Vec::new());
    lines.write_record([
        "payout_id",
        "line",
        "affiliate_id",
        "amount",
        "currency",
        "idempotency_key",
        "method",
        "holder",
        "account",
        "bank",
        "country",
    ])?;
    for line in open(payout) {
        let [method, holder, account, bank, country] = match pay_to.get(&line.partner) {
            None => [""; 5],
            Some(PayTo::Iban { holder, iban, bic }) => {
                ["iban", holder, iban, bic.as_deref().unwrap_or_default(), ""]
            }
            Some(PayTo::Account { holder, bank, account, country }) => {
                ["account", holder, account, bank, country]
            }
            Some(PayTo::Wallet { address }) => ["wallet", "", address, "", ""],
        };
        lines.write_record([
            payout.id.as_str(),
            &line.number.to_string(),
            &inert(line.partner.as_str()),
            &line.amount.amount().to_string(),
            payout.currency.code(),
            &line.key(&payout.id),
            method,
            &inert(holder),
            &inert(account),
            &inert(bank),
            &inert(country),
        ])?;
    }
    lines.into_inner().map_err(|error| csv::Error::from(error.into_error()))
}

/// A cell that a spreadsheet would run as a formula gets an apostrophe before it (OWASP, "CSV Injection").
fn inert(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell.to_owned() }
}
