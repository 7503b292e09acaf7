package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/apache/pulsar-client-go/pulsar"
	"github.com/apache/pulsar-client-go/pulsar/crypto"
)

func typeOf(value any) reflect.Type {
	return reflect.TypeOf(value)
}

const (
	first    = `{"type":"record","name":"Order","fields":[{"name":"id","type":"string"}]}`
	optional = `{"type":"record","name":"Order","fields":[{"name":"id","type":"string"},
		{"name":"note","type":["null","string"],"default":null}]}`
	required = `{"type":"record","name":"Order","fields":[{"name":"id","type":"string"},{"name":"count","type":"int"}]}`
)

// What each version of the schema reads.
type order struct {
	ID   string  `json:"id" avro:"id"`
	Note *string `json:"note,omitempty" avro:"note"`
}

// A topic's life with schemas of each of the two kinds that evolve.
func evolve(w *world) {
	topic := w.topic
	for _, kind := range []string{"avro", "json"} {
		w.topic = topic + "-" + kind
		of := func(definition string) pulsar.Schema {
			if kind == "avro" {
				return pulsar.NewAvroSchema(definition, nil)
			}
			return pulsar.NewJSONSchema(definition, nil)
		}
		consumer := w.consumerOf(pulsar.ConsumerOptions{Schema: of(first)})
		read := func() {
			message := receive(consumer)
			var value order
			check(message.GetSchemaValue(&value))
			version := message.SchemaVersion()
			say("%s %s of version %d", kind, value.ID, version[len(version)-1])
			check(consumer.Ack(message))
		}
		producer := w.producerOf(pulsar.ProducerOptions{Schema: of(first)})
		sendOf(producer, pulsar.ProducerMessage{Value: &order{ID: "1"}})
		read()
		note := "two"
		sendOf(w.producerOf(pulsar.ProducerOptions{Schema: of(optional)}), pulsar.ProducerMessage{Value: &order{"2", &note}})
		read()
		_, err := w.client.CreateProducer(pulsar.ProducerOptions{Topic: w.topic, Schema: of(required)})
		say("%s refused %v", kind, err != nil && strings.Contains(err.Error(), "IncompatibleSchema"))
	}
}

// Values that are no records, each on a topic of its own.
func primitives(w *world) {
	text, number, large, double := "ñ", int32(-7), int64(1)<<40, 0.1
	topic := w.topic
	roundTrip := func(name string, schema pulsar.Schema, value, into any) {
		w.topic = topic + "-" + name
		consumer := w.consumerOf(pulsar.ConsumerOptions{Schema: schema})
		sendOf(w.producerOf(pulsar.ProducerOptions{Schema: schema}), pulsar.ProducerMessage{Value: value})
		check(receive(consumer).GetSchemaValue(into))
		say("%s %v", name, reflect.Indirect(reflect.ValueOf(into).Elem()))
	}
	var readText *string
	roundTrip("string", pulsar.NewStringSchema(nil), text, &readText)
	var readNumber int32
	roundTrip("int32", pulsar.NewInt32Schema(nil), number, &readNumber)
	var readLarge int64
	roundTrip("int64", pulsar.NewInt64Schema(nil), large, &readLarge)
	var readDouble float64
	roundTrip("double", pulsar.NewDoubleSchema(nil), double, &readDouble)
	var readBytes []byte
	roundTrip("bytes", pulsar.NewBytesSchema(nil), []byte{0, 255}, &readBytes)
}

// What is encrypted is read with the key, and without it comes as it lies there.
func encrypted(w *world) {
	folder := must(os.MkdirTemp("", "go-keys-"))
	defer os.RemoveAll(folder)
	key := must(rsa.GenerateKey(rand.Reader, 2048))
	public, private := filepath.Join(folder, "public.pem"), filepath.Join(folder, "private.pem")
	writePEM(public, "PUBLIC KEY", must(x509.MarshalPKIXPublicKey(&key.PublicKey)))
	writePEM(private, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))
	keys := crypto.NewFileKeyReader(public, private)
	producer := w.producerOf(pulsar.ProducerOptions{
		DisableBatching: true,
		Encryption:      &pulsar.ProducerEncryptionInfo{KeyReader: keys, Keys: []string{"go.key"}},
	})
	send(producer, "a secret")
	reads := w.consumerOf(pulsar.ConsumerOptions{
		SubscriptionName: "reads",
		Decryption:       &pulsar.MessageDecryptionInfo{KeyReader: keys},
	})
	say("%s", receive(reads).Payload())
	sees := w.consumerOf(pulsar.ConsumerOptions{
		SubscriptionName: "sees",
		Decryption: &pulsar.MessageDecryptionInfo{
			KeyReader:                   crypto.NewFileKeyReader(public, filepath.Join(folder, "none.pem")),
			ConsumerCryptoFailureAction: crypto.ConsumerCryptoFailureActionConsume,
		},
	})
	message := receive(sees)
	_, named := message.GetEncryptionContext().Keys["go.key"]
	say("%v %v", strings.Contains(string(message.Payload()), "a secret"), named)
}

func writePEM(path, kind string, der []byte) {
	check(os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
}
