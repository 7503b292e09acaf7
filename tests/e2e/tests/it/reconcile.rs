//! `hexalpes reconcile`: all agree after whatever happened, and whatever is planted is found.

use std::process::Output;

use hexalpes_client::{Client, ClientOptions, Outgoing, ProducerOptions};
use hexalpes_db::{DatabaseUrl, Db, DbError, DbOptions, Tx};
use hexalpes_e2e::{Api, Journey, Product};
use sea_query::{Expr, ExprTrait as _, Query, Value as SqlValue};
use serde_json::{Value, json};

use crate::command::hexalpes;

/// What is compared, by the names that the command gives it.
const CONVERSIONS: &str = "conversions have their commission";
const JOURNAL: &str = "commissions are in the journal";
const TRIAL: &str = "the trial balance is zero in each currency";
const LINES: &str = "payout lines are the sum of their commissions";
const PAID: &str = "paid commissions are in one payout";
const OUTBOX: &str = "commissions: the outbox is published";
const OWN_TOPIC: &str = "comisiones.eventos has each event once";
const ALL_TOPIC: &str = "outbox-events has each event once";

/// What a reconciliation says, and how it ends.
pub(crate) struct Said {
    code: Option<i32>,
    checks: Vec<Value>,
    complaint: String,
}

impl Said {
    pub(crate) fn by(product: &Product, patience: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (data, ports) = (product.data().display().to_string(), product.port_flags());
        let words = ["reconcile", "-o", "json", "--patience", patience, "--data", &data];
        let all: Vec<&str> = words.into_iter().chain(ports.iter().map(String::as_str)).collect();
        let Output { status, stdout, stderr } = hexalpes(folder.path(), &all);
        let complaint = String::from_utf8(stderr).unwrap();
        let checks = serde_json::from_slice(&stdout).unwrap_or_else(|_| panic!("{complaint}"));
        Self { code: status.code(), checks, complaint }
    }

    fn check(&self, name: &str) -> &Value {
        self.checks.iter().find(|check| check["check"] == name).unwrap_or_else(|| panic!("no {name}"))
    }

    fn counted(&self, name: &str) -> &Value {
        &self.check(name)["counted"]
    }

    /// The checks that found something.
    pub(crate) fn differing(&self) -> Vec<&str> {
        let differing = self.checks.iter().filter(|check| check["differences"] != 0);
        differing.map(|check| check["check"].as_str().unwrap()).collect()
    }

    pub(crate) fn agrees(&self) -> bool {
        let is_quiet = self.complaint.is_empty() && self.differing().is_empty();
        assert_eq!(self.code == Some(0), is_quiet, "{}: {:?}", self.complaint, self.checks);
        is_quiet
    }
}

/// A product in which something was converted, given back and paid out.
struct Flow {
    product: Product,
    conversions: Vec<String>,
}

impl Flow {
    async fn through() -> Self {
        let product = Product::start();
        let [affiliates, conversions, commissions] =
            ["--affiliates-port", "--conversions-port", "--marketing-port"].map(|flag| product.api_at(flag));
        let affiliate = json!({
            "nombre": "Ana", "email": "ana@email.com", "tipo_afiliado": "premium",
            "configuracion_comisiones": { "comision_base": 15.0, "comision_premium": 20.0 },
        });
        let affiliate = done(&affiliates, "/api/v1/afiliados", &affiliate).await["id"].clone();
        let mut made = Vec::new();
        for value in [100, 200, 300, 400] {
            let body = json!({
                "afiliado_id": affiliate, "valor_conversion": value, "tipo_conversion": "venta", "moneda": "USD",
            });
            let conversion = done(&conversions, "/api/v1/conversiones", &body).await;
            made.push(conversion["id"].as_str().unwrap().to_owned());
        }
        for (conversion, back) in [(&made[0], 100), (&made[1], 50)] {
            let path = format!("/api/v1/conversiones/{conversion}/reembolsos");
            done(&conversions, &path, &json!({ "monto": back })).await;
        }
        // What is on its way is waited for.
        assert!(Said::by(&product, "30").agrees());
        let payout = done(&commissions, "/v1/payouts", &json!({ "currency": "USD" })).await;
        let payout = format!("/v1/payouts/{}", payout["payoutId"].as_str().unwrap());
        done(&commissions, &format!("{payout}/send"), &json!({})).await;
        done(&commissions, &format!("{payout}/settle"), &json!({ "lines": [1] })).await;
        // After it was paid, something is owed back.
        let path = format!("/api/v1/conversiones/{}/reembolsos", made[2]);
        done(&conversions, &path, &json!({ "monto": 300 })).await;
        Self { product, conversions: made }
    }

    /// Behind the product's back.
    async fn of_commissions(&self) -> Db {
        let url = DatabaseUrl::file(self.product.data().join("commissions.db"));
        Db::open(&url, DbOptions::default()).await.unwrap()
    }

    async fn publish(&self, topic: &str, message: Outgoing) {
        let client = Client::connect(ClientOptions::new(&self.product.urls().service)).await.unwrap();
        let producer = client.producer(topic, ProducerOptions::default()).await.unwrap();
        producer.send(message).await.unwrap();
    }
}

async fn done(api: &Api, path: &str, body: &Value) -> Value {
    let (status, answer) = api.post(path, body).await;
    assert!((200..300).contains(&status), "{path}: {status} {answer}");
    answer
}

/// Writes a value into the row with that key.
async fn set(
    db: &Db,
    [table, key, column]: [&'static str; 3],
    at: impl Into<SqlValue>,
    to: impl Into<SqlValue>,
) {
    let (at, to): (SqlValue, SqlValue) = (at.into(), to.into());
    let update = Query::update().table(table).value(column, to).and_where(Expr::col(key).eq(at)).to_owned();
    let changed = db.write(async move |tx: &Tx| -> Result<u64, DbError> { tx.execute(&update).await }).await;
    assert_eq!(changed.unwrap(), 1, "{table}.{column}");
}

async fn first<T: hexalpes_db::FromValue + Send + 'static>(
    db: &Db,
    table: &'static str,
    column: &'static str,
) -> T {
    let select =
        Query::select().column(column).from(table).order_by(column, sea_query::Order::Asc).to_owned();
    let read = async move |tx: &Tx| -> Result<T, DbError> { tx.fetch_one(&select).await?.get(column) };
    db.read(read).await.unwrap()
}

#[tokio::test]
async fn after_refunds_and_a_payout_all_agree() {
    let flow = Flow::through().await;
    let said = Said::by(&flow.product, "30");
    assert!(said.agrees());
    assert_eq!([CONVERSIONS, JOURNAL].map(|name| said.counted(name)), [4, 4].map(Value::from).each_ref());
    assert_eq!([LINES, PAID, TRIAL].map(|name| said.counted(name)), [1, 3, 1].map(Value::from).each_ref());
    assert!(said.counted(ALL_TOPIC).as_u64().unwrap() > said.counted(OWN_TOPIC).as_u64().unwrap());
}

#[tokio::test]
async fn whatever_is_planted_is_found_and_named() {
    let flow = Flow::through().await;
    assert!(Said::by(&flow.product, "30").agrees());
    let db = flow.of_commissions().await;
    let (entry, row): (i64, i64) =
        (first(&db, "journal_entry", "seq").await, first(&db, "outbox_event", "seq").await);
    let minor: i64 = 2_000;
    let (payout, id): (String, String) =
        (first(&db, "payout_line", "payout_id").await, first(&db, "outbox_event", "id").await);
    let amount: i64 = first(&db, "payout_line", "amount_minor").await;
    let [entries, lines, states] = [
        ["journal_entry", "seq", "minor"],
        ["payout_line", "payout_id", "amount_minor"],
        ["payout_line", "payout_id", "status"],
    ];

    set(&db, entries, entry, minor + 1).await;
    assert_eq!(Said::by(&flow.product, "0").differing(), [JOURNAL, TRIAL]);
    set(&db, entries, entry, minor).await;

    set(&db, lines, payout.as_str(), amount + 1).await;
    assert_eq!(Said::by(&flow.product, "0").differing(), [LINES]);
    set(&db, lines, payout.as_str(), amount).await;

    set(&db, states, payout.as_str(), "FAILED").await;
    let said = Said::by(&flow.product, "0");
    assert_eq!((said.differing(), &said.check(PAID)["differences"]), (vec![PAID], &json!(3)));
    set(&db, states, payout.as_str(), "SETTLED").await;

    let [published, ids] = [["outbox_event", "seq", "published"], ["outbox_event", "id", "id"]];
    set(&db, published, row, 0_i64).await;
    assert_eq!(Said::by(&flow.product, "0").differing(), [OUTBOX]);
    set(&db, published, row, 1_i64).await;

    // One is lost, and one is from nowhere.
    set(&db, ids, id.as_str(), "another").await;
    let said = Said::by(&flow.product, "0");
    assert_eq!(
        (said.differing(), &said.check(OWN_TOPIC)["differences"]),
        (vec![OWN_TOPIC, ALL_TOPIC], &json!(2))
    );
    set(&db, ids, "another", id.as_str()).await;
    assert!(Said::by(&flow.product, "0").agrees());

    // Others may publish there as well; what says that it is ours counts.
    let again = Outgoing::new("{}").property("ce_id", id.as_str());
    flow.publish("comisiones.eventos", again.clone()).await;
    assert!(Said::by(&flow.product, "0").agrees());
    flow.publish("comisiones.eventos", again.property("source_service", "commissions")).await;
    let said = Said::by(&flow.product, "0");
    assert_eq!(said.differing(), [OWN_TOPIC]);
    let detail = said.check(OWN_TOPIC)["detail"][0].as_str().unwrap();
    assert!(detail.starts_with(&id) && detail.ends_with("twice"), "{detail}");
}

#[tokio::test]
async fn what_any_context_told_is_on_its_topics_or_is_missed() {
    const OWN: &str = "partner-management/partner-events has each event once";
    const KIND: &str = "partner-management/partner-registration has each event once";
    let product = Product::start();
    let [partners, recruitment, campaigns] =
        ["--partners-port", "--recruitment-port", "--campaigns-port"].map(|flag| product.port_of(flag));
    let journey = Journey::on_ports([partners, product.port(), recruitment, campaigns], "CORR-reconcile");
    let (partner, _) = journey.validated("Reconciled").await;
    journey.spend(&journey.campaign(&partner, 100).await, "all", 100).await;
    let said = Said::by(&product, "30");
    assert!(said.agrees(), "{:?}", said.differing());
    let counted = |context: &str, topic: &str| {
        said.counted(&format!("{context}/{topic} has each event once")).as_u64().unwrap()
    };
    assert_eq!(said.counted(KIND), 1);
    assert_eq!(counted("onboarding", "contract-activated"), 1);
    assert_eq!(counted("campaign-management", "budget-alerts"), 3);
    assert!(counted("onboarding", "contract-events") >= 2);
    assert!(said.counted("marketing.eventos has each event once").as_u64().unwrap() >= 2);
    for context in ["partner-management", "onboarding", "campaign-management", "recruitment"] {
        said.check(&format!("{context}: the outbox is published"));
    }

    // One is lost, and one is from nowhere.
    let url = DatabaseUrl::file(product.data().join("partner-management.db"));
    let db = Db::open(&url, DbOptions::default()).await.unwrap();
    let row: i64 = first(&db, "outbox_event", "seq").await;
    set(&db, ["outbox_event", "seq", "id"], row, "another").await;
    let said = Said::by(&product, "0");
    assert_eq!(said.differing(), [OWN, KIND, ALL_TOPIC]);
    assert_eq!(said.check(KIND)["differences"], 2);
    let lost = said.check(KIND)["detail"][0].as_str().unwrap();
    assert_eq!(lost, "another is not on the topic");
}

#[tokio::test]
async fn a_commission_that_is_lost_is_missed_unless_a_dead_letter_says_why() {
    let flow = Flow::through().await;
    assert!(Said::by(&flow.product, "30").agrees());
    let db = flow.of_commissions().await;
    let lost = flow.conversions[3].as_str();
    let delete =
        Query::delete().from_table("commission").and_where(Expr::col("conversion_id").eq(lost)).to_owned();
    let delete = db.write(async move |tx: &Tx| -> Result<u64, DbError> { tx.execute(&delete).await });
    assert_eq!(delete.await.unwrap(), 1);
    let said = Said::by(&flow.product, "0");
    assert_eq!((said.code, said.complaint.lines().count()), (Some(1), 1), "{}", said.complaint);
    assert_eq!(said.differing(), [CONVERSIONS, JOURNAL, PAID]);
    assert_eq!(
        said.check(CONVERSIONS)["detail"][0],
        format!("{lost} has no commission, and no reason for none")
    );

    let letter = Outgoing::new("{}").key(lost).property("event_type", "ConversionRecorded");
    flow.publish(
        "conversiones.eventos-commissions-dlq",
        letter.property("dlq_reason", "an amount too large"),
    )
    .await;
    let said = Said::by(&flow.product, "0");
    assert_eq!(said.differing(), [JOURNAL, PAID]);
    assert_eq!((said.counted(CONVERSIONS), &said.check(CONVERSIONS)["explained"]), (&json!(4), &json!(1)));
}
