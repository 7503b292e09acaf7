//! Each event's JSON fits its Avro schema, and neither has a field that the other lacks.

use std::collections::BTreeSet;

use apache_avro::types::Value;
use apache_avro::{Reader, Schema, Writer};
use hexalpes_contracts::{
    commissions::{CommissionApproved, CommissionCalculated, Event},
    conversions::ConversionRecorded,
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

#[test]
fn conversion_recorded_fits_its_schema() {
    let event = ConversionRecorded {
        conversion_id: "conv-1".into(),
        affiliate_id: "aff-1".into(),
        campaign_id: None,
        gross_amount: number("120.50"),
        gross_amount_minor: 12_050,
        currency: "USD".into(),
        occurred_at: "2025-01-15T10:30:00Z".into(),
    };
    let schema = include_str!("../../../schemas/conversions/ConversionRecorded.v1.avsc");
    assert_fits(ConversionRecorded::KIND, &serde_json::value::to_raw_value(&event).unwrap(), schema);
}

/// Accepts C-13.
#[test]
fn an_amount_is_written_with_the_decimals_it_was_made_with() {
    let data = calculated(None).data();
    assert!(data.get().contains(r#""gross_amount":120.50,"#), "{data}");
}
