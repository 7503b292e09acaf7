//! Candidates. What is personal is shown here alone, and in no event.

use hexalpes_http::Record;
use hexalpes_kernel::{Email, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::{PayView, SkillView, cell, names};
use crate::commands::Registered;
use crate::domain::{Candidate, CandidateStatus, Phone};

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Candidate)]
pub(crate) struct CandidateView {
    id: String,
    /// The same, by the name that other bodies have for it.
    candidate_id: String,
    /// `ACTIVE`, `MERGED` or `ERASED`.
    status: &'static str,
    merged_into: Option<String>,
    revision: u32,
    name: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    skills: Vec<SkillView>,
    experience_years: u8,
    locations: Vec<String>,
    remote_work: bool,
    relocation: bool,
    salary_expectation: Option<PayView>,
    job_types: Vec<&'static str>,
    available_from: Option<String>,
    source: &'static str,
    summary: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    registered_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    changed_at: Timestamp,
}

impl From<&Candidate> for CandidateView {
    fn from(candidate: &Candidate) -> Self {
        let profile = candidate.profile();
        let merged_into = match candidate.status() {
            CandidateStatus::Merged { into } => Some(into.to_string()),
            CandidateStatus::Active | CandidateStatus::Erased => None,
        };
        let skills = profile.skills.iter().map(|held| SkillView::of(&held.skill, held.level, held.years));
        Self {
            id: candidate.id().to_string(),
            candidate_id: candidate.id().to_string(),
            status: candidate.status().name(),
            merged_into,
            revision: candidate.revision(),
            name: Some(profile.name.clone()).filter(|name| !name.is_empty()),
            email: profile.email.as_ref().map(Email::as_str).map(str::to_owned),
            phone: profile.phone.as_ref().map(Phone::to_string),
            skills: skills.collect(),
            experience_years: profile.years(),
            locations: names(&profile.locations),
            remote_work: profile.remote,
            relocation: profile.relocation,
            salary_expectation: profile.salary_expectation.map(PayView::from),
            job_types: profile.job_types.iter().map(|kind| kind.name()).collect(),
            available_from: profile.available_from.map(|date| date.to_string()),
            source: profile.source.name(),
            summary: profile.summary.clone(),
            registered_at: candidate.registered_at(),
            changed_at: candidate.changed_at(),
        }
    }
}

impl Record for CandidateView {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "status",
        "name",
        "email",
        "phone",
        "skills",
        "experience_years",
        "locations",
        "remote_work",
        "salary_amount",
        "salary_currency",
        "salary_period",
        "available_from",
        "source",
        "registered_at",
    ];

    fn cells(&self) -> Vec<String> {
        let skills: Vec<&str> = self.skills.iter().map(|skill| skill.skill.as_str()).collect();
        let pay = self.salary_expectation.as_ref();
        vec![
            self.id.clone(),
            self.status.to_owned(),
            cell(self.name.as_ref()),
            cell(self.email.as_ref()),
            cell(self.phone.as_ref()),
            skills.join("; "),
            self.experience_years.to_string(),
            self.locations.join("; "),
            self.remote_work.to_string(),
            cell(pay.map(|pay| pay.amount.get())),
            cell(pay.map(|pay| pay.currency)),
            cell(pay.map(|pay| pay.period)),
            cell(self.available_from.as_ref()),
            self.source.to_owned(),
            self.registered_at.to_string(),
        ]
    }
}

/// A candidate whose name sounds alike.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PossibleDuplicate)]
pub(crate) struct AlikeView {
    candidate_id: String,
    name: String,
    /// Twice the words in common by all words of both, in basis points.
    similarity_bp: u32,
}

/// A new candidate, and those who may be the same person.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RegisteredCandidate)]
pub(crate) struct RegisteredView {
    #[serde(flatten)]
    candidate: CandidateView,
    /// The likest first; merge them if they are one.
    possible_duplicates: Vec<AlikeView>,
}

impl From<&Registered> for RegisteredView {
    fn from(registered: &Registered) -> Self {
        let alike = registered.alike.iter().map(|other| AlikeView {
            candidate_id: other.id.to_string(),
            name: other.name.clone(),
            similarity_bp: other.similarity_bp,
        });
        Self { candidate: CandidateView::from(&registered.candidate), possible_duplicates: alike.collect() }
    }
}
