//! The same on a real Pulsar, where there is one, and on topics with partitions.

use hexalpes_client::{AdminClient, AdminOptions, TopicName};
use hexalpes_db::DatabaseUrl;

use crate::support::{Stage, done, failing, good, until};

#[tokio::test]
async fn on_a_real_pulsar_each_event_acts_once() {
    let Some(pulsar) = hexalpes_engines::pulsar() else { return };
    let topic = format!("persistent://public/default/sales-{}", std::process::id());
    each_event_acts_once(on_pulsar(&pulsar.service, &topic).await).await;
}

/// Accepts C-24.
#[tokio::test]
async fn on_a_topic_with_partitions_each_event_acts_once() {
    let stage = Stage::set().await;
    stage.make_partitions(4);
    each_event_acts_once(stage).await;

    let Some(pulsar) = hexalpes_engines::pulsar() else { return };
    let topic = format!("persistent://public/default/parted-sales-{}", std::process::id());
    let admin = AdminClient::new(AdminOptions::new(pulsar.admin)).unwrap();
    admin.create_partitioned_topic(&TopicName::parse(&topic).unwrap(), 4).await.unwrap();
    each_event_acts_once(on_pulsar(&pulsar.service, &topic).await).await;
}

async fn on_pulsar(url: &str, topic: &str) -> Stage {
    let folder = tempfile::tempdir().unwrap();
    let place = DatabaseUrl::file(folder.path().join("test.db"));
    Stage::at(url.to_owned(), topic, &place, folder).await
}

/// Retries, a dead letter, what follows it, and everything a second time.
async fn each_event_acts_once(stage: Stage) {
    let consumer = stage.start();
    let mut messages = vec![failing("a-0", "a", "transient", 2), failing("b-0", "b", "reject", 0)];
    for number in 1..20 {
        messages.extend(["a", "b", "c"].map(|key| good(&format!("{key}-{number}"), key)));
    }
    messages.push(good("a-1", "a"));
    stage.send(messages).await;
    let status = until(&consumer, |status| done(status) == 60).await;
    assert_eq!((status.handled, status.duplicates, status.dead_letters), (39, 1, 20));
    consumer.stop().await;

    stage.rewind().await;
    let consumer = stage.start();
    until(&consumer, |status| status.duplicates == 60).await;
    consumer.stop().await;
    let effects = stage.effects().await;
    let of = |key: &str| effects.iter().filter(|name| name.starts_with(key)).cloned().collect::<Vec<_>>();
    assert_eq!(of("a"), (0..20).map(|number| format!("a-{number}")).collect::<Vec<_>>());
    assert_eq!(of("c"), (1..20).map(|number| format!("c-{number}")).collect::<Vec<_>>());
    assert_eq!(stage.letters().await.len(), 20);
}
