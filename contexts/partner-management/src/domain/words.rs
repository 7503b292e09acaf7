//! The words of the seeds for kinds and states, as types.

/// An enum each of whose values has a name on the wire.
macro_rules! words {
    ($(#[$doc:meta])* pub enum $name:ident { $($(#[$of:meta])* $value:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$of])* $value),+
        }

        impl $name {
            /// Each with its name.
            pub const WORDS: &'static [(&'static str, Self)] = &[$(($word, Self::$value)),+];

            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$value => $word),+
                }
            }

            pub fn parse(word: &str) -> Option<Self> {
                Self::WORDS.iter().find(|(name, _)| *name == word).map(|(_, value)| *value)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

words! {
    /// What a partner is; it says what is checked.
    pub enum PartnerType {
        Individual = "INDIVIDUAL",
        Company = "EMPRESA",
        Startup = "STARTUP",
    }
}

words! {
    /// Which contract a partner would have, or has.
    pub enum ContractType {
        Standard = "STANDARD",
        Premium = "PREMIUM",
        Enterprise = "ENTERPRISE",
    }
}

words! {
    /// How a partner came.
    pub enum RegistrationSource {
        Web = "WEB",
        Api = "API",
        Referral = "REFERRAL",
    }
}

words! {
    /// How far it goes with a partner.
    pub enum PartnerStatus {
        Registered = "REGISTERED",
        /// A contract is signed.
        Contracted = "CONTRACTED",
        /// A contract was activated.
        Validated = "VALIDATED",
        Suspended = "SUSPENDED",
        /// For good.
        Terminated = "TERMINATED",
    }
}

words! {
    /// What the checks of a partner come to.
    pub enum ValidationStatus {
        /// None was passed.
        Pending = "PENDING",
        /// Some were.
        Partial = "PARTIAL",
        /// All were.
        Complete = "COMPLETE",
    }
}

words! {
    pub enum DocumentKind {
        Identity = "IDENTITY",
        TaxId = "TAX_ID",
        Incorporation = "INCORPORATION",
        LegalRepresentation = "LEGAL_REPRESENTATION",
        BankAccount = "BANK_ACCOUNT",
        ProofOfAddress = "PROOF_OF_ADDRESS",
        Other = "OTHER",
    }
}

words! {
    pub enum DocumentStatus {
        /// Nobody looked at it yet.
        Submitted = "SUBMITTED",
        Verified = "VERIFIED",
        Rejected = "REJECTED",
        /// It was verified, and is no longer valid.
        Expired = "EXPIRED",
    }
}

words! {
    pub enum ExperienceLevel {
        Junior = "JUNIOR",
        Mid = "MID",
        Senior = "SENIOR",
        Expert = "EXPERT",
    }
}

words! {
    pub enum JobType {
        FullTime = "FULL_TIME",
        PartTime = "PART_TIME",
        Contract = "CONTRACT",
    }
}

words! {
    pub enum Urgency {
        Low = "LOW",
        Normal = "NORMAL",
        High = "HIGH",
        Urgent = "URGENT",
    }
}

words! {
    /// Where candidates are looked for.
    pub enum CandidateSource {
        Internal = "INTERNAL",
        External = "EXTERNAL",
        Referrals = "REFERRALS",
    }
}

words! {
    /// How far it goes with a request for people.
    pub enum RequestStatus {
        Open = "OPEN",
        /// Candidates were found.
        Matched = "MATCHED",
        /// As many were hired as were looked for.
        Filled = "FILLED",
        Cancelled = "CANCELLED",
        /// Its time was over before it was filled.
        Expired = "EXPIRED",
    }
}

words! {
    /// What the recruiters say in the end.
    pub enum Outcome {
        Filled = "FILLED",
        Closed = "CLOSED",
        Cancelled = "CANCELLED",
    }
}

words! {
    pub enum AlertType {
        Warning = "WARNING",
        Critical = "CRITICAL",
        Exhausted = "EXHAUSTED",
    }
}

words! {
    /// What an amount of pay is for.
    pub enum PayPeriod {
        Year = "YEAR",
        Month = "MONTH",
        Hour = "HOUR",
    }
}

words! {
    /// Why a snapshot of a partner's figures was taken.
    pub enum SnapshotTrigger {
        Change = "CHANGE",
        Daily = "DAILY",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_read_as_it_is_written() {
        for (word, value) in PartnerStatus::WORDS {
            assert_eq!((PartnerStatus::parse(word), value.name()), (Some(*value), *word));
        }
        assert_eq!(PartnerType::parse("empresa"), None);
        assert_eq!(PartnerType::Company.to_string(), "EMPRESA");
    }
}
