//! The text of a contract: its template, filled with what was agreed. Frozen, with its digest, when it is sent.
//!
//! Not here: HTML and PDF, which show it.

use hexalpes_kernel::{Amount, Money, Timestamp};
use sha2::{Digest as _, Sha256};

use super::{Contract, Frequency, Language, Party, PaymentMethod, Template, Terms, template};

/// A contract as it was sent to be signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    pub title: String,
    /// As [`Template::body`], filled.
    pub text: String,
    /// What was shown, to the byte: HTML.
    pub html: String,
    /// SHA-256 of the HTML, in hexadecimal.
    pub hash: String,
    pub sent_at: Timestamp,
}

/// SHA-256 in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// A part of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    Heading(String),
    Paragraph(Vec<String>),
}

/// The parts of a text: headings behind `# `, paragraphs between empty lines.
pub fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    for part in text.split("\n\n").map(str::trim).filter(|part| !part.is_empty()) {
        match part.strip_prefix("# ") {
            Some(heading) => blocks.push(Block::Heading(heading.trim().to_owned())),
            None => blocks.push(Block::Paragraph(part.lines().map(|line| line.trim().to_owned()).collect())),
        }
    }
    blocks
}

/// A day of UTC, as in ISO 8601.
pub fn date(at: Timestamp) -> String {
    let (year, month, day) = at.date();
    format!("{year:04}-{month:02}-{day:02}")
}

/// The beginning of a day that is written so.
pub fn parse_date(text: &str) -> Option<Timestamp> {
    let is_date = text.len() == 10 && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit());
    is_date.then(|| Timestamp::parse(&format!("{text}T00:00:00Z")).ok()).flatten()
}

/// The text of a contract by its template, as things stand.
pub fn text_of(contract: &Contract, template: &Template, at: Timestamp) -> String {
    template::fill(&template.body, |name| value(contract, name, at))
}

fn value(contract: &Contract, name: &str, at: Timestamp) -> Option<String> {
    let terms = contract.terms();
    let parties = contract.partner();
    let from = contract.effective_date();
    let language = contract.parts().draft.language;
    Some(match name {
        "contract_id" => contract.id().to_string(),
        "contract_type" => contract.contract_type().name().to_owned(),
        "partner_id" => parties.id.to_string(),
        "partner_type" => parties.partner_type.name().to_owned(),
        "business_name" => parties.business_name.clone(),
        "email" => parties.email.clone(),
        "date" => date(at),
        "effective_date" => {
            from.map_or_else(|| language.pick("su activación", "its activation").to_owned(), date)
        }
        "expiration_date" => match from {
            Some(from) => date(terms.expires(from)),
            None => format!("{} {}", terms.duration_days, language.pick("días después", "days later")),
        },
        "duration_days" => terms.duration_days.to_string(),
        "permissions" => list(terms.permissions.iter().cloned(), language),
        "budget" => budget(terms, language),
        "features" => {
            list(terms.features.iter().filter(|(_, on)| **on).map(|(name, _)| name.clone()), language)
        }
        "sla" => sla(terms, language),
        "commission" => terms.commission.text(language),
        "payment" => payment(terms, language),
        "hold_days" => terms.payment.hold_days.to_string(),
        "signatories" => signatories(contract),
        _ => return None,
    })
}

fn list(words: impl Iterator<Item = String>, language: Language) -> String {
    let words: Vec<String> = words.collect();
    if words.is_empty() { language.pick("ninguno", "none").to_owned() } else { words.join(", ") }
}

fn budget(terms: &Terms, language: Language) -> String {
    let limit = |what: &str, money: Option<Money>| money.map(|money| format!("{money} {what}"));
    let budget = &terms.budget;
    let limits = [
        budget
            .campaigns_max
            .map(|most| format!("{most} {}", language.pick("campañas a la vez", "campaigns at a time"))),
        limit(language.pick("por campaña", "per campaign"), budget.campaign),
        limit(language.pick("por campaña y día", "per campaign and day"), budget.daily),
        limit(language.pick("en total", "in total"), budget.total),
    ];
    list(limits.into_iter().flatten(), language)
}

fn sla(terms: &Terms, language: Language) -> String {
    let sla = &terms.sla;
    let availability = Amount::new(i128::from(sla.availability_bp), 2);
    let (support, response, resolution) = (&sla.support, sla.response_hours, sla.resolution_hours);
    match language {
        Language::Spanish => format!(
            "Soporte {support}; respuesta en {response} h, solución en {resolution} h; disponibilidad mensual del {availability} %"
        ),
        Language::English => format!(
            "Support {support}; response within {response} h, resolution within {resolution} h; monthly availability of {availability} %"
        ),
    }
}

fn payment(terms: &Terms, language: Language) -> String {
    let payment = &terms.payment;
    let frequency = match payment.frequency {
        Frequency::Manual => language.pick("cuando se solicite", "on request"),
        Frequency::Weekly => language.pick("cada semana", "every week"),
        Frequency::Monthly => language.pick("cada mes", "every month"),
    };
    let method = match payment.method {
        PaymentMethod::File => language.pick("por transferencia", "by bank transfer"),
        PaymentMethod::Webhook => language.pick("por orden electrónica", "by electronic order"),
    };
    let (currency, hold, net) = (payment.currency, payment.hold_days, payment.net_days);
    match language {
        Language::Spanish => {
            format!("en {currency}, {frequency}, {method}, tras {hold} días de retención y a {net} días")
        }
        Language::English => {
            format!("in {currency}, {frequency}, {method}, after {hold} days on hold, due after {net} days")
        }
    }
}

fn signatories(contract: &Contract) -> String {
    let language = contract.parts().draft.language;
    let line = |one: &super::Signatory| {
        let side = match one.party {
            Party::Company => language.pick("por HexaBuilders", "for HexaBuilders"),
            Party::Partner => language.pick("por el socio", "for the partner"),
            Party::Candidate => language.pick("por sí", "for himself or herself"),
        };
        format!("{}. {} <{}>, {side}", one.position, one.name, one.email)
    };
    contract.signatories().iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_headings_and_paragraphs() {
        let parts = blocks("# Uno\n\nPrimera\nlínea\n\n\n\n# Dos\n\nFin");
        assert_eq!(parts.len(), 4);
        assert_eq!(parts[1], Block::Paragraph(vec!["Primera".to_owned(), "línea".to_owned()]));
        assert_eq!(parts[2], Block::Heading("Dos".to_owned()));
    }

    #[test]
    fn a_digest_is_that_of_everybody_else() {
        assert_eq!(sha256(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
