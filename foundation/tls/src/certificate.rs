//! What of a certificate counts here (RFC 5280): whose it is, and, of the first version that webpki does not read,
//! whether an authority signed it.

use std::time::Duration;

use rustls::{
    RootCertStore,
    pki_types::{
        AlgorithmIdentifier, CertificateDer, SignatureVerificationAlgorithm, SubjectPublicKeyInfoDer,
    },
};

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// The tag of a version, which the first has not.
const VERSION: u8 = 0xa0;
/// `2.5.4.3`
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

/// The common name of a certificate's subject: the most specific, if there are more. None if there is none, or it is
/// no UTF-8.
pub fn common_name(certificate: &CertificateDer<'_>) -> Option<String> {
    let mut names = Parsed::of(certificate)?.subject;
    let mut found = None;
    while !names.is_empty() {
        let (mut set, rest) = value(names, SET)?;
        names = rest;
        while !set.is_empty() {
            let (attribute, others) = value(set, SEQUENCE)?;
            set = others;
            let (kind, text) = value(attribute, OID)?;
            if kind == COMMON_NAME {
                found = Some(any(text)?.1);
            }
        }
    }
    let name = String::from_utf8(found?.to_vec()).ok()?;
    Some(name).filter(|name| !name.trim().is_empty())
}

/// Parts of a certificate, in its own bytes.
pub(crate) struct Parsed<'a> {
    /// What is signed, with its tag and length.
    signed: &'a [u8],
    is_first_version: bool,
    issuer: &'a [u8],
    not_before: Duration,
    not_after: Duration,
    subject: &'a [u8],
    /// With its tag and length.
    key: &'a [u8],
    algorithm: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Parsed<'a> {
    pub(crate) fn of(certificate: &'a CertificateDer<'_>) -> Option<Self> {
        let (whole, _) = value(certificate, SEQUENCE)?;
        let (body, rest) = value(whole, SEQUENCE)?;
        let signed = before(whole, rest)?;
        let (algorithm, rest) = value(rest, SEQUENCE)?;
        let (signature, _) = value(rest, BIT_STRING)?;
        let is_first_version = body.first() != Some(&VERSION);
        let body = if is_first_version { body } else { value(body, VERSION)?.1 };
        let (_serial, body) = value(body, INTEGER)?;
        let (_algorithm, body) = value(body, SEQUENCE)?;
        let (issuer, body) = value(body, SEQUENCE)?;
        let (validity, body) = value(body, SEQUENCE)?;
        let (subject, body) = value(body, SEQUENCE)?;
        let (_, rest) = value(body, SEQUENCE)?;
        let (not_before, validity) = time(validity)?;
        let (not_after, _) = time(validity)?;
        Some(Self {
            signed,
            is_first_version,
            issuer,
            not_before,
            not_after,
            subject,
            key: before(body, rest)?,
            algorithm,
            signature: signature.strip_prefix(&[0])?,
        })
    }

    pub(crate) fn is_first_version(&self) -> bool {
        self.is_first_version
    }

    /// The certificate's key, as TLS 1.3 takes one without a certificate.
    pub(crate) fn key(&self) -> SubjectPublicKeyInfoDer<'a> {
        SubjectPublicKeyInfoDer::from(self.key)
    }

    /// The same taken apart: of which kind it is, and the key itself.
    pub(crate) fn key_parts(&self) -> Option<(AlgorithmIdentifier, &'a [u8])> {
        key_parts(value(self.key, SEQUENCE)?.0)
    }

    /// Whether it counts at this time, since 1970.
    pub(crate) fn counts_at(&self, now: Duration) -> bool {
        (self.not_before..=self.not_after).contains(&now)
    }

    /// Whether one of these authorities itself signed it.
    pub(crate) fn is_signed_by(
        &self,
        roots: &RootCertStore,
        algorithms: &[&dyn SignatureVerificationAlgorithm],
    ) -> bool {
        roots.roots.iter().filter(|root| &*root.subject == self.issuer).any(|root| {
            let Some((kind, key)) = key_parts(&root.subject_public_key_info) else { return false };
            algorithms.iter().any(|algorithm| {
                *algorithm.signature_alg_id() == *self.algorithm
                    && algorithm.public_key_alg_id() == kind
                    && algorithm.verify_signature(key, self.signed, self.signature).is_ok()
            })
        })
    }
}

fn key_parts(info: &[u8]) -> Option<(AlgorithmIdentifier, &[u8])> {
    let (kind, rest) = value(info, SEQUENCE)?;
    let (key, _) = value(rest, BIT_STRING)?;
    // Kinds live as long as the program there; the few that there are do so here.
    let kind = KINDS.into_iter().find(|known| AsRef::<[u8]>::as_ref(*known) == kind)?;
    Some((*kind, key.strip_prefix(&[0])?))
}

/// The kinds of keys that can be checked with.
const KINDS: [&AlgorithmIdentifier; 4] = [
    &rustls::pki_types::alg_id::RSA_ENCRYPTION,
    &rustls::pki_types::alg_id::ECDSA_P256,
    &rustls::pki_types::alg_id::ECDSA_P384,
    &rustls::pki_types::alg_id::ED25519,
];

/// What of the first lies before the second, which ends it.
fn before<'a>(whole: &'a [u8], rest: &[u8]) -> Option<&'a [u8]> {
    whole.get(..whole.len().checked_sub(rest.len())?)
}

fn value(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, value, rest) = element(der)?;
    (found == tag).then_some((value, rest))
}

/// The first element, whatever it is: its tag and its value.
fn any(der: &[u8]) -> Option<(u8, &[u8])> {
    element(der).map(|(tag, value, _)| (tag, value))
}

/// Tag, value, and what comes after the first element.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, first], rest) = der.split_first_chunk::<2>()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 => {
            let (&length, rest) = rest.split_first()?;
            (usize::from(length), rest)
        }
        0x82 => {
            let (&length, rest) = rest.split_first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(length)), rest)
        }
        _ => return None,
    };
    let (value, rest) = rest.split_at_checked(length)?;
    Some((tag, value, rest))
}

/// A time, since 1970, in either of the two ways of writing it.
fn time(der: &[u8]) -> Option<(Duration, &[u8])> {
    let (tag, text, rest) = element(der)?;
    let text = str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (year, text) = match tag {
        UTC_TIME => {
            let (year, text) = text.split_at_checked(2)?;
            let year: u64 = year.parse().ok()?;
            (if year >= 50 { 1900 + year } else { 2000 + year }, text)
        }
        GENERALIZED_TIME => {
            let (year, text) = text.split_at_checked(4)?;
            (year.parse().ok()?, text)
        }
        _ => return None,
    };
    if text.len() != 10 || !text.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let two = |at: usize| text[at..at + 2].parse::<u64>().ok();
    let (month, day, hour, minute, second) = (two(0)?, two(2)?, two(4)?, two(6)?, two(8)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let days = days_since_1970(year, month, day)?;
    Some((Duration::from_secs(((days * 24 + hour) * 60 + minute) * 60 + second), rest))
}

/// Of the Gregorian calendar, with years that begin in March; what is before 1970 is its first day.
fn days_since_1970(year: u64, month: u64, day: u64) -> Option<u64> {
    let year = if month <= 2 { year.checked_sub(1)? } else { year };
    let month = (month + 9) % 12;
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 306 + 5) / 10 + day - 1;
    Some(days.saturating_sub(719_468))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(tag: u8, text: &str) -> Option<u64> {
        let mut der = vec![tag, u8::try_from(text.len()).expect("it is short")];
        der.extend(text.as_bytes());
        time(&der).map(|(time, _)| time.as_secs())
    }

    #[test]
    fn times_are_read_in_both_ways_of_writing_them() {
        assert_eq!(seconds(UTC_TIME, "700101000000Z"), Some(0));
        assert_eq!(seconds(UTC_TIME, "210217165655Z"), Some(1_613_581_015));
        assert_eq!(seconds(GENERALIZED_TIME, "20000229235959Z"), Some(951_868_799));
        assert_eq!(seconds(UTC_TIME, "491231235959Z"), Some(2_524_607_999));
        for wrong in ["", "Z", "2102171656Z", "211317165655Z", "21021716565xZ", "210217165655"] {
            assert_eq!(seconds(UTC_TIME, wrong), None, "{wrong}");
        }
        assert_eq!(seconds(0x04, "700101000000Z"), None);
    }
}
