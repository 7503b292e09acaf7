//! The routes under `/v1/partners` on 5000.

mod documents;
mod figures;
mod partners;
mod recruitment;

use std::sync::Arc;

use axum::http::StatusCode;
use hexalpes_db::{Db, DbError, Tx};
use hexalpes_http::{Answer, Asked, Idempotency, IfMatch, Problem};
use hexalpes_kernel::Edge;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::commands::{self, ChangePartner, Verb};
use crate::domain::{PartnerId, PartnerStatus};
use crate::problems::no_partner;
use crate::store;
use crate::views::PartnerView;

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
        .routes(routes!(partners::register, partners::list))
        .routes(routes!(partners::read, partners::change))
        .routes(routes!(partners::history))
        .routes(routes!(partners::validation))
        .routes(routes!(partners::suspend))
        .routes(routes!(partners::reactivate))
        .routes(routes!(partners::terminate))
        .routes(routes!(documents::add, documents::list))
        .routes(routes!(documents::verify))
        .routes(routes!(documents::reject))
        .routes(routes!(recruitment::request, recruitment::list))
        .routes(routes!(recruitment::read))
        .routes(routes!(recruitment::cancel))
        .routes(routes!(figures::metrics))
        .routes(routes!(figures::matches))
        .routes(routes!(figures::hires))
        .routes(routes!(figures::alerts))
        .routes(routes!(figures::acknowledge))
        .with_state(app)
}

/// The id in the path, as long as it could be one.
fn partner_id(id: &str) -> Result<PartnerId, Problem> {
    PartnerId::parse(id).map_err(|_| no_partner(id))
}

/// Refuses a partner that is not there, before something of it is read.
async fn status_of(tx: &Tx, id: &PartnerId) -> Result<PartnerStatus, Problem> {
    let standing = store::standing_of(tx, id).await?;
    standing.map(|(status, _)| status).ok_or_else(|| no_partner(id))
}

/// Something that a client wants of a partner, and what it has seen of it.
struct Wanted<'a> {
    /// The command's name, for its idempotency key.
    scope: &'static str,
    id: &'a str,
    digest: &'a str,
    seen: IfMatch,
    status: StatusCode,
}

/// Does it, once per key, and shows the partner after it.
async fn done(app: &App, asked: Asked, wanted: Wanted<'_>, verb: Verb) -> Result<Answer, Problem> {
    let Wanted { scope, id, digest, seen, status } = wanted;
    let partner = partner_id(id)?;
    let (cause, request) = asked.keyed(scope, digest, id);
    let (ids, command) = (Arc::clone(&app.edge), ChangePartner { id: partner, seen, verb });
    let change = async move |tx: &Tx| -> Result<Answer, Problem> {
        let partner = commands::change_partner(tx, &*ids, command.clone(), &cause).await?;
        Ok(Answer::json(status, &PartnerView::from(&partner)))
    };
    app.idempotency.write(&app.db, request, change).await
}

/// A partner with all that is its.
async fn found(app: &App, id: &str) -> Result<crate::domain::Partner, Problem> {
    let partner = partner_id(id)?;
    let read = async move |tx: &Tx| -> Result<_, DbError> { store::load_partner(tx, &partner).await };
    app.db.read(read).await?.ok_or_else(|| no_partner(id))
}
