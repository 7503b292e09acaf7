//! What time brings about.

use std::time::Duration;

use serde_json::json;

use crate::support::{a_contract, on_each_database, with};

const DAY: Duration = Duration::from_hours(24);

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_contract_becomes_active_on_its_day_and_ends_on_its_day() {
    on_each_database(async |app| {
        let dated = json!({ "effective_date": "2025-02-01", "terms": { "duration_days": 60 } });
        let id = app.drafted(&with(&a_contract(), &dated)).await;
        assert_eq!(app.signed(&id).await["status"], "SIGNED");
        assert_eq!(app.sweep().await, 0);
        app.edge.advance(DAY * 17);
        assert_eq!(app.sweep().await, 1);
        let contract = app.contract(&id).await;
        assert_eq!(
            [&contract["status"], &contract["effective_date"], &contract["expiration_date"]],
            ["ACTIVE", "2025-02-01", "2025-04-02"]
        );
        app.edge.advance(DAY * 30);
        assert_eq!((app.sweep().await, app.sweep().await), (1, 0), "one reminder, once");
        app.edge.advance(DAY * 30);
        while app.sweep().await > 0 {}
        assert_eq!(app.contract(&id).await["status"], "EXPIRED");
        let kinds = app.kinds().await;
        assert_eq!(
            kinds,
            ["ContractSigned", "ContractActivated", "ContractExpiring", "ContractEnded"],
            "reminders that were slept through are not made up for"
        );
        assert_eq!(app.events().await[2].1["days"], 30);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_whose_day_has_come_is_active_with_the_last_signature() {
    on_each_database(async |app| {
        let id = app.drafted(&with(&a_contract(), &json!({ "effective_date": "2025-01-10" }))).await;
        let signed = app.signed(&id).await;
        assert_eq!((&signed["status"], &signed["effective_date"]), (&json!("ACTIVE"), &json!("2025-01-10")));
        assert_eq!(app.kinds().await, ["ContractSigned", "ContractActivated"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_activation_for_a_later_day_waits_for_it() {
    on_each_database(async |app| {
        let id = app.drafted(&a_contract()).await;
        app.signed(&id).await;
        let path = format!("/v1/contracts/{id}/activate");
        let waiting = app.done(&path, &json!({ "effective_date": "2025-01-20" })).await;
        assert_eq!(
            (&waiting["status"], &waiting["effective_date"]),
            (&json!("SIGNED"), &json!("2025-01-20"))
        );
        let (status, refused) = app.post(&path, &json!({ "effective_date": "2025-01-21" })).await;
        assert_eq!((status.as_u16(), &refused["errors"][0]["code"]), (422, &json!("date_is_fixed")));
        app.edge.advance(DAY * 5);
        app.sweep().await;
        assert_eq!(app.contract(&id).await["status"], "ACTIVE");
    })
    .await;
}
