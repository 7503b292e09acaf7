//! How to reach somebody: an e-mail address, a telephone number. Each belongs to one candidate.

use std::fmt;

/// Characters that an address may have (RFC 5321, section 4.5.3.1.3, less the brackets).
const EMAIL_BYTES_MAX: usize = 254;
/// Digits that a number may have with its country's (ITU-T E.164).
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// An address as it was given. Two that differ in case alone are the same ([`Email::key`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an e-mail address, such as ana@email.com")]
pub struct EmailError;

impl Email {
    pub fn parse(raw: &str) -> Result<Self, EmailError> {
        let (local, domain) = raw.rsplit_once('@').ok_or(EmailError)?;
        let has_labels = domain.contains('.') && domain.split('.').all(|label| !label.is_empty());
        let is_fine = |char: char| !char.is_whitespace() && !char.is_control();
        let is_address = !local.is_empty() && !local.contains('@') && has_labels;
        // In small letters some characters are longer.
        let is_short = raw.len() <= EMAIL_BYTES_MAX && raw.to_lowercase().len() <= EMAIL_BYTES_MAX;
        if is_address && is_short && raw.chars().all(is_fine) {
            return Ok(Self(raw.to_owned()));
        }
        Err(EmailError)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What makes two addresses the same.
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

/// A number with its country's, as E.164 has it: `+573001234567`. So it is the same however it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phone(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a number with its country's, such as +57 300 123 4567")]
pub struct PhoneError;

impl Phone {
    pub fn parse(raw: &str) -> Result<Self, PhoneError> {
        let trimmed = raw.trim();
        let number = trimmed.strip_prefix('+').or_else(|| trimmed.strip_prefix("00")).ok_or(PhoneError)?;
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        let is_written = number
            .chars()
            .all(|char| char.is_ascii_digit() || matches!(char, ' ' | '-' | '.' | '(' | ')' | '/'));
        if is_written && PHONE_DIGITS.contains(&digits.len()) {
            return Ok(Self(format!("+{digits}")));
        }
        Err(PhoneError)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_the_same_however_it_was_written() {
        let phone = |raw| Phone::parse(raw).unwrap();
        assert_eq!(phone("+57 (300) 123-45.67"), phone("00573001234567"));
        for wrong in ["", "300 123 4567", "+12", "+57 300 CALL", "+1234567890123456"] {
            assert_eq!(Phone::parse(wrong), Err(PhoneError), "{wrong}");
        }
    }

    #[test]
    fn an_address_has_a_name_and_a_domain() {
        assert_eq!(Email::parse("Ana@Email.COM").unwrap().key(), "ana@email.com");
        for wrong in ["", "ana", "ana@", "@x.co", "a@b@c.co", "a b@c.co", "a@b..c"] {
            assert_eq!(Email::parse(wrong), Err(EmailError), "{wrong}");
        }
    }
}
