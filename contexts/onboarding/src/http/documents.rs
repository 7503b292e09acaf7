//! What a contract says, and what was ever done with it.

use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hexalpes_db::{DbError, Tx};
use hexalpes_http::{Answer, Fields, Filters, FromFields, Problem, accepted, values};

use super::App;
use super::contracts::found;
use crate::commands::written_out;
use crate::domain::{ContractId, Document, Language, Signatory, Signing};
use crate::files;
use crate::problems::no_contract;
use crate::store;
use crate::views::AuditView;

/// How a document is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Html,
    Pdf,
    Text,
}

/// `?format=`, else the first of `Accept` that there is, else HTML.
pub(super) struct Wanted(pub(super) Shown);

struct Asked(Option<Shown>);

impl FromFields for Asked {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let words = [("html", Shown::Html), ("pdf", Shown::Pdf), ("text", Shown::Text)];
        fields.optional("format", |raw| values::one_of(raw, &words)).map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Wanted {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Filters(Asked(asked)) = Filters::<Asked>::from_request_parts(parts, state).await?;
        Ok(Self(asked.unwrap_or_else(|| preferred(&parts.headers))))
    }
}

fn preferred(headers: &HeaderMap) -> Shown {
    let shown = accepted(headers).find_map(|kind| match kind.as_str() {
        "application/pdf" => Some(Shown::Pdf),
        "text/plain" => Some(Shown::Text),
        "text/html" => Some(Shown::Html),
        _ => None,
    });
    shown.unwrap_or(Shown::Html)
}

pub(super) fn answer(document: &Document, shown: Shown, footer: &[String], language: Language) -> Response {
    let (kind, bytes) = match shown {
        Shown::Html => ("text/html; charset=utf-8", document.html.clone().into_bytes()),
        Shown::Pdf => ("application/pdf", files::pdf(&document.title, &document.text, footer, language)),
        Shown::Text => ("text/plain; charset=utf-8", document.text.clone().into_bytes()),
    };
    // What others wrote is shown as text; nothing of it may run all the same.
    let policy = "default-src 'none'; style-src 'unsafe-inline'";
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (StatusCode::OK, headers, bytes).into_response()
}

/// A line for each signature.
pub(super) fn signed_by(signatories: &[Signatory], language: Language) -> impl Iterator<Item = String> {
    signatories.iter().filter_map(move |one| match &one.signing {
        Signing::Signed { at, signed_as, .. } => {
            let signed = language.pick("Firmado", "Signed");
            Some(format!("{signed}: {}. {signed_as}, {at}", one.position))
        }
        Signing::NotAsked | Signing::Asked { .. } => None,
    })
}

/// The document, as it was sent: the SHA-256 of its HTML is `document_hash`. Before that, as it would be now.
#[utoipa::path(get, path = "/v1/contracts/{id}/document", tag = "contracts",
    params(("id" = String, Path), ("format" = Option<String>, Query, pattern = "^(html|pdf|text)$")),
    responses((status = 200, description = "By `format`, or by `Accept`",
        content((String = "text/html"), (Vec<u8> = "application/pdf"), (String = "text/plain")))))]
pub(super) async fn document(
    State(app): State<App>,
    Path(id): Path<String>,
    Wanted(shown): Wanted,
) -> Result<Response, Problem> {
    let contract = found(&app, &id).await?;
    let language = contract.parts().draft.language;
    if let Some(document) = contract.document() {
        let mut footer = vec![format!("SHA-256 (HTML): {}", document.hash)];
        footer.extend(signed_by(contract.signatories(), language));
        return Ok(answer(document, shown, &footer, language));
    }
    let now = app.edge.now();
    let read = async move |tx: &Tx| -> Result<Document, DbError> {
        let mut document = written_out(tx, &contract, now).await?;
        let title = format!("{}: {}", language.pick("BORRADOR", "DRAFT"), document.title);
        document.html = files::html(&title, &document.text, language);
        document.title = title;
        Ok(document)
    };
    let footer = language.pick("BORRADOR: sin enviar a firma", "DRAFT: not sent to be signed").to_owned();
    Ok(answer(&app.db.read(read).await?, shown, &[footer], language))
}

/// What was done with a contract, by whom and when, and whether the trail is whole.
#[utoipa::path(get, path = "/v1/contracts/{id}/audit", tag = "contracts", params(("id" = String, Path)),
    responses((status = 200, description = "The trail", body = AuditView)))]
pub(super) async fn audit(State(app): State<App>, Path(id): Path<String>) -> Result<Answer, Problem> {
    let Ok(id) = ContractId::parse(&id) else { return Err(no_contract(id)) };
    let read = async move |tx: &Tx| -> Result<AuditView, Problem> {
        let contract = store::load(tx, &id).await?.ok_or_else(|| no_contract(&id))?;
        let entries = store::trail(tx, &id).await?;
        Ok(AuditView::of(&id, entries, &contract.parts().trail))
    };
    Ok(Answer::json(StatusCode::OK, &app.db.read(read).await?))
}
