//! Subscriptions and topics as somebody at the REST interface sees to them.

use hexalpes_client::{Batching, ProducerOptions};
use serde_json::{Value, json};

use crate::{
    engine::{Engine, next_text, next_texts, numbers, on_every_engine, send_all, until},
    rest::{Rest, assert_form},
};

const NONE: Value = Value::Null;

/// The path of a topic, below `/admin/v2`.
fn path(topic: &str) -> String {
    format!("/{}", topic.replacen("://", "/", 1))
}

fn earliest() -> Value {
    json!({ "ledgerId": -1, "entryId": -1 })
}

/// A topic with as many messages as asked for, and the ledger they are in.
async fn filled(engine: &Engine, about: &str, messages: u32) -> (String, i64) {
    let topic = engine.topic(about);
    let producer = engine.producer(&topic, ProducerOptions::default()).await;
    send_all(&producer, numbers(0..messages)).await;
    let last = Rest::of(engine).get(&format!("{}/lastMessageId", path(&topic))).await;
    assert_eq!(last["entryId"], messages - 1);
    (topic, last["ledgerId"].as_i64().unwrap())
}

async fn backlog(rest: &Rest, topic: &str, subscription: &str) -> Value {
    let stats = rest.get(&format!("{}/stats", path(topic))).await;
    stats["subscriptions"][subscription]["msgBacklog"].clone()
}

#[tokio::test]
async fn a_subscription_is_made_where_it_is_asked_for_and_once() {
    on_every_engine(async |engine| {
        let (rest, (topic, ledger)) = (Rest::of(engine), filled(engine, "rest-create", 10).await);
        let at = |name: &str| format!("PUT {}/subscription/{name}", path(&topic));
        let id = |entry: i64| json!({ "ledgerId": ledger, "entryId": entry, "partitionIndex": -1 });
        let latest = json!({ "ledgerId": i64::MAX, "entryId": i64::MAX });
        for (name, body, expected) in [
            ("earliest", earliest(), 10),
            ("word", json!("earliest"), 10),
            ("latest", latest, 0),
            ("last%20word", json!("latest"), 0),
            ("unsaid", NONE, 0),
            ("in-between", id(5), 5),
            ("beyond", id(50), 0),
        ] {
            assert_eq!(rest.status(&at(name), &body).await, 204, "{name}");
            let name = name.replace("%20", " ");
            assert_eq!(backlog(&rest, &topic, &name).await, expected, "{name}");
        }
        rest.answers(&[
            (&at("earliest"), earliest(), 409),
            (&at("wrong"), json!("sideways"), 400),
            (&at("wrong"), json!([]), 400),
        ])
        .await;
        // Its topic is made as a client's would be.
        let new = engine.topic("rest-create-topic");
        assert_eq!(rest.status(&format!("PUT {}/subscription/sub", path(&new)), &NONE).await, 204);
        assert_eq!(rest.get(&format!("{}/subscriptions", path(&new))).await, json!(["sub"]));
    })
    .await;
}

#[tokio::test]
async fn a_subscription_is_skipped_cleared_and_reset() {
    on_every_engine(async |engine| {
        let (rest, (topic, ledger)) = (Rest::of(engine), filled(engine, "rest-move", 10).await);
        let of = |name: &str| format!("{}/subscription/{name}", path(&topic));
        assert_eq!(rest.status(&format!("PUT {}", of("sub")), &earliest()).await, 204);
        let id = |entry: i64, excluded: bool| json!({ "ledgerId": ledger, "entryId": entry, "excluded": excluded });
        for (what, body, left) in [
            ("skip/3", NONE, 7),
            ("skip/0", NONE, 7),
            ("skip/-1", NONE, 7),
            ("skip/300", NONE, 0),
            ("resetcursor", id(4, false), 6),
            ("resetcursor", id(4, true), 5),
            ("resetcursor", earliest(), 10),
            ("skip_all", NONE, 0),
            ("skip_all", NONE, 0),
            ("resetcursor/0", NONE, 10),
            ("resetcursor", json!("latest"), 0),
            ("resetcursor", json!("earliest"), 10),
            ("resetcursor", id(400, false), 0),
            ("resetcursor/-5", NONE, 10),
            ("resetcursor/9999999999999", NONE, 0),
        ] {
            let request = format!("POST {}/{what}", of("sub"));
            assert_eq!(rest.status(&request, &body).await, 204, "{what} {body}");
            assert_eq!(backlog(&rest, &topic, "sub").await, left, "{what} {body}");
        }
        let missing = engine.topic("rest-move-none");
        for what in ["skip/1", "skip_all", "resetcursor/0", "expireMessages/1"] {
            for of in [of("none"), format!("{}/subscription/none", path(&missing))] {
                assert_eq!(rest.status(&format!("POST {of}/{what}"), &NONE).await, 404, "{what} of {of}");
            }
        }
        assert_eq!(rest.status(&format!("POST {}/resetcursor", of("none")), &earliest()).await, 404);
    })
    .await;
}

#[tokio::test]
async fn acks_beyond_a_hole_are_not_skipped_twice() {
    on_every_engine(async |engine| {
        let (rest, (topic, _)) = (Rest::of(engine), filled(engine, "rest-holes", 6).await);
        let consumer = engine.consumer(&topic).await;
        for _ in 0..4 {
            let message = crate::engine::next(&consumer).await;
            // Shared or not, one is acked alone.
            if ["1", "2"].contains(&crate::engine::text(&message).as_str()) {
                consumer.ack(&message.id).await.unwrap();
            }
        }
        engine.backlog_becomes(&topic, 4).await;
        let request = format!("POST {}/subscription/sub/skip/2", path(&topic));
        assert_eq!(rest.status(&request, &NONE).await, 204);
        assert_eq!(backlog(&rest, &topic, "sub").await, 2);
    })
    .await;
}

#[tokio::test]
async fn consumers_follow_a_cursor_that_is_reset_and_keep_their_subscription_until_it_is_forced() {
    on_every_engine(async |engine| {
        let (rest, (topic, ledger)) = (Rest::of(engine), filled(engine, "rest-consumers", 10).await);
        let consumer = engine.consumer(&topic).await;
        assert_eq!(next_texts(&consumer, 10).await, numbers(0..10));
        let of = format!("{}/subscription/sub", path(&topic));
        let seven = json!({ "ledgerId": ledger, "entryId": 7 });
        assert_eq!(rest.status(&format!("POST {of}/resetcursor"), &seven).await, 204);
        assert_eq!(next_texts(&consumer, 3).await, numbers(7..10));
        assert_eq!(rest.status(&format!("DELETE {of}"), &NONE).await, 412);
        drop(consumer);
        assert_eq!(rest.status(&format!("DELETE {of}?force=true"), &NONE).await, 204);
        assert_eq!(rest.status(&format!("DELETE {of}"), &NONE).await, 404);
        let missing = engine.topic("rest-consumers-none");
        let of_none = format!("DELETE {}/subscription/sub", path(&missing));
        assert_eq!(rest.status(&of_none, &NONE).await, 404);
    })
    .await;
}

#[tokio::test]
async fn messages_expire_by_age_and_by_place() {
    on_every_engine(async |engine| {
        let (rest, (topic, ledger)) = (Rest::of(engine), filled(engine, "rest-expire", 10).await);
        let of = |name: &str, rest: &str| format!("{}/subscription/{name}{rest}", path(&topic));
        for name in ["sub", "other"] {
            assert_eq!(rest.status(&format!("PUT {}", of(name, "")), &earliest()).await, 204);
        }
        let expire = format!("POST {}", of("sub", "/expireMessages"));
        let id = |entry: i64| json!({ "ledgerId": ledger, "entryId": entry });
        for (body, left) in [(id(2), 7), (id(3), 6)] {
            // On a real Pulsar it takes its time, in which another is refused.
            until(async || rest.status(&expire, &body).await == 204).await;
            engine.backlog_becomes(&topic, left).await;
        }
        for (body, status) in [(id(400), 409), (NONE, 400)] {
            let answered = rest.status(&expire, &body).await;
            // A real Pulsar stumbles over no body.
            assert!(answered == status || answered == 500, "{body}: {answered}");
        }
        // Nothing is so old.
        until(async || rest.status(&format!("{expire}/100000"), &NONE).await == 204).await;
        assert_eq!(backlog(&rest, &topic, "sub").await, 6);
        // All of it is, a second later.
        wait_until_older(&rest, &topic, &expire).await;
        engine.backlog_becomes(&topic, 0).await;
        assert_eq!(rest.status(&format!("{expire}/1"), &NONE).await, 409);
        assert_eq!(backlog(&rest, &topic, "other").await, 10);
        let all = format!("POST {}/all_subscription/expireMessages/1", path(&topic));
        assert_eq!(rest.status(&all, &NONE).await, 409, "one has nothing that could expire");
        until(async || backlog(&rest, &topic, "other").await == 0).await;
    })
    .await;
}

/// Expires what is older than a second until something was.
async fn wait_until_older(rest: &Rest, topic: &str, expire: &str) {
    until(async || {
        rest.status(&format!("{expire}/1"), &NONE).await;
        backlog(rest, topic, "sub").await == 0
    })
    .await;
}

#[tokio::test]
async fn messages_are_looked_at_without_being_consumed() {
    on_every_engine(async |engine| {
        let (rest, (topic, ledger)) = (Rest::of(engine), filled(engine, "rest-peek", 3).await);
        let topic_path = path(&topic);
        let of = format!("{topic_path}/subscription/sub");
        assert_eq!(rest.status(&format!("PUT {of}"), &earliest()).await, 204);
        for (what, body) in [
            ("subscription/sub/position/1", "0"),
            ("subscription/sub/position/3", "2"),
            (&format!("ledger/{ledger}/entry/1"), "1"),
            ("examinemessage", "2"),
            ("examinemessage?initialPosition=latest&messagePosition=2", "1"),
            ("examinemessage?initialPosition=earliest&messagePosition=2", "1"),
            ("examinemessage?initialPosition=earliest&messagePosition=20", "2"),
        ] {
            let answer = rest.ask(&format!("GET {topic_path}/{what}"), &NONE).await;
            assert_eq!((answer.status, answer.text.as_str()), (200, body), "{what}");
            let header = |name: &str| answer.headers[name].to_str().unwrap().to_owned();
            assert_eq!(header("x-pulsar-message-id"), format!("{ledger}:{body}"), "{what}");
            assert_eq!(header("x-pulsar-sequence-id"), body);
            assert_eq!(
                (header("x-pulsar-property"), header("x-pulsar-is-encrypted")),
                ("{}".into(), "false".into())
            );
            assert!(header("x-pulsar-publish-time").ends_with('Z'), "{what}");
        }
        rest.answers(&[
            (&format!("GET {of}/position/4"), NONE, 404),
            (&format!("GET {topic_path}/ledger/987654321/entry/0"), NONE, 404),
        ])
        .await;
        assert_eq!(backlog(&rest, &topic, "sub").await, 3);
    })
    .await;
}

#[tokio::test]
async fn a_batch_is_shown_as_one_with_how_many_it_has() {
    on_every_engine(async |engine| {
        let (rest, topic) = (Rest::of(engine), engine.topic("rest-peek-batch"));
        let options = ProducerOptions { batching: Some(Batching::default()), ..ProducerOptions::default() };
        let producer = engine.producer(&topic, options).await;
        send_all(&producer, numbers(0..4)).await;
        let answer = rest.ask(&format!("GET {}/examinemessage", path(&topic)), &NONE).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.headers["x-pulsar-num-batch-message"], "4");
        let size: usize = answer.headers["x-pulsar-batch-size"].to_str().unwrap().parse().unwrap();
        assert!(size >= answer.text.len(), "{size}");
        let last = rest.get(&format!("{}/lastMessageId", path(&topic))).await;
        assert_eq!((&last["batchIndex"], &last["entryId"]), (&json!(3), &json!(0)));
    })
    .await;
}

#[tokio::test]
async fn internal_stats_show_ledgers_and_cursors() {
    on_every_engine(async |engine| {
        let (rest, (topic, ledger)) = (Rest::of(engine), filled(engine, "rest-internal", 10).await);
        let topic_path = path(&topic);
        for (name, begin) in [("early", json!("earliest")), ("late", json!("latest"))] {
            assert_eq!(rest.status(&format!("PUT {topic_path}/subscription/{name}"), &begin).await, 204);
        }
        let stats = rest.get(&format!("{topic_path}/internalStats")).await;
        let ledger_form =
            json!({ "ledgerId": 0, "entries": 0, "size": 0, "offloaded": true, "underReplicated": true });
        let cursor = json!({
            "markDeletePosition": "text", "readPosition": "text", "waitingReadOp": true, "pendingReadOps": 0,
            "messagesConsumedCounter": 0, "cursorLedger": 0, "cursorLedgerLastEntry": 0,
            "individuallyDeletedMessages": "text", "state": "text", "active": true,
            "numberOfEntriesSinceFirstNotAckedMessage": 0, "totalNonContiguousDeletedMessagesRange": 0,
            "subscriptionHavePendingRead": true, "subscriptionHavePendingReplayRead": true, "properties": {},
        });
        let form = json!({
            "entriesAddedCounter": 0, "numberOfEntries": 0, "totalSize": 0, "currentLedgerEntries": 0,
            "currentLedgerSize": 0, "waitingCursorsCount": 0, "pendingAddEntriesCount": 0,
            "lastConfirmedEntry": "text", "state": "text", "ledgers": [ledger_form.clone()],
            "cursors": { "early": cursor.clone(), "late": cursor }, "schemaLedgers": [],
            "compactedLedger": ledger_form,
        });
        assert_form(&stats, &form, "internalStats");
        assert_eq!(stats["lastConfirmedEntry"], format!("{ledger}:9"));
        assert_eq!((&stats["numberOfEntries"], &stats["entriesAddedCounter"]), (&json!(10), &json!(10)));
        assert_eq!(stats["cursors"]["early"]["markDeletePosition"], format!("{ledger}:-1"));
        assert_eq!(stats["cursors"]["late"]["markDeletePosition"], format!("{ledger}:9"));
        assert_eq!(stats["cursors"]["late"]["readPosition"], format!("{ledger}:10"));

        let behind = |entry: i64| json!({ "ledgerId": ledger, "entryId": entry });
        let size = format!("PUT {topic_path}/backlogSize");
        let all = rest.ask(&size, &earliest()).await.json().as_u64().unwrap();
        let half = rest.ask(&size, &behind(4)).await.json().as_u64().unwrap();
        assert_eq!((half, rest.ask(&size, &behind(9)).await.json()), (all / 2, json!(0)));
        let first = rest.get(&format!("{topic_path}/messageid/0")).await;
        assert_eq!((&first["ledgerId"], &first["entryId"]), (&json!(ledger), &json!(0)));
        let none = engine.topic("rest-internal-none");
        for what in ["internalStats", "lastMessageId", "messageid/0", "partitioned-internalStats"] {
            assert_eq!(rest.status(&format!("GET {}/{what}", path(&none)), &NONE).await, 404, "{what}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_noted_of_a_topic_and_a_subscription_is_given_back() {
    on_every_engine(async |engine| {
        let (rest, topic) = (Rest::of(engine), engine.topic("rest-properties"));
        let topic_path = path(&topic);
        let properties = format!("{topic_path}/properties");
        let of = format!("{topic_path}/subscription/sub");
        let mut begin = earliest();
        begin["properties"] = json!({ "made": "by hand" });
        rest.answers(&[(&format!("PUT {topic_path}"), NONE, 204), (&format!("PUT {of}"), begin, 204)]).await;
        assert_eq!(rest.get(&format!("{of}/properties")).await, json!({ "made": "by hand" }));
        assert_eq!(rest.status(&format!("PUT {of}/properties"), &json!({ "a": "1" })).await, 204);
        assert_eq!(rest.get(&format!("{of}/properties")).await, json!({ "a": "1" }));
        let stats = rest.get(&format!("{topic_path}/stats")).await;
        assert_eq!(stats["subscriptions"]["sub"]["subscriptionProperties"], json!({ "a": "1" }));

        assert_eq!(rest.get(&properties).await, json!({}));
        for (more, all) in
            [(json!({ "a": "b" }), json!({ "a": "b" })), (json!({ "c": "d" }), json!({ "a": "b", "c": "d" }))]
        {
            assert_eq!(rest.status(&format!("PUT {properties}"), &more).await, 204);
            assert_eq!(rest.get(&properties).await, all);
        }
        for key in ["a", "none"] {
            assert_eq!(rest.status(&format!("DELETE {properties}?key={key}"), &NONE).await, 204);
        }
        assert_eq!(rest.get(&properties).await, json!({ "c": "d" }));
        let none = path(&engine.topic("rest-properties-none"));
        rest.answers(&[
            (&format!("GET {none}/properties"), NONE, 404),
            (&format!("GET {topic_path}/subscription/none/properties"), NONE, 404),
            (&format!("PUT {topic_path}/subscription/none/properties"), json!({}), 404),
        ])
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_topic_that_is_terminated_takes_nothing_more_and_gives_what_it_has() {
    on_every_engine(async |engine| {
        let (rest, (topic, ledger)) = (Rest::of(engine), filled(engine, "rest-end", 3).await);
        let producer = engine.producer(&topic, ProducerOptions::default()).await;
        let consumer = engine.consumer(&topic).await;
        let terminate = format!("POST {}/terminate", path(&topic));
        for _ in 0..2 {
            let ended = rest.ask(&terminate, &NONE).await;
            assert_eq!(ended.status, 200, "{}", ended.text);
            let ended = ended.json();
            assert_eq!((&ended["ledgerId"], &ended["entryId"]), (&json!(ledger), &json!(2)));
        }
        producer.send("late".into()).await.unwrap_err();
        let again = engine.client().await.producer(&topic, ProducerOptions::default()).await;
        again.unwrap_err();
        assert_eq!(next_text(&consumer).await, "0");
        assert_eq!(next_texts(&consumer, 2).await, numbers(1..3));
        let none = path(&engine.topic("rest-end-none"));
        assert_eq!(rest.status(&format!("POST {none}/terminate"), &NONE).await, 404);
    })
    .await;
}

#[tokio::test]
async fn a_topic_that_is_truncated_has_nothing_left_for_anybody() {
    on_every_engine(async |engine| {
        let (rest, (topic, _)) = (Rest::of(engine), filled(engine, "rest-truncate", 5).await);
        let topic_path = path(&topic);
        rest.answers(&[
            (&format!("PUT {topic_path}/subscription/sub"), earliest(), 204),
            (&format!("PUT {topic_path}/unload"), NONE, 204),
            (&format!("DELETE {topic_path}/truncate"), NONE, 204),
            (&format!("PUT {topic_path}/subscription/new"), earliest(), 204),
        ])
        .await;
        for name in ["sub", "new"] {
            until(async || backlog(&rest, &topic, name).await == 0).await;
        }
        let producer = engine.producer(&topic, ProducerOptions::default()).await;
        send_all(&producer, ["after"]).await;
        assert_eq!(next_text(&engine.consumer(&topic).await).await, "after");
        let none = path(&engine.topic("rest-truncate-none"));
        rest.answers(&[
            (&format!("PUT {none}/unload"), NONE, 404),
            (&format!("DELETE {none}/truncate"), NONE, 404),
        ])
        .await;
    })
    .await;
}

#[tokio::test]
async fn what_is_asked_of_a_topic_with_partitions_is_done_on_each() {
    on_every_engine(async |engine| {
        let (rest, topic) = (Rest::of(engine), engine.topic("rest-partitions"));
        let topic_path = path(&topic);
        engine.admin.create_partitioned_topic(&topic.parse().unwrap(), 2).await.unwrap();
        for number in 0..2 {
            let part = format!("{topic}-partition-{number}");
            send_all(&engine.producer(&part, ProducerOptions::default()).await, numbers(0..5)).await;
        }
        let sum = async |name: &str| {
            let stats = rest.get(&format!("{topic_path}/partitioned-stats")).await;
            stats["subscriptions"][name]["msgBacklog"].clone()
        };
        let of = |name: &str, rest: &str| format!("{topic_path}/subscription/{name}{rest}");
        let only = format!("PUT {topic_path}-partition-0/subscription/only");
        rest.answers(&[
            (&format!("PUT {}", of("sub", "")), earliest(), 204),
            (&format!("PUT {}", of("sub", "")), earliest(), 409),
            (&only, earliest(), 204),
            (&format!("PUT {}", of("only", "")), earliest(), 204),
        ])
        .await;
        assert_eq!((sum("sub").await, sum("only").await), (json!(10), json!(10)));
        let post = |rest: &str| format!("POST {}", of("sub", rest));
        for (request, status, left) in
            [(post("/skip/1"), 405, 10), (post("/skip_all"), 204, 0), (post("/resetcursor/0"), 204, 10)]
        {
            assert_eq!(rest.status(&request, &NONE).await, status, "{request}");
            assert_eq!(sum("sub").await, left, "{request}");
        }
        let get = |what: &str| format!("GET {topic_path}/{what}");
        rest.answers(&[
            (&post("/resetcursor"), earliest(), 405),
            (&format!("POST {}", of("none", "/skip_all")), NONE, 404),
            (&format!("POST {}", of("none", "/expireMessages/1")), NONE, 404),
            (&get("subscription/sub/position/1"), NONE, 405),
            (&get("ledger/1/entry/1"), NONE, 405),
            (&get("examinemessage"), NONE, 405),
            (&get("messageid/0"), NONE, 405),
            (&get("internalStats"), NONE, 404),
            (&get("lastMessageId"), NONE, 404),
            (&format!("PUT {topic_path}/backlogSize"), earliest(), 405),
            (&format!("PUT {}", of("sub", "/properties")), json!({ "a": "b" }), 204),
            (&format!("PUT {topic_path}/properties"), json!({ "c": "d" }), 204),
            (&format!("POST {topic_path}/createMissedPartitions"), NONE, 204),
            (&format!("POST {topic_path}/terminate"), NONE, 405),
            (&format!("POST {topic_path}-partition-7/subscription/sub/skip/1"), NONE, 404),
            (&format!("PUT {topic_path}-partition-7/subscription/sub"), earliest(), 412),
        ])
        .await;
        assert_eq!(rest.get(&of("sub", "/properties")).await, json!({ "a": "b" }));
        assert_eq!(rest.get(&format!("{topic_path}/properties")).await, json!({ "c": "d" }));
        let internals = rest.get(&format!("{topic_path}/partitioned-internalStats")).await;
        assert_eq!(internals["metadata"]["partitions"], 2);
        assert_eq!(internals["partitions"][format!("{topic}-partition-1")]["numberOfEntries"], 5);
        rest.answers(&[
            (&format!("DELETE {}", of("only", "")), NONE, 204),
            (&format!("DELETE {}", of("only", "")), NONE, 404),
        ])
        .await;
        let ended = rest.ask(&format!("POST {topic_path}/terminate/partitions"), &NONE).await;
        assert_eq!((ended.status, &ended.json()["1"]["entryId"]), (200, &json!(4)), "{}", ended.text);
    })
    .await;
}
