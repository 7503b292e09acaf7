//! A place in a log between two transactions.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use bytestring::ByteString;

/// A place between two transactions. Its text is `FILE:OFFSET`, or `OFFSET` alone for a log without files (an LSN, in
/// decimal digits); ordered within one log.
#[derive(Clone, Debug, Default)]
pub struct Position {
    /// The log file, such as `mysql-bin.000042`; empty if the log has none.
    pub file: ByteString,
    pub offset: u64,
    /// What the place is known by besides. Positions of two logs are not told apart by it: there is one log at a time.
    pub witness: Witness,
}

/// What a log that was reset or restored has otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Witness {
    /// Where the last transaction with rows ended, in a log without files; else 0.
    pub end: u64,
    /// A digest of that transaction; of a file the second since 1970 in which it was made. 0 where nobody has said.
    pub digest: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no position in a log; write FILE:OFFSET or OFFSET")]
pub struct PositionError(String);

impl Position {
    pub fn new(file: impl Into<ByteString>, offset: u64) -> Self {
        Self { file: file.into(), offset, witness: Witness::default() }
    }

    /// Its text with what it is known by, `FILE:OFFSET@WITNESS`, for who goes on there later.
    pub fn kept(&self) -> String {
        match self.witness {
            Witness { digest: 0, .. } => self.to_string(),
            Witness { end: 0, digest } => format!("{self}@{digest}"),
            Witness { end, digest } => format!("{self}@{end}-{digest}"),
        }
    }

    /// The number that a log file's name ends with. It is compared as a number: `.1000000` follows `.999999`.
    fn number(&self) -> u64 {
        self.file.rsplit('.').next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
    }
}

impl Ord for Position {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_number = (self.number(), self.offset).cmp(&(other.number(), other.offset));
        by_number.then_with(|| self.file.cmp(&other.file))
    }
}

impl PartialEq for Position {
    fn eq(&self, other: &Self) -> bool {
        (&self.file, self.offset) == (&other.file, other.offset)
    }
}

impl Eq for Position {}

impl Hash for Position {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.file, self.offset).hash(state);
    }
}

impl PartialOrd for Position {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.file.is_empty() {
            write!(f, "{}", self.offset)
        } else {
            write!(f, "{}:{}", self.file, self.offset)
        }
    }
}

impl FromStr for Position {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Self, PositionError> {
        let wrong = |_| PositionError(text.to_owned());
        let (file, rest) = text.rsplit_once(':').unwrap_or(("", text));
        let (offset, witness) = rest.split_once('@').unwrap_or((rest, "0"));
        let (end, digest) = witness.split_once('-').unwrap_or(("0", witness));
        Ok(Self {
            file: file.into(),
            offset: offset.parse().map_err(wrong)?,
            witness: Witness { end: end.parse().map_err(wrong)?, digest: digest.parse().map_err(wrong)? },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_ordered_by_the_numbers_of_their_files_and_read_as_they_are_written() {
        let texts = ["mysql-bin.999999:900", "mysql-bin.1000000:4", "mysql-bin.1000000:157"];
        let positions = texts.map(|text| text.parse::<Position>().unwrap());
        assert!(positions.is_sorted());
        assert_eq!(positions.map(|position| position.to_string()), texts);
        assert_eq!("26".parse(), Ok(Position::new("", 26)));
        for (witness, file, text) in [
            (Witness { end: 0, digest: 1_764_300_000 }, "bin.1", "bin.1:26@1764300000"),
            (Witness { end: 24, digest: 7 }, "", "26@24-7"),
        ] {
            let kept = Position { witness, ..Position::new(file, 26) };
            assert_eq!(
                (kept.to_string().as_str(), kept.kept().as_str()),
                (text.split_once('@').unwrap().0, text)
            );
            assert_eq!(text.parse::<Position>().map(|kept| kept.witness), Ok(witness));
        }
        assert!("bin.1:26@".parse::<Position>().is_err());
        assert!("bin.1:x".parse::<Position>().is_err());
    }
}
