//! Asking: what may go wrong with it, and the page that says so.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use hexalpes_client::{TopicName, admin::AdminError};
use hexalpes_desk::{NewestError, found, letters::LettersError, trace::TraceError};
use maud::html;
use serde_json::Value;

use crate::{
    caller::Caller,
    page::{self, t},
};

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
    /// What was to be made is there.
    #[error("{0}")]
    There(String),
    /// Whether somebody may do what services do for everybody: the broker did not say so.
    #[error("{}", t!(
        format!("Nothing was done: whether you may do it is for the broker to say. {_0}"),
        format!("No se hizo nada: si puede hacerlo lo dice el bróker. {_0}"),
    ))]
    Unproved(AdminError),
}

impl Failure {
    pub(crate) fn no_topic(topic: &TopicName) -> Self {
        Self::Absent(t!(format!("There is no topic {topic}."), format!("No hay tema {topic}.")))
    }

    fn status(&self) -> StatusCode {
        let passed = |status: Option<u16>| status.and_then(|status| StatusCode::from_u16(status).ok());
        let refused = match self {
            Self::Admin(error) | Self::Unproved(error) => {
                passed(error.status().map(|status| status.as_u16()))
            }
            Self::Refused { status, .. } => passed(Some(*status)),
            Self::Meant(_) | Self::Letters(LettersError::NoLetters { .. }) => Some(StatusCode::BAD_REQUEST),
            Self::Absent(_)
            | Self::Letters(
                LettersError::NoEvent { .. } | LettersError::NotAmong { .. } | LettersError::NoKey { .. },
            ) => Some(StatusCode::NOT_FOUND),
            Self::There(_) | Self::Letters(LettersError::NotHeld { .. }) => Some(StatusCode::CONFLICT),
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
            @if status == StatusCode::FORBIDDEN { p { a href="/login" { (t!("Show a token", "Mostrar un token")) } } }
        };
        (status, page::bare(title, &body)).into_response()
    }
}

/// A topic's name as an address or a form has it.
pub(crate) fn topic(name: &str) -> Result<TopicName, Failure> {
    let topic = TopicName::parse(name).map_err(|error| Failure::Meant(error.to_string()))?;
    for part in [topic.tenant(), topic.namespace(), topic.local()] {
        no_dots(part)?;
    }
    Ok(topic)
}

/// In an address these lead elsewhere: what is asked of a subscription so called would be done to its topic.
pub(crate) fn no_dots(name: &str) -> Result<(), Failure> {
    match name {
        "." | ".." => Err(Failure::Meant(t!(
            format!("{name:?} is no name that could be asked for."),
            format!("{name:?} no es un nombre por el que se pueda preguntar.")
        ))),
        _ => Ok(()),
    }
}

/// What the broker counts for a topic, of one with partitions for all of them; none where there is no such topic.
pub(crate) async fn stats_of(caller: &Caller, topic: &TopicName) -> Result<Option<Value>, Failure> {
    Ok(match found(caller.admin.partitions(topic).await)? {
        Some(1..) => found(caller.admin.partitioned_stats(topic).await)?,
        _ => found(caller.admin.stats(topic).await)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_of_a_name_leads_elsewhere() {
        assert!(topic("persistent://public/default/a..b").is_ok());
        for name in ["..", "public/default/..", "public/default/.", "../default/x", "public/../x"] {
            assert!(topic(name).is_err(), "{name}");
        }
    }
}
