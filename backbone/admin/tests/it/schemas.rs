//! Schemas over the admin interface.

use serde_json::{Value, json};

use super::TestAdmin;

const OF: &str = "/admin/v2/schemas/public/default/orders";

fn avro(fields: &str) -> String {
    let schema = format!(r#"{{"type":"record","name":"Order","fields":[{fields}]}}"#);
    json!({ "type": "AVRO", "schema": schema, "properties": { "of": "sales" } }).to_string()
}

const ID: &str = r#"{"name":"id","type":"string"}"#;
const MORE: &str = r#"{"name":"id","type":"string"},{"name":"count","type":"int"}"#;
const FINE: &str = r#"{"name":"id","type":"string"},{"name":"count","type":"int","default":1}"#;

async fn post(admin: &TestAdmin, path: &str, body: &str) -> (u16, Value) {
    admin.call(&format!("POST {path}"), body).await
}

/// Accepts S0-SCH-3.
#[tokio::test]
async fn a_schema_is_registered_read_and_deleted() {
    let admin = TestAdmin::start().await;
    let schema = format!("{OF}/schema");
    assert_eq!(admin.get(&schema).await, (404, json!({ "reason": "Schema not found" })));
    for (body, version) in [(avro(ID), 0), (avro(FINE), 1), (avro(ID), 0)] {
        assert_eq!(post(&admin, &schema, &body).await, (200, json!({ "version": { "version": version } })));
        assert_eq!(post(&admin, &format!("{OF}/version"), &body).await, (200, json!({ "version": version })));
    }
    assert_eq!(post(&admin, &format!("{OF}/version"), &avro("")).await.1, json!({ "version": -1 }));
    let (_, first) = admin.get(&format!("{schema}/0")).await;
    assert_eq!((&first["version"], &first["type"]), (&json!(0), &json!("AVRO")));
    assert_eq!(first["properties"], json!({ "of": "sales" }));
    assert!(first["data"].as_str().unwrap().contains("Order") && first["timestamp"].is_u64(), "{first}");
    assert_eq!(admin.get(&schema).await.1["version"], 1);
    assert_eq!(admin.status(&format!("GET {schema}/2")).await, 404);
    let (_, all) = admin.get(&format!("{OF}/schemas")).await;
    assert_eq!(all["getSchemaResponses"].as_array().unwrap().len(), 2);
    assert_eq!(admin.call(&format!("DELETE {schema}"), "").await, (200, json!({ "version": 2 })));
    assert_eq!(admin.status(&format!("GET {schema}")).await, 404);
    assert_eq!(post(&admin, &schema, &avro(MORE)).await.1, json!({ "version": { "version": 3 } }));
    assert_eq!(admin.call(&format!("DELETE {schema}?force=true"), "").await.1, json!({ "version": -1 }));
    assert_eq!(post(&admin, &schema, &avro(ID)).await.1, json!({ "version": { "version": 0 } }));
}

/// Accepts S0-SCH-4.
#[tokio::test]
async fn what_cannot_follow_is_refused_with_its_field() {
    let admin = TestAdmin::start().await;
    let (schema, compatibility) = (format!("{OF}/schema"), format!("{OF}/compatibility"));
    post(&admin, &schema, &avro(ID)).await;
    let fine = json!({ "schemaCompatibilityStrategy": "FULL", "compatibility": true });
    assert_eq!(post(&admin, &compatibility, &avro(FINE)).await, (202, fine));
    for path in [&schema, &compatibility] {
        let (status, refused) = post(&admin, path, &avro(MORE)).await;
        let reason = refused["reason"].as_str().unwrap();
        assert!(status == 409 && reason.contains("FULL") && reason.contains("field count"), "{reason}");
    }
    for (kind, definition) in [("AVRO", "nonsense"), ("INT32", "xx"), ("AUTO_CONSUME", ""), ("FOO", "")] {
        let body = json!({ "type": kind, "schema": definition, "properties": {} }).to_string();
        let (status, refused) = post(&admin, &schema, &body).await;
        assert!(status == 422 && refused["reason"].as_str().unwrap().contains(kind), "{refused}");
    }
    assert_eq!(admin.status("GET /admin/v2/schemas/public/nowhere/orders/schema").await, 404);
}

#[tokio::test]
async fn a_schema_of_key_and_value_comes_back_as_it_was() {
    let admin = TestAdmin::start().await;
    let schema = r#"{"key":"","value":{"fields":[],"name":"A","type":"record"}}"#;
    let properties = json!({ "key.schema.type": "STRING", "value.schema.type": "AVRO" });
    let body = json!({ "type": "KEY_VALUE", "schema": schema, "properties": properties }).to_string();
    assert_eq!(post(&admin, &format!("{OF}/schema"), &body).await.0, 200);
    let (_, read) = admin.get(&format!("{OF}/schema")).await;
    assert_eq!((&read["type"], &read["properties"]), (&json!("KEY_VALUE"), &properties));
    let data: Value = serde_json::from_str(read["data"].as_str().unwrap()).unwrap();
    assert_eq!(data, serde_json::from_str::<Value>(schema).unwrap());
}
