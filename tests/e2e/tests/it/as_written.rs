//! What a service writes into its outbox is on the topics as it was written, whichever database it has.

use hexalpes_client::TopicName;
use hexalpes_db::{DbError, Tx};
use hexalpes_e2e::{CaptureStage, command, messages};
use hexalpes_engines::{Engine, database_server, killable};
use hexalpes_kernel::{Ids as _, SystemEdge};
use hexalpes_outbox::{EVENTS_TOPIC, NewEvent, NewMessage, RAW_TOPIC, append, append_to};
use serde_json::{Value, value::RawValue};

/// Numbers that a float does not have, letters of each length, escapes, JSON within JSON, and more blanks than are needed.
const DATA: [&str; 3] = [
    r#"{"large":12345678901234567890123,"beyond":9007199254740993,"exact":0.10000000000000000555111512312578,"back":-0.0}"#,
    r#"{"text":"a ñ € 🦀 \" \\ \/ \u0000 \ud83e\udd80","nested":"{\"a\":[1,2,{}]}","empty":"","nothing":null}"#,
    r#"{ "aggregate" : [ ] , "" : { } }"#,
];
const ASIDE: &str = "persistent://public/default/aside";
const PAYLOADS: [&[u8]; 4] = [b"", b"\x00\xff\xfe", "🦀".as_bytes(), b"{\"n\":9007199254740993}"];

/// Accepts S3-CMP-3.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_service_writes_arrives_as_it_was_written() {
    for engine in [Engine::Sqlite].into_iter().chain(killable()) {
        let stage = CaptureStage::set(database_server(engine).unwrap(), 1).await;
        let written = async move |tx: &Tx| -> Result<(), DbError> {
            let cause = command(SystemEdge.uuid());
            for data in DATA {
                let event = NewEvent {
                    id: SystemEdge.uuid(),
                    aggregate_type: "commissions",
                    aggregate_id: "one".to_owned(),
                    kind: "com.hexabuilders.commissions.SomethingHappened",
                    data: RawValue::from_string(data.to_owned()).expect("it is JSON"),
                };
                append(tx, &cause, event).await?;
            }
            for payload in PAYLOADS {
                let message = NewMessage {
                    id: SystemEdge.uuid(),
                    topic: TopicName::parse(ASIDE).expect("it is a name"),
                    key: Some("ñ".to_owned()),
                    properties: vec![("why".to_owned(), "🦀".to_owned())],
                    event_time: Some(1),
                    payload: payload.into(),
                };
                append_to(tx, &cause, message).await?;
            }
            Ok(())
        };
        stage.db.write(written).await.unwrap();
        stage.drained().await.unwrap();
        let service = stage.service_url();
        let events = messages(&service, EVENTS_TOPIC).await;
        let texts: Vec<&str> = events.iter().map(|event| str::from_utf8(&event.payload).unwrap()).collect();
        assert_eq!(texts.len(), DATA.len(), "{engine}");
        for (text, data) in texts.iter().zip(DATA) {
            assert!(text.contains(&format!("\"data\":{data}")), "{engine}: {text}");
        }
        let changes = messages(&service, RAW_TOPIC).await;
        let payloads: Vec<Value> = changes
            .iter()
            .map(|change| {
                serde_json::from_slice::<Value>(&change.payload).unwrap()["after"]["payload"].clone()
            })
            .collect();
        assert_eq!(payloads, DATA, "{engine}");
        let aside = messages(&service, ASIDE).await;
        let payloads: Vec<&[u8]> = aside.iter().map(|message| &*message.payload).collect();
        assert_eq!(payloads, PAYLOADS, "{engine}");
        for message in &aside {
            assert_eq!(message.property("why"), Some("🦀"), "{engine}");
        }
    }
}
