//! Our errors as clients see them. Exhaustive, so that a new error cannot be forgotten.

use std::fmt::Display;

use hexalpes_db::DbError;
use hexalpes_http::{FieldError, Problem, Said, said};

use crate::commands::{
    CandidateNotChanged, CostNotRecorded, InterviewNotDone, JobNotChanged, JobNotOpened, NotApplied,
    NotDeclined, NotErased, NotHired, NotMatched, NotMerged, NotMoved, NotOffered, NotRegistered,
};
use crate::domain::{CandidateError, JobError, StageError, StateError};

pub(crate) fn no_job(id: impl Display) -> Problem {
    Problem::not_found("job_not_found", said!("there is no job {id}", "no hay ningún puesto {id}"))
}

pub(crate) fn no_candidate(id: impl Display) -> Problem {
    Problem::not_found(
        "candidate_not_found",
        said!("there is no candidate {id}", "no hay ningún candidato {id}"),
    )
}

pub(crate) fn no_application(id: impl Display) -> Problem {
    Problem::not_found(
        "application_not_found",
        said!("there is no application {id}", "no hay ninguna postulación {id}"),
    )
}

pub(crate) fn no_interview(id: impl Display) -> Problem {
    Problem::not_found(
        "interview_not_found",
        said!("there is no interview {id}", "no hay ninguna entrevista {id}"),
    )
}

pub(crate) fn no_offer(id: impl Display) -> Problem {
    Problem::not_found("offer_not_found", said!("there is no offer {id}", "no hay ninguna oferta {id}"))
}

pub(crate) fn no_hire(id: impl Display) -> Problem {
    Problem::not_found("hire_not_found", said!("there is no hire {id}", "no hay ninguna contratación {id}"))
}

/// 422 for one field of the body.
pub(crate) fn invalid(pointer: &str, code: &'static str, message: Said) -> Problem {
    Problem::invalid(vec![FieldError { pointer: pointer.to_owned(), code, message }])
}

/// 422 for an id in the body that names nothing.
fn unknown(pointer: &str, not_found: Problem) -> Problem {
    invalid(pointer, not_found.code, not_found.detail)
}

fn not_allowed(detail: Said, status: &str, allowed: &[&str]) -> Problem {
    Problem::conflict("illegal_transition", detail)
        .with("status", status)
        .with("allowed_transitions", allowed.to_vec())
}

impl From<JobError> for Problem {
    fn from(error: JobError) -> Self {
        match error {
            JobError::State { status } => {
                let name = status.name();
                let allowed: Vec<&str> = status.allowed().iter().map(|status| status.name()).collect();
                let detail = said!(
                    "the job is {name}: its search is over, so open another job",
                    "el puesto está {name}: su búsqueda terminó; abra otro puesto"
                );
                not_allowed(detail, name, &allowed).with("field", "/job_id")
            }
            JobError::FewerOpenings { hired } => invalid(
                "/job_requirements/openings",
                "fewer_openings",
                said!(
                    "{hired} were hired for it already: it must be more than that",
                    "ya se contrató a {hired}: debe ser más que eso"
                ),
            ),
        }
    }
}

impl From<StageError> for Problem {
    fn from(error: StageError) -> Self {
        let (from, to) = (error.from.name(), error.to.name());
        let allowed: Vec<&str> = error.from.allowed().iter().map(|stage| stage.name()).collect();
        let ways = allowed.join(", ");
        let detail = if allowed.is_empty() {
            said!(
                "the application is {from}, which is its end",
                "la postulación está en {from}, que es su fin"
            )
        } else {
            said!(
                "from {from} no step leads to {to}; {ways} do",
                "de {from} ningún paso lleva a {to}; sí a {ways}"
            )
        };
        not_allowed(detail, from, &allowed)
    }
}

/// Of an interview or an offer.
fn state(error: StateError, english: &str, spanish: &str) -> Problem {
    let StateError { status, allowed } = error;
    let detail = said!("{english} is {status}, which is its end", "{spanish} está {status}, que es su fin");
    not_allowed(detail, status, allowed)
}

impl From<CandidateError> for Problem {
    fn from(error: CandidateError) -> Self {
        match error {
            CandidateError::Erased => Self::conflict(
                "candidate_erased",
                said!("{error}: register the person again", "el candidato fue borrado: regístrelo de nuevo"),
            )
            .with("field", "/candidate_id"),
            CandidateError::Merged { into } => Self::conflict(
                "candidate_merged",
                said!(
                    "the candidate was merged into {into}: use that one",
                    "el candidato fue unido a {into}: use ese"
                ),
            )
            .with("field", "/candidate_id")
            .with("candidate_id", into.as_str()),
        }
    }
}

impl From<JobNotOpened> for Problem {
    fn from(error: JobNotOpened) -> Self {
        match error {
            JobNotOpened::OtherPartner { existing } => Self::conflict(
                "request_taken",
                said!(
                    "job {existing} was opened for this request, by another partner",
                    "el puesto {existing} se abrió para esta solicitud, de otro partner"
                ),
            )
            .with("job_id", existing.as_str())
            .with("field", "/request_id"),
            JobNotOpened::Database(error) => error.into(),
        }
    }
}

impl From<JobNotChanged> for Problem {
    fn from(error: JobNotChanged) -> Self {
        match error {
            JobNotChanged::NotFound(id) => no_job(id),
            JobNotChanged::NotNewest(error) => error.into(),
            JobNotChanged::Refused(error) => error.into(),
            JobNotChanged::Database(error) => error.into(),
        }
    }
}

impl From<NotMatched> for Problem {
    fn from(error: NotMatched) -> Self {
        match error {
            NotMatched::NotFound(id) => no_job(id),
            NotMatched::NotNewest(error) => error.into(),
            NotMatched::Refused(error) => error.into(),
            // It was looked again so often that the client had better ask again in a while.
            NotMatched::Stale => DbError::Conflict(NotMatched::Stale.to_string()).into(),
            NotMatched::Database(error) => error.into(),
        }
    }
}

impl From<CostNotRecorded> for Problem {
    fn from(error: CostNotRecorded) -> Self {
        match error {
            CostNotRecorded::NotFound(id) => no_job(id),
            CostNotRecorded::Refused(error) => error.into(),
            CostNotRecorded::OtherCurrency(currency) => invalid(
                "/currency",
                "other_currency",
                said!("costs of this job are in {currency}", "los costos de este puesto son en {currency}"),
            ),
            CostNotRecorded::Amount(error) => invalid("/amount", "invalid_amount", Said::from(error)),
            CostNotRecorded::Duplicate { existing } => Self::conflict(
                "duplicate_cost",
                said!(
                    "cost {existing} of the job has this reference, and says something else",
                    "el costo {existing} del puesto tiene esta referencia, y dice otra cosa"
                ),
            )
            .with("cost_id", existing.as_str())
            .with("field", "/reference"),
            CostNotRecorded::Database(error) => error.into(),
        }
    }
}

impl From<NotRegistered> for Problem {
    fn from(error: NotRegistered) -> Self {
        match error {
            NotRegistered::EmailTaken { by } => Self::conflict(
                "email_taken",
                said!(
                    "candidate {by} has this e-mail: change or merge that one",
                    "el candidato {by} tiene este correo: cambie o una ese"
                ),
            )
            .with("candidate_id", by.as_str())
            .with("field", "/email"),
            NotRegistered::PhoneTaken { by } => Self::conflict(
                "phone_taken",
                said!(
                    "candidate {by} has this telephone: change or merge that one",
                    "el candidato {by} tiene este teléfono: cambie o una ese"
                ),
            )
            .with("candidate_id", by.as_str())
            .with("field", "/phone"),
            NotRegistered::Database(error) => error.into(),
        }
    }
}

impl From<CandidateNotChanged> for Problem {
    fn from(error: CandidateNotChanged) -> Self {
        match error {
            CandidateNotChanged::NotFound(id) => no_candidate(id),
            CandidateNotChanged::NotNewest(error) => error.into(),
            CandidateNotChanged::Refused(error) => error.into(),
            CandidateNotChanged::Taken(error) => error.into(),
            CandidateNotChanged::Database(error) => error.into(),
        }
    }
}

impl From<NotMerged> for Problem {
    fn from(error: NotMerged) -> Self {
        match error {
            NotMerged::NotFound(id) => no_candidate(id),
            NotMerged::Itself => invalid(
                "/duplicate_id",
                "same_candidate",
                said!("{error}", "un candidato no se une consigo mismo"),
            ),
            NotMerged::NotNewest(error) => error.into(),
            NotMerged::Refused(error) => error.into(),
            NotMerged::Hired(id) => Self::conflict(
                "duplicate_hired",
                said!(
                    "candidate {id} was hired: merge the other into it",
                    "el candidato {id} fue contratado: una el otro a él"
                ),
            )
            .with("candidate_id", id.as_str()),
            NotMerged::BothApplied(id) => Self::conflict(
                "both_applied",
                said!(
                    "both have applied for one job, and of two histories none can be lost: application {id} is in the way",
                    "ambos se postularon a un puesto, y de dos historias no se pierde ninguna: estorba la postulación {id}"
                ),
            )
            .with("application_id", id.as_str()),
            NotMerged::Database(error) => error.into(),
        }
    }
}

impl From<NotErased> for Problem {
    fn from(error: NotErased) -> Self {
        match error {
            NotErased::NotFound(id) => no_candidate(id),
            NotErased::NotNewest(error) => error.into(),
            NotErased::Database(error) => error.into(),
        }
    }
}

impl From<NotApplied> for Problem {
    fn from(error: NotApplied) -> Self {
        match error {
            NotApplied::NoJob(id) => unknown("/job_id", no_job(id)),
            NotApplied::NoCandidate(id) => unknown("/candidate_id", no_candidate(id)),
            NotApplied::Job(error) => error.into(),
            NotApplied::Candidate(error) => error.into(),
            NotApplied::Applied { existing } => Self::conflict(
                "already_applied",
                said!(
                    "the candidate has applied for this job: application {existing}",
                    "el candidato ya se postuló a este puesto: postulación {existing}"
                ),
            )
            .with("application_id", existing.as_str()),
            NotApplied::Database(error) => error.into(),
        }
    }
}

impl From<NotMoved> for Problem {
    fn from(error: NotMoved) -> Self {
        match error {
            NotMoved::NotFound(id) => no_application(id),
            NotMoved::NotNewest(error) => error.into(),
            NotMoved::Stage(error) => error.into(),
            NotMoved::Database(error) => error.into(),
        }
    }
}

impl From<InterviewNotDone> for Problem {
    fn from(error: InterviewNotDone) -> Self {
        match error {
            InterviewNotDone::NoApplication(id) => no_application(id),
            InterviewNotDone::NotFound(id) => no_interview(id),
            InterviewNotDone::Stage(error) => error.into(),
            InterviewNotDone::State(error) => state(error, "the interview", "la entrevista"),
            InterviewNotDone::Database(error) => error.into(),
        }
    }
}

impl From<NotOffered> for Problem {
    fn from(error: NotOffered) -> Self {
        match error {
            NotOffered::NoApplication(id) => no_application(id),
            NotOffered::Job(error) => error.into(),
            NotOffered::Stage(error) => error.into(),
            NotOffered::Open(id) => Self::conflict(
                "offer_open",
                said!(
                    "offer {id} is still open: decline it first, or wait until it expires",
                    "la oferta {id} sigue abierta: declínela antes, o espere a que venza"
                ),
            )
            .with("offer_id", id.as_str()),
            NotOffered::Database(error) => error.into(),
        }
    }
}

impl From<NotDeclined> for Problem {
    fn from(error: NotDeclined) -> Self {
        match error {
            NotDeclined::NotFound(id) => no_offer(id),
            NotDeclined::State(error) => state(error, "the offer", "la oferta"),
            NotDeclined::Database(error) => error.into(),
        }
    }
}

impl From<NotHired> for Problem {
    fn from(error: NotHired) -> Self {
        match error {
            NotHired::NoJob(id) => unknown("/job_id", no_job(id)),
            NotHired::NoCandidate(id) => unknown("/candidate_id", no_candidate(id)),
            NotHired::NoOffer(id) => no_offer(id),
            NotHired::Job(error) => error.into(),
            NotHired::Candidate(error) => error.into(),
            NotHired::Stage(error) => error.into(),
            NotHired::Offer(error) => state(error, "the offer", "la oferta"),
            NotHired::Hired { existing } => Self::conflict(
                "already_hired",
                said!(
                    "the candidate was hired for this job: {existing}",
                    "el candidato fue contratado para este puesto: {existing}"
                ),
            )
            .with("hiring_id", existing.as_str()),
            NotHired::Cost(error) => Self::conflict("cost_too_large", Said::from(error)),
            NotHired::Database(error) => error.into(),
        }
    }
}
