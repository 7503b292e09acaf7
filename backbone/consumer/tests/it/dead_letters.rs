//! What nobody could handle: once on each of its topics, with the reason, and what follows it.

use hexalpes_client::Outgoing;
use hexalpes_consumer::{
    ConsumerOptions, DROPPED, DeadLetter, Dropped, KeyOrder, REPLAYED, ReplayError, Replayed, blocked_keys,
    release_key,
};
use hexalpes_db::{DatabaseUrl, DbError, Tx};
use hexalpes_kernel::{Actor, CausationId, Cause, Clock as _, CorrelationId, SystemEdge, Timestamp};
use hexalpes_outbox::PROPERTIES_BYTES_MAX;
use serde_json::Value;

use crate::support::{SUBSCRIPTION, Stage, TOPIC, done, failing, good, property, until};

/// Accepts S0-CON-8, S0-TOP-9, C-3, C-6, S2-ERR-3, S2-SUB-7.
#[tokio::test]
async fn a_refused_event_is_once_on_each_of_its_three_topics_with_the_reason() {
    let stage = Stage::set().await;
    let consumer = stage.start();
    let refused = failing("a", "k", "reject", 0).property("tenant", "Ñandú").property("dlq_code", "forged");
    stage.send([refused, failing("a", "k", "reject", 0)]).await;
    until(&consumer, |status| done(status) == 2).await;
    consumer.stop().await;
    stage.rewind().await;
    let consumer = stage.start();
    until(&consumer, |status| status.duplicates == 2).await;
    consumer.stop().await;

    assert_eq!(stage.puppet.runs("a"), 1);
    let canonical = format!("{TOPIC}-books-dlq");
    let service = "persistent://hexabuilders/books/dead-letters";
    for topic in [&canonical, service, "persistent://hexabuilders/system/dead-letters"] {
        let letters = stage.carried(topic).await;
        assert_eq!(letters.len(), 1, "{topic}");
        let letter = &letters[0];
        assert_eq!(letter.key.as_deref(), Some("k"));
        let sent: Value = serde_json::from_slice(&letter.payload).unwrap();
        assert_eq!(sent["id"], "a");
        for (name, value) in [
            ("tenant", "Ñandú"),
            ("dlq_topic", TOPIC),
            ("dlq_event_id", "a"),
            ("dlq_service", "books"),
            ("dlq_subscription", SUBSCRIPTION),
            ("dlq_code", "invalid_request"),
            ("dlq_reason", "/amount: must be more than zero: Ñandú"),
            ("dlq_runs", "1"),
            ("dlq_correlation_id", "CORR-1"),
        ] {
            assert_eq!(letter.property(name), Some(value), "{name}");
        }
        let errors: Value = serde_json::from_str(letter.property("dlq_errors").unwrap()).unwrap();
        assert_eq!((&errors[0]["pointer"], &errors[0]["code"]), (&"/amount".into(), &"not_positive".into()));
    }
}

/// Accepts C-6.
#[tokio::test]
async fn later_events_of_the_key_follow_in_order_until_it_is_released() {
    for database in hexalpes_engines::databases() {
        println!("on {}", database.engine());
        let stage = Stage::on(&DatabaseUrl::parse(database.url()).unwrap()).await;
        let consumer = stage.start();
        stage
            .send([failing("a", "k", "reject", 0), good("b", "k"), good("c", "k"), good("d", "other")])
            .await;
        until(&consumer, |status| done(status) == 4).await;
        let letters = stage.letters().await;
        let told: Vec<_> = letters
            .iter()
            .map(|letter| {
                (property(letter, "dlq_event_id").unwrap(), property(letter, "dlq_reason").unwrap())
            })
            .collect();
        let refused = "/amount: must be more than zero: Ñandú";
        assert_eq!(told, [("a", refused), ("b", "behind a"), ("c", "behind a")]);
        assert_eq!(stage.effects().await, ["d"]);

        let keys = stage.db.read(async |tx: &Tx| blocked_keys(tx, SUBSCRIPTION, 10).await).await.unwrap();
        assert_eq!(keys.iter().map(|key| (&*key.key, &*key.event_id)).collect::<Vec<_>>(), [("k", "a")]);
        let release = async |tx: &Tx| -> Result<(bool, bool), DbError> {
            Ok((release_key(tx, SUBSCRIPTION, "k").await?, release_key(tx, SUBSCRIPTION, "k").await?))
        };
        assert_eq!(stage.db.write(release).await.unwrap(), (true, false));
        stage.send([good("e", "k")]).await;
        until(&consumer, |status| done(status) == 5).await;
        assert_eq!(stage.effects().await, ["d", "e"]);
        consumer.stop().await;
        stage.db.close().await;
    }
}

#[tokio::test]
async fn where_events_stand_for_themselves_nothing_follows() {
    let stage = Stage::set().await;
    let options = ConsumerOptions { order: KeyOrder::Independent, ..stage.options() };
    let consumer = stage.start_with(options);
    stage.send([failing("a", "k", "reject", 0), good("b", "k")]).await;
    until(&consumer, |status| done(status) == 2).await;
    consumer.stop().await;
    assert_eq!(stage.effects().await, ["b"]);
}

#[tokio::test]
async fn what_is_no_event_becomes_a_dead_letter_as_it_came() {
    let stage = Stage::set().await;
    let consumer = stage.start();
    let payloads = [&b"\x02\xff\x00 no event"[..], b"", br#"{"specversion":"1.0"}"#, br#"{"name":"a"}"#];
    stage.send(payloads.map(|payload| Outgoing::new(payload.to_vec()))).await;
    until(&consumer, |status| status.dead_letters == 4).await;
    consumer.stop().await;
    let letters = stage.carried(&format!("{TOPIC}-books-dlq")).await;
    assert_eq!(letters.iter().map(|letter| &letter.payload[..]).collect::<Vec<_>>(), payloads);
    assert!(letters.iter().all(|letter| letter.property("dlq_code") == Some("not_an_event")));
    assert!(letters[2].property("dlq_reason").unwrap().contains("missing field"));
    let place = letters[3].property("dlq_message_id").unwrap();
    assert_eq!(letters[3].property("dlq_event_id"), Some(&*format!("{TOPIC}/{place}")));
}

#[tokio::test]
async fn headers_that_are_too_large_are_trimmed_and_counted() {
    let stage = Stage::set().await;
    let consumer = stage.start();
    let refused = failing("a", &"k".repeat(1_000), "reject", 0)
        .property("small", "kept")
        .property("large", "ñ".repeat(2_500))
        .property("larger", "ñ".repeat(1_500))
        .property("last", "kept");
    let of_a_long_key = failing("b", &"k".repeat(2_000), "reject", 0);
    stage.send([refused, of_a_long_key]).await;
    until(&consumer, |status| status.dead_letters == 2).await;
    consumer.stop().await;
    let letters = stage.carried(&format!("{TOPIC}-books-dlq")).await;
    let trimmed = &letters[0];
    assert_eq!(trimmed.property("dlq_properties_left_out"), Some("1"));
    assert_eq!((trimmed.property("small"), trimmed.property("last")), (Some("kept"), Some("kept")));
    let size: usize = trimmed.properties.iter().map(|(name, value)| name.len() + value.len()).sum();
    assert!(size + trimmed.key.as_ref().unwrap().len() <= PROPERTIES_BYTES_MAX);
    assert!(letters[1].key.is_none());
    assert!(letters[1].property("dlq_key").unwrap().starts_with("sha256:"));
}

/// A dead letter of the outbox, as the one who replays it has it.
pub(crate) fn letter(row: &hexalpes_outbox::OutboxRow) -> DeadLetter {
    let payload: String = serde_json::from_str(row.payload.get()).unwrap();
    let route = row.headers.route.as_ref().unwrap();
    let own = route.properties.iter().filter(|(name, _)| !name.starts_with("dlq_"));
    DeadLetter {
        event_id: property(row, "dlq_event_id").unwrap().to_owned(),
        key: property(row, "dlq_key").map(str::to_owned).or(route.key.clone()),
        topic: TOPIC.to_owned(),
        properties: own.cloned().collect(),
        payload: payload.into(),
        code: property(row, "dlq_code").unwrap().to_owned(),
        died_at: Timestamp::parse(property(row, "dlq_at").unwrap()).ok(),
        ..DeadLetter::default()
    }
}

pub(crate) fn operator() -> Cause {
    Cause {
        correlation: CorrelationId::parse("CORR-operator").unwrap(),
        causation: CausationId::parse("CMD-operator").unwrap(),
        actor: Actor::anonymous(),
        at: SystemEdge.now(),
    }
}

/// What was wrong is edited; the others of the key follow in their order, and then new ones.
#[tokio::test]
async fn replayed_dead_letters_of_a_key_act_once_and_in_order() {
    for database in hexalpes_engines::databases() {
        println!("on {}", database.engine());
        let stage = Stage::on(&DatabaseUrl::parse(database.url()).unwrap()).await;
        let consumer = stage.start();
        stage.send([failing("a", "k", "reject", 0), good("b", "k"), good("c", "k")]).await;
        until(&consumer, |status| done(status) == 3).await;
        let desk = consumer.letter_desk();
        let letters = stage.letters().await;

        let refused = desk.replay(letter(&letters[0]), operator(), false).await;
        assert!(matches!(refused, Err(ReplayError::Refused(why)) if why.code == "invalid_request"));
        let mut edited = letter(&letters[0]);
        let text = String::from_utf8(edited.payload.to_vec())
            .unwrap()
            .replace("\"fail\":\"reject\"", "\"mended\":true");
        edited = DeadLetter { payload: text.into(), is_edited: true, ..edited };
        for (letter, releases) in
            [(edited.clone(), false), (letter(&letters[1]), false), (letter(&letters[2]), true)]
        {
            assert_eq!(desk.replay(letter, operator(), releases).await.unwrap(), Replayed::Handled);
        }
        // Whoever replays and is not sure that he did, does it again.
        assert_eq!(desk.replay(edited, operator(), false).await.unwrap(), Replayed::Before);
        stage.send([good("d", "k")]).await;
        until(&consumer, |status| status.handled == 1).await;
        assert_eq!(stage.effects().await, ["a", "b", "c", "d"]);

        let told = hexalpes_outbox::newest(&stage.db, None, 100).await.unwrap();
        let told: Vec<_> = told.iter().filter(|row| row.kind == REPLAYED).collect();
        assert_eq!(told.len(), 3);
        let first: Value = serde_json::from_str(told[2].payload.get()).unwrap();
        assert_eq!((&first["event_id"], &first["is_edited"]), (&"a".into(), &true.into()));
        assert_eq!(told[2].headers.correlationid.as_str(), "CORR-operator");

        // What came again from the broker is known, as it came.
        consumer.stop().await;
        stage.rewind().await;
        let consumer = stage.start();
        until(&consumer, |status| status.duplicates == 4).await;
        assert_eq!(stage.effects().await, ["a", "b", "c", "d"]);
        consumer.stop().await;
        stage.db.close().await;
    }
}

/// Whoever drops and is not sure that he did, does it again; and he may think better of it.
#[tokio::test]
async fn a_dead_letter_is_told_as_dropped_once_and_never_when_it_was_handled() {
    for database in hexalpes_engines::databases() {
        println!("on {}", database.engine());
        let stage = Stage::on(&DatabaseUrl::parse(database.url()).unwrap()).await;
        let consumer = stage.start();
        stage.send([failing("a", "k", "reject", 1)]).await;
        until(&consumer, |status| status.dead_letters == 1).await;
        let (desk, letters) = (consumer.letter_desk(), stage.letters().await);
        let drop_it = async || desk.drop_letter(letter(&letters[0]), operator(), true).await.unwrap();
        assert_eq!(drop_it().await, Dropped::Now);
        assert_eq!(drop_it().await, Dropped::Before);
        let replayed = desk.replay(letter(&letters[0]), operator(), true).await.unwrap();
        assert_eq!(replayed, Replayed::Handled);
        assert_eq!(drop_it().await, Dropped::Handled);
        let told = hexalpes_outbox::newest(&stage.db, None, 100).await.unwrap();
        assert_eq!(told.iter().filter(|row| row.kind == DROPPED).count(), 1);
        consumer.stop().await;
        stage.rewind().await;
        let consumer = stage.start();
        until(&consumer, |status| status.duplicates == 1).await;
        consumer.stop().await;
        stage.db.close().await;
    }
}

/// Of before the inbox marked dead letters: their notes look as those of what was handled.
#[tokio::test]
async fn dead_letters_without_a_mark_are_replayed_once_and_dropped_once() {
    for database in hexalpes_engines::databases() {
        println!("on {}", database.engine());
        let stage = Stage::on(&DatabaseUrl::parse(database.url()).unwrap()).await;
        let consumer = stage.start();
        stage.send([failing("a", "k1", "reject", 1), failing("b", "k2", "reject", 1), good("c", "k3")]).await;
        until(&consumer, |status| done(status) == 3).await;
        let desk = consumer.letter_desk();
        let mut letters = stage.letters().await;
        letters.sort_by_key(|row| property(row, "dlq_event_id").map(str::to_owned));
        let (a, b) = (letter(&letters[0]), letter(&letters[1]));
        stage.take_marks().await;

        for replayed in [Replayed::Handled, Replayed::Before] {
            assert_eq!(desk.replay(a.clone(), operator(), true).await.unwrap(), replayed);
        }
        // As the version left it that marked dead letters and not their replays: what was told of it counts.
        stage.take_marks().await;
        assert_eq!(desk.replay(a.clone(), operator(), true).await.unwrap(), Replayed::Before);
        assert_eq!(desk.drop_letter(a, operator(), true).await.unwrap(), Dropped::Handled);
        for dropped in [Dropped::Now, Dropped::Before] {
            assert_eq!(desk.drop_letter(b.clone(), operator(), true).await.unwrap(), dropped);
        }
        // A letter that claims to be of an event that was handled is none.
        let forged = DeadLetter { event_id: "c".to_owned(), died_at: Some(SystemEdge.now()), ..b };
        assert_eq!(desk.replay(forged, operator(), true).await.unwrap(), Replayed::Before);
        let mut effects = stage.effects().await;
        effects.sort();
        assert_eq!(effects, ["a", "c"]);
        consumer.stop().await;
        stage.db.close().await;
    }
}

#[tokio::test]
async fn a_dropped_dead_letter_lets_its_key_go_on() {
    let stage = Stage::set().await;
    let consumer = stage.start();
    stage.send([failing("a", "k", "reject", 0)]).await;
    until(&consumer, |status| status.dead_letters == 1).await;
    let letters = stage.letters().await;
    consumer.letter_desk().drop_letter(letter(&letters[0]), operator(), true).await.unwrap();
    stage.send([good("b", "k")]).await;
    until(&consumer, |status| status.handled == 1).await;
    consumer.stop().await;
    assert_eq!(stage.effects().await, ["b"]);
    let told = hexalpes_outbox::newest(&stage.db, None, 100).await.unwrap();
    assert_eq!(told.iter().filter(|row| row.kind == DROPPED).count(), 1);
}

/// What a handler has under an event's id, such as the key of a command, is that event's alone.
#[tokio::test]
async fn replayed_events_without_an_id_are_called_as_they_were() {
    let stage = Stage::set().await;
    let consumer = stage.start();
    let bare = |name: &str| {
        let data = format!(r#"{{"name":"{name}","fail":"reject","times":1}}"#);
        Outgoing::new(data).property("event_type", "Sold")
    };
    stage.send([bare("a"), bare("b")]).await;
    until(&consumer, |status| status.dead_letters == 2).await;
    for row in stage.letters().await {
        let replayed = consumer.letter_desk().replay(letter(&row), operator(), true).await;
        assert_eq!(replayed.unwrap(), Replayed::Handled);
    }
    consumer.stop().await;
    // They have no key, and come in any order.
    let mut ids = stage.puppet.ids.lock().clone();
    ids.sort();
    assert_eq!((&ids[0], &ids[2], ids.len()), (&ids[1], &ids[3], 4));
    assert_ne!(ids[0], ids[3]);
}

/// A key that the letter cannot have, or has from the event's subject, is let go as any other.
#[tokio::test]
async fn a_subject_and_a_long_key_are_released_by_what_the_letter_says() {
    let stage = Stage::set().await;
    let consumer = stage.start();
    let of_subject = |id: &str| {
        let data = format!(r#"{{"name":"{id}","fail":"reject"}}"#);
        Outgoing::new(data)
            .property("ce_type", "com.x.Sold")
            .property("ce_id", id)
            .property("ce_subject", "s-1")
    };
    let long = "k".repeat(2_000);
    stage.send([of_subject("a"), of_subject("b"), failing("c", &long, "reject", 0)]).await;
    until(&consumer, |status| status.dead_letters == 3).await;
    let mut letters = stage.letters().await;
    letters.sort_by_key(|row| property(row, "dlq_event_id").map(str::to_owned));
    for row in &letters[..2] {
        assert_eq!(property(row, "dlq_key"), Some("s-1"));
    }
    let blocked = async || {
        let keys = stage.db.read(async |tx: &Tx| blocked_keys(tx, SUBSCRIPTION, 10).await).await;
        keys.unwrap().len()
    };
    assert_eq!(blocked().await, 2);
    let desk = consumer.letter_desk();
    for (row, releases, left) in [(&letters[0], false, 2), (&letters[1], true, 1), (&letters[2], true, 0)] {
        desk.drop_letter(letter(row), operator(), releases).await.unwrap();
        assert_eq!(blocked().await, left);
    }
    stage.send([good("d", &long)]).await;
    until(&consumer, |status| status.handled == 1).await;
    consumer.stop().await;
}
