//! A payout as ISO 20022 `CustomerCreditTransferInitiationV09` (`pain.001.001.09`), one transaction for each line.
//!
//! Element names and their order are those of the message definition. `EndToEndId` is made of the line's key.

use std::io;

use hexalpes_kernel::{Money, Timestamp};
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::open;
use crate::domain::{Line, Payout};
use crate::requests::Debtor;

const NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09";
/// `Max35Text`, of ids.
const ID_CHARS_MAX: usize = 35;

type Xml = Writer<Vec<u8>>;

/// The open lines, as of `now`.
pub(crate) fn pain001(payout: &Payout, debtor: &Debtor, now: Timestamp) -> io::Result<Vec<u8>> {
    let lines: Vec<&Line> = open(payout).collect();
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
                lines.iter().try_for_each(|line| transaction(xml, payout, line))
            })
        })
    })?;
    Ok(xml.into_inner())
}

/// The bank, by its BIC where it is known.
fn agent(xml: &mut Xml, debtor: &Debtor) -> io::Result<()> {
    match &debtor.bic {
        Some(bic) => text(xml, "BICFI", bic),
        None => within(xml, "Othr", |xml| text(xml, "Id", "NOTPROVIDED")),
    }
}

fn transaction(xml: &mut Xml, payout: &Payout, line: &Line) -> io::Result<()> {
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
        within(xml, "Cdtr", |xml| text(xml, "Nm", line.partner.as_str()))?;
        within(xml, "CdtrAcct", |xml| {
            within(xml, "Id", |xml| {
                within(xml, "Othr", |xml| {
                    text(xml, "Id", &last(line.partner.as_str(), 34))?;
                    within(xml, "SchmeNm", |xml| text(xml, "Prtry", "AFFILIATE"))
                })
            })
        })?;
        within(xml, "RmtInf", |xml| text(xml, "Ustrd", &line.key(&payout.id)))
    })
}

fn within(xml: &mut Xml, name: &str, inner: impl FnOnce(&mut Xml) -> io::Result<()>) -> io::Result<()> {
    xml.create_element(name).write_inner_content(inner).map(|_| ())
}

fn text(xml: &mut Xml, name: &str, content: &str) -> io::Result<()> {
    xml.create_element(name).write_text_content(BytesText::new(content)).map(|_| ())
}

/// An id of at most 35 characters: our ids begin with the same time, so what counts is at the end.
fn short(id: &str) -> String {
    last(id, ID_CHARS_MAX)
}

fn last(text: &str, chars_max: usize) -> String {
    let surplus = text.chars().count().saturating_sub(chars_max);
    text.chars().skip(surplus).collect()
}
