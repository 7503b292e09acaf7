//! The official Go client, on both engines alike. Its scenarios are in `tests/engines/go`.

use std::path::Path;

use hexalpes_client::{Batching, Codec, Outgoing, ProducerOptions, TopicName};
use tokio::process::Command;

use crate::engine::{Engine, next, numbers, on_every_engine, send_all};

const CODECS: [&str; 5] = ["NONE", "LZ4", "ZLib", "ZSTD", "SNAPPY"];

/// What the program says of one scenario.
async fn go(program: &Path, arguments: &[&str]) -> Vec<String> {
    let output = Command::new(program).args(arguments).kill_on_drop(true).output().await.unwrap();
    let (said, error) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments:?}\n{said}{error}");
    said.lines().filter_map(|line| line.strip_prefix("> ")).map(str::to_owned).collect()
}

/// Runs a scenario on a topic of its own, on each engine.
async fn says(scenario: &str, expected: &[&str]) {
    let Some(program) = hexalpes_engines::go() else { return };
    on_every_engine(async |engine| {
        let topic = engine.topic(&format!("go-{scenario}"));
        assert_eq!(go(&program, &[scenario, &engine.url, &topic]).await, expected);
    })
    .await;
}

#[tokio::test]
async fn what_the_go_client_writes_with_every_codec_it_and_we_read() {
    let Some(program) = hexalpes_engines::go() else { return };
    on_every_engine(async |engine| {
        let topic = engine.topic("go-codecs");
        let said = go(&program, &["codecs", &engine.url, &topic]).await;
        let mut expected = Vec::new();
        for codec in CODECS {
            for batched in ["single", "batched"] {
                expected.push(format!("{codec} {batched} 20 {}", batched == "batched"));
                read_by_us(engine, &format!("{topic}-{codec}-{batched}")).await;
            }
        }
        assert_eq!(said, expected);
    })
    .await;
}

async fn read_by_us(engine: &Engine, topic: &str) {
    let consumer = engine.consumer(topic).await;
    for n in numbers(0..20) {
        let message = next(&consumer).await;
        assert_eq!(message.payload, n, "{topic}");
        assert_eq!((message.key.as_deref(), message.property("n")), (Some("ñ"), Some(n.as_str())));
    }
}

#[tokio::test]
async fn what_we_write_with_every_codec_is_read_by_the_go_client() {
    let Some(program) = hexalpes_engines::go() else { return };
    on_every_engine(async |engine| {
        let topic = engine.topic("to-go");
        let mut expected = Vec::new();
        for compression in [Codec::None, Codec::Lz4, Codec::Zlib, Codec::Zstd, Codec::Snappy] {
            for batching in [None, Some(Batching::default())] {
                let options = ProducerOptions { compression, batching, ..ProducerOptions::default() };
                let producer = engine.producer(&topic, options).await;
                let text = format!("{compression:?} {}", "a long way to compress ".repeat(10));
                let message = || Outgoing::new(text.clone()).key("ñ").property("p", "Pérez");
                send_all(&producer, [message(), message()]).await;
                expected.extend(vec![format!("{text} ñ Pérez"); 2]);
            }
        }
        assert_eq!(go(&program, &["read", &engine.url, &topic, "20"]).await, expected);
    })
    .await;
}

/// Accepts S0-TC-1.
#[tokio::test]
async fn the_go_client_keeps_a_key_to_its_partition() {
    let Some(program) = hexalpes_engines::go() else { return };
    on_every_engine(async |engine| {
        let topic = engine.topic("go-partitions");
        engine.admin.create_partitioned_topic(&TopicName::parse(&topic).unwrap(), 3).await.unwrap();
        let expected = ["a", "b", "c", "d"].map(|key| format!("{key} 1 0123456789"));
        let expected = [&expected[..], &["partitions true".to_owned()]].concat();
        assert_eq!(go(&program, &["partitions", &engine.url, &topic]).await, expected);
    })
    .await;
}

#[tokio::test]
async fn the_go_clients_consumers_share_by_the_type_of_their_subscription() {
    let expected = [
        "exclusive true",
        "failover 100 both false keys shared false",
        "shared 100 both true keys shared true",
        "key-shared 100 both true keys shared false",
    ];
    says("kinds", &expected).await;
}

/// Accepts S0-SCH-4.
#[tokio::test]
async fn the_go_clients_schemas_evolve_and_are_refused() {
    let expected = [
        "avro 1 of version 0",
        "avro 2 of version 1",
        "avro refused true",
        "json 1 of version 0",
        "json 2 of version 1",
        "json refused true",
    ];
    says("evolve", &expected).await;
}

#[tokio::test]
async fn the_go_clients_primitive_values_come_back() {
    let expected = ["string ñ", "int32 -7", "int64 1099511627776", "double 0.1", "bytes [0 255]"];
    says("primitives", &expected).await;
}

#[tokio::test]
async fn the_go_client_seeks_by_message_and_by_time() {
    says("seek", &["behind a message [5]", "back again [1 2 3 4 5 6 7 8 9]", "to a time true"]).await;
}

#[tokio::test]
async fn the_go_client_puts_aside_what_nobody_can_take() {
    says("dead-letter", &["1 [0 1 2] true"]).await;
}

#[tokio::test]
async fn the_go_client_puts_a_message_off_until_it_gives_up() {
    says("retry", &["later \"\"", "later \"1\"", "later \"2\"", "dead later"]).await;
}

#[tokio::test]
async fn the_go_client_sends_in_chunks_what_is_too_large() {
    says("chunks", &["true", "true"]).await;
}

#[tokio::test]
async fn what_the_go_client_encrypts_comes_as_it_was_sent() {
    says("encrypted", &["a secret", "false true"]).await;
}

#[tokio::test]
async fn the_go_clients_reader_begins_where_it_is_told() {
    let expected = ["earliest [0 1 2 3 4 5 6 7 8 9]", "behind [7 8 9]", "at [6 7 8 9]", "latest []"];
    says("reader", &expected).await;
}

#[tokio::test]
async fn the_go_client_consumes_topics_by_a_pattern_and_finds_new_ones() {
    says("regex", &["[one two] then [three]"]).await;
}

#[tokio::test]
async fn the_go_clients_table_view_holds_the_newest_of_each_key() {
    says("table-view", &["a 3 b 2 of 2", "true"]).await;
}

#[tokio::test]
async fn what_the_go_client_refuses_comes_again_and_is_counted() {
    says("nack", &["2 acked, the other counted [0 1 2]"]).await;
}

#[tokio::test]
async fn the_go_client_acks_all_up_to_a_message() {
    says("cumulative", &["[6 7 8 9]"]).await;
}

#[tokio::test]
async fn the_go_clients_delayed_message_comes_when_it_is_due() {
    says("delayed", &["[soon late]"]).await;
}

#[tokio::test]
async fn the_go_client_waits_for_a_topic_of_its_own() {
    says("access", &["refused true", "[alone waited]"]).await;
}
