//! What the other contexts tell leads to the same, however often and in whatever order it comes; also before the
//! partner is known.

use hexalpes_db::Tx;
use hexalpes_kernel::{Actor, CausationId, Cause, Clock as _, CorrelationId, Edge, Email};
use hexalpes_partner_management::commands::{RegisterPartner, register};
use hexalpes_partner_management::domain::{
    ContractType, Json, PartnerId, PartnerType, Registration, RegistrationSource,
};
use proptest::strategy::{Strategy, ValueTree as _};
use proptest::test_runner::{Config, TestRunner};
use proptest::{prelude::any, prop_oneof};
use serde_json::{Value, json};
use std::sync::Arc;

use crate::support::{
    TestApp, activated, alerted, ended, hired, matched, on_each_database, reported, signed,
};

const CASES: u32 = 100;

/// Something that is told of a partner; what it says follows from its numbers, so that two that are equal say the
/// same.
#[derive(Clone, Debug)]
enum Tale {
    Signed(u8),
    Activated(u8),
    Ended(u8),
    Matched(u8),
    Hired(u8),
    Reported(u8, u8),
    Alerted(u8),
}

fn tale() -> impl Strategy<Value = Tale> {
    prop_oneof![
        (0_u8..2).prop_map(Tale::Signed),
        (0_u8..2).prop_map(Tale::Activated),
        (0_u8..2).prop_map(Tale::Ended),
        (0_u8..3).prop_map(Tale::Matched),
        (0_u8..4).prop_map(Tale::Hired),
        (0_u8..2, 1_u8..5).prop_map(|(campaign, month)| Tale::Reported(campaign, month)),
        (0_u8..4).prop_map(Tale::Alerted),
    ]
}

impl Tale {
    /// As it is told in one of the worlds, which know nothing of each other.
    fn event(&self, world: &str) -> (&'static str, Value) {
        let partner = format!("partner-{world}");
        match self {
            Self::Signed(n) => signed(&format!("c{n}-{world}"), &partner),
            Self::Activated(n) => activated(&format!("c{n}-{world}"), &partner),
            Self::Ended(n) => ended(&format!("c{n}-{world}"), &partner),
            Self::Matched(n) => matched(&format!("m{n}-{world}"), &partner, None),
            Self::Hired(n) => {
                let mut event = hired(&format!("h{n}-{world}"), &partner, None, 7 * i64::from(*n) - 3);
                if n.is_multiple_of(2) {
                    event.1["recruitment_cost_currency"] = json!("EUR");
                }
                event
            }
            Self::Reported(campaign, month) => {
                let end = format!("2025-0{month}-01");
                reported(&format!("r{month}-{world}"), &partner, &format!("camp{campaign}-{world}"), &end)
            }
            Self::Alerted(n) => {
                let mut event = alerted(&format!("a{n}-{world}"), &partner, i64::from(*n) / 2);
                event.1["campaign_id"] = json!(format!("camp0-{world}"));
                event
            }
        }
    }
}

impl TestApp {
    async fn register_as(&self, world: &str) {
        let registration = Registration {
            business_name: "TechSolutions Inc".to_owned(),
            email: Email::parse(&format!("{world}@x.co")).unwrap(),
            kind: PartnerType::Startup,
            preferred_contract: ContractType::Premium,
            source: RegistrationSource::Api,
            data: Json::kept("{}"),
        };
        let id = PartnerId::parse(&format!("partner-{world}")).unwrap();
        let command = RegisterPartner { id, registration, documents: Vec::new() };
        let edge: Arc<dyn Edge> = self.edge.clone();
        let cause = Cause {
            correlation: CorrelationId::parse("CORR-1").unwrap(),
            causation: CausationId::parse("CMD-1").unwrap(),
            actor: Actor::parse("ana").unwrap(),
            at: self.edge.now(),
        };
        let partner = async move |tx: &Tx| register(tx, &*edge, command.clone(), &cause).await;
        self.db.write(partner).await.unwrap();
    }

    /// All that can be seen of a partner, without the name of its world.
    async fn seen(&self, world: &str) -> Vec<String> {
        let path = format!("/v1/partners/partner-{world}");
        let mut seen = Vec::new();
        for (path, sort) in [
            (path.clone(), false),
            (format!("{path}/metrics"), false),
            (format!("{path}/matches"), true),
            (format!("{path}/hires"), true),
            (format!("{path}/budget-alerts"), true),
        ] {
            let (status, mut body) = self.get(&path).await;
            assert_eq!(status, 200, "{body}");
            if sort {
                body = body["items"].take();
            }
            seen.push(body.to_string().replace(&format!("-{world}\""), "\"").replace(world, ""));
        }
        seen
    }
}

/// Accepts S2-PRP-2, C-14, C-15.
#[tokio::test(flavor = "multi_thread")]
async fn order_and_repetition_do_not_matter_and_nor_does_when_the_partner_registers() {
    on_each_database(async |app| {
        let mut runner = TestRunner::new(Config::default());
        for case in 0..CASES {
            let tales = proptest::collection::vec(tale(), 1..10);
            let (tales, by) =
                (tales, any::<proptest::sample::Index>()).new_tree(&mut runner).unwrap().current();
            let mut turned = tales.clone();
            turned.rotate_left(by.index(tales.len()));
            turned.reverse();
            let registers_at = by.index(turned.len());
            turned.extend(tales.clone());

            let (one, other) = (format!("w{case}a"), format!("w{case}b"));
            app.register_as(&one).await;
            for tale in &tales {
                app.told(tale.event(&one)).await;
            }
            for (place, tale) in turned.iter().enumerate() {
                if place == registers_at {
                    app.register_as(&other).await;
                }
                app.told(tale.event(&other)).await;
            }
            assert_eq!(app.seen(&other).await, app.seen(&one).await, "{tales:?} and {turned:?}");
        }
    })
    .await;
}
