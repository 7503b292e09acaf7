//! What an API takes and answers, as OpenAPI 3.1, and the page that shows it: `/openapi.json` and `/docs`.
//!
//! Each handler says its own part (`utoipa::path`) where it stands; here is what all have: problems, headers,
//! `/health` and `/metrics`. A body's schema is a type beside the parser of the body; [`differences`] tells where the
//! two part.

use std::collections::BTreeSet;

use axum::Router;
use utoipa::openapi::{
    self, ContentBuilder, HttpMethod, InfoBuilder, Object, ObjectBuilder, OpenApi, PathItem, Ref, RefOr,
    Required, ResponseBuilder, Schema, ServerBuilder, Type,
    path::{Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn},
    schema::{ArrayBuilder, ComponentsBuilder, SchemaType},
};
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::body::{FromFields, fields_of};
use crate::problem::PROBLEM_JSON;

/// The name of a problem's schema.
const PROBLEM: &str = "Problem";

/// The routes of an API, and `/openapi.json` and `/docs`, which tell of them.
pub fn published(api: OpenApiRouter, title: &str, about: &str) -> Router {
    let (router, document) = api.split_for_parts();
    let document = complete(document, title, about);
    let page =
        Config::default().display_request_duration(true).default_models_expand_depth(0).use_base_layout();
    router.merge(SwaggerUi::new("/docs").url("/openapi.json", document).config(page))
}

/// Adds what every operation has.
fn complete(mut document: OpenApi, title: &str, about: &str) -> OpenApi {
    document.info =
        InfoBuilder::new().title(title).description(Some(about)).version(env!("CARGO_PKG_VERSION")).build();
    document.servers = Some(vec![ServerBuilder::new().url("/").build()]);
    for path in document.paths.paths.values_mut() {
        for (changes, operation) in operations(path) {
            with_headers(operation, changes);
            operation.responses.responses.insert("default".to_owned(), RefOr::T(refusal()));
        }
    }
    for (path, kind, about) in [
        ("/health", "application/json", "How the service is: 200, or 503 when it is down"),
        (
            "/metrics",
            "text/plain; version=0.0.4; charset=utf-8",
            "Counters and gauges, as Prometheus reads them",
        ),
    ] {
        document.paths.paths.insert(path.to_owned(), own(kind, about));
    }
    let components = document.components.take().unwrap_or_default();
    let components = ComponentsBuilder::from(components).schema(PROBLEM, problem()).build();
    document.components = Some(components);
    document
}

/// Each operation of a path, and whether it changes anything.
fn operations(path: &mut PathItem) -> impl Iterator<Item = (bool, &mut Operation)> {
    let PathItem { get, post, put, patch, delete, .. } = path;
    [(false, get), (true, post), (true, put), (true, patch), (true, delete)]
        .into_iter()
        .filter_map(|(changes, operation)| Some((changes, operation.as_mut()?)))
}

fn with_headers(operation: &mut Operation, changes: bool) {
    let parameters = operation.parameters.get_or_insert_default();
    let mut add = |name: &str, about: &str, chars_max| {
        parameters.push(RefOr::T(header(name, about, chars_max)));
    };
    add("Accept-Language", "In which language refusals are told: `es` or `en`", None);
    add("X-Correlation-Id", "What the request belongs to; made if it is missing", Some(64));
    if changes {
        add("Idempotency-Key", "Done once, and answered the same within a day", Some(200));
        add("X-Actor", "Who asks, for the record", Some(64));
    }
}

/// With a limit, the header's value is visible ASCII characters, one at least.
fn header(name: &str, about: &str, chars_max: Option<usize>) -> Parameter {
    let text = ObjectBuilder::new()
        .schema_type(SchemaType::new(Type::String))
        .min_length(chars_max.map(|_| 1))
        .max_length(chars_max)
        .pattern(chars_max.map(|_| "^[!-~]+$"));
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(about))
        .schema(Some(text))
        .build()
}

/// What every operation may answer besides: a problem.
fn refusal() -> openapi::Response {
    let body = ContentBuilder::new().schema(Some(Ref::from_schema_name(PROBLEM))).build();
    ResponseBuilder::new()
        .description("A refusal or a failure (RFC 9457): `code` is for programs and does not change")
        .content(PROBLEM_JSON, body)
        .build()
}

fn own(kind: &str, about: &str) -> PathItem {
    let answer =
        || ResponseBuilder::new().description(about).content(kind, ContentBuilder::new().build()).build();
    let operation = OperationBuilder::new()
        .summary(Some(about))
        .tag("operation")
        .response("200", answer())
        .response("503", answer())
        .build();
    PathItem::new(HttpMethod::Get, operation)
}

/// The schema of [`crate::Problem`].
fn problem() -> Schema {
    let text = |about: &str| {
        ObjectBuilder::new().schema_type(SchemaType::new(Type::String)).description(Some(about))
    };
    let error = ObjectBuilder::new()
        .property("pointer", text("A JSON pointer (RFC 6901) to the field, or to the parameter"))
        .property("code", text("Stable, for programs: `missing_field`"))
        .property("message", text("For people, in the language that was asked for"))
        .required("pointer")
        .required("code")
        .required("message");
    let status = ObjectBuilder::new()
        .schema_type(SchemaType::new(Type::Integer))
        .description(Some("As of the answer"));
    ObjectBuilder::new()
        .description(Some("Why something was not done (RFC 9457); some problems have further members"))
        .property("status", status)
        .property("code", text("Stable, for programs: `invalid_request`"))
        .property("title", text("The status's name"))
        .property("detail", text("What happened this time"))
        .property("errors", ArrayBuilder::new().items(error))
        .required("status")
        .required("code")
        .required("title")
        .build()
        .into()
}

pub use page_of::PageOf;

mod page_of {
    #![allow(unused_qualifications, reason = "the derived code names what the prelude has")]

    /// The schema of [`crate::Page`].
    #[derive(Debug, utoipa::ToSchema)]
    pub struct PageOf<T> {
        pub items: Vec<T>,
        /// Leads to the next page; null on the last.
        pub next_cursor: Option<String>,
    }
}

/// The schema of an exact decimal, which is a JSON number on the wire and never a float inside.
#[derive(Clone, Copy, Debug)]
pub enum Decimal {}

/// As [`Decimal`], above zero.
#[derive(Clone, Copy, Debug)]
pub enum Positive {}

/// The schema of a percentage: a JSON number from 0 to 100 with at most six decimals.
#[derive(Clone, Copy, Debug)]
pub enum Percent {}

fn number() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::new(Type::Number))
}

impl utoipa::PartialSchema for Decimal {
    fn schema() -> RefOr<Schema> {
        number().description(Some("An exact decimal")).into()
    }
}

impl utoipa::PartialSchema for Positive {
    fn schema() -> RefOr<Schema> {
        number().description(Some("An exact decimal")).exclusive_minimum(Some(0)).into()
    }
}

impl utoipa::PartialSchema for Percent {
    fn schema() -> RefOr<Schema> {
        number().description(Some("Percent, exact")).minimum(Some(0)).maximum(Some(100)).into()
    }
}

impl utoipa::ToSchema for Decimal {}
impl utoipa::ToSchema for Positive {}
impl utoipa::ToSchema for Percent {}

/// Where the schema of a body's type and its parser part: names that only one has, and fields that only one asks for.
/// For a test of each body; empty is good.
pub fn differences<Request: FromFields, Described: utoipa::ToSchema>() -> Vec<String> {
    let RefOr::T(Schema::Object(Object { properties, required, .. })) = Described::schema() else {
        return vec![format!("{} is no object", Described::name())];
    };
    let parsed = fields_of::<Request>();
    let parsed_names: BTreeSet<&str> = parsed.iter().map(|known| known.name).collect();
    let parsed_required: BTreeSet<&str> =
        parsed.iter().filter(|known| known.is_required).map(|known| known.name).collect();
    let described_names: BTreeSet<&str> = properties.keys().map(String::as_str).collect();
    let described_required: BTreeSet<&str> = required.iter().map(String::as_str).collect();
    let told = |what: &str, names: BTreeSet<&str>| -> Vec<String> {
        names.into_iter().map(|name| format!("{}.{name}: {what}", Described::name())).collect()
    };
    [
        told("the parser does not take it", &described_names - &parsed_names),
        told("the schema does not tell of it", &parsed_names - &described_names),
        told("the schema says that it may be missing", &parsed_required - &described_required),
        told("the parser lets it be missing", &described_required - &parsed_required),
    ]
    .concat()
}
