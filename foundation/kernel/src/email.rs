//! An e-mail address, as far as a program may judge it: whether it works, only a message tells.

use std::fmt;

/// Octets that an address may have (RFC 5321, section 4.5.3.1.3, less the brackets).
const BYTES_MAX: usize = 254;

/// An address as it was given. Two that differ in case alone are the same ([`Email::key`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an e-mail address, such as juan@email.com")]
pub struct EmailError;

impl Email {
    pub fn parse(raw: &str) -> Result<Self, EmailError> {
        let (local, domain) = raw.rsplit_once('@').ok_or(EmailError)?;
        let is_fine = |char: char| !char.is_whitespace() && !char.is_control();
        let has_labels = domain.contains('.') && domain.split('.').all(|label| !label.is_empty());
        // In small letters some characters are longer.
        let is_short = raw.len() <= BYTES_MAX && raw.to_lowercase().len() <= BYTES_MAX;
        if local.is_empty() || local.contains('@') || !has_labels || !is_short || !raw.chars().all(is_fine) {
            return Err(EmailError);
        }
        Ok(Self(raw.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What makes two addresses the same.
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_name_and_a_domain_with_a_dot() {
        for right in ["juan@email.com", "Juan.Pérez+x@correo.ejemplo.co", "a@b.c"] {
            assert_eq!(Email::parse(right).unwrap().as_str(), right);
        }
        for wrong in ["", "juan", "@email.com", "juan@", "juan@email", "a@b@c.d", "a b@c.d", "a@b..c", "a@.b"]
        {
            assert_eq!(Email::parse(wrong), Err(EmailError), "{wrong}");
        }
        for name in ["a".repeat(250), "İ".repeat(100)] {
            assert_eq!(Email::parse(&format!("{name}@b.co")), Err(EmailError));
        }
    }

    #[test]
    fn case_does_not_make_another_address() {
        let key = |raw| Email::parse(raw).unwrap().key();
        assert_eq!(key("Juan@Email.COM"), key("juan@email.com"));
        assert_eq!(key("JOSÉ@x.co"), key("josé@x.co"));
    }
}
