//! Lists of topics, by pattern and hash, and who watches one.

use std::collections::BTreeSet;

use hexalpes_client::{ProducerOptions, TopicName};
use hexalpes_wire::proto::{
    Command, CommandGetTopicsOfNamespace, CommandGetTopicsOfNamespaceResponse, CommandWatchTopicList,
    CommandWatchTopicListClose, CommandWatchTopicListSuccess, CommandWatchTopicUpdate, ServerError,
};

use crate::{
    engine::{Engine, on_every_engine},
    raw::Peer,
};

/// What a regular expression says of topics whose names begin like this one.
fn like(topic: &str) -> String {
    let local = TopicName::parse(topic).unwrap().local().to_owned();
    format!(".*/{}.*", &local[..12])
}

async fn listed(
    peer: &mut Peer,
    engine: &Engine,
    pattern: Option<&str>,
    hash: Option<&str>,
) -> CommandGetTopicsOfNamespaceResponse {
    let asked = CommandGetTopicsOfNamespace {
        request_id: 3,
        namespace: engine.namespace().to_owned(),
        topics_pattern: pattern.map(str::to_owned),
        topics_hash: hash.map(str::to_owned),
        ..CommandGetTopicsOfNamespace::default()
    };
    match peer.ask(&Command::GetTopicsOfNamespace(asked)).await {
        Command::GetTopicsOfNamespaceResponse(answer) => answer,
        other => panic!("{other:?} is no list"),
    }
}

fn watch(engine: &Engine, pattern: &str, hash: Option<&str>) -> Command {
    Command::WatchTopicList(CommandWatchTopicList {
        request_id: 4,
        watcher_id: 7,
        namespace: engine.namespace().to_owned(),
        topics_pattern: pattern.to_owned(),
        topics_hash: hash.map(str::to_owned),
    })
}

async fn watched(peer: &mut Peer, engine: &Engine, pattern: &str) -> CommandWatchTopicListSuccess {
    match peer.ask(&watch(engine, pattern, None)).await {
        Command::WatchTopicListSuccess(success) => success,
        other => panic!("{other:?} watches nothing"),
    }
}

/// Hears of so many topics that came or went, and gives back the last hash.
async fn updated(peer: &mut Peer, came: &[String], went: &[String]) -> String {
    let (mut new, mut deleted) = (BTreeSet::new(), BTreeSet::new());
    loop {
        let update = match peer.hears().await.command {
            Command::WatchTopicUpdate(update) => update,
            other => panic!("{other:?} is no update"),
        };
        let CommandWatchTopicUpdate { watcher_id, new_topics, deleted_topics, topics_hash } = update;
        assert_eq!(watcher_id, 7);
        new.extend(new_topics);
        deleted.extend(deleted_topics);
        if new.len() + deleted.len() >= came.len() + went.len() {
            assert_eq!(new, came.iter().cloned().collect());
            assert_eq!(deleted, went.iter().cloned().collect());
            return topics_hash;
        }
    }
}

#[tokio::test]
async fn a_list_is_filtered_by_a_pattern_and_left_out_if_its_hash_is_known() {
    on_every_engine(async |engine| {
        let (topic, other) = (engine.topic("listed-alone"), engine.topic("unlisted"));
        for topic in [&topic, &other] {
            engine.admin.create_topic(&topic.parse().unwrap()).await.unwrap();
        }
        let mut peer = Peer::connect(engine).await;
        let all = listed(&mut peer, engine, None, None).await;
        assert!(all.topics.contains(&topic) && all.topics.contains(&other) && all.changed());
        assert!(!all.filtered());
        for pattern in [like(&topic), format!("persistent://{}", like(&topic))] {
            let some = listed(&mut peer, engine, Some(&pattern), None).await;
            assert_eq!(
                (some.topics.clone(), some.filtered(), some.changed()),
                (vec![topic.clone()], true, true)
            );
            // What Pulsar has computed of one name is what everybody computes.
            let hash = format!("{:08x}", crc32c(topic.as_bytes()).swap_bytes());
            assert_eq!(some.topics_hash(), hash);
            let known = listed(&mut peer, engine, Some(&pattern), Some(&hash)).await;
            assert_eq!((known.topics.len(), known.topics_hash(), known.changed()), (0, &*hash, false));
        }
        // Who has a longer pattern applies it itself.
        let long = listed(&mut peer, engine, Some(&format!(".*{}", "x*".repeat(30))), None).await;
        assert!(!long.filtered() && long.topics.contains(&topic) && long.topics.contains(&other));
    })
    .await;
}

/// CRC32C, bit by bit.
fn crc32c(bytes: &[u8]) -> u32 {
    let step = |sum: u32, _| (sum >> 1) ^ (if sum & 1 == 1 { 0x82f6_3b78 } else { 0 });
    !bytes.iter().fold(!0, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), step))
}

#[tokio::test]
async fn who_watches_hears_of_topics_that_come_and_go() {
    on_every_engine(async |engine| {
        let first = engine.topic("watched-long");
        engine.admin.create_topic(&first.parse().unwrap()).await.unwrap();
        let mut peer = Peer::connect(engine).await;
        assert!(peer.connected.feature_flags.is_some_and(|flags| flags.supports_topic_watchers()));
        let pattern = like(&first);
        let success = watched(&mut peer, engine, &pattern).await;
        assert_eq!((success.watcher_id, success.topic), (7, vec![first.clone()]));

        // One that nobody made, and one with partitions; another that does not match.
        engine.producer(&engine.topic("unwatched"), ProducerOptions::default()).await;
        let second = engine.topic("watched-long");
        engine.producer(&second, ProducerOptions::default()).await.close().await;
        updated(&mut peer, std::slice::from_ref(&second), &[]).await;
        let third = TopicName::parse(&engine.topic("watched-long")).unwrap();
        engine.admin.create_partitioned_topic(&third, 2).await.unwrap();
        let partitions = [0, 1].map(|number| third.with_partition(number).to_string());
        let hash = updated(&mut peer, &partitions, &[]).await;
        let list = listed(&mut peer, engine, Some(&pattern), Some(&hash)).await;
        assert!(!list.changed(), "{list:?}");

        engine.admin.delete_topic(&first.parse().unwrap(), true).await.unwrap();
        let hash = updated(&mut peer, &[], &[first]).await;
        let list = listed(&mut peer, engine, Some(&pattern), Some(&hash)).await;
        assert!(!list.changed(), "{list:?}");
    })
    .await;
}

#[tokio::test]
async fn a_watch_ends_and_begins_again_with_what_is_known() {
    on_every_engine(async |engine| {
        let first = engine.topic("ended-watch");
        engine.admin.create_topic(&first.parse().unwrap()).await.unwrap();
        let mut peer = Peer::connect(engine).await;
        let pattern = like(&first);
        let hash = watched(&mut peer, engine, &pattern).await.topics_hash;
        let close = CommandWatchTopicListClose { request_id: 5, watcher_id: 7 };
        // Twice: the second ends nothing.
        for _ in 0..2 {
            assert_eq!(peer.ask(&Command::WatchTopicListClose(close)).await, Command::success(5));
        }
        let second = engine.topic("ended-watch");
        engine.admin.create_topic(&second.parse().unwrap()).await.unwrap();
        let answer = peer.ask(&watch(engine, &pattern, Some(&hash))).await;
        let Command::WatchTopicListSuccess(success) = answer else { panic!("{answer:?}") };
        assert_eq!(success.topic.len(), 2);
        let answer = peer.ask(&watch(engine, &pattern, Some(&success.topics_hash))).await;
        let Command::WatchTopicListSuccess(known) = answer else { panic!("{answer:?}") };
        assert_eq!((known.topic.len(), known.topics_hash), (0, success.topics_hash));

        let answer = peer.ask(&watch(engine, &"x".repeat(51), None)).await;
        let Command::Error(refusal) = answer else { panic!("{answer:?}") };
        assert_eq!(refusal.error(), ServerError::NotAllowedError);
    })
    .await;
}
