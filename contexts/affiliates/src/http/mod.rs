//! The routes of seed 4 on 8001, and those that it leaves open.

mod affiliates;
mod links;
mod payout;
mod programs;

use std::sync::Arc;

use hexalpes_db::Db;
use hexalpes_http::Idempotency;
use hexalpes_kernel::Edge;
use hexalpes_vault::Vault;
use utoipa_axum::{router::OpenApiRouter, routes};

/// What the routes need.
#[derive(Clone, Debug)]
pub struct App {
    pub db: Db,
    pub edge: Arc<dyn Edge>,
    pub vault: Vault,
    /// Where links are followed: `http://127.0.0.1:8002`.
    pub links_base: Arc<str>,
    pub idempotency: Idempotency,
}

/// The API. It needs [`hexalpes_http::layers`] around it.
pub fn api(app: App) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(affiliates::register, affiliates::list))
        .routes(routes!(affiliates::read, affiliates::change))
        .routes(routes!(affiliates::history))
        .routes(routes!(affiliates::suspend))
        .routes(routes!(affiliates::reactivate))
        .routes(routes!(affiliates::terminate))
        .routes(routes!(payout::read, payout::replace))
        .routes(routes!(links::add, links::list))
        .routes(routes!(programs::create, programs::list))
        .routes(routes!(programs::read, programs::change))
        .with_state(app)
}
