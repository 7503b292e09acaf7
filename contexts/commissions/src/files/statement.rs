//! A statement as CSV and as PDF.

use crate::store::statement::Statement;

/// Opening, each entry, closing. The amounts of the entries are the difference between the two.
pub(crate) fn csv(statement: &Statement) -> Result<Vec<u8>, csv::Error> {
    let mut lines = csv::Writer::from_writer(Vec::new());
    lines.write_record([
        "at",
        "what",
        "account",
        "commission_id",
        "payout_id",
        "amount",
        "balance",
        "currency",
    ])?;
    let code = statement.currency.code();
    let edge = |at: String, what: &str, balance: String| {
        [
            at,
            what.to_owned(),
            String::new(),
            String::new(),
            String::new(),
            String::new(),
            balance,
            code.to_owned(),
        ]
    };
    let opening = statement.opening.amount().to_string();
    lines.write_record(edge(statement.from.to_string(), "opening", opening))?;
    for line in &statement.lines {
        let entry = &line.entry;
        lines.write_record([
            entry.at.to_string(),
            entry.kind.clone(),
            entry.account.kind().to_owned(),
            super::inert(entry.commission.as_deref().unwrap_or_default()),
            super::inert(entry.payout.as_deref().unwrap_or_default()),
            line.amount.amount().to_string(),
            line.balance.amount().to_string(),
            code.to_owned(),
        ])?;
    }
    let closing = statement.closing.amount().to_string();
    lines.write_record(edge(statement.to.to_string(), "closing", closing))?;
    lines.into_inner().map_err(|error| csv::Error::from(error.into_error()))
}

/// The same on A4, in both languages.
pub(crate) fn pdf(statement: &Statement) -> Vec<u8> {
    let code = statement.currency.code();
    let mut text = vec![
        format!("Estado de cuenta / Statement: {}", statement.partner),
        format!("{code}, {} - {}", statement.from, statement.to),
        String::new(),
        row("Fecha / At", "Asiento / Entry", "Cuenta / Account", "Importe / Amount", "Saldo / Balance"),
        row("", "saldo inicial / opening", "", "", &statement.opening.amount().to_string()),
    ];
    for line in &statement.lines {
        text.push(row(
            &line.entry.at.to_string(),
            &line.entry.kind,
            line.entry.account.kind(),
            &line.amount.amount().to_string(),
            &line.balance.amount().to_string(),
        ));
        if let Some(commission) = &line.entry.commission {
            text.push(format!("    {commission}"));
        }
    }
    text.push(row("", "saldo final / closing", "", "", &statement.closing.amount().to_string()));
    hexalpes_pdf::of_lines(&text, "es")
}

/// In columns of a font whose letters are all as wide.
fn row(at: &str, what: &str, account: &str, amount: &str, balance: &str) -> String {
    format!("{at:<27} {what:<24} {account:<16} {amount:>16} {balance:>16}")
}
