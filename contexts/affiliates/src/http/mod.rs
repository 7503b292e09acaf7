//! The routes of seed 4 on 8001, and those that it leaves open.

mod affiliates;
mod links;
mod payout;
mod programs;

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use hexalpes_db::{Db, Keyset};
use hexalpes_http::{Caused, Idempotency, IdempotencyKey, KeyedRequest, ListQuery, Problem, Sort};
use hexalpes_kernel::{Cause, Edge, Timestamp};
use hexalpes_vault::Vault;
use utoipa_axum::{router::OpenApiRouter, routes};

/// What the routes need.
#[derive(Clone, Debug)]
pub struct App {
    pub db: Db,
    pub edge: Arc<dyn Edge>,
    pub vault: Vault,
    /// Where links are followed: `http://127.0.0.1:8002`.
    pub links_base: Arc<str>,
    pub idempotency: Idempotency,
}

/// The API. It needs [`hexalpes_http::layers`] around it.
pub fn api(app: App) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(affiliates::register, affiliates::list))
        .routes(routes!(affiliates::read, affiliates::change))
        .routes(routes!(affiliates::history))
        .routes(routes!(affiliates::suspend))
        .routes(routes!(affiliates::reactivate))
        .routes(routes!(affiliates::terminate))
        .routes(routes!(payout::read, payout::replace))
        .routes(routes!(links::add, links::list))
        .routes(routes!(programs::create, programs::list))
        .routes(routes!(programs::read, programs::change))
        .with_state(app)
}

/// A list's page out of its query: by one column that holds a time, and by the id.
fn keyset(query: &ListQuery, sort: Sort) -> Result<Keyset, Problem> {
    let after = query.after::<2>(sort)?;
    let after = after.and_then(|[at, id]| Some((at.parse::<i64>().ok()?.into(), id.into())));
    Ok(Keyset { is_descending: sort.is_descending, after, limit: u64::from(query.limit) + 1 })
}

/// Where a thing stands in such a list.
fn position(at: Timestamp, id: &impl ToString) -> [String; 2] {
    [at.as_micros().to_string(), id.to_string()]
}

/// Who asks for a change, and under which key.
struct Asked {
    cause: Cause,
    key: IdempotencyKey,
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Caused(cause) = Caused::from_request_parts(parts, state).await?;
        Ok(Self { cause, key: IdempotencyKey::from_request_parts(parts, state).await? })
    }
}

impl Asked {
    /// `digest` tells one body from another, and `of` what the change is about, when the path says so.
    fn keyed(self, scope: &'static str, digest: &str, of: &str) -> (Cause, KeyedRequest) {
        let digest = if of.is_empty() { digest.to_owned() } else { format!("{of} {digest}") };
        let Self { cause, key } = self;
        let request = KeyedRequest { scope, key, digest, at: cause.at };
        (cause, request)
    }
}
