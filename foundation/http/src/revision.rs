//! Which revision of a resource a client has seen: `ETag` in answers, `If-Match` in changes (RFC 9110, section 13.1.1).
//!
//! The tag of a resource is its `revision` in quotes: what has that member in its JSON has its tag by itself
//! ([`crate::Answer`]). A client that sends back what it saw is refused if somebody changed the resource meanwhile.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use serde::Deserialize;

use crate::problem::Problem;
use crate::said;

/// Extracts the header `If-Match`, if it is there: `"3"`, several of these with commas between, or `*`; else 422.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IfMatch(Option<Vec<String>>);

/// Somebody changed it meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is at revision {revision} by now: read it again, and decide again")]
pub struct NotNewest {
    pub revision: u32,
}

impl IfMatch {
    /// Whether the client saw the resource as it is; who sent no such header did not look.
    pub fn check(&self, revision: u32) -> Result<(), NotNewest> {
        let Some(tags) = &self.0 else { return Ok(()) };
        let newest = tag(revision);
        if tags.contains(&newest) { Ok(()) } else { Err(NotNewest { revision }) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let mut tags = Vec::new();
        for value in parts.headers.get_all(header::IF_MATCH) {
            let Ok(value) = value.to_str() else { return Err(unreadable()) };
            if value.trim() == "*" {
                // Any revision will do, and one that does not exist is not found anyway.
                return Ok(Self(None));
            }
            for one in value.split(',').map(str::trim).filter(|one| !one.is_empty()) {
                let quoted = one.strip_prefix("W/").unwrap_or(one);
                let is_tag = quoted.len() >= 2
                    && quoted.starts_with('"')
                    && quoted.ends_with('"')
                    && !quoted[1..quoted.len() - 1].contains('"');
                if !is_tag {
                    return Err(unreadable());
                }
                tags.push(one.to_owned());
            }
        }
        match (tags.is_empty(), parts.headers.contains_key(header::IF_MATCH)) {
            (true, true) => Err(unreadable()),
            (true, false) => Ok(Self(None)),
            (false, _) => Ok(Self(Some(tags))),
        }
    }
}

fn unreadable() -> Problem {
    let why = said!(
        "If-Match: must be the ETag of the answer that was seen, such as \"3\", or *",
        "If-Match: debe ser el ETag de la respuesta vista, como \"3\", o *"
    );
    Problem::unprocessable("invalid_header", why).with("header", header::IF_MATCH.as_str())
}

impl From<NotNewest> for Problem {
    fn from(error: NotNewest) -> Self {
        let revision = error.revision;
        let detail = said!("{error}", "ya está en la revisión {revision}: léalo de nuevo y vuelva a decidir");
        Self::new(StatusCode::PRECONDITION_FAILED, "not_newest", detail).with("revision", revision)
    }
}

fn tag(revision: u32) -> String {
    format!("\"{revision}\"")
}

/// The tag of a JSON text that has a `revision`.
pub(crate) fn of_json(body: &str) -> Option<HeaderValue> {
    #[derive(Deserialize)]
    struct Versioned {
        revision: u32,
    }
    let Versioned { revision } = serde_json::from_str(body).ok()?;
    HeaderValue::from_str(&tag(revision)).ok()
}
