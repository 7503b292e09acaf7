//! What jobs, candidates and hires are, and who fits what. Nothing here knows of SQL, JSON, clocks or threads.

mod application;
mod candidate;
mod contact;
mod date;
mod hire;
mod ids;
mod job;
pub mod matcher;
mod pay;
mod talks;
mod text;
mod words;

pub use application::{Application, Stage, StageError, Step};
pub use candidate::{
    Candidate, CandidateError, CandidateStatus, HeldSkill, Profile, StoredCandidate, YEARS_MAX,
};
pub use contact::{Phone, PhoneError};
pub use date::{Date, DateError, whole_days};
pub use hire::{Effort, Hire};
pub use ids::{
    ApplicationId, CandidateId, CostId, HiringId, InterviewId, JobId, MatchId, OfferId, PartnerId, RequestId,
};
pub use job::{
    Document, Ending, Job, JobError, JobStatus, JobTerms, OPENINGS_MAX, RequiredSkill, SHORTLIST_MAX,
    SKILLS_MAX, Shortlist, StoredJob,
};
pub use pay::{MoneyRange, Pay, PayRange, RangeError, cost_of_hire};
pub use talks::{Employment, Feedback, Interview, InterviewState, Offer, OfferState, StateError};
pub use text::{ALIKE_BP, NameSound, Place, Skill, WORD_CHARS_MAX, WordError, fold};
pub use words::{
    CostKind, EmploymentType, ExperienceLevel, InterviewMode, JobType, Period, SkillLevel, Source, Urgency,
    Verdict,
};
