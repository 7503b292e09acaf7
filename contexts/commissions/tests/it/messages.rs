//! Commands and conversions that come by topic, over a broker of ours.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hexalpes_broker::{Broker, BrokerOptions, TenantInfo};
use hexalpes_client::{Client, ClientOptions, Outgoing, ProducerOptions};
use hexalpes_commissions::{COMMANDS_TOPIC, CONVERSIONS_TOPIC};
use hexalpes_consumer::{EventConsumer, Status};
use hexalpes_kernel::{Edge, SystemEdge};
use http::{Request, StatusCode, header};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::support::{TestApp, a_conversion, on_each_database};

/// Reached only by what fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// The context with its consumers, and a broker that brings it messages.
pub(crate) struct Stage {
    pub(crate) app: TestApp,
    client: Client,
    consumers: [EventConsumer; 4],
    broker: Broker,
    stop: CancellationToken,
    _folder: TempDir,
}

pub(crate) async fn on_each_stage(test: impl AsyncFn(&Stage)) {
    on_each_database(async |app| {
        let stage = Stage::set(app).await;
        test(&stage).await;
        stage.clear().await;
    })
    .await;
}

impl Stage {
    async fn set(app: TestApp) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let url = format!("pulsar://{}", listener.local_addr().unwrap());
        let broker = Broker::open(BrokerOptions::new(folder.path().to_owned(), &url)).unwrap();
        broker.create_tenant("hexabuilders", TenantInfo::default()).unwrap();
        broker.create_namespace("hexabuilders/onboarding").unwrap();
        let stop = CancellationToken::new();
        let (serving, stopped) = (broker.clone(), stop.clone());
        tokio::spawn(async move { serving.serve(listener, stopped).await });
        let client = Client::new(ClientOptions::new(&url)).unwrap();
        let edge: Arc<dyn Edge> = Arc::new(SystemEdge);
        let consumers = hexalpes_commissions::consumers(app.db(), &client, &edge).unwrap();
        Self { app, client, consumers, broker, stop, _folder: folder }
    }

    async fn clear(self) {
        for consumer in self.consumers {
            consumer.stop().await;
        }
        self.stop.cancel();
        self.broker.close().await.unwrap();
    }

    pub(crate) async fn send(&self, topic: &str, message: Outgoing) {
        let producer = self.client.producer(topic, ProducerOptions::default()).await.unwrap();
        producer.send(message).await.unwrap();
        producer.close().await;
    }

    async fn command(&self, id: &str, kind: &str, data: &Value) {
        self.send(COMMANDS_TOPIC, command(id, kind, data)).await;
    }

    /// Waits until a consumer is as wanted.
    pub(crate) async fn until(&self, consumer: &str, wanted: impl Fn(&Status) -> bool) -> Status {
        let consumer = self.consumers.iter().find(|known| known.handler() == consumer).unwrap();
        let reached = async {
            while !wanted(&consumer.status()) {
                hexalpes_engines::a_moment().await;
            }
        };
        timeout(PATIENCE, reached).await.unwrap_or_else(|_| panic!("{:?}", consumer.status()));
        consumer.status()
    }

    /// The last dead letter, as soon as there are so many.
    async fn dead_letter(&self, consumer: &str, count: u64) -> String {
        self.until(consumer, |status| status.dead_letters == count).await.last_dead_letter.unwrap()
    }
}

const CALCULATE: &str = "com.hexabuilders.commissions.CalculateCommission";
const APPROVE: &str = "com.hexabuilders.commissions.ApproveCommission";

pub(crate) fn command(id: &str, kind: &str, data: &Value) -> Outgoing {
    let event = json!({
        "specversion": "1.0", "type": kind, "source": "//tests", "id": id, "data": data, "correlationid": "CORR-7",
    });
    Outgoing::new(event.to_string())
}

/// As the conversions context tells it.
pub(crate) fn recorded(conversion: &str) -> Value {
    json!({
        "conversion_id": conversion,
        "affiliate_id": "aff-1",
        "campaign_id": "cmp-1",
        "gross_amount": 120.5,
        "gross_amount_minor": 12050,
        "currency": "USD",
        "occurred_at": "2025-01-15T10:30:00Z",
    })
}

/// Accepts S3-CMP-7.
#[tokio::test(flavor = "multi_thread")]
async fn commands_of_the_topic_do_what_http_does() {
    on_each_stage(async |stage| {
        stage.command("cmd-1", CALCULATE, &a_conversion("conv-1")).await;
        stage.until("commands", |status| status.handled == 1).await;
        let (status, found) = stage.app.by_conversion("conv-1").await;
        assert_eq!((status, &found["status"]), (StatusCode::OK, &json!("CALCULATED")), "{found}");
        assert_eq!(found["commissionAmount"], json!(12.05));

        stage.command("cmd-2", APPROVE, &json!({ "commissionId": found["commissionId"] })).await;
        stage.until("commands", |status| status.handled == 2).await;
        let (_, found) = stage.app.by_conversion("conv-1").await;
        assert_eq!(found["status"], "APPROVED");

        let headers = stage.app.headers().await;
        assert_eq!(headers.len(), 2);
        for (headers, command) in headers.iter().zip(["cmd-1", "cmd-2"]) {
            assert_eq!(
                (&headers["correlationid"], &headers["causationid"]),
                (&json!("CORR-7"), &json!(command))
            );
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commands_id_is_its_idempotency_key_also_over_http() {
    on_each_stage(async |stage| {
        let conversion = a_conversion("conv-1");
        stage.command("cmd-1", CALCULATE, &conversion).await;
        stage.command("cmd-1", CALCULATE, &conversion).await;
        stage.until("commands", |status| status.handled + status.duplicates == 2).await;
        let request = Request::post("/commissions/calculate")
            .header(header::CONTENT_TYPE, "application/json")
            .header("idempotency-key", "cmd-1")
            .body(conversion.to_string().into());
        let (status, answer) = stage.app.send(request.unwrap()).await;
        // The first answer, not that of a conversion that comes twice.
        assert_eq!((status, answer.get("duplicate")), (StatusCode::CREATED, None), "{answer}");
        assert_eq!((stage.app.commissions().await, stage.app.events().await.len()), (1, 1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_refused_becomes_a_dead_letter_that_names_the_field() {
    on_each_stage(async |stage| {
        let mut conversion = a_conversion("conv-1");
        conversion["grossAmount"] = json!(-1);
        stage.command("cmd-1", CALCULATE, &conversion).await;
        let letter = stage.dead_letter("commands", 1).await;
        assert!(
            letter.contains("cmd-1") && letter.contains("/grossAmount: must be more than zero"),
            "{letter}"
        );
        assert_eq!(stage.app.commissions().await, 0);

        stage.send(COMMANDS_TOPIC, Outgoing::new("{").property("event_type", "ApproveCommission")).await;
        let letter = stage.dead_letter("commands", 2).await;
        assert!(letter.contains("malformed_json"), "{letter}");

        stage.command("cmd-2", "com.hexabuilders.commissions.PayCommission", &json!({})).await;
        let letter = stage.dead_letter("commands", 3).await;
        assert!(letter.contains("unknown_command") && letter.contains(CALCULATE), "{letter}");

        // A refusal says nothing about what comes next.
        stage.command("cmd-3", CALCULATE, &a_conversion("conv-1")).await;
        stage.until("commands", |status| status.handled == 1).await;
        assert_eq!(stage.app.commissions().await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_names_an_unknown_commission_waits_and_holds_back_nobody() {
    on_each_stage(async |stage| {
        stage.command("cmd-1", APPROVE, &json!({ "commissionId": "com_later" })).await;
        stage.until("commands", |status| status.repeated > 0).await;
        stage.command("cmd-2", CALCULATE, &a_conversion("conv-1")).await;
        // The status is told now and then: what is held may still be the one before.
        let status = stage
            .until("commands", |status| (status.handled, status.held, status.waiting_keys) == (1, 1, 1))
            .await;
        assert_eq!(status.dead_letters, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_contexts_command_is_none_of_our_business() {
    on_each_stage(async |stage| {
        stage.command("cmd-1", "com.hexabuilders.onboarding.CreateContract", &json!({})).await;
        let status = stage.until("commands", |status| status.handled == 1).await;
        assert_eq!((status.dead_letters, stage.app.events().await.len()), (0, 0));
    })
    .await;
}

/// Accepts S4-BEH-6.
#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_conversion_has_its_commission_calculated_and_approved_once() {
    on_each_stage(async |stage| {
        let kind = "com.hexabuilders.conversions.ConversionRecorded";
        // In an envelope, and bare, as whoever knows no envelope sends it.
        stage.send(CONVERSIONS_TOPIC, command("e-1", kind, &recorded("conv-1"))).await;
        stage.send(CONVERSIONS_TOPIC, Outgoing::new(recorded("conv-1").to_string())).await;
        stage.until("conversions", |status| status.handled == 2).await;
        let (status, found) = stage.app.by_conversion("conv-1").await;
        assert_eq!((status, &found["status"]), (StatusCode::OK, &json!("APPROVED")), "{found}");
        assert_eq!(found["commissionAmountMinor"], 1205);
        let events = stage.app.events().await;
        let kinds: Vec<&str> = events.iter().map(|(kind, _)| kind.rsplit('.').next().unwrap()).collect();
        assert_eq!(kinds, ["CommissionCalculated", "CommissionApproved"]);
    })
    .await;
}

fn refunded(conversion: &str, total_minor: i64) -> Value {
    let total =
        serde_json::from_str::<Value>(&format!("{}.{:02}", total_minor / 100, total_minor % 100)).unwrap();
    json!({
        "conversion_id": conversion,
        "refund_id": format!("ref-{total_minor}"),
        "affiliate_id": "aff-1",
        "program_id": "default",
        "refund_amount": 1,
        "refund_amount_minor": 100,
        "refunded_total": total,
        "refunded_total_minor": total_minor,
        "currency": "USD",
        "reason": "did not fit",
        "refunded_at": "2025-01-16T12:00:00Z",
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn refunds_count_once_in_any_order_and_also_before_their_conversion() {
    on_each_stage(async |stage| {
        let kind = "com.hexabuilders.conversions.ConversionRefunded";
        // 60.25 of 120.50 is half of it, and comes first; a smaller total that comes later is older.
        for (id, total) in [("r-2", 6025), ("r-1", 1000), ("r-2", 6025)] {
            stage.send(CONVERSIONS_TOPIC, command(id, kind, &refunded("conv-1", total))).await;
        }
        stage.send(CONVERSIONS_TOPIC, Outgoing::new(recorded("conv-1").to_string())).await;
        stage.until("conversions", |status| status.handled + status.duplicates == 4).await;
        let (_, found) = stage.app.by_conversion("conv-1").await;
        assert_eq!((&found["status"], &found["commissionAmountMinor"]), (&json!("APPROVED"), &json!(1205)));
        let events = stage.app.events().await;
        let (kind, reversed) = events.last().unwrap();
        assert!(kind.ends_with(".CommissionReversed"), "{kind}");
        // A half of 12.05, to the even cent.
        assert_eq!(
            (&reversed["amount_minor"], &reversed["remaining_amount_minor"]),
            (&json!(602), &json!(603))
        );

        stage
            .send(
                CONVERSIONS_TOPIC,
                command(
                    "r-3",
                    "com.hexabuilders.conversions.ConversionRefunded",
                    &refunded("conv-1", 12_050),
                ),
            )
            .await;
        stage.until("conversions", |status| status.handled + status.duplicates == 5).await;
        let (_, found) = stage.app.by_conversion("conv-1").await;
        assert_eq!(found["status"], "REVERSED");

        stage
            .send(
                CONVERSIONS_TOPIC,
                command(
                    "r-4",
                    "com.hexabuilders.conversions.ConversionRefunded",
                    &refunded("conv-1", 12_051),
                ),
            )
            .await;
        let letter = stage.dead_letter("conversions", 1).await;
        assert!(letter.contains("/refunded_total: is more than the gross amount of 120.5"), "{letter}");
    })
    .await;
}

/// Accepts C-11.
#[tokio::test(flavor = "multi_thread")]
async fn a_conversion_that_was_asked_for_first_keeps_its_commission() {
    on_each_stage(async |stage| {
        stage.app.calculate(&a_conversion("conv-1")).await;
        stage.send(CONVERSIONS_TOPIC, Outgoing::new(recorded("conv-1").to_string())).await;
        stage.until("conversions", |status| status.handled == 1).await;
        let (_, found) = stage.app.by_conversion("conv-1").await;
        assert_eq!(found["status"], "CALCULATED");

        let mut other = recorded("conv-1");
        (other["gross_amount"], other["gross_amount_minor"]) = (json!(99), json!(9900));
        stage.send(CONVERSIONS_TOPIC, Outgoing::new(other.to_string())).await;
        let letter = stage.dead_letter("conversions", 1).await;
        assert!(letter.contains("duplicate_conversion"), "{letter}");
        assert_eq!(stage.app.commissions().await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversion_that_makes_no_sense_becomes_a_dead_letter() {
    on_each_stage(async |stage| {
        let mut wrong = recorded("conv-1");
        wrong["gross_amount_minor"] = json!(1205);
        stage.send(CONVERSIONS_TOPIC, Outgoing::new(wrong.to_string())).await;
        let letter = stage.dead_letter("conversions", 1).await;
        assert!(letter.contains("/gross_amount_minor: is not the gross_amount of 120.5"), "{letter}");

        let mut without = recorded("conv-2");
        without.as_object_mut().unwrap().remove("currency");
        stage.send(CONVERSIONS_TOPIC, Outgoing::new(without.to_string())).await;
        let letter = stage.dead_letter("conversions", 2).await;
        assert!(letter.contains("missing field `currency`"), "{letter}");
        assert_eq!(stage.app.commissions().await, 0);
    })
    .await;
}
