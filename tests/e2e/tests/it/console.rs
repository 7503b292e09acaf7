//! The admin UI, looked at and driven as a browser does it.

use std::fs;

use hexalpes_client::{
    AdminClient, AdminOptions, Client, ClientOptions, Outgoing, ProducerOptions, TopicName,
};
use hexalpes_e2e::{Console, PATIENCE, Product, calculation};
use reqwest::{
    Method, StatusCode,
    header::{ACCEPT_LANGUAGE, CONTENT_TYPE, COOKIE, HOST, LOCATION, ORIGIN, SET_COOKIE},
    redirect::Policy,
};
use serde_json::{Value, json};
use tokio::time::Instant;
use url::form_urlencoded::Serializer;

use crate::command::{ask, printed};

/// One that goes nowhere by itself.
struct Browser {
    base: String,
    http: reqwest::Client,
    cookie: Option<String>,
}

#[derive(Debug)]
struct Page {
    status: StatusCode,
    /// Where it leads.
    to: Option<String>,
    cookie: Option<String>,
    text: String,
}

impl Browser {
    fn on_port(port: u16) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().redirect(Policy::none()).timeout(PATIENCE).build().unwrap();
        Self { base: format!("http://127.0.0.1:{port}"), http, cookie: None }
    }

    fn of(product: &Product) -> Self {
        Self::on_port(product.port_of("--console-port"))
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.cookie {
            Some(cookie) => request.header(COOKIE, cookie),
            None => request,
        }
    }

    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Page {
        let query = Serializer::new(String::new()).extend_pairs(query).finish();
        page(self.request(Method::GET, &format!("{path}?{query}"))).await
    }

    /// As it sends a form that stands on a page of the console.
    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        page(form(self.request(Method::POST, path).header(ORIGIN, &self.base), fields)).await
    }

    /// What a page shows, if it is one.
    async fn shown(&self, path: &str, query: &[(&str, &str)]) -> String {
        let page = self.get(path, query).await;
        assert_eq!(page.status, StatusCode::OK, "{path} {query:?}: {}", page.text);
        page.text
    }

    /// What it shows once that is there.
    async fn until(&self, path: &str, query: &[(&str, &str)], wanted: &str) -> String {
        let begun = Instant::now();
        loop {
            let page = self.get(path, query).await;
            if page.status == StatusCode::OK && page.text.contains(wanted) {
                return page.text;
            }
            assert!(begun.elapsed() < PATIENCE, "{path} {query:?} does not show {wanted}: {}", page.text);
        }
    }
}

fn form(request: reqwest::RequestBuilder, fields: &[(&str, &str)]) -> reqwest::RequestBuilder {
    let body = Serializer::new(String::new()).extend_pairs(fields).finish();
    request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body)
}

async fn page(request: reqwest::RequestBuilder) -> Page {
    let answer = request.send().await.expect("the console answers");
    let header = |name| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let (status, to, cookie) = (answer.status(), header(LOCATION), header(SET_COOKIE));
    Page { status, to, cookie, text: answer.text().await.expect("the answer arrives whole") }
}

/// Accepts S0-SVC-6, S4-SVC-6.
#[tokio::test]
async fn the_pages_show_what_there_is_on_the_broker_and_in_the_services() {
    let product = Product::start();
    let browser = Browser::of(&product);
    let (status, _) = product.post("/commissions/calculate", &calculation("conv-1")).await;
    assert_eq!(status, 201);
    let event = product.event_lines(1).remove(0);

    let overview = browser.until("/", &[], "All is well.").await;
    for service in ["partner-management", "affiliates", "commissions", "onboarding", "notifications"] {
        assert!(overview.contains(&format!("<td>{service}</td>")), "{service}: {overview}");
    }
    assert!(
        overview.contains(r#"<a href="/relay?of=commissions">commissions</a></td><td>yes</td><td>1</td>"#),
        "{overview}"
    );
    assert!(overview.contains("<td>commissions-conversions</td>"), "{overview}");

    let namespaces = browser.shown("/topics", &[]).await;
    let link = r#"<a href="/topics?namespace=hexabuilders%2Fpartner-management">hexabuilders/partner-management</a>"#;
    assert!(namespaces.contains(link), "{namespaces}");
    let topics = browser.shown("/topics", &[("namespace", "public/default"), ("has", "outbox-ev")]).await;
    let row = ">outbox-events</a></td><td>0</td><td>1</td>";
    assert!(topics.contains(row), "{topics}");

    // Once the trail has acknowledged what it wrote.
    let heard = "<td>notifications-events</td><td>Exclusive</td><td>0</td>";
    let topic =
        browser.until("/topic", &[("name", "persistent://public/default/outbox-events")], heard).await;
    assert!(topic.contains("<dt>correlation_id</dt><dd>"), "{topic}");
    assert!(
        topic.contains("&quot;type&quot;: &quot;com.hexabuilders.commissions.CommissionCalculated&quot;"),
        "{topic}"
    );
    let partitioned = browser
        .shown("/topic", &[("name", "persistent://hexabuilders/partner-management/partner-events")])
        .await;
    assert!(partitioned.contains("<dt>Partitions</dt><dd>4</dd>"), "{partitioned}");
    let registration = "persistent://hexabuilders/partner-management/partner-registration";
    let schema = browser.shown("/topic", &[("name", registration)]).await;
    assert!(schema.contains("<dt>Type</dt><dd>AVRO</dd>"), "{schema}");

    let correlation = event.correlationid.unwrap();
    let trace = browser.shown("/trace", &[("id", correlation.as_str())]).await;
    assert!(trace.contains("└ CommissionCalculated"), "{trace}");
    assert_eq!(ask(&product, &["trace", correlation.as_str()]).lines().count(), 2);

    let spanish = browser.request(Method::GET, "/").header(ACCEPT_LANGUAGE, "es-CO");
    let spanish = page(spanish).await.text;
    assert!(spanish.contains("<html lang=\"es\">") && spanish.contains("Todo va bien."), "{spanish}");
    let absent = browser.get("/topic", &[("name", "persistent://public/default/nowhere")]).await;
    assert_eq!(absent.status, StatusCode::NOT_FOUND, "{}", absent.text);
}

/// What anybody may have sent to a topic is text, and nothing that a browser acts on.
#[tokio::test]
async fn what_messages_say_is_shown_and_not_acted_on() {
    const TOPIC: &str = "persistent://public/default/bad\"><b>";
    let product = Product::start();
    let browser = Browser::of(&product);
    let client = Client::connect(ClientOptions::new(&product.urls().service)).await.unwrap();
    let producer = client.producer(TOPIC, ProducerOptions::default()).await.unwrap();
    let message = Outgoing::new("<script>alert(1)</script>").key("<img src=x>").property("<i>", "</dl><i>");
    producer.send(message).await.unwrap();
    producer.send(Outgoing::new(format!(r#"{{"long":"{}","n":1000.00}}"#, "x".repeat(5000)))).await.unwrap();

    let shown = browser.shown("/topic", &[("name", TOPIC)]).await;
    assert!(shown.contains("<pre>&lt;script&gt;alert(1)&lt;/script&gt;</pre>"), "{shown}");
    assert!(shown.contains("<dt>&lt;i&gt;</dt><dd>&lt;/dl&gt;&lt;i&gt;</dd>"), "{shown}");
    assert!(shown.contains("Cut: it has 5023 characters."), "{shown}");
    for wrong in ["<script", "<img", "<i>", "bad\"><b>"] {
        assert!(!shown.contains(wrong), "{wrong}: {shown}");
    }
    let listed = browser.shown("/topics", &[("namespace", "public/default")]).await;
    assert!(!listed.contains("<b>"), "{listed}");

    let answer = browser.request(Method::GET, "/").send().await.unwrap();
    let policy = answer.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'self'; form-action 'self'"), "{policy}");
}

/// Accepts S0-SVC-6.
#[tokio::test]
async fn subscriptions_are_made_moved_and_deleted_on_either_engine() {
    let pulsar = hexalpes_e2e::real_pulsar().await;
    for engine in [None].into_iter().chain(pulsar.iter().map(|pulsar| Some(pulsar.urls.clone()))) {
        let product = Product::start_on(engine);
        let urls = product.urls();
        let name = format!("persistent://public/default/console-{}", product.port());
        let topic = TopicName::parse(&name).unwrap();
        let client = Client::connect(ClientOptions::new(&urls.service)).await.unwrap();
        let browser = Browser::of(&product);
        let made = browser.post("/order", &[("what", "create"), ("topic", &name), ("partitions", "0")]).await;
        assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.text);
        let producer = client.producer(&name, ProducerOptions::default()).await.unwrap();
        for text in ["one", "two", "three"] {
            producer.send(Outgoing::new(text)).await.unwrap();
        }
        producer.close().await;
        let admin = AdminClient::new(AdminOptions::new(&urls.admin)).unwrap();
        let waiting = async || {
            let stats = admin.stats(&topic).await.unwrap();
            stats["subscriptions"]["billing"]["msgBacklog"].as_u64()
        };
        let give = async |what: &str, more: &[(&str, &str)]| {
            let fields = [&[("what", what), ("topic", &*name), ("subscription", "billing")], more].concat();
            // First it says what will happen, then it does it.
            let asked = browser.get("/order", &fields).await;
            assert_eq!(asked.status, StatusCode::OK, "{}", asked.text);
            let done = browser.post("/order", &fields).await;
            assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
            asked.text
        };
        give("subscribe", &[("from", "earliest")]).await;
        assert_eq!(waiting().await, Some(3));
        let page = browser.shown("/topic", &[("name", &name)]).await;
        for text in ["<pre>one</pre>", "<pre>two</pre>", "<pre>three</pre>", "<td>billing</td>"] {
            assert!(page.contains(text), "{text}: {page}");
        }
        let told = give("skip", &[("entries", "1")]).await;
        assert!(
            told.contains("The next 1 of 3 entries that wait for billing are never delivered to it"),
            "{told}"
        );
        assert_eq!(waiting().await, Some(2));
        give("clear", &[]).await;
        assert_eq!(waiting().await, Some(0));
        give("reset", &[("minutes", "")]).await;
        assert_eq!(waiting().await, Some(3));
        give("unsubscribe", &[]).await;
        assert_eq!(waiting().await, None);
        give("subscribe", &[("from", "latest")]).await;
        assert_eq!(waiting().await, Some(0));
        give("unload", &[]).await;
        give("delete", &[]).await;
        let gone = browser.get("/topic", &[("name", &name)]).await;
        assert_eq!(gone.status, StatusCode::NOT_FOUND, "{}", gone.text);

        let parted = format!("{name}-parted");
        let made =
            browser.post("/order", &[("what", "create"), ("topic", &parted), ("partitions", "3")]).await;
        assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.text);
        let page = browser.shown("/topic", &[("name", &parted)]).await;
        assert!(page.contains("<dt>Partitions</dt><dd>3</dd>"), "{page}");
        let done = browser.post("/order", &[("what", "delete"), ("topic", &parted)]).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
        let gone = browser.get("/topic", &[("name", &parted)]).await;
        assert_eq!(gone.status, StatusCode::NOT_FOUND, "{}", gone.text);
    }
}

#[tokio::test]
async fn what_other_sites_send_and_other_names_ask_is_refused() {
    let product = Product::start();
    let browser = Browser::of(&product);
    let fields = [("what", "create"), ("topic", "persistent://public/default/forged")];
    for (name, value) in [("Origin", "http://evil.example"), ("Sec-Fetch-Site", "cross-site")] {
        let forged = page(form(browser.request(Method::POST, "/order").header(name, value), &fields)).await;
        assert_eq!(forged.status, StatusCode::FORBIDDEN, "{}", forged.text);
    }
    let rebound = page(browser.request(Method::GET, "/").header(HOST, "evil.example:9527")).await;
    assert_eq!(rebound.status, StatusCode::MISDIRECTED_REQUEST, "{}", rebound.text);
    let listed = ask(&product, &["topics", "list"]);
    assert!(!listed.contains("forged"), "{listed}");
    // Who is no browser says neither, as curl.
    let plain = page(form(browser.request(Method::POST, "/order"), &fields)).await;
    assert_eq!(plain.status, StatusCode::SEE_OTHER, "{}", plain.text);
    let listed = ask(&product, &["topics", "list"]);
    assert!(listed.contains("persistent://public/default/forged"), "{listed}");
}

/// Accepts C-3, C-6.
#[tokio::test]
async fn a_dead_letter_is_shown_with_its_reason_edited_and_handled_after_all() {
    const LETTERS: &str = "persistent://public/default/conversiones.eventos-commissions-dlq";
    let product = Product::start();
    let browser = Browser::of(&product);
    let client = Client::connect(ClientOptions::new(&product.urls().service)).await.unwrap();
    let producer = client.producer("conversiones.eventos", ProducerOptions::default()).await.unwrap();
    let recorded = |conversion: &str, amount: i64| {
        json!({
            "conversion_id": conversion, "affiliate_id": "aff-1", "gross_amount": amount,
            "gross_amount_minor": amount * 100, "currency": "USD", "occurred_at": "2025-01-15T10:30:00Z",
        })
        .to_string()
    };
    for conversion in ["conv-wrong", "conv-hopeless"] {
        producer.send(Outgoing::new(recorded(conversion, -1)).key(conversion)).await.unwrap();
    }
    browser
        .until("/letters", &[], &format!(r#"{LETTERS}</a></td><td><span class="bad">2</span></td>"#))
        .await;
    let overview = browser.shown("/", &[]).await;
    assert!(overview.contains(&format!("2 dead letters in {LETTERS}")), "{overview}");

    let listed: Vec<Value> =
        serde_json::from_str(&ask(&product, &["dlq", "list", LETTERS, "-o", "json"])).unwrap();
    let event =
        |key: &str| listed.iter().find(|letter| letter["key"] == key).unwrap()["event"].as_str().unwrap();
    let (wrong, hopeless) = (event("conv-wrong"), event("conv-hopeless"));
    let table = browser.shown("/letters", &[("topic", LETTERS)]).await;
    let reason = listed[0]["reason"].as_str().unwrap();
    assert!(table.contains(reason) && table.contains("<td>conv-wrong</td>"), "{reason}: {table}");
    let letter = browser.shown("/letter", &[("topic", LETTERS), ("event", wrong)]).await;
    assert!(letter.contains("&quot;gross_amount&quot;: -1") && letter.contains("key conv-wrong"), "{letter}");

    let handlers = browser.shown("/handlers", &[]).await;
    for key in ["conv-wrong", "conv-hopeless"] {
        assert!(handlers.contains(&format!("<td>commissions-conversions</td><td>{key}</td>")), "{handlers}");
    }

    let edited = recorded("conv-wrong", 7);
    let fields =
        [("topic", LETTERS), ("event", wrong), ("what", "replay"), ("data", &*edited), ("who", "ana")];
    let decided = browser.post("/letters", &fields).await;
    assert!(decided.text.contains(r#"<span class="good">handled</span>"#), "{}", decided.text);
    let (status, _) = product.get("/commissions/by-conversion/conv-wrong").await;
    assert_eq!(status, 200);
    let fields = [("topic", LETTERS), ("event", hopeless), ("what", "drop"), ("who", "ana")];
    let decided = browser.post("/letters", &fields).await;
    assert!(decided.text.contains(r#"<span class="good">dropped</span>"#), "{}", decided.text);
    let left = browser.shown("/letters", &[("topic", LETTERS)]).await;
    assert!(left.contains("None."), "{left}");
    let handlers = browser.shown("/handlers", &[]).await;
    assert!(!handlers.contains("<td>conv-"), "{handlers}");
    // Told by events: calculated, approved, replayed, dropped; and who it was.
    let told = product.event_lines(4);
    assert!(told.iter().any(|event| event.bare_kind() == "DeadLetterReplayed"));
    let (_, outbox) = product.get("/debug/outbox").await;
    let dropped = outbox["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["type"].as_str().unwrap().ends_with("DeadLetterDropped"));
    assert_eq!(dropped.unwrap()["headers"]["actor"], "ana", "{outbox}");
}

#[tokio::test]
async fn a_relay_is_paused_and_resumed_with_a_reason_that_stays() {
    let product = Product::start();
    let browser = Browser::of(&product);
    let asked = browser.shown("/relay/confirm", &[("of", "commissions"), ("what", "pause")]).await;
    assert!(asked.contains("Nothing is published until it is resumed."), "{asked}");
    let fields = [("of", "commissions"), ("what", "pause"), ("who", "ana")];
    let silent = browser.post("/relay", &fields).await;
    assert_eq!(silent.status, StatusCode::BAD_REQUEST, "{}", silent.text);
    let given = browser.post("/relay", &[&fields[..], &[("reason", "the disk is changed")]].concat()).await;
    assert_eq!(given.to.as_deref(), Some("/relay?of=commissions&done=yes"), "{}", given.text);
    let relay = browser.until("/relay", &[("of", "commissions")], "<td>the disk is changed</td>").await;
    assert!(relay.contains("<td>ana</td><td>pause</td>"), "{relay}");
    let overview = browser.until("/", &[], "The relay of commissions").await;
    assert!(overview.contains("This needs somebody"), "{overview}");
    let resumed = [("of", "commissions"), ("what", "resume"), ("reason", "it is in"), ("who", "ana")];
    assert_eq!(browser.post("/relay", &resumed).await.status, StatusCode::SEE_OTHER);
    browser.until("/", &[], "All is well.").await;
}

/// Without a token there is nothing to be seen, and with one what the broker lets its bearer see.
#[tokio::test]
async fn where_the_broker_asks_for_a_token_so_does_the_console() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    printed(path, &["token", "secret-key", "--output", "secret.key"]);
    let key = format!("file://{}", path.join("secret.key").display());
    let token = |subject: &str| {
        let said = printed(path, &["token", "create", "--subject", subject, "--token-secret-key", &key]);
        said.trim().to_owned()
    };
    fs::write(path.join("token"), token("hexalpes")).unwrap();
    let product = Product::start_set(vec![
        ("HEXALPES_TOKEN_SECRET_KEY", key.clone()),
        ("HEXALPES_SUPER_USER_ROLES", "hexalpes,ana".to_owned()),
        ("PULSAR_TOKEN_FILE", path.join("token").display().to_string()),
    ]);
    let mut browser = Browser::of(&product);
    let asked = browser.get("/topics", &[("namespace", "public/default")]).await;
    assert_eq!(asked.to.as_deref(), Some("/login?next=%2Ftopics%3Fnamespace%3Dpublic%252Fdefault"));
    assert_eq!(
        browser.post("/order", &[("what", "unload"), ("topic", "x")]).await.status,
        StatusCode::UNAUTHORIZED
    );
    let wrong = browser.post("/login", &[("token", "e30.e30.x"), ("next", "/topics")]).await;
    assert_eq!((wrong.status, &wrong.cookie), (StatusCode::UNAUTHORIZED, &None), "{}", wrong.text);

    let entered = browser.post("/login", &[("token", &token("ana")), ("next", "/topics")]).await;
    assert_eq!(entered.to.as_deref(), Some("/topics"), "{}", entered.text);
    let cookie = entered.cookie.unwrap();
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{cookie}");
    browser.cookie = cookie.split(';').next().map(str::to_owned);
    let overview = browser.until("/", &[], "All is well.").await;
    assert!(overview.contains("ana ") && !overview.contains(&token("ana")), "{overview}");
    assert!(browser.shown("/topics", &[]).await.contains("public/default"));

    // Somebody without rights is known, and may not.
    browser.cookie = Some(format!("hexalpes_console={}", token("guest")));
    let refused = browser.get("/topics", &[]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
    let left = browser.post("/logout", &[]).await;
    assert!(left.cookie.unwrap().starts_with("hexalpes_console=; "));
}

/// As the container of seed 1: beside the services, by their addresses.
///
/// Accepts S0-SVC-6, S4-SVC-6.
#[tokio::test]
async fn alone_it_shows_the_services_that_it_is_told_of() {
    let product = Product::start();
    let services = format!("commissions=http://127.0.0.1:{},recruitment=http://127.0.0.1:9", product.port());
    let console = Console::start(product.urls(), &services);
    let browser = Browser::on_port(console.port());
    let overview = browser.until("/", &[], "<td>commissions</td>").await;
    assert!(overview.contains("recruitment does not answer at http://127.0.0.1:9"), "{overview}");
    assert!(!overview.contains("<td>onboarding</td>"), "{overview}");
    let topics = browser.shown("/topics", &[("namespace", "public/default")]).await;
    assert!(topics.contains(">outbox-events</a>"), "{topics}");
}
