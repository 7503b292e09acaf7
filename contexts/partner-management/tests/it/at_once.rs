//! What many do at the same moment.

use futures::future::join_all;
use hexalpes_consumer::HandleError;
use hexalpes_db::DbError;
use serde_json::{Value, json};

use crate::support::{TestApp, a_partner, activated, hired, on_each_database, signed};

/// Hands an event to the handlers as the consumers do: again, where another transaction was in the way.
async fn told(app: &TestApp, event: (&'static str, Value)) {
    loop {
        match app.handled(event.clone()).await {
            Ok(()) => return,
            Err(HandleError::Database(DbError::Conflict(_))) => {}
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_hires_that_are_told_four_times_at_once_are_sixteen() {
    on_each_database(async |app| {
        let id = app.validated(&a_partner()).await;
        let tales = (0..64).map(|number| hired(&format!("h-{}", number % 16), &id, None, number % 16));
        join_all(tales.map(|tale| told(&app, tale))).await;
        let metrics = app.metrics(&id).await;
        assert_eq!((&metrics["successful_hires"], &metrics["time_to_hire_count"]), (&json!(16), &json!(16)));
        assert_eq!(metrics["time_to_hire_days_sum"], 120);
        assert_eq!(metrics["recruitment_costs"][0]["amount_minor"], 16 * 150_050);
        // One for the activation and one for each hire, each with a number of its own.
        let snapshots = app.events_of("PartnerMetricsSnapshot").await;
        let mut numbers: Vec<u64> = snapshots.iter().map(|told| told["revision"].as_u64().unwrap()).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=17).collect::<Vec<u64>>());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn contracts_that_are_told_at_once_lead_to_validated_with_every_one_counted() {
    on_each_database(async |app| {
        let id = app.registered(&a_partner()).await;
        let tales = (0..16).flat_map(|number| {
            let contract = format!("c-{}", number % 4);
            [activated(&contract, &id), signed(&contract, &id)]
        });
        join_all(tales.map(|tale| told(&app, tale))).await;
        let partner = app.partner(&id).await;
        assert_eq!((&partner["status"], &partner["revision"]), (&json!("VALIDATED"), &json!(9)));
        let contracts = partner["contracts"].as_array().unwrap();
        assert!(
            contracts.len() == 4 && contracts.iter().all(|one| one["signed_at"].is_string()),
            "{partner}"
        );
        assert_eq!(app.metrics(&id).await["contracts_activated"], 4);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_sixteen_who_change_what_they_saw_at_once_one_does() {
    on_each_database(async |app| {
        let id = app.registered(&a_partner()).await;
        let path = format!("/v1/partners/{id}");
        let names: Vec<Value> =
            (0..16).map(|number| json!({ "business_name": format!("n{number}") })).collect();
        let asked = names.iter().map(|name| app.ask("PATCH", &path, &[("if-match", "\"1\"")], name));
        let statuses: Vec<u16> = join_all(asked).await.iter().map(|(status, _)| *status).collect();
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        // A server that had to let some try too often says so, and they may come again.
        assert!(statuses.iter().all(|status| [200, 412, 503].contains(status)), "{statuses:?}");
        assert_eq!(app.partner(&id).await["revision"], 2);
    })
    .await;
}
