//! The schemas of topics: uploaded, looked at, compared, deleted.
//!
//! A topic need not be there to have one.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use hexalpes_broker::Broker;
use hexalpes_registry::{Definition, KeyValue, Version, kind_name, parse_kind};
use hexalpes_wire::{TopicName, proto::SchemaType};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    blocking,
    extract::{Body, Path, Query, Topic},
    names,
    refusal::Refusal,
};

/// A schema as it is uploaded.
#[derive(Deserialize)]
struct Upload {
    r#type: String,
    #[serde(default)]
    schema: String,
    #[serde(default)]
    properties: Option<BTreeMap<String, String>>,
}

/// A version as it is answered.
#[derive(Serialize)]
pub(crate) struct SchemaView {
    version: u64,
    r#type: &'static str,
    timestamp: u64,
    data: String,
    properties: BTreeMap<String, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AllSchemas {
    get_schema_responses: Vec<SchemaView>,
}

#[derive(Deserialize)]
pub(crate) struct Deletion {
    #[serde(default)]
    force: bool,
}

impl Upload {
    fn definition(self) -> Result<Definition, Refusal> {
        let kind = parse_kind(&self.r#type).ok_or(Refusal::SchemaType(self.r#type))?;
        let properties = self.properties.unwrap_or_default();
        let data = if kind == SchemaType::KeyValue {
            let both: Value = serde_json::from_str(&self.schema)?;
            KeyValue::join(text(&both["key"]).as_bytes(), text(&both["value"]).as_bytes())
        } else {
            self.schema.into()
        };
        Ok(Definition { kind, data, properties })
    }
}

/// A part of a schema of two: a definition, or an empty text where there is none.
fn text(part: &Value) -> String {
    match part {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

impl From<Version> for SchemaView {
    fn from(version: Version) -> Self {
        let Version { number, definition, registered_ms } = version;
        let plain = |data: &[u8]| String::from_utf8_lossy(data).into_owned();
        let data = match KeyValue::of(&definition) {
            Ok(KeyValue { key, value }) if definition.kind == SchemaType::KeyValue => {
                let part =
                    |data: &[u8]| serde_json::from_slice(data).unwrap_or_else(|_| Value::String(plain(data)));
                json!({ "key": part(&key.data), "value": part(&value.data) }).to_string()
            }
            _ => plain(&definition.data),
        };
        let Definition { kind, properties, .. } = definition;
        Self { version: number, r#type: kind_name(kind), timestamp: registered_ms, data, properties }
    }
}

fn known(broker: &Broker, topic: &TopicName) -> Result<(), Refusal> {
    names::known_namespace(broker, &topic.full_namespace())
}

fn definition(body: &[u8]) -> Result<Definition, Refusal> {
    serde_json::from_slice::<Upload>(body)?.definition()
}

pub(crate) async fn newest(
    State(broker): State<Broker>,
    Topic(topic): Topic,
) -> Result<Json<SchemaView>, Refusal> {
    known(&broker, &topic)?;
    let version = broker.schema(&topic, None).ok_or(Refusal::NoSchema)?;
    Ok(Json(version.into()))
}

pub(crate) async fn version(
    State(broker): State<Broker>,
    Topic(topic): Topic,
    Path((_, _, _, number)): Path<(String, String, String, u64)>,
) -> Result<Json<SchemaView>, Refusal> {
    known(&broker, &topic)?;
    let version = broker.schema(&topic, Some(number)).ok_or(Refusal::NoSchema)?;
    Ok(Json(version.into()))
}

pub(crate) async fn all(
    State(broker): State<Broker>,
    Topic(topic): Topic,
) -> Result<Json<AllSchemas>, Refusal> {
    known(&broker, &topic)?;
    let versions = broker.schemas(&topic);
    Ok(Json(AllSchemas { get_schema_responses: versions.into_iter().map(SchemaView::from).collect() }))
}

pub(crate) async fn upload(
    State(broker): State<Broker>,
    Topic(topic): Topic,
    Body(body): Body,
) -> Result<Json<Value>, Refusal> {
    known(&broker, &topic)?;
    let definition = definition(&body)?;
    blocking(broker, move |broker| {
        let version = broker.register_schema(&topic, &definition)?;
        Ok(Json(json!({ "version": { "version": version } })))
    })
    .await
}

/// The number that the deletion has; by force, the numbers begin anew, and it is -1.
pub(crate) async fn delete(
    State(broker): State<Broker>,
    Topic(topic): Topic,
    Query(deletion): Query<Deletion>,
) -> Result<Json<Value>, Refusal> {
    known(&broker, &topic)?;
    blocking(broker, move |broker| {
        if deletion.force {
            broker.forget_schemas(&topic)?;
            return Ok(Json(json!({ "version": -1 })));
        }
        Ok(Json(json!({ "version": broker.delete_schemas(&topic)? })))
    })
    .await
}

pub(crate) async fn compatibility(
    State(broker): State<Broker>,
    Topic(topic): Topic,
    Body(body): Body,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    known(&broker, &topic)?;
    let definition = definition(&body)?;
    let strategy = broker.check_schema(&topic, &definition)?.name();
    let answer = json!({ "schemaCompatibilityStrategy": strategy, "compatibility": true });
    Ok((StatusCode::ACCEPTED, Json(answer)))
}

/// The number of the version that says the same, or -1.
pub(crate) async fn find(
    State(broker): State<Broker>,
    Topic(topic): Topic,
    Body(body): Body,
) -> Result<Json<Value>, Refusal> {
    known(&broker, &topic)?;
    let definition = definition(&body)?;
    let version = broker.find_schema(&topic, &definition);
    Ok(Json(version.map_or_else(|| json!({ "version": -1 }), |version| json!({ "version": version }))))
}

/// Which versions there are; they lie beside the log, and in no ledger.
pub(crate) async fn metadata(State(broker): State<Broker>, Topic(topic): Topic) -> Result<Response, Refusal> {
    known(&broker, &topic)?;
    let entry = |number: u64| json!({ "ledgerId": -1, "entryId": -1, "version": number });
    let index: Vec<_> = broker.schemas(&topic).iter().map(|version| entry(version.number)).collect();
    Ok(match index.last() {
        Some(newest) => Json(json!({ "info": newest, "index": index })).into_response(),
        None => StatusCode::OK.into_response(),
    })
}
