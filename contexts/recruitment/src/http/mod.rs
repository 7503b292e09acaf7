//! The routes on 5002, which the seeds leave open (G-9).

mod applications;
mod candidates;
mod hires;
mod jobs;
mod matches;
mod offers;

use std::sync::Arc;

use hexalpes_db::Db;
use hexalpes_http::{Idempotency, Invalid, Raw, said};
use hexalpes_kernel::Edge;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::index::CandidateIndex;

/// A parameter of a query is a text, also where it is a number.
fn whole(raw: &Raw, least: i64, most: i64) -> Result<i64, Invalid> {
    let number = raw.string()?.parse().ok().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| {
        let why = said!(
            "must be a whole number of {least} to {most}",
            "debe ser un número entero de {least} a {most}"
        );
        Invalid::new("out_of_range", why)
    })
}

/// What the routes need.
#[derive(Clone, Debug)]
pub struct App {
    pub db: Db,
    pub edge: Arc<dyn Edge>,
    /// The one that [`crate::Matching`] has too.
    pub index: CandidateIndex,
    pub idempotency: Idempotency,
}

/// The API. It needs [`hexalpes_http::layers`] around it.
pub fn api(app: App) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(jobs::open, jobs::list))
        .routes(routes!(jobs::read, jobs::change))
        .routes(routes!(jobs::close))
        .routes(routes!(jobs::cancel))
        .routes(routes!(jobs::record_cost, jobs::costs))
        .routes(routes!(matches::start))
        .routes(routes!(matches::of_job))
        .routes(routes!(matches::list))
        .routes(routes!(candidates::register, candidates::list))
        .routes(routes!(candidates::register_batch))
        .routes(routes!(candidates::read, candidates::change, candidates::erase))
        .routes(routes!(candidates::merge))
        .routes(routes!(applications::apply, applications::list))
        .routes(routes!(applications::read))
        .routes(routes!(applications::go))
        .routes(routes!(applications::schedule, applications::interviews))
        .routes(routes!(applications::hold))
        .routes(routes!(applications::cancel))
        .routes(routes!(offers::make, offers::list))
        .routes(routes!(offers::accept))
        .routes(routes!(offers::decline))
        .routes(routes!(hires::hire, hires::list))
        .routes(routes!(hires::read))
        .with_state(app)
}
