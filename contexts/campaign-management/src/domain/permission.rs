//! Which campaigns a partner may run: what its contracts grant until they end, and how far it was validated.

use hexalpes_kernel::{Money, Timestamp};

use super::{BarredBy, CampaignType, ContractId, Day, PartnerId};

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

/// That a contract ended, whatever it had said of its end before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    pub contract: ContractId,
    pub partner: PartnerId,
    pub outcome: Outcome,
    pub at: Timestamp,
    /// Of two that tell of the same contract, the higher one counts.
    pub revision: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Expired,
    /// By another contract, if it was told by which.
    Renewed {
        by: Option<ContractId>,
    },
    Terminated,
}

impl Outcome {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Expired => "EXPIRED",
            Self::Renewed { .. } => "RENEWED",
            Self::Terminated => "TERMINATED",
        }
    }

    /// `by` is what it was renewed by.
    pub fn parse(name: &str, by: Option<ContractId>) -> Option<Self> {
        let all = [Self::Expired, Self::Renewed { by }, Self::Terminated];
        all.into_iter().find(|one| one.name() == name)
    }
}

impl Grant {
    fn says_in_force(&self, today: Day) -> bool {
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

impl Allowed {
    pub fn includes(&self, kind: CampaignType) -> bool {
        match self {
            Self::Nothing => false,
            Self::Types(types) => types.contains(&kind),
            Self::All => true,
        }
    }
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
    pub ends: Vec<End>,
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
    #[error("contract {contract} was terminated on {on}")]
    Terminated { contract: ContractId, on: Day },
    #[error("contract {contract} allows no campaigns")]
    NothingGranted { contract: ContractId },
    #[error("partner {0} is suspended or terminated")]
    Barred(PartnerId),
    #[error("contract {contract} does not allow campaigns of the type {}", kind.name())]
    Type { contract: ContractId, kind: CampaignType, allowed: Vec<CampaignType> },
}

impl NotAllowed {
    pub fn barred_by(&self) -> BarredBy {
        match self {
            Self::Barred(_) => BarredBy::Partner,
            Self::NoContract(_)
            | Self::NotYet { .. }
            | Self::Ended { .. }
            | Self::Terminated { .. }
            | Self::NothingGranted { .. }
            | Self::Type { .. } => BarredBy::Contract,
        }
    }
}

impl Rights {
    pub fn is_in_force(&self, grant: &Grant, today: Day) -> bool {
        grant.says_in_force(today) && self.end_of(grant).is_none()
    }

    /// How a contract ended. One that is renewed holds until what renews it is known, so that nothing stops in between
    /// because the one was heard of before the other.
    pub fn end_of(&self, grant: &Grant) -> Option<&End> {
        let is_over = |end: &&End| match &end.outcome {
            Outcome::Renewed { by: Some(by) } => self.grants.iter().any(|other| other.contract == *by),
            Outcome::Expired | Outcome::Renewed { by: None } | Outcome::Terminated => true,
        };
        self.ends.iter().find(|end| end.contract == grant.contract).filter(is_over)
    }

    /// The next day on which what it may changes by itself.
    pub fn next_change(&self, today: Day) -> Option<Day> {
        let going = self.grants.iter().filter(|grant| self.end_of(grant).is_none());
        let days = going.flat_map(|grant| [Some(grant.effective), grant.expires]);
        days.flatten().filter(|day| *day > today).min()
    }

    /// The grant under which a campaign of a type that runs may go on today: of several that allow it, the one that began
    /// last. That a later one allows less stops nothing while an earlier one is in force.
    pub fn to_go_on(&self, kind: CampaignType, today: Day) -> Result<&Grant, NotAllowed> {
        let latest = self.for_type(kind, today);
        if !matches!(latest, Err(NotAllowed::Type { .. } | NotAllowed::NothingGranted { .. })) {
            return latest;
        }
        let in_force = self.grants.iter().filter(|grant| self.is_in_force(grant, today));
        let allowing = in_force.filter(|grant| grant.allows().includes(kind));
        allowing.max_by(|a, b| (a.effective, &a.contract).cmp(&(b.effective, &b.contract))).map_or(latest, Ok)
    }

    /// The grant that holds today: of several the one that began last.
    pub fn in_force(&self, today: Day) -> Result<&Grant, NotAllowed> {
        if self.validated.as_ref().is_some_and(|told| told.is_barred) {
            return Err(NotAllowed::Barred(self.partner.clone()));
        }
        let in_force = self.grants.iter().filter(|grant| self.is_in_force(grant, today));
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
        let to_come =
            self.grants.iter().filter(|grant| grant.effective > today && self.end_of(grant).is_none());
        let next = to_come.min_by_key(|grant| grant.effective);
        if let Some(grant) = next {
            return NotAllowed::NotYet { contract: grant.contract.clone(), from: grant.effective };
        }
        let ended = |grant: &Grant| {
            let end = self.end_of(grant);
            let day = grant.expires.into_iter().chain(end.map(|end| Day::of(end.at))).min()?;
            let is_terminated = end.is_some_and(|end| end.outcome == Outcome::Terminated);
            Some((day, grant.effective, grant.contract.clone(), is_terminated))
        };
        match self.grants.iter().filter_map(ended).max() {
            Some((on, _, contract, true)) => NotAllowed::Terminated { contract, on },
            Some((end, _, contract, false)) => NotAllowed::Ended { contract, end },
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
        Rights { partner, grants, ends: Vec::new(), validated }
    }

    fn an_end(contract: &str, outcome: Outcome, on: &str) -> End {
        End {
            contract: ContractId::parse(contract).unwrap(),
            partner: PartnerId::parse("p").unwrap(),
            outcome,
            at: day(on).start(),
            revision: 9,
        }
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
    fn a_contract_that_was_ended_allows_nothing_whatever_it_had_said_of_its_end() {
        let mut rights = rights(vec![a_grant("c", "2025-01-10", Some("2025-02-01"), &["ALL"])], None);
        rights.ends.push(an_end("c", Outcome::Terminated, "2025-01-12"));
        let contract = ContractId::parse("c").unwrap();
        let refused = NotAllowed::Terminated { contract: contract.clone(), on: day("2025-01-12") };
        assert_eq!(rights.in_force(day("2025-01-15")), Err(refused));
        assert_eq!(rights.next_change(day("2025-01-15")), None);
        rights.ends = vec![an_end("c", Outcome::Expired, "2025-02-01")];
        let refused = NotAllowed::Ended { contract, end: day("2025-02-01") };
        assert_eq!(rights.in_force(day("2025-02-02")), Err(refused));
    }

    #[test]
    fn a_renewed_contract_holds_until_the_one_that_renews_it_is_known() {
        let today = day("2025-01-15");
        let mut rights = rights(vec![a_grant("old", "2025-01-01", Some("2025-02-01"), &["ALL"])], None);
        let by = ContractId::parse("new").ok();
        rights.ends.push(an_end("old", Outcome::Renewed { by }, "2025-01-15"));
        assert_eq!(rights.in_force(today).unwrap().contract.as_str(), "old");
        rights.grants.push(a_grant("new", "2025-01-15", None, &["ALL"]));
        assert_eq!(rights.in_force(today).unwrap().contract.as_str(), "new");
        rights.ends.push(an_end("new", Outcome::Terminated, "2025-01-15"));
        assert!(matches!(rights.in_force(today), Err(NotAllowed::Terminated { .. })));
    }

    #[test]
    fn what_runs_goes_on_while_any_contract_in_force_allows_it() {
        let today = day("2025-01-15");
        let wide = a_grant("wide", "2025-01-01", Some("2025-01-20"), &["ALL"]);
        let narrow = a_grant("narrow", "2025-01-10", None, &["EMAIL"]);
        let rights = rights(vec![wide, narrow], None);
        let go_on = |kind, on| rights.to_go_on(kind, on).map(|grant| grant.contract.to_string());
        assert_eq!(go_on(CampaignType::Social, today), Ok("wide".to_owned()));
        assert_eq!(go_on(CampaignType::Email, today), Ok("narrow".to_owned()));
        assert_eq!(rights.next_change(today), Some(day("2025-01-20")));
        assert!(matches!(go_on(CampaignType::Social, day("2025-01-20")), Err(NotAllowed::Type { .. })));
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
