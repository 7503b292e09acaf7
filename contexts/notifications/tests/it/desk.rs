//! The stage of the channels' tests: a broker, a database of each kind, a mail server and a web server of ours, and a
//! clock that is moved by hand.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, State};
use axum::routing::post;
use hexalpes_client::{Client, ClientOptions, Outgoing, Producer, ProducerOptions};
use hexalpes_db::{DatabaseUrl, Db, DbOptions};
use hexalpes_kernel::{Clock as _, CloudEvent, CorrelationId, FixedEdge, Timestamp};
use hexalpes_notifications::{
    App, Channels, ChannelsStatus, EVENTS_TOPIC, MIGRATIONS, Mailer, RunningChannels, api,
};
use hexalpes_vault::Vault;
use http::{HeaderMap, Method, Request, StatusCode, header};
use parking_lot::Mutex;
use serde_json::{Value, json, value::to_raw_value};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::support::Backbone;

/// Long enough for a slow machine; reached only by what fails.
const DEADLINE: Duration = Duration::from_secs(30);

pub(crate) struct Desk {
    pub(crate) edge: Arc<FixedEdge>,
    pub(crate) mails: Mails,
    pub(crate) hooks: Hooks,
    pub(crate) stop: CancellationToken,
    router: Router,
    producer: Producer,
    running: Mutex<Option<RunningChannels>>,
    pub(crate) db: Db,
    _backbone: Backbone,
    _folder: TempDir,
}

/// Runs a test on each database, one after the other.
pub(crate) async fn on_each_database(test: impl AsyncFn(&Desk)) {
    for database in hexalpes_engines::databases() {
        // Shown when the test fails.
        println!("on {}", database.engine());
        let desk = Desk::at(&DatabaseUrl::parse(database.url()).unwrap()).await;
        test(&desk).await;
        desk.rest().await;
        desk.db.close().await;
    }
}

impl Desk {
    async fn at(place: &DatabaseUrl) -> Self {
        let (backbone, folder) = (Backbone::start().await, tempfile::tempdir().unwrap());
        let db = Db::open(place, DbOptions::default()).await.unwrap();
        db.migrate(&[hexalpes_http::idempotency::MIGRATIONS, MIGRATIONS].concat()).await.unwrap();
        let edge = Arc::new(FixedEdge::at(Timestamp::parse("2025-01-15T14:20:00Z").unwrap()));
        let vault = Vault::open_or_make(&folder.path().join("secret.key")).unwrap();
        let mails = Mails::open().await;
        let mailer = Mailer::new(&mails.url, "Hexalpes <noreply@example.com>").unwrap();
        let channels = Channels::new(db.clone(), edge.clone(), vault, Some(mailer)).unwrap();
        let client = || Client::new(ClientOptions::new(backbone.url())).unwrap();
        let running = Mutex::new(Some(channels.start(client())));
        let stop = CancellationToken::new();
        let routes = hexalpes_http::openapi::published(api(App::new(channels, stop.clone())), "", "");
        let router = hexalpes_http::layers(routes, edge.clone());
        let producer = client().producer(EVENTS_TOPIC, ProducerOptions::default()).await.unwrap();
        let hooks = Hooks::open().await;
        Self { edge, mails, hooks, stop, router, producer, running, db, _backbone: backbone, _folder: folder }
    }

    /// Stops the channels, unless they have been stopped.
    pub(crate) async fn rest(&self) {
        let running = self.running.lock().take();
        if let Some(running) = running {
            running.stop().await;
        }
    }

    /// How the channels are.
    pub(crate) fn status(&self) -> ChannelsStatus {
        self.running.lock().as_ref().expect("they run").status()
    }

    /// Publishes an event that happens now.
    pub(crate) async fn publish(&self, kind: &str, id: &str, data: &Value) {
        let data = to_raw_value(data).unwrap();
        let mut event =
            CloudEvent::new(kind.to_owned(), "//x/1".to_owned(), id.to_owned(), self.edge.now(), data);
        event.correlationid = Some(CorrelationId::parse(&format!("CORR-{id}")).unwrap());
        self.producer.send(Outgoing::new(event.to_json())).await.unwrap();
    }

    /// A partner registers.
    pub(crate) async fn register(&self, partner: &str, email: &str) {
        let data = json!({ "partner_id": partner, "business_name": "Ñandú & Cía", "email": email });
        let id = format!("registered-{partner}");
        self.publish("com.hexabuilders.partners.PartnerRegistrationCompleted", &id, &data).await;
        let known = async || {
            let (_, recipient) = self.get(&format!("/v1/recipients/{partner}")).await;
            (recipient["is_known"] == true).then_some(())
        };
        eventually(known).await;
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> axum::response::Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub(crate) async fn ask(&self, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
        let request = Request::builder().method(method).uri(path);
        let request = request.header(header::CONTENT_TYPE, "application/json");
        read(self.send(request.body(Body::from(body.to_string())).unwrap()).await).await
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        read(self.send(Request::get(path).body(Body::empty()).unwrap()).await).await
    }

    /// The items of a list, once there are so many.
    pub(crate) async fn items(&self, path: &str, count: usize) -> Vec<Value> {
        let found = async || {
            let (_, page) = self.get(path).await;
            page["items"].as_array().filter(|items| items.len() == count).cloned()
        };
        eventually(found).await
    }

    /// Adds a webhook that goes to a place of [`Hooks`]; its id and its secret.
    pub(crate) async fn webhook(&self, recipient: &str, place: &str) -> (String, String) {
        let body = json!({ "url": format!("{}/{place}", self.hooks.url) });
        let (status, made) =
            self.ask(Method::POST, &format!("/v1/recipients/{recipient}/webhooks"), &body).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        (text("webhook_id"), text("secret"))
    }
}

async fn read(response: axum::response::Response) -> (StatusCode, Value) {
    let status = response.status();
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// Waits until there is something.
pub(crate) async fn eventually<T>(ask: impl AsyncFn() -> Option<T>) -> T {
    let found = async {
        loop {
            if let Some(found) = ask().await {
                return found;
            }
            hexalpes_engines::a_moment().await;
        }
    };
    time::timeout(DEADLINE, found).await.expect("what is waited for comes")
}

/// A campaign's alert.
pub(crate) fn alert(partner: &str, alert_type: &str) -> Value {
    json!({
        "alert_id": "al-1", "campaign_id": "camp-1", "partner_id": partner, "budget_status": {}, "alert_type": alert_type,
        "threshold_reached": 80.5, "threshold_reached_bp": 8050, "current_spend": 805.50, "current_spend_minor": 80550,
        "budget_limit": 1000, "budget_limit_minor": 100_000, "projected_spend": 1200, "projected_spend_minor": 120_000,
        "days_remaining": 3, "burn_rate": 130, "burn_rate_minor": 13_000, "currency": "USD", "recommended_actions": [],
        "automatic_actions_taken": [], "alerted_at": "2025-01-15T14:20:00Z",
    })
}

pub(crate) const ALERT: &str = "com.hexabuilders.campaigns.BudgetAlert";

/// A web server that notes what it is sent, and answers as it is told.
#[derive(Clone)]
pub(crate) struct Hooks {
    url: String,
    answers: Arc<Mutex<HashMap<String, u16>>>,
    heard: Arc<Mutex<Vec<(String, HeaderMap, String)>>>,
}

impl Hooks {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let hooks = Self { url, answers: Arc::default(), heard: Arc::default() };
        let router = Router::new().route("/{place}", post(Self::hear)).with_state(hooks.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        hooks
    }

    async fn hear(
        State(hooks): State<Self>,
        Path(place): Path<String>,
        headers: HeaderMap,
        body: String,
    ) -> StatusCode {
        let status = hooks.answers.lock().get(&place).copied().unwrap_or(204);
        if status == 0 {
            // It never answers.
            std::future::pending::<()>().await;
        }
        hooks.heard.lock().push((place, headers, body));
        StatusCode::from_u16(status).unwrap()
    }

    /// What a place answers from now on; 0: nothing, ever.
    pub(crate) fn answer(&self, place: &str, status: u16) {
        self.answers.lock().insert(place.to_owned(), status);
    }

    /// What a place has heard, once it is so much.
    pub(crate) async fn heard(&self, place: &str, count: usize) -> Vec<(HeaderMap, String)> {
        let found = async || {
            let heard = self.heard.lock();
            let of = heard.iter().filter(|(other, ..)| other == place);
            let of: Vec<_> = of.map(|(_, headers, body)| (headers.clone(), body.clone())).collect();
            (of.len() == count).then_some(of)
        };
        eventually(found).await
    }
}

/// A mail server that keeps what it is given.
#[derive(Clone)]
pub(crate) struct Mails {
    url: String,
    kept: Arc<Mutex<Vec<String>>>,
    answers: Arc<Semaphore>,
    refuses: Arc<AtomicBool>,
}

impl Mails {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let (answers, refuses) = (Arc::new(Semaphore::new(1)), Arc::default());
        let mails = Self { url, kept: Arc::default(), answers, refuses };
        let server = mails.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, server.clone()));
            }
        });
        mails
    }

    /// Until this is dropped, what a mail was taken with is not said.
    pub(crate) async fn hold(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.answers).acquire_owned().await.unwrap()
    }

    /// From now on there is no mailbox for anybody.
    pub(crate) fn refuse(&self) {
        self.refuses.store(true, Ordering::Relaxed);
    }

    /// All mails, once there are so many.
    pub(crate) async fn all(&self, count: usize) -> Vec<String> {
        eventually(async || Some(self.kept.lock().clone()).filter(|kept| kept.len() == count)).await
    }
}

/// As much of SMTP (RFC 5321) as a client needs that delivers.
async fn converse(mut stream: TcpStream, mails: Mails) -> std::io::Result<()> {
    let (reading, mut writing) = stream.split();
    let mut lines = BufReader::new(reading).lines();
    writing.write_all(b"220 catcher\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        let verb = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
        if verb == "DATA" {
            writing.write_all(b"354 go on\r\n").await?;
            let mut mail = String::new();
            while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                mail.push_str(&line);
                mail.push('\n');
            }
            mails.kept.lock().push(mail);
            drop(mails.hold().await);
        }
        let answer = match verb.as_str() {
            "QUIT" => "221 bye\r\n",
            "RCPT" if mails.refuses.load(Ordering::Relaxed) => "550 nobody here\r\n",
            _ => "250 fine\r\n",
        };
        writing.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}
