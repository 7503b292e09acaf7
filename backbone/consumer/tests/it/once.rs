//! What comes twice acts once.

use hexalpes_client::Outgoing;
use hexalpes_consumer::{EventConsumer, Replayed};
use hexalpes_db::{DatabaseUrl, Tx};
use hexalpes_kernel::{Actor, CausationId, Cause, Clock as _, CorrelationId, Ids as _, SystemEdge};
use hexalpes_outbox::{EVENTS_TOPIC, NewEvent, append};
use serde_json::{json, value::RawValue};

use crate::dead_letters::{letter, operator};
use crate::support::{Stage, done, event, failing, good, property, until};

#[tokio::test]
async fn an_event_that_is_sent_twice_acts_once_on_each_database() {
    for database in hexalpes_engines::databases() {
        println!("on {}", database.engine());
        let stage = Stage::on(&DatabaseUrl::parse(database.url()).unwrap()).await;
        let consumer = stage.start();
        stage.send([good("a", "k1"), good("a", "k1"), good("b", "k2"), good("a", "")]).await;
        let status = until(&consumer, |status| done(status) == 4).await;
        assert_eq!((status.handled, status.duplicates, status.held), (2, 2, 0));
        let mut effects = stage.effects().await;
        effects.sort();
        assert_eq!(effects, ["a", "b"]);
        consumer.stop().await;
        stage.db.close().await;
    }
}

/// As after a crash between the effect and the ack. Messages without an id of their own are known by their
/// place.
#[tokio::test]
async fn an_event_whose_ack_was_lost_acts_once() {
    let stage = Stage::set().await;
    let named = (0..50).map(|number| good(&format!("e-{number}"), &format!("k{}", number % 5)));
    let unnamed = (50..100).map(|number| {
        Outgoing::new(json!({ "name": format!("e-{number}") }).to_string()).property("event_type", "Sold")
    });
    stage.send(named.chain(unnamed)).await;
    let consumer = stage.start();
    until(&consumer, |status| status.handled == 100).await;
    consumer.stop().await;
    for _ in 0..2 {
        stage.rewind().await;
        let consumer = stage.start();
        let status = until(&consumer, |status| done(status) == 100).await;
        assert_eq!((status.handled, status.duplicates), (0, 100));
        consumer.stop().await;
    }
    assert_eq!(stage.effects().await.len(), 100);
}

/// Accepts S2-ERR-2.
#[tokio::test]
async fn what_was_acked_does_not_come_again() {
    let stage = Stage::set().await;
    stage.send((0..20).map(|number| good(&format!("e-{number}"), "k"))).await;
    let consumer = stage.start();
    until(&consumer, |status| status.handled == 20).await;
    consumer.stop().await;
    stage.send([good("last", "k")]).await;
    let consumer = stage.start();
    let status = until(&consumer, |status| status.handled == 1).await;
    assert_eq!(status.duplicates, 0);
    consumer.stop().await;
}

#[tokio::test]
async fn a_broker_that_restarts_loses_and_repeats_nothing() {
    let mut stage = Stage::set().await;
    let consumer = stage.start();
    for round in 0..3 {
        stage.send((0..30).map(|number| good(&format!("{round}-{number}"), &format!("k{number}")))).await;
        stage.restart_broker().await;
    }
    until(&consumer, |status| status.handled == 90).await;
    consumer.stop().await;
    let mut effects = stage.effects().await;
    effects.sort();
    effects.dedup();
    assert_eq!(effects.len(), 90);
}

/// Nothing is lost in silence: an event under the id of another one is told apart, and blocks nobody.
#[tokio::test]
async fn another_event_under_the_same_id_becomes_a_dead_letter() {
    let stage = Stage::set().await;
    let consumer = stage.start();
    let other = event("a", "k", &json!({ "name": "other" }));
    stage.send([good("a", "k"), other, good("b", "k")]).await;
    let status = until(&consumer, |status| done(status) == 3).await;
    assert_eq!((status.handled, status.dead_letters), (2, 1));
    let letters = stage.letters().await;
    assert_eq!(letters.len(), 1);
    assert_eq!(property(&letters[0], "dlq_code"), Some("event_id_reused"));
    assert_eq!(stage.effects().await, ["a", "b"]);

    // It is no other's dead letter: it can be replayed, once.
    for replayed in [Replayed::Handled, Replayed::Before] {
        let again = consumer.letter_desk().replay(letter(&letters[0]), operator(), true).await;
        assert_eq!(again.unwrap(), replayed);
    }
    assert_eq!(stage.effects().await, ["a", "b", "other"]);
    consumer.stop().await;
}

#[tokio::test]
async fn the_inbox_forgets_what_is_older_than_it_is_told() {
    let stage = Stage::set().await;
    stage.send([good("a", "k"), good("b", "k")]).await;
    let consumer = stage.start();
    until(&consumer, |status| status.handled == 2).await;
    consumer.stop().await;
    assert_eq!(stage.count("inbox_event").await, 2);
    let options =
        hexalpes_consumer::ConsumerOptions { keep_inbox: Some(std::time::Duration::ZERO), ..stage.options() };
    let consumer = stage.start_with(options);
    let mut commits = stage.db.commits();
    while stage.count("inbox_event").await > 0 {
        tokio::time::timeout(crate::support::PATIENCE, commits.changed()).await.unwrap().unwrap();
    }
    consumer.stop().await;
}

/// The letter waits for as long as it takes, and so does what is known of it.
#[tokio::test]
async fn the_inbox_forgets_no_dead_letter_and_no_replay_of_one() {
    let stage = Stage::set().await;
    stage.send([failing("a", "k1", "reject", 1), failing("b", "k2", "reject", 0), good("c", "k3")]).await;
    let consumer = stage.start();
    until(&consumer, |status| done(status) == 3).await;
    let letters = stage.letters().await;
    let a = letters.iter().find(|row| property(row, "dlq_event_id") == Some("a")).unwrap();
    let replay = async |consumer: &EventConsumer| {
        consumer.letter_desk().replay(letter(a), operator(), true).await.unwrap()
    };
    assert_eq!(replay(&consumer).await, Replayed::Handled);
    consumer.stop().await;
    let options =
        hexalpes_consumer::ConsumerOptions { keep_inbox: Some(std::time::Duration::ZERO), ..stage.options() };
    let consumer = stage.start_with(options);
    let mut commits = stage.db.commits();
    while stage.count("inbox_event").await > 2 {
        tokio::time::timeout(crate::support::PATIENCE, commits.changed()).await.unwrap().unwrap();
    }
    assert_eq!(replay(&consumer).await, Replayed::Before);
    consumer.stop().await;
}

/// The event is the cause of what the handler does, and the correlation goes on.
#[tokio::test]
async fn a_handler_is_told_the_cause() {
    let stage = Stage::set().await;
    let consumer = stage.start();
    stage.send([good("a", "k").property("actor", "ana")]).await;
    until(&consumer, |status| status.handled == 1).await;
    consumer.stop().await;
    let cause = stage.puppet.causes.lock()[0].clone();
    let told = (cause.correlation.as_str(), cause.causation.as_str(), cause.actor.as_str());
    assert_eq!(told, ("CORR-1", "a", "ana"));
}

/// Neither outbox, relay nor consumer knows the types that go through them. Accepts S3-QS-9.
#[tokio::test]
async fn an_event_of_a_new_type_needs_a_row_and_a_handler_and_no_more() {
    let mut stage = Stage::set().await;
    stage.topic = EVENTS_TOPIC.to_owned();
    let cause = Cause {
        correlation: CorrelationId::parse("CORR-1").unwrap(),
        causation: CausationId::parse("CMD-1").unwrap(),
        actor: Actor::anonymous(),
        at: SystemEdge.now(),
    };
    let paused = NewEvent {
        id: SystemEdge.uuid(),
        aggregate_type: "campaigns",
        aggregate_id: "camp-1".to_owned(),
        kind: "com.hexabuilders.campaigns.CampaignPaused",
        data: RawValue::from_string(r#"{"name":"camp-1"}"#.to_owned()).unwrap(),
    };
    let command = async move |tx: &Tx| append(tx, &cause, paused.clone()).await;
    stage.db.write(command).await.unwrap();
    stage.carried(EVENTS_TOPIC).await;

    let consumer = stage.start();
    until(&consumer, |status| status.handled == 1).await;
    assert_eq!(stage.effects().await, ["camp-1"]);
    consumer.stop().await;
}
