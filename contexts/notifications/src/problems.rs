//! Our errors as clients see them. Exhaustive, so that a new error cannot be forgotten.

use hexalpes_http::{FieldError, Problem, said};

use crate::commands::NotDone;
use crate::domain::TemplateError;

pub(crate) fn no_recipient(id: impl std::fmt::Display) -> Problem {
    let detail = said!("there is no recipient {id}", "no hay ningún destinatario {id}");
    Problem::not_found("recipient_not_found", detail)
}

pub(crate) fn no_webhook(id: impl std::fmt::Display) -> Problem {
    Problem::not_found("webhook_not_found", said!("there is no webhook {id}", "no hay ningún webhook {id}"))
}

pub(crate) fn no_delivery(id: impl std::fmt::Display) -> Problem {
    Problem::not_found(
        "delivery_not_found",
        said!("there is no delivery {id}", "no hay ninguna entrega {id}"),
    )
}

pub(crate) fn no_notification(id: impl std::fmt::Display) -> Problem {
    let detail = said!("the inbox has no notification {id}", "la bandeja no tiene ninguna notificación {id}");
    Problem::not_found("notification_not_found", detail)
}

pub(crate) fn no_template(kind: impl std::fmt::Display) -> Problem {
    let detail = said!(
        "no event that is told is called {kind}: GET /v1/templates lists them",
        "ningún evento que se notifica se llama {kind}: GET /v1/templates los lista"
    );
    Problem::not_found("template_not_found", detail)
}

impl From<NotDone> for Problem {
    fn from(error: NotDone) -> Self {
        match error {
            NotDone::NoRecipient(id) => no_recipient(id),
            NotDone::RecipientExists(id) => {
                let detail = said!(
                    "there is a recipient {id} already: change that one, or choose another id",
                    "ya hay un destinatario {id}: cambie ese, o elija otro id"
                );
                Self::conflict("recipient_exists", detail).with("recipient_id", id.as_str())
            }
            NotDone::NoWebhook(id) => no_webhook(id),
            NotDone::TooManyWebhooks => Self::conflict(
                "too_many_webhooks",
                said!(
                    "{error}; delete one first",
                    "un destinatario tiene a lo sumo 20 webhooks; borre uno antes"
                ),
            ),
            NotDone::NoDelivery(id) => no_delivery(id),
            NotDone::OnItsWay(state) => {
                let name = state.name();
                let detail = said!(
                    "it is {name}: what was sent or has failed can be sent once more",
                    "está en {name}: se puede reenviar lo que se envió o falló"
                );
                Self::conflict("delivery_on_its_way", detail)
                    .with("state", name)
                    .with("allowed_from", vec!["SENT", "FAILED"])
            }
            NotDone::Template { field, error } => {
                let message = match &error {
                    TemplateError::Unclosed { at } => {
                        said!("{error}", "unas {{{{ en el carácter {at} no se cierran")
                    }
                    TemplateError::Unknown { name, known } => {
                        said!("{error}", "el evento no tiene {name} que se pueda mostrar; tiene {known}")
                    }
                };
                let pointer = format!("/{field}");
                Self::invalid(vec![FieldError { pointer, code: "unknown_placeholder", message }])
            }
            NotDone::NotNewest(error) => error.into(),
            NotDone::Database(error) => error.into(),
        }
    }
}
