//! What an application goes through on its way: interviews and offers.

use hexalpes_kernel::Timestamp;

use super::{
    ApplicationId, Date, Document, EmploymentType, InterviewId, InterviewMode, OfferId, Pay, Verdict,
};

/// What came of an interview.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feedback {
    /// 1 to 5.
    pub rating: u8,
    pub verdict: Verdict,
    pub notes: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InterviewState {
    Scheduled,
    Held { at: Timestamp, feedback: Feedback },
    Cancelled { reason: Option<String> },
}

impl InterviewState {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Scheduled => "SCHEDULED",
            Self::Held { .. } => "HELD",
            Self::Cancelled { .. } => "CANCELLED",
        }
    }

    pub fn allowed(&self) -> &'static [&'static str] {
        match self {
            Self::Scheduled => &["HELD", "CANCELLED"],
            Self::Held { .. } | Self::Cancelled { .. } => &[],
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interview {
    pub id: InterviewId,
    pub application: ApplicationId,
    pub scheduled_at: Timestamp,
    pub minutes: u32,
    pub mode: InterviewMode,
    pub interviewers: Vec<String>,
    pub state: InterviewState,
    pub created_at: Timestamp,
}

/// Something is not in a state for that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is {status}")]
pub struct StateError {
    pub status: &'static str,
    pub allowed: &'static [&'static str],
}

impl Interview {
    /// It took place. The same feedback again is no news.
    pub fn hold(&mut self, feedback: Feedback, at: Timestamp) -> Result<bool, StateError> {
        if let InterviewState::Held { feedback: known, .. } = &self.state
            && *known == feedback
        {
            return Ok(false);
        }
        self.must_be_scheduled()?;
        self.state = InterviewState::Held { at, feedback };
        Ok(true)
    }

    pub fn cancel(&mut self, reason: Option<String>) -> Result<bool, StateError> {
        if matches!(self.state, InterviewState::Cancelled { .. }) {
            return Ok(false);
        }
        self.must_be_scheduled()?;
        self.state = InterviewState::Cancelled { reason };
        Ok(true)
    }

    fn must_be_scheduled(&self) -> Result<(), StateError> {
        match &self.state {
            InterviewState::Scheduled => Ok(()),
            other => Err(StateError { status: other.name(), allowed: other.allowed() }),
        }
    }
}

/// What somebody would work for, and as what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Employment {
    pub job_title: String,
    pub department: Option<String>,
    pub employment_type: EmploymentType,
    pub start: Date,
    pub salary: Pay,
    pub benefits: Document,
    pub location: Option<String>,
    pub remote: bool,
    pub probation_days: Option<u32>,
    pub end: Option<Date>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OfferState {
    Open,
    Accepted {
        at: Timestamp,
    },
    Declined {
        at: Timestamp,
        reason: Option<String>,
    },
    /// Nobody answered in time, or the application ended.
    Expired,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    pub id: OfferId,
    pub application: ApplicationId,
    pub employment: Employment,
    pub expires_at: Timestamp,
    pub state: OfferState,
    pub created_at: Timestamp,
}

impl Offer {
    /// The state at a time: an open offer is over when its time is.
    pub fn status(&self, now: Timestamp) -> &'static str {
        match &self.state {
            OfferState::Open if now < self.expires_at => "OPEN",
            OfferState::Accepted { .. } => "ACCEPTED",
            OfferState::Declined { .. } => "DECLINED",
            OfferState::Open | OfferState::Expired => "EXPIRED",
        }
    }

    pub fn allowed(&self, now: Timestamp) -> &'static [&'static str] {
        if self.status(now) == "OPEN" { &["ACCEPTED", "DECLINED"] } else { &[] }
    }

    pub fn accept(&mut self, at: Timestamp) -> Result<(), StateError> {
        self.must_be_open(at)?;
        self.state = OfferState::Accepted { at };
        Ok(())
    }

    pub fn decline(&mut self, reason: Option<String>, at: Timestamp) -> Result<bool, StateError> {
        if matches!(self.state, OfferState::Declined { .. }) {
            return Ok(false);
        }
        self.must_be_open(at)?;
        self.state = OfferState::Declined { at, reason };
        Ok(true)
    }

    fn must_be_open(&self, now: Timestamp) -> Result<(), StateError> {
        match self.status(now) {
            "OPEN" => Ok(()),
            status => Err(StateError { status, allowed: self.allowed(now) }),
        }
    }
}
