//! The routes on 5004. All of them only read.

mod campaigns;
mod lists;
mod overview;
mod partners;

use hexalpes_db::Db;
use utoipa_axum::{router::OpenApiRouter, routes};

/// What the routes need.
#[derive(Clone, Debug)]
pub struct App {
    pub db: Db,
}

/// The API. It needs [`hexalpes_http::layers`] around it.
pub fn api(app: App) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(campaigns::list))
        .routes(routes!(campaigns::read))
        .routes(routes!(campaigns::report))
        .routes(routes!(partners::list))
        .routes(routes!(partners::read))
        .routes(routes!(overview::list))
        .with_state(app)
}
