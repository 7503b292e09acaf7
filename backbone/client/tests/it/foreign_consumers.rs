//! What the official Python client does as a consumer, on both engines alike: the types of subscriptions, seeking, what is
//! refused and put aside, readers, patterns, table views, encryption, and all of it without threads.

use crate::engine::on_every_engine;
use crate::foreign::python;

/// What every program begins with: a client, a topic, and short ways to write and to read.
const BEGIN: &str = r"
import os, pulsar, re, sys, threading
url, topic, *rest = sys.argv[1:]
client = pulsar.Client(url, operation_timeout_seconds=20)
kinds, earliest = pulsar.ConsumerType, pulsar.InitialPosition.Earliest

def subscribe(name, subscription='sub', **options):
    return client.subscribe(name, subscription, initial_position=earliest, **options)

def send(name, *texts, **options):
    producer = client.create_producer(name, batching_enabled=False)
    return [producer.send(text.encode(), **options) for text in texts]

def read(consumer, count):
    texts = []
    for _ in range(count):
        message = consumer.receive(20000)
        texts.append(message.data().decode())
        consumer.acknowledge(message)
    return texts

def say(*words):
    print('>', *words, flush=True)

numbers = [str(n) for n in range(10)]
";

/// What two consumers of one subscription get, by its type.
const KINDS: &str = r"
one = subscribe(topic + '-exclusive')
try:
    subscribe(topic + '-exclusive')
except pulsar.ConsumerBusy:
    say('exclusive is alone')

one = subscribe(topic + '-failover', consumer_type=kinds.Failover)
two = subscribe(topic + '-failover', consumer_type=kinds.Failover)
send(topic + '-failover', *numbers)
active, stands_by = (one, two)
try:
    first = active.receive(3000)
except pulsar.Timeout:
    active, stands_by = stands_by, active
    first = active.receive(20000)
active.acknowledge(first)
say('failover', first.data().decode(), *read(active, 4))
active.close()
say('stands by', *read(stands_by, 5))

one = subscribe(topic + '-shared', consumer_type=kinds.Shared)
two = subscribe(topic + '-shared', consumer_type=kinds.Shared)
send(topic + '-shared', *numbers)
shared = []
while len(shared) < 10:
    for consumer in [one, two]:
        try:
            message = consumer.receive(100)
            shared.append(message.data().decode())
            consumer.acknowledge(message)
        except pulsar.Timeout:
            pass  # The other's turn.
say('shared', *sorted(shared))
client.close()
";

const SEEK: &str = r"
consumer = subscribe(topic)
ids = send(topic, *numbers)
times = []
for _ in numbers:
    message = consumer.receive(20000)
    times.append(message.publish_timestamp())
consumer.seek(ids[4])
say('behind a message', *read(consumer, 2))
consumer.seek(pulsar.MessageId.earliest)
say('to the beginning', *read(consumer, 10))
consumer.seek(times[7])
say('to a time', times.index(times[7]) == int(read(consumer, 1)[0]))
client.close()
";

/// What nobody can take goes to a topic for that, after so many deliveries.
const DEAD_LETTER: &str = r"
dead = subscribe(topic + '-dead')
policy = pulsar.ConsumerDeadLetterPolicy(2, topic + '-dead', 'dead')
consumer = subscribe(topic, consumer_type=kinds.Shared, negative_ack_redelivery_delay_ms=50, dead_letter_policy=policy)
send(topic, '0', '1', '2')
counts = []
while len(counts) < 3:
    message = consumer.receive(20000)
    if message.data() == b'1':
        counts.append(message.redelivery_count())
        consumer.negative_acknowledge(message)
    else:
        consumer.acknowledge(message)
say('delivered', *counts)
letter = dead.receive(20000)
say('dead', letter.data().decode(), letter.properties()['REAL_TOPIC'] == topic)
client.close()
";

const READER: &str = r"
ids = send(topic, *numbers)
def all_from(start, inclusive=False):
    reader = client.create_reader(topic, start, start_message_id_inclusive=inclusive)
    texts = []
    while reader.has_message_available():
        texts.append(reader.read_next(20000).data().decode())
    reader.close()
    return texts
say('earliest', *all_from(pulsar.MessageId.earliest))
say('behind', *all_from(ids[6]))
say('at', *all_from(ids[6], True))
say('latest', *all_from(pulsar.MessageId.latest))
client.close()
";

const PATTERN: &str = r"
send(topic + '-one', 'one')
send(topic + '-two', 'two')
send(topic + 'x', 'other')
consumer = subscribe(re.compile(topic.split('://')[1] + '-.*'), pattern_auto_discovery_period=1)
say(*sorted(read(consumer, 2)))
client.close()
";

const TABLE_VIEW: &str = r"
producer = client.create_producer(topic)
def put(key, value):
    producer.send(value.encode(), partition_key=key)
put('a', '1')
put('b', '2')
put('a', '3')
view = client.create_table_view(topic)
say(view.get('a').decode(), view.get('b').decode(), view.get('c'), len(view))
came = threading.Event()
view.for_each_and_listen(lambda key, value: came.set() if key == 'c' else None)
put('c', '4')
came.wait(20)
entries = {}
view.for_each(lambda key, value: entries.update({key: value.decode()}))
say(sorted(entries.items()))
client.close()
";

/// With the key it is read, without it comes as it lies there.
const ENCRYPTED: &str = r"
public, private = rest
keys = pulsar.CryptoKeyReader(public, private)
producer = client.create_producer(topic, encryption_key='key', crypto_key_reader=keys, batching_enabled=False)
producer.send(b'a secret')
say(*read(subscribe(topic, 'reads', crypto_key_reader=keys), 1))
sees = subscribe(topic, 'sees', crypto_failure_action=pulsar.ConsumerCryptoFailureAction.CONSUME)
say(b'secret' in sees.receive(20000).data())
client.close()
";

/// Not before it is due: what is sent after it, and is due at once, comes before it.
const DELAYED: &str = r"
from datetime import timedelta
consumer = subscribe(topic, consumer_type=kinds.Shared)
send(topic, 'late', deliver_after=timedelta(seconds=3))
send(topic, 'soon')
say(*read(consumer, 2))
client.close()
";

/// The same client on an event loop. At its end the client's threads and the interpreter's end do not get along.
const ASYNC: &str = r"
client.close()
import asyncio
from pulsar.asyncio import Client, PulsarException
async def main():
    client = Client(url, operation_timeout_seconds=20)
    producer = await client.create_producer(topic)
    consumer = await client.subscribe(topic, 'sub', initial_position=earliest)
    await asyncio.gather(*(producer.send(n.encode(), partition_key=n) for n in numbers))
    say(*[(await consumer.receive()).data().decode() for _ in numbers])
    last = await consumer.get_last_message_id()
    await consumer.seek(0)
    messages = [await consumer.receive() for _ in numbers]
    await consumer.acknowledge_cumulative(messages[-1])
    say(messages[-1].message_id().entry_id() == last.entry_id())
    try:
        await client.subscribe(topic, 'sub')
    except PulsarException as refusal:
        say(refusal.error())
    await consumer.close()
    again = await client.subscribe(topic, 'sub')
    await producer.send(b'more')
    say((await again.receive()).data().decode())
    await client.close()
asyncio.run(main())
os._exit(0)
";

/// Runs a program on a topic of its own, on each engine.
async fn says(name: &str, program: &str, arguments: &[&str], expected: &[&str]) {
    let Some(interpreter) = hexalpes_engines::python() else { return };
    let program = [BEGIN, program].concat();
    on_every_engine(async |engine| {
        let topic = engine.topic(name);
        let arguments = [&[&*engine.url, &*topic], arguments].concat();
        assert_eq!(python(&interpreter, &program, &arguments).await, expected);
    })
    .await;
}

#[tokio::test]
async fn the_official_clients_consumers_share_by_the_type_of_their_subscription() {
    let expected =
        ["exclusive is alone", "failover 0 1 2 3 4", "stands by 5 6 7 8 9", "shared 0 1 2 3 4 5 6 7 8 9"];
    says("kinds", KINDS, &[], &expected).await;
}

#[tokio::test]
async fn the_official_client_seeks_by_message_and_by_time() {
    let expected = ["behind a message 5 6", "to the beginning 0 1 2 3 4 5 6 7 8 9", "to a time True"];
    says("seeks", SEEK, &[], &expected).await;
}

#[tokio::test]
async fn the_official_client_puts_aside_what_nobody_can_take() {
    says("dead-letters", DEAD_LETTER, &[], &["delivered 0 1 2", "dead 1 True"]).await;
}

#[tokio::test]
async fn the_official_clients_reader_begins_where_it_is_told() {
    let expected = ["earliest 0 1 2 3 4 5 6 7 8 9", "behind 7 8 9", "at 6 7 8 9", "latest"];
    says("reader", READER, &[], &expected).await;
}

#[tokio::test]
async fn the_official_client_consumes_topics_by_a_pattern() {
    says("pattern", PATTERN, &[], &["one two"]).await;
}

#[tokio::test]
async fn the_official_clients_table_view_holds_the_newest_of_each_key() {
    says("table", TABLE_VIEW, &[], &["3 2 None 2", "[('a', '3'), ('b', '2'), ('c', '4')]"]).await;
}

#[tokio::test]
async fn what_the_official_client_encrypts_comes_as_it_was_sent() {
    let key = |name: &str| format!("tests/it/encryption/{name}.pem");
    says("encrypts", ENCRYPTED, &[&key("public"), &key("private")], &["a secret", "False"]).await;
}

#[tokio::test]
async fn the_official_clients_delayed_message_comes_when_it_is_due() {
    says("delays", DELAYED, &[], &["soon late"]).await;
}

#[tokio::test]
async fn the_official_client_does_the_same_on_an_event_loop() {
    let expected = ["0 1 2 3 4 5 6 7 8 9", "True", "Result.ConsumerBusy", "more"];
    says("async", ASYNC, &[], &expected).await;
}
