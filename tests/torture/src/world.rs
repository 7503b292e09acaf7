//! Topics, producers and a consumer, and what a child could say of them: whatever was acknowledged is there, once, in the
//! order in which it was sent, and as it was sent.
//!
//! Producers do as real clients do: after a crash they send again whatever they have no receipt for, under the same
//! sequence ids. So once they are through, each topic must have exactly what was sent.

use std::{collections::BTreeMap, net::SocketAddr};

use hexalpes_wire::MessageId;

use crate::{
    chance::Chance,
    ground::{Ground, NAMESPACE, Running},
    peer::{Peer, Receipt, Trouble},
    spare::Spares,
};

const TOPICS: usize = 3;
const PRODUCERS_PER_TOPIC: usize = 2;
/// Its subscription `worker` acks, so that its segments go.
const WORKED: usize = TOPICS - 1;
/// Nobody acks here: everything is kept.
const KEEPER: &str = "keeper";
const WORKER: &str = "worker";
/// So many messages are sent before their receipts are waited for, at most.
const WINDOW: u64 = 24;
/// The one of whom a harm may take the last message: see [`World::mark`].
const MARKER: &str = "marker";

#[derive(Debug)]
struct Producer {
    topic: usize,
    name: String,
    /// How many messages it has sent; their sequence ids begin with 0.
    sent: u64,
    /// How many of them have receipts. They are the first ones.
    acked: u64,
    /// Where they lie, as far as that was said.
    ids: Vec<Option<MessageId>>,
}

#[derive(Debug)]
struct Topic {
    name: String,
    /// Up to here the worker has said that it needs nothing any more.
    worked_to: Option<MessageId>,
}

/// What was done, for the summary.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Done {
    pub receipts: u64,
    pub duplicates: u64,
    pub read: u64,
}

/// What a world is forgiven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Forgiven {
    Nothing,
    /// The journal's last group was harmed: it cannot be told from one that a crash tore.
    TheMark,
}

#[derive(Debug)]
pub(crate) struct World {
    pub ground: Ground,
    pub deduplicates: bool,
    topics: Vec<Topic>,
    producers: Vec<Producer>,
    spares: Spares,
    seed: u64,
    readings: u64,
    /// Connected since the world settled last.
    marker: Option<Peer>,
    pub done: Done,
}

/// What a producer sends under a sequence id: everybody can know it.
fn body(seed: u64, producer: &str, sequence_id: u64) -> Vec<u8> {
    let mut chance = Chance::new(seed ^ sequence_id.wrapping_mul(31) ^ u64::from(producer.as_bytes()[0]));
    let length = match chance.below(40) {
        0 => chance.index(20_000),
        1..6 => chance.index(4000),
        _ => chance.index(300),
    };
    let mut body = format!("{producer}:{sequence_id}:").into_bytes();
    let fill = b'a' + u8::try_from(chance.below(26)).expect("a letter");
    body.resize(body.len() + length, fill);
    body
}

impl World {
    /// Makes topics and subscriptions on new ground.
    pub(crate) fn new(ground: Ground, seed: u64) -> Result<Self, String> {
        let names = (0..TOPICS).map(|n| n.to_string()).chain([MARKER.to_owned()]);
        let topics: Vec<Topic> = names
            .map(|name| Topic { name: format!("persistent://{NAMESPACE}/{name}"), worked_to: None })
            .collect();
        let named = |topic, name: String| Producer { topic, name, sent: 0, acked: 0, ids: Vec::new() };
        let producers = (0..TOPICS)
            .flat_map(|topic| (0..PRODUCERS_PER_TOPIC).map(move |n| (topic, n)))
            .map(|(topic, n)| named(topic, format!("{}-of-{topic}", ["a", "b"][n % 2])))
            .chain([named(TOPICS, MARKER.to_owned())])
            .collect();
        let world = Self {
            ground,
            deduplicates: true,
            topics,
            producers,
            spares: Spares::default(),
            seed,
            readings: 0,
            marker: None,
            done: Done::default(),
        };
        let running = world.start()?;
        for (n, topic) in world.topics.iter().enumerate() {
            let kept = if n == WORKED { WORKER } else { KEEPER };
            let joined =
                Peer::connect(running.address).and_then(|mut peer| peer.subscribe(&topic.name, kept));
            calm(joined)?;
        }
        running.end()?;
        Ok(world)
    }

    pub(crate) fn start(&self) -> Result<Running, String> {
        self.ground.start(self.deduplicates).map_err(|error| format!("it does not start: {error:#}"))
    }

    /// Has every producer send what it has no receipt for, and compares all there is with all there should be.
    pub(crate) fn settle(&mut self, running: &Running, forgiven: Forgiven) -> Result<Vec<Peer>, String> {
        let (seed, deduplicates) = (self.seed, self.deduplicates);
        let mut peers = Vec::new();
        for producer in &mut self.producers {
            let mut peer = calm(Peer::connect(running.address))?;
            let forgiven = forgiven == Forgiven::TheMark && producer.name == MARKER;
            let topic = &self.topics[producer.topic].name;
            calm(producer.resume(&mut peer, topic, seed, deduplicates, forgiven, &mut self.done))?;
            peers.push(peer);
        }
        for topic in 0..self.topics.len() {
            self.compare(running.address, topic).map_err(|what| format!("topic {topic}: {what}"))?;
        }
        if let Some(broker) = running.broker() {
            self.spares.compare(broker, running.address)?;
        }
        self.marker = peers.pop();
        Ok(peers)
    }

    /// Sends from all producers at once, acks, makes topics and deletes them, until so many messages are sent of each
    /// or something goes wrong. Says what, if something does.
    pub(crate) fn load(
        &mut self,
        running: &Running,
        peers: Vec<Peer>,
        messages: u64,
        chance: &mut Chance,
    ) -> Result<Option<String>, String> {
        let (seed, topics) = (self.seed, &mut self.topics);
        let address = running.address;
        let (worked, spares, done) = (&mut topics[WORKED], &mut self.spares, &mut self.done);
        let worked_name: &str = &worked.name.clone();
        let names: Vec<String> = (0..TOPICS).map(|n| format!("persistent://{NAMESPACE}/{n}")).collect();
        let mut troubles: Vec<Trouble> = Vec::new();
        std::thread::scope(|scope| {
            let sending: Vec<_> = self
                .producers
                .iter_mut()
                .zip(peers)
                .map(|(producer, peer)| {
                    let mut chance = chance.split();
                    let topic = &names[producer.topic];
                    scope.spawn(move || producer.send(peer, topic, messages, seed, &mut chance))
                })
                .collect();
            let mut own = chance.split();
            let working = scope.spawn(move || work(address, worked_name, worked, &mut own));
            let mut own = chance.split();
            if let Some(broker) = running.broker() {
                troubles.extend(spares.change(broker, running.address, &mut own).err());
            }
            for sender in sending {
                match sender.join().expect("a producer does not panic") {
                    Ok(receipts) => done.receipts += receipts,
                    Err((receipts, trouble)) => {
                        done.receipts += receipts;
                        troubles.push(trouble);
                    }
                }
            }
            troubles.extend(working.join().expect("a consumer does not panic").err());
        });
        let mut gone = None;
        for trouble in troubles {
            match trouble {
                Trouble::Wrong(what) => return Err(what),
                Trouble::Gone(what) => gone = Some(what),
            }
        }
        Ok(gone)
    }

    /// Writes one message when nothing else is written: the journal's last group, alone.
    pub(crate) fn mark(&mut self) -> Result<(), String> {
        let peer = self.marker.take().ok_or("the world has not settled")?;
        let marker = self.producers.last_mut().expect("there is one");
        let topic = &self.topics[marker.topic].name;
        let sent = marker.send(peer, topic, 1, self.seed, &mut Chance::new(0));
        calm(sent.map(drop).map_err(|(_, trouble)| trouble))
    }

    /// Has the first producer send its next messages in this order, counted from the next: the control of the comparing.
    pub(crate) fn send_in_order(&mut self, peers: &mut [Peer], order: &[u64]) -> Result<(), String> {
        let (producer, peer) = (&mut self.producers[0], &mut peers[0]);
        let ids = order.iter().map(|ahead| producer.sent + ahead);
        let messages: Vec<_> = ids.map(|id| (id, body(self.seed, &producer.name, id))).collect();
        calm(peer.send(&producer.name, &messages, |_, _| {}))?;
        producer.sent += 1 + order.iter().max().expect("there are some");
        producer.acked = producer.sent;
        producer.ids.resize(whole(producer.sent), None);
        Ok(())
    }

    /// Reads a whole topic.
    fn compare(&mut self, address: SocketAddr, topic: usize) -> Result<(), String> {
        self.readings += 1;
        let mut peer = calm(Peer::connect(address))?;
        let name = &self.topics[topic].name;
        if topic == WORKED {
            calm(peer.subscribe(name, WORKER))?;
        } else {
            calm(peer.read(name, &format!("reader-{}", self.readings)))?;
        }
        let mut found: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        let last = calm(peer.last_message())?;
        // All of it may have been worked through.
        if let Some(last) = last.filter(|last| self.topics[topic].worked_to.is_none_or(|to| to < *last)) {
            calm(peer.flow(u32::MAX >> 1))?;
            let mut before = None;
            while before != Some(last) {
                let (id, producer, sequence_id, read) = calm(peer.message())?;
                if before.is_some_and(|before| before >= id) {
                    return Err(format!("{id} comes behind {}", before.expect("it was compared")));
                }
                before = Some(id);
                if read != body(self.seed, &producer, sequence_id) {
                    return Err(format!("message {sequence_id} of {producer} at {id} is not as it was sent"));
                }
                let known = self.producers.iter_mut().find(|one| one.name == producer);
                let known = known.ok_or_else(|| format!("nobody is called {producer}"))?;
                known.lies_at(sequence_id, id)?;
                found.entry(producer).or_default().push(sequence_id);
                self.done.read += 1;
            }
        }
        for producer in self.producers.iter().filter(|producer| producer.topic == topic) {
            let sequence_ids = found.remove(&producer.name).unwrap_or_default();
            let worked_to = self.topics[topic].worked_to;
            producer
                .compare(&sequence_ids, worked_to)
                .map_err(|what| format!("{}: {what}", producer.name))?;
        }
        Ok(())
    }
}

impl Producer {
    /// Opens, and sends everything again that has no receipt, and one that has.
    fn resume(
        &mut self,
        peer: &mut Peer,
        topic: &str,
        seed: u64,
        deduplicates: bool,
        forgiven: bool,
        done: &mut Done,
    ) -> Result<(), Trouble> {
        let known = u64::try_from(peer.open_producer(topic, &self.name)? + 1).unwrap_or(0);
        if forgiven && known + 1 == self.acked {
            self.acked = known;
        }
        let acked = self.acked;
        if deduplicates && !(acked..=self.sent).contains(&known) {
            let sent = self.sent;
            let what = format!("{known} messages of {} are remembered, of {acked} to {sent}", self.name);
            return Err(Trouble::Wrong(what));
        }
        let first = acked.saturating_sub(1);
        let mut wrong = None;
        let ids: Vec<u64> = (first..self.sent).collect();
        for window in ids.chunks(whole(WINDOW)) {
            let messages: Vec<_> = window.iter().map(|id| (*id, body(seed, &self.name, *id))).collect();
            peer.send(&self.name, &messages, |id, receipt| {
                let expected = !deduplicates || (receipt == Receipt::Duplicate) == (id < known);
                if !expected {
                    wrong = Some(format!("message {id} has the receipt {receipt:?}, and {known} were known"));
                }
                match receipt {
                    Receipt::Duplicate => done.duplicates += 1,
                    Receipt::Stored(at) => {
                        done.receipts += 1;
                        self.ids.resize(self.ids.len().max(whole(id) + 1), None);
                        self.ids[whole(id)].get_or_insert(at);
                    }
                }
                self.acked = self.acked.max(id + 1);
            })?;
        }
        wrong.map_or(Ok(()), |what| Err(Trouble::Wrong(what)))
    }

    fn send(
        &mut self,
        mut peer: Peer,
        topic: &str,
        messages: u64,
        seed: u64,
        chance: &mut Chance,
    ) -> Result<u64, (u64, Trouble)> {
        let (mut receipts, until) = (0, self.sent + messages);
        while self.sent < until {
            let window = 1 + chance.below(WINDOW.min(until - self.sent));
            let sending: Vec<_> =
                (self.sent..self.sent + window).map(|id| (id, body(seed, &self.name, id))).collect();
            self.sent += window;
            let (ids, acked) = (&mut self.ids, &mut self.acked);
            let mut wrong = None;
            peer.send(&self.name, &sending, |id, receipt| {
                receipts += 1;
                *acked = id + 1;
                ids.resize(whole(id) + 1, None);
                match receipt {
                    Receipt::Stored(at) => ids[whole(id)] = Some(at),
                    Receipt::Duplicate => wrong = Some(format!("{topic} has {id} before it was sent")),
                }
            })
            .map_err(|trouble| (receipts, trouble))?;
            if let Some(what) = wrong {
                return Err((receipts, Trouble::Wrong(what)));
            }
        }
        Ok(receipts)
    }

    /// A message was read where it must lie, if that is known.
    fn lies_at(&mut self, sequence_id: u64, id: MessageId) -> Result<(), String> {
        let at = whole(sequence_id);
        if sequence_id >= self.sent {
            return Err(format!("message {sequence_id} of {} was never sent", self.name));
        }
        self.ids.resize(self.ids.len().max(at + 1), None);
        match self.ids[at] {
            Some(told) if told != id => Err(format!(
                "message {sequence_id} of {} lies at {id}, and its receipt said {told}: it is there twice, or moved",
                self.name
            )),
            _ => {
                self.ids[at] = Some(id);
                Ok(())
            }
        }
    }

    /// Everything there is of this producer, in the topic's order.
    fn compare(&self, found: &[u64], worked_to: Option<MessageId>) -> Result<(), String> {
        let first = found.iter().min().copied().unwrap_or(self.sent);
        let before = self.ids.iter().take(whole(first)).enumerate();
        for (sequence_id, id) in before {
            let may_be_gone = match (id, worked_to) {
                (Some(id), Some(worked_to)) => *id <= worked_to,
                (Some(_), None) => false,
                // Where it lay was never said: it was worked through before it was read again.
                (None, worked_to) => worked_to.is_some(),
            };
            if !may_be_gone {
                return Err(format!("message {sequence_id} had a receipt and is gone"));
            }
        }
        for (place, sequence_id) in found.iter().enumerate() {
            let expected = first + place as u64;
            if *sequence_id != expected {
                let is_gone = *sequence_id > expected && !found.contains(&expected);
                let is = if is_gone { "is gone" } else { "is out of order, or twice" };
                let which = expected.min(*sequence_id);
                return Err(format!("message {which} {is}: {sequence_id} comes where {expected} should"));
            }
        }
        if first + found.len() as u64 == self.sent {
            Ok(())
        } else {
            Err(format!("the last of {} messages are gone: {} are there", self.sent, found.len()))
        }
    }
}

/// Reads what a worker has not acked, and acks some of it.
fn work(address: SocketAddr, name: &str, topic: &mut Topic, chance: &mut Chance) -> Result<(), Trouble> {
    let mut peer = Peer::connect(address)?;
    peer.subscribe(name, WORKER)?;
    let Some(last) = peer.last_message()?.filter(|last| topic.worked_to.is_none_or(|to| to < *last)) else {
        return Ok(());
    };
    peer.flow(u32::MAX >> 1)?;
    for _ in 0..=chance.below(60) {
        let (id, ..) = peer.message()?;
        if chance.once_in(10) || id >= last {
            topic.worked_to = topic.worked_to.max(Some(id));
            peer.ack_up_to(id)?;
            break;
        }
    }
    Ok(())
}

fn whole(number: u64) -> usize {
    usize::try_from(number).expect("so many fit in memory")
}

/// Nothing goes wrong at the moment: whatever does is not as it should be.
pub(crate) fn calm<T>(result: Result<T, Trouble>) -> Result<T, String> {
    result.map_err(|trouble| match trouble {
        Trouble::Gone(what) | Trouble::Wrong(what) => what,
    })
}
