//! A command that is sent twice, on every database.

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

/// How often two processes meet at one key.
const ROUNDS: usize = 20;

#[derive(Clone)]
struct App {
    db: Db,
    keys: Idempotency,
}

/// One process on a database.
struct Place {
    url: DatabaseUrl,
    app: App,
    edge: Arc<FixedEdge>,
    router: Router,
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

/// Runs a test on each database, one after the other.
async fn on_each_database(test: impl AsyncFn(&Place)) {
    for database in hexalpes_engines::databases() {
        // Shown when the test fails.
        println!("on {}", database.engine());
        let place = Place::on(DatabaseUrl::parse(database.url()).unwrap()).await;
        place.app.db.migrate(&[idempotency::MIGRATIONS, &[TABLE]].concat()).await.unwrap();
        test(&place).await;
        place.app.db.close().await;
    }
}

impl Place {
    async fn on(url: DatabaseUrl) -> Self {
        let db = Db::open(&url, DbOptions::default()).await.unwrap();
        let app = App { db, keys: Idempotency::default() };
        let edge = edge();
        let router =
            layers(Router::new().route("/orders", post(order)).with_state(app.clone()), edge.clone());
        Self { url, app, edge, router }
    }

    /// Another process on the same database: it does not know which keys' commands run here.
    async fn another(&self) -> Self {
        Self::on(self.url.clone()).await
    }

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

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_key_replays_the_first_answer() {
    on_each_database(async |place| {
        let first = place.order("k", "a").await;
        place.order("", "b").await;
        let again = place.order("k", "a").await;
        assert_eq!((first.status.as_u16(), first.header("idempotent-replay")), (201, ""));
        assert_eq!((again.status.as_u16(), again.header("idempotent-replay")), (201, "true"));
        assert_eq!((again.text.as_str(), first.text), (r#"{"count":1}"#, again.text.clone()));
        assert_eq!(place.count().await, 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_each_request_is_its_own() {
    on_each_database(async |place| {
        place.order("", "a").await;
        place.order("", "a").await;
        assert_eq!(place.count().await, 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_with_another_body_is_refused() {
    on_each_database(async |place| {
        place.order("k", "a").await;
        assert_eq!(place.order("k", "b").await.problem(422), "idempotency_key_reused");
        assert_eq!(place.count().await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_two_processes_are_sent_at_once_is_done_by_one_of_them() {
    on_each_database(async |place| {
        let other = place.another().await;
        for round in 0..ROUNDS {
            let key = format!("k-{round}");
            let (one, two) = tokio::join!(place.order(&key, "a"), other.order(&key, "a"));
            assert_eq!((one.status.as_u16(), two.status.as_u16()), (201, 201), "{} {}", one.text, two.text);
            assert_eq!(one.text, two.text);
            let mut replays = [one.header("idempotent-replay"), two.header("idempotent-replay")];
            replays.sort_unstable();
            assert_eq!(replays, ["", "true"], "round {round}");
            assert_eq!(place.count().await, round + 1);
        }
        other.app.db.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_whose_command_still_runs_is_in_use() {
    on_each_database(async |place| {
        let key = IdempotencyKey(Some("k".to_owned()));
        let running = place.app.keys.begin("order", key.clone(), String::new()).unwrap();
        assert!(place.app.keys.begin("other", key, String::new()).is_ok());
        assert_eq!(place.order("k", "a").await.problem(409), "idempotency_key_in_use");
        drop(running);
        assert_eq!(place.order("k", "a").await.status, 201);
    })
    .await;
}

#[test]
fn a_key_released_early_is_not_released_again() {
    let keys = Idempotency::default();
    let begin = || keys.begin("order", IdempotencyKey(Some("k".to_owned())), String::new());
    let first = begin().unwrap();
    first.release();
    let _second = begin().unwrap();
    drop(first);
    assert!(begin().is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_command_leaves_its_key_free() {
    on_each_database(async |place| {
        assert_eq!(place.order("k", "refused").await.problem(409), "refused");
        assert_eq!(place.order("k", "a").await.status, 201);
        assert_eq!(place.count().await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_forgotten_after_24_hours() {
    on_each_database(async |place| {
        place.order("k", "a").await;
        place.edge.advance(Duration::from_hours(24) - Duration::from_micros(1));
        assert_eq!(place.order("k", "a").await.header("idempotent-replay"), "true");
        place.edge.advance(Duration::from_micros(1));
        assert_eq!(place.order("k", "b").await.status, 201);

        place.edge.advance(Duration::from_hours(24));
        let now = place.edge.now();
        let forget = async move |tx: &Tx| idempotency::forget_expired(tx, now).await;
        assert_eq!(place.app.db.write(forget).await, Ok(1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_is_known_before_anything_is_worked_out_again() {
    on_each_database(async |place| {
        let request = |digest: &str| KeyedRequest {
            scope: "order",
            key: IdempotencyKey(Some("k".to_owned())),
            digest: digest.to_owned(),
            at: place.edge.now(),
        };
        let App { db, keys } = &place.app;
        let kept = async |digest: &str| request(digest).kept::<Problem>(db).await;
        assert_eq!(kept("d").await.unwrap(), None);
        let first: Result<Answer, Problem> =
            keys.write(db, request("d"), async |tx: &Tx| done(tx, "a").await).await;
        let first = first.unwrap();
        assert_eq!(kept("d").await.unwrap(), Some(Answer { is_replay: true, ..first }));
        assert_eq!(kept("other").await.unwrap_err().code, "idempotency_key_reused");
        place.edge.advance(Duration::from_hours(24));
        assert_eq!(kept("d").await.unwrap(), None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_blanks_or_201_characters_is_refused() {
    on_each_database(async |place| {
        for key in ["a b", &"k".repeat(201)] {
            assert_eq!(place.order(key, "a").await.problem(422), "invalid_header");
        }
        assert_eq!(place.count().await, 0);
    })
    .await;
}
