//! What bad input gets: 422 with a pointer to the field, and nothing is stored.

use http::StatusCode;
use serde_json::json;

use crate::support::{a_conversion, on_each_database};

/// A body as text with one field's JSON replaced, or left out.
fn with(field: &str, value: Option<&str>) -> String {
    let conversion = a_conversion("conv-1");
    let fields = conversion.as_object().unwrap().iter().filter(|(name, _)| *name != field);
    let mut pairs: Vec<String> = fields.map(|(name, value)| format!("\"{name}\":{value}")).collect();
    pairs.extend(value.map(|value| format!("\"{field}\":{value}")));
    format!("{{{}}}", pairs.join(","))
}

/// Accepts C-13.
#[tokio::test(flavor = "multi_thread")]
async fn bad_values_are_refused_by_name_and_nothing_is_stored() {
    let too_long = format!("\"{}\"", "x".repeat(65));
    let table = [
        ("grossAmount", Some("-1"), "not_positive"),
        ("grossAmount", Some("-0.01"), "not_positive"),
        ("grossAmount", Some("0"), "not_positive"),
        ("grossAmount", Some("0.00"), "not_positive"),
        ("grossAmount", Some("\"120.5\""), "wrong_type"),
        ("grossAmount", Some("\"NaN\""), "wrong_type"),
        ("grossAmount", Some("true"), "wrong_type"),
        ("grossAmount", Some("1e30"), "too_large"),
        ("grossAmount", Some("1e20"), "too_large"),
        ("grossAmount", Some("1.005"), "too_precise"),
        ("grossAmount", Some("null"), "missing_field"),
        ("grossAmount", None, "missing_field"),
        ("currency", Some("\"XXY\""), "unknown_currency"),
        ("currency", Some("\"usd\""), "unknown_currency"),
        ("currency", Some("840"), "wrong_type"),
        ("rate", Some("100.01"), "invalid_rate"),
        ("rate", Some("-1"), "invalid_rate"),
        ("rate", Some("\"15\""), "wrong_type"),
        ("conversionId", None, "missing_field"),
        ("conversionId", Some("\"\""), "invalid_id"),
        ("conversionId", Some("\" conv-1\""), "invalid_id"),
        ("conversionId", Some(&too_long), "invalid_id"),
        ("conversionId", Some("7"), "wrong_type"),
        ("affiliateId", None, "missing_field"),
        ("affiliateId", Some("\"\""), "invalid_id"),
        ("affiliateId", Some(&too_long), "invalid_id"),
        ("campaignId", None, "missing_field"),
        ("campaignId", Some("\"\""), "invalid_id"),
        ("campaignId", Some(&too_long), "invalid_id"),
        ("grossAmmount", Some("1"), "unknown_field"),
    ];
    on_each_database(async |app| {
        for (field, value, code) in table {
            let (status, problem) = app.post("/commissions/calculate", with(field, value)).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{field}: {value:?}");
            let errors = problem["errors"].as_array().unwrap();
            assert_eq!(errors.len(), 1, "{problem}");
            let told = (&errors[0]["pointer"], &errors[0]["code"]);
            assert_eq!(told, (&json!(format!("/{field}")), &json!(code)), "{value:?}");
        }
        assert_eq!((app.commissions().await, app.events().await.len()), (0, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_yen_has_no_halves() {
    on_each_database(async |app| {
        let mut conversion = a_conversion("conv-1");
        conversion["currency"] = json!("JPY");
        conversion["grossAmount"] = json!(0.5);
        let (status, problem) = app.calculate(&conversion).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem["errors"][0]["pointer"], "/grossAmount");
        assert_eq!(problem["errors"][0]["code"], "too_precise");
        assert_eq!(app.commissions().await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_wrong_is_told_at_once() {
    on_each_database(async |app| {
        let (_, problem) = app.post("/commissions/calculate", r#"{"grossAmount":-1,"currency":""}"#).await;
        let errors = problem["errors"].as_array().unwrap();
        let mut pointers: Vec<&str> = errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect();
        pointers.sort_unstable();
        assert_eq!(pointers, ["/affiliateId", "/campaignId", "/conversionId", "/currency", "/grossAmount"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_names_a_commission() {
    on_each_database(async |app| {
        for (body, code) in [
            ("{}", "missing_field"),
            (r#"{"commissionId":""}"#, "invalid_id"),
            (r#"{"commissionId":1}"#, "wrong_type"),
        ] {
            let (status, problem) = app.post("/commissions/approve", body).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
            assert_eq!(problem["errors"][0]["pointer"], "/commissionId");
            assert_eq!(problem["errors"][0]["code"], code);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_json_is_malformed() {
    on_each_database(async |app| {
        for body in [r#"{"conversionId":"#, "", r#"{"grossAmount":NaN}"#] {
            let (status, problem) = app.post("/commissions/calculate", body).await;
            assert_eq!((status, &problem["code"]), (StatusCode::BAD_REQUEST, &json!("malformed_json")));
        }
    })
    .await;
}
