//! How strict a namespace is about the schemas that follow one another.

use std::str::FromStr;

/// Which of two schemas must be able to read what the other wrote. Names and meanings are Pulsar's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// Left to the broker, whose default is [`Strategy::Full`].
    Undefined,
    AlwaysIncompatible,
    AlwaysCompatible,
    /// The new schema reads what the newest wrote.
    Backward,
    /// The newest schema reads what the new one writes.
    Forward,
    /// Both.
    Full,
    /// As [`Strategy::Backward`], with every version.
    BackwardTransitive,
    ForwardTransitive,
    FullTransitive,
}

/// Not the name of a strategy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no compatibility strategy: they are {names}", names = NAMES.map(|(name, _)| name).join(", "))]
pub struct UnknownStrategy(String);

const NAMES: [(&str, Strategy); 9] = [
    ("UNDEFINED", Strategy::Undefined),
    ("ALWAYS_INCOMPATIBLE", Strategy::AlwaysIncompatible),
    ("ALWAYS_COMPATIBLE", Strategy::AlwaysCompatible),
    ("BACKWARD", Strategy::Backward),
    ("FORWARD", Strategy::Forward),
    ("FULL", Strategy::Full),
    ("BACKWARD_TRANSITIVE", Strategy::BackwardTransitive),
    ("FORWARD_TRANSITIVE", Strategy::ForwardTransitive),
    ("FULL_TRANSITIVE", Strategy::FullTransitive),
];

impl Strategy {
    pub fn name(self) -> &'static str {
        let named = NAMES.iter().find(|(_, strategy)| *strategy == self);
        named.map(|(name, _)| *name).expect("the table has every strategy")
    }

    /// What it comes to where nobody said more.
    pub const fn or_default(self) -> Self {
        match self {
            Self::Undefined => Self::Full,
            other => other,
        }
    }

    pub(crate) const fn is_transitive(self) -> bool {
        matches!(self, Self::BackwardTransitive | Self::ForwardTransitive | Self::FullTransitive)
    }

    pub(crate) const fn new_reads_old(self) -> bool {
        matches!(self, Self::Backward | Self::BackwardTransitive | Self::Full | Self::FullTransitive)
    }

    pub(crate) const fn old_reads_new(self) -> bool {
        matches!(self, Self::Forward | Self::ForwardTransitive | Self::Full | Self::FullTransitive)
    }
}

impl FromStr for Strategy {
    type Err = UnknownStrategy;

    fn from_str(name: &str) -> Result<Self, UnknownStrategy> {
        let named = NAMES.iter().find(|(known, _)| *known == name);
        named.map(|(_, strategy)| *strategy).ok_or_else(|| UnknownStrategy(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strategy_has_one_name() {
        for (name, strategy) in NAMES {
            assert_eq!((name.parse(), strategy.name()), (Ok(strategy), name));
        }
        let refused = "SIDEWAYS".parse::<Strategy>().unwrap_err().to_string();
        assert!(refused.contains("\"SIDEWAYS\"") && refused.contains("FULL_TRANSITIVE"), "{refused}");
    }
}
