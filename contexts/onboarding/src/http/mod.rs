//! The routes of G-9 on 5001: contracts, templates, contracts of employment.

mod contracts;
mod documents;
mod employment;
mod signing;
mod templates;

use std::sync::Arc;

use hexalpes_db::Db;
use hexalpes_http::Idempotency;
use hexalpes_kernel::Edge;
use utoipa_axum::{router::OpenApiRouter, routes};

/// What the routes need.
#[derive(Clone, Debug)]
pub struct App {
    pub db: Db,
    pub edge: Arc<dyn Edge>,
    pub idempotency: Idempotency,
}

/// The API. It needs [`hexalpes_http::layers`] around it.
pub fn api(app: App) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(contracts::create, contracts::list))
        .routes(routes!(contracts::read, contracts::change))
        .routes(routes!(contracts::proposals, contracts::negotiate))
        .routes(routes!(contracts::activate))
        .routes(routes!(contracts::renew))
        .routes(routes!(contracts::terminate))
        .routes(routes!(signing::send))
        .routes(routes!(signing::renew_token))
        .routes(routes!(signing::signatures, signing::sign))
        .routes(routes!(documents::document))
        .routes(routes!(documents::audit))
        .routes(routes!(templates::publish, templates::list))
        .routes(routes!(templates::read))
        .routes(routes!(employment::list))
        .routes(routes!(employment::read))
        .routes(routes!(employment::document))
        .routes(routes!(employment::send))
        .routes(routes!(employment::renew_token))
        .routes(routes!(employment::signatures, employment::sign))
        .routes(routes!(employment::terminate))
        .routes(routes!(employment::audit))
        .with_state(app)
}
