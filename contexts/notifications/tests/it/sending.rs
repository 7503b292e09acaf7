//! What leaves by webhook and mail: signed, once more after trouble, held, gathered, and nobody waits for others.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hexalpes_notifications::Waiting;
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};

use crate::desk::{ALERT, alert, eventually, on_each_database};

fn of(headers: &HeaderMap, name: &str) -> String {
    headers[name].to_str().unwrap().to_owned()
}

/// As Standard Webhooks say, computed from their text.
fn signature(secret: &str, id: &str, timestamp: &str, body: &str) -> String {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &key);
    let signed = ring::hmac::sign(&key, format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(signed))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_signed_and_comes_again_with_the_same_id_until_it_arrives() {
    on_each_database(async |desk| {
        desk.register("p-1", "p@example.com").await;
        let (_, secret) = desk.webhook("p-1", "shop").await;
        desk.hooks.answer("shop", 503);
        desk.publish(ALERT, "a-1", &alert("p-1", "WARNING")).await;
        desk.hooks.heard("shop", 1).await;
        let trouble = async || {
            let (_, page) = desk.get("/v1/deliveries?channel=WEBHOOK").await;
            Some(page["items"][0].clone()).filter(|one| one["trouble"].is_string())
        };
        let waits = eventually(trouble).await;
        assert_eq!(
            (&waits["state"], &waits["trouble"], &waits["due_at"]),
            (&json!("PENDING"), &json!("the endpoint answered 503"), &json!("2025-01-15T14:20:05Z"))
        );
        desk.hooks.answer("shop", 204);
        desk.edge.advance(Duration::from_secs(5));
        let heard = desk.hooks.heard("shop", 2).await;
        assert_eq!(heard[0].1, heard[1].1);
        for (headers, body) in &heard {
            let (id, timestamp) = (of(headers, "webhook-id"), of(headers, "webhook-timestamp"));
            assert_eq!(id, waits["delivery_id"]);
            assert_eq!(of(headers, "webhook-signature"), signature(&secret, &id, &timestamp, body));
        }
        let told: Value = serde_json::from_str(&heard[0].1).unwrap();
        assert_eq!((&told["type"], &told["data"]["event_id"]), (&json!("BudgetAlert"), &json!("a-1")));
        assert_eq!(
            (&told["data"]["correlation_id"], &told["data"]["event"]["budget_limit"]),
            (&json!("CORR-a-1"), &json!(1000))
        );
        desk.items("/v1/deliveries?channel=WEBHOOK&state=SENT", 1).await;

        // Once more, because somebody asks for it: the one, and all of a period.
        let replay = format!("/v1/deliveries/{}/replay", waits["delivery_id"].as_str().unwrap());
        assert_eq!(desk.ask(Method::POST, &replay, &json!({})).await.0, StatusCode::OK);
        let heard = desk.hooks.heard("shop", 3).await;
        assert_eq!(of(&heard[2].0, "webhook-id"), of(&heard[0].0, "webhook-id"));
        desk.items("/v1/deliveries?channel=WEBHOOK&state=SENT", 1).await;
        let period = json!({ "from": "2025-01-15T14:00:00Z", "to": "2025-01-15T15:00:00Z" });
        let path = format!("/v1/webhooks/{}/replay", waits["target"].as_str().unwrap());
        assert_eq!(desk.ask(Method::POST, &path, &period).await, (StatusCode::OK, json!({ "count": 1 })));
        desk.hooks.heard("shop", 4).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_fails_too_often_is_disabled_and_gets_what_was_held_when_it_is_enabled() {
    on_each_database(async |desk| {
        desk.register("p-1", "p@example.com").await;
        let (often, gone) = (desk.webhook("p-1", "often").await.0, desk.webhook("p-1", "gone").await.0);
        desk.hooks.answer("often", 500);
        desk.hooks.answer("gone", 410);
        for number in 0..22 {
            desk.publish(ALERT, &format!("a-{number}"), &alert("p-1", "WARNING")).await;
        }
        let disabled = async |id: &str| {
            let path = format!("/v1/webhooks/{id}");
            eventually(async || Some(desk.get(&path).await.1).filter(|one| one["status"] == "DISABLED")).await
        };
        let reason = "20 failures in a row; the last: the endpoint answered 500";
        assert_eq!(disabled(&often).await["reason"], reason);
        assert_eq!(disabled(&gone).await["failures_in_a_row"], 1);
        desk.items(&format!("/v1/deliveries?webhook_id={often}&state=HELD"), 22).await;
        assert_eq!(desk.hooks.heard("gone", 1).await.len(), 1);

        desk.hooks.answer("often", 200);
        let (status, enabled) =
            desk.ask(Method::POST, &format!("/v1/webhooks/{often}/enable"), &json!({})).await;
        assert_eq!((status, &enabled["status"]), (StatusCode::OK, &json!("ACTIVE")), "{enabled}");
        desk.items(&format!("/v1/deliveries?webhook_id={often}&state=SENT"), 22).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_arrive_is_counted() {
    on_each_database(async |desk| {
        let counted = async |wanted: Waiting| {
            eventually(async || (desk.status().waiting == wanted).then_some(())).await;
        };
        desk.register("p-1", "p@example.com").await;
        desk.webhook("p-1", "gone").await;
        desk.webhook("p-1", "tired").await;
        desk.hooks.answer("gone", 410);
        desk.hooks.answer("tired", 503);
        desk.publish(ALERT, "a-1", &alert("p-1", "WARNING")).await;
        desk.items("/v1/deliveries?state=HELD", 1).await;
        let one = Waiting { deliveries: 1, held: 1, webhooks_disabled: 1, ..Waiting::default() };
        counted(one).await;
        let trouble = desk.status().trouble().unwrap();
        assert!(trouble.starts_with("1 webhooks are disabled since they failed, 1 deliveries"), "{trouble}");

        // The first try is at 14:20:00, the second that is made fails too.
        desk.edge.advance(Duration::from_secs(400));
        counted(Waiting { oldest_seconds: 400, ..one }).await;
        assert!(desk.status().trouble().unwrap().contains("1 deliveries wait, the first for 400 s"));
        desk.mails.refuse();
        desk.publish(ALERT, "a-2", &alert("p-1", "WARNING")).await;
        let final_one = desk.items("/v1/deliveries?channel=EMAIL&state=FAILED", 1).await;
        assert_eq!(final_one[0]["event_id"], "a-2");
        let status =
            eventually(async || Some(desk.status()).filter(|now| now.waiting.mails_failed == 1)).await;
        assert_eq!((status.mails_sent, status.mails_failed), (1, 1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_never_answers_holds_up_nobody() {
    on_each_database(async |desk| {
        desk.register("p-1", "p@example.com").await;
        desk.hooks.answer("silent", 0);
        desk.webhook("p-1", "silent").await;
        desk.webhook("p-1", "quick").await;
        for number in 0..3 {
            desk.publish(ALERT, &format!("a-{number}"), &alert("p-1", "WARNING")).await;
        }
        desk.hooks.heard("quick", 3).await;
        desk.mails.all(3).await;
        assert!(desk.hooks.heard("silent", 0).await.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrived_gathered_stays_so_when_one_of_it_is_replayed_and_fails() {
    on_each_database(async |desk| {
        desk.register("p-1", "p@example.com").await;
        desk.ask(Method::PATCH, "/v1/recipients/p-1", &json!({ "digest": "HOURLY" })).await;
        for id in ["a-1", "a-2"] {
            desk.publish(ALERT, id, &alert("p-1", "WARNING")).await;
        }
        desk.items("/v1/deliveries?state=PENDING", 2).await;
        desk.edge.advance(Duration::from_hours(1));
        desk.mails.all(1).await;
        let arrived = desk.items("/v1/deliveries?state=SENT", 2).await;
        desk.mails.refuse();
        let replay = format!("/v1/deliveries/{}/replay", arrived[0]["delivery_id"].as_str().unwrap());
        assert_eq!(desk.ask(Method::POST, &replay, &json!({})).await.0, StatusCode::OK);
        let failed = desk.items("/v1/deliveries?state=FAILED", 1).await;
        assert_eq!(failed[0]["delivery_id"], arrived[0]["delivery_id"]);
        let still = desk.items("/v1/deliveries?state=SENT", 1).await;
        assert_eq!(still[0], arrived[1]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_much_for_one_gathered_mail_comes_with_the_next() {
    on_each_database(async |desk| {
        desk.register("p-1", "p@example.com").await;
        desk.ask(Method::PATCH, "/v1/recipients/p-1", &json!({ "digest": "HOURLY" })).await;
        for number in 0..201 {
            desk.publish(ALERT, &format!("a-{number}"), &alert("p-1", "WARNING")).await;
        }
        let all_told = async || (desk.get("/v1/inbox/p-1").await.1["unread"] == 201).then_some(());
        eventually(all_told).await;
        desk.edge.advance(Duration::from_hours(1));
        let mails = desk.mails.all(2).await;
        assert!(mails[0].contains("Subject: 200 notificaciones"), "{}", mails[0]);
        assert_eq!(mails[0].matches("WARNING").count(), 200);
        assert_eq!(mails[1].matches("WARNING").count(), 1);
        desk.items("/v1/deliveries?state=PENDING", 0).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_waits_for_the_mail_under_way_and_takes_no_other() {
    on_each_database(async |desk| {
        for partner in ["p-1", "p-2", "p-3"] {
            desk.register(partner, "p@example.com").await;
            let quiet = json!({ "time_zone": "UTC", "quiet_hours": "14:00-15:00" });
            desk.ask(Method::PATCH, &format!("/v1/recipients/{partner}"), &quiet).await;
            desk.publish(ALERT, &format!("a-{partner}"), &alert(partner, "WARNING")).await;
        }
        desk.items("/v1/deliveries?state=PENDING", 3).await;
        let held = desk.mails.hold().await;
        // All three are due at once.
        desk.edge.advance(Duration::from_hours(1));
        desk.mails.all(1).await;
        tokio::join!(desk.rest(), async { drop(held) });
        desk.items("/v1/deliveries?state=SENT", 1).await;
        desk.items("/v1/deliveries?state=PENDING", 2).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_before_the_registration_is_mailed_when_the_address_is_known() {
    on_each_database(async |desk| {
        desk.publish(ALERT, "a-1", &alert("p-1", "WARNING")).await;
        desk.items("/v1/inbox/p-1", 1).await;
        assert_eq!(desk.get("/v1/deliveries").await.1["items"], json!([]));
        desk.register("p-1", "late@example.com").await;
        let mails = desk.mails.all(1).await;
        assert!(mails[0].contains("To: late@example.com"), "{}", mails[0]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_wait_for_the_morning_and_come_gathered_unless_they_are_urgent() {
    on_each_database(async |desk| {
        desk.register("p-1", "p@example.com").await;
        // It is 14:20 in UTC, and night in Tokyo.
        let night = json!({
            "time_zone": "Asia/Tokyo", "quiet_hours": "22:00-07:00", "digest": "HOURLY", "language": "en",
        });
        let (status, recipient) = desk.ask(Method::PATCH, "/v1/recipients/p-1", &night).await;
        assert_eq!(
            (status, &recipient["quiet_hours"]),
            (StatusCode::OK, &json!("22:00-07:00")),
            "{recipient}"
        );
        for (id, kind) in [("a-1", "WARNING"), ("a-2", "CRITICAL"), ("a-3", "EXHAUSTED")] {
            desk.publish(ALERT, id, &alert("p-1", kind)).await;
        }
        let urgent = desk.mails.all(1).await;
        assert!(urgent[0].contains("Subject: Budget EXHAUSTED: campaign camp-1"), "{}", urgent[0]);
        assert!(urgent[0].contains("Message-ID: <dlv_"), "{}", urgent[0]);
        let waiting = desk.items("/v1/deliveries?state=PENDING", 2).await;
        assert_eq!(waiting[0]["due_at"], "2025-01-15T22:00:00Z");
        desk.edge.advance(Duration::from_hours(8));
        let mails = desk.mails.all(2).await;
        assert!(mails[1].contains("Subject: 2 notifications"), "{}", mails[1]);
        assert!(mails[1].contains("Budget WARNING") && mails[1].contains("Budget CRITICAL"), "{}", mails[1]);
        assert!(mails[1].contains("Message-ID: <dig_"), "{}", mails[1]);
        desk.items("/v1/deliveries?state=SENT", 3).await;
    })
    .await;
}
