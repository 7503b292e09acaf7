//! A command that is sent twice, on SQLite.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body as Stream;
use axum::extract::State;
use axum::http::{Request, StatusCode};
use axum::response::IntoResponse as _;
use axum::response::Response;
use axum::routing::post;
use hexalpes_db::{DatabaseUrl, Db, DbError, DbOptions, Migration, Tx, columns};
use hexalpes_http::{
    Answer, Body, Caused, Idempotency, IdempotencyKey, KeyedRequest, Problem, idempotency, layers,
};
use hexalpes_kernel::{Clock as _, FixedEdge};
use sea_query::{Query, Table};

use crate::support::{self, Order, edge};

const TABLE: Migration =
    Migration::new("test", 1, "create done", |backend| {
        vec![backend.schema(
            Table::create().table("done").col(columns::sequence("seq")).col(columns::id(backend, "id")),
        )]
    });

#[derive(Clone)]
struct App {
    db: Db,
    keys: Idempotency,
}

struct Place {
    app: App,
    edge: Arc<FixedEdge>,
    router: Router,
    _folder: tempfile::TempDir,
}

async fn order(
    State(app): State<App>,
    Caused(cause): Caused,
    key: IdempotencyKey,
    body: Body<Order>,
) -> Result<Response, Problem> {
    let request = KeyedRequest { scope: "order", key, digest: body.digest, at: cause.at };
    let id = body.value.conversion;
    let answer: Result<Answer, Problem> =
        app.keys.write(&app.db, request, async move |tx: &Tx| done(tx, &id).await).await;
    Ok(answer?.into_response())
}

async fn done(tx: &Tx, id: &str) -> Result<Answer, Problem> {
    let insert = Query::insert().into_table("done").columns(["id"]).values_panic([id.into()]).to_owned();
    tx.execute(&insert).await?;
    if id == "refused" {
        return Err(Problem::conflict("refused", "not this one"));
    }
    let count = count(tx).await?;
    Ok(Answer::new(StatusCode::CREATED, format!(r#"{{"count":{count}}}"#)))
}

async fn count(tx: &Tx) -> Result<usize, DbError> {
    Ok(tx.fetch_all(Query::select().column("seq").from("done")).await?.len())
}

async fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let url = DatabaseUrl::file(folder.path().join("test.db"));
    let db = Db::open(&url, DbOptions::default()).await.unwrap();
    db.migrate(&[idempotency::MIGRATIONS, &[TABLE]].concat()).await.unwrap();
    let app = App { db, keys: Idempotency::default() };
    let edge = edge();
    let router = layers(Router::new().route("/orders", post(order)).with_state(app.clone()), edge.clone());
    Place { app, edge, router, _folder: folder }
}

impl Place {
    async fn order(&self, key: &str, id: &str) -> support::Answer {
        let request = Request::post("/orders").header("content-type", "application/json");
        let request = if key.is_empty() { request } else { request.header("idempotency-key", key) };
        let body = format!(r#"{{"conversionId":"{id}","amount":1}}"#);
        support::send(&self.router, request.body(Stream::from(body)).unwrap()).await
    }

    async fn count(&self) -> usize {
        self.app.db.read(async |tx: &Tx| count(tx).await).await.unwrap()
    }
}

#[tokio::test]
async fn a_repeated_key_replays_the_first_answer() {
    let place = place().await;
    let first = place.order("k", "a").await;
    place.order("", "b").await;
    let again = place.order("k", "a").await;
    assert_eq!((first.status.as_u16(), first.header("idempotent-replay")), (201, ""));
    assert_eq!((again.status.as_u16(), again.header("idempotent-replay")), (201, "true"));
    assert_eq!((again.text.as_str(), first.text), (r#"{"count":1}"#, again.text.clone()));
    assert_eq!(place.count().await, 2);
}

#[tokio::test]
async fn without_a_key_each_request_is_its_own() {
    let place = place().await;
    place.order("", "a").await;
    place.order("", "a").await;
    assert_eq!(place.count().await, 2);
}

#[tokio::test]
async fn a_key_with_another_body_is_refused() {
    let place = place().await;
    place.order("k", "a").await;
    assert_eq!(place.order("k", "b").await.problem(422), "idempotency_key_reused");
    assert_eq!(place.count().await, 1);
}

#[tokio::test]
async fn a_key_whose_command_still_runs_is_in_use() {
    let place = place().await;
    let key = IdempotencyKey(Some("k".to_owned()));
    let running = place.app.keys.begin("order", key.clone(), String::new()).unwrap();
    assert!(place.app.keys.begin("other", key, String::new()).is_ok());
    assert_eq!(place.order("k", "a").await.problem(409), "idempotency_key_in_use");
    drop(running);
    assert_eq!(place.order("k", "a").await.status, 201);
}

#[tokio::test]
async fn a_key_released_early_is_not_released_again() {
    let place = place().await;
    let begin = || place.app.keys.begin("order", IdempotencyKey(Some("k".to_owned())), String::new());
    let first = begin().unwrap();
    first.release();
    let _second = begin().unwrap();
    drop(first);
    assert!(begin().is_err());
}

#[tokio::test]
async fn a_refused_command_leaves_its_key_free() {
    let place = place().await;
    assert_eq!(place.order("k", "refused").await.problem(409), "refused");
    assert_eq!(place.order("k", "a").await.status, 201);
    assert_eq!(place.count().await, 1);
}

#[tokio::test]
async fn a_key_is_forgotten_after_24_hours() {
    let place = place().await;
    place.order("k", "a").await;
    place.edge.advance(Duration::from_hours(24) - Duration::from_micros(1));
    assert_eq!(place.order("k", "a").await.header("idempotent-replay"), "true");
    place.edge.advance(Duration::from_micros(1));
    assert_eq!(place.order("k", "b").await.status, 201);

    place.edge.advance(Duration::from_hours(24));
    let now = place.edge.now();
    let forget = async move |tx: &Tx| idempotency::forget_expired(tx, now).await;
    assert_eq!(place.app.db.write(forget).await, Ok(1));
}

#[tokio::test]
async fn a_key_of_blanks_or_201_characters_is_refused() {
    let place = place().await;
    for key in ["a b", &"k".repeat(201)] {
        assert_eq!(place.order(key, "a").await.problem(422), "invalid_header");
    }
    assert_eq!(place.count().await, 0);
}
