//! A campaign: what a partner advertises, from when until when, and whether it runs.
//!
//! Whether it is paused follows from three things that are kept apart: whether a person wants it so, whether its partner
//! may run it, and whether a budget is exhausted. So what a budget paused goes on by itself when there is money again,
//! what an ended contract paused goes on with the next one, and what a person paused does neither.

use hexalpes_kernel::{Currency, Money, Timestamp};

use super::{CampaignId, ContractId, Day, PartnerId, Targets};

/// What is advertised where; a contract allows some of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CampaignType {
    Search,
    Social,
    Email,
    Display,
    Affiliate,
    Video,
    Influencer,
    Content,
    Mobile,
    Event,
}

impl CampaignType {
    pub const ALL: [Self; 10] = [
        Self::Search,
        Self::Social,
        Self::Email,
        Self::Display,
        Self::Affiliate,
        Self::Video,
        Self::Influencer,
        Self::Content,
        Self::Mobile,
        Self::Event,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Search => "SEARCH",
            Self::Social => "SOCIAL",
            Self::Email => "EMAIL",
            Self::Display => "DISPLAY",
            Self::Affiliate => "AFFILIATE",
            Self::Video => "VIDEO",
            Self::Influencer => "INFLUENCER",
            Self::Content => "CONTENT",
            Self::Mobile => "MOBILE",
            Self::Event => "EVENT",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }
}

/// How far it came, whatever holds it up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    Draft,
    /// It begins by itself on its first day.
    Scheduled,
    /// Since when.
    Running {
        since: Timestamp,
    },
    Completed {
        since: Timestamp,
        at: Timestamp,
    },
    Cancelled {
        since: Option<Timestamp>,
        at: Timestamp,
        reason: String,
    },
}

/// A person wants it paused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    pub reason: String,
    pub at: Timestamp,
}

/// What keeps a partner from running it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BarredBy {
    /// None that is in force allows it.
    Contract,
    /// The partner is suspended or terminated.
    Partner,
}

impl BarredBy {
    pub const ALL: [Self; 2] = [Self::Contract, Self::Partner];

    pub fn name(self) -> &'static str {
        match self {
            Self::Contract => "CONTRACT",
            Self::Partner => "PARTNER",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }
}

/// Its partner may not run it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Barrier {
    pub by: BarredBy,
    /// A sentence.
    pub reason: String,
    /// Since when, whatever the reason was first.
    pub at: Timestamp,
}

/// What others see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Draft,
    Scheduled,
    Active,
    Paused,
    Completed,
    Cancelled,
}

/// Who paused it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PausedBy {
    Person,
    Budget,
    Barred(BarredBy),
}

impl PausedBy {
    pub fn name(self) -> &'static str {
        match self {
            Self::Person => "PERSON",
            Self::Budget => "BUDGET",
            Self::Barred(by) => by.name(),
        }
    }
}

/// What can be done with a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    Activate,
    Pause,
    Resume,
    Complete,
    Cancel,
}

impl Transition {
    pub fn name(self) -> &'static str {
        match self {
            Self::Activate => "activate",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Complete => "complete",
            Self::Cancel => "cancel",
        }
    }
}

impl Status {
    pub const ALL: [Self; 6] =
        [Self::Draft, Self::Scheduled, Self::Active, Self::Paused, Self::Completed, Self::Cancelled];

    pub fn name(self) -> &'static str {
        match self {
            Self::Draft => "DRAFT",
            Self::Scheduled => "SCHEDULED",
            Self::Active => "ACTIVE",
            Self::Paused => "PAUSED",
            Self::Completed => "COMPLETED",
            Self::Cancelled => "CANCELLED",
        }
    }

    /// Where it may go from here.
    pub fn allowed(self) -> &'static [Transition] {
        match self {
            Self::Draft => &[Transition::Activate, Transition::Cancel],
            Self::Scheduled => &[Transition::Cancel],
            Self::Active => &[Transition::Pause, Transition::Complete, Transition::Cancel],
            Self::Paused => {
                &[Transition::Resume, Transition::Pause, Transition::Complete, Transition::Cancel]
            }
            Self::Completed | Self::Cancelled => &[],
        }
    }

    pub fn has_ended(self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled)
    }
}

/// What may be changed while it has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub name: String,
    pub channel: String,
    /// The first and the last day.
    pub start: Day,
    pub end: Day,
    pub targets: Targets,
}

/// What is to become of it; `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanChanges {
    pub name: Option<String>,
    pub channel: Option<String>,
    pub start: Option<Day>,
    pub end: Option<Day>,
    /// All of them at once.
    pub targets: Option<Targets>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub id: CampaignId,
    pub partner: PartnerId,
    /// What allowed it; `None` in a draft of somebody who has none yet.
    pub contract: Option<ContractId>,
    pub kind: CampaignType,
    pub currency: Currency,
    pub plan: Plan,
    pub stage: Stage,
    pub hold: Option<Hold>,
    pub barrier: Option<Barrier>,
    /// Since when a budget is exhausted.
    pub exhausted: Option<Timestamp>,
    /// All that was ever spent, whatever its day.
    pub spent: Money,
    /// Counts what becomes of it, from 1.
    pub revision: u32,
    pub created_at: Timestamp,
    pub changed_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Campaign(Stored);

/// What happened, by the word for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    Created,
    Changed,
    Activated,
    Scheduled,
    Paused { by: PausedBy },
    Resumed { by: PausedBy },
    BudgetChanged,
    Completed,
    Cancelled,
}

impl Fact {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::Changed => "CHANGED",
            Self::Activated => "ACTIVATED",
            Self::Scheduled => "SCHEDULED",
            Self::Paused { by: PausedBy::Person } => "PAUSED",
            Self::Paused { by: PausedBy::Budget } => "PAUSED_BY_BUDGET",
            Self::Paused { by: PausedBy::Barred(BarredBy::Contract) } => "PAUSED_BY_CONTRACT",
            Self::Paused { by: PausedBy::Barred(BarredBy::Partner) } => "PAUSED_BY_PARTNER",
            Self::Resumed { by: PausedBy::Person } => "RESUMED",
            Self::Resumed { by: PausedBy::Budget } => "RESUMED_BY_BUDGET",
            Self::Resumed { by: PausedBy::Barred(BarredBy::Contract) } => "RESUMED_BY_CONTRACT",
            Self::Resumed { by: PausedBy::Barred(BarredBy::Partner) } => "RESUMED_BY_PARTNER",
            Self::BudgetChanged => "BUDGET_CHANGED",
            Self::Completed => "COMPLETED",
            Self::Cancelled => "CANCELLED",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    #[error("it is {}, so it cannot {}", status.name(), wanted.name())]
    Illegal { status: Status, wanted: Transition },
    #[error("it is {}: nothing can be changed any more", .0.name())]
    Over(Status),
    #[error("it has begun, so its first day stays")]
    Begun,
    #[error("its last day is before its first")]
    EndsBeforeStart,
    #[error("its last day, {0}, has passed")]
    EndPassed(Day),
    #[error("a budget is exhausted since {0}")]
    Exhausted(Timestamp),
    #[error("its partner may not run it since {0}")]
    Barred(Timestamp),
}

/// Why spend is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpendRefused {
    #[error("the campaign is {}: nothing can be spent yet", .0.name())]
    NotBegun(Status),
    #[error("the campaign began on {0}")]
    BeforeBegin(Day),
    #[error("the campaign is paused since {0}")]
    Paused(Timestamp),
    #[error("the campaign ended at {0}")]
    Ended(Timestamp),
}

impl Campaign {
    pub fn restore(stored: Stored) -> Self {
        Self(stored)
    }

    pub fn parts(&self) -> &Stored {
        &self.0
    }

    pub fn id(&self) -> &CampaignId {
        &self.0.id
    }

    /// Whether it is paused, and by whom: a person comes first, then what its partner may not.
    pub fn paused(&self) -> Option<PausedBy> {
        let Stage::Running { .. } = self.0.stage else { return None };
        if self.0.hold.is_some() {
            return Some(PausedBy::Person);
        }
        let barred = self.0.barrier.as_ref().map(|barrier| PausedBy::Barred(barrier.by));
        barred.or(self.0.exhausted.map(|_| PausedBy::Budget))
    }

    pub fn status(&self) -> Status {
        match &self.0.stage {
            Stage::Draft => Status::Draft,
            Stage::Scheduled => Status::Scheduled,
            Stage::Running { .. } if self.paused().is_some() => Status::Paused,
            Stage::Running { .. } => Status::Active,
            Stage::Completed { .. } => Status::Completed,
            Stage::Cancelled { .. } => Status::Cancelled,
        }
    }

    /// Why it is paused or cancelled.
    pub fn reason(&self) -> Option<&str> {
        match (&self.0.stage, self.paused()) {
            (Stage::Cancelled { reason, .. }, _) => Some(reason),
            (_, Some(PausedBy::Person)) => self.0.hold.as_ref().map(|hold| hold.reason.as_str()),
            (_, Some(PausedBy::Barred(_))) => self.0.barrier.as_ref().map(|barrier| barrier.reason.as_str()),
            (_, Some(PausedBy::Budget)) => Some("budget exhausted"),
            _ => None,
        }
    }

    /// Since when it is paused, by whomever first.
    pub fn paused_since(&self) -> Option<Timestamp> {
        self.paused()?;
        let hold = self.0.hold.as_ref().map(|hold| hold.at);
        let barrier = self.0.barrier.as_ref().map(|barrier| barrier.at);
        hold.into_iter().chain(barrier).chain(self.0.exhausted).min()
    }

    /// What can be done with it now.
    pub fn allowed(&self) -> Vec<Transition> {
        let is_possible = |verb: &Transition| !(*verb == Transition::Resume && self.0.barrier.is_some());
        self.status().allowed().iter().copied().filter(is_possible).collect()
    }

    /// Begins on its first day, or at once if that has come.
    pub fn activate(&mut self, at: Timestamp) -> Result<Option<Fact>, ChangeError> {
        match self.status() {
            Status::Draft => {}
            Status::Scheduled | Status::Active => return Ok(None),
            status => return Err(ChangeError::Illegal { status, wanted: Transition::Activate }),
        }
        let today = Day::of(at);
        if self.0.plan.end < today {
            return Err(ChangeError::EndPassed(self.0.plan.end));
        }
        if today < self.0.plan.start {
            self.0.stage = Stage::Scheduled;
            return Ok(Some(self.is(Fact::Scheduled, at)));
        }
        self.0.stage = Stage::Running { since: at };
        Ok(Some(self.is(Fact::Activated, at)))
    }

    /// What is paused by a budget may be paused by a person too: then it does not go on by itself.
    pub fn pause(&mut self, reason: &str, at: Timestamp) -> Result<Option<Fact>, ChangeError> {
        match self.status() {
            Status::Active | Status::Paused => {}
            status => return Err(ChangeError::Illegal { status, wanted: Transition::Pause }),
        }
        if self.0.hold.is_some() {
            return Ok(None);
        }
        self.0.hold = Some(Hold { reason: reason.to_owned(), at });
        Ok(Some(self.is(Fact::Paused { by: PausedBy::Person }, at)))
    }

    /// Takes a person's pause away. What a budget paused goes on when there is money, and what its partner may not run
    /// when it may: not by wish.
    pub fn resume(&mut self, at: Timestamp) -> Result<Option<Fact>, ChangeError> {
        match self.status() {
            Status::Active => return Ok(None),
            Status::Paused => {}
            status => return Err(ChangeError::Illegal { status, wanted: Transition::Resume }),
        }
        if let Some(barrier) = &self.0.barrier {
            return Err(ChangeError::Barred(barrier.at));
        }
        if let Some(since) = self.0.exhausted {
            return Err(ChangeError::Exhausted(since));
        }
        self.0.hold = None;
        Ok(Some(self.is(Fact::Resumed { by: PausedBy::Person }, at)))
    }

    pub fn complete(&mut self, at: Timestamp) -> Result<Option<Fact>, ChangeError> {
        match (self.status(), &self.0.stage) {
            (Status::Completed, _) => Ok(None),
            (_, Stage::Running { since }) => {
                self.0.stage = Stage::Completed { since: *since, at };
                Ok(Some(self.is(Fact::Completed, at)))
            }
            (status, _) => Err(ChangeError::Illegal { status, wanted: Transition::Complete }),
        }
    }

    pub fn cancel(&mut self, reason: &str, at: Timestamp) -> Result<Option<Fact>, ChangeError> {
        let since = match &self.0.stage {
            Stage::Cancelled { .. } => return Ok(None),
            Stage::Completed { .. } => {
                return Err(ChangeError::Illegal { status: Status::Completed, wanted: Transition::Cancel });
            }
            Stage::Running { since } => Some(*since),
            Stage::Draft | Stage::Scheduled => None,
        };
        self.0.stage = Stage::Cancelled { since, at, reason: reason.to_owned() };
        Ok(Some(self.is(Fact::Cancelled, at)))
    }

    /// The plan, changed; what changes nothing is no news.
    pub fn change(&mut self, changes: PlanChanges, at: Timestamp) -> Result<Option<Fact>, ChangeError> {
        let status = self.status();
        if status.has_ended() {
            return Err(ChangeError::Over(status));
        }
        let mut plan = self.0.plan.clone();
        let PlanChanges { name, channel, start, end, targets } = changes;
        plan.name = name.unwrap_or(plan.name);
        plan.channel = channel.unwrap_or(plan.channel);
        plan.start = start.unwrap_or(plan.start);
        plan.end = end.unwrap_or(plan.end);
        plan.targets = targets.unwrap_or(plan.targets);
        if plan == self.0.plan {
            return Ok(None);
        }
        if plan.end < plan.start {
            return Err(ChangeError::EndsBeforeStart);
        }
        if plan.start != self.0.plan.start && !matches!(status, Status::Draft | Status::Scheduled) {
            return Err(ChangeError::Begun);
        }
        if plan.end != self.0.plan.end && status != Status::Draft && plan.end < Day::of(at) {
            return Err(ChangeError::EndPassed(plan.end));
        }
        self.0.plan = plan;
        Ok(Some(self.is(Fact::Changed, at)))
    }

    /// Whether it ran on a day that is its own, from `start` on and before `end`.
    pub fn ran_within(&self, start: Day, end: Day) -> bool {
        let (since, ended) = match &self.0.stage {
            Stage::Draft | Stage::Scheduled | Stage::Cancelled { since: None, .. } => return false,
            Stage::Running { since } => (*since, None),
            Stage::Completed { since, at } | Stage::Cancelled { since: Some(since), at, .. } => {
                (*since, Some(*at))
            }
        };
        Day::of(since) < end && self.0.plan.end >= start && ended.is_none_or(|at| Day::of(at) >= start)
    }

    /// Whether it may run on `day` or later: what has not ended may have another last day.
    pub fn may_run_from(&self, day: Day) -> bool {
        match &self.0.stage {
            Stage::Draft | Stage::Scheduled | Stage::Running { .. } => true,
            Stage::Completed { at, .. } | Stage::Cancelled { at, .. } => {
                Day::of(*at) >= day && self.0.plan.end >= day
            }
        }
    }

    /// The contract under which it runs.
    pub fn allowed_by(&mut self, contract: ContractId) {
        self.0.contract = Some(contract);
    }

    /// What time brings about: it begins on its first day, and is complete when its last has passed.
    pub fn tick(&mut self, at: Timestamp) -> Option<Fact> {
        let today = Day::of(at);
        if self.0.stage == Stage::Scheduled && self.0.plan.start <= today {
            self.0.stage = Stage::Running { since: at };
            return Some(self.is(Fact::Activated, at));
        }
        if let Stage::Running { since } = self.0.stage
            && self.0.plan.end < today
        {
            self.0.stage = Stage::Completed { since, at };
            return Some(self.is(Fact::Completed, at));
        }
        None
    }

    /// Whether any of its budgets is exhausted now. The fact is there where that changed whether it runs.
    pub fn exhaust(&mut self, is_exhausted: bool, at: Timestamp) -> Option<Fact> {
        if is_exhausted == self.0.exhausted.is_some() {
            return None;
        }
        let before = self.status();
        self.0.exhausted = is_exhausted.then_some(at);
        match (before, self.status()) {
            (Status::Active, Status::Paused) => Some(self.is(Fact::Paused { by: PausedBy::Budget }, at)),
            (Status::Paused, Status::Active) => Some(self.is(Fact::Resumed { by: PausedBy::Budget }, at)),
            _ => None,
        }
    }

    /// Whether its partner may run it, and why not. The fact is there where that changed why it is paused, or whether.
    pub fn bar(&mut self, why: Option<(BarredBy, String)>, at: Timestamp) -> Option<Fact> {
        let seen = |campaign: &Self| (campaign.paused(), campaign.reason().map(str::to_owned));
        let before = seen(self);
        let since = self.0.barrier.as_ref().map_or(at, |barrier| barrier.at);
        self.0.barrier = why.map(|(by, reason)| Barrier { by, reason, at: since });
        let after = seen(self);
        if before == after {
            return None;
        }
        match (before.0, after.0) {
            (_, Some(by)) => Some(self.is(Fact::Paused { by }, at)),
            (Some(by), None) => Some(self.is(Fact::Resumed { by }, at)),
            (None, None) => None,
        }
    }

    /// One of its budgets got a new version.
    pub fn budget_changed(&mut self, at: Timestamp) -> Result<Fact, ChangeError> {
        let status = self.status();
        if status.has_ended() {
            return Err(ChangeError::Over(status));
        }
        Ok(self.is(Fact::BudgetChanged, at))
    }

    /// Whether money may have been spent then; tells whether it is late: of another day, or of before a pause or the
    /// end.
    pub fn takes_spend(&self, occurred_at: Timestamp, now: Timestamp) -> Result<bool, SpendRefused> {
        let since = match &self.0.stage {
            Stage::Draft => return Err(SpendRefused::NotBegun(Status::Draft)),
            Stage::Scheduled => return Err(SpendRefused::NotBegun(Status::Scheduled)),
            Stage::Cancelled { since: None, .. } => return Err(SpendRefused::NotBegun(Status::Cancelled)),
            Stage::Running { since }
            | Stage::Cancelled { since: Some(since), .. }
            | Stage::Completed { since, .. } => *since,
        };
        if Day::of(occurred_at) < Day::of(since) {
            return Err(SpendRefused::BeforeBegin(Day::of(since)));
        }
        match (&self.0.stage, self.paused_since()) {
            (Stage::Completed { at, .. } | Stage::Cancelled { at, .. }, _) if occurred_at >= *at => {
                Err(SpendRefused::Ended(*at))
            }
            (_, Some(paused)) if occurred_at >= paused => Err(SpendRefused::Paused(paused)),
            (Stage::Running { .. }, None) => Ok(Day::of(occurred_at) < Day::of(now)),
            _ => Ok(true),
        }
    }

    /// Adds to all that was ever spent, or takes from it.
    pub fn spend(&mut self, difference: Money) -> Result<(), hexalpes_kernel::MoneyError> {
        self.0.spent = self.0.spent.checked_add(difference)?;
        Ok(())
    }

    fn is(&mut self, fact: Fact, at: Timestamp) -> Fact {
        self.0.revision += 1;
        self.0.changed_at = at;
        fact
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn noon() -> Timestamp {
        Timestamp::parse("2025-01-15T12:00:00Z").unwrap()
    }

    fn a_campaign() -> Campaign {
        Campaign::restore(Stored {
            id: CampaignId::parse("c").unwrap(),
            partner: PartnerId::parse("p").unwrap(),
            contract: ContractId::parse("k").ok(),
            kind: CampaignType::Social,
            currency: Currency::USD,
            plan: Plan {
                name: "Verano".to_owned(),
                channel: "instagram".to_owned(),
                start: Day::parse("2025-01-15").unwrap(),
                end: Day::parse("2025-01-31").unwrap(),
                targets: Targets::default(),
            },
            stage: Stage::Draft,
            hold: None,
            barrier: None,
            exhausted: None,
            spent: Money::zero(Currency::USD),
            revision: 1,
            created_at: noon(),
            changed_at: noon(),
        })
    }

    #[test]
    fn what_a_budget_paused_goes_on_by_itself_and_what_a_person_paused_does_not() {
        let mut campaign = a_campaign();
        assert_eq!(campaign.activate(noon()), Ok(Some(Fact::Activated)));
        assert_eq!(campaign.exhaust(true, noon()), Some(Fact::Paused { by: PausedBy::Budget }));
        assert_eq!(campaign.resume(noon()), Err(ChangeError::Exhausted(noon())));
        assert_eq!(campaign.exhaust(false, noon()), Some(Fact::Resumed { by: PausedBy::Budget }));
        campaign.exhaust(true, noon());
        campaign.pause("se acabó", noon()).unwrap();
        assert_eq!(campaign.exhaust(false, noon()), None);
        assert_eq!((campaign.status(), campaign.paused()), (Status::Paused, Some(PausedBy::Person)));
        assert_eq!(campaign.resume(noon()), Ok(Some(Fact::Resumed { by: PausedBy::Person })));
    }

    #[test]
    fn what_its_partner_may_not_run_is_paused_until_it_may() {
        let ended = || Some((BarredBy::Contract, "contract k ended on 2025-01-15".to_owned()));
        let by = |by| PausedBy::Barred(by);
        let mut campaign = a_campaign();
        campaign.activate(noon()).unwrap();
        assert_eq!(campaign.bar(None, noon()), None);
        assert_eq!(campaign.bar(ended(), noon()), Some(Fact::Paused { by: by(BarredBy::Contract) }));
        assert_eq!(campaign.bar(ended(), noon().after(Duration::from_mins(1))), None);
        assert_eq!(campaign.reason(), Some("contract k ended on 2025-01-15"));
        assert_eq!(campaign.resume(noon()), Err(ChangeError::Barred(noon())));
        assert_eq!(campaign.allowed(), [Transition::Pause, Transition::Complete, Transition::Cancel]);
        assert_eq!(campaign.takes_spend(noon(), noon()), Err(SpendRefused::Paused(noon())));
        let suspended = Some((BarredBy::Partner, "partner p is suspended".to_owned()));
        assert_eq!(campaign.bar(suspended, noon()), Some(Fact::Paused { by: by(BarredBy::Partner) }));
        assert_eq!(campaign.bar(None, noon()), Some(Fact::Resumed { by: by(BarredBy::Partner) }));
        assert_eq!((campaign.status(), campaign.takes_spend(noon(), noon())), (Status::Active, Ok(false)));
    }

    #[test]
    fn what_a_person_or_a_budget_paused_stays_so_when_its_partner_may_run_it_again() {
        let ended = || Some((BarredBy::Contract, "contract k ended".to_owned()));
        let mut campaign = a_campaign();
        campaign.activate(noon()).unwrap();
        campaign.exhaust(true, noon());
        assert!(campaign.bar(ended(), noon()).is_some());
        assert_eq!(campaign.bar(None, noon()), Some(Fact::Paused { by: PausedBy::Budget }));
        campaign.pause("x", noon()).unwrap();
        assert_eq!(campaign.bar(ended(), noon()), None);
        assert_eq!(campaign.bar(None, noon()), None);
        assert_eq!(campaign.paused(), Some(PausedBy::Person));
    }

    #[test]
    fn spend_of_before_a_pause_is_late_and_of_after_it_is_refused() {
        let mut campaign = a_campaign();
        assert_eq!(campaign.takes_spend(noon(), noon()), Err(SpendRefused::NotBegun(Status::Draft)));
        campaign.activate(noon()).unwrap();
        assert_eq!(campaign.takes_spend(noon(), noon()), Ok(false));
        let pause = noon().after(Duration::from_mins(1));
        campaign.pause("x", pause).unwrap();
        assert_eq!(campaign.takes_spend(pause, pause), Err(SpendRefused::Paused(pause)));
        assert_eq!(campaign.takes_spend(noon(), pause), Ok(true));
        let yesterday = noon().before(Duration::from_hours(24));
        assert!(matches!(campaign.takes_spend(yesterday, pause), Err(SpendRefused::BeforeBegin(_))));
        campaign.complete(pause).unwrap();
        assert_eq!(campaign.takes_spend(pause, pause), Err(SpendRefused::Ended(pause)));
    }

    #[test]
    fn it_begins_on_its_first_day_and_is_complete_after_its_last() {
        let mut campaign = a_campaign();
        let early = noon().before(Duration::from_hours(24));
        assert_eq!(campaign.activate(early), Ok(Some(Fact::Scheduled)));
        assert_eq!(campaign.tick(early), None);
        assert_eq!(campaign.tick(noon()), Some(Fact::Activated));
        assert_eq!(campaign.tick(noon()), None);
        let end = Day::parse("2025-02-01").unwrap().start();
        assert_eq!(campaign.tick(end), Some(Fact::Completed));
        assert_eq!(
            campaign.cancel("x", end).unwrap_err().to_string(),
            "it is COMPLETED, so it cannot cancel"
        );
    }

    proptest! {
        /// Whatever was done before: the verbs that a status names are done, all others are refused or no news.
        #[test]
        fn a_status_allows_what_it_says(steps in prop::collection::vec((0_u8..8, 0_u64..400), 0..24)) {
            let mut campaign = a_campaign();
            let mut now = noon();
            for (step, hours) in steps {
                now = now.after(Duration::from_hours(hours % 30));
                let (status, revision) = (campaign.status(), campaign.parts().revision);
                let (verb, outcome) = match step {
                    0 => (Some(Transition::Activate), campaign.activate(now)),
                    1 => (Some(Transition::Pause), campaign.pause("x", now)),
                    2 => (Some(Transition::Resume), campaign.resume(now)),
                    3 => (Some(Transition::Complete), campaign.complete(now)),
                    4 => (Some(Transition::Cancel), campaign.cancel("x", now)),
                    5 => (None, Ok(campaign.exhaust(hours % 2 == 0, now))),
                    6 => {
                        let why = (BarredBy::ALL[usize::from(hours % 4 == 0)], format!("{}", hours % 3));
                        (None, Ok(campaign.bar((hours % 2 == 0).then_some(why), now)))
                    }
                    _ => (None, Ok(campaign.tick(now))),
                };
                if let Some(verb) = verb {
                    let is_allowed = status.allowed().contains(&verb);
                    match &outcome {
                        Ok(Some(_)) => prop_assert!(is_allowed),
                        Err(ChangeError::Illegal { .. }) => prop_assert!(!is_allowed),
                        _ => {}
                    }
                }
                let happened = outcome.is_ok_and(|fact| fact.is_some());
                prop_assert_eq!(campaign.parts().revision, revision + u32::from(happened));
                prop_assert!(!status.has_ended() || campaign.status() == status);
                // The state is a function of three wishes, and of nothing else.
                let Stored { hold, barrier, exhausted, .. } = campaign.parts();
                let paused = hold.is_some() || barrier.is_some() || exhausted.is_some();
                let runs = matches!(campaign.parts().stage, Stage::Running { .. });
                prop_assert_eq!(campaign.status() == Status::Paused, runs && paused);
            }
        }
    }
}
