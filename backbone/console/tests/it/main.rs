//! The pages over a broker and a service that are made up, so that they say what is wanted.
#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod letters;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode, Uri, header},
    routing::{get, post},
};
use hexalpes_client::{AdminOptions, ClientOptions};
use hexalpes_console::{ConsoleOptions, Service, router};
use hexalpes_kernel::{Edge, SystemEdge};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::Barrier};
use tower::ServiceExt as _;

/// What the service was told: path, who told it, body.
type Told = Arc<Mutex<Vec<(String, String, Value)>>>;

const SOURCE: &str = "/admin/v3/sources/public/default/alpes/relay";

/// Both in one; the broker lets in who has the token `good`, if it asks.
fn made_up(asks: bool, told: Told) -> Router {
    let hear = move |uri: Uri, headers: HeaderMap, Json(body): Json<Value>| async move {
        let who = headers["x-actor"].to_str().unwrap().to_owned();
        told.lock().unwrap().push((uri.path().to_owned(), who, body));
        Json(json!({ "done": true }))
    };
    let clusters = move |headers: HeaderMap| async move {
        let is_known = headers.get(header::AUTHORIZATION).is_some_and(|value| value == "Bearer good");
        let status = if is_known || !asks { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
        (status, Json(json!(["standalone"])))
    };
    let says = |value: Value| get(async move || Json(value));
    Router::new()
        .route("/admin/v2/clusters", get(clusters))
        .route("/admin/v2/brokers/health", get(async || "ok"))
        .route("/admin/v2/brokers/version", get(async || "4.0.8"))
        .route("/admin/v2/brokers", says(json!(["10.0.0.1:8080"])))
        .route("/admin/v2/tenants", says(json!(["public"])))
        .route("/admin/v2/namespaces/public", says(json!(["public/default"])))
        .route("/admin/v2/persistent/public/default", says(json!([])))
        .route(
            "/health",
            says(json!({"status": "degraded", "checks": {"relay": {"status": "degraded", "detail": "<b>late</b>"}}})),
        )
        .route("/debug/relay", says(json!({"running": true, "standby": null, "lagSeconds": 40, "lagRows": 7})))
        .route("/debug/consumers", says(json!([{"subscription": "sales-books", "topic": "a/b/c", "handled": 3}])))
        .route(
            "/debug/consumers/blocked",
            says(json!({"items": [{"subscription": "sales-books", "key": "<k>", "eventId": "e-1", "blockedAt": "t"}]})),
        )
        .route("/debug/consumers/release", post(hear.clone()))
        .route("/admin/v3/sources", says(json!([{"name": "public/default/alpes", "running": true, "parked": 1}])))
        .route(SOURCE, says(json!({"name": "public/default/alpes", "state": "running", "parked": 1})))
        .route(
            &format!("{SOURCE}/parked"),
            says(json!({"items": [{"id": "e-7", "aggregatetype": "Sale", "aggregateid": "s-1", "reason": "no JSON"}]})),
        )
        .route(&format!("{SOURCE}/deeds"), says(json!({"items": []})))
        .route(&format!("{SOURCE}/parked/skip"), post(hear))
}

/// Where it is served.
async fn served(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// The console of them.
async fn console(asks: bool, told: Told) -> Router {
    let url = served(made_up(asks, told)).await;
    console_of(&url, "pulsar://127.0.0.1:1", vec![sales("sales", &url)])
}

fn sales(name: &str, url: &str) -> Service {
    Service { name: name.to_owned(), url: url.to_owned(), desk: "", has_outbox: true, has_sources: true }
}

fn console_of(admin: &str, broker: &str, services: Vec<Service>) -> Router {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let options = ConsoleOptions {
        admin: AdminOptions::new(admin),
        client: ClientOptions::new(broker),
        services,
        http: reqwest::Client::builder().timeout(Duration::from_secs(5)).build().unwrap(),
        events_topic: "events".to_owned(),
        names: Vec::new(),
    };
    let edge: Arc<dyn Edge> = Arc::new(SystemEdge);
    router(options, edge, Router::new()).unwrap()
}

async fn page(console: &Router, request: Request<Body>) -> (StatusCode, HeaderMap, String) {
    let answer = console.clone().oneshot(request).await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    (status, headers, String::from_utf8(body.to_vec()).unwrap())
}

async fn shown(console: &Router, path: &str) -> String {
    let request = Request::get(path).header(header::HOST, "localhost").body(Body::empty()).unwrap();
    let (status, _, text) = page(console, request).await;
    assert_eq!(status, StatusCode::OK, "{path}: {text}");
    text
}

async fn sent(console: &Router, path: &str, form: &str) -> (StatusCode, HeaderMap, String) {
    let request = Request::post(path)
        .header(header::HOST, "localhost")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(form.to_owned()));
    page(console, request.unwrap()).await
}

#[tokio::test]
async fn what_needs_somebody_stands_first_and_what_services_say_is_text() {
    let console = console(false, Told::default()).await;
    let overview = shown(&console, "/").await;
    let concerns = overview.split("<h2>Broker</h2>").next().unwrap();
    assert!(concerns.contains(r#"<a href="/">sales: relay: &lt;b&gt;late&lt;/b&gt;</a>"#), "{concerns}");
    let late = r#"<a href="/relay?of=sales">The relay of sales is 40 seconds and 7 rows behind</a>"#;
    assert!(concerns.contains(late), "{concerns}");
    assert!(overview.contains("<dt>Version</dt><dd>4.0.8</dd>"), "{overview}");
    assert!(!overview.contains("<b>"), "{overview}");
}

#[tokio::test]
async fn a_parked_event_of_a_source_is_given_up_with_a_reason() {
    let told = Told::default();
    let console = console(false, Arc::clone(&told)).await;
    let relays = shown(&console, "/relays").await;
    assert!(
        relays.contains(r#"<a href="/relay?of=public%2Fdefault%2Falpes">public/default/alpes</a>"#),
        "{relays}"
    );
    let relay = shown(&console, "/relay?of=public/default/alpes").await;
    assert!(relay.contains("<td>e-7</td><td>Sale s-1</td><td>no JSON</td>"), "{relay}");
    let form = "of=public/default/alpes&what=skip&event=e-7&reason=it+is+none&who=ana";
    let (status, headers, text) = sent(&console, "/relay", form).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{text}");
    assert_eq!(headers[header::LOCATION], "/relay?of=public%2Fdefault%2Falpes&done=yes");
    let heard = told.lock().unwrap().clone();
    let body = json!({"reason": "it is none", "event_id": "e-7"});
    assert_eq!(heard, [(format!("{SOURCE}/parked/skip"), "ana".to_owned(), body)]);
    // A name leads nowhere else.
    for form in [
        "of=../../debug/x&what=pause&reason=r",
        "of=a/../b&what=pause&reason=r",
        "of=none&what=pause&reason=r",
    ] {
        let (status, _, text) = sent(&console, "/relay", form).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{form}: {text}");
    }
    assert_eq!(told.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_key_that_is_held_back_is_let_go_on() {
    let told = Told::default();
    let console = console(false, Arc::clone(&told)).await;
    let handlers = shown(&console, "/handlers").await;
    assert!(handlers.contains("<td>sales-books</td><td>&lt;k&gt;</td><td>e-1</td>"), "{handlers}");
    let asked = shown(&console, "/handlers/confirm?service=sales&subscription=sales-books&key=k").await;
    assert!(asked.contains("sales-books handles later events of k again."), "{asked}");
    let (status, ..) =
        sent(&console, "/handlers", "service=sales&subscription=sales-books&key=%3Ck%3E").await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let heard = told.lock().unwrap().clone();
    let body = json!({"subscription": "sales-books", "key": "<k>"});
    assert_eq!(heard, [("/debug/consumers/release".to_owned(), "console".to_owned(), body)]);
}

#[tokio::test]
async fn nobody_comes_in_without_a_token_where_one_is_asked_for() {
    let console = console(true, Told::default()).await;
    for path in ["/", "/topics", "/letters", "/relays", "/relay?of=sales", "/handlers", "/trace", "/nowhere"]
    {
        let request = Request::get(path).header(header::HOST, "localhost").body(Body::empty()).unwrap();
        let (status, headers, _) = page(&console, request).await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{path}");
        assert!(headers[header::LOCATION].to_str().unwrap().starts_with("/login?next=%2F"), "{path}");
    }
    for path in ["/order", "/letters", "/relay", "/handlers"] {
        let form = "of=sales&what=pause&reason=r&service=sales&subscription=s&key=k&topic=x";
        assert_eq!(sent(&console, path, form).await.0, StatusCode::UNAUTHORIZED, "{path}");
    }
    let (status, ..) = sent(&console, "/login", "token=bad").await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let (status, headers, _) = sent(&console, "/login", "token=good&next=//evil.example").await;
    assert_eq!((status, &headers[header::LOCATION]), (StatusCode::SEE_OTHER, &"/".parse().unwrap()));
    assert_eq!(headers[header::SET_COOKIE], "hexalpes_console=good; Path=/; HttpOnly; SameSite=Strict");
    let request =
        Request::get("/").header(header::HOST, "localhost").header(header::COOKIE, "hexalpes_console=good");
    let (status, headers, text) = page(&console, request.body(Body::empty()).unwrap()).await;
    assert_eq!(status, StatusCode::OK, "{text}");
    assert_eq!(headers[header::CACHE_CONTROL], "no-store");
}

/// What the services do for everybody.
const FOR_SERVICES: [(&str, &str); 2] =
    [("/relay", "of=sales&what=pause&reason=r"), ("/handlers", "service=sales&subscription=s&key=k")];

#[tokio::test]
async fn nothing_is_done_with_services_while_the_broker_cannot_be_asked() {
    let told = Told::default();
    let service = served(made_up(false, Arc::clone(&told))).await;
    let console = console_of("http://127.0.0.1:1", "pulsar://127.0.0.1:1", vec![sales("sales", &service)]);
    for (path, form) in FOR_SERVICES {
        let (status, _, text) = sent(&console, path, form).await;
        assert_eq!(status, StatusCode::BAD_GATEWAY, "{path}: {text}");
        let why = "Nothing was done: whether you may do it is for the broker to say. GET /tenants: ";
        assert!(text.contains(why), "{path}: {text}");
    }
    assert_eq!(told.lock().unwrap().len(), 0);
    let relays = shown(&console, "/relays").await;
    assert!(relays.contains(r#"<a href="/relay?of=sales">sales</a>"#), "{relays}");
}

/// As with `anonymousUserRole`: nobody is asked for a token, and without one there are no rights.
#[tokio::test]
async fn nothing_is_done_with_services_by_those_who_administer_nothing() {
    let told = Told::default();
    let service = served(made_up(false, Arc::clone(&told))).await;
    let refused = get(async || (StatusCode::UNAUTHORIZED, Json(json!({"reason": "guest is no superuser"}))));
    let broker = Router::new()
        .route("/admin/v2/clusters", get(async || Json(json!(["standalone"]))))
        .route("/admin/v2/tenants", refused);
    let broker = served(broker).await;
    let console = console_of(&broker, "pulsar://127.0.0.1:1", vec![sales("sales", &service)]);
    for (path, form) in FOR_SERVICES {
        let (status, _, text) = sent(&console, path, form).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{path}: {text}");
        assert!(text.contains("guest is no superuser"), "{path}: {text}");
        assert!(text.contains(r#"<a href="/login">Show a token</a>"#), "{path}: {text}");
    }
    assert_eq!(told.lock().unwrap().len(), 0);
    let relays = shown(&console, "/relays").await;
    assert!(relays.contains(r#"<a href="/login">Enter with a token</a>"#), "{relays}");
}

#[tokio::test]
async fn one_service_that_is_slow_does_not_keep_others_from_being_asked() {
    let both = Arc::new(Barrier::new(2));
    let relay = get(move || {
        let both = Arc::clone(&both);
        async move {
            both.wait().await;
            Json(json!({"running": true, "numWritten": 4711}))
        }
    });
    let service = served(Router::new().route("/debug/relay", relay)).await;
    let services = vec![sales("sales", &service), sales("books", &service)];
    let console =
        console_of(&served(made_up(false, Told::default())).await, "pulsar://127.0.0.1:1", services);
    let relays = shown(&console, "/relays").await;
    assert_eq!(relays.matches("<td>4711</td>").count(), 2, "{relays}");
}
