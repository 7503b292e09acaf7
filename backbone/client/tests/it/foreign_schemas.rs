//! The official client's schemas, on both engines alike.

use crate::engine::on_every_engine;
use crate::foreign::python;

/// Says what becomes of each step of a topic's life with schemas of one kind.
const EVOLVE: &str = r"
import pulsar, sys
from pulsar.schema import *
url, topic, kind = sys.argv[1:]
client = pulsar.Client(url, operation_timeout_seconds=20)
Schema = {'avro': AvroSchema, 'json': JsonSchema}[kind]

def named(record):
    record.__name__ = 'Order'
    return Schema(record)

class First(Record):
    id = String()
class Optional(Record):
    id = String()
    note = String(required_default=True)
class Required(Record):
    id = String()
    count = Integer(required=True)

def read():
    message = consumer.receive(20000)
    print('>', message.value().id, 'of version', [ord(byte) for byte in message.schema_version()][-1])

producer = client.create_producer(topic, schema=named(First))
consumer = client.subscribe(topic, 'sub', schema=named(First))
producer.send(First(id='1'))
read()
second = client.create_producer(topic, schema=named(Optional))
second.send(Optional(id='2', note='two'))
read()
again = client.create_producer(topic, schema=named(First))
again.send(First(id='3'))
read()
for what in ['produce', 'subscribe']:
    try:
        if what == 'produce':
            client.create_producer(topic, schema=named(Required))
        else:
            client.subscribe(topic, 'other', schema=named(Required))
        print('>', what, 'taken')
    except pulsar.IncompatibleSchema:
        print('>', what, 'refused')
client.close()
";

/// A topic of strings takes bytes, and one of bytes takes no schema.
const PRIMITIVES: &str = r"
import pulsar, sys
from pulsar.schema import *
url, topic = sys.argv[1:]
client = pulsar.Client(url, operation_timeout_seconds=20)
consumer = client.subscribe(topic, 'sub', schema=StringSchema())
producer = client.create_producer(topic, schema=StringSchema())
producer.send('ñ')
print('>', consumer.receive(20000).value())
plain = client.create_producer(topic)
plain.send(b'plain')
print('>', consumer.receive(20000).value())
plain = client.create_producer(topic + '-bytes')
class Avro(Record):
    id = String()
for name, kind in [
        (topic, BytesSchema()), (topic + '-bytes', StringSchema()), (topic, AvroSchema(Avro))]:
    try:
        client.subscribe(name, 'other', schema=kind)
        print('>', 'taken')
    except pulsar.IncompatibleSchema:
        print('>', 'refused')
client.close()
";

/// Accepts S0-SCH-4.
#[tokio::test]
async fn the_official_clients_schemas_evolve_and_are_refused() {
    let Some(interpreter) = hexalpes_engines::python() else { return };
    on_every_engine(async |engine| {
        for kind in ["avro", "json"] {
            let topic = engine.topic(kind);
            let said = python(&interpreter, EVOLVE, &[&engine.url, &topic, kind]).await;
            let expected = [
                "1 of version 0",
                "2 of version 1",
                "3 of version 0",
                "produce refused",
                "subscribe refused",
            ];
            assert_eq!(said, expected, "{kind}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_official_client_keeps_to_strings_and_bytes() {
    let Some(interpreter) = hexalpes_engines::python() else { return };
    on_every_engine(async |engine| {
        let topic = engine.topic("strings");
        let said = python(&interpreter, PRIMITIVES, &[&engine.url, &topic]).await;
        assert_eq!(said, ["ñ", "plain", "taken", "refused", "refused"]);
    })
    .await;
}
