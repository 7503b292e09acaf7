//! What partners' campaigns, and all campaigns, come to.

use serde_json::{Value, json};

use crate::support::{TestApp, Told, a_day, a_month, on_each_database};

/// January: two campaigns of `p-1` in USD and one in EUR, one of `p-2` in USD; and a day of one of them.
async fn january(app: &TestApp) {
    for (campaign, partner, currency, spend_minor, version) in [
        ("c-1", "p-1", "USD", 1_000, 1),
        ("c-2", "p-1", "USD", 500, 7),
        ("c-3", "p-1", "EUR", 9_000, 1),
        ("c-4", "p-2", "USD", 2_000, 2),
    ] {
        app.told(&Told { campaign, partner, version, currency, spend_minor, ..a_month() }).await;
    }
    app.told(&a_day()).await;
}

/// Whose, which period, currency, campaigns and spend.
fn told(items: &[Value]) -> Vec<String> {
    let of = |item: &Value| {
        let whose = item["partner_id"].as_str().map_or_else(|| item["partners"].to_string(), str::to_owned);
        let (period, currency) = (&item["period"]["name"], &item["figures"]["currency"]);
        let (campaigns, spend) = (&item["campaigns"], &item["figures"]["spend_minor"]);
        format!("{whose} {} {} {campaigns} {spend}", period.as_str().unwrap(), currency.as_str().unwrap())
    };
    items.iter().map(of).collect()
}

/// Accepts C-28.
#[tokio::test(flavor = "multi_thread")]
async fn partners_are_ranked_within_a_period_and_a_currency() {
    on_each_database(async |app| {
        january(&app).await;
        let list = async |query: &str| told(&app.all(&format!("/v1/analytics/partners?{query}")).await);
        let [one, euros, two] =
            ["p-1 2025-01 USD 2 1500", "p-1 2025-01 EUR 1 9000", "p-2 2025-01 USD 1 2000"];
        assert_eq!(list("period=2025-01&sort=-spend").await, [two, one, euros]);
        assert_eq!(list("period=2025-01&sort=spend").await, [euros, one, two]);
        assert_eq!(list("period=2025-01&sort=-spend&currency=USD").await, [two, one]);
        assert_eq!(list("period=2025-01&sort=-revenue&currency=USD").await, [one, two]);
        assert_eq!(list("period=2025-01&sort=profit&currency=USD").await, [two, one]);
        assert_eq!(list("period=2025-01&sort=-conversions").await, [one, two, euros]);
        let day = "p-1 2025-01-15 USD 1 1210";
        assert_eq!(list("").await, [two, one, euros, day]);
        assert_eq!(list("granularity=DAILY").await, [day]);
        let (status, refused) = app.get("/v1/analytics/partners?sort=-spend").await;
        assert_eq!((status, &refused["parameter"]), (422, &json!("period")), "{refused}");
    })
    .await;
}

/// Accepts C-15, C-28.
#[tokio::test(flavor = "multi_thread")]
async fn a_sum_has_the_ratios_of_its_sums_and_says_the_newest_event_that_is_in_it() {
    on_each_database(async |app| {
        january(&app).await;
        let partner = app.found("/v1/analytics/partners/p-1").await;
        assert_eq!(partner["partner_id"], "p-1");
        let items = partner["items"].as_array().unwrap();
        assert_eq!(
            told(items),
            ["p-1 2025-01 USD 2 1500", "p-1 2025-01 EUR 1 9000", "p-1 2025-01-15 USD 1 1210"]
        );
        let dollars = &items[0]["figures"];
        assert_eq!((&dollars["impressions"], &dollars["conversions"]), (&json!(2_000), &json!(4)));
        assert_eq!((&dollars["spend"], &dollars["roi_percent"]), (&json!(15), &json!(300)));
        assert_eq!(
            items[0]["as_of"],
            json!({ "event_id": "e c-2 MONTHLY 2025-01-01 2025-02-01 7",
            "report_id": "r c-2 MONTHLY 2025-01-01 2025-02-01 7", "version": 7,
            "occurred_at": "2025-02-01T01:07:00Z" })
        );
        let totals: Vec<String> = partner["totals"]
            .as_array()
            .unwrap()
            .iter()
            .map(|total| {
                let (figures, event) = (&total["figures"], &total["as_of"]["event_id"]);
                format!("{} {} {} {event}", total["granularity"], figures["currency"], figures["spend_minor"])
            })
            .collect();
        assert_eq!(
            totals,
            [
                r#""DAILY" "USD" 1210 "e c-1 DAILY 2025-01-15 2025-01-16 1""#,
                r#""MONTHLY" "EUR" 9000 "e c-3 MONTHLY 2025-01-01 2025-02-01 1""#,
                r#""MONTHLY" "USD" 1500 "e c-2 MONTHLY 2025-01-01 2025-02-01 7""#,
            ]
        );
        let (_, _, csv) = app.ask("/v1/analytics/partners/p-2", &[("accept", "text/csv")]).await;
        assert!(
            csv.contains("\np-2,1,2025-01,2025-01-01,2025-02-01,USD,1000,50,5,2,20,30,10,50,e c-4"),
            "{csv}"
        );
    })
    .await;
}

/// Accepts C-28.
#[tokio::test(flavor = "multi_thread")]
async fn an_overview_adds_up_each_currency_of_each_period() {
    on_each_database(async |app| {
        january(&app).await;
        let list = async |query: &str| told(&app.all(&format!("/v1/analytics/overview?{query}")).await);
        let (dollars, euros, day) =
            ("2 2025-01 USD 3 3500", "1 2025-01 EUR 1 9000", "1 2025-01-15 USD 1 1210");
        assert_eq!(list("").await, [dollars, euros, day]);
        assert_eq!(list("sort=period").await, [day, euros, dollars]);
        assert_eq!(list("granularity=MONTHLY&currency=USD").await, [dollars]);
        assert_eq!(list("period=2025-01-15").await, [day]);
        let (_, headers, csv) = app.ask("/v1/analytics/overview?limit=1", &[("accept", "text/csv")]).await;
        assert!(headers.contains_key("x-next-cursor"));
        assert!(
            csv.contains("\n3,2,2025-01,2025-01-01,2025-02-01,USD,3000,150,15,6,35,90,55,157.1429,e c-2"),
            "{csv}"
        );
    })
    .await;
}
