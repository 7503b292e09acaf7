//! Ids: opaque strings of at most 64 characters and 255 bytes, compared byte by byte.

/// Characters that an id may have.
pub(crate) const LENGTH_MAX: usize = 64;
/// Bytes that an id may have in UTF-8: what a column of ids holds on MySQL and MariaDB.
const BYTES_MAX: usize = 255;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    #[error("must not be empty")]
    Empty,
    #[error("has more than {LENGTH_MAX} characters, or {BYTES_MAX} bytes")]
    TooLong,
    #[error("must not begin or end with a blank")]
    SurroundingBlanks,
    #[error("must not contain control characters")]
    ControlCharacter,
}

/// Checks what somebody else gave as an id; nothing is trimmed or folded, so that equal means the same bytes.
pub fn parse_opaque(raw: &str) -> Result<String, IdError> {
    if raw.is_empty() {
        return Err(IdError::Empty);
    }
    if raw.len() > BYTES_MAX || raw.chars().nth(LENGTH_MAX).is_some() {
        return Err(IdError::TooLong);
    }
    if raw.trim() != raw {
        return Err(IdError::SurroundingBlanks);
    }
    if raw.chars().any(char::is_control) {
        return Err(IdError::ControlCharacter);
    }
    Ok(raw.to_owned())
}

/// Declares an id as a type of its own. With a prefix it can also be made from a UUID: `com_0190…`.
///
/// ```
/// hexalpes_kernel::opaque_id! {
///     /// The conversion that somebody reported.
///     pub struct ConversionId;
/// }
/// hexalpes_kernel::opaque_id! {
///     /// One of our commissions.
///     pub struct CommissionId = "com_";
/// }
/// assert_eq!(ConversionId::parse("conv-001")?.as_str(), "conv-001");
/// assert!(CommissionId::new(hexalpes_kernel::Uuid::nil()).as_str().starts_with("com_"));
/// # Ok::<(), hexalpes_kernel::IdError>(())
/// ```
#[macro_export]
macro_rules! opaque_id {
    ($(#[$doc:meta])* $visibility:vis struct $name:ident $(= $prefix:literal)?;) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $visibility struct $name(String);

        impl $name {
            pub fn parse(raw: &str) -> Result<Self, $crate::IdError> {
                $crate::parse_opaque(raw).map(Self)
            }

            $(
                /// A new id of ours, sortable by the time in its UUIDv7.
                pub fn new(uuid: $crate::Uuid) -> Self {
                    Self(format!(concat!($prefix, "{}"), uuid.simple()))
                }
            )?

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_keep_their_bytes() {
        assert_eq!(parse_opaque("Ñandú & Cía 📡").unwrap(), "Ñandú & Cía 📡");
        assert_eq!(parse_opaque(&"á".repeat(64)).unwrap().chars().count(), 64);
    }

    #[test]
    fn what_is_no_id_says_why() {
        assert_eq!(parse_opaque(""), Err(IdError::Empty));
        assert_eq!(parse_opaque(&"a".repeat(65)), Err(IdError::TooLong));
        assert_eq!(parse_opaque(&"📡".repeat(63)).as_deref(), Ok("📡".repeat(63).as_str()));
        assert_eq!(parse_opaque(&"📡".repeat(64)), Err(IdError::TooLong));
        assert_eq!(parse_opaque(" a"), Err(IdError::SurroundingBlanks));
        assert_eq!(parse_opaque("a\u{a0}"), Err(IdError::SurroundingBlanks));
        assert_eq!(parse_opaque("a\0b"), Err(IdError::ControlCharacter));
    }
}
