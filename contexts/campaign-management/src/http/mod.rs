//! The routes on 5003: campaigns, budgets, spend, results, reports, and what partners may.

mod budgets;
mod campaigns;
mod reports;
mod results;
mod rights;
mod spend;

use std::sync::Arc;

use hexalpes_db::{Db, DbError, Tx};
use hexalpes_http::{Idempotency, Problem};
use hexalpes_kernel::Edge;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::domain::{Campaign, CampaignId};
use crate::problems::no_campaign;
use crate::store;

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
        .routes(routes!(campaigns::create, campaigns::list))
        .routes(routes!(campaigns::read, campaigns::change))
        .routes(routes!(campaigns::activate))
        .routes(routes!(campaigns::pause))
        .routes(routes!(campaigns::resume))
        .routes(routes!(campaigns::complete))
        .routes(routes!(campaigns::cancel))
        .routes(routes!(campaigns::history))
        .routes(routes!(budgets::of_campaign, budgets::set))
        .routes(routes!(budgets::list))
        .routes(routes!(budgets::read, budgets::change))
        .routes(routes!(budgets::versions))
        .routes(routes!(budgets::alerts))
        .routes(routes!(spend::record, spend::list))
        .routes(routes!(spend::record_batch))
        .routes(routes!(results::record, results::list))
        .routes(routes!(reports::make, reports::list))
        .routes(routes!(reports::read))
        .routes(routes!(rights::read))
        .with_state(app)
}

/// What is no id names no campaign.
fn campaign_id(id: &str) -> Result<CampaignId, Problem> {
    CampaignId::parse(id).map_err(|_| no_campaign(id))
}

async fn found(app: &App, id: &str) -> Result<Campaign, Problem> {
    let parsed = campaign_id(id)?;
    let read = async move |tx: &Tx| -> Result<_, DbError> { store::load_campaign(tx, &parsed).await };
    app.db.read(read).await?.ok_or_else(|| no_campaign(id))
}
