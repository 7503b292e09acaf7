//! The routes of seed 4 on 8002, and those that it leaves open.

mod batch;
mod clicks;
mod conversions;
mod metrics;
mod refunds;

use std::sync::Arc;
use std::time::Duration;

use hexalpes_db::{Db, Tx};
use hexalpes_http::Idempotency;
use hexalpes_kernel::Edge;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::commands::NotRecorded;
use crate::store;

/// For so long an id that is not known yet is waited for: it may be on its way from the affiliates context.
const PATIENCE: Duration = Duration::from_secs(2);

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
        .routes(routes!(conversions::record, conversions::list))
        .routes(routes!(batch::record))
        .routes(routes!(conversions::read))
        .routes(routes!(refunds::refund, refunds::list))
        .routes(routes!(clicks::record))
        .routes(routes!(clicks::follow))
        .routes(routes!(metrics::metrics))
        .with_state(app)
}

impl App {
    /// Waits until what a refusal misses is known, or patience is over; tells whether it is.
    async fn becomes_known(&self, missing: &NotRecorded, program: &crate::domain::ProgramId) -> bool {
        let (missing, program) = (missing.clone(), program.clone());
        let look = async move |tx: &Tx| -> Result<Option<()>, hexalpes_db::DbError> {
            let found = match &missing {
                NotRecorded::NoProgram(id) => store::known_program(tx, id).await?.map(|_| ()),
                NotRecorded::NoAffiliate(id) => store::known_affiliate(tx, id).await?.map(|_| ()),
                NotRecorded::NoCode(code) => store::affiliate_by_code(tx, &program, code).await?.map(|_| ()),
                _ => None,
            };
            Ok(found)
        };
        matches!(self.db.read_until(PATIENCE, look).await, Ok(Some(())))
    }
}
