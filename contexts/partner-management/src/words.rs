//! How a check came out, as a sentence in both languages.

use hexalpes_http::{Said, said};

use crate::domain::Reason;

/// Why a check came out as it did.
pub(crate) fn reason(reason: &Reason) -> Said {
    match reason {
        Reason::NoDocument { kind } => {
            said!("no document of the kind {kind} was added", "no se añadió ningún documento del tipo {kind}")
        }
        Reason::Waits { reference } => said!(
            "the document {reference} waits for somebody to verify it",
            "el documento {reference} espera a que alguien lo verifique"
        ),
        Reason::Verified { reference } => {
            said!("the document {reference} was verified", "el documento {reference} fue verificado")
        }
        Reason::Rejected { reference, why } => said!(
            "the document {reference} was rejected: {why}",
            "el documento {reference} fue rechazado: {why}"
        ),
        Reason::Expired { reference, on: Some(day) } => said!(
            "the document {reference} was valid until {day}",
            "el documento {reference} fue válido hasta {day}"
        ),
        Reason::Expired { reference, on: None } => {
            said!("the document {reference} is no longer valid", "el documento {reference} ya no es válido")
        }
        Reason::NoContract => {
            said!("no contract was activated yet", "todavía no se activó ningún contrato")
        }
        Reason::Activated { contract } => {
            said!("the contract {contract} was activated", "el contrato {contract} fue activado")
        }
        Reason::Ended { contract } => {
            said!("the contract {contract} has ended", "el contrato {contract} terminó")
        }
    }
}
