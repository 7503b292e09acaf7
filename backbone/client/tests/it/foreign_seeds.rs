//! The publisher and the consumer that the seeds ask for, with the official Python client, on both engines alike. What the
//! seeds call otherwise than that client does goes by the client's name here.

use crate::{engine::on_every_engine, foreign::python};

/// Publishes to the topic given, in a tenant of its own, consumes it, and reads what was put aside.
const PROGRAM: &str = r"
import asyncio, json, os, pulsar, time
url, admin_url, topic = sys.argv[1:]
os.environ['SERVICE_NAME'] = 'partner-management'

class PartnerRegistrationCompleted:
    def __init__(self, number):
        self.number = number
    def to_cloud_event(self):
        return json.dumps({'specversion': '1.0', 'data': {'number': self.number}}).encode()

class PulsarEventPublisher:
    def __init__(self, broker_url, schema_registry_url):
        self.client = pulsar.Client(
            service_url=broker_url, connection_timeout_ms=5000, operation_timeout_seconds=30, authentication=None,
            use_tls=False, logger=pulsar.ConsoleLogger(pulsar.LoggerLevel.Info))
        self.producers = {}
    async def create_producer(self, topic, schema):
        self.producers[topic] = self.client.create_producer(
            topic=topic, schema=schema, batching_enabled=True, batching_max_messages=32, max_pending_messages=1000,
            send_timeout_millis=30000, compression_type=pulsar.CompressionType.LZ4,
            message_routing_mode=pulsar.PartitionsRoutingMode.RoundRobinDistribution)
    async def publish_event(self, topic, event):
        producer = self.producers.get(topic)
        if not producer:
            raise ValueError(f'Producer not configured for topic: {topic}')
        producer.send(
            content=event.to_cloud_event(), event_timestamp=int(time.time() * 1000),
            properties={'correlation_id': 'CORR-1', 'event_type': event.__class__.__name__,
                        'source_service': os.getenv('SERVICE_NAME'), 'event_version': '1'})

class PulsarEventConsumer:
    def __init__(self, broker_url, service_name):
        self.client = pulsar.Client(service_url=broker_url)
        self.service_name, self.consumers = service_name, {}
    async def create_consumer(self, topic, subscription_name, event_handler, schema):
        consumer = self.client.subscribe(
            topic=topic, subscription_name=f'{self.service_name}-{subscription_name}', schema=schema,
            consumer_type=pulsar.ConsumerType.Shared, initial_position=pulsar.InitialPosition.Earliest,
            unacked_messages_timeout_ms=30000, negative_ack_redelivery_delay_ms=1000,
            dead_letter_policy=pulsar.ConsumerDeadLetterPolicy(
                max_redeliver_count=3, dead_letter_topic=f'{topic}-{self.service_name}-dlq'),
            batch_receive_policy=pulsar.ConsumerBatchReceivePolicy(10, -1, 5000))
        self.consumers[topic] = (consumer, event_handler)
    async def start_consuming(self, topic, until):
        if topic not in self.consumers:
            raise ValueError(f'Consumer not configured for topic: {topic}')
        consumer, handler = self.consumers[topic]
        while not until():
            try:
                message = consumer.receive(timeout_millis=1000)
            except pulsar.Timeout:
                continue
            try:
                await handler(json.loads(message.data()), message)
                consumer.acknowledge(message)
            except Exception:
                consumer.negative_acknowledge(message)

def say(*words):
    print('>', *words, flush=True)

async def main():
    publisher = PulsarEventPublisher(url, admin_url)
    await publisher.create_producer(topic, pulsar.schema.BytesSchema())
    for number in range(40):
        await publisher.publish_event(topic, PartnerRegistrationCompleted(number))
    try:
        await publisher.publish_event('nowhere', PartnerRegistrationCompleted(0))
    except ValueError as error:
        say(error)
    done, tries, partitions = {}, [], set()
    async def handle(event, message):
        number = event['data']['number']
        if number == 7:
            tries.append(message.redelivery_count())
            raise RuntimeError('never')
        partitions.add(message.message_id().partition())
        done[number] = message.properties()
    consumer = PulsarEventConsumer(url, 'onboarding')
    letters = consumer.client.subscribe(f'{topic}-onboarding-dlq', 'look', initial_position=pulsar.InitialPosition.Earliest)
    await consumer.create_consumer(topic, 'registrations', handle, pulsar.schema.BytesSchema())
    try:
        await consumer.start_consuming('nowhere', lambda: True)
    except ValueError as error:
        say(error)
    deadline = time.time() + 40
    await consumer.start_consuming(topic, lambda: len(done) == 39 and len(tries) >= 4 or time.time() > deadline)
    say(sorted(done) == [n for n in range(40) if n != 7], len(partitions), tries)
    say(*sorted(done[0].items()))
    # What is put aside is looked for by the consumer when it comes once more.
    dead = None
    while dead is None and time.time() < deadline:
        await consumer.start_consuming(topic, iter([False, True]).__next__)
        try:
            dead = letters.receive(1000)
        except pulsar.Timeout:
            pass
    say(json.loads(dead.data())['data']['number'])
    again = PulsarEventConsumer(url, 'again')
    await again.create_consumer(topic, 'registrations', handle, pulsar.schema.BytesSchema())
    batch = again.consumers[topic][0].batch_receive()
    say(0 < len(batch) <= 10)
    for client in (again.client, consumer.client, publisher.client):
        client.close()

asyncio.run(main())
";

/// Accepts S0-PRD-1, S0-PRD-2, S0-PRD-3, S0-PRD-4, S0-PRD-5, S0-PRD-6, S0-PRD-7, S0-PRD-8, S0-PRD-9, S0-PRD-10, S0-PRD-11, S0-PRD-12.
/// Accepts S0-CON-1, S0-CON-2, S0-CON-2b, S0-CON-3, S0-CON-4, S0-CON-5, S0-CON-6, S0-CON-7, S0-CON-8, S0-CON-9, S0-CON-10, S0-CON-11.
/// Accepts S0-TC-1, S0-TC-4, S2-SUB-2, S2-SUB-3, S2-SUB-4, S2-SUB-5.
#[tokio::test]
async fn the_seeds_publisher_and_consumer_do_what_they_say() {
    let Some(interpreter) = hexalpes_engines::python() else { return };
    on_every_engine(async |engine| {
        let topic = engine.partitioned("partner-registration", 4).await;
        let said = python(&interpreter, PROGRAM, &[&engine.url, &engine.admin_url, &topic]).await;
        let expected = [
            "Producer not configured for topic: nowhere",
            "Consumer not configured for topic: nowhere",
            "True 4 [0, 1, 2, 3]",
            "('correlation_id', 'CORR-1') ('event_type', 'PartnerRegistrationCompleted') \
             ('event_version', '1') ('source_service', 'partner-management')",
            "7",
            "True",
        ];
        assert_eq!(said, expected);
    })
    .await;
}
