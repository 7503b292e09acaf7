//! Notifications that are old: what is done with goes, what waits stays, and nobody is told anything twice.

use std::time::Duration;

use hexalpes_contracts::recruitment;
use hexalpes_notifications::Pruning;
use http::{Method, StatusCode};
use serde_json::json;

use crate::desk::{ALERT, Desk, alert, eventually, on_each_database};

const KEEP: Duration = Duration::from_hours(90 * 24);

/// Told in the app, and not by mail.
async fn match_for(desk: &Desk, partner: &str, id: &str) {
    let kind = format!("{}CandidateMatched", recruitment::NAMESPACE);
    desk.publish(&kind, id, &json!({ "partner_id": partner, "job_id": "job-1", "candidate_id": "can-1" }))
        .await;
}

async fn read_all(desk: &Desk, partner: &str) {
    let (status, _) = desk.ask(Method::POST, &format!("/v1/inbox/{partner}/read"), &json!({})).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrived_or_was_read_goes_when_it_is_old_and_what_waits_stays() {
    on_each_database(async |desk| {
        // It arrives by mail and is never read in the app.
        desk.register("mailed", "p@example.com").await;
        desk.publish(ALERT, "a-mailed", &alert("mailed", "WARNING")).await;
        desk.items("/v1/deliveries?state=SENT", 1).await;
        // Nobody knows where to mail it to, read or not.
        desk.publish(ALERT, "a-nowhere", &alert("nowhere", "WARNING")).await;
        desk.items("/v1/inbox/nowhere", 1).await;
        read_all(desk, "nowhere").await;
        // Its webhook is disabled.
        desk.register("held", "p@example.com").await;
        let webhook = desk.webhook("held", "held").await.0;
        let reason = json!({ "reason": "holidays" });
        let (status, _) = desk.ask(Method::POST, &format!("/v1/webhooks/{webhook}/disable"), &reason).await;
        assert_eq!(status, StatusCode::OK);
        match_for(desk, "held", "m-held").await;
        desk.items("/v1/deliveries?state=HELD", 1).await;
        read_all(desk, "held").await;
        // In the app alone.
        for (partner, id) in [("read", "m-read"), ("unread", "m-unread")] {
            match_for(desk, partner, id).await;
            desk.items(&format!("/v1/inbox/{partner}"), 1).await;
        }
        read_all(desk, "read").await;

        let pruning = Pruning::new(KEEP);
        desk.edge.advance(KEEP);
        assert_eq!(pruning.turn(&desk.db, &*desk.edge).await.unwrap(), 0);
        match_for(desk, "read", "m-young").await;
        desk.items("/v1/inbox/read", 2).await;
        read_all(desk, "read").await;
        desk.edge.advance(Duration::from_secs(1));
        assert_eq!(pruning.turn(&desk.db, &*desk.edge).await.unwrap(), 2);
        for (partner, left) in [("mailed", 0), ("nowhere", 1), ("held", 1), ("read", 1), ("unread", 1)] {
            desk.items(&format!("/v1/inbox/{partner}"), left).await;
        }
        let deliveries = desk.items("/v1/deliveries", 1).await;
        assert_eq!(deliveries[0]["state"], "HELD");

        // What comes again of it is no news, also under a time of today.
        desk.publish(ALERT, "a-mailed", &alert("mailed", "WARNING")).await;
        match_for(desk, "mailed", "m-new").await;
        let told = desk.items("/v1/inbox/mailed", 1).await;
        assert_eq!(told[0]["event_id"], "m-new");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_go_in_steps_past_those_that_stay() {
    on_each_database(async |desk| {
        for number in 0..250 {
            match_for(desk, "unread", &format!("u-{number}")).await;
        }
        for number in 0..250 {
            match_for(desk, "read", &format!("r-{number}")).await;
        }
        let all = async || (desk.get("/v1/inbox/read").await.1["unread"] == 250).then_some(());
        eventually(all).await;
        read_all(desk, "read").await;
        desk.edge.advance(KEEP + Duration::from_secs(1));
        let pruning = Pruning::new(KEEP);
        assert_eq!(pruning.turn(&desk.db, &*desk.edge).await.unwrap(), 250);
        assert_eq!(pruning.turn(&desk.db, &*desk.edge).await.unwrap(), 0);
        assert_eq!(desk.get("/v1/inbox/unread").await.1["unread"], 250);
        desk.items("/v1/inbox/read", 0).await;
    })
    .await;
}
