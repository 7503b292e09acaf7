//! `/api/v1/afiliados/{id}/enlaces`: links that remember whose they are. The conversions service follows them.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use hexalpes_db::{DbError, Tx};
use hexalpes_http::openapi::PageOf;
use hexalpes_http::{Answer, Asked, Body, ListQuery, Page, Problem};

use super::App;
use super::affiliates::found;
use crate::commands::{self, AddLink};
use crate::domain::{AffiliateId, Link, LinkId};
use crate::problems::no_affiliate;
use crate::requests::{LinkBody, LinkRequest};
use crate::store;
use crate::views::LinkView;

/// Makes a link.
#[utoipa::path(post, path = "/api/v1/afiliados/{id}/enlaces", tag = "afiliados", request_body = LinkBody,
    params(("id" = String, Path)),
    responses((status = 201, description = "Made", body = LinkView)))]
pub(super) async fn add(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
    body: Body<LinkRequest>,
) -> Result<Answer, Problem> {
    let Ok(affiliate) = AffiliateId::parse(&id) else { return Err(no_affiliate(id)) };
    let (cause, request) = asked.keyed("add link", &body.digest, &id);
    let LinkRequest { destination, campaign } = body.value;
    let (link, slug) = (LinkId::new(app.edge.uuid()), Link::slug_of(app.edge.uuid()));
    let command = AddLink { affiliate, campaign, destination, id: link, slug, event: app.edge.uuid() };
    let base = app.links_base.clone();
    let add = async move |tx: &Tx| -> Result<Answer, Problem> {
        let link = commands::add_link(tx, command.clone(), &cause).await?;
        Ok(Answer::json(StatusCode::CREATED, &LinkView::of(&link, &base)))
    };
    app.idempotency.write(&app.db, request, add).await
}

/// Lists an affiliate's links by the time of their making.
#[utoipa::path(get, path = "/api/v1/afiliados/{id}/enlaces", tag = "afiliados",
    params(("id" = String, Path), ("limit" = Option<u32>, Query, minimum = 1, maximum = 200),
        ("cursor" = Option<String>, Query), ("sort" = Option<String>, Query, pattern = "^-?created_at$")),
    responses((status = 200, description = "A page", content((PageOf<LinkView> = "application/json"), (String = "text/csv")))))]
pub(super) async fn list(
    State(app): State<App>,
    Path(id): Path<String>,
    query: ListQuery,
) -> Result<Response, Problem> {
    let id = found(&app, &id).await?.id().clone();
    let sort = query.sort(&["created_at"])?;
    let keyset = query.keyset(sort)?;
    let read = async move |tx: &Tx| -> Result<Vec<Link>, DbError> {
        store::page_of_links(tx, &id, keyset.clone()).await
    };
    let links = app.db.read(read).await?;
    let page = Page::cut(links, query.limit, sort, |last| {
        Page::<Link>::position(last.created_at.as_micros(), &last.id)
    });
    Ok(page.map(|link| LinkView::of(&link, &app.links_base)).into_answer(query.format))
}
