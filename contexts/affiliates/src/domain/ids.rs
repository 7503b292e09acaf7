//! The names of things, and the codes that affiliates go by.

use std::fmt;

use hexalpes_kernel::{Uuid, opaque_id};

opaque_id! {
    /// A program: ours begin with `prog_`, and whoever makes one may choose another.
    pub struct ProgramId = "prog_";
}
opaque_id! {
    /// An affiliate. We make these: a UUID in version 7 behind a prefix.
    pub struct AffiliateId = "af_";
}
opaque_id! {
    /// A link of an affiliate.
    pub struct LinkId = "link_";
}
opaque_id! {
    /// What a link advertises.
    pub struct CampaignId;
}

impl ProgramId {
    /// The program that is there from the start.
    pub fn default_program() -> Self {
        Self("default".to_owned())
    }
}

/// What customers name an affiliate by: 3 to 32 letters, digits, `-` and `_` of ASCII, in capitals.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AffiliateCode(String);

const CODE_CHARS: std::ops::RangeInclusive<usize> = 3..=32;
/// Crockford's alphabet: no letter that looks like a digit.
const ALPHABET: [u8; 32] = *b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const MADE_CHARS: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 3 to 32 letters, digits, - or _ of ASCII")]
pub struct CodeError;

impl AffiliateCode {
    pub fn parse(raw: &str) -> Result<Self, CodeError> {
        let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if CODE_CHARS.contains(&raw.len()) && raw.bytes().all(is_fine) {
            return Ok(Self(raw.to_ascii_uppercase()));
        }
        Err(CodeError)
    }

    /// A code of eight characters out of the random bits of a UUID: of a trillion.
    pub fn of(uuid: Uuid) -> Self {
        Self(made(uuid))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Eight characters out of the last 40 bits, which are random in every version that we make.
pub(super) fn made(uuid: Uuid) -> String {
    let bits = uuid.as_u128();
    let index = |place: usize| (bits >> (5 * place)) as usize & 31;
    (0..MADE_CHARS).map(|place| char::from(ALPHABET[index(place)])).collect()
}

impl fmt::Display for AffiliateCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_the_same_in_either_case() {
        assert_eq!(AffiliateCode::parse("juan-10"), AffiliateCode::parse("JUAN-10"));
        for wrong in ["", "ab", "juan pérez", "ñandú", &"a".repeat(33), "a/b"] {
            assert_eq!(AffiliateCode::parse(wrong), Err(CodeError), "{wrong}");
        }
    }

    #[test]
    fn a_made_code_is_one_that_parses() {
        let code = AffiliateCode::of(Uuid::from_u128(0x0190_0000_0000_7000_8000_00ff_1234_5678));
        assert_eq!(AffiliateCode::parse(code.as_str()), Ok(code));
    }
}
