//! Asking: what may go wrong with it, and the page that says so.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use hexalpes_client::{TopicName, admin::AdminError};
use hexalpes_desk::{NewestError, letters::LettersError, trace::TraceError};
use maud::html;

use crate::page::{self, t};

/// Why there is no page of what was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// The broker, for what is not asked over REST.
    #[error("{0}")]
    Away(String),
    #[error("{service} does not answer at {url}")]
    Silent { service: String, url: String },
    #[error("{service}: {status}: {why}")]
    Refused { service: String, status: u16, why: String },
    #[error(transparent)]
    Letters(#[from] LettersError),
    #[error(transparent)]
    Newest(#[from] NewestError),
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// What the address or a form says cannot be meant.
    #[error("{0}")]
    Meant(String),
    #[error("{0}")]
    Absent(String),
}

impl Failure {
    fn status(&self) -> StatusCode {
        let passed = |status: Option<u16>| status.and_then(|status| StatusCode::from_u16(status).ok());
        let refused = match self {
            Self::Admin(error) => passed(error.status().map(|status| status.as_u16())),
            Self::Refused { status, .. } => passed(Some(*status)),
            Self::Meant(_) | Self::Letters(LettersError::NoLetters { .. }) => Some(StatusCode::BAD_REQUEST),
            Self::Absent(_) | Self::Letters(LettersError::NoEvent { .. } | LettersError::NoKey { .. }) => {
                Some(StatusCode::NOT_FOUND)
            }
            Self::Letters(LettersError::NotHeld { .. }) => Some(StatusCode::CONFLICT),
            Self::Away(_) | Self::Silent { .. } | Self::Letters(_) | Self::Newest(_) | Self::Trace(_) => None,
        };
        // A 401 that comes this far is of somebody who is known and may not.
        match refused {
            Some(StatusCode::UNAUTHORIZED) => StatusCode::FORBIDDEN,
            Some(status) if status.is_client_error() => status,
            _ => StatusCode::BAD_GATEWAY,
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = self.status();
        let title = match status {
            StatusCode::NOT_FOUND => t!("There is no such thing", "No hay tal cosa"),
            StatusCode::FORBIDDEN => t!("You may not do this", "No puede hacer esto"),
            status if status.is_client_error() => t!("This was refused", "Esto se rechazó"),
            _ => t!("This could not be asked", "Esto no se pudo preguntar"),
        };
        let body = html! {
            p.bad { (self.to_string()) }
            p { a href="/" { (t!("Overview", "Resumen")) } }
        };
        (status, page::bare(title, &body)).into_response()
    }
}

/// A topic's name as an address or a form has it.
pub(crate) fn topic(name: &str) -> Result<TopicName, Failure> {
    TopicName::parse(name).map_err(|error| Failure::Meant(error.to_string()))
}
