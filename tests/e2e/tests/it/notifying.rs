//! What happens in one context is told by another, in the app, on port 5005.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener};
use std::thread;

use hexalpes_e2e::{Product, calculation};
use serde_json::json;

/// Accepts S2-PRP-5.
#[tokio::test]
async fn an_affiliate_is_told_that_its_commission_was_approved_and_a_partner_is_known_by_its_registration() {
    let product = Product::start();
    let (_, calculated) = product.post("/commissions/calculate", &calculation("conv-told")).await;
    let approve = json!({ "commissionId": calculated["commissionId"] });
    let (status, _) = product.post("/commissions/approve", &approve).await;
    assert_eq!(status, 200);
    let api = product.api_at("--notifications-port");
    let inbox = api.until("/v1/inbox/aff-1", |inbox| inbox["unread"] == 1).await;
    let told = &inbox["items"][0];
    assert_eq!(told["event_type"], "CommissionApproved", "{inbox}");
    // It knows what caused it: the event that has its line in the audit trail.
    let lines = product.event_lines(2);
    let line = lines.iter().find(|line| told["event_id"] == line.id.as_str()).unwrap();
    assert_eq!(told["correlation_id"], json!(line.correlationid));

    let partner =
        json!({ "business_name": "Ñandú & Cía", "email": "n@example.com", "partner_type": "EMPRESA" });
    let (status, registered) = product.api_at("--partners-port").post("/v1/partners", &partner).await;
    assert_eq!(status, 201, "{registered}");
    let path = format!("/v1/recipients/{}", registered["partner_id"].as_str().unwrap());
    let known = api.until(&path, |known| known["is_known"] == true).await;
    assert_eq!((&known["kind"], &known["name"]), (&json!("PARTNER"), &json!("Ñandú & Cía")));
}

/// Nobody answers where a webhook goes; what of it waits is told where the channels' check is.
#[tokio::test]
async fn the_health_of_the_notifications_counts_what_does_not_arrive() {
    let product = Product::start();
    let api = product.api_at("--notifications-port");
    let figures = |held: u64, disabled: u64| {
        json!({
            "deliveries_held": held, "deliveries_waiting": 0, "mails_failed": 0, "mails_failing": 0,
            "oldest_waiting_seconds": 0, "webhooks_disabled": disabled,
        })
    };
    let (_, health) = api.get("/health").await;
    assert_eq!(health["checks"]["channels"], json!({ "status": "ok", "figures": figures(0, 0) }));
    let (_, calculated) = product.post("/commissions/calculate", &calculation("conv-told")).await;
    let approve = json!({ "commissionId": calculated["commissionId"] });
    assert_eq!(product.post("/commissions/approve", &approve).await.0, 200);
    api.until("/v1/inbox/aff-1", |inbox| inbox["unread"] == 1).await;

    // It says that nobody is there any more, and is disabled at once.
    let gone = Gone::listen();
    let (status, made) = api.post("/v1/recipients/aff-1/webhooks", &json!({ "url": gone.url })).await;
    assert_eq!(status, 201, "{made}");
    let (_, calculated) = product.post("/commissions/calculate", &calculation("conv-lost")).await;
    let approve = json!({ "commissionId": calculated["commissionId"] });
    assert_eq!(product.post("/commissions/approve", &approve).await.0, 200);
    let health = api.until("/health", |health| health["checks"]["channels"]["status"] == "degraded").await;
    let channels = &health["checks"]["channels"];
    assert_eq!(channels["figures"], figures(1, 1), "{health}");
    let detail = channels["detail"].as_str().unwrap();
    assert!(
        detail.starts_with("1 webhooks are disabled since they failed, 1 deliveries are held"),
        "{detail}"
    );
    // The letter of it stays.
    let (status, events) = api.get("/health/events").await;
    let expected = json!({
        "pulsar_connection": true, "consumer_lag": 0, "error_rate": 0.0, "dead_letter_queue_size": 0,
    });
    assert_eq!((status, events), (200, expected));
}

/// A web server that says 410 to whoever asks.
struct Gone {
    url: String,
}

impl Gone {
    fn listen() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        thread::spawn(move || {
            while let Ok((mut client, _)) = listener.accept() {
                let _ = client.read(&mut [0; 8_192]);
                let _ =
                    client.write_all(b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                // What is left of the request is taken, so that the answer arrives.
                let _ = client.shutdown(Shutdown::Write);
                let _ = io::copy(&mut client, &mut io::sink());
            }
        });
        Self { url }
    }
}
