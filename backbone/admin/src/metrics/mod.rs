//! What is counted of the broker, its topics and subscriptions, in Prometheus's text format and under Pulsar's names and
//! labels: <https://pulsar.apache.org/docs/4.0.x/reference-metrics/#broker>.
//!
//! Only what the broker knows, and so fewer than Pulsar's; docs/protocol.md has a table. What ends in `_total` is a counter
//! here, and a gauge there.

mod broker;
mod process;
mod text;
mod topics;

use std::{fmt, sync::Arc};

use axum::{Extension, extract::State, response::IntoResponse};
use hexalpes_broker::Broker;
use http::header::CONTENT_TYPE;

use crate::{blocking, refusal::Refusal};
use text::Text;

/// What is shown behind the broker's metrics: those of whoever runs it in its own process, in the same format. As an
/// extension of the [`router`](crate::router).
#[derive(Clone)]
pub struct Beside(Arc<dyn Fn() -> String + Send + Sync>);

impl Beside {
    pub fn new(render: impl Fn() -> String + Send + Sync + 'static) -> Self {
        Self(Arc::new(render))
    }
}

impl fmt::Debug for Beside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Beside")
    }
}

pub(crate) async fn metrics(
    State(broker): State<Broker>,
    beside: Option<Extension<Beside>>,
) -> Result<impl IntoResponse, Refusal> {
    let mut text = blocking(broker, |broker| Ok(render(broker))).await?;
    if let Some(Extension(Beside(render))) = beside {
        text += &render();
    }
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text))
}

fn render(broker: &Broker) -> String {
    let mut text = Text::default();
    let all = broker.all_stats();
    broker::write(&mut text, broker, &all);
    topics::write(&mut text, &all);
    process::write(&mut text);
    text.into_string()
}
