//! Sources over HTTP, and what of them stays when the process ends; the database that they read is not there.

#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

use std::{path::Path, sync::Arc};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use hexalpes_client::{Client, ClientOptions};
use hexalpes_kernel::{Edge, SystemEdge};
use hexalpes_sources::{Door, Sources, SourcesOptions, SourcesPlace, routes};
use hexalpes_vault::Vault;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

const SOURCE: &str = "/admin/v3/sources/public/default/salida";

/// Sources in a folder, and what answers for them.
struct Stage {
    folder: TempDir,
    sources: Sources,
    router: Router,
}

impl Stage {
    async fn set() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (sources, router) = open(folder.path()).await;
        Self { folder, sources, router }
    }

    /// The process ends, and starts again.
    async fn restart(self) -> Self {
        self.sources.stop().await;
        let (sources, router) = open(self.folder.path()).await;
        Self { sources, router, ..self }
    }

    async fn ask(&self, verb: &str, path: &str, kind: &str, body: impl Into<Body>) -> (StatusCode, Value) {
        let request = Request::builder().method(verb).uri(path).header("Content-Type", kind);
        let answer = self.router.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap();
        let status = answer.status();
        let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.ask("GET", path, "application/json", "").await
    }

    async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        self.ask("POST", path, "application/json", body.to_string()).await
    }
}

fn options(folder: &Path) -> SourcesOptions {
    let edge: Arc<dyn Edge> = Arc::new(SystemEdge);
    SourcesOptions {
        place: SourcesPlace::Files(folder.join("sources/sources.db")),
        vault: Vault::open_or_make(&folder.join("secret.key")).unwrap(),
        client: Client::new(ClientOptions::new("pulsar://127.0.0.1:1")).unwrap(),
        edge,
        rules: Vec::new(),
    }
}

async fn open(folder: &Path) -> (Sources, Router) {
    let sources = Sources::open(options(folder)).await.unwrap();
    let door = Door::default();
    door.open(sources.clone());
    (sources, routes(door))
}

fn config() -> Value {
    json!({
        "archive": "builtin://debezium-mysql", "name": "salida", "parallelism": 1,
        "configs": {
            "database.hostname": "127.0.0.1", "database.port": "1", "database.user": "alpes",
            "database.password": "muy-secreto", "table.include.list": "tienda.salida", "colour": "blue",
        },
    })
}

/// As Pulsar's client sends it: the configuration and the archive, in whichever order.
fn form(config: &Value, archive_bytes: usize) -> Vec<u8> {
    let mut form = b"--limit\r\nContent-Disposition: form-data; name=\"data\"; filename=\"a.nar\"\r\n\
        Content-Type: application/octet-stream\r\n\r\n"
        .to_vec();
    form.resize(form.len() + archive_bytes, b'x');
    let config = format!(
        "\r\n--limit\r\nContent-Disposition: form-data; name=\"sourceConfig\"\r\nContent-Type: application/json\r\n\r\n\
         {config}\r\n--limit--\r\n"
    );
    form.extend_from_slice(config.as_bytes());
    form
}

#[tokio::test]
async fn two_sources_are_not_one_reader_of_a_server() {
    let stage = Stage::set().await;
    let other = "/admin/v3/sources/public/other/salida";
    let kind = "multipart/form-data; boundary=limit";
    let (status, _) = stage.ask("POST", SOURCE, kind, form(&config(), 10)).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let (status, told) = stage.ask("POST", other, kind, form(&config(), 10)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let reason = told["reason"].as_str().unwrap();
    assert!(reason.starts_with("source public/default/salida has the server id "), "{reason}");
    assert!(reason.ends_with("give this one another database.server.id"), "{reason}");

    let mut own = config();
    own["configs"]["database.server.id"] = json!("77");
    let (status, told) = stage.ask("POST", other, kind, form(&own, 10)).await;
    assert_eq!((status, told), (StatusCode::NO_CONTENT, Value::Null));
    // Of another server, the same name is nobody else's.
    let mut elsewhere = config();
    elsewhere["configs"]["database.port"] = json!("2");
    let (status, _) =
        stage.ask("POST", "/admin/v3/sources/public/third/salida", kind, form(&elsewhere, 10)).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn files_are_of_one_process() {
    let stage = Stage::set().await;
    let refused = Sources::open(options(stage.folder.path())).await.unwrap_err().to_string();
    assert!(refused.contains("is in use by") && refused.ends_with("name a server"), "{refused}");
    stage.restart().await;
}

/// Accepts S3-CLI-4, S3-SRC-2.
#[tokio::test]
async fn pulsars_calls_are_answered_as_pulsar_does() {
    let stage = Stage::set().await;
    let kind = "multipart/form-data; boundary=limit";
    // More than a request may have elsewhere.
    let made = stage.ask("POST", SOURCE, kind, form(&config(), 8 << 20)).await;
    assert_eq!(made, (StatusCode::NO_CONTENT, Value::Null));
    let again = stage.ask("POST", SOURCE, kind, form(&config(), 10)).await;
    assert_eq!(again, (StatusCode::BAD_REQUEST, json!({ "reason": "Source salida already exists" })));

    let (status, told) = stage.get(&format!("{SOURCE}/status")).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!((&told["numInstances"], &told["instances"][0]["instanceId"]), (&json!(1), &json!(0)));
    // As Pulsar's own client spells it.
    let (_, one) = stage.get("/admin/v3/source/public/default/salida/0/status").await;
    let names: Vec<&String> = one.as_object().unwrap().keys().collect();
    let expected = [
        "error",
        "lastReceivedTime",
        "latestSourceExceptions",
        "latestSystemExceptions",
        "numReceivedFromSource",
        "numRestarts",
        "numSourceExceptions",
        "numSystemExceptions",
        "numWritten",
        "running",
        "workerId",
    ];
    assert_eq!(names, expected);

    for path in ["restart", "0/restart"] {
        let (status, _) = stage.post(&format!("{SOURCE}/{path}"), &Value::Null).await;
        assert_eq!(status, StatusCode::NO_CONTENT);
    }
    let (_, one) = stage.get(&format!("{SOURCE}/0/status")).await;
    assert_eq!(one["numRestarts"], 2);
    let (status, told) = stage.post(&format!("{SOURCE}/1/restart"), &Value::Null).await;
    let reason = "source salida has one instance, 0, and none that is \"1\"";
    assert_eq!((status, told), (StatusCode::BAD_REQUEST, json!({ "reason": reason })));

    let (_, list) = stage.get("/admin/v3/sources/public/default").await;
    assert_eq!(list, json!(["salida"]));
    let (_, shown) = stage.get(SOURCE).await;
    assert_eq!(shown["configs"]["database.password"], "******");
    assert_eq!(shown["configs"]["table.include.list"], "tienda.salida");
    let (status, _) = stage.ask("DELETE", SOURCE, "", "").await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let gone = (StatusCode::NOT_FOUND, json!({ "reason": "Source salida doesn't exist" }));
    assert_eq!(stage.ask("DELETE", SOURCE, "", "").await, gone);
    assert_eq!(stage.get(&format!("{SOURCE}/status")).await, gone);
}

#[tokio::test]
async fn sources_and_whether_they_are_paused_outlive_the_process_and_their_passwords_are_sealed() {
    let stage = Stage::set().await;
    let (status, made) = stage.post(SOURCE, &config()).await;
    assert_eq!((status, &made["name"]), (StatusCode::OK, &json!("public/default/salida")));
    let notes = json!([
        "these keys have no effect: parallelism",
        "these keys are unknown, and have no effect: colour",
    ]);
    assert_eq!(made["notes"], notes);
    // Nobody is there to read, and that is known by now.
    assert_eq!((&made["state"], &made["running"]), (&json!("alarm"), &json!(true)), "{made}");
    let (_, paused) = stage.post(&format!("{SOURCE}/relay/pause"), &json!({ "reason": "a look" })).await;
    assert_eq!(paused["state"], "paused");
    let stage = stage.restart().await;
    let (_, told) = stage.get(&format!("{SOURCE}/relay")).await;
    assert_eq!((&told["state"], &told["table"]), (&json!("paused"), &json!("tienda.salida")));
    let (_, told) = stage.post(&format!("{SOURCE}/start"), &Value::Null).await;
    assert_eq!(told, Value::Null);
    let (_, all) = stage.get("/admin/v3/sources").await;
    assert_ne!(all[0]["state"], "paused", "{all}");
    stage.sources.stop().await;
    for file in std::fs::read_dir(stage.folder.path().join("sources")).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(11).any(|part| part == b"muy-secreto"));
    }
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_its_key_and_nothing_is_made() {
    let stage = Stage::set().await;
    let mut wrong = config();
    wrong["configs"]["database.port"] = json!("no number");
    let (status, told) = stage.post(SOURCE, &wrong).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(told["reason"].as_str().unwrap().starts_with("database.port is \"no number\""), "{told}");
    let other = stage.post("/admin/v3/sources/public/default/otra", &config()).await;
    assert!(other.1["reason"].as_str().unwrap().starts_with("name is \"otra\" in the path"), "{}", other.1);
    let (status, told) =
        stage.ask("POST", SOURCE, "multipart/form-data; boundary=limit", "--limit--\r\n").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(told["reason"].as_str().unwrap().contains("sourceConfig is missing"), "{told}");
    assert_eq!(stage.get("/admin/v3/sources").await.1, json!([]));
}

/// They publish twice, or never: who does so says why.
#[tokio::test]
async fn nothing_is_taken_again_or_left_out_without_a_reason() {
    let stage = Stage::set().await;
    stage.post(SOURCE, &config()).await;
    for verb in ["resnapshot", "skip"] {
        let path = format!("{SOURCE}/relay/{verb}");
        let (status, _) = stage.post(&path, &json!({ "reason": " " })).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        let (status, told) = stage.post(&path, &json!({ "reason": "the log was purged" })).await;
        // Nobody is there who could say where the log ends.
        let expected = if verb == "skip" { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
        assert_eq!(status, expected, "{told}");
    }
    let (status, _) = stage.post(&format!("{SOURCE}/relay/dance"), &json!({})).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_is_parked_is_shown_and_done_something_with_for_a_reason() {
    let stage = Stage::set().await;
    stage.post(SOURCE, &config()).await;
    let nothing = (StatusCode::OK, json!({ "items": [] }));
    // Whether it runs or not.
    for verb in ["pause", "resume"] {
        stage.post(&format!("{SOURCE}/relay/{verb}"), &json!({ "reason": "a look" })).await;
        assert_eq!(stage.get(&format!("{SOURCE}/relay/parked")).await, nothing);
        let order = json!({ "event_id": "k-1", "reason": "nobody needs it" });
        for deed in ["retry", "skip"] {
            let path = format!("{SOURCE}/relay/parked/{deed}");
            let reason = "no event k-1 of source salida is parked; `hexalpes relay parked salida` shows those that are";
            let unknown = (StatusCode::NOT_FOUND, json!({ "reason": reason }));
            assert_eq!(stage.post(&path, &order).await, unknown);
            let (status, told) = stage.post(&path, &json!({ "event_id": "k-1" })).await;
            let reason = json!({ "reason": "a reason is needed: it is written down" });
            assert_eq!((status, told), (StatusCode::BAD_REQUEST, reason));
        }
    }
    let (status, _) =
        stage.post(&format!("{SOURCE}/relay/parked/dance"), &json!({ "event_id": "k-1" })).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let other = "/admin/v3/sources/public/default/otra/relay/parked";
    assert_eq!(stage.get(other).await.1, json!({ "reason": "Source otra doesn't exist" }));
}

/// Whoever looks later sees who did it, also when the source is another one of that name.
#[tokio::test]
async fn whatever_is_done_with_a_source_is_noted_with_who_when_and_why() {
    let stage = Stage::set().await;
    stage.post(SOURCE, &config()).await;
    // For a skip its database would have to say where its log ends.
    let verbs = ["pause", "resume", "restart", "resnapshot", "delete"];
    for verb in verbs {
        let path = format!("{SOURCE}/relay/{verb}");
        let request =
            Request::post(&path).header("Content-Type", "application/json").header("X-Actor", "ana");
        let why = json!({ "reason": format!("{verb} it") }).to_string();
        let answer = stage.router.clone().oneshot(request.body(Body::from(why)).unwrap()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{verb}");
    }
    stage.post(SOURCE, &config()).await;
    let stage = stage.restart().await;
    let (_, told) = stage.get(&format!("{SOURCE}/relay/deeds")).await;
    let told = told["items"].as_array().unwrap();
    let whats: Vec<&str> = told.iter().rev().map(|deed| deed["what"].as_str().unwrap()).collect();
    assert_eq!(whats, [&["create"][..], &verbs, &["create"]].concat());
    let delete = &told[1];
    assert_eq!((&delete["who"], &delete["why"]), (&json!("ana"), &json!("delete it")));
    assert!(delete["at"].is_string(), "{delete}");
}

#[tokio::test]
async fn a_door_that_is_not_open_says_so() {
    let request = Request::get("/admin/v3/sources").body(Body::empty()).unwrap();
    let answer = routes(Door::default()).oneshot(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
}
