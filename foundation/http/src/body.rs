//! The body of a command: one JSON object of at most 1 MiB.

use axum::body::Body as Stream;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use futures::StreamExt as _;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use crate::fields::{Fields, Known};
use crate::language::Said;
use crate::problem::Problem;
use crate::said;

/// The largest body that is read.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;
/// What is read and thrown away of a larger one: a client that still sends does not see the answer.
const DISCARDED_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How deeply arrays and objects may lie in each other.
const DEPTH_MAX: usize = 32;

/// A request that is made of a body's fields.
///
/// ```
/// use hexalpes_http::{Fields, FromFields, Raw};
///
/// struct Approve { commission: String, note: Option<String> }
///
/// impl FromFields for Approve {
///     fn from_fields(fields: &mut Fields) -> Option<Self> {
///         // All fields are looked at before the first `?`, so that all errors are told at once.
///         let commission = fields.required("commissionId", Raw::string);
///         let note = fields.optional("note", Raw::string);
///         Some(Self { commission: commission?, note: note? })
///     }
/// }
/// ```
pub trait FromFields: Sized {
    fn from_fields(fields: &mut Fields) -> Option<Self>;
}

/// Extracts a request from the body; 400, 413, 415 or 422 if it cannot.
#[derive(Clone, Debug)]
pub struct Body<T> {
    pub value: T,
    /// SHA-256 of the bytes, in hexadecimal: tells a repeated body from another.
    pub digest: String,
}

impl<T: FromFields, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_json = kind.is_some_and(is_json);
        let bytes = read(request.into_body()).await?;
        if !is_json {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                said!("the body must be application/json", "el cuerpo debe ser application/json"),
            ));
        }
        Ok(Self { value: parse(&bytes)?, digest: digest(&bytes) })
    }
}

/// Makes a request of a body's bytes.
pub fn parse<T: FromFields>(bytes: &[u8]) -> Result<T, Problem> {
    let malformed = |why: Said| Problem::bad_request("malformed_json", why);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        malformed(said!("not UTF-8 from byte {} on", "no es UTF-8 desde el byte {}", error.valid_up_to()))
    })?;
    if is_too_deep(text) {
        return Err(malformed(said!(
            "more than {DEPTH_MAX} arrays and objects lie in each other",
            "hay más de {DEPTH_MAX} listas y objetos unos dentro de otros"
        )));
    }
    let json: &RawValue =
        serde_json::from_str(text).map_err(|error| malformed(said!("{error}", "no es JSON: {error}")))?;
    let mut fields = Fields::read(json.get()).map_err(|error| Problem::invalid(vec![error]))?;
    let parsed = T::from_fields(&mut fields);
    fields.finish(parsed).map_err(Problem::invalid)
}

/// The fields that a request takes, in the order in which it asks for them: what a document of the API must say too.
pub fn fields_of<T: FromFields>() -> Vec<Known> {
    let mut fields = Fields::default();
    let _ = T::from_fields(&mut fields);
    fields.known().to_vec()
}

/// SHA-256 in hexadecimal.
pub fn digest(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Whether a media type says that something is JSON: `application/json`, or `application/…+json`.
pub fn is_json(media_type: &str) -> bool {
    let kind = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

async fn read(body: Stream) -> Result<Vec<u8>, Problem> {
    let mut chunks = body.into_data_stream();
    let mut bytes = Vec::new();
    let mut length = 0;
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| {
            let detail = said!("the body ended too early", "el cuerpo terminó antes de tiempo");
            Problem::bad_request("incomplete_body", detail)
        })?;
        length += chunk.len();
        if length <= BODY_BYTES_MAX {
            bytes.extend_from_slice(&chunk);
        } else if length > DISCARDED_BYTES_MAX {
            break;
        } else {
            bytes = Vec::new();
        }
    }
    if length > BODY_BYTES_MAX {
        let detail =
            said!("the body may have {BODY_BYTES_MAX} bytes", "el cuerpo puede tener {BODY_BYTES_MAX} bytes");
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail));
    }
    Ok(bytes)
}

/// Looks at brackets outside strings alone; whether they match is the parser's to find.
fn is_too_deep(text: &str) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return true;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}
