//! Campaigns in lists: each with its newest period, or with the one that is asked for.

use serde_json::{Value, json};

use crate::support::{TestApp, Told, a_day, a_month, on_each_database};

/// Three campaigns of two partners in two currencies: days, and January.
async fn some(app: &TestApp) {
    let of = |told: Told, campaign, partner, currency| Told { campaign, partner, currency, ..told };
    let day =
        |day: u32| Told { start: format!("2025-01-{day}"), end: format!("2025-01-{}", day + 1), ..a_day() };
    for told in [
        Told { spend_minor: 100, ..of(day(14), "c-1", "p-1", "USD") },
        Told { spend_minor: 300, ..of(day(15), "c-1", "p-1", "USD") },
        Told { spend_minor: 200, revenue_minor: 50, ..of(day(15), "c-2", "p-2", "USD") },
        Told { spend_minor: 900, counts: [9, 9, 9, 9], ..of(day(15), "c-3", "p-1", "EUR") },
        Told { spend_minor: 0, revenue_minor: 0, ..of(day(15), "c-4", "p-2", "USD") },
        Told { spend_minor: 400, ..of(a_month(), "c-1", "p-1", "USD") },
        Told { spend_minor: 500, ..of(a_month(), "c-2", "p-2", "USD") },
    ] {
        app.told(&told).await;
    }
}

fn told(items: &[Value]) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    items
        .iter()
        .map(|item| {
            let spend = &item["figures"]["spend_minor"];
            format!("{} {} {spend}", text(&item["campaign_id"]), text(&item["period"]["name"]))
        })
        .collect()
}

async fn list(app: &TestApp, query: &str) -> Vec<String> {
    told(&app.all(&format!("/v1/analytics/campaigns?{query}")).await)
}

/// Accepts C-28.
#[tokio::test(flavor = "multi_thread")]
async fn each_campaign_is_there_with_its_newest_period_or_with_the_one_that_is_asked_for() {
    on_each_database(async |app| {
        some(&app).await;
        let newest = ["c-2 2025-01 500", "c-1 2025-01 400", "c-4 2025-01-15 0", "c-3 2025-01-15 900"];
        assert_eq!(list(&app, "").await, newest);
        let days = ["c-1 2025-01-15 300", "c-2 2025-01-15 200", "c-3 2025-01-15 900", "c-4 2025-01-15 0"];
        assert_eq!(list(&app, "granularity=DAILY&sort=period").await, days);
        assert_eq!(list(&app, "period=2025-01-15&sort=period").await, days);
        assert_eq!(list(&app, "period=2025-01-14").await, ["c-1 2025-01-14 100"]);
        assert_eq!(list(&app, "period=2025-W03").await, Vec::<String>::new());
        assert_eq!(list(&app, "granularity=DAILY&partner_id=p-2&sort=period").await, [days[1], days[3]]);
        assert_eq!(list(&app, "currency=EUR").await, ["c-3 2025-01-15 900"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ranking_by_money_keeps_currencies_apart_and_what_spent_nothing_has_the_least_return() {
    on_each_database(async |app| {
        some(&app).await;
        let by = async |sort: &str| {
            let ids = app.all(&format!("/v1/analytics/campaigns?period=2025-01-15&sort={sort}")).await;
            ids.iter().map(|item| item["campaign_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(by("spend").await, ["c-3", "c-4", "c-2", "c-1"]);
        assert_eq!(by("-spend").await, ["c-1", "c-2", "c-4", "c-3"]);
        assert_eq!(by("-revenue").await, ["c-1", "c-2", "c-4", "c-3"]);
        assert_eq!(by("-profit").await, ["c-1", "c-4", "c-2", "c-3"]);
        assert_eq!(by("-roi").await, ["c-1", "c-3", "c-2", "c-4"]);
        assert_eq!(by("conversions").await, ["c-1", "c-2", "c-4", "c-3"]);
        for sort in ["clicks", "leads", "impressions", "-period"] {
            assert_eq!(by(sort).await.len(), 4, "{sort}");
        }
    })
    .await;
}

/// Accepts C-15.
#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_has_its_periods_and_totals_that_follow_from_sums() {
    on_each_database(async |app| {
        let day = |day: u32, clicks, spend_minor| Told {
            start: format!("2025-01-{day}"),
            end: format!("2025-01-{}", day + 1),
            counts: [1_000, clicks, 0, 1],
            spend_minor,
            ..a_day()
        };
        let first = Told { counts: [100, 90, 0, 1], ..day(14, 0, 900) };
        for told in [&first, &day(15, 10, 100), &Told { granularity: "CUSTOM", ..day(15, 10, 100) }, &a_month()] {
            app.told(told).await;
        }
        let campaign = app.found("/v1/analytics/campaigns/c-1?limit=1").await;
        assert_eq!(campaign["campaign_id"], "c-1");
        assert_eq!(campaign["items"].as_array().unwrap().len(), 1);
        let totals = campaign["totals"].as_array().unwrap();
        let of = |total: &Value| [total["granularity"].clone(), total["periods"].clone(), total["start"].clone(), total["end"].clone()];
        assert_eq!(of(&totals[0]), [json!("DAILY"), json!(2), json!("2025-01-14"), json!("2025-01-16")]);
        assert_eq!(of(&totals[1]), [json!("MONTHLY"), json!(1), json!("2025-01-01"), json!("2025-02-01")]);
        assert_eq!(totals.len(), 2, "{campaign}");
        // 100 clicks of 1,100 impressions: neither the mean of 90 % and 1 %, nor a click more.
        let figures = &totals[0]["figures"];
        assert_eq!((&figures["clicks"], &figures["impressions"]), (&json!(100), &json!(1_100)));
        assert_eq!((figures["ctr_percent"].to_string(), figures["cpc"].to_string()), ("9.0909".to_owned(), "0.1".to_owned()));
        assert_eq!(totals[0]["as_of"]["event_id"], "e c-1 DAILY 2025-01-15 2025-01-16 1");
        let periods = ["c-1 2025-01-14 900", "c-1 2025-01-15 100", "c-1 2025-01-15--2025-01-16 100", "c-1 2025-01 1210"];
        let path = "/v1/analytics/campaigns/c-1?sort=period";
        assert_eq!(told(&app.all(path).await), [periods[0], periods[1], periods[2], periods[3]]);
        assert_eq!(told(&app.all(&format!("{path}&granularity=CUSTOM")).await), [periods[2]]);
        let (_, _, csv) = app.ask(path, &[("accept", "text/csv")]).await;
        let lines: Vec<&str> = csv.lines().collect();
        assert_eq!(
            lines[0],
            "campaign_id,campaign_name,partner_id,period,start,end,currency,impressions,clicks,leads,conversions,spend,revenue,profit,\
             roi_percent,as_of_event_id,as_of_version,as_of_occurred_at"
        );
        let second = "c-1,,p-1,2025-01-15,2025-01-15,2025-01-16,USD,1000,10,0,1,1,30,29,2900,\
                      e c-1 DAILY 2025-01-15 2025-01-16 1,1,2025-02-01T01:01:00Z";
        assert_eq!((lines[2], lines.len()), (second, 5));
    })
    .await;
}
