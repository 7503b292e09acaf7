//! Each event's JSON fits its Avro schema, and neither has a field that the other lacks.

use std::collections::BTreeSet;

use apache_avro::types::Value;
use apache_avro::{Reader, Schema, Writer};
use hexalpes_contracts::{
    affiliates,
    commissions::{
        CommissionApproved, CommissionCalculated, CommissionChange, CommissionRerated, Event, PayoutChange,
        PayoutLineFailed, PayoutLineSettled,
    },
    conversions::{self, ConversionRecorded, ConversionRefunded},
};
use serde_json::value::RawValue;

fn number(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).unwrap()
}

fn calculated(campaign: Option<&str>) -> Event {
    Event::CommissionCalculated(CommissionCalculated {
        commission_id: "019a0000-0000-7000-8000-000000000001".into(),
        conversion_id: "conv-1".into(),
        affiliate_id: "aff-1".into(),
        campaign_id: campaign.map(str::to_owned),
        gross_amount: number("120.50"),
        gross_amount_minor: 12_050,
        commission_amount: number("12.05"),
        commission_amount_minor: 1_205,
        currency: "USD".into(),
        rate: number("10"),
        rate_source: "program".into(),
        rule: "default".into(),
        rule_version: 1,
        rule_slot: "default".into(),
        status: "CALCULATED".into(),
        calculated_at: "2025-01-15T10:30:00Z".into(),
    })
}

fn approved() -> Event {
    Event::CommissionApproved(CommissionApproved {
        commission_id: "019a0000-0000-7000-8000-000000000001".into(),
        conversion_id: "conv-1".into(),
        affiliate_id: "aff-1".into(),
        campaign_id: None,
        commission_amount: number("12.05"),
        commission_amount_minor: 1_205,
        currency: "USD".into(),
        status: "APPROVED".into(),
        approved_at: "2025-01-15T10:30:00Z".into(),
    })
}

/// A JSON value as Avro would have it: whole numbers are longs.
fn avro(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(truth) => Value::Boolean(*truth),
        serde_json::Value::String(text) => Value::String(text.clone()),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(whole) => Value::Long(whole),
            None => Value::Double(number.as_f64().unwrap()),
        },
        other => panic!("no event has {other} in it"),
    }
}

fn assert_fits(kind: &str, data: &RawValue, schema: &str) {
    let schema = Schema::parse_str(schema).unwrap();
    let json: serde_json::Value = serde_json::from_str(data.get()).unwrap();
    let Schema::Record(record) = &schema else { panic!("an event's schema is a record") };
    let declared: BTreeSet<&str> = record.fields.iter().map(|field| field.name.as_str()).collect();
    let sent: BTreeSet<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(declared, sent);
    assert!(kind.ends_with(&format!(".{}", record.name.name())), "{kind}");

    let fields = json.as_object().unwrap().iter().map(|(name, value)| (name.clone(), avro(value)));
    let value = Value::Record(fields.collect()).resolve(&schema).unwrap();
    let mut writer = Writer::new(&schema, Vec::new()).unwrap();
    writer.append_value(value.clone()).unwrap();
    let bytes = writer.into_inner().unwrap();
    let read: Vec<Value> = Reader::new(&bytes[..]).unwrap().map(Result::unwrap).collect();
    assert_eq!(read, [value]);
}

#[test]
fn commission_calculated_fits_its_schema() {
    let schema = include_str!("../../../schemas/commissions/CommissionCalculated.v1.avsc");
    for event in [calculated(Some("cmp-1")), calculated(None)] {
        assert_fits(event.kind(), &event.data(), schema);
    }
}

#[test]
fn commission_approved_fits_its_schema() {
    let schema = include_str!("../../../schemas/commissions/CommissionApproved.v1.avsc");
    assert_fits(approved().kind(), &approved().data(), schema);
}

macro_rules! fits {
    ($($event:ident of $made:expr),* $(,)?) => {$(
        let event = Event::$event($made);
        let schema =
            include_str!(concat!("../../../schemas/commissions/", stringify!($event), ".v1.avsc"));
        assert_fits(event.kind(), &event.data(), schema);
    )*};
}

fn settled() -> PayoutLineSettled {
    PayoutLineSettled {
        payout_id: "pay_1".into(),
        program_id: "default".into(),
        affiliate_id: "aff-1".into(),
        line_number: 1,
        currency: "USD".into(),
        method: "webhook".into(),
        amount: number("12.50"),
        amount_minor: 1250,
        commission_count: 3,
        settled_at: "2025-01-15T10:30:00Z".into(),
    }
}

#[test]
fn changes_of_commissions_and_payouts_fit_their_schemas() {
    let change = || CommissionChange {
        commission_id: "com_1".into(),
        conversion_id: "conv-1".into(),
        affiliate_id: "aff-1".into(),
        campaign_id: None,
        amount: number("2.05"),
        amount_minor: 205,
        remaining_amount: number("10.50"),
        remaining_amount_minor: 1_050,
        currency: "USD".into(),
        status: "HELD".into(),
        reason: Some("the customer called".into()),
        held_until: Some("2025-02-15T10:30:00Z".into()),
        payout_id: Some("pay_1".into()),
        changed_at: "2025-01-15T10:30:00Z".into(),
    };
    let rerated = CommissionRerated {
        commission_id: "com_1".into(),
        conversion_id: "conv-1".into(),
        affiliate_id: "aff-1".into(),
        campaign_id: None,
        rerating_id: "rer_1".into(),
        previous_amount: number("12.05"),
        previous_amount_minor: 1_205,
        commission_amount: number("10"),
        commission_amount_minor: 1_000,
        difference: number("-2.05"),
        difference_minor: -205,
        remaining_amount: number("10"),
        remaining_amount_minor: 1_000,
        currency: "USD".into(),
        rate: number("8.3"),
        rate_source: "rule".into(),
        rule: "rul_1".into(),
        rule_version: 2,
        status: "APPROVED".into(),
        reason: Some("the rule was wrong".into()),
        changed_at: "2025-01-15T10:30:00Z".into(),
    };
    let payout = || PayoutChange {
        payout_id: "pay_1".into(),
        program_id: "default".into(),
        currency: "USD".into(),
        method: "file".into(),
        status: "SETTLED".into(),
        total_amount: number("10.50"),
        total_amount_minor: 1_050,
        settled_amount: number("10"),
        settled_amount_minor: 1_000,
        failed_amount: number("0.50"),
        failed_amount_minor: 50,
        line_count: 2,
        reason: None,
        changed_at: "2025-01-15T10:30:00Z".into(),
    };
    let line = PayoutLineFailed {
        payout_id: "pay_1".into(),
        program_id: "default".into(),
        affiliate_id: "aff-1".into(),
        line_number: 2,
        currency: "USD".into(),
        method: "file".into(),
        amount: number("0.50"),
        amount_minor: 50,
        reason: "the account is closed".into(),
        failed_at: "2025-01-15T10:30:00Z".into(),
    };
    fits!(
        CommissionHeld of change(),
        CommissionReleased of change(),
        CommissionRejected of change(),
        CommissionReversed of change(),
        CommissionPaid of change(),
        CommissionClawedBack of CommissionChange { held_until: None, ..change() },
        CommissionRerated of rerated,
        PayoutCreated of payout(),
        PayoutLineSettled of settled(),
        PayoutSettled of payout(),
        PayoutLineFailed of line,
        PayoutFailed of payout(),
    );
}

fn recorded() -> ConversionRecorded {
    ConversionRecorded {
        conversion_id: "conv-1".into(),
        affiliate_id: "aff-1".into(),
        campaign_id: None,
        gross_amount: number("120.50"),
        gross_amount_minor: 12_050,
        currency: "USD".into(),
        occurred_at: "2025-01-15T10:30:00Z".into(),
        program_id: "default".into(),
        conversion_type: "sale".into(),
        program_revision: 1,
        affiliate_revision: 3,
        product_id: Some("shoe".into()),
        country: Some("CO".into()),
        new_customer: Some(true),
        attribution: "last_click".into(),
        recorded_at: "2025-01-15T10:30:01Z".into(),
    }
}

#[test]
fn conversion_events_fit_their_schemas() {
    let recorded = conversions::Event::ConversionRecorded(recorded());
    let schema = include_str!("../../../schemas/conversions/ConversionRecorded.v1.avsc");
    assert_fits(recorded.kind(), &recorded.data(), schema);
    let refunded = conversions::Event::ConversionRefunded(ConversionRefunded {
        conversion_id: "conv-1".into(),
        refund_id: "ref-1".into(),
        affiliate_id: "aff-1".into(),
        program_id: "default".into(),
        refund_amount: number("20.50"),
        refund_amount_minor: 2_050,
        refunded_total: number("20.50"),
        refunded_total_minor: 2_050,
        currency: "USD".into(),
        reason: None,
        refunded_at: "2025-01-16T10:30:00Z".into(),
    });
    let schema = include_str!("../../../schemas/conversions/ConversionRefunded.v1.avsc");
    assert_fits(refunded.kind(), &refunded.data(), schema);
}

/// What a producer wrote before there were programs.
#[test]
fn a_conversion_without_the_later_fields_is_one_of_the_default_program() {
    let older = r#"{"conversion_id":"c","affiliate_id":"a","campaign_id":null,"gross_amount":1,"gross_amount_minor":100,
        "currency":"USD","occurred_at":"2025-01-15T10:30:00Z"}"#;
    let read: ConversionRecorded = serde_json::from_str(older).unwrap();
    assert_eq!((read.program_id.as_str(), read.program_revision), ("default", 0));
    assert_eq!((read.conversion_type.as_str(), read.attribution.as_str()), ("sale", "explicit"));
}

#[test]
fn affiliate_events_fit_their_schemas() {
    use affiliates::{Affiliate, Event, Link, Program};
    let program = || Program {
        program_id: "default".into(),
        revision: 1,
        name: "Default".into(),
        currency: "USD".into(),
        default_rate: number("10"),
        hold_seconds: 0,
        auto_approve: true,
        attribution: "last_click".into(),
        attribution_window_seconds: 2_592_000,
        status: "ACTIVE".into(),
        valid_from: "2025-01-15T10:30:00Z".into(),
    };
    let affiliate = || Affiliate {
        affiliate_id: "af_1".into(),
        revision: 1,
        program_id: "default".into(),
        affiliate_type: "premium".into(),
        base_rate: Some(number("15")),
        premium_rate: None,
        rates_valid_from: "2025-01-15T10:30:00Z".into(),
        code: "JUAN10".into(),
        country: Some("CO".into()),
        status: "ACTIVE".into(),
        reason: None,
        payout_sealed: Some("v1.AAAA".into()),
        changed_at: "2025-01-15T10:30:00Z".into(),
    };
    let link = Link {
        link_id: "link_1".into(),
        affiliate_id: "af_1".into(),
        program_id: "default".into(),
        campaign_id: None,
        slug: "abc".into(),
        destination: "https://example.com/".into(),
        created_at: "2025-01-15T10:30:00Z".into(),
    };
    for (event, schema) in [
        (
            Event::ProgramCreated(program()),
            include_str!("../../../schemas/affiliates/ProgramCreated.v1.avsc"),
        ),
        (
            Event::ProgramUpdated(program()),
            include_str!("../../../schemas/affiliates/ProgramUpdated.v1.avsc"),
        ),
        (
            Event::AffiliateRegistered(affiliate()),
            include_str!("../../../schemas/affiliates/AffiliateRegistered.v1.avsc"),
        ),
        (
            Event::AffiliateUpdated(affiliate()),
            include_str!("../../../schemas/affiliates/AffiliateUpdated.v1.avsc"),
        ),
        (
            Event::AffiliateSuspended(affiliate()),
            include_str!("../../../schemas/affiliates/AffiliateSuspended.v1.avsc"),
        ),
        (
            Event::AffiliateReactivated(affiliate()),
            include_str!("../../../schemas/affiliates/AffiliateReactivated.v1.avsc"),
        ),
        (
            Event::AffiliateTerminated(affiliate()),
            include_str!("../../../schemas/affiliates/AffiliateTerminated.v1.avsc"),
        ),
        (Event::LinkCreated(link), include_str!("../../../schemas/affiliates/LinkCreated.v1.avsc")),
    ] {
        assert_fits(event.kind(), &event.data(), schema);
        let bare = event.kind().strip_prefix(affiliates::NAMESPACE).unwrap();
        assert!(matches!(affiliates::Told::read(bare, event.data().get().as_bytes()), Some(Ok(_))));
    }
}

/// Accepts C-13.
#[test]
fn an_amount_is_written_with_the_decimals_it_was_made_with() {
    let data = calculated(None).data();
    assert!(data.get().contains(r#""gross_amount":120.50,"#), "{data}");
}
