//! `POST /api/v1/conversiones/lote`: up to a thousand conversions, each with its own answer.

use axum::extract::State;
use axum::http::StatusCode;
use hexalpes_db::Tx;
use hexalpes_http::{Answer, Asked, Body, FieldError, Problem};
use hexalpes_kernel::{Cause, Timestamp};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::App;
use crate::commands::{self, NotRecorded, RecordConversion};
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
    let items: Vec<Item> = items.into_iter().map(|item| Item::of(&app, item, cause.at)).collect();
    wait_for_unknown(&app, &items).await;
    let record = async move |tx: &Tx| -> Result<Answer, Problem> {
        let mut results = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            results.push(done(tx, index, item, &cause).await?);
        }
        let count = |status: u16| results.iter().filter(|result| result.estado == status).count();
        let (recorded, duplicates) = (count(201), count(200));
        let view = BatchView {
            registradas: recorded,
            duplicadas: duplicates,
            rechazadas: results.len() - recorded - duplicates,
            resultados: results,
        };
        Ok(Answer::json(StatusCode::OK, &view))
    };
    app.idempotency.write(&app.db, request, record).await
}

/// A conversion to be recorded, or why it never will.
#[derive(Clone, Debug)]
enum Item {
    Command(Box<RecordConversion>),
    Refused(Box<Problem>),
}

impl Item {
    fn of(app: &App, item: Result<ConversionRequest, Vec<FieldError>>, now: Timestamp) -> Self {
        let request = match item {
            Ok(request) => request,
            Err(errors) => return Self::Refused(Box::new(Problem::invalid(errors))),
        };
        if let Some(invalid) = request.is_ahead_of(now) {
            let pointer = "/ocurrido_en".to_owned();
            let error = FieldError { pointer, code: invalid.code, message: invalid.message };
            return Self::Refused(Box::new(Problem::invalid(vec![error])));
        }
        Self::Command(Box::new(request.into_command(&*app.edge)))
    }
}

/// One look, with patience, for the last that names somebody: what the affiliates context tells comes in order, so that
/// the others are known by then, or not at all.
async fn wait_for_unknown(app: &App, items: &[Item]) {
    let last = items.iter().rev().find_map(|item| match item {
        Item::Command(command) => Some((command.who.affiliate.clone()?, command.program.clone())),
        Item::Refused(_) => None,
    });
    if let Some((affiliate, program)) = last {
        app.becomes_known(&NotRecorded::NoAffiliate(affiliate), &program).await;
    }
}

async fn done(tx: &Tx, index: usize, item: &Item, cause: &Cause) -> Result<ItemView, Problem> {
    let refused = |problem: &Problem| ItemView {
        indice: index,
        estado: problem.status.as_u16(),
        conversion: None,
        problema: Some(problem.to_json()),
    };
    let command = match item {
        Item::Command(command) => command,
        Item::Refused(problem) => return Ok(refused(problem)),
    };
    match commands::record(tx, RecordConversion::clone(command), cause).await {
        Ok(recording) => {
            let (status, view) = ConversionView::of_recording(&recording);
            Ok(ItemView { indice: index, estado: status.as_u16(), conversion: Some(view), problema: None })
        }
        // The whole batch is tried again, or fails as a whole.
        Err(NotRecorded::Database(error)) => Err(error.into()),
        Err(error) => Ok(refused(&error.into())),
    }
}
