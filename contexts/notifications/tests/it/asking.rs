//! Inboxes, their streams, and what is refused.

use axum::body::Body;
use futures::StreamExt as _;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};

use crate::desk::{ALERT, Desk, alert, on_each_database};

#[tokio::test(flavor = "multi_thread")]
async fn an_inbox_is_paged_narrowed_and_read() {
    on_each_database(async |desk| {
        for number in 0..5 {
            desk.publish(ALERT, &format!("a-{number}"), &alert("p-1", "WARNING")).await;
        }
        desk.items("/v1/inbox/p-1", 5).await;
        let (mut path, mut seen) = ("/v1/inbox/p-1?limit=2&sort=created_at".to_owned(), Vec::new());
        loop {
            let (_, page) = desk.get(&path).await;
            seen.extend(page["items"].as_array().unwrap().iter().map(|one| one["event_id"].clone()));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            path = format!("/v1/inbox/p-1?limit=2&sort=created_at&cursor={cursor}");
        }
        assert_eq!(seen, ["a-0", "a-1", "a-2", "a-3", "a-4"].map(|id| json!(id)));
        // No cursor that an inbox gave, for both are numbers there.
        let text = r#"["created_at",["1736950800000000","x"]]"#;
        let cursor = text.bytes().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        let (status, refused) =
            desk.get(&format!("/v1/inbox/p-1?limit=2&sort=created_at&cursor={cursor}")).await;
        assert_eq!((status, &refused["parameter"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("cursor")));
        let (_, inbox) = desk.get("/v1/inbox/p-1").await;
        let first = inbox["items"][0]["notification_id"].as_str().unwrap().to_owned();
        let (status, read) = desk.ask(Method::POST, &format!("/v1/inbox/p-1/{first}/read"), &json!({})).await;
        assert_eq!((status, &read["read_at"]), (StatusCode::OK, &json!("2025-01-15T14:20:00Z")));
        assert_eq!(desk.get("/v1/inbox/p-1?unread=true").await.1["unread"], 4);
        let all = desk.ask(Method::POST, "/v1/inbox/p-1/read", &json!({})).await;
        assert_eq!(all, (StatusCode::OK, json!({ "count": 4 })));
        assert_eq!(desk.items("/v1/inbox/p-1?unread=false", 5).await.len(), 5);
    })
    .await;
}

/// Follows an inbox until `count` events have come; their ids, and those of what they tell.
async fn follow(desk: &Desk, last: Option<&str>, count: usize) -> Vec<(String, Value)> {
    let mut request = Request::get("/v1/inbox/p-1/events");
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let response = desk.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), StatusCode::OK);
    let mut chunks = response.into_body().into_data_stream();
    let (mut text, mut told) = (String::new(), Vec::new());
    while told.len() < count {
        text.push_str(str::from_utf8(&chunks.next().await.unwrap().unwrap()).unwrap());
        while let Some((event, rest)) = text.split_once("\n\n") {
            let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
            if let (Some(id), Some(data)) = (field("id:"), field("data:")) {
                let data: Value = serde_json::from_str(data).unwrap();
                told.push((id.to_owned(), data["event_id"].clone()));
            }
            text = rest.to_owned();
        }
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_goes_on_after_what_was_seen() {
    on_each_database(async |desk| {
        desk.publish(ALERT, "a-0", &alert("p-1", "WARNING")).await;
        desk.items("/v1/inbox/p-1", 1).await;
        let all = follow(desk, Some("0"), 1).await;
        assert_eq!(all[0].1, "a-0");
        for id in ["a-1", "a-2"] {
            desk.publish(ALERT, id, &alert("p-1", "WARNING")).await;
        }
        let told = follow(desk, Some(&all[0].0), 2).await;
        assert_eq!((&told[0].1, &told[1].1), (&json!("a-1"), &json!("a-2")));
        // Who says nothing hears what comes from now on, and all end with the service.
        let (heard, ()) = tokio::join!(follow(desk, Some(&told[1].0), 1), async {
            desk.publish(ALERT, "a-3", &alert("p-1", "WARNING")).await;
        });
        assert_eq!(heard[0].1, "a-3");
        let request = Request::get("/v1/inbox/p-1/events").body(Body::empty()).unwrap();
        let mut chunks = desk.send(request).await.into_body().into_data_stream();
        desk.stop.cancel();
        while let Some(chunk) = chunks.next().await {
            chunk.unwrap();
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_named_in_both_languages_and_changes_nothing() {
    on_each_database(async |desk| {
        desk.register("p-1", "p@example.com").await;
        let webhooks = "/v1/recipients/p-1/webhooks";
        let said = |kind: &str, channel: &str| {
            json!({ "preferences": [{ "event_type": kind, "channel": channel, "enabled": true }] })
        };
        let twice = json!({ "preferences": [
            { "event_type": "*", "channel": "EMAIL", "enabled": true },
            { "event_type": "*", "channel": "EMAIL", "enabled": false },
        ] });
        for (method, path, body, pointer, code) in [
            (Method::POST, "/v1/recipients", json!({}), "/name", "missing_field"),
            (Method::POST, "/v1/recipients", json!({ "name": "A", "email": "a" }), "/email", "invalid_email"),
            (Method::POST, "/v1/recipients", json!({ "name": "A", "kind": "OPERATOR" }), "/kind", "unknown_field"),
            (Method::PATCH, "/v1/recipients/p-1", json!({ "time_zone": "Mars/Base" }), "/time_zone", "unknown_time_zone"),
            (Method::PATCH, "/v1/recipients/p-1", json!({ "quiet_hours": "22:00" }), "/quiet_hours", "invalid_quiet_hours"),
            (Method::PATCH, "/v1/recipients/p-1", json!({ "quiet_hours": "7:00-7:00" }), "/quiet_hours", "invalid_quiet_hours"),
            (Method::PATCH, "/v1/recipients/p-1", json!({ "quiet_hours": "24:00-07:00" }), "/quiet_hours", "invalid_quiet_hours"),
            (Method::PATCH, "/v1/recipients/p-1", json!({ "digest": "WEEKLY" }), "/digest", "unknown_value"),
            (Method::PUT, "/v1/recipients/p-1/preferences", said("Nothing", "EMAIL"), "/preferences/0/event_type", "unknown_value"),
            (Method::PUT, "/v1/recipients/p-1/preferences", said("*", "SMS"), "/preferences/0/channel", "unknown_value"),
            (Method::PUT, "/v1/recipients/p-1/preferences", twice, "/preferences", "duplicate_preference"),
            (Method::POST, webhooks, json!({ "url": "ftp://x/y" }), "/url", "invalid_url"),
            (Method::POST, webhooks, json!({ "url": "http://u:p@x/y" }), "/url", "invalid_url"),
            (Method::POST, webhooks, json!({ "url": "http://x/y", "secret": "s" }), "/secret", "invalid_secret"),
            (Method::POST, webhooks, json!({ "url": "http://x/y", "event_types": ["X"] }), "/event_types", "unknown_value"),
            (Method::PUT, "/v1/templates/BudgetAlert/en", json!({ "title": "{{x", "body": "b" }), "/title", "unknown_placeholder"),
            (Method::PUT, "/v1/templates/BudgetAlert/en", json!({ "title": "t", "body": "a\u{7}" }), "/body", "invalid_text"),
            (Method::POST, "/v1/inbox/p-1/read", json!({ "until": "today" }), "/until", "invalid_time"),
        ] {
            let (status, refused) = desk.ask(method, path, &body).await;
            let error = &refused["errors"][0];
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {refused}");
            assert_eq!((&error["pointer"], &error["code"]), (&json!(pointer), &json!(code)), "{body}: {refused}");
        }
        let request = Request::post("/v1/recipients").header("accept-language", "es");
        let request = request.header("content-type", "application/json").body(Body::from(r#"{"name":"A","email":"a"}"#));
        let response = desk.send(request.unwrap()).await;
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        assert!(String::from_utf8(bytes.to_vec()).unwrap().contains("debe ser una dirección de correo"));
        assert_eq!(desk.get("/v1/webhooks").await.1["items"], json!([]));
        assert_eq!(desk.get("/v1/recipients/p-1").await.1["revision"], 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_or_was_changed_meanwhile_is_refused() {
    on_each_database(async |desk| {
        desk.register("p-1", "p@example.com").await;
        for (path, code) in [
            ("/v1/recipients/nobody", "recipient_not_found"),
            ("/v1/inbox/nobody", "recipient_not_found"),
            ("/v1/inbox/nobody/events", "recipient_not_found"),
            ("/v1/webhooks/wh_none", "webhook_not_found"),
            ("/v1/deliveries/dlv_none", "delivery_not_found"),
            ("/v1/templates/Nothing", "template_not_found"),
        ] {
            let (status, refused) = desk.get(path).await;
            assert_eq!((status, &refused["code"]), (StatusCode::NOT_FOUND, &json!(code)), "{path}");
        }
        let change = async |tag: &str, name: &str| {
            let request = Request::patch("/v1/recipients/p-1").header("if-match", tag);
            let body = Body::from(json!({ "name": name }).to_string());
            desk.send(request.header("content-type", "application/json").body(body).unwrap()).await.status()
        };
        assert_eq!(change("\"2\"", "One").await, StatusCode::OK);
        assert_eq!(change("\"2\"", "Two").await, StatusCode::PRECONDITION_FAILED);
        let taken = json!({ "recipient_id": "p-1", "name": "Again" });
        let (status, refused) = desk.ask(Method::POST, "/v1/recipients", &taken).await;
        assert_eq!((status, &refused["code"]), (StatusCode::CONFLICT, &json!("recipient_exists")));
        let (status, refused) = desk.get("/v1/deliveries?state=LOST").await;
        assert_eq!((status, &refused["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("invalid_query")));
    })
    .await;
}
