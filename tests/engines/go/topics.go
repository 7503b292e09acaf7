package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/apache/pulsar-client-go/pulsar"
)

// Numbers under each of four keys, to a topic that has partitions: a key keeps to one of them, and to its order.
func partitions(w *world) {
	consumer := w.consumer(pulsar.Failover)
	producer := w.producer()
	for n := range 10 {
		for _, key := range []string{"a", "b", "c", "d"} {
			sendOf(producer, pulsar.ProducerMessage{Payload: []byte(fmt.Sprint(n)), Key: key})
		}
	}
	numbers, places, used := map[string][]string{}, map[string]map[int32]bool{}, map[int32]bool{}
	for range 40 {
		message := receive(consumer)
		key, partition := message.Key(), message.ID().PartitionIdx()
		numbers[key] = append(numbers[key], string(message.Payload()))
		if places[key] == nil {
			places[key] = map[int32]bool{}
		}
		places[key][partition], used[partition] = true, true
		check(consumer.Ack(message))
	}
	for _, key := range []string{"a", "b", "c", "d"} {
		say("%s %d %s", key, len(places[key]), strings.Join(numbers[key], ""))
	}
	say("partitions %v", len(used) > 1)
}

// What two consumers of one subscription get, by its type.
func kinds(w *world) {
	// So many that chance does not give all of them to one; odd, so that who takes turns does not keep to keys.
	const keyCount = 49
	topic := w.topic
	for _, kind := range []struct {
		name string
		kind pulsar.SubscriptionType
	}{{"exclusive", pulsar.Exclusive}, {"failover", pulsar.Failover}, {"shared", pulsar.Shared}, {"key-shared", pulsar.KeyShared}} {
		w.topic = topic + "-" + kind.name
		one := w.consumer(kind.kind)
		two, err := w.client.Subscribe(pulsar.ConsumerOptions{Topic: w.topic, SubscriptionName: "sub", Type: kind.kind})
		if err != nil {
			say("%s %v", kind.name, strings.Contains(err.Error(), "ConsumerBusy"))
			continue
		}
		producer := w.producerOf(pulsar.ProducerOptions{BatcherBuilderType: pulsar.KeyBasedBatchBuilder})
		for n := range 100 {
			message := pulsar.ProducerMessage{Payload: []byte(fmt.Sprint(n)), Key: fmt.Sprint("key-", n%keyCount)}
			producer.SendAsync(soon(), &message, func(_ pulsar.MessageID, _ *pulsar.ProducerMessage, err error) { check(err) })
			if kind.kind == pulsar.Shared {
				// Each to whoever's turn it is: a batch would go to one of them whole.
				check(producer.Flush())
			}
		}
		check(producer.Flush())
		got := [2]map[string]bool{{}, {}}
		keys := [2]map[string]bool{{}, {}}
		for range 100 {
			var message pulsar.Message
			who := 0
			select {
			case said := <-one.Chan():
				message = said.Message
				check(one.Ack(message))
			case said := <-two.Chan():
				who, message = 1, said.Message
				check(two.Ack(message))
			case <-soon().Done():
				fail("%s: nothing comes any more", kind.name)
			}
			got[who][string(message.Payload())] = true
			keys[who][message.Key()] = true
		}
		both := len(got[0]) > 0 && len(got[1]) > 0
		shares := len(keys[0])+len(keys[1]) > keyCount
		say("%s %d both %v keys shared %v", kind.name, len(got[0])+len(got[1]), both, shares)
	}
}

// All topics whose names fit, and one that is made while it consumes.
func regex(w *world) {
	send(w.producerOf(pulsar.ProducerOptions{Topic: w.topic + "-one"}), "one")
	send(w.producerOf(pulsar.ProducerOptions{Topic: w.topic + "-two"}), "two")
	send(w.producerOf(pulsar.ProducerOptions{Topic: w.topic + "x"}), "other")
	consumer := w.consumerOf(pulsar.ConsumerOptions{TopicsPattern: w.topic + "-.*", AutoDiscoveryPeriod: 100 * time.Millisecond})
	first := texts(consumer, 2)
	slices.Sort(first)
	send(w.producerOf(pulsar.ProducerOptions{Topic: w.topic + "-three"}), "three")
	say("%v then %v", first, texts(consumer, 1))
}

// From the beginning to the end, from a message on, and from the end.
func reader(w *world) {
	producer := w.producer()
	var ids []pulsar.MessageID
	for n := range 10 {
		ids = append(ids, send(producer, fmt.Sprint(n)))
	}
	for _, start := range []struct {
		name      string
		id        pulsar.MessageID
		inclusive bool
	}{{"earliest", pulsar.EarliestMessageID(), false}, {"behind", ids[6], false}, {"at", ids[6], true}, {"latest", pulsar.LatestMessageID(), false}} {
		reader := must(w.client.CreateReader(pulsar.ReaderOptions{
			Topic:                   w.topic,
			StartMessageID:          start.id,
			StartMessageIDInclusive: start.inclusive,
		}))
		read := []string{}
		for reader.HasNext() {
			read = append(read, string(must(reader.Next(soon())).Payload()))
		}
		say("%s %v", start.name, read)
		reader.Close()
	}
}

// The newest value of each key, also of what comes while it is open.
func tableView(w *world) {
	text := pulsar.NewStringSchema(nil)
	producer := w.producerOf(pulsar.ProducerOptions{Schema: text, DisableBatching: true})
	put := func(key, value string) { sendOf(producer, pulsar.ProducerMessage{Key: key, Value: value}) }
	put("a", "1")
	put("b", "2")
	put("a", "3")
	var value *string
	view := must(w.client.CreateTableView(pulsar.TableViewOptions{Topic: w.topic, Schema: text, SchemaValueType: typeOf(value)}))
	say("a %s b %s of %d", *view.Get("a").(*string), *view.Get("b").(*string), view.Size())
	put("c", "4")
	changes := make(chan string, 100)
	check(view.ForEachAndListen(func(key string, value any) error {
		changes <- key + *value.(*string)
		return nil
	}))
	seen := map[string]bool{}
	for len(seen) < 3 {
		select {
		case change := <-changes:
			seen[change] = true
		case <-soon().Done():
			fail("the view does not change: %v", seen)
		}
	}
	say("%v", seen["a3"] && seen["b2"] && seen["c4"])
}

// Who has a topic for itself keeps others out; who waits for it gets it.
func access(w *world) {
	alone := w.producerOf(pulsar.ProducerOptions{ProducerAccessMode: pulsar.ProducerAccessModeExclusive})
	_, err := w.client.CreateProducer(pulsar.ProducerOptions{Topic: w.topic})
	say("refused %v", err != nil)
	next := make(chan pulsar.Producer)
	go func() {
		next <- w.producerOf(pulsar.ProducerOptions{ProducerAccessMode: pulsar.ProducerAccessModeWaitForExclusive})
	}()
	send(alone, "alone")
	alone.Close()
	send(<-next, "waited")
	say("%v", texts(w.consumer(pulsar.Exclusive), 2))
}
