//! Our errors as clients see them. Exhaustive, so that a new error cannot be forgotten.

use hexalpes_http::{FieldError, Problem, Said, said};

use crate::commands::{
    AffiliateNotChanged, LinkNotAdded, NotRegistered, ProgramNotChanged, ProgramNotCreated,
};
use crate::domain::{AffiliateChangeError, AffiliateId, ProgramChangeError};

/// 404 for an affiliate.
pub(crate) fn no_affiliate(id: impl std::fmt::Display) -> Problem {
    Problem::not_found(
        "affiliate_not_found",
        said!("there is no affiliate {id}", "no hay ningún afiliado {id}"),
    )
}

/// 404 for a program.
pub(crate) fn no_program(id: impl std::fmt::Display) -> Problem {
    Problem::not_found("program_not_found", said!("there is no program {id}", "no hay ningún programa {id}"))
}

/// 422 for one field of the body.
fn invalid(pointer: &str, code: &'static str, message: Said) -> Problem {
    Problem::invalid(vec![FieldError { pointer: pointer.to_owned(), code, message }])
}

fn email_taken(by: &AffiliateId) -> Problem {
    let detail = said!(
        "affiliate {by} of the program has this e-mail; change that one, or register with another",
        "el afiliado {by} del programa tiene este correo; cambie ese, o registre con otro"
    );
    Problem::conflict("email_taken", detail).with("afiliado_id", by.as_str()).with("field", "/email")
}

impl From<NotRegistered> for Problem {
    fn from(error: NotRegistered) -> Self {
        match error {
            NotRegistered::NoProgram(id) => invalid(
                "/programa_id",
                "program_not_found",
                said!("there is no program {id}", "no hay ningún programa {id}"),
            ),
            NotRegistered::ProgramClosed(id) => invalid(
                "/programa_id",
                "program_closed",
                said!("the program {id} is closed", "el programa {id} está cerrado"),
            ),
            NotRegistered::EmailTaken { by } => email_taken(&by),
            NotRegistered::CodeTaken { by } => {
                let detail = said!(
                    "affiliate {by} of the program has this code; choose another, or leave it out to get one",
                    "el afiliado {by} del programa tiene este código; elija otro, u omítalo para recibir uno"
                );
                Self::conflict("code_taken", detail).with("afiliado_id", by.as_str()).with("field", "/codigo")
            }
            NotRegistered::Database(error) => error.into(),
        }
    }
}

impl From<AffiliateNotChanged> for Problem {
    fn from(error: AffiliateNotChanged) -> Self {
        match error {
            AffiliateNotChanged::NotFound(id) => no_affiliate(id),
            AffiliateNotChanged::Refused(error) => error.into(),
            AffiliateNotChanged::EmailTaken { by } => email_taken(&by),
            AffiliateNotChanged::Database(error) => error.into(),
        }
    }
}

impl From<AffiliateChangeError> for Problem {
    fn from(error: AffiliateChangeError) -> Self {
        match error {
            AffiliateChangeError::Terminated => Self::conflict(
                "affiliate_terminated",
                said!("{error}", "fue terminado, y eso es definitivo: regístrelo de nuevo con otro correo"),
            ),
        }
    }
}

impl From<LinkNotAdded> for Problem {
    fn from(error: LinkNotAdded) -> Self {
        match error {
            LinkNotAdded::NotFound(id) => no_affiliate(id),
            LinkNotAdded::Refused(error) => error.into(),
            LinkNotAdded::Database(error) => error.into(),
        }
    }
}

impl From<ProgramNotCreated> for Problem {
    fn from(error: ProgramNotCreated) -> Self {
        match error {
            ProgramNotCreated::Exists(id) => Self::conflict(
                "program_exists",
                said!("there is a program {id} already", "ya hay un programa {id}"),
            )
            .with("programa_id", id.as_str()),
            ProgramNotCreated::Database(error) => error.into(),
        }
    }
}

impl From<ProgramNotChanged> for Problem {
    fn from(error: ProgramNotChanged) -> Self {
        match error {
            ProgramNotChanged::NotFound(id) => no_program(id),
            ProgramNotChanged::Refused(error) => match error {
                ProgramChangeError::Default => Self::conflict(
                    "default_program",
                    said!(
                        "{error}",
                        "el programa default sigue abierto: a él pertenece quien no nombra ningún programa"
                    ),
                ),
            },
            ProgramNotChanged::Database(error) => error.into(),
        }
    }
}
