//! What is refused, and what is not there.

use serde_json::{Value, json};

use crate::support::{a_day, on_each_database};

const LISTS: [&str; 5] = ["campaigns", "campaigns/c-1", "partners", "partners/p-1", "overview"];

#[tokio::test(flavor = "multi_thread")]
async fn each_wrong_parameter_is_named_on_every_list() {
    on_each_database(async |app| {
        app.told(&a_day()).await;
        for list in LISTS {
            for (query, pointer, code) in [
                ("period=2025-02-30", "/period", "invalid_period"),
                ("period=January", "/period", "invalid_period"),
                ("granularity=daily", "/granularity", "unknown_value"),
                ("period=2025-01&granularity=DAILY", "/granularity", "other_granularity"),
                ("currency=usd", "/currency", "unknown_currency"),
                ("campaign=c-1", "/campaign", "unknown_field"),
            ] {
                let (status, refused) = app.get(&format!("/v1/analytics/{list}?{query}")).await;
                let error = &refused["errors"][0];
                assert_eq!(
                    (status, &refused["code"], &error["pointer"], &error["code"]),
                    (422, &json!("invalid_query"), &json!(pointer), &json!(code)),
                    "{list}?{query}: {refused}"
                );
            }
            // The last is a place in this very order, at a day that is none.
            for (query, parameter) in [
                ("limit=0", "limit"),
                ("sort=name", "sort"),
                ("cursor=zz", "cursor"),
                ("cursor=5b222d706572696f64222c5b2278222c2278222c2278222c2278222c2278225d5d", "cursor"),
            ] {
                let (status, refused) = app.get(&format!("/v1/analytics/{list}?{query}")).await;
                assert_eq!(
                    (status, &refused["parameter"]),
                    (422, &json!(parameter)),
                    "{list}?{query}: {refused}"
                );
            }
        }
        let (status, refused) = app.get("/v1/analytics/campaigns?partner_id=%20").await;
        assert_eq!((status, &refused["errors"][0]["code"]), (422, &json!("invalid_id")), "{refused}");
        let (status, refused) = app.get("/v1/analytics/partners?period=2025-01&sort=roi").await;
        assert_eq!((status, &refused["parameter"]), (422, &json!("sort")), "{refused}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_heard_of_is_not_found_in_both_languages() {
    on_each_database(async |app| {
        app.told(&a_day()).await;
        for (path, code, spanish) in [
            ("campaigns/c-9", "campaign_not_found", "de una campaña c-9"),
            ("campaigns/%20", "campaign_not_found", "de una campaña"),
            ("partners/p-9", "partner_not_found", "del socio p-9"),
            ("campaigns/c-1/periods/2025-01", "report_not_found", "de la campaña c-1 en 2025-01"),
            ("campaigns/c-1/periods/January", "report_not_found", "de la campaña c-1 en January"),
            ("campaigns/c-9/periods/2025-01-15", "report_not_found", "de la campaña c-9"),
        ] {
            let (status, headers, text) =
                app.ask(&format!("/v1/analytics/{path}"), &[("accept-language", "es-CO")]).await;
            let refused: Value = serde_json::from_str(&text).unwrap();
            assert_eq!((status, &refused["code"]), (404, &json!(code)), "{path}: {refused}");
            assert!(refused["detail"].as_str().unwrap().contains(spanish), "{refused}");
            assert_eq!(headers["content-type"], "application/problem+json");
        }
        let (status, _) = app.get("/v1/analytics/campaigns/c-1/periods/2025-01-15").await;
        assert_eq!(status, 200);
    })
    .await;
}
