//! What a client gets in place of an answer: problem+json (RFC 9457) with a `code` that does not change.
//!
//! Not here: which code belongs to which rule of a context. Each context maps its own errors, exhaustively.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hexalpes_db::{DbError, ErrorKind};
use serde_json::{Map, Value, json};

use crate::language::{Language, Said};
use crate::said;

/// The media type of a problem.
pub const PROBLEM_JSON: &str = "application/problem+json";
/// How many seconds a client is asked to wait before it tries again.
const RETRY_AFTER_SECONDS: u32 = 1;

/// A refusal or a failure, as the client sees it.
///
/// On the wire: `status`, `code`, `title`, `detail` (unless empty), `errors` (unless empty), and `members`
/// beside them. `type` is left out, which means `about:blank`, and `title` is the status's name.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    pub status: StatusCode,
    /// Stable, for programs: `invalid_request`.
    pub code: &'static str,
    /// What happened this time.
    pub detail: Said,
    pub errors: Vec<FieldError>,
    /// Further members, for programs that want to act on the problem.
    pub members: Map<String, Value>,
    /// Asks to try again in so many seconds.
    pub retry_after_seconds: Option<u32>,
}

/// What is wrong with one field of the body.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct FieldError {
    /// A JSON pointer (RFC 6901): `/amount`.
    pub pointer: String,
    /// Stable, for programs: `missing_field`.
    pub code: &'static str,
    pub message: Said,
}

impl Problem {
    /// A problem with no more than a detail.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<Said>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            errors: Vec::new(),
            members: Map::new(),
            retry_after_seconds: None,
        }
    }

    /// 400: the request cannot even be read.
    pub fn bad_request(code: &'static str, detail: impl Into<Said>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 404: what the request names is not there.
    pub fn not_found(code: &'static str, detail: impl Into<Said>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, detail)
    }

    /// 409: not in this state.
    pub fn conflict(code: &'static str, detail: impl Into<Said>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// 422: understood and refused.
    pub fn unprocessable(code: &'static str, detail: impl Into<Said>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }

    /// 422 `invalid_request`: each wrong field with its pointer.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [one] if one.pointer.is_empty() => one.message.clone(),
            [one] => one.message.clone().after(format_args!("{}: ", one.pointer)),
            many => {
                let count = many.len();
                said!("{count} fields are wrong", "{count} campos están mal")
            }
        };
        let mut problem = Self::unprocessable("invalid_request", detail);
        problem.errors = errors;
        problem
    }

    /// 500: our fault. The detail is for the log, so it is not taken here.
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal_error",
            said!("the request failed through no fault of its own", "la petición falló sin culpa suya"),
        )
    }

    /// 503: the same request may succeed soon.
    pub fn unavailable(code: &'static str, detail: impl Into<Said>) -> Self {
        let mut problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail);
        problem.retry_after_seconds = Some(RETRY_AFTER_SECONDS);
        problem
    }

    /// Adds a member beside the standard ones, which it cannot replace.
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.members.insert(member.to_owned(), value.into());
        self
    }

    /// The problem as it stands in an answer, in the language that is spoken.
    pub fn to_json(&self) -> Value {
        let mut members = self.members.clone();
        members.insert("status".to_owned(), self.status.as_u16().into());
        members.insert("code".to_owned(), self.code.into());
        members.insert("title".to_owned(), title(self.status).into());
        if !self.detail.is_empty() {
            members.insert("detail".to_owned(), self.detail.to_string().into());
        }
        if !self.errors.is_empty() {
            members.insert("errors".to_owned(), json!(self.errors));
        }
        Value::Object(members)
    }
}

/// The status's name.
fn title(status: StatusCode) -> &'static str {
    let spanish = match status {
        StatusCode::BAD_REQUEST => Some("Petición incorrecta"),
        StatusCode::UNAUTHORIZED => Some("No autorizado"),
        StatusCode::FORBIDDEN => Some("Prohibido"),
        StatusCode::NOT_FOUND => Some("No encontrado"),
        StatusCode::METHOD_NOT_ALLOWED => Some("Método no permitido"),
        StatusCode::CONFLICT => Some("Conflicto"),
        StatusCode::PRECONDITION_FAILED => Some("Precondición fallida"),
        StatusCode::PAYLOAD_TOO_LARGE => Some("Cuerpo demasiado grande"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Some("Tipo de contenido no admitido"),
        StatusCode::UNPROCESSABLE_ENTITY => Some("Contenido no procesable"),
        StatusCode::INTERNAL_SERVER_ERROR => Some("Error interno"),
        StatusCode::SERVICE_UNAVAILABLE => Some("Servicio no disponible"),
        _ => None,
    };
    let spanish = spanish.filter(|_| Language::spoken() == Language::Spanish);
    spanish.or(status.canonical_reason()).unwrap_or("Error")
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = self.to_json().to_string();
        let mut response = (self.status, [(header::CONTENT_TYPE, PROBLEM_JSON)], body).into_response();
        if let Some(seconds) = self.retry_after_seconds {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// The client learns whether to try again, the log learns why.
impl From<DbError> for Problem {
    fn from(error: DbError) -> Self {
        match error.kind() {
            ErrorKind::Transient if error == DbError::Full => {
                tracing::warn!(%error, "a request was refused");
                Self::unavailable(
                    "disk_full",
                    said!(
                        "the disk of the database is full, so nothing was changed",
                        "el disco de la base de datos está lleno: no se cambió nada"
                    ),
                )
            }
            ErrorKind::Transient => {
                tracing::warn!(%error, "the database did not take part");
                Self::unavailable(
                    "database_unavailable",
                    said!(
                        "the database is not available right now",
                        "la base de datos no está disponible en este momento"
                    ),
                )
            }
            ErrorKind::Rejected | ErrorKind::Corrupt => {
                tracing::error!(%error, "the database failed a request");
                Self::internal()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> String {
        "at 10.0.0.7".to_owned()
    }

    #[test]
    fn what_may_pass_is_unavailable_and_asks_to_come_again() {
        let passing = [
            (DbError::Unavailable(secret()), "database_unavailable"),
            (DbError::Full, "disk_full"),
            (DbError::Conflict(secret()), "database_unavailable"),
            (DbError::CommitUnknown(secret()), "database_unavailable"),
            (DbError::Closed, "database_unavailable"),
        ];
        for (error, code) in passing {
            let problem = Problem::from(error.clone());
            assert_eq!((problem.status.as_u16(), problem.code), (503, code), "{error}");
            assert_eq!(problem.retry_after_seconds, Some(RETRY_AFTER_SECONDS), "{error}");
            assert!(!problem.to_json().to_string().contains(&secret()), "{error}");
        }
    }

    #[test]
    fn what_would_fail_again_is_our_fault_and_tells_nothing() {
        let lasting = [
            DbError::Constraint(secret()),
            DbError::Statement(secret()),
            DbError::Range("an amount"),
            DbError::Column { column: secret(), why: "no number" },
            DbError::NoRow,
            DbError::Waited,
            DbError::Nested,
            DbError::Panicked,
            DbError::Damaged(secret()),
        ];
        for error in lasting {
            assert_eq!(Problem::from(error.clone()), Problem::internal(), "{error}");
        }
    }
}
