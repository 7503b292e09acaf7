//! The words of S2-ENU-1 and S2-ENU-3, the two sides of a contract, and the languages that it may be in.

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

/// A side of a contract: with a partner it is made by the company, of employment by the partner with a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Party {
    Company,
    Partner,
    Candidate,
}

impl Party {
    pub const OF_PARTNERSHIP: [(&'static str, Self); 2] =
        [("COMPANY", Self::Company), ("PARTNER", Self::Partner)];
    pub const OF_EMPLOYMENT: [(&'static str, Self); 2] =
        [("PARTNER", Self::Partner), ("CANDIDATE", Self::Candidate)];
}

/// What a contract is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Language {
    #[default]
    Spanish,
    English,
}

impl Language {
    /// The language of a tag (BCP 47), such as `en-GB`, if it is one of these.
    pub fn of_tag(tag: &str) -> Option<Self> {
        Self::parse(&tag.trim().split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase())
    }

    /// One of two texts that say the same.
    pub fn pick<T>(self, spanish: T, english: T) -> T {
        match self {
            Self::Spanish => spanish,
            Self::English => english,
        }
    }
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
words!(Language, 2, Spanish = "es", English = "en");
words!(Party, 3, Company = "COMPANY", Partner = "PARTNER", Candidate = "CANDIDATE");
