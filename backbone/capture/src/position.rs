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
    /// When that file was made, in seconds since 1970; 0 where nobody has said. A log that was reset has other files of the
    /// same names. Positions of two such files are not told apart: there is one log at a time.
    pub made: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no position in a log; write FILE:OFFSET or OFFSET")]
pub struct PositionError(String);

impl Position {
    pub fn new(file: impl Into<ByteString>, offset: u64) -> Self {
        Self { file: file.into(), offset, made: 0 }
    }

    /// Its text with what the file is known by, `FILE:OFFSET@MADE`, for who goes on there later.
    pub fn kept(&self) -> String {
        if self.made == 0 { self.to_string() } else { format!("{self}@{}", self.made) }
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
        let (offset, made) = rest.split_once('@').unwrap_or((rest, "0"));
        Ok(Self {
            file: file.into(),
            offset: offset.parse().map_err(wrong)?,
            made: made.parse().map_err(wrong)?,
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
        let kept = Position { made: 1_764_300_000, ..Position::new("bin.1", 26) };
        assert_eq!((kept.to_string().as_str(), kept.kept().as_str()), ("bin.1:26", "bin.1:26@1764300000"));
        assert_eq!(kept.kept().parse::<Position>().map(|kept| kept.made), Ok(kept.made));
        assert!("bin.1:26@".parse::<Position>().is_err());
        assert!("bin.1:x".parse::<Position>().is_err());
    }
}
