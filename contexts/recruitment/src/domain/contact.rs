//! A telephone number. It belongs to one candidate, as an e-mail address does.

use std::fmt;

/// Digits that a number may have with its country's (ITU-T E.164).
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

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
}
