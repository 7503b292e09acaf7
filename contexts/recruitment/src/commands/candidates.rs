//! Registers candidates once each, changes what is said of them, merges those who are one, and forgets people.

use hexalpes_db::{DbError, Tx};
use hexalpes_http::{IfMatch, NotNewest};
use hexalpes_kernel::Cause;

use crate::domain::{
    Application, ApplicationId, Candidate, CandidateError, CandidateId, Profile, Stage, Step,
};
use crate::store::{self, Alike, Subject, Taken};

#[derive(Clone, Debug)]
pub struct RegisterCandidate {
    pub id: CandidateId,
    pub profile: Profile,
}

/// A new candidate, and those whose names are like it.
#[derive(Clone, Debug)]
pub struct Registered {
    pub candidate: Candidate,
    pub(crate) alike: Vec<Alike>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRegistered {
    #[error("candidate {by} has this e-mail")]
    EmailTaken { by: CandidateId },
    #[error("candidate {by} has this telephone")]
    PhoneTaken { by: CandidateId },
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<Taken> for NotRegistered {
    fn from(taken: Taken) -> Self {
        match taken {
            Taken::Email { by } => Self::EmailTaken { by },
            Taken::Phone { by } => Self::PhoneTaken { by },
        }
    }
}

pub async fn register_candidate(
    tx: &Tx,
    command: RegisterCandidate,
    cause: &Cause,
) -> Result<Registered, NotRegistered> {
    let candidate = Candidate::register(command.id, command.profile, cause.at);
    if let Some(taken) = store::insert_candidate(tx, &candidate).await? {
        return Err(taken.into());
    }
    is_due(tx, candidate.id(), cause).await?;
    let alike = store::alike(tx, &candidate).await?;
    Ok(Registered { candidate, alike })
}

/// What else is to be said of a candidate, made of what is said now.
#[derive(Clone, Debug)]
pub struct ChangeCandidate<F> {
    pub id: CandidateId,
    pub seen: IfMatch,
    pub change: F,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CandidateNotChanged {
    #[error("there is no candidate {0}")]
    NotFound(CandidateId),
    #[error(transparent)]
    NotNewest(#[from] NotNewest),
    #[error(transparent)]
    Refused(#[from] CandidateError),
    #[error(transparent)]
    Taken(#[from] NotRegistered),
    #[error(transparent)]
    Database(#[from] DbError),
}

pub async fn change_candidate<E: From<CandidateNotChanged> + From<DbError>>(
    tx: &Tx,
    command: ChangeCandidate<impl Fn(&Profile) -> Result<Profile, E>>,
    cause: &Cause,
) -> Result<Candidate, E> {
    let ChangeCandidate { id, seen, change } = command;
    let found = store::load_candidate(tx, &id).await?;
    let before = found.ok_or(CandidateNotChanged::NotFound(id))?;
    seen.check(before.revision()).map_err(CandidateNotChanged::from)?;
    let mut candidate = before.clone();
    let profile = change(candidate.profile())?;
    if !candidate.change(profile, cause.at).map_err(CandidateNotChanged::from)? {
        return Ok(candidate);
    }
    if let Some(taken) = store::save_candidate(tx, &candidate, &before).await? {
        return Err(CandidateNotChanged::Taken(taken.into()).into());
    }
    is_due(tx, candidate.id(), cause).await?;
    Ok(candidate)
}

/// Two candidates are one person.
#[derive(Clone, Debug)]
pub struct MergeCandidates {
    /// Who stays.
    pub into: CandidateId,
    pub seen: IfMatch,
    /// Who goes.
    pub duplicate: CandidateId,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotMerged {
    #[error("there is no candidate {0}")]
    NotFound(CandidateId),
    #[error("a candidate is not merged with itself")]
    Itself,
    #[error(transparent)]
    NotNewest(#[from] NotNewest),
    #[error(transparent)]
    Refused(#[from] CandidateError),
    #[error("candidate {0} was hired: merge the other into it")]
    Hired(CandidateId),
    #[error("both have applied for one job: application {0} is in the way")]
    BothApplied(ApplicationId),
    #[error(transparent)]
    Database(#[from] DbError),
}

/// The applications of who goes become those of who stays.
pub async fn merge_candidates(
    tx: &Tx,
    command: MergeCandidates,
    cause: &Cause,
) -> Result<Candidate, NotMerged> {
    let MergeCandidates { into, seen, duplicate } = command;
    if into == duplicate {
        return Err(NotMerged::Itself);
    }
    let before = store::load_candidate(tx, &into).await?.ok_or(NotMerged::NotFound(into))?;
    seen.check(before.revision())?;
    let gone_before = store::load_candidate(tx, &duplicate).await?.ok_or(NotMerged::NotFound(duplicate))?;
    let (mut candidate, mut gone) = (before.clone(), gone_before.clone());
    candidate.merge(&mut gone, cause.at)?;
    if store::is_hired(tx, gone.id()).await? {
        return Err(NotMerged::Hired(gone.id().clone()));
    }
    for mut application in store::applications_of(tx, gone.id()).await? {
        let both = store::application_of(tx, application.job(), candidate.id()).await?;
        if both.is_some() {
            return Err(NotMerged::BothApplied(application.id().clone()));
        }
        let revision = application.revision();
        application.hand_to(candidate.id().clone());
        store::save_application(tx, &application, revision).await?;
    }
    // Who goes first: its e-mail and telephone may become those of who stays.
    for (one, before) in [(&gone, &gone_before), (&candidate, &before)] {
        if store::save_candidate(tx, one, before).await?.is_some() {
            return Err(DbError::Conflict("somebody took e-mail or telephone a moment ago".to_owned()).into());
        }
        is_due(tx, one.id(), cause).await?;
    }
    Ok(candidate)
}

#[derive(Clone, Debug)]
pub struct EraseCandidate {
    pub id: CandidateId,
    pub seen: IfMatch,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotErased {
    #[error("there is no candidate {0}")]
    NotFound(CandidateId),
    #[error(transparent)]
    NotNewest(#[from] NotNewest),
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Forgets the person, and what people wrote about them. Open applications are withdrawn.
pub async fn erase_candidate(
    tx: &Tx,
    command: EraseCandidate,
    cause: &Cause,
) -> Result<Candidate, NotErased> {
    let EraseCandidate { id, seen } = command;
    let before = store::load_candidate(tx, &id).await?.ok_or(NotErased::NotFound(id))?;
    seen.check(before.revision())?;
    let mut candidate = before.clone();
    if !candidate.erase(cause.at) {
        return Ok(candidate);
    }
    if store::save_candidate(tx, &candidate, &before).await?.is_some() {
        return Err(DbError::Conflict("somebody took what is given up".to_owned()).into());
    }
    is_due(tx, candidate.id(), cause).await?;
    for application in store::applications_of(tx, candidate.id()).await? {
        withdraw(tx, application, cause).await?;
    }
    Ok(candidate)
}

/// Jobs are matched again because of who is new, another or gone.
async fn is_due(tx: &Tx, candidate: &CandidateId, cause: &Cause) -> Result<(), DbError> {
    store::note_due(tx, &Subject::Candidate(candidate.clone()), cause).await
}

async fn withdraw(tx: &Tx, mut application: Application, cause: &Cause) -> Result<(), DbError> {
    let revision = application.revision();
    if !application.stage().is_over() {
        let step = Step { to: Stage::Withdrawn, at: cause.at, by: cause.actor.clone(), reason: None };
        // From every stage that is not the last, a candidate may withdraw.
        if application.go(step).is_ok() {
            super::offers::close_offers(tx, application.id(), cause.at).await?;
            store::save_application(tx, &application, revision).await?;
        }
    }
    // One that were held later would be written about.
    store::cancel_interviews(tx, application.id()).await?;
    store::forget_reasons(tx, application.id()).await?;
    store::forget_words(tx, application.id()).await
}
