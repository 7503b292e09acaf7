//! `/v1/templates`. A version is never edited; a new one supersedes it.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use hexalpes_db::{DbError, Tx};
use hexalpes_http::openapi::PageOf;
use hexalpes_http::{Answer, Asked, Body, Fields, Filters, FromFields, ListQuery, Page, Problem, values};

use super::App;
use crate::commands::{self, PublishTemplate};
use crate::domain::{ContractType, Language, PartnerType, Template, TemplateId};
use crate::problems::no_template;
use crate::requests::{NewTemplateBody, NewTemplateRequest};
use crate::store::{self, TemplateFilter};
use crate::views::TemplateView;

/// Publishes the next version of a template, for contracts that are drafted from now on.
#[utoipa::path(post, path = "/v1/templates", tag = "templates", request_body = NewTemplateBody,
    responses((status = 201, description = "Published", body = TemplateView)))]
pub(super) async fn publish(
    State(app): State<App>,
    asked: Asked,
    body: Body<NewTemplateRequest>,
) -> Result<Answer, Problem> {
    let (cause, request) = asked.keyed("publish template", &body.digest, "");
    let NewTemplateRequest { contract_type, partner_type, language, title, body, terms } = body.value;
    let command = PublishTemplate { contract_type, partner_type, language, title, body, terms };
    let publish = async move |tx: &Tx| -> Result<Answer, Problem> {
        let template = commands::publish_template(tx, command.clone(), &cause).await?;
        Ok(Answer::json(StatusCode::CREATED, &TemplateView::from(&template)))
    };
    app.idempotency.write(&app.db, request, publish).await
}

/// What a list of templates may be narrowed by.
pub(super) struct Narrowed(TemplateFilter);

impl FromFields for Narrowed {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let contract_type = fields.optional("contract_type", |raw| values::one_of(raw, &ContractType::ALL));
        let partner_type = fields.optional("partner_type", |raw| values::one_of(raw, &PartnerType::ALL));
        let language = fields.optional("language", |raw| values::one_of(raw, &Language::ALL));
        Some(Self(TemplateFilter {
            contract_type: contract_type?,
            partner_type: partner_type?,
            language: language?,
        }))
    }
}

/// Lists the versions of templates by the time of their publication: the newest of a kind and language holds.
#[utoipa::path(get, path = "/v1/templates", tag = "templates",
    params(("contract_type" = Option<String>, Query, pattern = "^(STANDARD|PREMIUM|ENTERPRISE)$"),
        ("partner_type" = Option<String>, Query, pattern = "^(INDIVIDUAL|EMPRESA|STARTUP)$"),
        ("language" = Option<String>, Query, pattern = "^(es|en)$"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query),
        ("sort" = Option<String>, Query, pattern = "^-?created_at$")),
    responses((status = 200, description = "A page", content((PageOf<TemplateView> = "application/json"), (String = "text/csv")))))]
pub(super) async fn list(
    State(app): State<App>,
    query: ListQuery,
    Filters(Narrowed(filter)): Filters<Narrowed>,
) -> Result<Response, Problem> {
    let sort = query.sort(&["created_at"])?;
    let keyset = query.keyset(sort)?;
    let read = async move |tx: &Tx| -> Result<Vec<Template>, DbError> {
        store::page_of_templates(tx, filter.clone(), keyset.clone()).await
    };
    let templates = app.db.read(read).await?;
    let place = |last: &Template| Page::<Template>::position(last.created_at.as_micros(), &last.id);
    let page = Page::cut(templates, query.limit, sort, place);
    Ok(page.map(|template| TemplateView::from(&template)).into_answer(query.format))
}

/// One version of a template.
#[utoipa::path(get, path = "/v1/templates/{id}", tag = "templates", params(("id" = String, Path)),
    responses((status = 200, description = "The version", body = TemplateView)))]
pub(super) async fn read(State(app): State<App>, Path(id): Path<String>) -> Result<Answer, Problem> {
    let Ok(parsed) = TemplateId::parse(&id) else { return Err(no_template(id)) };
    let read = async move |tx: &Tx| -> Result<_, DbError> { store::load_template(tx, &parsed).await };
    let template = app.db.read(read).await?.ok_or_else(|| no_template(id))?;
    Ok(Answer::json(StatusCode::OK, &TemplateView::from(&template)))
}
