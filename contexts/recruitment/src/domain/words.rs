//! The words of this context that have a fixed spelling on the wire and in the database.

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($variant:ident = $word:literal),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($variant),+
        }

        impl $name {
            /// Each spelling and what it means.
            pub const WORDS: &'static [(&'static str, Self)] = &[$(($word, Self::$variant)),+];

            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }

            pub fn parse(word: &str) -> Option<Self> {
                Self::WORDS.iter().find(|(known, _)| *known == word).map(|(_, value)| *value)
            }
        }
    )+};
}

words! {
    /// How experienced somebody must be.
    ExperienceLevel { Junior = "JUNIOR", Mid = "MID", Senior = "SENIOR", Expert = "EXPERT" }
    JobType { FullTime = "FULL_TIME", PartTime = "PART_TIME", Contract = "CONTRACT" }
    Urgency { Low = "LOW", Normal = "NORMAL", High = "HIGH", Urgent = "URGENT" }
    /// Where candidates come from.
    Source { Internal = "INTERNAL", External = "EXTERNAL", Referrals = "REFERRALS" }
    EmploymentType { Permanent = "PERMANENT", Contract = "CONTRACT", Internship = "INTERNSHIP" }
    SkillLevel {
        Beginner = "BEGINNER",
        Intermediate = "INTERMEDIATE",
        Advanced = "ADVANCED",
        Expert = "EXPERT",
    }
    /// What an amount of pay is for.
    Period { Year = "YEAR", Month = "MONTH", Hour = "HOUR" }
    CostKind {
        Advertising = "ADVERTISING",
        Agency = "AGENCY",
        Referral = "REFERRAL",
        Assessment = "ASSESSMENT",
        Travel = "TRAVEL",
        Other = "OTHER",
    }
    InterviewMode { Onsite = "ONSITE", Video = "VIDEO", Phone = "PHONE" }
    /// What an interviewer says.
    Verdict { StrongYes = "STRONG_YES", Yes = "YES", No = "NO", StrongNo = "STRONG_NO" }
}

impl ExperienceLevel {
    /// Years of work from which on somebody has it.
    pub fn years(self) -> u8 {
        match self {
            Self::Junior => 0,
            Self::Mid => 2,
            Self::Senior => 5,
            Self::Expert => 8,
        }
    }
}

impl SkillLevel {
    /// The years of practice that it stands for where nobody counted them.
    pub fn years(self) -> u8 {
        match self {
            Self::Beginner => 1,
            Self::Intermediate => 2,
            Self::Advanced => 4,
            Self::Expert => 7,
        }
    }
}

impl Urgency {
    /// Days from the request to when somebody is to begin, where no day was named.
    pub fn days(self) -> i32 {
        match self {
            Self::Low => 90,
            Self::Normal => 60,
            Self::High => 30,
            Self::Urgent => 14,
        }
    }
}

impl Period {
    /// How many of it a year of work has: 40 hours in each of 52 weeks.
    pub fn in_a_year(self) -> i128 {
        match self {
            Self::Year => 1,
            Self::Month => 12,
            Self::Hour => 2_080,
        }
    }
}
