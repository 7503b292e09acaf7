// A program that drives the official Go client through one scenario after another, against any broker, and says what
// came of each. The tests that run it hold what it says against what they expect, on every engine alike.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/apache/pulsar-client-go/pulsar"
	"github.com/apache/pulsar-client-go/pulsar/log"
)

// Long enough for a slow machine; reached only by what fails.
const patience = 20 * time.Second

// What a scenario has: a client, a topic of its own whose name may begin those of others, and what else was said.
type world struct {
	client pulsar.Client
	topic  string
	args   []string
}

var scenarios = map[string]func(*world){
	"access":      access,
	"chunks":      chunks,
	"codecs":      codecs,
	"cumulative":  cumulative,
	"dead-letter": deadLetter,
	"delayed":     delayed,
	"encrypted":   encrypted,
	"evolve":      evolve,
	"kinds":       kinds,
	"nack":        nack,
	"partitions":  partitions,
	"primitives":  primitives,
	"read":        read,
	"reader":      reader,
	"regex":       regex,
	"retry":       retry,
	"seek":        seek,
	"table-view":  tableView,
}

func main() {
	if len(os.Args) < 4 {
		fail("usage: SCENARIO URL TOPIC [ARGUMENT]...")
	}
	scenario, known := scenarios[os.Args[1]]
	if !known {
		fail("there is no scenario %s", os.Args[1])
	}
	client := must(pulsar.NewClient(pulsar.ClientOptions{
		URL:              os.Args[2],
		OperationTimeout: patience,
		Logger:           log.DefaultNopLogger(),
	}))
	scenario(&world{client, os.Args[3], os.Args[4:]})
	client.Close()
}

// Says a line to whoever runs this.
func say(format string, values ...any) {
	fmt.Printf("> "+format+"\n", values...)
}

func fail(format string, values ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", values...)
	os.Exit(1)
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

func soon() context.Context {
	deadline, end := context.WithTimeout(context.Background(), patience)
	context.AfterFunc(deadline, end)
	return deadline
}

// A producer that sends each message by itself.
func (w *world) producer() pulsar.Producer {
	return w.producerOf(pulsar.ProducerOptions{DisableBatching: true})
}

func (w *world) producerOf(options pulsar.ProducerOptions) pulsar.Producer {
	if options.Topic == "" {
		options.Topic = w.topic
	}
	return must(w.client.CreateProducer(options))
}

// A consumer from the topic's beginning.
func (w *world) consumer(kind pulsar.SubscriptionType) pulsar.Consumer {
	return w.consumerOf(pulsar.ConsumerOptions{Type: kind})
}

func (w *world) consumerOf(options pulsar.ConsumerOptions) pulsar.Consumer {
	if options.Topic == "" && options.TopicsPattern == "" {
		options.Topic = w.topic
	}
	if options.SubscriptionName == "" {
		options.SubscriptionName = "sub"
	}
	options.SubscriptionInitialPosition = pulsar.SubscriptionPositionEarliest
	return must(w.client.Subscribe(options))
}

func send(producer pulsar.Producer, text string) pulsar.MessageID {
	return sendOf(producer, pulsar.ProducerMessage{Payload: []byte(text)})
}

func sendOf(producer pulsar.Producer, message pulsar.ProducerMessage) pulsar.MessageID {
	return must(producer.Send(soon(), &message))
}

func sendNumbers(producer pulsar.Producer, from, to int) {
	for n := from; n < to; n++ {
		send(producer, fmt.Sprint(n))
	}
}

func receive(consumer pulsar.Consumer) pulsar.Message {
	return must(consumer.Receive(soon()))
}

// The next messages' payloads, acked.
func texts(consumer pulsar.Consumer, count int) []string {
	var all []string
	for range count {
		message := receive(consumer)
		all = append(all, string(message.Payload()))
		check(consumer.Ack(message))
	}
	return all
}
