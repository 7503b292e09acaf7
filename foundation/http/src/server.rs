//! A router on a socket, and the promises that hold for every route.

use std::any::Any;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::to_bytes;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::serve::Listener;
use axum::{Extension, Router};
use hexalpes_kernel::Edge;
use hexalpes_tls::ClientName;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;

use crate::body::BODY_BYTES_MAX;
use crate::cause::correlate;
use crate::language::{Said, speak};
use crate::problem::{PROBLEM_JSON, Problem};
use crate::said;

/// A client that has not sent a whole head within this time is hung up on, and so is one that has sent nothing
/// for so long after its last answer.
pub const HEAD_TIME_MAX: Duration = Duration::from_secs(30);
/// A request that takes longer is answered with 503; what it began in the database may still be done.
pub const REQUEST_TIME_MAX: Duration = Duration::from_secs(30);
/// What was accepted is finished within this time after a shutdown began.
pub const SHUTDOWN_TIME_MAX: Duration = Duration::from_secs(35);
/// So much of a framework's own words becomes a problem's detail.
const DETAIL_BYTES_MAX: usize = 1024;
const KNOWN_METHODS: [Method; 6] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS];

/// Puts around a router what every face promises: a correlation id, problem+json on every error (also 404,
/// 405 and what a panic leaves), a limit on time and size, metrics.
///
/// Routes that are added afterwards have none of it.
pub fn layers(router: Router, edge: Arc<dyn Edge>) -> Router {
    known(bounded(router).layer(from_fn(explain)), edge)
}

/// The same for pages: what a handler says of an error is for people, and stays as it is.
pub fn page_layers(router: Router, edge: Arc<dyn Edge>) -> Router {
    known(bounded(router), edge)
}

/// With limits on size and time, and an answer also after a panic.
fn bounded(router: Router) -> Router {
    router
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(limit_time))
}

/// With a correlation id, a language, and metrics.
fn known(router: Router, edge: Arc<dyn Edge>) -> Router {
    router.layer(from_fn_with_state(edge, correlate)).layer(from_fn(speak)).layer(from_fn(count))
}

/// Serves until `stop` is cancelled, then finishes what it accepted.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    take(listener, router, None, stop).await;
}

/// The same over TLS. Each connection gets what `tls` holds when it comes, and the router hears of a client that showed
/// a certificate by an extension, its [`ClientName`].
pub async fn serve_tls(
    listener: TcpListener,
    router: Router,
    tls: watch::Receiver<Arc<ServerConfig>>,
    stop: CancellationToken,
) {
    take(listener, router, Some(tls), stop).await;
}

async fn take(
    mut listener: TcpListener,
    router: Router,
    tls: Option<watch::Receiver<Arc<ServerConfig>>>,
    stop: CancellationToken,
) {
    let mut conversations = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            // axum's, which outlives a lack of file descriptors.
            (stream, _) = Listener::accept(&mut listener) => {
                let (router, stop) = (router.clone(), stop.clone());
                match tls.as_ref().map(|tls| Arc::clone(&tls.borrow())) {
                    None => conversations.spawn(converse_plainly(stream, router, stop)),
                    Some(tls) => conversations.spawn(converse_over_tls(stream, tls, router, stop)),
                };
            }
            Some(_) = conversations.join_next() => {}
        }
    }
    drop(listener);
    let finished = async { while conversations.join_next().await.is_some() {} };
    if tokio::time::timeout(SHUTDOWN_TIME_MAX, finished).await.is_err() {
        tracing::warn!("connections that did not end were cut");
    }
}

async fn converse_plainly(stream: TcpStream, router: Router, stop: CancellationToken) {
    without_delay(&stream);
    converse(stream, router, stop).await;
}

async fn converse_over_tls(
    stream: TcpStream,
    tls: Arc<ServerConfig>,
    router: Router,
    stop: CancellationToken,
) {
    without_delay(&stream);
    let accepting = tokio::time::timeout(HEAD_TIME_MAX, TlsAcceptor::from(tls).accept(stream));
    match stop.run_until_cancelled(accepting).await {
        Some(Ok(Ok(stream))) => {
            let router = match ClientName::of(stream.get_ref().1) {
                Some(name) => router.layer(Extension(name)),
                None => router,
            };
            converse(stream, router, stop).await;
        }
        Some(Ok(Err(error))) => tracing::debug!(%error, "a connection did not become TLS"),
        Some(Err(_)) | None => {}
    }
}

fn without_delay(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps its delay");
    }
}

/// Answers one client, request by request. Not with `axum::serve`, which waits for a head for ever.
async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    stop: CancellationToken,
) {
    let conversation = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MAX)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut conversation = pin!(conversation);
    let ended = tokio::select! {
        ended = conversation.as_mut() => ended,
        () = stop.cancelled() => {
            conversation.as_mut().graceful_shutdown();
            conversation.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

async fn limit_time(request: Request, next: Next) -> Response {
    let answered = tokio::time::timeout(REQUEST_TIME_MAX, next.run(request)).await;
    answered.unwrap_or_else(|_| {
        tracing::warn!("a request took too long");
        Problem::unavailable(
            "request_timeout",
            said!("the request took too long", "la petición tardó demasiado"),
        )
        .into_response()
    })
}

#[expect(clippy::needless_pass_by_value, reason = "the layer hands it over")]
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text = panic.downcast_ref::<&str>().copied().map(str::to_owned);
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    tracing::error!(panic = text, "a handler panicked");
    Problem::internal().into_response()
}

/// Makes a problem of an error that is none yet: axum's own, for paths, methods and queries.
async fn explain(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    if !is_error || is_json(response.headers()) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let words = to_bytes(body, DETAIL_BYTES_MAX).await.unwrap_or_default();
    let words = if status.is_client_error() { String::from_utf8_lossy(&words) } else { "".into() };
    let detail = if words.is_empty() { detail_of(status) } else { (*words).into() };
    let (problem, body) = Problem::new(status, code_of(status), detail).into_response().into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.extend(problem.headers);
    Response::from_parts(parts, body)
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.starts_with(PROBLEM_JSON) || kind.starts_with("application/json")
}

fn code_of(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST => "bad_request",
        StatusCode::NOT_FOUND => "route_not_found",
        StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
        StatusCode::PAYLOAD_TOO_LARGE => "body_too_large",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "unsupported_media_type",
        StatusCode::UNPROCESSABLE_ENTITY => "invalid_request",
        StatusCode::SERVICE_UNAVAILABLE => "unavailable",
        status if status.is_client_error() => "request_refused",
        _ => "internal_error",
    }
}

fn detail_of(status: StatusCode) -> Said {
    match status {
        StatusCode::NOT_FOUND => said!("no route has this path", "ninguna ruta tiene este camino"),
        StatusCode::METHOD_NOT_ALLOWED => said!(
            "the path does not take this method; the header Allow names those it takes",
            "la ruta no acepta este método; la cabecera Allow nombra los que acepta"
        ),
        _ => Said::default(),
    }
}

async fn count(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    // The route, not the path: what clients make up must not become labels.
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let response = next.run(request).await;
    let status = response.status().as_u16().to_string();
    let method = if KNOWN_METHODS.contains(&method) { method.to_string() } else { "other".to_owned() };
    let labels = [("method", method), ("route", route), ("status", status)];
    metrics::counter!("http_requests_total", &labels).increment(1);
    metrics::histogram!("http_request_seconds", &labels).record(started.elapsed().as_secs_f64());
    response
}
