//! The same promises on topics with partitions: each row once over all of them, each aggregate in order in one.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use hexalpes_client::{AdminClient, AdminOptions, Client, ClientOptions, Message, ReaderOptions, TopicName};
use hexalpes_db::Tx;
use hexalpes_kernel::{Edge, Ids as _};
use hexalpes_outbox::{EVENTS_TOPIC, NewMessage, RAW_TOPIC, Relay, RelayOptions, append_to};

use crate::support::{PATIENCE, Stage, everything_on, names, until};

/// Rows of ten aggregates, in turn.
fn aggregates(rows: usize) -> impl Iterator<Item = String> {
    (0..rows).map(|row| format!("com-{}", row % 10))
}

/// That rows 1 to `rows` are there once, those of each key in one partition and in their order.
fn assert_once_and_in_order(messages: &[Message], rows: u64) {
    let mut numbers: Vec<u64> = messages.iter().map(|message| message.sequence_id).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=rows).collect::<Vec<_>>());
    for (key, of_key) in by_key(messages) {
        assert!(of_key.iter().map(|message| message.sequence_id).is_sorted(), "{key}");
    }
}

/// Those that have a key.
fn by_key(messages: &[Message]) -> BTreeMap<String, Vec<&Message>> {
    let mut keys = BTreeMap::<_, Vec<_>>::new();
    for message in messages {
        if let Some(key) = &message.key {
            keys.entry(key.clone()).or_default().push(message);
        }
    }
    keys
}

fn partitions(messages: &[Message]) -> BTreeSet<Option<u32>> {
    messages.iter().map(|message| message.id.partition).collect()
}

#[tokio::test]
async fn each_aggregate_is_in_one_partition_in_the_order_of_the_commits() {
    let stage = Stage::with_partitions(4).await;
    stage.append_together(aggregates(6_000)).await;
    let relay = stage.relay();
    stage.drained().await;
    for topic in [EVENTS_TOPIC, RAW_TOPIC] {
        let messages = stage.messages(topic, "all").await;
        assert_once_and_in_order(&messages, 6_000);
        assert!(partitions(&messages).len() > 1);
        assert!(
            by_key(&messages)
                .values()
                .all(|of_key| of_key.iter().all(|m| m.id.partition == of_key[0].id.partition))
        );
    }
    relay.stop().await;
}

#[tokio::test]
async fn rows_whose_checkpoint_was_lost_are_not_published_twice_to_any_partition() {
    let stage = Stage::with_partitions(4).await;
    let mut rows = 0;
    for lost_up_to in [0, 25, 40] {
        let relay = stage.relay();
        stage.append(aggregates(30)).await;
        rows += 30;
        stage.drained().await;
        relay.stop().await;
        stage.take_back(lost_up_to).await;
    }
    let relay = stage.relay();
    stage.append_together(aggregates(5_000)).await;
    stage.drained().await;
    for topic in [EVENTS_TOPIC, RAW_TOPIC] {
        assert_once_and_in_order(&stage.messages(topic, "all").await, rows + 5_000);
    }
    relay.stop().await;
}

/// Killed: nobody waits for receipts, and what is on its way stays on its way.
#[tokio::test]
async fn a_broker_and_a_relay_that_are_killed_again_and_again_publish_each_row_once() {
    let mut stage = Stage::with_partitions(4).await;
    for round in 1..=6 {
        let relay = stage.relay();
        stage.append_together(aggregates(200)).await;
        until(&relay, |status| status.num_received_from_source > 0).await;
        stage.stop_broker().await;
        // It goes before it could note what the broker has.
        relay.stop().await;
        stage.start_broker().await;
        if round % 2 == 0 {
            stage.take_back(0).await;
        }
    }
    let relay = stage.relay();
    stage.append(aggregates(10)).await;
    stage.drained().await;
    for topic in [EVENTS_TOPIC, RAW_TOPIC] {
        assert_once_and_in_order(&stage.messages(topic, "all").await, 1_210);
    }
    relay.stop().await;
}

/// More partitions count for new rows alone: those that may be on their way go where they went.
#[tokio::test]
async fn a_topic_that_grew_has_each_row_once_and_the_new_ones_in_all_partitions() {
    let stage = Stage::with_partitions(2).await;
    let relay = stage.relay();
    stage.append(aggregates(40)).await;
    stage.drained().await;
    relay.stop().await;

    for topic in [EVENTS_TOPIC, RAW_TOPIC] {
        stage.broker().grow_partitioned(&TopicName::parse(topic).unwrap(), 5).unwrap();
    }
    stage.take_back(10).await;
    for _ in 0..2 {
        let relay = stage.relay();
        stage.append(aggregates(40)).await;
        stage.drained().await;
        relay.stop().await;
        stage.take_back(15).await;
    }
    let relay = stage.relay();
    stage.append(["last".to_owned()]).await;
    stage.drained().await;
    relay.stop().await;
    for topic in [EVENTS_TOPIC, RAW_TOPIC] {
        let messages = stage.messages(topic, "all").await;
        let mut numbers: Vec<u64> = messages.iter().map(|message| message.sequence_id).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=121).collect::<Vec<_>>());
        let late: Vec<_> = messages.into_iter().filter(|message| message.sequence_id > 40).collect();
        assert!(partitions(&late).iter().any(|partition| partition.is_some_and(|at| at >= 2)));
    }
}

/// While it publishes, again and again, and before the rows of one growth are all there.
#[tokio::test]
async fn a_relay_at_work_uses_the_partitions_that_its_topics_get() {
    for Post { stage, client, admin, namespace } in posts("growing").await {
        let topics =
            ["letters", "bills"].map(|name| TopicName::parse(&format!("{namespace}/{name}")).unwrap());
        for topic in &topics {
            make(&stage, admin.as_ref(), topic, 2).await;
        }
        let relay = post(&stage, &client);
        let mut rows = 0;
        for has in [3, 5, 7] {
            append_letters(&stage, &topics, 60).await;
            rows += 60;
            for topic in &topics {
                grow(&stage, admin.as_ref(), topic, has).await;
            }
            let deadline = tokio::time::Instant::now() + PATIENCE;
            while used(&client, &topics[0], has).await.min(used(&client, &topics[1], has).await) < has {
                assert!(
                    tokio::time::Instant::now() < deadline,
                    "{namespace}: {has} partitions are not all used, {:?}",
                    relay.status()
                );
                append_letters(&stage, &topics, 12).await;
                rows += 12;
                stage.drained().await;
            }
        }
        assert_eq!(relay.status().alarm, None);
        relay.stop().await;
        let mut numbers = Vec::new();
        for topic in &topics {
            let messages = everything_on(&client, &topic.to_string(), "all").await;
            for (key, of_key) in by_key(&messages) {
                for partition in partitions(&messages) {
                    let there = of_key.iter().filter(|message| message.id.partition == partition);
                    assert!(there.is_sorted_by_key(|message| message.sequence_id), "{key}");
                }
                let mut homes = of_key.clone();
                homes.sort_by_key(|message| message.sequence_id);
                homes.dedup_by_key(|message| message.id.partition);
                assert!(homes.len() <= 4, "{key} moves once with each growth: {homes:?}");
            }
            numbers.extend(messages.iter().map(|message| message.sequence_id));
        }
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=rows).collect::<Vec<_>>());
        tidy_up(admin, &namespace).await;
    }
}

/// How many partitions of a topic have something.
async fn used(client: &Client, topic: &TopicName, partitions: u32) -> u32 {
    let mut used = 0;
    for partition in 0..partitions {
        let options = ReaderOptions::default();
        let reader = client.reader(&topic.with_partition(partition).to_string(), options).await.unwrap();
        used += u32::from(reader.has_message_available().await.unwrap());
    }
    used
}

#[tokio::test]
async fn partitions_that_were_made_anew_stop_the_relay() {
    for (made_anew, told) in [(4, "its data was lost"), (3, "it was made anew")] {
        let mut stage = Stage::with_partitions(4).await;
        let relay = stage.relay();
        stage.append(names(20)).await;
        stage.drained().await;
        relay.stop().await;
        stage.stop_broker().await;
        std::fs::remove_dir_all(stage.broker_data()).unwrap();
        stage.start_broker().await;
        stage.make_partitions(made_anew);
        let relay = stage.relay();
        let alarm = until(&relay, |status| status.alarm.is_some()).await.alarm.unwrap();
        assert!(alarm.contains(told), "{alarm}");
        relay.stop().await;
    }
}

#[tokio::test]
async fn a_second_relay_stands_by_while_the_first_has_the_partitions() {
    let stage = Stage::with_partitions(3).await;
    let first = stage.relay();
    stage.append(aggregates(10)).await;
    until(&first, |status| status.num_written == 10).await;
    let second = stage.relay();
    until(&second, |status| status.standby.is_some()).await;
    first.stop().await;
    stage.append(aggregates(10)).await;
    until(&second, |status| status.num_written == 10).await;
    assert_once_and_in_order(&stage.messages(EVENTS_TOPIC, "all").await, 20);
    second.stop().await;
}

/// Messages for one topic, with and without a key, on each engine.
#[tokio::test]
async fn messages_for_a_topic_with_partitions_are_there_once_after_lost_checkpoints_and_growth() {
    for Post { stage, client, admin, namespace } in posts("letters").await {
        let name = TopicName::parse(&format!("{namespace}/letters")).unwrap();
        make(&stage, admin.as_ref(), &name, 2).await;
        for round in 0..3 {
            let relay = post(&stage, &client);
            append_letters(&stage, std::slice::from_ref(&name), 12).await;
            stage.drained().await;
            relay.stop().await;
            if round == 0 {
                grow(&stage, admin.as_ref(), &name, 4).await;
            }
            stage.take_back(0).await;
        }
        let messages = everything_on(&client, &name.to_string(), "all").await;
        let mut numbers: Vec<u64> = messages.iter().map(|message| message.sequence_id).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=36).collect::<Vec<_>>());
        assert_eq!(partitions(&messages).len(), 4);
        tidy_up(admin, &namespace).await;
    }
}

/// An outbox of letters, and where they go: each engine.
struct Post {
    stage: Stage,
    client: Client,
    /// None where the broker is at hand.
    admin: Option<AdminClient>,
    /// The topics of letters are in here.
    namespace: String,
}

async fn posts(about: &str) -> Vec<Post> {
    let curious = |url: String| {
        let discovery_interval = Duration::from_millis(50);
        Client::new(ClientOptions { discovery_interval, ..ClientOptions::new(url) }).unwrap()
    };
    let stage = Stage::set().await;
    let client = curious(stage.service_url());
    let mut posts = vec![Post { stage, client, admin: None, namespace: "public/default".to_owned() }];
    if let Some(pulsar) = hexalpes_engines::pulsar() {
        let admin = AdminClient::new(AdminOptions::new(pulsar.admin)).unwrap();
        let namespace = format!("public/outbox-{about}-{}", std::process::id());
        admin.create_namespace(&namespace).await.unwrap();
        admin.set_deduplication(&namespace, true).await.unwrap();
        let (stage, client) = (Stage::set().await, curious(pulsar.service));
        posts.push(Post { stage, client, admin: Some(admin), namespace });
    }
    posts
}

async fn tidy_up(admin: Option<AdminClient>, namespace: &str) {
    let Some(admin) = admin else { return };
    for topic in admin.partitioned_topics(namespace).await.unwrap() {
        admin.delete_partitioned_topic(&topic.parse().unwrap(), true).await.unwrap();
    }
}

fn post(stage: &Stage, client: &Client) -> Relay {
    let edge: Arc<dyn Edge> = Arc::clone(&stage.edge) as Arc<dyn Edge>;
    Relay::start(stage.db.clone(), client.clone(), edge, RelayOptions::new("letters"))
}

/// So many, to the topics in turn; every fifth has a key.
async fn append_letters(stage: &Stage, topics: &[TopicName], count: usize) {
    for (number, topic) in (0..count).zip(topics.iter().cycle()) {
        append_letter(stage, topic, (number % 5 == 0).then(|| format!("key-{number}"))).await;
    }
}

async fn append_letter(stage: &Stage, topic: &TopicName, key: Option<String>) {
    let letter = NewMessage {
        id: stage.edge.uuid(),
        topic: topic.clone(),
        key,
        properties: Vec::new(),
        event_time: None,
        payload: Bytes::from_static(b"letter"),
    };
    let cause = stage.cause();
    stage.db.write(async move |tx: &Tx| append_to(tx, &cause, letter.clone()).await).await.unwrap();
}

async fn make(stage: &Stage, admin: Option<&AdminClient>, topic: &TopicName, partitions: u32) {
    match admin {
        None => stage.broker().create_partitioned(topic, partitions).unwrap(),
        Some(admin) => admin.create_partitioned_topic(topic, partitions).await.unwrap(),
    }
}

async fn grow(stage: &Stage, admin: Option<&AdminClient>, topic: &TopicName, partitions: u32) {
    match admin {
        None => stage.broker().grow_partitioned(topic, partitions).unwrap(),
        Some(admin) => admin.grow_partitioned_topic(topic, partitions).await.unwrap(),
    }
}
