//! What followed from one request.

use std::time::Duration;

use axum::extract::{Query, State};
use hexalpes_client::ReadFrom;
use hexalpes_desk::trace::trace;
use maud::{Markup, html};
use serde::Deserialize;

use crate::{
    Console,
    ask::Failure,
    caller::Caller,
    page::{page as framed, t},
};

#[derive(Deserialize)]
pub(crate) struct Asked {
    /// A correlation id.
    id: Option<String>,
    /// How far back events are looked at; everything if nothing is written.
    #[serde(default)]
    minutes: String,
}

pub(crate) async fn page(
    State(console): State<Console>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Result<Markup, Failure> {
    let id = asked.id.as_deref().map(str::trim).unwrap_or_default();
    let minutes = asked.minutes.trim();
    let from = match minutes.parse::<u64>() {
        Ok(minutes) => ReadFrom::Back(Duration::from_secs(minutes.saturating_mul(60))),
        Err(_) if minutes.is_empty() => ReadFrom::Earliest,
        Err(_) => return Err(Failure::Meant(format!("{minutes:?}: {}", t!("no number", "no es un número")))),
    };
    let steps = match id {
        "" => Vec::new(),
        id => trace(&caller.client()?, &console.events_topic, from, id).await?,
    };
    let lines: Vec<String> = steps.iter().map(ToString::to_string).collect();
    let body = html! {
        form action="/trace" {
            label { (t!("Correlation id", "Id de correlación")) input name="id" value=(id) size="50" placeholder="CORR-…" required; }
            label { (t!("Minutes back; empty: everything", "Minutos atrás; vacío: todo")) input type="number" name="minutes" min="1" value=(minutes); }
            button type="submit" { (t!("Show", "Mostrar")) }
        }
        @if !id.is_empty() {
            @if lines.is_empty() {
                p { (t!("No event has it.", "Ningún evento lo tiene.")) }
            } @else {
                pre.tree { (lines.join("\n")) }
            }
        } @else {
            p.note { (t!("It is in the header X-Correlation-Id of each answer, in the log, and in each event.",
                "Está en la cabecera X-Correlation-Id de cada respuesta, en el registro y en cada evento.")) }
        }
    };
    Ok(framed(&caller, t!("Trace", "Traza"), None, &body))
}
