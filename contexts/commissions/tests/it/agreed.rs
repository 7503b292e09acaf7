//! Under which terms a commission is calculated: those that the conversion was recorded under, whenever they are heard of.

use http::StatusCode;
use serde_json::{Value, json};

use crate::messages::{Stage, command, on_each_stage, recorded};
use crate::support::a_conversion;
use hexalpes_commissions::CONVERSIONS_TOPIC;

const AFFILIATES_TOPIC: &str = hexalpes_contracts::affiliates::TOPIC;
const RECORDED: &str = "com.hexabuilders.conversions.ConversionRecorded";

/// As the affiliates context tells it; `rates` hold from a time on.
fn affiliate(revision: u32, premium: i64, valid_from: &str) -> Value {
    json!({
        "affiliate_id": "aff-1",
        "revision": revision,
        "program_id": "default",
        "affiliate_type": "premium",
        "base_rate": 15,
        "premium_rate": premium,
        "rates_valid_from": valid_from,
        "code": "JUAN",
        "country": "CO",
        "status": "ACTIVE",
        "reason": null,
        "payout_sealed": null,
        "changed_at": "2025-01-10T00:00:00Z",
    })
}

fn program(revision: u32, rate: i64, hold_seconds: u64) -> Value {
    json!({
        "program_id": "winter",
        "revision": revision,
        "name": "Default",
        "currency": "USD",
        "default_rate": rate,
        "hold_seconds": hold_seconds,
        "auto_approve": true,
        "attribution": "explicit",
        "attribution_window_seconds": 60,
        "status": "ACTIVE",
        "valid_from": "2025-01-01T00:00:00Z",
    })
}

fn under(conversion: &str, program: u32, affiliate: u32) -> Value {
    let mut event = recorded(conversion);
    (event["program_revision"], event["affiliate_revision"]) = (json!(program), json!(affiliate));
    event["program_id"] = json!("winter");
    event
}

async fn tell(stage: &Stage, id: &str, kind: &str, data: &Value) {
    let kind = format!("com.hexabuilders.affiliates.{kind}");
    stage.send(AFFILIATES_TOPIC, command(id, &kind, data)).await;
}

/// What is found of a conversion: rate, source, minor units, status.
async fn found(stage: &Stage, conversion: &str) -> (Value, Value, Value, Value) {
    let (status, found) = stage.app.by_conversion(conversion).await;
    assert_eq!(status, StatusCode::OK, "{found}");
    (
        found["rate"].clone(),
        found["explanation"]["inputs"]["rateSource"].clone(),
        found["commissionAmountMinor"].clone(),
        found["status"].clone(),
    )
}

/// Accepts S4-BEH-6, C-12, S2-PRP-2.
#[tokio::test(flavor = "multi_thread")]
async fn a_commission_is_at_the_affiliates_rate_in_whatever_order_the_events_come_and_how_often() {
    on_each_stage(async |stage| {
        let twice = async |id: &str, kind: &str, data: &Value| {
            for _ in 0..2 {
                tell(stage, id, kind, data).await;
            }
        };
        // The conversion comes first, twice, and waits.
        for _ in 0..2 {
            stage.send(CONVERSIONS_TOPIC, command("c-1", RECORDED, &under("conv-1", 1, 1))).await;
        }
        stage.until("conversions", |status| status.repeated > 0).await;
        assert_eq!(stage.app.commissions().await, 0);
        twice("a-1", "AffiliateRegistered", &affiliate(1, 20, "2025-01-10T00:00:00Z")).await;
        twice("p-1", "ProgramCreated", &program(1, 10, 0)).await;
        stage.until("conversions", |status| status.handled + status.duplicates == 2).await;
        // The other order.
        for _ in 0..2 {
            stage.send(CONVERSIONS_TOPIC, command("c-2", RECORDED, &under("conv-2", 1, 1))).await;
        }
        stage.until("conversions", |status| status.handled + status.duplicates == 4).await;
        let expected = (json!(20), json!("affiliate"), json!(2410), json!("APPROVED"));
        assert_eq!(found(stage, "conv-1").await, expected);
        assert_eq!(found(stage, "conv-2").await, expected);
        assert_eq!((stage.app.commissions().await, stage.app.events().await.len()), (2, 4));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rate_is_the_one_that_held_when_the_customer_bought() {
    on_each_stage(async |stage| {
        tell(stage, "p-1", "ProgramCreated", &program(1, 10, 0)).await;
        // The rates of the second revision hold only after the purchase of 2025-01-15T10:30:00Z.
        tell(stage, "a-2", "AffiliateUpdated", &affiliate(2, 30, "2025-01-15T11:00:00Z")).await;
        stage.until("affiliates", |status| status.handled == 2).await;
        // Known in revision 2 alone, it may not be decided yet.
        stage.send(CONVERSIONS_TOPIC, command("c-1", RECORDED, &under("conv-1", 1, 2))).await;
        stage.until("conversions", |status| status.repeated > 0).await;
        tell(stage, "a-1", "AffiliateRegistered", &affiliate(1, 20, "2025-01-10T00:00:00Z")).await;
        stage.until("conversions", |status| status.handled == 1).await;
        assert_eq!(found(stage, "conv-1").await.0, json!(20));

        let mut early = under("conv-early", 1, 2);
        early["occurred_at"] = json!("2024-12-31T00:00:00Z");
        let mut late = under("conv-late", 1, 2);
        late["occurred_at"] = json!("2025-01-15T11:00:00Z");
        let older = under("conv-older", 1, 1);
        for (id, event) in [("c-2", &early), ("c-3", &late), ("c-4", &older)] {
            stage.send(CONVERSIONS_TOPIC, command(id, RECORDED, event)).await;
        }
        stage.until("conversions", |status| status.handled == 4).await;
        for (conversion, rate) in [("conv-early", 20), ("conv-late", 30), ("conv-older", 20)] {
            assert_eq!(found(stage, conversion).await.0, json!(rate), "{conversion}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_programs_terms_are_those_of_the_revision_that_the_conversion_names() {
    on_each_stage(async |stage| {
        tell(stage, "p-2", "ProgramUpdated", &program(2, 5, 3600)).await;
        tell(stage, "p-1", "ProgramCreated", &program(1, 12, 0)).await;
        stage.until("affiliates", |status| status.handled == 2).await;
        for (id, conversion, revision) in [("c-1", "conv-1", 1), ("c-2", "conv-2", 2), ("c-0", "conv-0", 0)] {
            let event = under(conversion, revision, 0);
            stage.send(CONVERSIONS_TOPIC, command(id, RECORDED, &event)).await;
        }
        stage.until("conversions", |status| status.handled == 3).await;
        let of = |rate, minor, status| (json!(rate), json!("program"), json!(minor), json!(status));
        assert_eq!(found(stage, "conv-1").await, of(12, 1446, "APPROVED"));
        // 120.50 × 5 % is a tie, and 6.02 is the even one.
        assert_eq!(found(stage, "conv-2").await, of(5, 602, "HELD"));
        assert_eq!(found(stage, "conv-0").await, of(5, 602, "HELD"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_default_program_is_known_before_anything_is_told_of_it() {
    on_each_stage(async |stage| {
        let mut event = recorded("conv-1");
        event["program_revision"] = json!(1);
        stage.send(CONVERSIONS_TOPIC, command("c-1", RECORDED, &event)).await;
        stage.until("conversions", |status| status.handled == 1).await;
        assert_eq!(
            found(stage, "conv-1").await,
            (json!(10), json!("program"), json!(1205), json!("APPROVED"))
        );
    })
    .await;
}

/// Accepts C-12.
#[tokio::test(flavor = "multi_thread")]
async fn a_commission_that_is_asked_for_is_at_the_affiliates_newest_rate_too() {
    on_each_stage(async |stage| {
        tell(stage, "a-1", "AffiliateRegistered", &affiliate(1, 20, "2025-01-10T00:00:00Z")).await;
        stage.until("affiliates", |status| status.handled == 1).await;
        let (_, calculated) = stage.app.calculate(&a_conversion("conv-1")).await;
        assert_eq!(calculated["rate"], json!(20));
        let steps = &calculated["explanation"]["steps"];
        assert_eq!(steps[1], json!({ "step": "passed_over_rate", "source": "program", "rate": 10 }));

        let mut asking = a_conversion("conv-2");
        asking["rate"] = json!(15);
        let (_, calculated) = stage.app.calculate(&asking).await;
        assert_eq!(calculated["explanation"]["inputs"]["rateSource"], "request");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_of_an_affiliate_becomes_a_dead_letter_that_names_the_field() {
    on_each_stage(async |stage| {
        let mut wrong = affiliate(1, 20, "2025-01-10T00:00:00Z");
        wrong["premium_rate"] = json!(101);
        tell(stage, "a-1", "AffiliateRegistered", &wrong).await;
        let status = stage.until("affiliates", |status| status.dead_letters == 1).await;
        let letter = status.last_dead_letter.unwrap();
        assert!(letter.contains("premium_rate: must be between 0 and 100 percent"), "{letter}");
    })
    .await;
}
