//! What is kept of what was heard.

use hexalpes_consumer::HandleError;
use serde_json::{Value, json};

use crate::support::{TestApp, Told, a_day, on_each_database};

const DAY: &str = "/v1/analytics/campaigns/c-1/periods/2025-01-15";

/// Revision, version and spend of the 15th.
async fn day(app: &TestApp) -> (Value, Value, Value) {
    let mut day = app.found(DAY).await;
    (day["revision"].take(), day["as_of"]["version"].take(), day["figures"]["spend_minor"].take())
}

/// Accepts C-28, S2-EV-5.
#[tokio::test(flavor = "multi_thread")]
async fn the_newest_version_of_a_period_stays_in_whatever_order_they_come() {
    on_each_database(async |app| {
        let versions = [1, 2, 3].map(|version| Told { version, spend_minor: version * 100, ..a_day() });
        let [first, second, third] = &versions;
        app.told(first).await;
        assert_eq!(day(&app).await, (json!(1), json!(1), json!(100)));
        app.told(third).await;
        assert_eq!(day(&app).await, (json!(2), json!(3), json!(300)));
        // Late, and again.
        for old in [second, first, third] {
            app.told(old).await;
            assert_eq!(day(&app).await, (json!(2), json!(3), json!(300)), "{old:?}");
        }
        let list = app.all("/v1/analytics/campaigns").await;
        assert_eq!(list.len(), 1);
        assert_eq!(
            list[0]["as_of"],
            json!({ "event_id": "e c-1 DAILY 2025-01-15 2025-01-16 3",
            "report_id": "r c-1 DAILY 2025-01-15 2025-01-16 3", "version": 3,
            "occurred_at": "2025-02-01T01:03:00Z" })
        );
    })
    .await;
}

/// Whoever asks for a report gets one of the first version, which tells all that is known by then.
///
/// Accepts C-28, S2-EV-5.
#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_somebody_asked_for_counts_from_when_it_was_made_whatever_its_version() {
    on_each_database(async |app| {
        let made =
            |version, minute, spend_minor| Told { version, minute: Some(minute), spend_minor, ..a_day() };
        let (second, asked, third) = (made(2, 10, 200), made(1, 20, 250), made(3, 30, 300));
        for (told, expected) in [
            (&second, (1, 2, 200)),
            (&asked, (2, 1, 250)),
            // Late, of a version that is higher.
            (&made(4, 15, 400), (2, 1, 250)),
            (&second, (2, 1, 250)),
            (&third, (3, 3, 300)),
            (&asked, (3, 3, 300)),
            // Made at once.
            (&made(2, 30, 290), (3, 3, 300)),
            (&made(4, 30, 310), (4, 4, 310)),
        ] {
            app.told(told).await;
            let (revision, version, spend) = expected;
            assert_eq!(day(&app).await, (json!(revision), json!(version), json!(spend)), "{told:?}");
            let list = app.all("/v1/analytics/campaigns").await;
            assert_eq!(list.len(), 1);
            let shown = (&list[0]["as_of"]["version"], &list[0]["figures"]["spend_minor"]);
            assert_eq!(shown, (&json!(version), &json!(spend)), "{told:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_are_heard_at_once_the_newer_stays_and_none_of_another_campaign_is_lost() {
    on_each_database(async |app| {
        let [older, newer] = [1, 2].map(|version| Told { version, spend_minor: version * 100, ..a_day() });
        let other = Told { campaign: "c-2", ..a_day() };
        for _ in 0..20 {
            app.forget().await;
            tokio::join!(app.told(&older), app.told(&other), app.told(&newer));
            let (_, version, spend) = day(&app).await;
            assert_eq!((version, spend), (json!(2), json!(200)));
            let sums = app.all("/v1/analytics/overview").await;
            let counts = (&sums[0]["campaigns"], &sums[0]["figures"]["spend_minor"]);
            assert_eq!(counts, (&json!(2), &json!(1_410)), "{sums:?}");
        }
    })
    .await;
}

/// Accepts S2-EV-5.
#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_kept_to_the_letter() {
    on_each_database(async |app| {
        let mut told = a_day().data();
        told["version"] = json!(2);
        told["replaces"] = json!("r-0");
        told["renewal_reasons"] = json!(["SPEND_CHANGED"]);
        told["kpi_achievements"] = json!({ "clicks": { "target": 100, "actual": 50, "is_met": false } });
        told["risk_indicators"] = json!([{ "kind": "BUDGET_OVERRUN", "message": { "es": "se superará" } }]);
        // Numbers that no float would keep.
        // Nor does the contract know all that a producer says.
        told["note"] = json!("de la agencia");
        let data = told.to_string().replace(
            r#""spend_minor":1210"#,
            r#""spend":12.10,"spend_minor":1210,"other":0.12345678901234567890"#,
        );
        app.handled("e-1", Some("2025-02-01T01:02:03.000004Z"), &data).await.unwrap();
        let (status, headers, text) = app.ask(DAY, &[]).await;
        assert_eq!((status, headers["etag"].to_str().unwrap()), (200, "\"1\""));
        assert!(text.contains(r#""spend":12.10,"spend_minor":1210,"other":0.12345678901234567890"#), "{text}");
        assert!(text.ends_with(&format!(r#""report":{data}}}"#)), "{text}");
        let found: Value = serde_json::from_str(&text).unwrap();
        for field in ["kpi_achievements", "risk_indicators", "replaces", "renewal_reasons", "generated_at"] {
            assert_eq!(found["report"][field], told[field], "{field}");
        }
        assert_eq!(found["report"].as_object().unwrap().len(), 19, "{found}");
        assert_eq!(found["as_of"]["occurred_at"], "2025-02-01T01:02:03.000004Z");
        let of = ["campaign_id", "partner_id", "correlation_id", "heard_at"].map(|name| found[name].clone());
        assert_eq!(of, [json!("c-1"), json!("p-1"), json!("CORR-1"), json!("2025-02-01T06:00:00Z")]);
        let period = json!({ "name": "2025-01-15", "granularity": "DAILY", "start": "2025-01-15",
            "end": "2025-01-16", "days": 1 });
        assert_eq!(found["period"], period);
        let figures = json!({ "currency": "USD", "impressions": 1_000, "clicks": 50, "leads": 5, "conversions": 2,
            "spend": 12.1, "spend_minor": 1_210, "revenue": 30, "revenue_minor": 3_000, "profit": 17.9,
            "profit_minor": 1_790, "roi_percent": 147.9339, "roas": 2.4793, "ctr_percent": 5, "cvr_percent": 4,
            "cpc": 0.242, "cpa": 6.05, "cpl": 2.42, "cpm": 12.1, "revenue_per_conversion": 15 });
        assert_eq!(found["figures"], figures);
    })
    .await;
}

/// Accepts C-8.
#[tokio::test(flavor = "multi_thread")]
async fn a_report_of_the_first_version_of_the_contract_is_one_and_so_is_one_of_texts_that_hold_json() {
    on_each_database(async |app| {
        let mut told = a_day().data();
        let fields = told.as_object_mut().unwrap();
        for later in ["version", "replaces", "renewal_reasons", "generated_at"] {
            fields.remove(later);
        }
        for (name, value) in fields.iter_mut().filter(|(name, _)| !name.ends_with("_id")) {
            assert!(value.is_object() || value.is_array(), "{name}");
            *value = json!(value.to_string());
        }
        app.handled("e-1", Some("2025-02-01T01:00:30Z"), &told.to_string()).await.unwrap();
        assert_eq!(day(&app).await, (json!(1), json!(1), json!(1_210)));
        // Nothing is put into its mouth: neither `version` nor `generated_at`.
        let found = app.found(DAY).await;
        assert_eq!(found["report"], told, "{found}");
        assert_eq!(found["period"]["start"], "2025-01-15", "{found}");
        // What was made later is newer, where neither says a version.
        let mut later = told.clone();
        later["report_id"] = json!("r-2");
        later["performance_summary"] = json!({ "currency": "USD", "spend": 7.5 });
        app.handled("e-2", Some("2025-02-01T01:00:31Z"), &later.to_string()).await.unwrap();
        assert_eq!(day(&app).await, (json!(2), json!(1), json!(750)));
        app.handled("e-1", Some("2025-02-01T01:00:30Z"), &told.to_string()).await.unwrap();
        app.told(&Told { version: 2, ..a_day() }).await;
        assert_eq!(day(&app).await, (json!(3), json!(2), json!(1_210)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_report_says_nothing_of_is_zero_whether_it_is_null_or_missing() {
    on_each_database(async |app| {
        const DAYS: &str = "/v1/analytics/campaigns/c-1/periods/2025-01-15--2025-01-16";
        let period = json!({ "start": "2025-01-15", "end": "2025-01-16" });
        let summary = json!({ "currency": "USD" });
        let (mut null_period, mut null_summary) = (period.clone(), summary.clone());
        null_period["granularity"] = Value::Null;
        for name in [
            "impressions",
            "clicks",
            "leads",
            "conversions",
            "spend",
            "spend_minor",
            "revenue",
            "revenue_minor",
        ] {
            null_summary[name] = Value::Null;
        }
        for (period, summary) in [(&period, &summary), (&null_period, &null_summary)] {
            app.forget().await;
            let mut told = a_day().data();
            told["reporting_period"] = period.clone();
            told["performance_summary"] = summary.clone();
            app.handled("e-1", None, &told.to_string()).await.unwrap();
            let found = app.found(DAYS).await;
            assert_eq!(found["period"]["granularity"], "CUSTOM", "{found}");
            for name in ["impressions", "clicks", "leads", "conversions", "spend_minor", "revenue_minor"] {
                assert_eq!(found["figures"][name], 0, "{name}: {found}");
            }
            assert_eq!(found["report"], told);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_report_is_refused_with_the_field_that_is_wrong() {
    on_each_database(async |app| {
        for (field, value, why) in [
            ("campaign_id", json!(" "), "campaign_id: must not begin or end with a blank"),
            ("partner_id", json!(""), "partner_id: must not be empty"),
            ("report_id", json!(""), "report_id: must not be empty"),
            ("generated_at", json!("yesterday"), "generated_at: must be a time as in RFC 3339"),
            ("reporting_period", json!({ "start": "2025-01-15" }), "reporting_period: missing field `end`"),
            (
                "reporting_period",
                json!({ "start": "2025-01-15", "end": "15.1.2025" }),
                "reporting_period/end: must be a day such as 2025-01-15",
            ),
            (
                "reporting_period",
                json!({ "start": "2025-01-15", "end": "2025-01-15" }),
                "reporting_period: it has no day: end must be after start",
            ),
            ("performance_summary", json!({}), "performance_summary: missing field `currency`"),
            ("performance_summary", json!({ "currency": "ZZZ" }), "performance_summary/currency: "),
            (
                "performance_summary",
                json!({ "currency": "JPY", "spend": 1.5 }),
                "performance_summary/spend: has more decimals than",
            ),
            (
                "performance_summary",
                json!({ "currency": "USD", "clicks": 10_000_000_000_000_001_i64 }),
                "performance_summary/clicks: is too much to be added up",
            ),
            (
                "performance_summary",
                json!({ "currency": "USD", "revenue_minor": i64::MIN }),
                "performance_summary/revenue: is too much to be added up",
            ),
        ] {
            let mut told = a_day().data();
            told[field] = value;
            let refused = app.handled("e-1", None, &told.to_string()).await.unwrap_err();
            let HandleError::Rejected(rejection) = &refused else { panic!("{refused:?}") };
            assert_eq!(rejection.code, "invalid_event");
            assert!(rejection.detail.starts_with(why), "{}", rejection.detail);
        }
        assert_eq!(app.all("/v1/analytics/campaigns").await, Vec::<Value>::new());
    })
    .await;
}
