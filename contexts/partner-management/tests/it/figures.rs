//! How partners do, as others tell it.

use serde_json::{Value, json};

use crate::support::{a_partner, alerted, hired, on_each_database, reported, signed, with};

/// Accepts S2-HND-5, C-15, C-16.
#[tokio::test(flavor = "multi_thread")]
async fn a_hire_counts_once_and_the_average_is_of_all() {
    on_each_database(async |app| {
        let id = app.validated(&a_partner()).await;
        assert_eq!(app.metrics(&id).await["average_time_to_hire"], Value::Null);
        for _ in 0..2 {
            app.told(hired("h-1", &id, None, 20)).await;
            app.told(hired("h-2", &id, None, 31)).await;
        }
        let mut euros = hired("h-3", &id, None, 1);
        euros.1["recruitment_cost_currency"] = json!("EUR");
        app.told(euros).await;
        let metrics = app.metrics(&id).await;
        assert_eq!(metrics["successful_hires"], 3);
        assert_eq!(
            (&metrics["time_to_hire_days_sum"], &metrics["time_to_hire_count"]),
            (&json!(52), &json!(3))
        );
        assert_eq!(metrics["average_time_to_hire"].to_string(), "17.33");
        let costs = json!([
            { "currency": "EUR", "amount": 1500.5, "amount_minor": 150_050 },
            { "currency": "USD", "amount": 3001, "amount_minor": 300_100 },
        ]);
        assert_eq!(metrics["recruitment_costs"], costs);
        let (_, hires) = app.get(&format!("/v1/partners/{id}/hires")).await;
        assert_eq!(hires["items"].as_array().unwrap().len(), 3);
        let (_, csv) = app
            .ask("GET", &format!("/v1/partners/{id}/hires"), &[("accept", "text/csv")], &Value::Null)
            .await;
        assert!(
            csv.as_str().unwrap().contains("Backend engineer,PERMANENT,2025-03-01,31,1500.5,USD"),
            "{csv}"
        );
    })
    .await;
}

/// Accepts S2-HND-3.
#[tokio::test(flavor = "multi_thread")]
async fn a_contract_that_is_activated_counts_once() {
    on_each_database(async |app| {
        let id = app.validated(&a_partner()).await;
        for _ in 0..2 {
            app.told(crate::support::activated(&format!("contract-{id}"), &id)).await;
        }
        assert_eq!(app.metrics(&id).await["contracts_activated"], 1);
        app.told(crate::support::activated("renewal", &id)).await;
        assert_eq!(app.metrics(&id).await["contracts_activated"], 2);
        // A contract belongs to one partner.
        let other = app.registered(&with(&a_partner(), &json!({ "email": "b@x.co" }))).await;
        let refused = app.handled(signed("renewal", &other)).await.unwrap_err().to_string();
        assert_eq!(refused, "other_partner: contract renewal is another partner's");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_period_of_a_campaign_counts_whenever_it_comes() {
    on_each_database(async |app| {
        let id = app.validated(&a_partner()).await;
        for (report, end) in [("r-2", "2025-02-01"), ("r-3", "2025-03-01"), ("r-1", "2025-01-08")] {
            app.told(reported(report, &id, "camp-1", end)).await;
        }
        app.told(reported("r-9", &id, "camp-0", "2025-01-08")).await;
        let campaigns = app.metrics(&id).await["campaigns"].clone();
        let newest: Vec<(&Value, &Value)> = campaigns
            .as_array()
            .unwrap()
            .iter()
            .map(|one| (&one["campaign_id"], &one["report_id"]))
            .collect();
        assert_eq!(newest, [(&json!("camp-0"), &json!("r-9")), (&json!("camp-1"), &json!("r-3"))]);
        assert_eq!(campaigns[0]["performance_summary"]["spend"].to_string(), "12.1");
        // Another version of the newest counts when it was made later, whatever it is called.
        let renewed = |report: &str, at: &str| {
            let (kind, told) = reported(report, &id, "camp-0", "2025-01-08");
            (kind, with(&told, &json!({ "generated_at": at, "version": 2, "replaces": "r-9" })))
        };
        app.told(renewed("a-1", "2025-02-01T00:01:00Z")).await;
        app.told(renewed("z-1", "2025-01-31T00:01:00Z")).await;
        assert_eq!(app.metrics(&id).await["campaigns"][0]["report_id"], "a-1");
        // What told nothing new is told to nobody.
        let snapshots = app.events_of("PartnerMetricsSnapshot").await.len();
        app.told(reported("r-1", &id, "camp-1", "2025-01-08")).await;
        assert_eq!(app.events_of("PartnerMetricsSnapshot").await.len(), snapshots);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_is_open_until_it_is_seen_or_the_budget_changes() {
    on_each_database(async |app| {
        let id = app.validated(&a_partner()).await;
        for _ in 0..2 {
            app.told(alerted("a-1", &id, 1)).await;
        }
        let open = async || {
            let metrics = app.metrics(&id).await;
            let alerts = metrics["open_budget_alerts"].as_array().unwrap().clone();
            alerts.iter().map(|alert| alert["alert_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(open().await, ["a-1"]);
        app.told(alerted("a-2", &id, 2)).await;
        assert_eq!(open().await, ["a-2"]);
        // One of the version before comes late.
        app.told(alerted("a-0", &id, 1)).await;
        assert_eq!(open().await, ["a-2"]);

        let path = format!("/v1/partners/{id}/budget-alerts");
        let (status, seen) = app.post(&format!("{path}/a-2/acknowledge"), &Value::Null).await;
        assert_eq!((status, &seen["is_open"], &seen["acknowledged_by"]), (200, &json!(false), &json!("ana")));
        assert_eq!(seen["threshold_reached"].to_string(), "80.25");
        assert_eq!(open().await, Vec::<String>::new());
        assert_eq!(app.post(&format!("{path}/a-2/acknowledge"), &Value::Null).await.1, seen);
        let (status, refused) = app.post(&format!("{path}/a-9/acknowledge"), &Value::Null).await;
        assert_eq!((status, &refused["code"]), (404, &json!("budget_alert_not_found")));
        let (_, all) = app.get(&format!("{path}?open=false")).await;
        assert_eq!(all["items"].as_array().unwrap().len(), 3);
        assert_eq!(app.get(&format!("{path}?open=true")).await.1["items"], json!([]));
    })
    .await;
}
