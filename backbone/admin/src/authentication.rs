//! Who calls, and whether it may: asked before anything else is looked at.

use axum::{
    RequestExt as _,
    extract::{MatchedPath, RawPathParams, Request, State},
    middleware::Next,
    response::Response,
};
use hexalpes_broker::Broker;
use hexalpes_tls::ClientName;
use http::header::AUTHORIZATION;

use crate::{refusal::Refusal, rights};

/// What a scraper without a token reads, as with Pulsar.
const OPEN: [&str; 2] = ["/metrics", "/metrics/"];
/// For whom a proxy calls.
const ORIGINAL: &str = "X-Original-Principal";

pub(crate) async fn authenticate(
    State(broker): State<Broker>,
    mut request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    if !OPEN.contains(&request.uri().path()) {
        let said = request.headers().get(AUTHORIZATION);
        let original = request.headers().get(ORIGINAL);
        // What is no text proves nothing either, but it was meant to.
        let ClientName(common_name) =
            request.extensions().get().cloned().unwrap_or(ClientName(String::new()));
        let caller = broker.caller(
            said.map(|value| value.to_str().unwrap_or("Bearer")),
            Some(&*common_name).filter(|name| !name.is_empty()),
            original.map(|value| value.to_str().unwrap_or("?")),
        )?;
        // A path that leads nowhere is nobody's.
        if broker.asks_for_rights()
            && let Some(route) = request.extensions().get::<MatchedPath>().cloned()
        {
            let parameters = request.extract_parts::<RawPathParams>().await.ok();
            rights::check(&broker, caller.as_ref(), request.method(), route.as_str(), parameters.as_ref())?;
        }
    }
    Ok(next.run(request).await)
}
