//! Topics that come and go: one that was deleted stays so, and one that was made keeps what it has.

use std::{collections::BTreeMap, net::SocketAddr};

use hexalpes_broker::Broker;
use hexalpes_wire::TopicName;

use crate::{
    chance::Chance,
    ground::NAMESPACE,
    peer::{Peer, Trouble},
    world::calm,
};

#[derive(Debug, Default)]
pub(crate) struct Spares {
    made: u64,
    known: BTreeMap<String, Spare>,
}

#[derive(Debug, Default)]
struct Spare {
    sent: u64,
    acked: u64,
    deletion: Deletion,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Deletion {
    #[default]
    NotAsked,
    Asked,
    Answered,
}

/// More are deleted.
const KEPT_MAX: usize = 3;

impl Spares {
    /// Makes a topic with some messages, and perhaps deletes another.
    pub(crate) fn change(
        &mut self,
        broker: &Broker,
        address: SocketAddr,
        chance: &mut Chance,
    ) -> Result<(), Trouble> {
        let number = self.made;
        self.made += 1;
        let spare = self.known.entry(format!("persistent://{NAMESPACE}/spare-{number}")).or_default();
        let name = format!("persistent://{NAMESPACE}/spare-{number}");
        let mut peer = Peer::connect(address)?;
        peer.open_producer(&name, "spare")?;
        peer.subscribe(&name, "kept")?;
        spare.sent = 1 + chance.below(5);
        let messages: Vec<_> = (0..spare.sent).map(|id| (id, id.to_string().into_bytes())).collect();
        peer.send("spare", &messages, |_, _| spare.acked += 1)?;
        drop(peer);
        let there = self.known.iter_mut().filter(|(_, spare)| spare.deletion != Deletion::Answered);
        let mut there: Vec<_> = there.collect();
        if there.len() > KEPT_MAX || (there.len() > 1 && chance.once_in(2)) {
            let which = chance.index(there.len());
            let (name, spare) = &mut there[which];
            spare.deletion = Deletion::Asked;
            let name: TopicName = name.parse().expect("it is a topic's name");
            broker.delete_topic(&name, true).map_err(|error| Trouble::Gone(error.to_string()))?;
            spare.deletion = Deletion::Answered;
        }
        Ok(())
    }

    pub(crate) fn compare(&mut self, broker: &Broker, address: SocketAddr) -> Result<(), String> {
        let there: Vec<String> = broker.topics().iter().map(ToString::to_string).collect();
        for (name, spare) in &mut self.known {
            match (there.contains(name), &spare.deletion) {
                (true, Deletion::Answered) => return Err(format!("{name} was deleted and is back")),
                (false, Deletion::NotAsked) if spare.acked > 0 => {
                    return Err(format!("{name} had messages and is gone"));
                }
                (false, _) => spare.deletion = Deletion::Answered,
                (true, _) => {
                    spare.compare(name, address).map_err(|what| format!("{name}: {what}"))?;
                    spare.deletion = Deletion::NotAsked;
                }
            }
        }
        self.known.retain(|_, spare| spare.deletion != Deletion::Answered);
        Ok(())
    }
}

impl Spare {
    fn compare(&self, name: &str, address: SocketAddr) -> Result<(), String> {
        let mut peer = calm(Peer::connect(address))?;
        calm(peer.read(name, "reader"))?;
        let Some(last) = calm(peer.last_message())? else {
            return if self.acked == 0 { Ok(()) } else { Err("it is empty".to_owned()) };
        };
        calm(peer.flow(1000))?;
        for next in 0.. {
            let (id, _, sequence_id, body) = calm(peer.message())?;
            if sequence_id != next || body != next.to_string().as_bytes() {
                return Err(format!("{sequence_id} comes where {next} should"));
            }
            if id == last {
                return if next + 1 >= self.acked { Ok(()) } else { Err(format!("only {next} are there")) };
            }
        }
        Ok(())
    }
}
