//! Our errors as clients see them. Exhaustive, so that a new error cannot be forgotten.

use hexalpes_http::{FieldError, Problem, Said, said};

use crate::commands::{NotFollowed, NotRecorded, NotRefunded};
use crate::domain::{LinesError, NotAttributed, RefundError};

/// 404 for a conversion.
pub(crate) fn no_conversion(id: impl std::fmt::Display) -> Problem {
    let detail = said!("there is no conversion {id}", "no hay ninguna conversión {id}");
    Problem::not_found("conversion_not_found", detail)
}

/// 422 for one field of the body.
fn invalid(pointer: impl Into<String>, code: &'static str, message: Said) -> Problem {
    Problem::invalid(vec![FieldError { pointer: pointer.into(), code, message }])
}

impl From<NotRecorded> for Problem {
    fn from(error: NotRecorded) -> Self {
        match error {
            NotRecorded::NoProgram(id) => invalid(
                "/programa_id",
                "program_not_found",
                said!("there is no program {id}", "no hay ningún programa {id}"),
            ),
            NotRecorded::NoAffiliate(id) => invalid(
                "/afiliado_id",
                "affiliate_not_found",
                said!("there is no affiliate {id}", "no hay ningún afiliado {id}"),
            ),
            NotRecorded::NoCode(code) => invalid(
                "/codigo",
                "code_not_found",
                said!(
                    "no affiliate of the program has the code {code}",
                    "ningún afiliado del programa tiene el código {code}"
                ),
            ),
            NotRecorded::NoClick(id) => invalid(
                "/clic_id",
                "click_not_found",
                said!("there is no click {id}", "no hay ningún clic {id}"),
            ),
            NotRecorded::ClickElsewhere(id) => invalid(
                "/clic_id",
                "other_program",
                said!(
                    "the click {id} is on a link of another program",
                    "el clic {id} es en un enlace de otro programa"
                ),
            ),
            NotRecorded::ProgramClosed(id) => invalid(
                "/programa_id",
                "program_closed",
                said!("the program {id} is closed", "el programa {id} está cerrado"),
            ),
            NotRecorded::OtherProgram { affiliate, program } => invalid(
                "/afiliado_id",
                "other_program",
                said!(
                    "affiliate {affiliate} works under the program {program}: say so in programa_id",
                    "el afiliado {affiliate} trabaja en el programa {program}: indíquelo en programa_id"
                ),
            ),
            NotRecorded::MayNotEarn(id) => invalid(
                "/afiliado_id",
                "affiliate_not_active",
                said!(
                    "affiliate {id} is suspended or was terminated",
                    "el afiliado {id} está suspendido o fue terminado"
                ),
            ),
            NotRecorded::NotAttributed(error) => not_attributed(error),
            NotRecorded::Gross(error) => invalid("/valor_conversion", "invalid_amount", Said::from(error)),
            NotRecorded::LineAmount { index, error } => {
                invalid(format!("/lineas/{index}/importe"), "invalid_amount", Said::from(error))
            }
            NotRecorded::Lines(error) => lines(error),
            NotRecorded::Duplicate { existing } => Self::conflict(
                "duplicate_conversion",
                said!(
                    "conversion {existing} has this referencia_externa and says something else",
                    "la conversión {existing} tiene esta referencia_externa y dice otra cosa"
                ),
            )
            .with("conversion_id", existing.as_str()),
            NotRecorded::Database(error) => error.into(),
        }
    }
}

fn not_attributed(error: NotAttributed) -> Problem {
    let message = match error {
        NotAttributed::Unnamed => said!(
            "nobody is named, and the program counts no clicks: give afiliado_id or codigo",
            "no se nombra a nadie y el programa no cuenta clics: indique afiliado_id o codigo"
        ),
        NotAttributed::NoClick => said!(
            "nobody is named, and there is no click within the program's window: give afiliado_id, codigo, clic_id or \
             visitante_id",
            "no se nombra a nadie y no hay ningún clic dentro de la ventana del programa: indique afiliado_id, codigo, \
             clic_id o visitante_id"
        ),
    };
    invalid("/afiliado_id", "not_attributed", message)
}

fn lines(error: LinesError) -> Problem {
    match error {
        LinesError::Sum { sum, gross } => invalid(
            "/lineas",
            "wrong_sum",
            said!("the lines sum to {sum}, not to {gross}", "las líneas suman {sum}, no {gross}"),
        ),
        LinesError::Twice(id) => invalid(
            "/lineas",
            "duplicate_line",
            said!("the line {id} is there twice", "la línea {id} está dos veces"),
        ),
        LinesError::Money(error) => invalid("/lineas", "invalid_amount", Said::from(error)),
    }
}

impl From<NotRefunded> for Problem {
    fn from(error: NotRefunded) -> Self {
        match error {
            NotRefunded::NotFound(id) => no_conversion(id),
            NotRefunded::Refused(error) => refused(error),
            NotRefunded::Amount { line: None, error } => {
                invalid("/monto", "invalid_amount", Said::from(error))
            }
            NotRefunded::Amount { line: Some(index), error } => {
                invalid(format!("/lineas/{index}/importe"), "invalid_amount", Said::from(error))
            }
            NotRefunded::Duplicate { existing } => Self::conflict(
                "duplicate_refund",
                said!(
                    "refund {existing} has this referencia_externa and says something else",
                    "el reembolso {existing} tiene esta referencia_externa y dice otra cosa"
                ),
            )
            .with("reembolso_id", existing.as_str()),
            NotRefunded::Database(error) => error.into(),
        }
    }
}

fn refused(error: RefundError) -> Problem {
    match error {
        RefundError::NothingLeft => {
            Problem::conflict("nothing_left", said!("{error}", "no queda nada por reembolsar"))
        }
        RefundError::NotPositive => {
            invalid("/monto", "not_positive", said!("{error}", "debe ser mayor que cero"))
        }
        RefundError::TooMuch { left } => {
            let message =
                said!("it is more than the {left} that are left", "es más que los {left} que quedan");
            let mut problem = invalid("/monto", "too_much", message);
            problem = problem.with("restante_minor", left.minor());
            problem
        }
        RefundError::NoLine(id) => invalid(
            "/lineas",
            "line_not_found",
            said!("there is no line {id} in the conversion", "no hay ninguna línea {id} en la conversión"),
        ),
        RefundError::LineTooMuch { line, left } => invalid(
            "/lineas",
            "too_much",
            said!("the line {line} has only {left} left", "a la línea {line} solo le quedan {left}"),
        ),
        RefundError::Twice(id) => invalid(
            "/lineas",
            "duplicate_line",
            said!("the line {id} is there twice", "la línea {id} está dos veces"),
        ),
        RefundError::Money(error) => invalid("/monto", "invalid_amount", Said::from(error)),
    }
}

impl From<NotFollowed> for Problem {
    fn from(error: NotFollowed) -> Self {
        match error {
            NotFollowed::NoLink(slug) => Self::not_found(
                "link_not_found",
                said!("there is no link {slug}", "no hay ningún enlace {slug}"),
            ),
            NotFollowed::Database(error) => error.into(),
        }
    }
}
