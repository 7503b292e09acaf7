//! The official client on the other side: what it writes we read, and what we write it reads.

use std::path::Path;

use hexalpes_client::{Batching, Codec, Outgoing, ProducerOptions, TopicName};
use hexalpes_wire::key::murmur3_32;
use tokio::process::Command;

use crate::engine::{Engine, next, next_texts, numbers, on_every_engine, send_all};

/// Sends `count` numbers in one batch, with a key and a property.
const PRODUCE: &str = r"
import pulsar, sys
url, topic, codec, batched, count = sys.argv[1:]
client = pulsar.Client(url)
producer = client.create_producer(
    topic, compression_type=getattr(pulsar.CompressionType, codec), batching_enabled=batched == 'batched',
    batching_max_publish_delay_ms=60000, chunking_enabled=batched == 'chunked')
size = 6_000_000 if batched == 'chunked' else 1
for n in range(int(count)):
    producer.send_async((str(n) * size).encode(), lambda *_: None, partition_key='ñ', properties={'n': str(n)})
producer.flush()
client.close()
";

/// Receives `count` messages from the beginning, prints and acks them.
const CONSUME: &str = r"
import pulsar, sys
url, topic, count = sys.argv[1:]
client = pulsar.Client(url)
consumer = client.subscribe(topic, 'python', initial_position=pulsar.InitialPosition.Earliest)
for _ in range(int(count)):
    message = consumer.receive(20000)
    print('>', message.data().decode(), message.partition_key(), message.properties()['p'], flush=True)
    consumer.acknowledge(message)
client.close()
";

/// Subscribes to a topic with partitions, and sends the numbers to it under each of four keys. Then receives so many
/// messages and says of each key in how many partitions it was, and whether it came in order.
const PARTITIONED: &str = r"
import pulsar, sys
url, topic, first, end, count = sys.argv[1:]
client = pulsar.Client(url)
consumer = client.subscribe(topic, 'python', consumer_type=pulsar.ConsumerType.Failover,
                            initial_position=pulsar.InitialPosition.Earliest)
producer = client.create_producer(topic, batching_enabled=False,
                                  message_routing_mode=pulsar.PartitionsRoutingMode.RoundRobinDistribution)
for n in range(int(first), int(end)):
    for key in 'abcd':
        producer.send(str(n).encode(), partition_key=key)
keys, partitions = {}, set()
for _ in range(int(count)):
    message = consumer.receive(20000)
    partition = message.message_id().partition()
    keys.setdefault(message.partition_key(), []).append((partition, int(message.data())))
    partitions.add(partition)
    consumer.acknowledge(message)
for key, read in sorted(keys.items()):
    numbers = [n for _, n in read]
    print('>', key, len({partition for partition, _ in read}), numbers == list(range(int(first), int(end))))
print('> partitions', len(partitions) > 1, all(0 <= partition < 5 for partition in partitions))
client.close()
";

/// Sends so many numbers with ten keys, batched by key, and prints which of two sticky consumers got which.
const SHARE_BY_KEY: &str = r"
import pulsar, sys
url, topic, count, low_keys = sys.argv[1:]
client = pulsar.Client(url)
def consumer(low, high):
    policy = pulsar.ConsumerKeySharedPolicy(key_shared_mode=pulsar.KeySharedMode.Sticky, sticky_ranges=[(low, high)])
    return client.subscribe(topic, 'sub', consumer_type=pulsar.ConsumerType.KeyShared, key_shared_policy=policy)
consumers = [consumer(0, 29999), consumer(30000, 65535)]
producer = client.create_producer(topic, batching_enabled=True, batching_type=pulsar.BatchingType.KeyBased)
for n in range(int(count)):
    producer.send_async(str(n).encode(), lambda *_: None, partition_key=f'key-{n % 10}')
producer.flush()
low = sum(1 for n in range(int(count)) if str(n % 10) in low_keys)
for who, share in ((0, low), (1, int(count) - low)):
    for _ in range(share):
        message = consumers[who].receive(20000)
        print('>', who, message.partition_key(), message.data().decode(), flush=True)
        consumers[who].acknowledge(message)
client.close()
";

/// One producer has the topic, another waits for it, a third takes it from them.
const ALONE: &str = r"
import pulsar, sys, threading
url, topic = sys.argv[1:]
client = pulsar.Client(url)
mode = pulsar.ProducerAccessMode
one = client.create_producer(topic, access_mode=mode.Exclusive)
try:
    client.create_producer(topic, access_mode=mode.Exclusive)
except pulsar.ProducerFenced:
    print('> one is alone')
waited = []
def wait():
    waited.append(client.create_producer(topic, access_mode=mode.WaitForExclusive, send_timeout_millis=3000))
waiting = threading.Thread(target=wait)
waiting.start()
one.close()
waiting.join(20)
waited[0].send(b'waited')
print('> two waited')
three = client.create_producer(topic, access_mode=mode.ExclusiveWithFencing)
three.send(b'fenced')
print('> three is in')
try:
    waited[0].send(b'late')
except pulsar.PulsarException:
    print('> two is out')
try:
    client.close()
except pulsar.AlreadyClosed:
    pass  # The one that is out.
";

/// What the program says on lines that begin with `>`. It says them on standard error, for the client logs on standard
/// output, in the middle of lines.
pub(crate) async fn python(interpreter: &Path, program: &str, arguments: &[&str]) -> Vec<String> {
    let program = format!("import sys\nsys.stdout = sys.stderr\n{program}");
    let run = Command::new(interpreter).arg("-c").arg(program).args(arguments).kill_on_drop(true).output();
    let output = run.await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    said.lines().filter_map(|line| line.strip_prefix("> ")).map(str::to_owned).collect()
}

async fn reads(engine: &Engine, interpreter: &Path, codec: &str, batched: &str) {
    let topic = engine.topic("foreign");
    python(interpreter, PRODUCE, &[&engine.url, &topic, codec, batched, "20"]).await;
    let consumer = engine.consumer(&topic).await;
    for n in numbers(0..20) {
        let message = next(&consumer).await;
        assert_eq!(message.payload, n, "{codec} {batched}");
        assert_eq!((message.key.as_deref(), message.property("n")), (Some("ñ"), Some(n.as_str())));
        assert_eq!(message.id.batch_index.is_some(), batched == "batched");
        consumer.ack(&message.id).await.unwrap();
    }
    engine.backlog_becomes(&topic, 0).await;
}

#[tokio::test]
async fn what_the_official_client_writes_with_every_codec_is_read() {
    let Some(interpreter) = hexalpes_engines::python() else { return };
    on_every_engine(async |engine| {
        for codec in ["NONE", "LZ4", "ZLib", "ZSTD", "SNAPPY"] {
            for batched in ["single", "batched"] {
                reads(engine, &interpreter, codec, batched).await;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn what_the_official_client_writes_in_chunks_is_read_whole() {
    let Some(interpreter) = hexalpes_engines::python() else { return };
    on_every_engine(async |engine| {
        let topic = engine.topic("foreign-chunks");
        python(&interpreter, PRODUCE, &[&engine.url, &topic, "NONE", "chunked", "2"]).await;
        let consumer = engine.consumer(&topic).await;
        for expected in ["0", "1"] {
            let message = next(&consumer).await;
            assert!(message.payload == expected.repeat(6_000_000), "{} bytes", message.payload.len());
        }
    })
    .await;
}

#[tokio::test]
async fn what_we_write_with_every_codec_is_read_by_the_official_client() {
    let Some(interpreter) = hexalpes_engines::python() else { return };
    on_every_engine(async |engine| {
        let topic = engine.topic("to-foreign");
        let mut expected = Vec::new();
        for compression in [Codec::None, Codec::Lz4, Codec::Zlib, Codec::Zstd, Codec::Snappy] {
            for batching in [None, Some(Batching::default())] {
                let options = ProducerOptions { compression, batching, ..ProducerOptions::default() };
                let producer = engine.producer(&topic, options).await;
                let text = format!("{}📡", "a long way to compress ".repeat(10));
                let message = || Outgoing::new(text.clone()).key("ñ").property("p", "Pérez");
                send_all(&producer, [message(), message()]).await;
                expected.extend(vec![format!("{text} ñ Pérez"); 2]);
            }
        }
        assert_eq!(python(&interpreter, CONSUME, &[&engine.url, &topic, "20"]).await, expected);
        // And by ourselves.
        let consumer = engine.consumer(&topic).await;
        next_texts(&consumer, 20).await;
    })
    .await;
}

#[tokio::test]
async fn what_we_write_in_chunks_is_read_whole_by_the_official_client() {
    let Some(interpreter) = hexalpes_engines::python() else { return };
    on_every_engine(async |engine| {
        let topic = engine.topic("chunks-to-foreign");
        let options = ProducerOptions { chunking: true, ..ProducerOptions::default() };
        let producer = engine.producer(&topic, options).await;
        let large = "0123456789".repeat(1_200_000);
        send_all(&producer, [Outgoing::new(large.clone()).key("k").property("p", "v")]).await;
        let read = python(&interpreter, CONSUME, &[&engine.url, &topic, "1"]).await;
        assert!(read == [format!("{large} k v")], "{} lines", read.len());
    })
    .await;
}

/// Accepts S0-TC-1.
#[tokio::test]
async fn the_official_client_uses_partitions_that_become_more() {
    let Some(interpreter) = hexalpes_engines::python() else { return };
    on_every_engine(async |engine| {
        let topic = engine.topic("partitioned");
        let name = TopicName::parse(&topic).unwrap();
        engine.admin.create_partitioned_topic(&name, 3).await.unwrap();
        let expected = ["a 1 True", "b 1 True", "c 1 True", "d 1 True", "partitions True True"];
        let arguments = [&*engine.url, &topic, "0", "10", "40"];
        assert_eq!(python(&interpreter, PARTITIONED, &arguments).await, expected);
        engine.admin.grow_partitioned_topic(&name, 5).await.unwrap();
        let arguments = [&*engine.url, &topic, "10", "20", "40"];
        assert_eq!(python(&interpreter, PARTITIONED, &arguments).await, expected);
    })
    .await;
}

#[tokio::test]
async fn the_official_client_shares_a_subscription_by_keys() {
    let Some(interpreter) = hexalpes_engines::python() else { return };
    on_every_engine(async |engine| {
        let topic = engine.topic("foreign-keys");
        let low = (0..10).filter(|n| murmur3_32(format!("key-{n}").as_bytes()) & 0xffff < 30_000);
        let low: String = low.map(|n: u32| n.to_string()).collect();
        let said = python(&interpreter, SHARE_BY_KEY, &[&engine.url, &topic, "100", &low]).await;
        // Whose a key is, is what the hash says; and each key's messages come in order.
        for key in 0..10 {
            let who = u32::from(!low.contains(&key.to_string()));
            let expected: Vec<_> = (0..10).map(|n| format!("{who} key-{key} {}", n * 10 + key)).collect();
            let name = format!(" key-{key} ");
            let got: Vec<_> = said.iter().filter(|line| line.contains(&name)).cloned().collect();
            assert_eq!(got, expected);
        }
        engine.backlog_becomes(&topic, 0).await;
    })
    .await;
}

#[tokio::test]
async fn the_official_client_waits_for_a_topic_and_takes_it() {
    let Some(interpreter) = hexalpes_engines::python() else { return };
    on_every_engine(async |engine| {
        let topic = engine.topic("foreign-alone");
        let said = python(&interpreter, ALONE, &[&engine.url, &topic]).await;
        assert_eq!(said, ["one is alone", "two waited", "three is in", "two is out"]);
        let consumer = engine.consumer(&topic).await;
        assert_eq!(next_texts(&consumer, 2).await, ["waited", "fenced"]);
    })
    .await;
}
