//! Our errors as clients see them. Exhaustive, so that a new error cannot be forgotten.

use hexalpes_http::{FieldError, Problem, Said, said};

use crate::commands::{EmploymentNotChanged, NotChanged, NotCreated, NotPublished};
use crate::domain::{NegotiateError, Refusal, SignError, TermsError};

/// 404 for a contract.
pub(crate) fn no_contract(id: impl std::fmt::Display) -> Problem {
    Problem::not_found(
        "contract_not_found",
        said!("there is no contract {id}", "no hay ningún contrato {id}"),
    )
}

/// 404 for a template.
pub(crate) fn no_template(id: impl std::fmt::Display) -> Problem {
    Problem::not_found(
        "template_not_found",
        said!("there is no template {id}", "no hay ninguna plantilla {id}"),
    )
}

/// 404 for a contract of employment.
pub(crate) fn no_employment_contract(id: impl std::fmt::Display) -> Problem {
    Problem::not_found(
        "employment_contract_not_found",
        said!("there is no contract of employment {id}", "no hay ningún contrato laboral {id}"),
    )
}

/// 422 for one field of the body.
fn invalid(pointer: &str, code: &'static str, message: Said) -> Problem {
    Problem::invalid(vec![FieldError { pointer: pointer.to_owned(), code, message }])
}

impl From<NotCreated> for Problem {
    fn from(error: NotCreated) -> Self {
        match error {
            NotCreated::NotFound(id) => no_contract(id),
            NotCreated::NoTemplate(id) => invalid(
                "/template_id",
                "template_not_found",
                said!("there is no template {id}", "no hay ninguna plantilla {id}"),
            ),
            NotCreated::OtherTemplate { id, contract_type, partner_type } => invalid(
                "/template_id",
                "other_template",
                said!(
                    "{id} is for {contract_type} contracts with {partner_type} partners",
                    "{id} es para contratos {contract_type} con socios {partner_type}"
                ),
            ),
            NotCreated::OtherLanguage { id, language } => {
                let language = language.name();
                invalid(
                    "/language",
                    "other_language",
                    said!(
                        "template {id} is in {language}: leave the language out, or name another template",
                        "la plantilla {id} está en {language}: omita el idioma o indique otra plantilla"
                    ),
                )
            }
            NotCreated::OpenContract { by } => {
                let detail = said!(
                    "contract {by} of the partner is still open: finish it, or terminate it with POST /v1/contracts/{by}/terminate",
                    "el contrato {by} del socio sigue abierto: termínelo de firmar, o ciérrelo con POST /v1/contracts/{by}/terminate"
                );
                Self::conflict("open_contract", detail).with("contract_id", by.as_str())
            }
            NotCreated::Refused(refusal) => refusal.into(),
            NotCreated::NotNewest(error) => error.into(),
            NotCreated::Database(error) => error.into(),
        }
    }
}

impl From<NotChanged> for Problem {
    fn from(error: NotChanged) -> Self {
        match error {
            NotChanged::NotFound(id) => no_contract(id),
            NotChanged::Refused(refusal) => refusal.into(),
            NotChanged::NotNewest(error) => error.into(),
            NotChanged::Database(error) => error.into(),
        }
    }
}

impl From<EmploymentNotChanged> for Problem {
    fn from(error: EmploymentNotChanged) -> Self {
        match error {
            EmploymentNotChanged::NotFound(id) => no_employment_contract(id),
            EmploymentNotChanged::Refused(refusal) => refusal.into(),
            EmploymentNotChanged::NotNewest(error) => error.into(),
            EmploymentNotChanged::Database(error) => error.into(),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotAllowed { verb, status, allowed } => {
                let (can, puede) = if allowed.is_empty() {
                    ("nothing".to_owned(), "nada".to_owned())
                } else {
                    (allowed.join(", "), allowed.join(", "))
                };
                let detail = said!(
                    "a contract that is {status} takes {can}, not {verb}",
                    "un contrato en estado {status} admite {puede}, no {verb}"
                );
                Self::conflict("not_allowed", detail)
                    .with("contract_status", status)
                    .with("allowed", allowed.to_vec())
            }
            Refusal::StillOpen { number } => {
                let detail = said!(
                    "proposal {number} waits for an answer: accept or reject it first (POST …/negotiation)",
                    "la propuesta {number} espera respuesta: acéptela o rechácela antes (POST …/negotiation)"
                );
                Self::conflict("open_proposal", detail).with("number", number)
            }
            Refusal::NoSignatories => Self::conflict(
                "no_signatories",
                said!(
                    "nobody is to sign it: name the signatories with PATCH",
                    "nadie ha de firmarlo: indique los firmantes con PATCH"
                ),
            ),
            Refusal::NoCandidate => invalid(
                "/signatories",
                "no_candidate",
                said!(
                    "nobody signs as CANDIDATE: name whoever is employed",
                    "nadie firma como CANDIDATE: indique a quien se contrata"
                ),
            ),
            Refusal::DateIsFixed { at } => {
                let day = crate::domain::date(at);
                invalid(
                    "/effective_date",
                    "date_is_fixed",
                    said!(
                        "the contract is effective from {day}, as its document says; leave it out",
                        "el contrato rige desde {day}, como dice su documento; omítalo"
                    ),
                )
            }
            Refusal::ExpiredAlready { at } => {
                let day = crate::domain::date(at);
                Self::conflict(
                    "expired_already",
                    said!(
                        "it would have expired on {day}: terminate it, and draft another",
                        "habría vencido el {day}: ciérrelo y redacte otro"
                    ),
                )
            }
            Refusal::NoSuchSignatory { position } => invalid(
                "/position",
                "no_such_signatory",
                said!(
                    "there is no signatory {position} who has still to sign",
                    "no hay ningún firmante {position} que aún tenga que firmar"
                ),
            ),
            Refusal::Terms(error) => terms(&error),
            Refusal::Negotiation(error) => negotiation(&error),
            Refusal::Signing(error) => signing(error),
        }
    }
}

impl From<NotPublished> for Problem {
    fn from(error: NotPublished) -> Self {
        match error {
            NotPublished::Terms(error) => terms(&error),
            NotPublished::Database(error) => error.into(),
        }
    }
}

fn terms(error: &TermsError) -> Problem {
    match error {
        TermsError::OtherCurrency { payment, commission } => invalid(
            "/terms/payment_terms/currency",
            "other_currency",
            said!(
                "commissions are in {commission}, and nothing exchanges them into {payment}: pay in {commission}",
                "las comisiones son en {commission} y nada las cambia a {payment}: pague en {commission}"
            ),
        ),
    }
}

fn negotiation(error: &NegotiateError) -> Problem {
    match error {
        NegotiateError::NothingOpen => Problem::conflict(
            "nothing_proposed",
            said!(
                "{error}: propose something first",
                "no hay ninguna propuesta que aceptar o rechazar: proponga algo antes"
            ),
        ),
        NegotiateError::OwnProposal { by } => {
            let by = by.name();
            Problem::conflict(
                "own_proposal",
                said!("{error}", "la otra parte debe aceptar lo que propuso {by}"),
            )
        }
        NegotiateError::NoChange => {
            invalid("/terms", "no_change", said!("{error}", "la propuesta no cambia nada"))
        }
        NegotiateError::TooMany => Problem::conflict(
            "too_many_proposals",
            said!("{error}", "un contrato tiene a lo sumo 100 propuestas: acepte la última, o ciérrelo"),
        ),
    }
}

fn signing(error: SignError) -> Problem {
    match error {
        SignError::UnknownToken => invalid(
            "/token",
            "unknown_token",
            said!(
                "is no token of this contract, or was replaced by a newer one: use the newest, or ask whoever sent the contract for another",
                "no es un token de este contrato, o fue sustituido por otro más nuevo: use el más reciente, o pida otro a quien envió el contrato"
            ),
        ),
        SignError::Used { at } => Problem::conflict(
            "token_used",
            said!(
                "the token was used at {at}: there is nothing more to sign with it; GET …/signatures shows who has signed",
                "el token se usó en {at}: ya no queda nada que firmar con él; GET …/signatures muestra quién ha firmado"
            ),
        ),
        SignError::Expired { at } => Problem::conflict(
            "token_expired",
            said!(
                "the token expired at {at}: whoever sent the contract gives another with POST …/tokens",
                "el token venció en {at}: quien envió el contrato da otro con POST …/tokens"
            ),
        ),
        SignError::NotYourTurn { position, name } => Problem::conflict(
            "not_your_turn",
            said!(
                "signatory {position}, {name}, signs before: wait for that signature",
                "el firmante {position}, {name}, firma antes: espere esa firma"
            ),
        )
        .with("position", position),
        SignError::OtherDocument { hash } => Problem::conflict(
            "other_document",
            said!(
                "the document that was sent is {hash}: read it at …/document before it is signed",
                "el documento enviado es {hash}: léalo en …/document antes de firmarlo"
            ),
        )
        .with("document_hash", hash),
    }
}
