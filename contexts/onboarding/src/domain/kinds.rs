//! The words of S2-ENU-1 and S2-ENU-3, and the two sides of a contract.

/// Which contract a partner gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ContractType {
    Standard,
    Premium,
    Enterprise,
}

/// What a partner is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PartnerType {
    Individual,
    Empresa,
    Startup,
}

/// A side of a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Party {
    Company,
    Partner,
}

macro_rules! words {
    ($name:ident, $count:literal, $($variant:ident = $word:literal),+) => {
        impl $name {
            /// Each with its name on every wire.
            pub const ALL: [(&'static str, Self); $count] = [$(($word, Self::$variant)),+];

            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }

            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().find(|(known, _)| *known == word).map(|(_, value)| *value)
            }
        }
    };
}
pub(super) use words;

words!(ContractType, 3, Standard = "STANDARD", Premium = "PREMIUM", Enterprise = "ENTERPRISE");
words!(PartnerType, 3, Individual = "INDIVIDUAL", Empresa = "EMPRESA", Startup = "STARTUP");
words!(Party, 2, Company = "COMPANY", Partner = "PARTNER");
