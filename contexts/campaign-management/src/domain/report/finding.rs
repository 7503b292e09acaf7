//! What is worth to be said, with the numbers behind it. Not here: the sentences.

use hexalpes_kernel::{Amount, Money};

use super::super::Day;

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    Low,
    Medium,
    High,
}

impl Weight {
    /// Of a suggestion.
    pub fn priority(self) -> &'static str {
        match self {
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
        }
    }

    /// Of an insight or a risk.
    pub fn severity(self) -> &'static str {
        match self {
            Self::Low => "INFO",
            Self::Medium => "NOTICE",
            Self::High => "WARNING",
        }
    }
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FindingKind {
    // Insights.
    FigureUp,
    FigureDown,
    TargetMet,
    BestDay,
    TrendUp,
    TrendDown,
    // Suggestions, and what an alert recommends.
    LowerCostPerConversion,
    ImproveCreatives,
    ImproveLandingPage,
    ReduceDailySpend,
    RaiseBudget,
    SpendMore,
    ReviewCampaign,
    WatchSpend,
    // Risks.
    BudgetOverrun,
    NegativeRoi,
    NoConversions,
    TargetBehind,
    ConversionsFalling,
}

impl FindingKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::FigureUp => "FIGURE_UP",
            Self::FigureDown => "FIGURE_DOWN",
            Self::TargetMet => "TARGET_MET",
            Self::BestDay => "BEST_DAY",
            Self::TrendUp => "TREND_UP",
            Self::TrendDown => "TREND_DOWN",
            Self::LowerCostPerConversion => "LOWER_COST_PER_CONVERSION",
            Self::ImproveCreatives => "IMPROVE_CREATIVES",
            Self::ImproveLandingPage => "IMPROVE_LANDING_PAGE",
            Self::ReduceDailySpend => "REDUCE_DAILY_SPEND",
            Self::RaiseBudget => "RAISE_BUDGET",
            Self::SpendMore => "SPEND_MORE",
            Self::ReviewCampaign => "REVIEW_CAMPAIGN",
            Self::WatchSpend => "WATCH_SPEND",
            Self::BudgetOverrun => "BUDGET_OVERRUN",
            Self::NegativeRoi => "NEGATIVE_ROI",
            Self::NoConversions => "NO_CONVERSIONS",
            Self::TargetBehind => "TARGET_BEHIND",
            Self::ConversionsFalling => "CONVERSIONS_FALLING",
        }
    }
}

/// A number behind a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    Count(i64),
    Money(Money),
    /// A ratio, a percentage or an average.
    Exact(Amount),
    On(Day),
    Word(&'static str),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub kind: FindingKind,
    pub weight: Weight,
    pub evidence: Vec<(&'static str, Evidence)>,
}

impl Finding {
    pub fn new(kind: FindingKind, weight: Weight) -> Self {
        Self { kind, weight, evidence: Vec::new() }
    }

    pub fn with(mut self, name: &'static str, evidence: Evidence) -> Self {
        self.evidence.push((name, evidence));
        self
    }

    /// One of its numbers, where it has it.
    pub fn shows(&self, name: &str) -> Option<Evidence> {
        self.evidence.iter().find(|(known, _)| *known == name).map(|(_, evidence)| *evidence)
    }
}
