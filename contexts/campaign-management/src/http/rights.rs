//! `/v1/partners/{id}/campaign-permissions`.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use hexalpes_db::{DbError, Tx};
use hexalpes_http::{Answer, Problem, values};

use super::App;
use crate::domain::{Day, PartnerId};
use crate::problems::invalid;
use crate::store;
use crate::views::RightsView;

/// Whether a partner may run campaigns, under which contract, and why not.
#[utoipa::path(get, path = "/v1/partners/{id}/campaign-permissions", tag = "permissions",
    params(("id" = String, Path)),
    responses((status = 200, description = "What is known; of a partner that nobody told of, that it may not", body = RightsView)))]
pub(super) async fn read(State(app): State<App>, Path(id): Path<String>) -> Result<Answer, Problem> {
    let partner =
        values::opaque(&id, PartnerId::parse).map_err(|error| invalid("/id", error.code, error.message))?;
    let read = async move |tx: &Tx| -> Result<_, DbError> { store::rights_of(tx, &partner).await };
    let rights = app.db.read(read).await?;
    Ok(Answer::json(StatusCode::OK, &RightsView::of(&rights, Day::of(app.edge.now()))))
}
