//! Which campaigns a partner may run: what its contracts grant, and how far it was validated.

use hexalpes_kernel::{Money, Timestamp};

use super::{CampaignType, ContractId, Day, PartnerId};

/// What a contract allows, on the days on which it is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub contract: ContractId,
    pub partner: PartnerId,
    /// Of two that tell of the same contract, the higher one counts.
    pub revision: i64,
    /// The first day.
    pub effective: Day,
    /// The first day on which it no longer holds; `None`: it has no end.
    pub expires: Option<Day>,
    /// The contract's words, as they came.
    pub permissions: Vec<String>,
    pub limits: Limits,
    pub told_at: Timestamp,
}

/// What is absent has no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// How many campaigns that have not ended there may be at a time, drafts included.
    pub campaigns_max: Option<u32>,
    /// What the total or the lifetime budget of one campaign may come to.
    pub campaign_budget_max: Option<Money>,
    /// What the daily budget of one campaign may come to.
    pub daily_budget_max: Option<Money>,
    /// What the total budgets of all campaigns that have not ended may come to.
    pub total_budget_max: Option<Money>,
}

impl Grant {
    pub fn is_in_force(&self, today: Day) -> bool {
        self.effective <= today && self.expires.is_none_or(|end| today < end)
    }

    /// Words that name no type of campaign grant nothing, but for `ALL`, `*` and those that begin or end with
    /// `CREATE`: these allow every type, unless types are named too.
    pub fn allows(&self) -> Allowed {
        let words: Vec<String> = self.permissions.iter().map(|word| plain(word)).collect();
        let is_all = |word: &String| matches!(word.as_str(), "ALL" | "*");
        let types: Vec<CampaignType> =
            CampaignType::ALL.into_iter().filter(|one| words.iter().any(|word| word == one.name())).collect();
        let creates = |word: &String| word.starts_with("CREATE") || word.ends_with("CREATE");
        if words.iter().any(is_all) || (types.is_empty() && words.iter().any(creates)) {
            return Allowed::All;
        }
        if types.is_empty() { Allowed::Nothing } else { Allowed::Types(types) }
    }
}

fn plain(word: &str) -> String {
    let same =
        |char: char| if char.is_alphanumeric() || char == '*' { char.to_ascii_uppercase() } else { '_' };
    word.trim().chars().map(same).collect()
}

/// Which types of campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allowed {
    Nothing,
    Types(Vec<CampaignType>),
    All,
}

/// How far a partner was validated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validation {
    Pending,
    Partial,
    Complete,
}

impl Validation {
    pub const ALL: [Self; 3] = [Self::Pending, Self::Partial, Self::Complete];

    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Partial => "PARTIAL",
            Self::Complete => "COMPLETE",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }
}

/// What was told last of a partner's validation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validated {
    pub partner: PartnerId,
    pub status: Validation,
    /// The partner is suspended or terminated.
    pub is_barred: bool,
    pub revision: i64,
    pub at: Timestamp,
}

/// All that is known of what a partner may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights {
    pub partner: PartnerId,
    pub grants: Vec<Grant>,
    /// `None`: nobody said anything.
    pub validated: Option<Validated>,
}

/// Why a partner may not run campaigns, or not this one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAllowed {
    #[error("partner {0} has no contract that allows campaigns")]
    NoContract(PartnerId),
    #[error("contract {contract} is in force from {from} on")]
    NotYet { contract: ContractId, from: Day },
    #[error("contract {contract} ended on {end}")]
    Ended { contract: ContractId, end: Day },
    #[error("contract {contract} allows no campaigns")]
    NothingGranted { contract: ContractId },
    #[error("partner {0} is suspended or terminated")]
    Barred(PartnerId),
    #[error("contract {contract} does not allow campaigns of the type {}", kind.name())]
    Type { contract: ContractId, kind: CampaignType, allowed: Vec<CampaignType> },
}

impl Rights {
    /// The grant that holds today: of several the one that began last.
    pub fn in_force(&self, today: Day) -> Result<&Grant, NotAllowed> {
        if self.validated.as_ref().is_some_and(|told| told.is_barred) {
            return Err(NotAllowed::Barred(self.partner.clone()));
        }
        let in_force = self.grants.iter().filter(|grant| grant.is_in_force(today));
        let latest = in_force.max_by(|a, b| (a.effective, &a.contract).cmp(&(b.effective, &b.contract)));
        let Some(grant) = latest else { return Err(self.why_none(today)) };
        if grant.allows() == Allowed::Nothing {
            return Err(NotAllowed::NothingGranted { contract: grant.contract.clone() });
        }
        Ok(grant)
    }

    /// Whether a campaign of a type may be drafted today, and under which grant. Who is validated may draft before
    /// there is a contract.
    pub fn to_draft(&self, kind: CampaignType, today: Day) -> Result<Option<&Grant>, NotAllowed> {
        let is_complete = self.validated.as_ref().is_some_and(|told| told.status == Validation::Complete);
        match self.for_type(kind, today) {
            Ok(grant) => Ok(Some(grant)),
            Err(NotAllowed::NoContract(_) | NotAllowed::NotYet { .. }) if is_complete => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The grant under which a campaign of a type may run today.
    pub fn for_type(&self, kind: CampaignType, today: Day) -> Result<&Grant, NotAllowed> {
        let grant = self.in_force(today)?;
        match grant.allows() {
            Allowed::Types(allowed) if !allowed.contains(&kind) => {
                Err(NotAllowed::Type { contract: grant.contract.clone(), kind, allowed })
            }
            _ => Ok(grant),
        }
    }

    fn why_none(&self, today: Day) -> NotAllowed {
        let next =
            self.grants.iter().filter(|grant| grant.effective > today).min_by_key(|grant| grant.effective);
        if let Some(grant) = next {
            return NotAllowed::NotYet { contract: grant.contract.clone(), from: grant.effective };
        }
        let last = self.grants.iter().filter_map(|grant| Some((grant.expires?, &grant.contract))).max();
        match last {
            Some((end, contract)) => NotAllowed::Ended { contract: contract.clone(), end },
            None => NotAllowed::NoContract(self.partner.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a_grant(contract: &str, from: &str, until: Option<&str>, words: &[&str]) -> Grant {
        Grant {
            contract: ContractId::parse(contract).unwrap(),
            partner: PartnerId::parse("p").unwrap(),
            revision: 0,
            effective: Day::parse(from).unwrap(),
            expires: until.map(|day| Day::parse(day).unwrap()),
            permissions: words.iter().map(|word| (*word).to_owned()).collect(),
            limits: Limits::default(),
            told_at: Timestamp::from_micros(0).unwrap(),
        }
    }

    fn rights(grants: Vec<Grant>, validation: Option<Validation>) -> Rights {
        let partner = PartnerId::parse("p").unwrap();
        let validated = validation.map(|status| Validated {
            partner: partner.clone(),
            status,
            is_barred: false,
            revision: 1,
            at: Timestamp::from_micros(0).unwrap(),
        });
        Rights { partner, grants, validated }
    }

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    #[test]
    fn a_contract_allows_from_its_first_day_until_it_ends() {
        let rights = rights(vec![a_grant("c", "2025-01-10", Some("2025-02-01"), &["ALL"])], None);
        let on = |text: &str| rights.in_force(day(text)).map(|grant| grant.contract.to_string());
        assert!(matches!(on("2025-01-09"), Err(NotAllowed::NotYet { .. })));
        assert_eq!(on("2025-01-10"), Ok("c".to_owned()));
        assert_eq!(on("2025-01-31"), Ok("c".to_owned()));
        assert!(matches!(on("2025-02-01"), Err(NotAllowed::Ended { .. })));
    }

    #[test]
    fn the_contract_that_began_last_counts() {
        let old = a_grant("old", "2025-01-01", None, &["ALL"]);
        let new = a_grant("new", "2025-01-10", None, &["social", "view-reports"]);
        let rights = rights(vec![new, old], Some(Validation::Complete));
        let today = day("2025-01-15");
        assert_eq!(rights.for_type(CampaignType::Social, today).unwrap().contract.as_str(), "new");
        let refused = rights.for_type(CampaignType::Email, today).unwrap_err();
        assert!(matches!(refused, NotAllowed::Type { allowed, .. } if allowed == [CampaignType::Social]));
    }

    #[test]
    fn who_is_validated_may_draft_before_there_is_a_contract_and_run_nothing() {
        let today = day("2025-01-15");
        let draft =
            |rights: Rights| rights.to_draft(CampaignType::Social, today).map(|grant| grant.is_some());
        assert_eq!(draft(rights(vec![], Some(Validation::Complete))), Ok(false));
        assert!(matches!(draft(rights(vec![], Some(Validation::Partial))), Err(NotAllowed::NoContract(_))));
        assert!(matches!(draft(rights(vec![], None)), Err(NotAllowed::NoContract(_))));
        let contract = || vec![a_grant("c", "2025-01-01", None, &["create_campaigns"])];
        assert_eq!(draft(rights(contract(), None)), Ok(true));
        let mut barred = rights(contract(), Some(Validation::Complete));
        barred.validated.as_mut().unwrap().is_barred = true;
        assert!(matches!(draft(barred), Err(NotAllowed::Barred(_))));
        let nothing = rights(vec![a_grant("c", "2025-01-01", None, &["view_reports"])], None);
        assert!(matches!(nothing.in_force(today), Err(NotAllowed::NothingGranted { .. })));
    }
}
