package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/apache/pulsar-client-go/pulsar"
)

var everyCodec = []struct {
	name  string
	codec pulsar.CompressionType
}{{"NONE", pulsar.NoCompression}, {"LZ4", pulsar.LZ4}, {"ZLib", pulsar.ZLib}, {"ZSTD", pulsar.ZSTD}, {"SNAPPY", pulsar.SNAPPY}}

// Every codec, by the message and in batches, on a topic of its own each; the other side may read them too.
func codecs(w *world) {
	for _, codec := range everyCodec {
		for _, batched := range []string{"single", "batched"} {
			topic := strings.Join([]string{w.topic, codec.name, batched}, "-")
			producer := w.producerOf(pulsar.ProducerOptions{
				Topic:                   topic,
				CompressionType:         codec.codec,
				DisableBatching:         batched == "single",
				BatchingMaxPublishDelay: time.Minute,
			})
			for n := range 20 {
				message := pulsar.ProducerMessage{
					Payload:    []byte(fmt.Sprint(n)),
					Key:        "ñ",
					Properties: map[string]string{"n": fmt.Sprint(n)},
				}
				producer.SendAsync(soon(), &message, func(_ pulsar.MessageID, _ *pulsar.ProducerMessage, err error) { check(err) })
			}
			check(producer.Flush())
			consumer := w.consumerOf(pulsar.ConsumerOptions{Topic: topic, SubscriptionName: "go"})
			whole, largest := 0, int32(0)
			for n := range 20 {
				message := receive(consumer)
				number := fmt.Sprint(n)
				if string(message.Payload()) == number && message.Key() == "ñ" && message.Properties()["n"] == number {
					whole++
				}
				largest = max(largest, message.ID().BatchSize())
				check(consumer.Ack(message))
			}
			say("%s %s %d %v", codec.name, batched, whole, largest > 1)
		}
	}
}

// So many messages that somebody else wrote.
func read(w *world) {
	consumer := w.consumerOf(pulsar.ConsumerOptions{SubscriptionName: "go"})
	var count int
	must(fmt.Sscan(w.args[0], &count))
	for range count {
		message := receive(consumer)
		say("%s %s %s", message.Payload(), message.Key(), message.Properties()["p"])
		check(consumer.Ack(message))
	}
}

// Larger than a message can be, in pieces.
func chunks(w *world) {
	consumer := w.consumer(pulsar.Exclusive)
	producer := w.producerOf(pulsar.ProducerOptions{DisableBatching: true, EnableChunking: true})
	for n := range 2 {
		large := bytes.Repeat([]byte{byte('0' + n)}, 6_000_000)
		sendOf(producer, pulsar.ProducerMessage{Payload: large})
		message := receive(consumer)
		say("%v", bytes.Equal(message.Payload(), large))
		check(consumer.Ack(message))
	}
}

// Not before it is due: what is sent after it, and due at once, comes before it.
func delayed(w *world) {
	consumer := w.consumer(pulsar.Shared)
	producer := w.producer()
	sendOf(producer, pulsar.ProducerMessage{Payload: []byte("late"), DeliverAfter: 3 * time.Second})
	send(producer, "soon")
	say("%v", texts(consumer, 2))
}

// What is refused comes again, counted; what is acked does not.
func nack(w *world) {
	consumer := w.consumerOf(pulsar.ConsumerOptions{Type: pulsar.Shared, NackRedeliveryDelay: 50 * time.Millisecond})
	sendNumbers(w.producer(), 0, 3)
	var counts []uint32
	acked := 0
	for acked < 2 || len(counts) < 3 {
		message := receive(consumer)
		if string(message.Payload()) == "1" {
			counts = append(counts, message.RedeliveryCount())
			consumer.Nack(message)
		} else {
			check(consumer.Ack(message))
			acked++
		}
	}
	say("%d acked, the other counted %v", acked, counts[:3])
}

// An ack for all up to a message, which the broker confirms; the next consumer begins behind it.
func cumulative(w *world) {
	consumer := w.consumerOf(pulsar.ConsumerOptions{Type: pulsar.Exclusive, AckWithResponse: true})
	sendNumbers(w.producer(), 0, 10)
	for n := range 10 {
		message := receive(consumer)
		if n == 5 {
			check(consumer.AckCumulative(message))
		}
	}
	consumer.Close()
	say("%v", texts(w.consumer(pulsar.Exclusive), 4))
}

// After so many deliveries a message goes to a topic for those that nobody could take.
func deadLetter(w *world) {
	letters := w.topic + "-dead"
	dead := w.consumerOf(pulsar.ConsumerOptions{Topic: letters})
	consumer := w.consumerOf(pulsar.ConsumerOptions{
		Type:                pulsar.Shared,
		NackRedeliveryDelay: 50 * time.Millisecond,
		DLQ:                 &pulsar.DLQPolicy{MaxDeliveries: 3, DeadLetterTopic: letters},
	})
	sendNumbers(w.producer(), 0, 3)
	var counts []uint32
	for len(counts) < 3 {
		message := receive(consumer)
		if string(message.Payload()) == "1" {
			counts = append(counts, message.RedeliveryCount())
			consumer.Nack(message)
		} else {
			check(consumer.Ack(message))
		}
	}
	// The client moves it when it comes once more, which takes somebody who receives.
	done, stop := context.WithCancel(soon())
	go func() { _, _ = consumer.Receive(done) }()
	message := receive(dead)
	stop()
	say("%s %v %v", message.Payload(), counts, message.Properties()["REAL_TOPIC"] == w.topic)
}

// A message that is put off comes again by a topic for those, later and counted by its properties.
func retry(w *world) {
	consumer := w.consumerOf(pulsar.ConsumerOptions{
		Type:        pulsar.Shared,
		RetryEnable: true,
		DLQ:         &pulsar.DLQPolicy{MaxDeliveries: 2, RetryLetterTopic: w.topic + "-retry", DeadLetterTopic: w.topic + "-dead"},
	})
	dead := w.consumerOf(pulsar.ConsumerOptions{Topic: w.topic + "-dead"})
	send(w.producer(), "later")
	for range 3 {
		message := receive(consumer)
		say("%s %q", message.Payload(), message.Properties()["RECONSUMETIMES"])
		consumer.ReconsumeLater(message, 10*time.Millisecond)
	}
	say("dead %s", receive(dead).Payload())
}

// Back and forth, by a message and by its time.
func seek(w *world) {
	consumer := w.consumer(pulsar.Exclusive)
	producer := w.producer()
	var ids []pulsar.MessageID
	for n := range 10 {
		ids = append(ids, send(producer, fmt.Sprint(n)))
	}
	var times []time.Time
	for range 10 {
		times = append(times, receive(consumer).PublishTime())
	}
	check(consumer.Seek(ids[4]))
	say("behind a message %v", texts(consumer, 1))
	check(consumer.Seek(ids[0]))
	say("back again %v", texts(consumer, 9))
	check(consumer.SeekByTime(times[7]))
	read := texts(consumer, 1)[0]
	// Several may have been sent in that millisecond.
	before := slices.IndexFunc(times, func(t time.Time) bool { return !t.Before(times[7]) })
	say("to a time %v", read == fmt.Sprint(before))
}
