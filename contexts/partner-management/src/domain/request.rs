//! A partner's request for people: what it asks for, and what became of it.
//!
//! Matches, hires and the recruiters' last word come in any order; what is counted here is what is known of them.

use hexalpes_kernel::{Actor, Currency, Money, Timestamp};

use super::{
    CandidateSource, Day, ExperienceLevel, JobType, Json, Outcome, PartnerId, PayPeriod, RequestId,
    RequestStatus, Urgency,
};

/// From and to, each as far as it was said; of one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MoneyRange {
    min: Option<i64>,
    max: Option<i64>,
    currency: Currency,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    #[error("must have a min or a max")]
    Empty,
    #[error("its max is less than its min")]
    Reversed,
    #[error("must not be negative")]
    Negative,
}

impl MoneyRange {
    /// In smallest units.
    pub fn new(min: Option<i64>, max: Option<i64>, currency: Currency) -> Result<Self, RangeError> {
        if min.or(max).is_none() {
            return Err(RangeError::Empty);
        }
        if min.is_some_and(i64::is_negative) || max.is_some_and(i64::is_negative) {
            return Err(RangeError::Negative);
        }
        if let (Some(min), Some(max)) = (min, max)
            && max < min
        {
            return Err(RangeError::Reversed);
        }
        Ok(Self { min, max, currency })
    }

    pub fn min(self) -> Option<Money> {
        self.min.map(|minor| Money::from_minor(minor, self.currency))
    }

    pub fn max(self) -> Option<Money> {
        self.max.map(|minor| Money::from_minor(minor, self.currency))
    }

    pub fn currency(self) -> Currency {
        self.currency
    }
}

/// Until when somebody is to be found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    /// When the work is to begin.
    pub start_by: Option<Day>,
    /// The last day on which somebody is to be hired.
    pub fill_by: Option<Day>,
    /// From the request on.
    pub max_days: Option<u32>,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// A JSON object with a `title`.
    pub job_requirements: Json,
    /// How many are looked for: `openings` of the requirements, or 1.
    pub openings: u32,
    /// A JSON array: texts, or objects with `skill`, `level`, `years`.
    pub required_skills: Json,
    pub experience: ExperienceLevel,
    pub job_type: JobType,
    pub remote: bool,
    pub locations: Vec<String>,
    pub salary: Option<(MoneyRange, PayPeriod)>,
    /// What the recruitment may cost.
    pub budget: Option<MoneyRange>,
    pub timeline: Timeline,
    pub urgency: Urgency,
    pub sources: Vec<CandidateSource>,
    /// A JSON object.
    pub screening: Json,
}

/// What is known of what followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    pub matches: u64,
    pub hires: u64,
    pub outcome: Option<Outcome>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecruitmentRequest {
    pub id: RequestId,
    pub partner: PartnerId,
    pub revision: u32,
    pub asked: Asked,
    pub progress: Progress,
    /// Why the partner called it off.
    pub cancelled: Option<String>,
    pub is_expired: bool,
    pub requested_at: Timestamp,
    pub requested_by: Actor,
    pub changed_at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request is {0}, and that is final")]
pub struct RequestOver(pub RequestStatus);

const DAY_SECONDS: u64 = 24 * 60 * 60;

impl RecruitmentRequest {
    /// Hires or the like may have been told of before, though nobody should know of the request.
    pub fn make(
        id: RequestId,
        partner: PartnerId,
        asked: Asked,
        progress: Progress,
        by: Actor,
        at: Timestamp,
    ) -> Self {
        Self {
            id,
            partner,
            revision: 1,
            asked,
            progress,
            cancelled: None,
            is_expired: false,
            requested_at: at,
            requested_by: by,
            changed_at: at,
        }
    }

    /// What was filled is filled, whatever else was said of it.
    pub fn status(&self) -> RequestStatus {
        let Progress { matches, hires, outcome } = self.progress;
        if hires >= u64::from(self.asked.openings) || outcome == Some(Outcome::Filled) {
            return RequestStatus::Filled;
        }
        // Only one that goes on expires: what the recruiters say after that follows from it.
        if self.is_expired {
            return RequestStatus::Expired;
        }
        if self.cancelled.is_some() || outcome.is_some() {
            return RequestStatus::Cancelled;
        }
        if matches == 0 { RequestStatus::Open } else { RequestStatus::Matched }
    }

    /// Cancelling again is no news (`false`).
    pub fn cancel(&mut self, reason: &str, at: Timestamp) -> Result<bool, RequestOver> {
        match self.status() {
            RequestStatus::Open | RequestStatus::Matched => {}
            RequestStatus::Cancelled => return Ok(false),
            over @ (RequestStatus::Filled | RequestStatus::Expired) => return Err(RequestOver(over)),
        }
        self.cancelled = Some(reason.to_owned());
        self.touch(at);
        Ok(true)
    }

    /// Takes in what is known of what followed; tells whether that was news.
    pub fn observe(&mut self, progress: Progress, at: Timestamp) -> bool {
        if progress == self.progress {
            return false;
        }
        self.progress = progress;
        self.touch(at);
        true
    }

    /// Ends one whose time is over; tells whether it did.
    pub fn expire(&mut self, at: Timestamp) -> bool {
        let ends = self.goes_on() && self.expires_at().is_some_and(|end| end <= at);
        if ends {
            self.is_expired = true;
            self.touch(at);
        }
        ends
    }

    /// When its time is over: the earlier of what the timeline says.
    pub fn expires_at(&self) -> Option<Timestamp> {
        let Timeline { fill_by, max_days, .. } = &self.asked.timeline;
        let days = max_days.map(|days| std::time::Duration::from_secs(u64::from(days) * DAY_SECONDS));
        let ends = [fill_by.as_ref().map(Day::ends), days.map(|days| self.requested_at.after(days))];
        ends.into_iter().flatten().min()
    }

    /// Whether somebody is still looked for: only then may it be called off, and expire.
    pub fn goes_on(&self) -> bool {
        matches!(self.status(), RequestStatus::Open | RequestStatus::Matched)
    }

    fn touch(&mut self, at: Timestamp) {
        self.revision += 1;
        self.changed_at = at.max(self.changed_at);
    }
}
