//! What every request passes: it came by a name that is ours, what changes something was sent from a page of ours, and no
//! page does what it was not written for.

use std::net::IpAddr;

use axum::{
    extract::{Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri,
        header::{
            CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, ORIGIN, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
        },
        uri::Authority,
    },
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use hexalpes_http::said;

use crate::Console;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// Nothing from elsewhere, no script at all, forms to here alone, and no frame around it.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// To look at these holds dead letters under a subscription, which others wait for: no page of somebody else leads there.
const HOLDING: [&str; 3] = ["/letters", "/letter", "/letters/confirm"];

pub(crate) async fn guard(State(console): State<Console>, request: Request, next: Next) -> Response {
    let Some(host) = host_of(request.uri(), request.headers()) else {
        return (StatusCode::BAD_REQUEST, "the request names no host\n").into_response();
    };
    if !is_ours(&host, &console.names) {
        let why = said!(
            "this is not served as {}: ask by the address, or have advertised_address name it",
            "esto no se sirve como {}: use la dirección, o nómbrelo en advertised_address",
            host.host()
        );
        return (StatusCode::MISDIRECTED_REQUEST, format!("{why}\n")).into_response();
    }
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let writes = changes || HOLDING.contains(&request.uri().path());
    if writes && !is_from_here(request.headers(), &host) {
        let why = said!(
            "this was sent from a page of somebody else: open the console itself",
            "esto se envió desde una página ajena: abra la consola misma"
        );
        return (StatusCode::FORBIDDEN, format!("{why}\n")).into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    // What topics carry is nobody's to keep.
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

fn host_of(uri: &Uri, headers: &HeaderMap) -> Option<Authority> {
    match uri.authority() {
        Some(authority) => Some(authority.clone()),
        None => headers.get(HOST)?.to_str().ok()?.parse().ok(),
    }
}

/// An address cannot be made to lead elsewhere, `localhost` neither; of other names those that were said.
fn is_ours(host: &Authority, names: &[String]) -> bool {
    let name = host.host().trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    name.parse::<IpAddr>().is_ok() || is("localhost") || names.iter().any(|known| is(known))
}

/// Browsers say where a form was: by `Sec-Fetch-Site`, older ones by `Origin`. Who says neither is no browser, and has no
/// cookies of somebody else to send along.
fn is_from_here(headers: &HeaderMap, host: &Authority) -> bool {
    let text = |name| headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap_or_default());
    match (text(SEC_FETCH_SITE), text(ORIGIN)) {
        (Some(site), _) => site == "same-origin" || site == "none",
        (None, None) => true,
        (None, Some(origin)) => {
            origin.split_once("://").is_some_and(|(_, from)| from.eq_ignore_ascii_case(host.as_str()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authority(text: &str) -> Authority {
        text.parse().unwrap()
    }

    #[test]
    fn a_name_that_anybody_may_have_lead_here_is_not_ours() {
        let names = ["pulsar-manager".to_owned()];
        for ours in [
            "127.0.0.1:9527",
            "[::1]:9527",
            "192.168.1.7",
            "localhost:9527",
            "LOCALHOST",
            "pulsar-manager:9527",
        ] {
            assert!(is_ours(&authority(ours), &names), "{ours}");
        }
        for others in ["evil.example:9527", "127.0.0.1.evil.example", "localhost.evil.example", "pulsar"] {
            assert!(!is_ours(&authority(others), &names), "{others}");
        }
    }

    #[test]
    fn what_a_page_of_somebody_else_sends_is_refused() {
        let host = authority("127.0.0.1:9527");
        let sent = |site: Option<&'static str>, origin: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.extend(site.map(|site| (SEC_FETCH_SITE, HeaderValue::from_static(site))));
            headers.extend(origin.map(|origin| (ORIGIN, HeaderValue::from_static(origin))));
            is_from_here(&headers, &host)
        };
        assert!(sent(Some("same-origin"), Some("http://127.0.0.1:9527")));
        assert!(sent(Some("none"), None));
        assert!(sent(None, Some("http://127.0.0.1:9527")));
        assert!(sent(None, None), "curl");
        for (site, origin) in [
            (Some("cross-site"), None),
            (Some("same-site"), Some("http://127.0.0.1:9527")),
            (None, Some("http://evil.example")),
            (None, Some("http://127.0.0.1:8080")),
            (None, Some("null")),
        ] {
            assert!(!sent(site, origin), "{site:?} {origin:?}");
        }
    }
}
