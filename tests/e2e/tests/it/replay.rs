//! Law 8 as one replay: what a run left on its topics makes the same commissions and the same books once more, on every
//! database; each event twice, and in whatever order it comes.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hexalpes_broker::{Broker, BrokerOptions};
use hexalpes_client::{Client, ClientOptions, Message, Outgoing, ProducerOptions};
use hexalpes_db::{DatabaseUrl, Db, DbError, DbOptions, Row, Tx, columns};
use hexalpes_e2e::{Dice, Product, messages};
use hexalpes_kernel::{Edge, SystemEdge};
use sea_query::{Expr, ExprTrait as _, Query};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Reached only by what fails.
const PATIENCE: Duration = Duration::from_mins(1);
const TOPICS: [&str; 2] =
    ["persistent://public/default/afiliados.eventos", "persistent://public/default/conversiones.eventos"];

/// What a database says, line by line, without the ids that were drawn and the times at which something was handled.
#[derive(Debug, PartialEq, Eq)]
struct State {
    /// Commissions, balances, and what is known of programs, affiliates and conversions.
    end: BTreeSet<String>,
    /// Each entry of the journal, and each line of the history.
    way: Vec<String>,
}

/// Columns of a table that are texts, and those that are numbers.
type Columns = (&'static str, &'static [&'static str], &'static [&'static str]);

const COMMISSION: Columns = (
    "commission",
    &[
        "conversion_id",
        "rule_slot",
        "program_id",
        "affiliate_id",
        "campaign_id",
        "currency",
        "rate_percent",
        "explanation",
        "status",
        "reason",
    ],
    &["gross_minor", "commission_minor", "reversed_minor", "refunded_minor"],
);
const END: [Columns; 4] = [
    COMMISSION,
    (
        "known_program",
        &["id", "currency", "default_rate", "status"],
        &["revision", "hold_seconds", "valid_from"],
    ),
    (
        "known_affiliate",
        &["id", "program_id", "affiliate_type", "base_rate", "premium_rate", "status", "payout_sealed"],
        &["revision", "rates_valid_from"],
    ),
    (
        "rated_conversion",
        &[
            "conversion_id",
            "program_id",
            "affiliate_id",
            "affiliate_type",
            "campaign_id",
            "kind",
            "product_id",
            "country",
            "currency",
            "rule_id",
            "fallback_percent",
        ],
        &[
            "gross_minor",
            "commission_minor",
            "occurred_at",
            "source",
            "rule_version",
            "fallback_source",
            "program_version",
        ],
    ),
];
const WAY: [Columns; 2] = [
    (
        "commission_history",
        &["commission_id", "verb", "status", "reason", "actor", "causation", "correlation"],
        &[],
    ),
    ("journal_entry", &["commission_id", "affiliate_id", "account", "currency", "payout_id"], &["minor"]),
];

async fn rows(tx: &Tx, (table, texts, numbers): Columns) -> Result<Vec<Vec<(String, String)>>, DbError> {
    let select = Query::select().columns(texts.iter().chain(numbers).copied()).from(table).to_owned();
    let cells = |row: &Row| {
        let text = |name: &&str| Ok(((*name).to_owned(), format!("{:?}", row.get::<Option<String>>(name)?)));
        let number = |name: &&str| Ok(((*name).to_owned(), format!("{:?}", row.get::<Option<i64>>(name)?)));
        texts.iter().map(text).chain(numbers.iter().map(number)).collect()
    };
    tx.fetch_all(&select).await?.iter().map(cells).collect()
}

impl State {
    async fn of(db: &Db) -> Self {
        db.read(async |tx: &Tx| -> Result<Self, DbError> {
            let names =
                Query::select().columns(["id", "conversion_id", "rule_slot"]).from("commission").to_owned();
            let name = |row: &Row| {
                let of =
                    format!("{}/{}", row.get::<String>("conversion_id")?, row.get::<String>("rule_slot")?);
                Ok((format!("{:?}", Some(row.get::<String>("id")?)), of))
            };
            let names =
                tx.fetch_all(&names).await?.iter().map(name).collect::<Result<BTreeMap<_, _>, DbError>>()?;
            let mut end = BTreeSet::new();
            for table in END {
                for cells in rows(tx, table).await? {
                    assert!(end.insert(format!("{} {cells:?}", table.0)), "{cells:?} is there twice");
                }
            }
            let balances = Query::select()
                .columns(["affiliate_id", "account", "currency"])
                .expr_as(columns::sum(tx.backend(), "minor"), "minor")
                .from("journal_entry")
                .and_where(Expr::col("tenant").eq("default"))
                .group_by_columns(["affiliate_id", "account", "currency"])
                .to_owned();
            for row in tx.fetch_all(&balances).await? {
                let account = ["affiliate_id", "account", "currency"].map(|name| row.get::<String>(name));
                end.insert(format!("{account:?} {}", row.get::<i64>("minor")?));
            }
            let mut way = Vec::new();
            for table in WAY {
                for mut cells in rows(tx, table).await? {
                    if let Some(name) = names.get(&cells[0].1) {
                        cells[0].1.clone_from(name);
                    }
                    way.push(format!("{} {cells:?}", table.0));
                }
            }
            way.sort();
            Ok(Self { end, way })
        })
        .await
        .unwrap()
    }
}

/// A run in which rates change, and customers buy and get money back; and what it left behind.
async fn run() -> ([Vec<Message>; 2], State) {
    let mut product = Product::start();
    let [affiliates, conversions] =
        ["--affiliates-port", "--conversions-port"].map(|flag| product.api_at(flag));
    let mut ids = Vec::new();
    for (email, kind) in [("ana@email.com", "premium"), ("juan@email.com", "estandar")] {
        let body = json!({
            "nombre": "Ana", "email": email, "tipo_afiliado": kind,
            "configuracion_comisiones": { "comision_base": 12.5, "comision_premium": 20.0 },
        });
        let (status, made) = affiliates.post("/api/v1/afiliados", &body).await;
        assert_eq!(status, 201, "{made}");
        ids.push(made["id"].as_str().unwrap().to_owned());
    }
    let mut made = Vec::new();
    for number in 0..16_usize {
        if number == 8 {
            let rates =
                json!({ "configuracion_comisiones": { "comision_base": 7, "comision_premium": 33.3 } });
            let (status, changed) = affiliates.patch(&format!("/api/v1/afiliados/{}", ids[0]), &rates).await;
            assert_eq!(status, 200, "{changed}");
        }
        let body = json!({
            "afiliado_id": ids[number % 2], "valor_conversion": 10 * number + 1, "tipo_conversion": "venta",
            "moneda": if number % 5 == 0 { "EUR" } else { "USD" },
        });
        let (status, sale) = conversions.post("/api/v1/conversiones", &body).await;
        assert_eq!(status, 201, "{sale}");
        made.push(sale["id"].as_str().unwrap().to_owned());
    }
    // A part, then another, then all of one; all at once of the other.
    for (which, back) in [(1, json!(3.33)), (1, json!(1)), (2, json!(7)), (1, Value::Null), (3, Value::Null)]
    {
        let body = if back.is_null() { json!({}) } else { json!({ "monto": back }) };
        let path = format!("/api/v1/conversiones/{}/reembolsos", made[which]);
        let (status, answer) = conversions.post(&path, &body).await;
        assert_eq!(status, 201, "{answer}");
    }
    let url = product.urls().service.clone();
    let mut left = [Vec::new(), Vec::new()];
    let settled = async {
        loop {
            for (topic, of) in TOPICS.iter().zip(&mut left) {
                *of = messages(&url, topic).await;
            }
            let (_, consumers) = product.get("/debug/consumers").await;
            let is_done = |topic: &str, count: usize| {
                let all = consumers.as_array().unwrap();
                let of =
                    all.iter().find(|one| one["topic"] == topic).unwrap_or_else(|| panic!("{consumers}"));
                of["handled"] == count && of["held"] == 0
            };
            // Besides the 16 and 5, there is what the affiliates context told by itself.
            if left[1].len() == 21 && TOPICS.iter().zip(&left).all(|(topic, of)| is_done(topic, of.len())) {
                break;
            }
            hexalpes_engines::a_moment().await;
        }
    };
    let patience = tokio::time::timeout(PATIENCE, settled).await;
    patience.unwrap_or_else(|_| panic!("it does not settle: {}", product.log()));
    assert_eq!(product.terminate(), Some(0));
    let file = DatabaseUrl::file(product.data().join("commissions.db"));
    let db = Db::open(&file, DbOptions::default()).await.unwrap();
    let state = State::of(&db).await;
    db.close().await;
    (left, state)
}

/// In which order events come: of which topic, and which of its messages.
type Order = Vec<(usize, usize)>;

fn as_they_were(left: &[Vec<Message>; 2]) -> Order {
    (0..2).flat_map(|topic| (0..left[topic].len()).map(move |at| (topic, at))).collect()
}

/// Each twice; those of one key stay in order, and come again in it.
fn twice_by_key(left: &[Vec<Message>; 2], dice: &mut Dice) -> Order {
    let mut keys: BTreeMap<(usize, Option<&str>), Vec<usize>> = BTreeMap::new();
    for (topic, of) in left.iter().enumerate() {
        for (at, message) in of.iter().enumerate() {
            keys.entry((topic, message.key.as_deref())).or_default().push(at);
        }
    }
    let mut lanes: Vec<(usize, Vec<usize>)> =
        keys.into_iter().map(|((topic, _), of)| (topic, [of.clone(), of].concat())).collect();
    let mut order = Vec::new();
    while !lanes.is_empty() {
        let lane = dice.roll(lanes.len());
        let (topic, of) = &mut lanes[lane];
        order.push((*topic, of.remove(0)));
        if of.is_empty() {
            lanes.swap_remove(lane);
        }
    }
    order
}

/// Each twice, in any order at all.
fn twice_anyhow(left: &[Vec<Message>; 2], dice: &mut Dice) -> Order {
    let mut all = [as_they_were(left), as_they_were(left)].concat();
    for last in (1..all.len()).rev() {
        all.swap(last, dice.roll(last + 1));
    }
    all
}

/// Hands the messages to commissions that know nothing, and tells what these come to.
async fn replayed(db: Db, left: &[Vec<Message>; 2], order: &Order) -> State {
    let migrations = [
        hexalpes_outbox::MIGRATIONS,
        hexalpes_consumer::MIGRATIONS,
        hexalpes_http::idempotency::MIGRATIONS,
        hexalpes_commissions::MIGRATIONS,
    ];
    for migrations in migrations {
        db.migrate(migrations).await.unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let url = format!("pulsar://{}", listener.local_addr().unwrap());
    let broker = Broker::open(BrokerOptions::new(folder.path().to_owned(), &url)).unwrap();
    let stop = CancellationToken::new();
    let (serving, stopped) = (broker.clone(), stop.clone());
    tokio::spawn(async move { serving.serve(listener, stopped).await });
    let client = Client::new(ClientOptions::new(&url)).unwrap();
    let edge: Arc<dyn Edge> = Arc::new(SystemEdge);
    let consumers = hexalpes_commissions::consumers(&db, &client, &edge).unwrap();
    for (topic, at) in order {
        let Message { payload, key, properties, .. } = left[*topic][*at].clone();
        let producer = client.producer(TOPICS[*topic], ProducerOptions::default()).await.unwrap();
        let message = Outgoing { key: key.map(Into::into), ..Outgoing::new(payload) };
        producer.send(message.properties(properties)).await.unwrap();
        producer.close().await;
    }
    let settled = async {
        loop {
            let done = TOPICS.iter().enumerate().all(|(topic, name)| {
                let sent = order.iter().filter(|(of, _)| *of == topic).count() as u64;
                let status = consumers.iter().map(hexalpes_consumer::EventConsumer::status);
                let mut of = status.filter(|status| status.topic == *name);
                of.any(|status| status.handled + status.duplicates == sent)
            });
            if done {
                return;
            }
            hexalpes_engines::a_moment().await;
        }
    };
    let settled = tokio::time::timeout(PATIENCE, settled).await;
    assert!(
        settled.is_ok(),
        "{:?}",
        consumers.iter().map(hexalpes_consumer::EventConsumer::status).collect::<Vec<_>>()
    );
    for consumer in consumers {
        assert_eq!(consumer.status().dead_letters, 0);
        consumer.stop().await;
    }
    let state = State::of(&db).await;
    stop.cancel();
    broker.close().await.unwrap();
    db.close().await;
    state
}

/// Accepts S2-PRP-2.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_on_the_topics_makes_the_same_commissions_and_books_again() {
    let (left, state) = run().await;
    assert_eq!(state.end.iter().filter(|line| line.starts_with("commission ")).count(), 16);
    assert!(state.way.iter().any(|line| line.contains("reverse")), "{:?}", state.way);
    let dice = RefCell::new(Dice::new());
    let orders = || {
        let mut dice = dice.borrow_mut();
        [as_they_were(&left), twice_by_key(&left, &mut dice), twice_anyhow(&left, &mut dice)]
    };
    for (number, order) in orders().iter().enumerate() {
        for database in hexalpes_engines::databases() {
            println!("order {number} on {}", database.engine());
            let url = DatabaseUrl::parse(database.url()).unwrap();
            let db = Db::open(&url, DbOptions::default()).await.unwrap();
            let again = replayed(db, &left, order).await;
            assert_eq!(again.end, state.end, "order {number}");
            // Of two totals that were refunded the higher counts: in another order there are other steps to the same end.
            if number < 2 {
                assert_eq!(again.way, state.way, "order {number}");
            }
        }
    }
}
