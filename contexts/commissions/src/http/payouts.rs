//! `/v1/payouts`, `/v1/payout-terms`, and `POST /api/v1/comisiones/{id}/pagar`.

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use hexalpes_db::{DbError, Tx};
use hexalpes_http::openapi::PageOf;
use hexalpes_http::{
    Answer, Asked, Body, FieldError, Fields, Filters, FromFields, Invalid, ListQuery, Page, Problem, said,
    values,
};
use hexalpes_kernel::{Currency, Money};

use super::{App, comisiones};
use crate::commands::{self, CreatePayout, PayoutCommandError, WhatToPay};
use crate::domain::{CommissionId, Method, Occasion, Payout, PayoutId, PayoutStatus, ProgramId, Terms};
use crate::files;
use crate::pay_to;
use crate::requests::{
    Debtor, FailBody, FailRequest, LinesBody, LinesRequest, PayBody, PayRequest, TermsBody, TermsRequest,
    WhatBody, WhatRequest,
};
use crate::store::payouts::{self, PayoutFilter, Summary};
use crate::store::{self, terms};
use crate::views::{ComisionView, PayoutSummaryView, PayoutView, PreviewView, TermsView};

/// Pays one commission: makes a payout of it alone.
#[utoipa::path(post, path = "/api/v1/comisiones/{id}/pagar", tag = "comisiones", params(("id" = String, Path)),
    request_body = PayBody,
    responses((status = 200, description = "In a payout, or paid, now or before", body = ComisionView)))]
pub(super) async fn pay(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
    body: Body<PayRequest>,
) -> Result<Answer, Problem> {
    let Ok(commission) = CommissionId::parse(&id) else { return Err(comisiones::none(&id)) };
    let (cause, request) = asked.keyed("pay commission", &body.digest, &id);
    let (payout, edge) = (PayoutId::new(app.edge.uuid()), app.edge.clone());
    let PayRequest { method, is_done } = body.value;
    let pay = async move |tx: &Tx| -> Result<Answer, Problem> {
        commands::pay_commission(tx, &commission, payout.clone(), method, is_done, &*edge, &cause).await?;
        let kept = store::load(tx, &commission).await?.ok_or(DbError::NoRow)?;
        Ok(Answer::json(StatusCode::OK, &ComisionView::of(kept)))
    };
    app.idempotency.write(&app.db, request, pay).await
}

/// What would be paid now. Nothing is reserved.
#[utoipa::path(post, path = "/v1/payouts/preview", tag = "payouts", request_body = WhatBody,
    responses((status = 200, description = "What would be paid", body = PreviewView)))]
pub(super) async fn preview(
    State(app): State<App>,
    _asked: Asked,
    body: Body<WhatRequest>,
) -> Result<Answer, Problem> {
    let (what, now) = (what(body.value), app.edge.now());
    let read = async move |tx: &Tx| commands::preview(tx, &what, now).await;
    let (terms, plan) = app.db.read(read).await?;
    Ok(Answer::json(StatusCode::OK, &PreviewView::of(&terms, &plan)))
}

/// Makes a payout of all that is payable: it is reserved, and nothing leaves yet.
#[utoipa::path(post, path = "/v1/payouts", tag = "payouts", request_body = WhatBody,
    responses((status = 201, description = "Made", body = PayoutView),
        (status = 409, description = "There is nothing to pay", content_type = "application/problem+json")))]
pub(super) async fn create(
    State(app): State<App>,
    asked: Asked,
    body: Body<WhatRequest>,
) -> Result<Answer, Problem> {
    let (cause, request) = asked.keyed("create payout", &body.digest, "");
    let id = PayoutId::new(app.edge.uuid());
    let command = CreatePayout { id, what: what(body.value), scheduled_for: None };
    let edge = app.edge.clone();
    let create = async move |tx: &Tx| -> Result<Answer, Problem> {
        let payout = commands::create_payout(tx, command.clone(), &*edge, &cause).await?;
        Ok(Answer::json(StatusCode::CREATED, &PayoutView::of(&payout, &[])))
    };
    app.idempotency.write(&app.db, request, create).await
}

fn what(request: WhatRequest) -> WhatToPay {
    let WhatRequest { program, currency, method } = request;
    WhatToPay { program, currency, only: None, method, occasion: Occasion::ByHand }
}

/// What a list of payouts may be narrowed by.
pub(super) struct Narrowed(PayoutFilter);

impl FromFields for Narrowed {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let program = fields.optional("programId", |raw| values::id(raw, ProgramId::parse));
        let currency = fields.optional("currency", values::currency);
        let statuses = PayoutStatus::ALL.map(|(name, _)| (name, name));
        let status = fields.optional("status", |raw| values::one_of(raw, &statuses));
        Some(Self(PayoutFilter { program: program?, currency: currency?, status: status? }))
    }
}

/// Lists payouts by the time of their making.
#[utoipa::path(get, path = "/v1/payouts", tag = "payouts",
    params(("programId" = Option<String>, Query), ("currency" = Option<String>, Query),
        ("status" = Option<String>, Query, pattern = "^(DRAFT|SENDING|SENT|SETTLED|FAILED)$"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query),
        ("sort" = Option<String>, Query, pattern = "^-?created_at$")),
    responses((status = 200, description = "A page", content((PageOf<PayoutSummaryView> = "application/json"), (String = "text/csv")))))]
pub(super) async fn list(
    State(app): State<App>,
    query: ListQuery,
    Filters(Narrowed(filter)): Filters<Narrowed>,
) -> Result<Response, Problem> {
    let sort = query.sort(&["created_at"])?;
    let keyset = query.keyset(sort)?;
    let read = async move |tx: &Tx| -> Result<Vec<Summary>, DbError> {
        payouts::page(tx, filter.clone(), keyset.clone()).await
    };
    let found = app.db.read(read).await?;
    let place =
        |last: &Summary| Page::<Summary>::position(last.payout.created_at.as_micros(), &last.payout.id);
    let page = Page::cut(found, query.limit, sort, place);
    Ok(page.map(PayoutSummaryView::from).into_answer(query.format))
}

/// One payout.
#[utoipa::path(get, path = "/v1/payouts/{id}", tag = "payouts", params(("id" = String, Path)),
    responses((status = 200, description = "The payout", body = PayoutView)))]
pub(super) async fn read(State(app): State<App>, Path(id): Path<String>) -> Result<Answer, Problem> {
    let payout = found(&app, &id).await?;
    let id = payout.id.clone();
    let troubles = async move |tx: &Tx| -> Result<_, DbError> { payouts::troubles(tx, &id).await };
    let troubles = app.db.read(troubles).await?;
    Ok(Answer::json(StatusCode::OK, &PayoutView::of(&payout, &troubles)))
}

/// Lets a payout leave: a file may be taken, lines of a webhook are sent one after the other.
#[utoipa::path(post, path = "/v1/payouts/{id}/send", tag = "payouts", params(("id" = String, Path)),
    responses((status = 200, description = "On its way, now or before", body = PayoutView)))]
pub(super) async fn send(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Answer, Problem> {
    let payout = parsed(&id)?;
    let (cause, request) = asked.keyed("send payout", "", &id);
    let send = async move |tx: &Tx| -> Result<Answer, Problem> {
        let payout = commands::send_payout(tx, &payout, &cause).await?;
        Ok(Answer::json(StatusCode::OK, &PayoutView::of(&payout, &[])))
    };
    app.idempotency.write(&app.db, request, send).await
}

/// Says that lines were paid: these, or all that have not failed.
#[utoipa::path(post, path = "/v1/payouts/{id}/settle", tag = "payouts", params(("id" = String, Path)),
    request_body = LinesBody,
    responses((status = 200, description = "Settled, now or before", body = PayoutView)))]
pub(super) async fn settle(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
    body: Body<LinesRequest>,
) -> Result<Answer, Problem> {
    let payout = parsed(&id)?;
    let (cause, request) = asked.keyed("settle payout", &body.digest, &id);
    let (LinesRequest(lines), edge) = (body.value, app.edge.clone());
    let settle = async move |tx: &Tx| -> Result<Answer, Problem> {
        let payout = commands::settle_payout(tx, &payout, lines.clone(), &*edge, &cause).await?;
        Ok(Answer::json(StatusCode::OK, &PayoutView::of(&payout, &[])))
    };
    app.idempotency.write(&app.db, request, settle).await
}

/// Says that lines were not paid and will not be: these, or all that are not settled. What is in them is payable again.
#[utoipa::path(post, path = "/v1/payouts/{id}/fail", tag = "payouts", params(("id" = String, Path)),
    request_body = FailBody,
    responses((status = 200, description = "Failed, now or before", body = PayoutView)))]
pub(super) async fn fail(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
    body: Body<FailRequest>,
) -> Result<Answer, Problem> {
    let payout = parsed(&id)?;
    let (cause, request) = asked.keyed("fail payout", &body.digest, &id);
    let (FailRequest { lines, reason }, edge) = (body.value, app.edge.clone());
    let fail = async move |tx: &Tx| -> Result<Answer, Problem> {
        let payout = commands::fail_payout(tx, &payout, lines.clone(), &reason, &*edge, &cause).await?;
        Ok(Answer::json(StatusCode::OK, &PayoutView::of(&payout, &[])))
    };
    app.idempotency.write(&app.db, request, fail).await
}

/// The lines that are neither settled nor failed, as a CSV file for whoever pays them by hand.
#[utoipa::path(get, path = "/v1/payouts/{id}/file", tag = "payouts", params(("id" = String, Path)),
    responses((status = 200, description = "The file", body = String, content_type = "text/csv")))]
pub(super) async fn file(State(app): State<App>, Path(id): Path<String>) -> Result<Response, Problem> {
    let payout = sent(&app, &id).await?;
    let pay_to = pay_to::of(&app.db, app.vault.as_ref(), &payout).await?;
    let text = files::csv(&payout, &pay_to).map_err(|_| Problem::internal())?;
    Ok(attachment("text/csv; charset=utf-8", &format!("{}.csv", payout.id), text))
}

/// The lines that are neither settled nor failed as an ISO 20022 credit transfer, `pain.001.001.09`.
#[utoipa::path(get, path = "/v1/payouts/{id}/pain.001", tag = "payouts",
    params(("id" = String, Path), ("debtorName" = String, Query, max_length = 70), ("debtorIban" = String, Query),
        ("debtorBic" = Option<String>, Query), ("executionDate" = Option<String>, Query, format = Date)),
    responses((status = 200, description = "The file", body = String, content_type = "application/xml"),
        (status = 409, description = "No account of some partner is known", content_type = "application/problem+json")))]
pub(super) async fn pain(
    State(app): State<App>,
    Path(id): Path<String>,
    Filters(debtor): Filters<Debtor>,
) -> Result<Response, Problem> {
    let payout = sent(&app, &id).await?;
    let pay_to = pay_to::of(&app.db, app.vault.as_ref(), &payout).await?;
    let text = files::pain001(&payout, &pay_to, &debtor, app.edge.now())?;
    Ok(attachment("application/xml", &format!("{}.xml", payout.id), text))
}

pub(super) fn attachment(kind: &'static str, name: &str, text: Vec<u8>) -> Response {
    // An id is no header, and need not be one: what is not plain is left out of the name.
    let name: String =
        name.chars().filter(|one| one.is_ascii_alphanumeric() || "._-".contains(*one)).collect();
    let disposition = format!("attachment; filename=\"{name}\"");
    ([(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, disposition)], text)
        .into_response()
}

/// A payout that has left: a draft has no file, for nobody may pay by it.
async fn sent(app: &App, id: &str) -> Result<Payout, Problem> {
    let payout = found(app, id).await?;
    if payout.status == PayoutStatus::Draft {
        let why =
            said!("the payout is a draft: send it first", "el pago es un borrador: hay que enviarlo antes");
        return Err(Problem::conflict("payout_not_sent", why));
    }
    Ok(payout)
}

/// How a program pays out in a currency.
#[utoipa::path(get, path = "/v1/payout-terms/{program}/{currency}", tag = "payouts",
    params(("program" = String, Path), ("currency" = String, Path)),
    responses((status = 200, description = "The terms, also where nobody said any", body = TermsView)))]
pub(super) async fn read_terms(
    State(app): State<App>,
    Path((program, currency)): Path<(String, String)>,
) -> Result<Answer, Problem> {
    let (program, currency) = terms_of(&program, &currency)?;
    let read = async move |tx: &Tx| -> Result<Terms, DbError> { terms::of(tx, &program, currency).await };
    Ok(Answer::json(StatusCode::OK, &TermsView::from(&app.db.read(read).await?)))
}

/// Replaces how a program pays out in a currency. A schedule begins with its next day.
#[utoipa::path(put, path = "/v1/payout-terms/{program}/{currency}", tag = "payouts", request_body = TermsBody,
    params(("program" = String, Path), ("currency" = String, Path)),
    responses((status = 200, description = "The terms from now on", body = TermsView)))]
pub(super) async fn put_terms(
    State(app): State<App>,
    Path((program, currency)): Path<(String, String)>,
    asked: Asked,
    body: Body<TermsRequest>,
) -> Result<Answer, Problem> {
    let of = format!("{program}/{currency}");
    let (program, currency) = terms_of(&program, &currency)?;
    let (cause, request) = asked.keyed("put payout terms", &body.digest, &of);
    let TermsRequest { minimum, method, schedule, endpoint } = body.value;
    let minimum = match minimum {
        None => Money::zero(currency),
        Some(amount) => values::money(amount, currency).map_err(|Invalid { code, message }| {
            Problem::invalid(vec![FieldError { pointer: "/minimum".to_owned(), code, message }])
        })?,
    };
    if method == Method::Webhook && app.webhooks.is_none() {
        let why = said!(
            "webhooks cannot be signed: give the service a secret, HEXALPES_PAYOUT_SECRET_FILE",
            "los webhooks no se pueden firmar: hay que dar al servicio un secreto, HEXALPES_PAYOUT_SECRET_FILE"
        );
        return Err(Problem::conflict("no_signing_secret", why));
    }
    let terms = Terms { program, minimum, method, schedule, endpoint };
    let put = async move |tx: &Tx| -> Result<Answer, Problem> {
        terms::put(tx, &terms, schedule.last_due(cause.at).as_deref()).await?;
        Ok(Answer::json(StatusCode::OK, &TermsView::from(&terms)))
    };
    app.idempotency.write(&app.db, request, put).await
}

fn terms_of(program: &str, currency: &str) -> Result<(ProgramId, Currency), Problem> {
    let refused = |name: &str| {
        let pointer = format!("/{name}");
        move |Invalid { code, message }| Problem::invalid(vec![FieldError { pointer, code, message }])
    };
    let program = values::opaque(program, ProgramId::parse).map_err(refused("program"))?;
    Ok((program, values::currency_code(currency).map_err(refused("currency"))?))
}

/// What is no id names no payout.
fn parsed(id: &str) -> Result<PayoutId, Problem> {
    PayoutId::parse(id).map_err(|_| {
        Problem::not_found("payout_not_found", said!("there is no payout {id}", "no hay ningún pago {id}"))
    })
}

async fn found(app: &App, id: &str) -> Result<Payout, Problem> {
    let id = parsed(id)?;
    let wanted = id.clone();
    let read = async move |tx: &Tx| -> Result<_, DbError> { payouts::load(tx, &wanted).await };
    Ok(app.db.read(read).await?.ok_or(PayoutCommandError::NotFound(id))?)
}
