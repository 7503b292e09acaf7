//! `/v1/partners/{id}/documents`.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use hexalpes_http::{Answer, Asked, Body, IfMatch, Problem, Reason, ReasonBody};

use super::{App, Wanted, done, found};
use crate::commands::Verb;
use crate::domain::{DocumentDetails, DocumentId};
use crate::problems::no_document;
use crate::requests::DocumentBody;
use crate::views::{DocumentView, PartnerView};

/// Adds a document, which waits until somebody verifies or rejects it.
#[utoipa::path(post, path = "/v1/partners/{id}/documents", tag = "documents", request_body = DocumentBody,
    params(("id" = String, Path), ("If-Match" = Option<String>, Header, description = "The ETag that was seen")),
    responses((status = 201, description = "The partner, with the document", body = PartnerView),
        (status = 409, description = "It is there already", content_type = "application/problem+json")))]
pub(super) async fn add(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
    seen: IfMatch,
    body: Body<DocumentDetails>,
) -> Result<Answer, Problem> {
    let document = DocumentId::new(app.edge.uuid());
    let (id, digest) = (id.as_str(), body.digest.as_str());
    let wanted = Wanted { scope: "add partner document", id, digest, seen, status: StatusCode::CREATED };
    done(&app, asked, wanted, Verb::AddDocument { id: document, details: body.value }).await
}

/// All documents of a partner, the oldest first.
#[utoipa::path(get, path = "/v1/partners/{id}/documents", tag = "documents", params(("id" = String, Path)),
    responses((status = 200, description = "All of them", body = Vec<DocumentView>)))]
pub(super) async fn list(State(app): State<App>, Path(id): Path<String>) -> Result<Answer, Problem> {
    let partner = found(&app, &id).await?;
    let documents: Vec<DocumentView> = partner.documents().iter().map(DocumentView::from).collect();
    Ok(Answer::json(StatusCode::OK, &documents))
}

/// Says that a document is what it should be.
#[utoipa::path(post, path = "/v1/partners/{id}/documents/{document_id}/verify", tag = "documents",
    params(("id" = String, Path), ("document_id" = String, Path),
        ("If-Match" = Option<String>, Header, description = "The ETag that was seen")),
    responses((status = 200, description = "The partner, with its checks", body = PartnerView),
        (status = 409, description = "It was rejected, or has expired", content_type = "application/problem+json")))]
pub(super) async fn verify(
    State(app): State<App>,
    Path((id, document)): Path<(String, String)>,
    asked: Asked,
    seen: IfMatch,
) -> Result<Answer, Problem> {
    let verb = Verb::VerifyDocument { id: document_id(&document)? };
    let wanted =
        Wanted { scope: "verify partner document", id: &id, digest: &document, seen, status: StatusCode::OK };
    done(&app, asked, wanted, verb).await
}

/// Says that a document is not what it should be, also one that was verified.
#[utoipa::path(post, path = "/v1/partners/{id}/documents/{document_id}/reject", tag = "documents",
    request_body = ReasonBody,
    params(("id" = String, Path), ("document_id" = String, Path),
        ("If-Match" = Option<String>, Header, description = "The ETag that was seen")),
    responses((status = 200, description = "The partner, with its checks", body = PartnerView),
        (status = 409, description = "It has expired", content_type = "application/problem+json")))]
pub(super) async fn reject(
    State(app): State<App>,
    Path((id, document)): Path<(String, String)>,
    asked: Asked,
    seen: IfMatch,
    body: Body<Reason>,
) -> Result<Answer, Problem> {
    let Reason(reason) = body.value;
    let verb = Verb::RejectDocument { id: document_id(&document)?, reason };
    let digest = format!("{document} {}", body.digest);
    let wanted =
        Wanted { scope: "reject partner document", id: &id, digest: &digest, seen, status: StatusCode::OK };
    done(&app, asked, wanted, verb).await
}

fn document_id(id: &str) -> Result<DocumentId, Problem> {
    DocumentId::parse(id).map_err(|_| no_document(id))
}
