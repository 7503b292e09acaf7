//! What this context knows of programs, affiliates and links: what the affiliates context told last.

use std::time::Duration;

use hexalpes_kernel::Currency;

use super::{AffiliateCode, AffiliateId, CampaignId, ProgramId, Slug};

/// Which of several clicks counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    LastClick,
    FirstClick,
    /// None: the conversion names whom it owes.
    Explicit,
}

impl Model {
    pub fn name(self) -> &'static str {
        match self {
            Self::LastClick => "last_click",
            Self::FirstClick => "first_click",
            Self::Explicit => "explicit",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::LastClick, Self::FirstClick, Self::Explicit].into_iter().find(|one| one.name() == name)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownProgram {
    pub id: ProgramId,
    pub revision: u32,
    /// What an amount is in when nobody says.
    pub currency: Currency,
    pub model: Model,
    /// For how long a click counts.
    pub window: Duration,
    pub is_active: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownAffiliate {
    pub id: AffiliateId,
    pub revision: u32,
    pub program: ProgramId,
    pub code: AffiliateCode,
    /// Whether it may earn.
    pub is_active: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownLink {
    pub slug: Slug,
    pub affiliate: AffiliateId,
    pub program: ProgramId,
    pub campaign: Option<CampaignId>,
    pub destination: String,
}
