//! The admin UI: what an operator looks at and does, as pages.
//!
//! It is a client and nothing more: of a broker's Admin REST and protocol, so that it shows our backbone and a Pulsar cluster
//! alike, and of the services' own HTTP. It has no rights of its own: where the broker asks who somebody is, it asks for
//! their token and passes it on. Pages are made here, need no script, and bring nothing from elsewhere.
//!
//! Not here: whoever binds the port.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that panics is a test that fails"))]

mod ask;
mod attention;
mod caller;
mod guard;
mod handlers;
mod json;
mod letters;
mod login;
mod namespaces;
mod order;
mod orders;
mod overview;
mod page;
mod relays;
mod services;
mod topic;
mod traces;

use std::sync::Arc;

use axum::{
    Router,
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    middleware::from_fn_with_state,
    routing::get,
};
use hexalpes_client::{AdminClient, AdminOptions, ClientError, ClientOptions};
use hexalpes_http::page_layers;
use hexalpes_kernel::Edge;
use tokio::sync::Mutex;

/// What the pages speak of, and how it is reached.
#[derive(Clone, Debug)]
pub struct ConsoleOptions {
    /// The broker's Admin REST; a token in it is not used.
    pub admin: AdminOptions,
    /// The broker's protocol, for messages; a token in it is not used.
    pub client: ClientOptions,
    pub services: Vec<Service>,
    /// Connections to services.
    pub http: reqwest::Client,
    /// The topic that has the events of all services, for traces.
    pub events_topic: String,
    /// Under which names a browser may come, besides addresses and `localhost`: another name may be anybody's, who has it
    /// lead here (DNS rebinding).
    pub names: Vec<String>,
}

/// A service, by its HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    pub name: String,
    /// `http://host:port`
    pub url: String,
    /// What the paths of its desk begin with, where two share a port.
    pub desk: &'static str,
    /// Whether it has a relay and consumers.
    pub has_outbox: bool,
    /// Whether it runs the outboxes that others write.
    pub has_sources: bool,
}

/// What all pages share.
#[derive(Clone)]
struct Console(Arc<Inner>);

struct Inner {
    admin: AdminClient,
    client: ClientOptions,
    services: Vec<Service>,
    http: reqwest::Client,
    events_topic: String,
    names: Vec<String>,
    edge: Arc<dyn Edge>,
    /// Dead letters of a topic are held by one alone: two that look wait for each other.
    letters: Mutex<()>,
}

impl std::ops::Deref for Console {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

const STYLE: &str = include_str!("style.css");

/// All pages. `others` are routes that stand beside them and ask nobody who they are, such as its health.
pub fn router(options: ConsoleOptions, edge: Arc<dyn Edge>, others: Router) -> Result<Router, ClientError> {
    let ConsoleOptions { admin, client, services, http, events_topic, names } = options;
    let console = Console(Arc::new(Inner {
        admin: AdminClient::new(AdminOptions { token: None, ..admin })?,
        client: ClientOptions { token: None, ..client },
        services,
        http,
        events_topic,
        names,
        edge: Arc::clone(&edge),
        letters: Mutex::default(),
    }));
    let known = Router::new()
        .route("/", get(overview::page))
        .route("/topics", get(namespaces::page))
        .route("/topic", get(topic::page))
        .route("/order", get(orders::confirm).post(orders::give))
        .route("/letters", get(letters::page).post(letters::decide))
        .route("/letter", get(letters::one))
        .route("/letters/confirm", get(letters::confirm))
        .route("/handlers", get(handlers::page).post(handlers::release))
        .route("/handlers/confirm", get(handlers::confirm))
        .route("/relays", get(relays::page))
        .route("/relay", get(relays::one).post(relays::give))
        .route("/relay/confirm", get(relays::confirm))
        .route("/trace", get(traces::page))
        .fallback(page::absent)
        .layer(from_fn_with_state(console.clone(), caller::gate));
    let router = Router::new()
        .route("/login", get(login::page).post(login::enter))
        .route("/logout", axum::routing::post(login::leave))
        .route("/style.css", get(style))
        .merge(known)
        .with_state(console.clone())
        .merge(others)
        .layer(from_fn_with_state(console, guard::guard));
    Ok(page_layers(router, edge))
}

async fn style() -> impl axum::response::IntoResponse {
    ([(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "max-age=3600")], STYLE)
}
