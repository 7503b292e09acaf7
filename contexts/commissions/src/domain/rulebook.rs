//! A rule of a program: what conversions it holds for, and what they owe. Versions are drafted, activated and retired;
//! none is ever edited.

use hexalpes_kernel::{Currency, Money, MoneyError, Timestamp};

use super::formula::{Exact, Formula, Piece, Tally};
use super::{CampaignId, Conversion, ProgramId, RateSource, RuleId};

/// What a rule's conditions look at, besides affiliate, campaign and currency of the conversion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The type that the affiliate had, where it is known.
    pub affiliate_type: Option<String>,
    /// `sale`, `lead`, `click` or `signup`.
    pub kind: String,
    pub product: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    pub new_customer: Option<bool>,
    pub occurred_at: Timestamp,
}

/// All that are there must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    pub affiliate_type: Option<String>,
    pub campaign: Option<CampaignId>,
    pub product: Option<String>,
    pub country: Option<String>,
    pub new_customer: Option<bool>,
    pub kind: Option<String>,
}

impl Conditions {
    /// How many there are: of several rules the one with the most counts.
    pub fn count(&self) -> usize {
        let texts = [&self.affiliate_type, &self.product, &self.country, &self.kind];
        texts.into_iter().flatten().count()
            + usize::from(self.campaign.is_some())
            + usize::from(self.new_customer.is_some())
    }

    fn hold(&self, campaign: Option<&CampaignId>, facts: &Facts) -> bool {
        fn is<T: PartialEq>(wanted: Option<&T>, known: Option<&T>) -> bool {
            wanted.is_none() || wanted == known
        }
        is(self.affiliate_type.as_ref(), facts.affiliate_type.as_ref())
            && is(self.campaign.as_ref(), campaign)
            && is(self.product.as_ref(), facts.product.as_ref())
            && is(self.country.as_ref(), facts.country.as_ref())
            && is(self.new_customer.as_ref(), facts.new_customer.as_ref())
            && is(self.kind.as_ref(), Some(&facts.kind))
    }
}

/// What one version of a rule says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleTerms {
    pub formula: Formula,
    /// What its amounts are in; it holds for conversions in this currency alone.
    pub currency: Option<Currency>,
    /// The most that a conversion owes.
    pub cap: Option<Money>,
    /// The least.
    pub floor: Option<Money>,
    /// When the customer must have done it: from, and before.
    pub valid_from: Option<Timestamp>,
    pub valid_until: Option<Timestamp>,
    pub conditions: Conditions,
}

/// What a conversion owes by the terms of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owed {
    pub exact: Exact,
    pub rounded: Money,
    /// After cap and floor.
    pub amount: Money,
}

impl RuleTerms {
    /// Nothing but a formula.
    pub fn plain(formula: Formula) -> Self {
        let conditions = Conditions::default();
        let (currency, cap, floor, valid_from, valid_until) = (None, None, None, None, None);
        Self { formula, currency, cap, floor, valid_from, valid_until, conditions }
    }

    pub fn hold_for(&self, campaign: Option<&CampaignId>, currency: Currency, facts: &Facts) -> bool {
        self.currency.is_none_or(|own| own == currency)
            && self.valid_from.is_none_or(|from| from <= facts.occurred_at)
            && self.valid_until.is_none_or(|until| facts.occurred_at < until)
            && self.conditions.hold(campaign, facts)
    }

    pub fn owes(
        &self,
        gross: Money,
        before: Tally,
        each: &mut impl FnMut(Piece),
    ) -> Result<Owed, MoneyError> {
        let exact = self.formula.owes(gross, before, each)?;
        let rounded = exact.round(gross.currency())?;
        let mut minor = rounded.minor();
        if let Some(cap) = self.cap {
            minor = minor.min(cap.minor());
        }
        if let Some(floor) = self.floor {
            minor = minor.max(floor.minor());
        }
        Ok(Owed { exact, rounded, amount: Money::from_minor(minor, gross.currency()) })
    }

    /// The period in which what was sold counts, where that matters.
    pub fn period(&self, at: Timestamp) -> Option<String> {
        match &self.formula {
            Formula::Tiered(tiers) => Some(tiers.period().of(at)),
            Formula::Percentage(_) | Formula::Flat(_) => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleStatus {
    Draft,
    Active,
    Retired,
}

impl RuleStatus {
    pub const ALL: [(&'static str, Self); 3] =
        [("DRAFT", Self::Draft), ("ACTIVE", Self::Active), ("RETIRED", Self::Retired)];

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, status)| *status == self).map_or("DRAFT", |(name, _)| name)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleVersion {
    /// Counts from 1.
    pub number: u32,
    pub terms: RuleTerms,
    pub status: RuleStatus,
    pub created_at: Timestamp,
    pub activated_at: Option<Timestamp>,
    pub retired_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub id: RuleId,
    pub program: ProgramId,
    pub name: String,
    pub created_at: Timestamp,
    /// In the order of their numbers; never empty.
    pub versions: Vec<RuleVersion>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleChangeError {
    #[error("there is no version {0}")]
    NoVersion(u32),
    #[error("version {0} was retired: draft a new one")]
    Retired(u32),
    #[error("a rule has at most {VERSIONS_MAX} versions: draft another rule")]
    TooMany,
}

/// Versions that a rule has at most.
const VERSIONS_MAX: usize = 200;

impl Rule {
    pub fn draft(id: RuleId, program: ProgramId, name: String, terms: RuleTerms, at: Timestamp) -> Self {
        Self { id, program, name, created_at: at, versions: vec![version(1, terms, at)] }
    }

    /// Drafts a version that will supersede the active one when it is activated.
    pub fn revise(&mut self, terms: RuleTerms, at: Timestamp) -> Result<u32, RuleChangeError> {
        if self.versions.len() >= VERSIONS_MAX {
            return Err(RuleChangeError::TooMany);
        }
        let number = self.newest().number + 1;
        self.versions.push(version(number, terms, at));
        Ok(number)
    }

    /// Activates a version, the newest where none is named, and retires the one before it. Tells whether that is news.
    pub fn activate(&mut self, number: Option<u32>, at: Timestamp) -> Result<bool, RuleChangeError> {
        let number = number.unwrap_or_else(|| self.newest().number);
        match self.version(number).ok_or(RuleChangeError::NoVersion(number))?.status {
            RuleStatus::Active => return Ok(false),
            RuleStatus::Retired => return Err(RuleChangeError::Retired(number)),
            RuleStatus::Draft => {}
        }
        for version in &mut self.versions {
            if version.number == number {
                (version.status, version.activated_at) = (RuleStatus::Active, Some(at));
            } else if version.status == RuleStatus::Active {
                (version.status, version.retired_at) = (RuleStatus::Retired, Some(at));
            }
        }
        Ok(true)
    }

    /// Ends the rule, and what was drafted of it. Tells whether that is news.
    pub fn retire(&mut self, at: Timestamp) -> bool {
        let mut is_news = false;
        for version in &mut self.versions {
            if version.status != RuleStatus::Retired {
                (version.status, version.retired_at) = (RuleStatus::Retired, Some(at));
                is_news = true;
            }
        }
        is_news
    }

    pub fn version(&self, number: u32) -> Option<&RuleVersion> {
        self.versions.iter().find(|version| version.number == number)
    }

    pub fn newest(&self) -> &RuleVersion {
        self.versions.last().expect("a rule is drafted with its first version")
    }

    /// Of the version that counts: the active one, else the newest.
    pub fn status(&self) -> RuleStatus {
        let active = self.versions.iter().any(|version| version.status == RuleStatus::Active);
        if active { RuleStatus::Active } else { self.newest().status }
    }
}

fn version(number: u32, terms: RuleTerms, at: Timestamp) -> RuleVersion {
    let status = RuleStatus::Draft;
    RuleVersion { number, terms, status, created_at: at, activated_at: None, retired_at: None }
}

/// A version of a rule that may hold for a conversion, or a partner's contract, which is read as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InForce {
    pub id: RuleId,
    /// [`RateSource::Rule`] or [`RateSource::Contract`].
    pub source: RateSource,
    pub name: String,
    pub version: u32,
    pub since: Timestamp,
    pub terms: RuleTerms,
}

/// Puts rules into the order in which they count: more conditions first, then the newer one (C-12).
pub fn rank(rules: &mut [InForce]) {
    rules.sort_by(|one, other| {
        let key = |rule: &InForce| (rule.terms.conditions.count(), rule.since, rule.id.as_str().to_owned());
        key(other).cmp(&key(one))
    });
}

/// The rules that hold for a conversion, of ranked ones, the one that counts first.
pub fn holding<'a>(
    ranked: &'a [InForce],
    conversion: &'a Conversion,
    facts: &'a Facts,
) -> impl Iterator<Item = &'a InForce> {
    let currency = conversion.gross.currency();
    ranked.iter().filter(move |rule| rule.terms.hold_for(conversion.campaign.as_ref(), currency, facts))
}
