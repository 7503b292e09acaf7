//! `POST /api/v1/conversiones/lote`: up to a thousand conversions, each with its own answer.

use axum::extract::State;
use axum::http::StatusCode;
use hexalpes_db::Tx;
use hexalpes_http::{Answer, Asked, Batch, Body, FieldError, Problem};
use hexalpes_kernel::Timestamp;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::App;
use crate::commands::{self, NotRecorded, RecordConversion, Recording};
use crate::requests::{BatchBody, BatchRequest, ConversionRequest};
use crate::views::ConversionView;

/// What became of one conversion of a batch.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ResultadoDeLote)]
struct ItemView {
    indice: usize,
    /// As if it had been sent alone: 201, 200, 409 or 422.
    estado: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    conversion: Option<ConversionView>,
    /// Why it was not recorded: a problem as in other answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    problema: Option<Value>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ResultadosDeLote)]
pub(super) struct BatchView {
    registradas: usize,
    duplicadas: usize,
    rechazadas: usize,
    resultados: Vec<ItemView>,
}

/// Records up to 1,000 conversions. Each has its own answer; one that is refused does not hold up the others.
#[utoipa::path(post, path = "/api/v1/conversiones/lote", tag = "conversiones", request_body = BatchBody,
    responses((status = 200, description = "What became of each", body = BatchView)))]
pub(super) async fn record(
    State(app): State<App>,
    asked: Asked,
    body: Body<BatchRequest>,
) -> Result<Answer, Problem> {
    let (cause, request) = asked.keyed("record conversions", &body.digest, "");
    let BatchRequest(items) = body.value;
    let items: Vec<Item> =
        items.into_iter().map(|item| item.and_then(|request| read(&app, request, cause.at))).collect();
    wait_for_unknown(&app, &items).await;
    let record = async move |tx: &Tx| -> Result<Answer, Problem> {
        let mut outcomes = Vec::with_capacity(items.len());
        for command in items.iter().flatten() {
            match commands::record(tx, command.clone(), &cause).await {
                // The whole batch is tried again, or fails as a whole.
                Err(NotRecorded::Database(error)) => return Err(error.into()),
                outcome => outcomes.push(outcome),
            }
        }
        let done = |recording: Recording| ConversionView::of_recording(&recording);
        let view = |indice, estado, conversion, problema| ItemView { indice, estado, conversion, problema };
        let Batch { created, known, refused, results } = Batch::of(&items, outcomes, done, view);
        let view =
            BatchView { registradas: created, duplicadas: known, rechazadas: refused, resultados: results };
        Ok(Answer::json(StatusCode::OK, &view))
    };
    app.idempotency.write(&app.db, request, record).await
}

/// A conversion to be recorded, or why it never will.
type Item = Result<RecordConversion, Vec<FieldError>>;

fn read(app: &App, request: ConversionRequest, now: Timestamp) -> Item {
    if let Some(invalid) = request.is_ahead_of(now) {
        let pointer = "/ocurrido_en".to_owned();
        return Err(vec![FieldError { pointer, code: invalid.code, message: invalid.message }]);
    }
    Ok(request.into_command(&*app.edge))
}

/// One look, with patience, for the last that names somebody: what the affiliates context tells comes in order, so that
/// the others are known by then, or not at all.
async fn wait_for_unknown(app: &App, items: &[Item]) {
    let mut commands = items.iter().flatten().rev();
    let last = commands.find_map(|command| Some((command.who.affiliate.clone()?, command.program.clone())));
    if let Some((affiliate, program)) = last {
        app.becomes_known(&NotRecorded::NoAffiliate(affiliate), &program).await;
    }
}
