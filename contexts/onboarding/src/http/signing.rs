//! Sending a contract, and signing it. Tokens are shown once, so that these answers are never kept: an `Idempotency-Key`
//! counts for signatures alone.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use hexalpes_db::Tx;
use hexalpes_http::{Answer, Asked, Body, IfMatch, Problem};
use hexalpes_kernel::Ids;

use super::App;
use super::contracts::{done, found};
use crate::commands::{self, ChangeContract, Changed, Verb};
use crate::domain::{ContractId, SIGNATORIES_MAX, sha256};
use crate::problems::no_contract;
use crate::requests::{SignBody, SignRequest, TokenBody, TokenRequest};
use crate::views::{self, ContractView, SentView, SignaturesView};

/// Freezes the document and asks everybody to sign it. Each signatory's token is in the answer, and never shown again.
#[utoipa::path(post, path = "/v1/contracts/{id}/send", tag = "signatures",
    params(("id" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 200, description = "The contract, and the tokens", body = SentView),
        (status = 409, description = "A proposal is open, or it was sent already", content_type = "application/problem+json")))]
pub(super) async fn send(
    State(app): State<App>,
    Path(id): Path<String>,
    seen: IfMatch,
    asked: Asked,
) -> Result<Answer, Problem> {
    let tokens = tokens(&*app.edge);
    shown(&app, &id, seen, asked, Verb::Send { tokens }).await
}

/// Gives somebody who has still to sign another token: after 14 days, or where it was lost. The old one is good for
/// nothing then.
#[utoipa::path(post, path = "/v1/contracts/{id}/tokens", tag = "signatures", request_body = TokenBody,
    params(("id" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 200, description = "The contract, and the token", body = SentView)))]
pub(super) async fn renew_token(
    State(app): State<App>,
    Path(id): Path<String>,
    seen: IfMatch,
    asked: Asked,
    body: Body<TokenRequest>,
) -> Result<Answer, Problem> {
    let TokenRequest(position) = body.value;
    let verb = Verb::RenewToken { position, token: token(&*app.edge) };
    shown(&app, &id, seen, asked, verb).await
}

/// Who has signed, and who is next.
#[utoipa::path(get, path = "/v1/contracts/{id}/signatures", tag = "signatures", params(("id" = String, Path)),
    responses((status = 200, description = "The signatures", body = SignaturesView)))]
pub(super) async fn signatures(State(app): State<App>, Path(id): Path<String>) -> Result<Answer, Problem> {
    Ok(Answer::json(StatusCode::OK, &SignaturesView::from(&found(&app, &id).await?)))
}

/// Signs with a token, in the order of the signatories. The last signature signs the contract.
#[utoipa::path(post, path = "/v1/contracts/{id}/signatures", tag = "signatures", request_body = SignBody,
    params(("id" = String, Path)),
    responses((status = 200, description = "The contract after the signature", body = ContractView),
        (status = 409, description = "The token was used or has expired, or somebody signs before", content_type = "application/problem+json")))]
pub(super) async fn sign(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
    body: Body<SignRequest>,
) -> Result<Answer, Problem> {
    let Body { value: SignRequest { token, signed_as, document_hash }, digest } = body;
    let verb = Verb::Sign { token, signed_as, document_hash };
    done(&app, &id, IfMatch::default(), asked, ("sign contract", &digest), verb).await
}

/// As many as there may be signatories.
pub(super) fn tokens(ids: &dyn Ids) -> Vec<String> {
    (0..SIGNATORIES_MAX).map(|_| token(ids)).collect()
}

/// Each id has 32 bits at least that none made before it tells of; the digest lets nobody go on from one token to the next.
pub(super) fn token(ids: &dyn Ids) -> String {
    let chance: Vec<u8> = (0..4).flat_map(|_| ids.uuid().into_bytes()).collect();
    format!("sig_{}", sha256(&chance))
}

/// Does something, and shows the tokens that it gave.
async fn shown(app: &App, id: &str, seen: IfMatch, asked: Asked, verb: Verb) -> Result<Answer, Problem> {
    let Ok(parsed) = ContractId::parse(id) else { return Err(no_contract(id)) };
    let (cause, edge) = (asked.cause, Arc::clone(&app.edge));
    let command = ChangeContract { id: parsed, seen, verb };
    let change = async move |tx: &Tx| -> Result<Changed, Problem> {
        Ok(commands::change_contract(tx, command.clone(), &*edge, &cause).await?)
    };
    let Changed { contract, tokens } = app.db.write(change).await?;
    let signing_tokens = views::tokens(tokens, contract.signatories());
    Ok(Answer::json(StatusCode::OK, &SentView { contract: ContractView::from(&contract), signing_tokens }))
}
