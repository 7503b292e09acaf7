//! Payouts and statements as files: CSV and PDF for people, ISO 20022 for banks.
//!
//! Both name partners by their ids. Where they are paid is another context's to know, so a bank's file names each partner's
//! account by the partner's id as well, as a scheme of ours: whoever hands it on puts the accounts in.

mod pain;
mod pdf;
pub(crate) mod statement;

use crate::domain::{Line, LineState, Payout};

pub(crate) use pain::pain001;

/// The lines that may still be paid by a file.
fn open(payout: &Payout) -> impl Iterator<Item = &Line> {
    payout.lines.iter().filter(|line| matches!(line.state, LineState::Reserved | LineState::Sent { .. }))
}

/// One line for each partner, with the key that tells a line which comes twice.
pub(crate) fn csv(payout: &Payout) -> Result<Vec<u8>, csv::Error> {
    let mut lines = csv::Writer::from_writer(Vec::new());
    lines.write_record(["payout_id", "line", "affiliate_id", "amount", "currency", "idempotency_key"])?;
    for line in open(payout) {
        lines.write_record([
            payout.id.as_str(),
            &line.number.to_string(),
            &inert(line.partner.as_str()),
            &line.amount.amount().to_string(),
            payout.currency.code(),
            &line.key(&payout.id),
        ])?;
    }
    lines.into_inner().map_err(|error| csv::Error::from(error.into_error()))
}

/// A cell that a spreadsheet would run as a formula gets an apostrophe before it (OWASP, "CSV Injection").
fn inert(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell.to_owned() }
}
