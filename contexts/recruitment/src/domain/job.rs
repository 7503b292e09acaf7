//! A job: what a partner looks for, and how far the search is.
//!
//! Not here: who fits it (`matcher`), and who has applied (`application`).

use hexalpes_kernel::{Currency, Timestamp};

use super::{
    Date, ExperienceLevel, JobId, JobType, MoneyRange, PartnerId, PayRange, Place, RequestId, Skill,
    SkillLevel, Source, Urgency,
};

/// Skills of one kind that a job may ask for.
pub const SKILLS_MAX: usize = 50;
/// People that one job may be for.
pub const OPENINGS_MAX: u32 = 1_000;
/// Candidates that a shortlist may have.
pub const SHORTLIST_MAX: u32 = 100;

/// The text of a JSON object that nobody here reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document(String);

impl Document {
    /// Takes a text that is known to be a JSON object.
    pub fn new(json: String) -> Self {
        Self(json)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Document {
    fn default() -> Self {
        Self("{}".to_owned())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequiredSkill {
    pub skill: Skill,
    pub level: Option<SkillLevel>,
    pub years: Option<u8>,
}

impl RequiredSkill {
    /// Years of practice that it takes: those that were named, else those that the level stands for.
    pub fn years_needed(&self) -> u8 {
        self.years.or(self.level.map(SkillLevel::years)).unwrap_or(0)
    }
}

/// Whom the partner is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortlist {
    /// So many at most, the best.
    pub size: u32,
    /// Nobody below this score, in basis points.
    pub minimum_bp: u32,
}

impl Default for Shortlist {
    fn default() -> Self {
        Self { size: 10, minimum_bp: 5_000 }
    }
}

/// What is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobTerms {
    pub title: String,
    pub department: Option<String>,
    pub description: Option<String>,
    pub responsibilities: Vec<String>,
    /// What else the partner says of the job.
    pub details: Document,
    /// How many people; one at least.
    pub openings: u32,
    pub required_skills: Vec<RequiredSkill>,
    pub nice_to_have_skills: Vec<Skill>,
    pub experience_level: ExperienceLevel,
    pub job_type: JobType,
    pub remote_work_allowed: bool,
    pub locations: Vec<Place>,
    pub salary: Option<PayRange>,
    /// What the search may cost.
    pub budget: Option<MoneyRange>,
    pub start_by: Option<Date>,
    pub fill_by: Option<Date>,
    /// Days that the search may take.
    pub days_max: Option<u32>,
    pub urgency: Urgency,
    /// Where candidates may come from; none named: from anywhere.
    pub sources: Vec<Source>,
    pub screening: Document,
    pub shortlist: Shortlist,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobStatus {
    /// Nobody was looked for yet.
    Open,
    /// Candidates are looked for.
    Matching,
    /// Everybody was found.
    Filled,
    /// The search ended before everybody was found.
    Closed,
    /// The partner wants nobody any longer.
    Cancelled,
}

impl JobStatus {
    pub const WORDS: &'static [(&'static str, Self)] = &[
        ("OPEN", Self::Open),
        ("MATCHING", Self::Matching),
        ("FILLED", Self::Filled),
        ("CLOSED", Self::Closed),
        ("CANCELLED", Self::Cancelled),
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Matching => "MATCHING",
            Self::Filled => "FILLED",
            Self::Closed => "CLOSED",
            Self::Cancelled => "CANCELLED",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(known, _)| *known == name).map(|(_, status)| *status)
    }

    /// What may become of it.
    pub fn allowed(self) -> &'static [Self] {
        match self {
            Self::Open => &[Self::Matching, Self::Filled, Self::Closed, Self::Cancelled],
            Self::Matching => &[Self::Filled, Self::Closed, Self::Cancelled],
            Self::Filled | Self::Closed | Self::Cancelled => &[],
        }
    }

    pub fn is_over(self) -> bool {
        self.allowed().is_empty()
    }
}

/// Why a search ended, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    pub at: Timestamp,
    pub reason: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    id: JobId,
    partner: PartnerId,
    request: Option<RequestId>,
    revision: u32,
    version: u32,
    terms: JobTerms,
    status: JobStatus,
    hired: u32,
    /// Of what is spent on it: the budget's, else the salary's.
    currency: Currency,
    requested_at: Timestamp,
    opened_at: Timestamp,
    changed_at: Timestamp,
    ending: Option<Ending>,
}

/// The parts of a job as they were kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredJob {
    pub id: JobId,
    pub partner: PartnerId,
    pub request: Option<RequestId>,
    pub revision: u32,
    pub version: u32,
    pub terms: JobTerms,
    pub status: JobStatus,
    pub hired: u32,
    pub currency: Currency,
    pub requested_at: Timestamp,
    pub opened_at: Timestamp,
    pub changed_at: Timestamp,
    pub ending: Option<Ending>,
}

/// A job is not in a state for that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JobError {
    #[error("the job is {}", status.name())]
    State { status: JobStatus },
    #[error("{hired} were hired for it already")]
    FewerOpenings { hired: u32 },
}

impl Job {
    pub fn open(
        id: JobId,
        partner: PartnerId,
        request: Option<RequestId>,
        terms: JobTerms,
        requested_at: Timestamp,
        at: Timestamp,
    ) -> Self {
        let salary = terms.salary.map(|salary| salary.range);
        let currency = terms.budget.or(salary).map_or(Currency::USD, |range| range.currency());
        Self {
            id,
            partner,
            request,
            revision: 1,
            version: 1,
            terms,
            status: JobStatus::Open,
            hired: 0,
            currency,
            requested_at,
            opened_at: at,
            changed_at: at,
            ending: None,
        }
    }

    /// Takes other terms; tells whether they differ. Whoever was matched, was so by an older version.
    pub fn change(&mut self, terms: JobTerms, at: Timestamp) -> Result<bool, JobError> {
        self.may_go_on()?;
        if terms.openings <= self.hired {
            return Err(JobError::FewerOpenings { hired: self.hired });
        }
        if terms == self.terms {
            return Ok(false);
        }
        self.terms = terms;
        self.version += 1;
        self.next(at);
        Ok(true)
    }

    /// Candidates are looked for from now on; tells whether that is news.
    pub fn start_matching(&mut self, at: Timestamp) -> Result<bool, JobError> {
        self.may_go_on()?;
        if self.status == JobStatus::Matching {
            return Ok(false);
        }
        self.status = JobStatus::Matching;
        self.next(at);
        Ok(true)
    }

    /// Ends the search before everybody was found. Ending it again in the same way is no news.
    pub fn end(
        &mut self,
        status: JobStatus,
        reason: Option<String>,
        at: Timestamp,
    ) -> Result<bool, JobError> {
        if self.status == status {
            return Ok(false);
        }
        self.may_go_on()?;
        self.status = status;
        self.next(at);
        self.ending = Some(Ending { at: self.changed_at, reason });
        Ok(true)
    }

    /// Somebody was hired; tells whether that was the last.
    pub fn hire(&mut self, at: Timestamp) -> Result<bool, JobError> {
        self.may_go_on()?;
        self.hired += 1;
        self.next(at);
        let is_last = self.hired >= self.terms.openings;
        if is_last {
            self.status = JobStatus::Filled;
            self.ending = Some(Ending { at: self.changed_at, reason: None });
        }
        Ok(is_last)
    }

    /// Whether it still takes candidates.
    pub fn may_go_on(&self) -> Result<(), JobError> {
        if self.status.is_over() { Err(JobError::State { status: self.status }) } else { Ok(()) }
    }

    pub fn openings_left(&self) -> u32 {
        self.terms.openings.saturating_sub(self.hired)
    }

    /// The day that somebody is to begin at the latest: the one that was named, else as urgent as it is.
    pub fn start_by(&self) -> Date {
        self.terms.start_by.unwrap_or_else(|| Date::of(self.requested_at).plus(self.terms.urgency.days()))
    }

    fn next(&mut self, at: Timestamp) {
        self.revision += 1;
        self.changed_at = at.max(self.changed_at);
    }

    pub fn restore(stored: StoredJob) -> Self {
        let StoredJob { id, partner, request, revision, version, terms, status, .. } = stored;
        let StoredJob { hired, currency, requested_at, opened_at, changed_at, ending, .. } = stored;
        Self {
            id,
            partner,
            request,
            revision,
            version,
            terms,
            status,
            hired,
            currency,
            requested_at,
            opened_at,
            changed_at,
            ending,
        }
    }

    pub fn id(&self) -> &JobId {
        &self.id
    }

    pub fn partner(&self) -> &PartnerId {
        &self.partner
    }

    pub fn request(&self) -> Option<&RequestId> {
        self.request.as_ref()
    }

    /// Counts up from 1 with each change of anything.
    pub fn revision(&self) -> u32 {
        self.revision
    }

    /// Counts up from 1 with each change of the terms.
    pub fn version(&self) -> u32 {
        self.version
    }

    pub fn terms(&self) -> &JobTerms {
        &self.terms
    }

    pub fn status(&self) -> JobStatus {
        self.status
    }

    pub fn hired(&self) -> u32 {
        self.hired
    }

    pub fn currency(&self) -> Currency {
        self.currency
    }

    /// When the partner asked for somebody.
    pub fn requested_at(&self) -> Timestamp {
        self.requested_at
    }

    pub fn opened_at(&self) -> Timestamp {
        self.opened_at
    }

    pub fn changed_at(&self) -> Timestamp {
        self.changed_at
    }

    pub fn ending(&self) -> Option<&Ending> {
        self.ending.as_ref()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn noon() -> Timestamp {
        Timestamp::parse("2025-01-15T12:00:00Z").unwrap()
    }

    pub(crate) fn terms() -> JobTerms {
        JobTerms {
            title: "Backend developer".to_owned(),
            department: None,
            description: None,
            responsibilities: Vec::new(),
            details: Document::default(),
            openings: 2,
            required_skills: Vec::new(),
            nice_to_have_skills: Vec::new(),
            experience_level: ExperienceLevel::Mid,
            job_type: JobType::FullTime,
            remote_work_allowed: false,
            locations: Vec::new(),
            salary: None,
            budget: None,
            start_by: None,
            fill_by: None,
            days_max: None,
            urgency: Urgency::Normal,
            sources: Vec::new(),
            screening: Document::default(),
            shortlist: Shortlist::default(),
        }
    }

    pub(crate) fn job() -> Job {
        let partner = PartnerId::parse("partner-1").unwrap();
        Job::open(JobId::parse("job-1").unwrap(), partner, None, terms(), noon(), noon())
    }

    #[test]
    fn a_job_is_filled_by_the_last_hire_and_then_hires_nobody() {
        let mut job = job();
        assert_eq!(job.start_matching(noon()), Ok(true));
        assert_eq!(job.start_matching(noon()), Ok(false));
        assert_eq!(job.hire(noon()), Ok(false));
        assert_eq!(job.hire(noon()), Ok(true));
        assert_eq!((job.status(), job.openings_left()), (JobStatus::Filled, 0));
        assert_eq!(job.hire(noon()), Err(JobError::State { status: JobStatus::Filled }));
        assert_eq!(
            job.end(JobStatus::Cancelled, None, noon()),
            Err(JobError::State { status: JobStatus::Filled })
        );
    }

    #[test]
    fn ending_twice_is_no_news() {
        let mut job = job();
        assert_eq!(job.end(JobStatus::Closed, Some("budget".to_owned()), noon()), Ok(true));
        assert_eq!(job.end(JobStatus::Closed, Some("again".to_owned()), noon()), Ok(false));
        assert_eq!(job.ending().and_then(|ending| ending.reason.as_deref()), Some("budget"));
        assert!(job.start_matching(noon()).is_err());
    }

    #[test]
    fn other_terms_are_another_version_and_the_same_are_none() {
        let mut job = job();
        assert_eq!(job.change(terms(), noon()), Ok(false));
        assert_eq!(job.change(JobTerms { openings: 3, ..terms() }, noon()), Ok(true));
        assert_eq!((job.version(), job.revision()), (2, 2));
        job.hire(noon()).unwrap();
        let fewer = JobTerms { openings: 1, ..terms() };
        assert_eq!(job.change(fewer, noon()), Err(JobError::FewerOpenings { hired: 1 }));
        assert_eq!((job.version(), job.revision()), (2, 3));
    }

    #[test]
    fn how_urgent_it_is_says_when_to_begin_if_nobody_else_does() {
        assert_eq!(job().start_by().to_string(), "2025-03-16");
        let mut job = job();
        let start_by = Date::parse("2025-02-01").ok();
        job.change(JobTerms { start_by, ..terms() }, noon()).unwrap();
        assert_eq!(job.start_by().to_string(), "2025-02-01");
    }
}
