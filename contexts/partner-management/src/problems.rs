//! Our errors as clients see them. Exhaustive, so that a new error cannot be forgotten.

use hexalpes_http::{FieldError, Problem, said};
use serde_json::json;

use crate::commands::{NotAcknowledged, NotCancelled, NotChanged, NotRegistered, NotRequested};
use crate::domain::{ChangeError, DocumentError, PartnerId, PartnerStatus, RequestStatus};
use crate::views::TransitionView;

/// 404 for a partner.
pub(crate) fn no_partner(id: impl std::fmt::Display) -> Problem {
    Problem::not_found("partner_not_found", said!("there is no partner {id}", "no hay ningún partner {id}"))
}

/// 404 for a request of a partner.
pub(crate) fn no_request(id: impl std::fmt::Display) -> Problem {
    Problem::not_found(
        "recruitment_request_not_found",
        said!("the partner has no recruitment request {id}", "el partner no tiene ninguna solicitud {id}"),
    )
}

/// 404 for a document of a partner.
pub(crate) fn no_document(id: impl std::fmt::Display) -> Problem {
    Problem::not_found(
        "document_not_found",
        said!("the partner has no document {id}", "el partner no tiene ningún documento {id}"),
    )
}

/// 404 for an alert of a partner.
pub(crate) fn no_alert(id: impl std::fmt::Display) -> Problem {
    Problem::not_found(
        "budget_alert_not_found",
        said!("the partner has no budget alert {id}", "el partner no tiene ninguna alerta {id}"),
    )
}

fn email_taken(by: &PartnerId) -> Problem {
    let detail = said!(
        "partner {by} has this e-mail; change that one, or register with another",
        "el partner {by} tiene este correo; cambie ese, o registre con otro"
    );
    Problem::conflict("email_taken", detail).with("partner_id", by.as_str()).with("field", "/email")
}

impl From<NotRegistered> for Problem {
    fn from(error: NotRegistered) -> Self {
        match error {
            NotRegistered::EmailTaken { by } => email_taken(&by),
            NotRegistered::SameDocument { index } => Self::invalid(vec![FieldError {
                pointer: format!("/documents/{index}"),
                code: "duplicate_document",
                message: said!("the same document is there twice", "el mismo documento está dos veces"),
            }]),
            NotRegistered::Database(error) => error.into(),
        }
    }
}

impl From<NotChanged> for Problem {
    fn from(error: NotChanged) -> Self {
        match error {
            NotChanged::NotFound(id) => no_partner(id),
            NotChanged::Refused(ChangeError::NotAllowed { status, allowed }) => {
                let allowed: Vec<TransitionView> = allowed.into_iter().map(TransitionView::from).collect();
                let ways = allowed.iter().map(TransitionView::told).collect::<Vec<_>>().join(", ");
                let detail = if ways.is_empty() {
                    said!(
                        "the partner is {status}, and that is final: register it again with another e-mail",
                        "el partner está {status}, y eso es definitivo: regístrelo de nuevo con otro correo"
                    )
                } else {
                    said!(
                        "the partner is {status}; possible are: {ways}",
                        "el partner está {status}; es posible: {ways}"
                    )
                };
                Self::conflict("illegal_transition", detail)
                    .with("partner_status", status.name())
                    .with("allowed_transitions", json!(allowed))
            }
            NotChanged::Refused(ChangeError::Document(error)) => document(error),
            NotChanged::EmailTaken { by } => email_taken(&by),
            NotChanged::NotNewest(error) => error.into(),
            NotChanged::Database(error) => error.into(),
        }
    }
}

fn document(error: DocumentError) -> Problem {
    match error {
        DocumentError::NotFound(id) => no_document(id),
        DocumentError::There(id) => Problem::conflict(
            "duplicate_document",
            said!(
                "the partner has this document already, as {id}",
                "el partner ya tiene este documento, como {id}"
            ),
        )
        .with("document_id", id.as_str()),
        DocumentError::TooMany(most) => Problem::conflict(
            "too_many_documents",
            said!("a partner has {most} documents at most", "un partner tiene a lo sumo {most} documentos"),
        ),
        DocumentError::Over(day) => Problem::conflict(
            "document_expired",
            said!("it expired on {day}: add a newer one", "venció el {day}: añada uno más reciente"),
        ),
        DocumentError::Final(status) => Problem::conflict(
            "document_decided",
            said!(
                "it is {status}, and that is final: add another",
                "está {status}, y eso es definitivo: añada otro"
            ),
        )
        .with("document_status", status.name())
        .with("allowed_transitions", json!([])),
    }
}

impl From<NotRequested> for Problem {
    fn from(error: NotRequested) -> Self {
        match error {
            NotRequested::NoPartner(id) => no_partner(id),
            NotRequested::NotValidated(status) => not_validated(status),
            NotRequested::NoContract => Self::conflict(
                "no_active_contract",
                said!(
                    "no contract of the partner is in force any longer: renew it",
                    "ningún contrato del partner sigue vigente: renuévelo"
                ),
            ),
            NotRequested::Database(error) => error.into(),
        }
    }
}

fn not_validated(status: PartnerStatus) -> Problem {
    let detail = match status {
        PartnerStatus::Registered | PartnerStatus::Contracted => said!(
            "the partner is {status}: only one whose contract is active may ask for people; have its contract signed \
             and activated first",
            "el partner está {status}: solo quien tiene un contrato activo puede solicitar personal; haga firmar y \
             activar su contrato primero"
        ),
        PartnerStatus::Suspended => said!(
            "the partner is {status}: reactivate it first",
            "el partner está {status}: reactívelo primero"
        ),
        PartnerStatus::Terminated | PartnerStatus::Validated => said!(
            "the partner is {status}, and that is final",
            "el partner está {status}, y eso es definitivo"
        ),
    };
    Problem::conflict("partner_not_validated", detail).with("partner_status", status.name())
}

impl From<NotCancelled> for Problem {
    fn from(error: NotCancelled) -> Self {
        match error {
            NotCancelled::NotFound(id) => no_request(id),
            NotCancelled::Over(over) => {
                let status: RequestStatus = over.0;
                Self::conflict(
                    "illegal_transition",
                    said!("{over}", "la solicitud está {status}, y eso es definitivo"),
                )
                .with("request_status", status.name())
                .with("allowed_transitions", json!([]))
            }
            NotCancelled::NotNewest(error) => error.into(),
            NotCancelled::Database(error) => error.into(),
        }
    }
}

impl From<NotAcknowledged> for Problem {
    fn from(error: NotAcknowledged) -> Self {
        match error {
            NotAcknowledged::NotFound(id) => no_alert(id),
            NotAcknowledged::Database(error) => error.into(),
        }
    }
}
