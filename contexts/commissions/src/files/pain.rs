//! A payout as ISO 20022 `CustomerCreditTransferInitiationV09` (`pain.001.001.09`), one transaction for each line.
//!
//! Element names and their order are those of the message definition. `EndToEndId` is made of the line's key.

use std::collections::BTreeMap;
use std::io;

use hexalpes_contracts::affiliates::PayTo;
use hexalpes_kernel::{Money, Timestamp};
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::open;
use crate::domain::{AffiliateId, Line, Payout};
use crate::requests::Debtor;

const NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09";
/// `Max35Text`, of ids.
const ID_CHARS_MAX: usize = 35;
/// `Max140Text`, of names.
const NAME_CHARS_MAX: usize = 140;
/// `Max34Text`, of accounts that are no IBANs. What is longer is none that a bank could read.
const ACCOUNT_CHARS_MAX: usize = 34;

type Xml = Writer<Vec<u8>>;

/// Why there is no such file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PainError {
    #[error("no bank account is known of {}", names(affiliates))]
    NoAccount { affiliates: Vec<AffiliateId> },
    #[error("the file could not be written: {0}")]
    Write(#[from] io::Error),
}

/// The first of many, for a message.
pub(crate) fn names(affiliates: &[AffiliateId]) -> String {
    const NAMES_MAX: usize = 5;
    let first: Vec<&str> = affiliates.iter().take(NAMES_MAX).map(AffiliateId::as_str).collect();
    match affiliates.len().saturating_sub(NAMES_MAX) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// The open lines, as of `now`.
pub(crate) fn pain001(
    payout: &Payout,
    pay_to: &BTreeMap<AffiliateId, PayTo>,
    debtor: &Debtor,
    now: Timestamp,
) -> Result<Vec<u8>, PainError> {
    let lines: Vec<&Line> = open(payout).collect();
    let (known, unknown): (Vec<_>, Vec<_>) = lines
        .iter()
        .map(|line| (*line, pay_to.get(&line.partner)))
        .partition(|(_, pay_to)| pay_to.is_some_and(is_a_banks));
    if !unknown.is_empty() {
        let affiliates = unknown.into_iter().map(|(line, _)| line.partner.clone()).collect();
        return Err(PainError::NoAccount { affiliates });
    }
    let minor = lines.iter().fold(0_i64, |sum, line| sum.saturating_add(line.amount.minor()));
    let (count, sum) =
        (lines.len().to_string(), Money::from_minor(minor, payout.currency).amount().to_string());
    let mut xml = Writer::new(Vec::new());
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    xml.create_element("Document").with_attribute(("xmlns", NAMESPACE)).write_inner_content(|xml| {
        within(xml, "CstmrCdtTrfInitn", |xml| {
            within(xml, "GrpHdr", |xml| {
                text(xml, "MsgId", &short(payout.id.as_str()))?;
                text(xml, "CreDtTm", &now.to_string())?;
                text(xml, "NbOfTxs", &count)?;
                text(xml, "CtrlSum", &sum)?;
                within(xml, "InitgPty", |xml| text(xml, "Nm", &debtor.name))
            })?;
            within(xml, "PmtInf", |xml| {
                text(xml, "PmtInfId", &short(payout.id.as_str()))?;
                text(xml, "PmtMtd", "TRF")?;
                text(xml, "NbOfTxs", &count)?;
                text(xml, "CtrlSum", &sum)?;
                let (year, month, day) = debtor.on.unwrap_or(now).date();
                within(xml, "ReqdExctnDt", |xml| text(xml, "Dt", &format!("{year:04}-{month:02}-{day:02}")))?;
                within(xml, "Dbtr", |xml| text(xml, "Nm", &debtor.name))?;
                within(xml, "DbtrAcct", |xml| within(xml, "Id", |xml| text(xml, "IBAN", &debtor.iban)))?;
                within(xml, "DbtrAgt", |xml| within(xml, "FinInstnId", |xml| agent(xml, debtor)))?;
                known.iter().try_for_each(|(line, pay_to)| transaction(xml, payout, line, *pay_to))
            })
        })
    })?;
    Ok(xml.into_inner())
}

fn is_a_banks(pay_to: &PayTo) -> bool {
    match pay_to {
        PayTo::Iban { .. } => true,
        PayTo::Account { account, .. } => account.chars().count() <= ACCOUNT_CHARS_MAX,
        PayTo::Wallet { .. } => false,
    }
}

/// The bank, by its BIC where it is known.
fn agent(xml: &mut Xml, debtor: &Debtor) -> io::Result<()> {
    match &debtor.bic {
        Some(bic) => text(xml, "BICFI", bic),
        None => within(xml, "Othr", |xml| text(xml, "Id", "NOTPROVIDED")),
    }
}

fn transaction(xml: &mut Xml, payout: &Payout, line: &Line, pay_to: Option<&PayTo>) -> io::Result<()> {
    within(xml, "CdtTrfTxInf", |xml| {
        within(xml, "PmtId", |xml| {
            text(xml, "InstrId", &short(&line.key(&payout.id)))?;
            text(xml, "EndToEndId", &short(&line.key(&payout.id)))
        })?;
        within(xml, "Amt", |xml| {
            let amount = line.amount.amount().to_string();
            xml.create_element("InstdAmt")
                .with_attribute(("Ccy", payout.currency.code()))
                .write_text_content(BytesText::new(&amount))
                .map(|_| ())
        })?;
        creditor(xml, pay_to)?;
        within(xml, "RmtInf", |xml| text(xml, "Ustrd", &line.key(&payout.id)))
    })
}

/// The bank, the name and the account of who is paid.
fn creditor(xml: &mut Xml, pay_to: Option<&PayTo>) -> io::Result<()> {
    match pay_to {
        Some(PayTo::Iban { holder, iban, bic }) => {
            if let Some(bic) = bic {
                within(xml, "CdtrAgt", |xml| within(xml, "FinInstnId", |xml| text(xml, "BICFI", bic)))?;
            }
            within(xml, "Cdtr", |xml| name(xml, holder))?;
            within(xml, "CdtrAcct", |xml| within(xml, "Id", |xml| text(xml, "IBAN", iban)))
        }
        Some(PayTo::Account { holder, bank, account, country }) => {
            within(xml, "CdtrAgt", |xml| {
                within(xml, "FinInstnId", |xml| {
                    name(xml, bank)?;
                    within(xml, "PstlAdr", |xml| text(xml, "Ctry", country))
                })
            })?;
            within(xml, "Cdtr", |xml| name(xml, holder))?;
            within(xml, "CdtrAcct", |xml| {
                within(xml, "Id", |xml| within(xml, "Othr", |xml| text(xml, "Id", account)))
            })
        }
        // Who has no bank account is in no bank's file.
        Some(PayTo::Wallet { .. }) | None => Ok(()),
    }
}

fn within(xml: &mut Xml, name: &str, inner: impl FnOnce(&mut Xml) -> io::Result<()>) -> io::Result<()> {
    xml.create_element(name).write_inner_content(inner).map(|_| ())
}

fn text(xml: &mut Xml, name: &str, content: &str) -> io::Result<()> {
    xml.create_element(name).write_text_content(BytesText::new(content)).map(|_| ())
}

/// The beginning of a name that is too long: the account says who is paid.
fn name(xml: &mut Xml, name: &str) -> io::Result<()> {
    text(xml, "Nm", &name.chars().take(NAME_CHARS_MAX).collect::<String>())
}

/// An id of at most 35 characters: our ids begin with the same time, so what counts is at the end.
fn short(id: &str) -> String {
    last(id, ID_CHARS_MAX)
}

fn last(text: &str, chars_max: usize) -> String {
    let surplus = text.chars().count().saturating_sub(chars_max);
    text.chars().skip(surplus).collect()
}
