//! A public key out of its envelope (RFC 5280, `SubjectPublicKeyInfo`), as far as ring wants it: without.

/// `1.2.840.113549.1.1.1`
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// `1.2.840.10045.2.1`, and after it the curves `1.2.840.10045.3.1.7` and `1.3.132.0.34`.
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];

const SEQUENCE: u8 = 0x30;
const OID: u8 = 0x06;
const BIT_STRING: u8 = 0x03;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Rsa,
    P256,
    P384,
}

/// The family of a key in DER form, and the key itself; none if it is of no family that tokens are signed with here.
pub(crate) fn open(der: &[u8]) -> Option<(Family, &[u8])> {
    let (envelope, _) = value(der, SEQUENCE)?;
    let (algorithm, rest) = value(envelope, SEQUENCE)?;
    let (kind, parameters) = value(algorithm, OID)?;
    let family = match kind {
        RSA => Family::Rsa,
        EC => match value(parameters, OID)?.0 {
            P256 => Family::P256,
            P384 => Family::P384,
            _ => return None,
        },
        _ => return None,
    };
    let (bits, _) = value(rest, BIT_STRING)?;
    // The first byte says how many bits of the last do not count: none do not.
    let key = bits.strip_prefix(&[0])?;
    Some((family, key))
}

/// The value of the first element, which must have this tag, and what comes after it.
fn value(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, first], rest) = der.split_first_chunk::<2>()?;
    if found != tag {
        return None;
    }
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
    rest.split_at_checked(length)
}
