//! Where an affiliate is paid to. It is checked as far as a program can, shown masked, and kept sealed.

use iban::IbanLike as _;

/// Characters that stay visible at the end of what is masked.
const SHOWN: usize = 4;

#[derive(Clone, PartialEq, Eq)]
pub enum PayoutDetails {
    /// A bank account by its international number (ISO 13616).
    Iban { holder: String, iban: String, bic: Option<String> },
    /// A bank account where there are no IBANs.
    Account { holder: String, bank: String, account: String, country: String },
    /// An address of a payment service, such as an e-mail.
    Wallet { address: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayoutError {
    #[error("is no IBAN: its country, length or check digits are wrong")]
    Iban,
    #[error("must be a BIC of 8 or 11 letters and digits (ISO 9362)")]
    Bic,
}

impl PayoutDetails {
    /// An account by its IBAN, with or without blanks.
    pub fn iban(holder: String, iban: &str, bic: Option<&str>) -> Result<Self, PayoutError> {
        let compact: String = iban.chars().filter(|char| *char != ' ').collect();
        let iban: iban::Iban = compact.parse().map_err(|_| PayoutError::Iban)?;
        let bic = bic.map(parse_bic).transpose()?;
        Ok(Self::Iban { holder, iban: iban.electronic_str().to_owned(), bic })
    }

    /// The same with all but the last characters of what could be misused hidden.
    pub fn masked(&self) -> Self {
        match self.clone() {
            Self::Iban { holder, iban, bic } => Self::Iban { holder, iban: mask(&iban), bic },
            Self::Account { holder, bank, account, country } => {
                Self::Account { holder, bank, account: mask(&account), country }
            }
            Self::Wallet { address } => Self::Wallet { address: mask(&address) },
        }
    }
}

/// Never shown whole, also not in a log.
impl std::fmt::Debug for PayoutDetails {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PayoutDetails(…)")
    }
}

/// Eight or eleven: bank, country, place, and perhaps a branch.
fn parse_bic(raw: &str) -> Result<String, PayoutError> {
    let bic = raw.to_ascii_uppercase();
    let is_length = matches!(bic.len(), 8 | 11);
    if !is_length || !bic.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(PayoutError::Bic);
    }
    let has_country = bic.as_bytes()[4..6].iter().all(u8::is_ascii_alphabetic);
    if has_country { Ok(bic) } else { Err(PayoutError::Bic) }
}

/// The last four characters, or none of what is short.
fn mask(text: &str) -> String {
    let length = text.chars().count();
    let shown = if length > 2 * SHOWN { SHOWN } else { 0 };
    let visible: String = text.chars().skip(length - shown).collect();
    format!("••••{visible}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn iban(text: &str) -> Result<PayoutDetails, PayoutError> {
        PayoutDetails::iban("Juan Pérez".to_owned(), text, None)
    }

    #[test]
    fn an_iban_is_checked_and_kept_without_blanks() {
        let details = iban("ES91 2100 0418 4502 0005 1332").unwrap();
        assert!(details == iban("ES9121000418450200051332").unwrap());
        for wrong in ["ES92 2100 0418 4502 0005 1332", "ES91", "", "XX00 0000", "es9121000418450200051332 x"]
        {
            assert_eq!(iban(wrong), Err(PayoutError::Iban), "{wrong}");
        }
    }

    #[test]
    fn a_bic_has_eight_or_eleven_characters_with_a_country_inside() {
        let bic = |bic| PayoutDetails::iban(String::new(), "ES9121000418450200051332", Some(bic));
        assert!(bic("CAIXESBBXXX").is_ok() && bic("caixesbb").is_ok());
        for wrong in ["", "CAIXESB", "CAIX12BB", "CAIXESBB-XX"] {
            assert_eq!(bic(wrong), Err(PayoutError::Bic), "{wrong}");
        }
    }

    #[test]
    fn what_is_shown_cannot_be_used() {
        let PayoutDetails::Iban { iban, .. } = iban("ES9121000418450200051332").unwrap().masked() else {
            unreachable!("it was one");
        };
        assert_eq!(iban, "••••1332");
        assert_eq!(mask("12345678"), "••••");
        assert!(
            !format!("{:?}", PayoutDetails::Wallet { address: "juan@email.com".into() }).contains("juan")
        );
    }
}
