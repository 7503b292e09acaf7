//! Dead letters on a broker of our own, whose service is made up.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Body,
    http::{Request, StatusCode, header},
    routing::post,
};
use hexalpes_broker::{Broker, BrokerOptions};
use hexalpes_client::{
    AdminClient, AdminOptions, Client, ClientOptions, Outgoing, ProducerOptions, TopicName,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{Told, console_of, page, sales, sent, served, shown};

const TOPIC: &str = "persistent://public/default/x-sales-dlq";

struct Setup {
    console: Router,
    client: Client,
    admin: AdminClient,
    told: Told,
    _folder: tempfile::TempDir,
}

async fn setup() -> Setup {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("pulsar://{}", listener.local_addr().unwrap());
    let broker = Broker::open(BrokerOptions::new(folder.path(), &url)).unwrap();
    let rest = served(hexalpes_admin::router(broker.clone())).await;
    tokio::spawn(async move { broker.serve(listener, CancellationToken::new()).await });
    let told = Told::default();
    let heard = Arc::clone(&told);
    let drop = move |Json(decision): Json<Value>| async move {
        heard.lock().unwrap().push((String::new(), String::new(), decision["event_id"].clone()));
        Json(json!({"outcome": "dropped"}))
    };
    let service = served(Router::new().route("/debug/dead-letters/drop", post(drop))).await;
    let console = console_of(&rest, &url, vec![sales("sales", &service)]);
    let (client, admin) = (Client::new(ClientOptions::new(&url)), AdminClient::new(AdminOptions::new(rest)));
    Setup { console, client: client.unwrap(), admin: admin.unwrap(), told, _folder: folder }
}

impl Setup {
    async fn letters(&self, events: &[&str]) {
        let producer = self.client.producer(TOPIC, ProducerOptions::default()).await.unwrap();
        for event in events {
            let letter = Outgoing::new("{}").key(*event).property("dlq_event_id", *event);
            producer.send(letter.property("dlq_service", "sales")).await.unwrap();
        }
        producer.close().await;
    }

    fn dropped(&self) -> Vec<String> {
        let told = self.told.lock().unwrap();
        told.iter().map(|(_, _, event)| event.as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn as_many_dead_letters_are_dropped_as_were_confirmed() {
    let setup = setup().await;
    setup.letters(&["e-1", "e-2"]).await;
    let asked = shown(&setup.console, &format!("/letters/confirm?topic={TOPIC}&what=drop")).await;
    assert!(asked.contains("2 dead letters: dropped, nobody will handle them."), "{asked}");
    assert!(
        asked.contains(r#"name="all" value="yes""#) && asked.contains(r#"name="count" value="2""#),
        "{asked}"
    );
    setup.letters(&["e-3"]).await;
    let form = format!("topic={TOPIC}&what=drop&all=yes&count=2");
    let (status, _, text) = sent(&setup.console, "/letters", &form).await;
    assert_eq!(status, StatusCode::OK, "{text}");
    assert!(text.contains("2 decided."), "{text}");
    assert_eq!(setup.dropped(), ["e-1", "e-2"]);
    let left = shown(&setup.console, &format!("/letters?topic={TOPIC}")).await;
    assert!(left.contains(">e-3</a>") && !left.contains(">e-2</a>"), "{left}");
}

#[tokio::test]
async fn a_form_without_an_event_decides_nothing() {
    let setup = setup().await;
    setup.letters(&["e-1"]).await;
    for rest in ["", "&event=", "&event=&count=1", "&all=yes", "&event=e-1&all=yes&count=1"] {
        let (status, _, text) =
            sent(&setup.console, "/letters", &format!("topic={TOPIC}&what=drop{rest}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{rest}: {text}");
    }
    assert_eq!(setup.dropped(), Vec::<String>::new());
    let (status, _, text) =
        sent(&setup.console, "/letters", &format!("topic={TOPIC}&what=drop&event=e-1")).await;
    assert_eq!(status, StatusCode::OK, "{text}");
    assert_eq!(setup.dropped(), ["e-1"]);
}

#[tokio::test]
async fn looking_for_dead_letters_makes_no_topic_and_is_led_to_from_here_alone() {
    let setup = setup().await;
    let paths = [
        format!("/letters?topic={TOPIC}"),
        format!("/letter?topic={TOPIC}&event=e-1"),
        format!("/letters/confirm?topic={TOPIC}&what=drop"),
    ];
    let asked = async |path: &str, from: &'static str| {
        let request = Request::get(path).header(header::HOST, "localhost").header("sec-fetch-site", from);
        page(&setup.console, request.body(Body::empty()).unwrap()).await.0
    };
    for path in &paths {
        assert_eq!(asked(path, "same-origin").await, StatusCode::NOT_FOUND, "{path}");
    }
    let gone = setup.admin.stats(&TopicName::parse(TOPIC).unwrap()).await.unwrap_err();
    assert_eq!(gone.status().unwrap().as_u16(), 404);
    setup.letters(&["e-1"]).await;
    for path in &paths {
        for from in ["cross-site", "same-site"] {
            assert_eq!(asked(path, from).await, StatusCode::FORBIDDEN, "{path}");
        }
    }
    let stats = setup.admin.stats(&TopicName::parse(TOPIC).unwrap()).await.unwrap();
    assert_eq!(stats["subscriptions"], json!({}));
    for path in &paths {
        assert_eq!(asked(path, "none").await, StatusCode::OK, "{path}");
    }
    assert_eq!(asked("/topics", "cross-site").await, StatusCode::OK);
}
