//! `GET /r/{slug}`, where links lead through, and `POST /api/v1/clics`, for servers that lead by themselves.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use hexalpes_db::Tx;
use hexalpes_http::{Answer, Asked, Body, Caused, Problem};
use url::Url;

use super::App;
use crate::commands::{self, NotFollowed, RecordClick};
use crate::domain::{ClickId, KnownLink, Slug, VisitorId};
use crate::requests::{ClickBody, ClickRequest};
use crate::views::ClickView;

/// Remembers a browser, so that a later purchase finds its clicks.
const COOKIE: &str = "hx_visitante";
/// A year.
const COOKIE_SECONDS: u32 = 365 * 24 * 3600;
/// The parameter by which the shop learns of the click.
const PARAMETER: &str = "hx_clic";

/// Remembers that somebody followed a link.
#[utoipa::path(post, path = "/api/v1/clics", tag = "clics", request_body = ClickBody,
    responses((status = 201, description = "Remembered", body = ClickView)))]
pub(super) async fn record(
    State(app): State<App>,
    asked: Asked,
    body: Body<ClickRequest>,
) -> Result<Answer, Problem> {
    let (cause, request) = asked.keyed("record click", &body.digest, "");
    let ClickRequest { slug, visitor, occurred_at } = body.value;
    let command = RecordClick {
        slug,
        id: ClickId::new(app.edge.uuid()),
        visitor: visitor.unwrap_or_else(|| VisitorId::new(app.edge.uuid())),
        // A click of the future would outrank all that come until then.
        at: occurred_at.unwrap_or(cause.at).min(cause.at),
    };
    let record = async move |tx: &Tx| -> Result<Answer, Problem> {
        let link = commands::record_click(tx, command.clone()).await?;
        Ok(Answer::json(StatusCode::CREATED, &view(&command, link)))
    };
    app.idempotency.write(&app.db, request, record).await
}

/// Follows a link: remembers the click, and leads on to where the link goes, with `hx_clic` in the address.
#[utoipa::path(get, path = "/r/{slug}", tag = "clics", params(("slug" = String, Path)),
    responses((status = 303, description = "Leads on", headers(("location" = String), ("set-cookie" = String)))))]
pub(super) async fn follow(
    State(app): State<App>,
    Path(slug): Path<String>,
    Caused(cause): Caused,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Ok(slug) = Slug::parse(&slug) else {
        return Err(Problem::not_found("link_not_found", format!("there is no link {slug}")));
    };
    let visitor = visitor(&headers).unwrap_or_else(|| VisitorId::new(app.edge.uuid()));
    let command = RecordClick { slug, id: ClickId::new(app.edge.uuid()), visitor, at: cause.at };
    let follow = {
        let command = command.clone();
        async move |tx: &Tx| -> Result<KnownLink, NotFollowed> {
            commands::record_click(tx, command.clone()).await
        }
    };
    let link = app.db.write(follow).await?;
    let cookie =
        format!("{COOKIE}={}; Path=/; Max-Age={COOKIE_SECONDS}; HttpOnly; SameSite=Lax", command.visitor);
    let to = with_click(&link.destination, &command.id);
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, to), (header::SET_COOKIE, cookie)]).into_response())
}

fn view(click: &RecordClick, link: KnownLink) -> ClickView {
    ClickView {
        clic_id: click.id.to_string(),
        visitante_id: click.visitor.to_string(),
        afiliado_id: link.affiliate.to_string(),
        programa_id: link.program.to_string(),
        campana_id: link.campaign.map(|id| id.to_string()),
        destino: link.destination,
    }
}

/// Whom the browser says that it is; only what we could have made ourselves counts.
fn visitor(headers: &HeaderMap) -> Option<VisitorId> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let value = pairs.filter(|(name, _)| *name == COOKIE).map(|(_, value)| value).next()?;
    let is_ours = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    VisitorId::parse(value).ok().filter(|_| is_ours)
}

fn with_click(destination: &str, click: &ClickId) -> String {
    match Url::parse(destination) {
        Ok(mut url) => {
            url.query_pairs_mut().append_pair(PARAMETER, click.as_str());
            url.into()
        }
        // The affiliates context checked it; should it be wrong all the same, it is told as it is.
        Err(_) => destination.to_owned(),
    }
}
