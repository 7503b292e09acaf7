//! The admin calls that a start needs.

use hexalpes_client::ProducerOptions;
use hexalpes_client::TopicName;
use hexalpes_client::admin::{InactiveTopics, Retention};

use crate::engine::{on_every_engine, send_all};

#[tokio::test]
async fn policies_read_as_they_were_set() {
    on_every_engine(async |engine| {
        let (admin, namespace) = (&engine.admin, engine.namespace());
        admin.health().await.unwrap();
        let retention = Retention { time_minutes: -1, size_mb: 512 };
        admin.set_retention(namespace, retention).await.unwrap();
        admin.set_inactive_topics(namespace, &InactiveTopics::kept()).await.unwrap();
        assert_eq!(admin.retention(namespace).await.unwrap(), Some(retention));
        assert_eq!(admin.inactive_topics(namespace).await.unwrap(), Some(InactiveTopics::kept()));
        assert_eq!(admin.deduplication(namespace).await.unwrap(), Some(true));
    })
    .await;
}

#[tokio::test]
async fn creating_what_is_there_and_deleting_what_is_not_changes_nothing() {
    on_every_engine(async |engine| {
        let admin = &engine.admin;
        for _ in 0..2 {
            admin.create_tenant("client-tests").await.unwrap();
            admin.create_namespace("client-tests/ns").await.unwrap();
        }
        assert!(admin.tenants().await.unwrap().contains(&"client-tests".to_owned()));
        assert!(admin.namespaces("client-tests").await.unwrap().contains(&"client-tests/ns".to_owned()));
        let topic = TopicName::parse("client-tests/ns/ñ & co").unwrap();
        for _ in 0..2 {
            admin.create_topic(&topic).await.unwrap();
        }
        assert_eq!(admin.topics("client-tests/ns").await.unwrap(), [topic.to_string()]);
        for _ in 0..2 {
            admin.delete_topic(&topic, true).await.unwrap();
        }
        assert!(admin.topics("client-tests/ns").await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn stats_count_what_came_in() {
    on_every_engine(async |engine| {
        let topic = engine.topic("stats");
        let producer = engine.producer(&topic, ProducerOptions::default()).await;
        send_all(&producer, ["a", "b"]).await;
        let _consumer = engine.consumer(&topic).await;
        let stats = engine.admin.stats(&topic.parse().unwrap()).await.unwrap();
        assert_eq!(stats["msgInCounter"], 2);
        engine.backlog_becomes(&topic, 2).await;
    })
    .await;
}
