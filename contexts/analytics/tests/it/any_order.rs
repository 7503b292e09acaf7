//! What is shown is the same in whatever order reports came, and however often.

use proptest::collection::vec;
use proptest::option;
use proptest::sample::Index;
use proptest::strategy::{Strategy, ValueTree as _};
use proptest::test_runner::{Config, TestRunner};
use proptest::{arbitrary::any, prop_oneof, strategy::Just};
use serde_json::Value;

use crate::support::{TestApp, Told, a_day, a_month, on_each_database};

const CASES: usize = 40;

/// What it says follows from its numbers, so that two that are equal say the same.
fn report() -> impl Strategy<Value = Told> {
    let period = prop_oneof![
        Just(a_month()),
        (14_u8..17).prop_map(|day| {
            let (start, end) = (format!("2025-01-{day}"), format!("2025-01-{}", day + 1));
            Told { start, end, ..a_day() }
        }),
        Just(Told { granularity: "CUSTOM", ..a_day() }),
    ];
    (period, 0_usize..3, 1_i64..4, option::of(0_i64..6)).prop_map(|(told, campaign, version, minute)| Told {
        campaign: ["c-1", "c-2", "c-3"][campaign],
        partner: ["p-1", "p-1", "p-2"][campaign],
        currency: ["USD", "EUR", "USD"][campaign],
        version,
        minute,
        spend_minor: 1_000 * minute.unwrap_or(9) + 100 * version + 7 * i64::try_from(campaign).unwrap(),
        ..told
    })
}

/// All that can be seen, without how often something changed.
async fn seen(app: &TestApp) -> Vec<Value> {
    let mut seen = Vec::new();
    for list in
        ["campaigns", "campaigns?granularity=DAILY", "campaigns?period=2025-01", "partners", "overview"]
    {
        seen.extend(app.all(&format!("/v1/analytics/{list}")).await);
    }
    for path in ["campaigns/c-1", "campaigns/c-2", "partners/p-1", "partners/p-2"] {
        seen.push(app.get(&format!("/v1/analytics/{path}")).await.1);
    }
    for period in ["2025-01", "2025-01-15", "2025-01-15--2025-01-16"] {
        let (_, mut report) = app.get(&format!("/v1/analytics/campaigns/c-1/periods/{period}")).await;
        report["revision"].take();
        seen.push(report);
    }
    seen
}

/// Accepts S2-PRP-2.
#[tokio::test(flavor = "multi_thread")]
async fn order_and_repetition_do_not_matter() {
    on_each_database(async |app| {
        let mut runner = TestRunner::new(Config::default());
        for _ in 0..CASES {
            let (reports, by) =
                (vec(report(), 1..12), any::<Index>()).new_tree(&mut runner).unwrap().current();
            let mut turned = reports.clone();
            turned.rotate_left(by.index(reports.len()));
            turned.reverse();
            turned.extend(reports.clone());
            let mut shown = Vec::new();
            for order in [&reports, &turned] {
                app.forget().await;
                for told in order {
                    app.told(told).await;
                }
                shown.push(seen(&app).await);
            }
            assert_eq!(shown[1], shown[0], "{reports:?} and {turned:?}");
        }
    })
    .await;
}
