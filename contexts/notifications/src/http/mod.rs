//! The routes of this context.

mod deliveries;
mod inbox;
mod recipients;
mod stream;
mod templates;
mod webhooks;

use std::sync::Arc;

use hexalpes_http::{Idempotency, Problem};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::channels::Channels;
use crate::domain::RecipientId;
use crate::problems::no_recipient;

/// Inboxes that are followed at once.
const STREAMS_MAX: usize = 256;

/// What the routes need.
#[derive(Clone, Debug)]
pub struct App {
    channels: Channels,
    idempotency: Idempotency,
    /// Ends streams, which would go on for ever.
    stop: CancellationToken,
    streams: Arc<Semaphore>,
}

impl App {
    /// Streams end when `stop` is cancelled.
    pub fn new(channels: Channels, stop: CancellationToken) -> Self {
        let streams = Arc::new(Semaphore::new(STREAMS_MAX));
        Self { channels, idempotency: Idempotency::default(), stop, streams }
    }
}

/// The API. It needs [`hexalpes_http::layers`] around it.
pub fn api(app: App) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(recipients::create, recipients::list))
        .routes(routes!(recipients::read, recipients::change))
        .routes(routes!(recipients::preferences, recipients::set_preferences))
        .routes(routes!(webhooks::add))
        .routes(routes!(webhooks::list))
        .routes(routes!(webhooks::read, webhooks::delete))
        .routes(routes!(webhooks::enable))
        .routes(routes!(webhooks::disable))
        .routes(routes!(webhooks::replay))
        .routes(routes!(deliveries::list))
        .routes(routes!(deliveries::read))
        .routes(routes!(deliveries::replay))
        .routes(routes!(inbox::list))
        .routes(routes!(inbox::read_all))
        .routes(routes!(inbox::read))
        .routes(routes!(stream::follow))
        .routes(routes!(templates::list))
        .routes(routes!(templates::read))
        .routes(routes!(templates::write, templates::take_away))
        .with_state(app)
}

/// What is no id names nobody.
fn recipient_id(id: &str) -> Result<RecipientId, Problem> {
    RecipientId::parse(id).map_err(|_| no_recipient(id))
}
