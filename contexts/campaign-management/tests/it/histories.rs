//! Random histories of spend, corrections, budgets and pauses: what is stored is what a fold of them says.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hexalpes_kernel::{Clock as _, Timestamp};
use proptest::test_runner::{Config, TestRunner};
use proptest::{prelude::*, strategy::ValueTree as _};
use serde_json::{Value, json};

use crate::support::{TestApp, on_each_database};

const CASES: u32 = 12;
const KINDS: [&str; 3] = ["DAILY", "TOTAL", "LIFETIME"];
const LEVELS: [(&str, i64); 3] = [("WARNING", 80), ("CRITICAL", 95), ("EXHAUSTED", 100)];
const DAY_MICROS: i64 = 24 * 3_600 * 1_000_000;

#[derive(Clone, Debug)]
enum Step {
    /// So many minor units, so many days ago; the name repeats where the number does.
    Spend {
        name: u8,
        minor: i64,
        days_ago: i64,
    },
    Correct {
        name: u8,
        of: u8,
        minor: i64,
    },
    Budget {
        kind: usize,
        minor: i64,
    },
    Pause,
    Resume,
    Later {
        hours: u64,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0_u8..24, 1_i64..4_000, 0_i64..3).prop_map(|(name, minor, days_ago)| Step::Spend { name, minor, days_ago }),
        3 => (0_u8..12, 0_u8..24, 0_i64..4_000).prop_map(|(name, of, minor)| Step::Correct { name, of, minor }),
        3 => (0_usize..3, 1_000_i64..12_000).prop_map(|(kind, minor)| Step::Budget { kind, minor }),
        1 => Just(Step::Pause),
        2 => Just(Step::Resume),
        2 => (1_u64..30).prop_map(|hours| Step::Later { hours }),
    ];
    prop::collection::vec(step, 5..30)
}

/// The same by a fold over what was done.
#[derive(Default)]
struct Model {
    began: i64,
    /// By name: day, and what it came to.
    spends: BTreeMap<u8, (i64, i64)>,
    told: BTreeMap<String, Value>,
    budgets: BTreeMap<usize, (u32, i64)>,
    alerts: BTreeSet<String>,
    held: Option<i64>,
    exhausted: Option<i64>,
}

impl Model {
    fn on(&self, day: i64) -> i64 {
        self.spends.values().filter(|(of, _)| *of == day).map(|(_, minor)| minor).sum()
    }

    fn sum(&self) -> i64 {
        self.spends.values().map(|(_, minor)| minor).sum()
    }

    fn look(&mut self, now: i64, late: Option<i64>) {
        let today = now.div_euclid(DAY_MICROS);
        let mut is_exhausted = false;
        for (kind, (version, limit)) in self.budgets.clone() {
            let spent = if kind == 0 { self.on(today) } else { self.sum() };
            is_exhausted |= spent >= limit;
            self.reach(kind, version, limit, spent, today);
            if let (0, Some(day)) = (kind, late.filter(|day| *day < today)) {
                self.reach(kind, version, limit, self.on(day), day);
            }
        }
        self.exhausted = is_exhausted.then(|| self.exhausted.unwrap_or(now));
    }

    fn reach(&mut self, kind: usize, version: u32, limit: i64, spent: i64, day: i64) {
        for (level, percent) in LEVELS {
            if spent * 100 >= limit * percent {
                let day = if kind == 0 { day } else { 0 };
                self.alerts.insert(format!("{} {version} {level} {day}", KINDS[kind]));
            }
        }
    }

    fn status(&self) -> (&'static str, Value) {
        match (self.held, self.exhausted) {
            (Some(_), _) => ("PAUSED", json!("PERSON")),
            (None, Some(_)) => ("PAUSED", json!("BUDGET")),
            (None, None) => ("ACTIVE", Value::Null),
        }
    }

    fn paused_since(&self) -> Option<i64> {
        self.held.into_iter().chain(self.exhausted).min()
    }
}

/// Does a step, and tells whether its answer is what the model expects.
async fn step(app: &TestApp, id: &str, model: &mut Model, step: &Step) {
    let now = app.edge.now().as_micros();
    match step {
        Step::Spend { name, minor, days_ago } => {
            let at = now - days_ago * DAY_MICROS;
            let occurred_at = Timestamp::from_micros(at).unwrap().to_string();
            let (name, text) = (*name, format!("s{name}"));
            let body =
                json!({ "spend_id": text, "amount": minor, "currency": "JPY", "occurred_at": occurred_at });
            let (status, answer) = app.post(&format!("/v1/campaigns/{id}/spend"), &body).await;
            let expected = match model.told.get(&text) {
                Some(told) if *told == body => 200,
                Some(_) => 409,
                None if at.div_euclid(DAY_MICROS) < model.began => 409,
                None if model.paused_since().is_some_and(|since| at >= since) => 409,
                None => 201,
            };
            assert_eq!(status, expected, "{step:?}: {answer}");
            if status == 201 {
                model.told.insert(text, body);
                let day = at.div_euclid(DAY_MICROS);
                model.spends.insert(name, (day, *minor));
                model.look(now, Some(day));
            }
        }
        Step::Correct { name, of, minor } => {
            let text = format!("c{name}");
            let body = json!({ "spend_id": text, "amount": minor, "corrects": format!("s{of}") });
            let (status, answer) = app.post(&format!("/v1/campaigns/{id}/spend"), &body).await;
            let expected = match (model.told.get(&text), model.spends.get(of)) {
                (Some(told), _) if *told == body => 200,
                (Some(_), _) => 409,
                (None, None) => 422,
                (None, Some(_)) => 201,
            };
            assert_eq!(status, expected, "{step:?}: {answer}");
            if status == 201 {
                model.told.insert(text, body);
                let spend = model.spends.get_mut(of).unwrap();
                spend.1 = *minor;
                let day = spend.0;
                model.look(now, Some(day));
            }
        }
        Step::Budget { kind, minor } => {
            let body = json!({ "kind": KINDS[*kind], "limit": minor });
            let (status, answer) = app.put(&format!("/v1/campaigns/{id}/budget"), &body).await;
            assert!([200, 201].contains(&status), "{answer}");
            let budget = model.budgets.entry(*kind).or_insert((0, 0));
            if budget.1 != *minor {
                *budget = (budget.0 + 1, *minor);
                model.look(now, None);
            }
        }
        Step::Pause => {
            app.verb(id, "pause", &json!({ "reason": "x" })).await;
            model.held.get_or_insert(now);
        }
        Step::Resume => {
            let (status, _) = app.verb(id, "resume", &Value::Null).await;
            assert_eq!(status, if model.exhausted.is_some() { 409 } else { 200 });
            if model.exhausted.is_none() {
                model.held = None;
            }
        }
        Step::Later { hours } => {
            app.later(Duration::from_hours(*hours)).await;
            model.look(app.edge.now().as_micros(), None);
        }
    }
}

/// Accepts S2-PRP-2.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_spend_is_a_fold_alerts_come_once_and_the_pause_follows_from_both() {
    on_each_database(async |app| {
        let mut runner = TestRunner::new(Config::default());
        for _ in 0..CASES {
            let steps = steps().new_tree(&mut runner).unwrap().current();
            let id = app
                .drafted(&json!({ "currency": "JPY", "start_date": "2025-01-15", "end_date": "2025-12-31",
                    "budgets": [{ "kind": "LIFETIME", "limit": 9_000 }] }))
                .await;
            app.verb(&id, "activate", &Value::Null).await;
            let began = app.edge.now().as_micros().div_euclid(DAY_MICROS);
            let mut model = Model { began, ..Model::default() };
            model.budgets.insert(2, (1, 9_000));
            for one in &steps {
                step(&app, &id, &mut model, one).await;
                let (status, by) = model.status();
                assert_eq!(app.status(&id).await, (status.to_owned(), by), "after {one:?} of {steps:?}");
            }
            let (_, campaign) = app.get(&format!("/v1/campaigns/{id}")).await;
            assert_eq!(campaign["spent_minor"], model.sum(), "{steps:?}");
            let alerts = app.events_of("BudgetAlert").await;
            let told: Vec<String> =
                alerts.iter().filter(|alert| alert["campaign_id"] == id.as_str()).map(name).collect();
            assert_eq!(told.len(), model.alerts.len(), "each once: {told:?} {steps:?}");
            assert_eq!(told.into_iter().collect::<BTreeSet<_>>(), model.alerts, "{steps:?}");
        }
    })
    .await;
}

fn name(alert: &Value) -> String {
    let status = &alert["budget_status"];
    let day = status["day"].as_str().map_or(0, |day| {
        Timestamp::parse(&format!("{day}T00:00:00Z")).unwrap().as_micros().div_euclid(DAY_MICROS)
    });
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    format!("{} {} {} {day}", text(&status["kind"]), status["version"], text(&alert["alert_type"]))
}
