//! The HTTP faces: seed 3's (port 5001), and everything else (port 8003).

mod books;
mod comisiones;
mod payouts;
mod reratings;
mod rules;
mod seed;
mod statements;

use std::sync::Arc;

use axum::Router;
use hexalpes_db::Db;
use hexalpes_http::{Idempotency, Problem, said};
use hexalpes_kernel::Edge;
use hexalpes_vault::Vault;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::domain::Program;
use crate::webhooks::Webhooks;

/// What the routes need. Clones share it; both faces are to have the same one.
#[derive(Clone, Debug)]
pub struct App {
    pub db: Db,
    pub edge: Arc<dyn Edge>,
    pub program: Arc<Program>,
    pub idempotency: Idempotency,
    /// Opens where partners are paid, for the files of payouts. Without it these name partners alone.
    pub vault: Option<Vault>,
    /// Sends lines of payouts. Without it no program can pay so.
    pub webhooks: Option<Webhooks>,
}

impl App {
    /// Under the default program.
    pub fn new(db: Db, edge: Arc<dyn Edge>) -> Self {
        Self {
            db,
            edge,
            program: Arc::default(),
            idempotency: Idempotency::default(),
            vault: None,
            webhooks: None,
        }
    }
}

/// Seed 3's routes. They need [`hexalpes_http::layers`] around them.
pub fn seed_api(app: App) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(seed::calculate))
        .routes(routes!(seed::approve))
        .routes(routes!(seed::by_conversion))
        .routes(routes!(seed::explain_by_conversion))
        .routes(routes!(seed::explain))
        .with_state(app)
}

/// All other routes: commissions in the words of seed 4, and the books.
pub fn api(app: App) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(comisiones::create, comisiones::list))
        .routes(routes!(comisiones::read))
        .routes(routes!(comisiones::explain))
        .routes(routes!(comisiones::history))
        .routes(routes!(comisiones::approve))
        .routes(routes!(comisiones::hold))
        .routes(routes!(comisiones::release))
        .routes(routes!(comisiones::reject))
        .routes(routes!(comisiones::reverse))
        .routes(routes!(comisiones::claw_back))
        .routes(routes!(payouts::pay))
        .routes(routes!(payouts::create, payouts::list))
        .routes(routes!(payouts::preview))
        .routes(routes!(payouts::read))
        .routes(routes!(payouts::send))
        .routes(routes!(payouts::settle))
        .routes(routes!(payouts::fail))
        .routes(routes!(payouts::file))
        .routes(routes!(payouts::pain))
        .routes(routes!(payouts::read_terms, payouts::put_terms))
        .routes(routes!(statements::statement))
        .routes(routes!(rules::draft, rules::list))
        .routes(routes!(rules::read))
        .routes(routes!(rules::revise))
        .routes(routes!(rules::activate))
        .routes(routes!(rules::retire))
        .routes(routes!(rules::simulate))
        .routes(routes!(reratings::draft, reratings::list))
        .routes(routes!(reratings::read))
        .routes(routes!(reratings::lines))
        .routes(routes!(reratings::apply))
        .routes(routes!(books::journal))
        .routes(routes!(books::balances))
        .routes(routes!(books::trial_balance))
        .with_state(app)
}

/// Both faces in one, under the default program.
pub fn router(db: Db, edge: Arc<dyn Edge>) -> Router {
    router_under(Program::default(), db, edge)
}

/// As [`router`], under another program.
pub fn router_under(program: Program, db: Db, edge: Arc<dyn Edge>) -> Router {
    let app = App { program: Arc::new(program), ..App::new(db, edge) };
    seed_api(app.clone()).merge(api(app)).into()
}

/// That something which the path names is not there.
fn none_of(code: &'static str, english: &str, spanish: &str, id: &str) -> Problem {
    Problem::not_found(code, said!("there is no {english} {id}", "no hay ninguna {spanish} {id}"))
}
