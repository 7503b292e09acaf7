//! Who asks, when, and what the request belongs to: `X-Actor`, the clock, `X-Correlation-Id`.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hexalpes_kernel::{Actor, CausationId, Cause, CorrelationId, Edge};
use tracing::Instrument as _;

use crate::language::Said;
use crate::problem::Problem;
use crate::said;

/// Carries the correlation id, in and out.
pub const CORRELATION_HEADER: HeaderName = HeaderName::from_static("x-correlation-id");
const ACTOR_HEADER: HeaderName = HeaderName::from_static("x-actor");
/// A correlation id or an actor has at most so many characters.
const NAME_CHARS_MAX: usize = 64;

/// Extracts the request's cause. Needs [`crate::layers`] around the route.
#[derive(Clone, Debug)]
pub struct Caused(pub Cause);

/// What the middleware leaves for the extractor.
#[derive(Clone)]
struct Arrived {
    correlation: CorrelationId,
    edge: Arc<dyn Edge>,
}

impl<S: Send + Sync> FromRequestParts<S> for Caused {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let Some(Arrived { correlation, edge }) = parts.extensions.get::<Arrived>().cloned() else {
            tracing::error!("a route that asks for its cause lacks the layers");
            return Err(Problem::internal());
        };
        let actor = match visible(&parts.headers, &ACTOR_HEADER)? {
            Some(name) => Actor::parse(name).map_err(|error| refusal(&ACTOR_HEADER, error))?,
            None => Actor::anonymous(),
        };
        let causation = CausationId::of_command(edge.uuid());
        Ok(Self(Cause { correlation, causation, actor, at: edge.now() }))
    }
}

/// Takes the correlation id from the request or makes one, for the handler, the log and the answer.
pub(crate) async fn correlate(
    State(edge): State<Arc<dyn Edge>>,
    mut request: Request,
    next: Next,
) -> Response {
    let given = visible(request.headers(), &CORRELATION_HEADER).and_then(|raw| {
        raw.map(CorrelationId::parse).transpose().map_err(|error| refusal(&CORRELATION_HEADER, error))
    });
    let correlation = match given {
        Ok(Some(correlation)) => correlation,
        Ok(None) => CorrelationId::new(edge.uuid()),
        Err(problem) => return problem.into_response(),
    };
    let span = tracing::info_span!(
        "request",
        method = %request.method(),
        path = request.uri().path(),
        %correlation,
    );
    let echo = HeaderValue::from_str(correlation.as_str());
    request.extensions_mut().insert(Arrived { correlation, edge });
    let mut response = next.run(request).instrument(span).await;
    if let Ok(echo) = echo {
        response.headers_mut().insert(CORRELATION_HEADER, echo);
    }
    response
}

/// A header's value, if it is there: 1 to 64 visible ASCII characters.
fn visible<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Problem> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let is_fine = !value.is_empty()
        && value.len() <= NAME_CHARS_MAX
        && value.as_bytes().iter().all(u8::is_ascii_graphic);
    match value.to_str() {
        Ok(text) if is_fine => Ok(Some(text)),
        _ => Err(refusal(
            name,
            said!(
                "must be 1 to {NAME_CHARS_MAX} visible ASCII characters",
                "debe tener de 1 a {NAME_CHARS_MAX} caracteres ASCII visibles"
            ),
        )),
    }
}

fn refusal(name: &HeaderName, why: impl Into<Said>) -> Problem {
    Problem::unprocessable("invalid_header", why.into().after(format_args!("{name}: ")))
        .with("header", name.as_str())
}
