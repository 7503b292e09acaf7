//! A candidate: somebody who may fit a job. What is here is personal, and can be erased.

use hexalpes_kernel::{Email, Timestamp};

use super::{CandidateId, Date, JobType, Pay, Phone, Place, Skill, SkillLevel, Source};

/// Years that anybody may have worked, or practised something.
pub const YEARS_MAX: u8 = 60;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldSkill {
    pub skill: Skill,
    pub years: Option<u8>,
    pub level: Option<SkillLevel>,
}

impl HeldSkill {
    /// Years of practice: those that were told, else those that the level stands for, else none.
    pub fn practice(&self) -> u8 {
        self.years.or(self.level.map(SkillLevel::years)).unwrap_or(0)
    }
}

/// What is said of a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    pub name: String,
    pub email: Option<Email>,
    pub phone: Option<Phone>,
    pub skills: Vec<HeldSkill>,
    /// Years of work; `None`: as long as the skill that was practised longest.
    pub experience_years: Option<u8>,
    pub locations: Vec<Place>,
    /// Whether remote work will do.
    pub remote: bool,
    /// Whether moving to another place will do.
    pub relocation: bool,
    pub salary_expectation: Option<Pay>,
    pub job_types: Vec<JobType>,
    pub available_from: Option<Date>,
    pub source: Source,
    pub summary: Option<String>,
}

impl Profile {
    pub fn years(&self) -> u8 {
        let longest = || self.skills.iter().map(HeldSkill::practice).max();
        self.experience_years.or_else(longest).unwrap_or(0)
    }

    /// Adds what only the other says, and of each skill the longer practice.
    fn absorb(&mut self, other: &Self) {
        for held in &other.skills {
            match self.skills.iter_mut().find(|known| known.skill == held.skill) {
                Some(known) if known.practice() < held.practice() => *known = held.clone(),
                Some(_) => {}
                None => self.skills.push(held.clone()),
            }
        }
        for place in &other.locations {
            if !self.locations.contains(place) {
                self.locations.push(place.clone());
            }
        }
        for kind in &other.job_types {
            if !self.job_types.contains(kind) {
                self.job_types.push(*kind);
            }
        }
        self.experience_years = self.experience_years.max(other.experience_years);
        self.remote |= other.remote;
        self.relocation |= other.relocation;
        self.phone = self.phone.take().or_else(|| other.phone.clone());
        self.email = self.email.take().or_else(|| other.email.clone());
        self.salary_expectation = self.salary_expectation.or(other.salary_expectation);
        self.available_from = self.available_from.or(other.available_from);
        self.summary = self.summary.take().or_else(|| other.summary.clone());
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CandidateStatus {
    Active,
    /// It was the same person as another candidate, who goes on for both.
    Merged {
        into: CandidateId,
    },
    /// The person asked to be forgotten.
    Erased,
}

impl CandidateStatus {
    pub const NAMES: [&'static str; 3] = ["ACTIVE", "MERGED", "ERASED"];

    pub fn name(&self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Merged { .. } => "MERGED",
            Self::Erased => "ERASED",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    id: CandidateId,
    revision: u32,
    status: CandidateStatus,
    profile: Profile,
    registered_at: Timestamp,
    changed_at: Timestamp,
}

/// The parts of a candidate as they were kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCandidate {
    pub id: CandidateId,
    pub revision: u32,
    pub status: CandidateStatus,
    pub profile: Profile,
    pub registered_at: Timestamp,
    pub changed_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CandidateError {
    #[error("the candidate was erased")]
    Erased,
    #[error("the candidate was merged into {into}")]
    Merged { into: CandidateId },
}

impl Candidate {
    pub fn register(id: CandidateId, profile: Profile, at: Timestamp) -> Self {
        Self { id, revision: 1, status: CandidateStatus::Active, profile, registered_at: at, changed_at: at }
    }

    /// Says something else of the candidate; tells whether it differs.
    pub fn change(&mut self, profile: Profile, at: Timestamp) -> Result<bool, CandidateError> {
        self.must_be_active()?;
        if profile == self.profile {
            return Ok(false);
        }
        self.profile = profile;
        self.next(at);
        Ok(true)
    }

    /// Takes over what is said of another candidate, who is the same person and goes.
    pub fn merge(&mut self, other: &mut Self, at: Timestamp) -> Result<(), CandidateError> {
        self.must_be_active()?;
        other.must_be_active()?;
        self.profile.absorb(&other.profile);
        self.next(at);
        other.forget();
        other.status = CandidateStatus::Merged { into: self.id.clone() };
        other.next(at);
        Ok(())
    }

    /// Forgets the person and keeps the numbers: skills, years, pay. Erasing again is no news.
    pub fn erase(&mut self, at: Timestamp) -> bool {
        if self.status == CandidateStatus::Erased {
            return false;
        }
        self.forget();
        self.status = CandidateStatus::Erased;
        self.next(at);
        true
    }

    fn forget(&mut self) {
        self.profile.name.clear();
        self.profile.email = None;
        self.profile.phone = None;
        self.profile.summary = None;
        self.profile.locations.clear();
    }

    pub fn must_be_active(&self) -> Result<(), CandidateError> {
        match &self.status {
            CandidateStatus::Active => Ok(()),
            CandidateStatus::Merged { into } => Err(CandidateError::Merged { into: into.clone() }),
            CandidateStatus::Erased => Err(CandidateError::Erased),
        }
    }

    fn next(&mut self, at: Timestamp) {
        self.revision += 1;
        self.changed_at = at.max(self.changed_at);
    }

    pub fn restore(stored: StoredCandidate) -> Self {
        let StoredCandidate { id, revision, status, profile, registered_at, changed_at } = stored;
        Self { id, revision, status, profile, registered_at, changed_at }
    }

    pub fn id(&self) -> &CandidateId {
        &self.id
    }

    pub fn revision(&self) -> u32 {
        self.revision
    }

    pub fn status(&self) -> &CandidateStatus {
        &self.status
    }

    pub fn is_active(&self) -> bool {
        self.status == CandidateStatus::Active
    }

    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    pub fn registered_at(&self) -> Timestamp {
        self.registered_at
    }

    pub fn changed_at(&self) -> Timestamp {
        self.changed_at
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn profile(name: &str) -> Profile {
        Profile {
            name: name.to_owned(),
            email: None,
            phone: None,
            skills: Vec::new(),
            experience_years: None,
            locations: Vec::new(),
            remote: false,
            relocation: false,
            salary_expectation: None,
            job_types: Vec::new(),
            available_from: None,
            source: Source::External,
            summary: None,
        }
    }

    pub(crate) fn held(name: &str, years: u8) -> HeldSkill {
        HeldSkill { skill: Skill::parse(name).unwrap(), years: Some(years), level: None }
    }

    fn at() -> Timestamp {
        Timestamp::parse("2025-01-15T12:00:00Z").unwrap()
    }

    fn candidate(id: &str, profile: Profile) -> Candidate {
        Candidate::register(CandidateId::parse(id).unwrap(), profile, at())
    }

    #[test]
    fn who_is_erased_keeps_the_numbers_alone() {
        let email = Email::parse("ana@x.co").ok();
        let skills = vec![held("rust", 4)];
        let said = Profile { email, skills, summary: Some("Ana…".to_owned()), ..profile("Ana Gil") };
        let mut ana = candidate("c-1", said);
        assert!(ana.erase(at()));
        assert!(!ana.erase(at()));
        assert_eq!(ana.profile(), &Profile { skills: vec![held("rust", 4)], ..profile("") });
        assert_eq!(ana.change(profile("Ana"), at()), Err(CandidateError::Erased));
    }

    #[test]
    fn merged_candidates_know_what_either_did_and_of_a_skill_the_longer_practice() {
        let mut ana = candidate("c-1", Profile { skills: vec![held("rust", 2)], ..profile("Ana Gil") });
        let phone = Phone::parse("+57 300 123 4567").ok();
        let skills = vec![held("Rust", 5), held("sql", 1)];
        let mut other = candidate("c-2", Profile { phone: phone.clone(), skills, ..profile("Ana Gil P") });
        ana.merge(&mut other, at()).unwrap();
        assert_eq!(ana.profile().skills, [held("Rust", 5), held("sql", 1)]);
        assert_eq!((ana.profile().phone.clone(), ana.profile().years()), (phone, 5));
        assert_eq!(other.status(), &CandidateStatus::Merged { into: ana.id().clone() });
        assert_eq!((other.profile().name.as_str(), other.profile().phone.clone()), ("", None));
        assert!(ana.merge(&mut other, at()).is_err());
    }
}
