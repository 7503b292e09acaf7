//! Why a report that was made is made again.

/// What changed after a report was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Renewal {
    /// Spend of the period came late, or was corrected.
    Spend,
    /// Results of the period came late.
    Results,
    /// What the period is compared with.
    PeriodBefore,
}

impl Renewal {
    pub const ALL: [Self; 3] = [Self::Spend, Self::Results, Self::PeriodBefore];

    pub fn name(self) -> &'static str {
        match self {
            Self::Spend => "SPEND_CHANGED",
            Self::Results => "RESULTS_CHANGED",
            Self::PeriodBefore => "PERIOD_BEFORE_CHANGED",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }
}
