//! What bad input gets: a problem that names the field, and nothing is stored.

use axum::body::Body;
use http::{Request, StatusCode, header};
use serde_json::{Value, json};

use crate::support::{TestApp, a_conversion, on_each_database};

const CALCULATE: &str = "/commissions/calculate";
const APPROVE: &str = "/commissions/approve";
const JSON: &str = "application/json";

/// The problem that a body gets, after a check that nothing is stored.
async fn refusal(app: &TestApp, path: &str, kind: &str, body: impl Into<Body>) -> (StatusCode, Value) {
    let request = Request::post(path).header(header::CONTENT_TYPE, kind).body(body.into()).unwrap();
    let (status, problem) = app.send(request).await;
    assert!(status.is_client_error(), "{path}: {status} {problem}");
    assert_eq!((app.commissions().await, app.events().await.len()), (0, 0), "{path}: {problem}");
    (status, problem)
}

/// A good body as text, with one field's JSON replaced, added, or left out.
fn with(good: &Value, field: &str, value: Option<&str>) -> String {
    let others = good.as_object().unwrap().iter().filter(|(name, _)| *name != field);
    let mut pairs: Vec<String> = others.map(|(name, value)| format!("\"{name}\":{value}")).collect();
    pairs.extend(value.map(|value| format!("\"{field}\":{value}")));
    format!("{{{}}}", pairs.join(","))
}

fn an_approval() -> Value {
    json!({ "commissionId": "com_1" })
}

/// What an id must not be, as JSON text, and the code that it gets.
fn bad_ids() -> Vec<(Option<String>, &'static str)> {
    let text = |id: &str| Some(json!(id).to_string());
    vec![
        (None, "missing_field"),
        (Some("null".to_owned()), "missing_field"),
        (Some("7".to_owned()), "wrong_type"),
        (Some("[\"a\"]".to_owned()), "wrong_type"),
        (Some("{}".to_owned()), "wrong_type"),
        (Some("\"\\ud800\"".to_owned()), "invalid_text"),
        (text(""), "invalid_id"),
        (text(" "), "invalid_id"),
        (text(" a"), "invalid_id"),
        (text("a\u{a0}"), "invalid_id"),
        (text("a\0b"), "invalid_id"),
        (text("a\nb"), "invalid_id"),
        (text("a\u{85}b"), "invalid_id"),
        (text(&"x".repeat(65)), "invalid_id"),
        (text(&"📡".repeat(64)), "invalid_id"),
    ]
}

/// One wrong field gets 422, its pointer and this code.
async fn field_is_refused(app: &TestApp, path: &str, good: &Value, field: &str, bad: (Option<&str>, &str)) {
    let (value, code) = bad;
    let (status, problem) = refusal(app, path, JSON, with(good, field, value)).await;
    let told = (status.as_u16(), &problem["code"]);
    assert_eq!(told, (422, &json!("invalid_request")), "{field}: {value:?}");
    let errors = problem["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{problem}");
    let told = (&errors[0]["pointer"], &errors[0]["code"]);
    assert_eq!(told, (&json!(format!("/{field}")), &json!(code)), "{value:?}");
}

/// Accepts C-13.
#[tokio::test(flavor = "multi_thread")]
async fn a_bad_amount_currency_or_rate_is_refused_by_name() {
    let table = [
        ("grossAmount", None, "missing_field"),
        ("grossAmount", Some("null"), "missing_field"),
        ("grossAmount", Some("-1"), "not_positive"),
        ("grossAmount", Some("-0.01"), "not_positive"),
        ("grossAmount", Some("0"), "not_positive"),
        ("grossAmount", Some("-0"), "not_positive"),
        ("grossAmount", Some("0.00"), "not_positive"),
        ("grossAmount", Some("0e9"), "not_positive"),
        ("grossAmount", Some("\"120.5\""), "wrong_type"),
        ("grossAmount", Some("\"NaN\""), "wrong_type"),
        ("grossAmount", Some("\"Infinity\""), "wrong_type"),
        ("grossAmount", Some("true"), "wrong_type"),
        ("grossAmount", Some("[1]"), "wrong_type"),
        ("grossAmount", Some("1e20"), "too_large"),
        ("grossAmount", Some("1e30"), "too_large"),
        ("grossAmount", Some("1e999999999"), "too_large"),
        ("grossAmount", Some("1.005"), "too_precise"),
        ("grossAmount", Some("1.000000000000000000000000001"), "too_precise"),
        ("grossAmount", Some("1e-3"), "too_precise"),
        ("grossAmount", Some("1e-40"), "too_precise"),
        ("currency", Some("\"XXY\""), "unknown_currency"),
        ("currency", Some("\"usd\""), "unknown_currency"),
        ("currency", Some("\"\""), "unknown_currency"),
        ("currency", Some("840"), "wrong_type"),
        ("rate", Some("100.01"), "invalid_rate"),
        ("rate", Some("-1"), "invalid_rate"),
        ("rate", Some("\"15\""), "wrong_type"),
    ];
    on_each_database(async |app| {
        for (field, value, code) in table {
            field_is_refused(&app, CALCULATE, &a_conversion("conv-1"), field, (value, code)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_yen_has_no_halves() {
    on_each_database(async |app| {
        let mut conversion = a_conversion("conv-1");
        conversion["currency"] = json!("JPY");
        field_is_refused(&app, CALCULATE, &conversion, "grossAmount", (Some("0.5"), "too_precise")).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_id_is_refused_by_name() {
    on_each_database(async |app| {
        for (value, code) in bad_ids() {
            let bad = (value.as_deref(), code);
            for field in ["conversionId", "affiliateId", "campaignId"] {
                field_is_refused(&app, CALCULATE, &a_conversion("conv-1"), field, bad).await;
            }
            field_is_refused(&app, APPROVE, &an_approval(), "commissionId", bad).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_field_is_refused_with_a_hint() {
    let table = [
        (CALCULATE, a_conversion("conv-1"), "grossAmmount", "did you mean grossAmount?"),
        (CALCULATE, a_conversion("conv-1"), "conversion_id", "did you mean conversionId?"),
        (CALCULATE, a_conversion("conv-1"), "Currency", "did you mean currency?"),
        (APPROVE, an_approval(), "commission_id", "did you mean commissionId?"),
        (APPROVE, an_approval(), "elephants", "known are commissionId"),
    ];
    on_each_database(async |app| {
        for (path, good, field, hint) in &table {
            field_is_refused(&app, path, good, field, (Some("1"), "unknown_field")).await;
            let (_, problem) = refusal(&app, path, JSON, with(good, field, Some("1"))).await;
            let message = problem["errors"][0]["message"].as_str().unwrap();
            assert!(message.contains(hint), "{message}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_wrong_is_told_at_once() {
    on_each_database(async |app| {
        let (_, problem) = refusal(&app, CALCULATE, JSON, r#"{"grossAmount":-1,"currency":""}"#).await;
        let errors = problem["errors"].as_array().unwrap();
        let mut pointers: Vec<&str> = errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect();
        pointers.sort_unstable();
        assert_eq!(pointers, ["/affiliateId", "/campaignId", "/conversionId", "/currency", "/grossAmount"]);
    })
    .await;
}

/// Each gets this status and this code, whatever the command.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_no_json_object_is_refused() {
    let in_conversion = |id: &[u8]| {
        let [before, after] = [&br#"{"conversionId":""#[..], br#"","grossAmount":1}"#];
        [before, id, after].concat()
    };
    let nested = format!("{{\"conversionId\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let table: Vec<(&str, Vec<u8>, u16, &str)> = vec![
        ("", in_conversion(b"a"), 415, "unsupported_media_type"),
        ("text/plain", in_conversion(b"a"), 415, "unsupported_media_type"),
        ("application/x-www-form-urlencoded", b"conversionId=a".into(), 415, "unsupported_media_type"),
        (JSON, b"".into(), 400, "malformed_json"),
        (JSON, br#"{"conversionId":"conv-1","grossAm"#.into(), 400, "malformed_json"),
        (JSON, br#"{"conversionId":"conv-1",}"#.into(), 400, "malformed_json"),
        (JSON, br#"{"grossAmount":NaN}"#.into(), 400, "malformed_json"),
        (JSON, br#"{"grossAmount":-Infinity}"#.into(), 400, "malformed_json"),
        (JSON, br#"{"grossAmount":0x10}"#.into(), 400, "malformed_json"),
        (JSON, br#"{"grossAmount":1.}"#.into(), 400, "malformed_json"),
        (JSON, nested.into(), 400, "malformed_json"),
        (JSON, in_conversion(b"\xff\xfe"), 400, "malformed_json"),
        (JSON, in_conversion(b"\xed\xa0\x80"), 400, "malformed_json"),
        (JSON, in_conversion(&b"a".repeat(10_000_000)), 413, "body_too_large"),
        (JSON, b"[]".into(), 422, "invalid_request"),
        (JSON, b"null".into(), 422, "invalid_request"),
        (JSON, b"\"conv-1\"".into(), 422, "invalid_request"),
    ];
    on_each_database(async |app| {
        for path in [CALCULATE, APPROVE] {
            for (kind, body, expected, code) in &table {
                let (status, problem) = refusal(&app, path, kind, body.clone()).await;
                let shown = String::from_utf8_lossy(&body[..body.len().min(40)]);
                assert_eq!((status.as_u16(), &problem["code"]), (*expected, &json!(code)), "{kind} {shown}");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_id_names_no_commission() {
    let too_long = "x".repeat(65);
    let paths = ["%20", "%20conv-1", "conv-1%C2%A0", "conv%00", "conv%0A1", &too_long, "%F0%9F%93%A1"];
    on_each_database(async |app| {
        for path in paths {
            let (status, problem) = app.by_conversion(path).await;
            assert_eq!((status.as_u16(), &problem["code"]), (404, &json!("commission_not_found")), "{path}");
        }
        let (status, problem) = app.by_conversion("%FF").await;
        assert_eq!((status.as_u16(), &problem["code"]), (400, &json!("bad_request")), "no UTF-8");
    })
    .await;
}
