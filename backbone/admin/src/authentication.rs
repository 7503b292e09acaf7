//! Who calls: asked before anything else is looked at.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use hexalpes_broker::Broker;
use http::header::AUTHORIZATION;

use crate::refusal::Refusal;

/// What a scraper without a token reads, as with Pulsar.
const OPEN: [&str; 2] = ["/metrics", "/metrics/"];

pub(crate) async fn authenticate(
    State(broker): State<Broker>,
    request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    if !OPEN.contains(&request.uri().path()) {
        let said = request.headers().get(AUTHORIZATION);
        // What is no text is no token either, but it was meant to be one.
        broker.authenticate_header(said.map(|value| value.to_str().unwrap_or("Bearer")))?;
    }
    Ok(next.run(request).await)
}
