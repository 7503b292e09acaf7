//! The producers of one relay, and the way of a row to its topics.
//!
//! Each topic has a producer of its own under the same name, so that each, and each of its partitions, deduplicates
//! by the ordinals of the rows that go there. Whoever holds the names on the topics of events is the active relay.

use std::{collections::HashMap, mem, sync::Arc};

use futures::future::{try_join, try_join_all};
use hexalpes_client::{Batching, Client, Codec, Outgoing, ProducerOptions};
use hexalpes_kernel::Edge;
use hexalpes_routing::{Fields, Way};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{
    EventTopic, RelayError,
    flight::Flight,
    tail,
    topic::{self, Topic},
};
use crate::{
    layout::Layouts,
    message::{self, Writer},
    parked::ParkedRow,
    parking::{BEHIND, Had, Parking, Refused, Waiting},
    row::OutboxRow,
    rules::Rules,
    shape::{Blank, Unreadable},
};

/// Rows on their way at once, at most.
pub(super) const ROWS_IN_FLIGHT_MAX: usize = 4_096;
/// Producers for topics of single rows; the one that was not used for longest is closed for another.
const ROUTED_TOPICS_MAX: usize = 64;
/// A batch: few enough that no row waits long for the others of its batch to be packed.
const BATCH_MESSAGES_MAX: usize = 500;
const BATCH_BYTES_MAX: usize = 128 * 1024;

/// The open producers.
pub(super) struct Topics {
    client: Client,
    writer: Writer,
    ways: Ways,
    options: ProducerOptions,
    pub(super) raw: Topic,
    pub(super) events: Topic,
    routed: HashMap<String, Topic>,
    /// Messages for the topic of all events and the context's own, which leave together on both.
    both: Vec<Outgoing>,
    /// Up to where topics have our rows that had to be asked without being opened, as [`Topic::stored`] says it.
    asked: HashMap<String, Vec<i64>>,
    /// What the session goes by, once it has its turn.
    turn: Option<Turn>,
    /// How many rows are still sent one by one; see [`Topics::publish`].
    careful: usize,
    uses: u64,
    /// Cancelled when a topic has partitions that are not used, and may be from the next session on.
    grown: CancellationToken,
}

/// Where events go besides the topics of all events. Unlike these, such a topic may have been named late, and need not
/// have the rows of before; so it is one of those that are opened on demand.
#[derive(Clone, Debug)]
pub(super) struct Ways {
    /// Of changes.
    pub(super) raw: Arc<str>,
    /// Of all events.
    pub(super) events: Arc<str>,
    /// The context's own.
    pub(super) own: Option<Arc<str>>,
    /// Of a type.
    pub(super) of_kind: Option<fn(&str) -> Option<EventTopic>>,
}

/// A topic of a row.
enum To<'a> {
    Raw,
    Events,
    /// The context's.
    Own,
    /// The topic of all events and the context's.
    Both,
    Named(&'a str),
    /// As a rule made it.
    Ruled(String),
}

impl To<'_> {
    fn name<'a>(&'a self, ways: &'a Ways) -> &'a str {
        match self {
            Self::Raw => &ways.raw,
            Self::Events | Self::Both => &ways.events,
            Self::Own => ways.own.as_deref().unwrap_or_default(),
            Self::Named(name) => name,
            Self::Ruled(name) => name,
        }
    }
}

/// What a topic that is opened on demand carries.
#[derive(Clone, Copy)]
enum Carries {
    Messages,
    Events(Option<&'static str>),
}

/// What a relay knows when it has its turn.
struct Turn {
    layouts: Layouts,
    rules: Rules,
    /// The last row that may have been sent, by an earlier session or this one.
    newest: i64,
}

impl Topics {
    pub(super) async fn open(
        client: Client,
        service: &str,
        ways: Ways,
        epoch: &str,
    ) -> Result<Self, RelayError> {
        let options = ProducerOptions {
            name: Some(format!("cdc/{service}/{epoch}")),
            // Closed by hand when there are no more rows to put in, so that a single one does not wait.
            batching: Some(Batching {
                max_messages: BATCH_MESSAGES_MAX,
                max_bytes: BATCH_BYTES_MAX,
                ..Batching::default()
            }),
            compression: Codec::Lz4,
            max_pending: ROWS_IN_FLIGHT_MAX,
            // No row may be too large to ever leave.
            chunking: true,
            // Which partitions count is written down before a row goes there.
            follow_growth: false,
            ..ProducerOptions::default()
        };
        let grown = CancellationToken::new();
        let (raw, events) = try_join(
            Topic::open(&client, &ways.raw, &options, &grown),
            Topic::open(&client, &ways.events, &options, &grown),
        )
        .await
        .map_err(RelayError::or_standby)?;
        let careful = ROWS_IN_FLIGHT_MAX;
        Ok(Self {
            client,
            writer: Writer::new(service),
            ways,
            options,
            raw,
            events,
            routed: HashMap::new(),
            both: Vec::new(),
            asked: HashMap::new(),
            turn: None,
            careful,
            uses: 0,
            grown,
        })
    }

    /// Resolves when another session would use more partitions than this one.
    pub(super) fn grown(&self) -> impl Future<Output = ()> + Send + use<> {
        self.grown.clone().cancelled_owned()
    }

    /// From now on this relay is the active one. No row after `newest` has been sent.
    pub(super) async fn begin(
        &mut self,
        mut layouts: Layouts,
        rules: Rules,
        newest: i64,
    ) -> Result<(), RelayError> {
        for topic in [&mut self.raw, &mut self.events] {
            topic.layout = layouts.of(topic.name(), topic.producer.partitions(), newest).await?;
        }
        self.turn = Some(Turn { layouts, rules, newest });
        Ok(())
    }

    /// The last row that the topics of all rows are known to have.
    pub(super) fn furthest(&self) -> i64 {
        self.raw.stored.iter().chain(&self.events.stored).copied().max().unwrap_or(0)
    }

    /// Ends the session if rows behind the last that was ever sent go by rules of before, or to the partitions of before: the
    /// next one knows better.
    pub(super) fn end_if_late(&mut self, sent: i64) {
        let sent = sent.max(self.furthest());
        if let Some(turn) = &mut self.turn {
            turn.newest = sent;
        }
        let late = |topic: &Topic| topic.layout.is_some_and(|layout| layout.since > sent);
        let are_late = self.turn.as_ref().is_some_and(|turn| turn.rules.are_late(sent));
        if are_late || self.routed.values().chain([&self.raw, &self.events]).any(late) {
            self.grown.cancel();
        }
    }

    /// Whether rows go to the topics of all events alone.
    pub(super) fn are_all_of_events(&self) -> bool {
        let Ways { own, of_kind, .. } = &self.ways;
        own.is_none() && of_kind.is_none() && self.turn.as_ref().is_some_and(|turn| turn.rules.are_none())
    }

    /// The name of the producers.
    pub(super) fn name(&self) -> &str {
        self.options.name.as_deref().expect("it was given one")
    }

    /// Sends the rows to their topics in their order, and gives what will have all receipts.
    ///
    /// A broker judges a batch by its first row: if that one is stored, it drops the whole. So the first rows
    /// of a session go one by one, as many as an earlier session may have had on their way when it ended:
    /// the broker may be storing some of these just now.
    ///
    /// A row that cannot be read or published at all is parked, and those of its aggregate behind it.
    pub(super) async fn publish(
        &mut self,
        rows: &[Result<OutboxRow, Blank>],
        parking: &mut Parking,
        edge: &dyn Edge,
    ) -> Result<Flight, RelayError> {
        let mut flight = Flight::default();
        for row in rows {
            let alone = self.careful > 0;
            self.careful = self.careful.saturating_sub(1);
            let row = match row {
                Ok(row) => row,
                Err(Blank::Gone { ordinal }) => {
                    flight.checkpoint.ordinal = *ordinal;
                    continue;
                }
                Err(Blank::Unreadable(unreadable)) => {
                    flight.checkpoint.ordinal = unreadable.ordinal;
                    if parking.gave_up(unreadable.ordinal, &unreadable.id) {
                        continue;
                    }
                    warn!(row.id = unreadable.id, "a row is parked: {}", unreadable.why);
                    let names = self.names_of_unreadable(unreadable, unreadable.ordinal);
                    let had = self.had(names, unreadable.ordinal, alone).await?;
                    let waiting = Waiting::of_unreadable(unreadable, unreadable.why.to_string());
                    parking.park(waiting, had, edge.now()).await?;
                    continue;
                }
            };
            flight.checkpoint.ordinal = row.ordinal;
            if parking.gave_up(row.ordinal, &row.id) {
                continue;
            }
            let reason = if parking.holds(row) {
                BEHIND.to_owned()
            } else {
                match self.publish_row(row, alone, &mut flight).await {
                    Err(error) if error.is_of_the_row() => {
                        warn!(row.id = &*row.id, row.kind = &*row.kind, "an event is parked: {error}");
                        error.to_string()
                    }
                    outcome => {
                        outcome?;
                        continue;
                    }
                }
            };
            let had = self.had(self.names(row, row.ordinal), row.ordinal, alone).await?;
            parking.park(Waiting::of_row(row, reason), had, edge.now()).await?;
        }
        // All topics store them with one sync.
        let held = self.client.hold();
        self.send_both(&mut flight).await?;
        for topic in self.routed.values_mut().chain([&mut self.raw, &mut self.events]) {
            flight.receipts.extend(topic.send().await?);
            if topic.may_grow(flight.checkpoint.ordinal) {
                self.grown.cancel();
            }
        }
        drop(held);
        if let Some(turn) = &mut self.turn {
            turn.newest = turn.newest.max(flight.checkpoint.ordinal);
            if turn.rules.may_change(flight.checkpoint.ordinal) {
                self.grown.cancel();
            }
        }
        Ok(flight)
    }

    /// What can be wrong with the row itself is found before the first of its messages is on its way: they are encoded, and
    /// each topic is asked whether it takes its own.
    async fn publish_row(
        &mut self,
        row: &OutboxRow,
        alone: bool,
        flight: &mut Flight,
    ) -> Result<(), RelayError> {
        let mut messages = self.messages(row, row.ordinal, alone).await?;
        for (to, message) in &mut messages {
            message.alone = alone;
            if matches!(to, To::Both) {
                self.topic(&To::Own)?.check(row, message)?;
            }
            self.topic(to)?.check(row, message)?;
        }
        for (to, message) in messages {
            match to {
                // Of rows that are not sent alone, both topics lack all, or it is an error.
                To::Both => {
                    let own = self.topic(&To::Own)?;
                    if own.lacks(row, &message)? && self.events.lacks(row, &message)? {
                        flight.add(own.name(), row.bare_kind());
                        flight.add(self.events.name(), row.bare_kind());
                        self.both.push(message);
                    }
                }
                to => {
                    // In the order of the rows, also where one names the context's topic by itself.
                    if matches!(to, To::Events) || to.name(&self.ways) == To::Own.name(&self.ways) {
                        self.send_both(flight).await?;
                    }
                    self.topic_mut(&to)?.queue(row, message, flight)?;
                }
            }
        }
        if row.headers.route.is_none() {
            flight.checkpoint.events = row.ordinal;
        }
        Ok(())
    }

    /// Sends what goes to both topics, behind what is queued on either.
    async fn send_both(&mut self, flight: &mut Flight) -> Result<(), RelayError> {
        if self.both.is_empty() {
            return Ok(());
        }
        let own = self.routed.get_mut(To::Own.name(&self.ways)).ok_or(RelayError::Fenced)?;
        for topic in [&mut *own, &mut self.events] {
            flight.receipts.extend(topic.send().await?);
        }
        flight.receipts.extend(own.send_with(&self.events, mem::take(&mut self.both)).await?);
        Ok(())
    }

    /// The row's messages, and where each goes by the rules for that ordinal; these topics are open then.
    async fn messages<'a>(
        &mut self,
        row: &'a OutboxRow,
        rules_of: i64,
        alone: bool,
    ) -> Result<Vec<(To<'a>, Outgoing)>, RelayError> {
        let ordinal = row.ordinal;
        if let Some(route) = &row.headers.route {
            self.routed(&route.topic, ordinal, alone, Carries::Messages).await?;
            return Ok(vec![(To::Named(&route.topic), message::routed(row, route)?)]);
        }
        let mut messages = Vec::with_capacity(4);
        let of_kind = self.ways.of_kind.and_then(|of_kind| of_kind(&row.kind));
        let version = of_kind.and_then(|of| of.schema).map_or(1, |schema| schema.version);
        let event = self.writer.event(row, version);
        if let Some(EventTopic { topic: name, schema }) = of_kind {
            let service = self.writer.service.clone();
            let carries = Carries::Events(schema.map(|schema| schema.definition));
            let topic = self.routed(name, ordinal, alone, carries).await?;
            let message = match &topic.written {
                Some(written) => message::binary(row, &service, version, written)?,
                None => event.clone(),
            };
            messages.push((To::Named(name), message));
        }
        let mut to = To::Events;
        if let Some(own) = self.ways.own.clone() {
            let has_partitions = self.events.layout.is_some();
            let topic = self.routed(&own, ordinal, alone, Carries::Events(None)).await?;
            if !alone && !has_partitions && topic.layout.is_none() {
                to = To::Both;
            } else {
                messages.push((To::Own, event.clone()));
            }
        }
        for way in self.by_rules(row, Some(&row.kind), rules_of) {
            let name = way.topic.to_string();
            self.routed(&name, ordinal, alone, Carries::Messages).await?;
            messages.push((To::Ruled(name), self.writer.ruled(row, way, &event)));
        }
        messages.push((to, event));
        messages.push((To::Raw, self.writer.change(row)));
        Ok(messages)
    }

    /// Where the rules send a row, unless it goes there anyway: a topic has each row once.
    fn by_rules(&self, row: &dyn Fields, kind: Option<&str>, rules_of: i64) -> Vec<Way> {
        let Some(turn) = &self.turn else { return Vec::new() };
        if turn.rules.are_none() {
            return Vec::new();
        }
        let mut there = self.always(kind);
        let mut ways: Vec<Way> = turn.rules.of(rules_of).iter().filter_map(|rule| rule.way(row)).collect();
        ways.retain(|way| {
            let name = way.topic.to_string();
            let is_new = !there.contains(&name);
            there.push(name);
            is_new
        });
        ways
    }

    /// Where events of that type go without any rule.
    fn always(&self, kind: Option<&str>) -> Vec<String> {
        let Ways { raw, events, own, of_kind } = &self.ways;
        let of_kind = of_kind.zip(kind).and_then(|(of_kind, kind)| of_kind(kind));
        let all = [Some(&**raw), Some(&**events), own.as_deref(), of_kind.map(|of| of.topic)];
        all.into_iter().flatten().map(str::to_owned).collect()
    }

    /// All topics of a row, by the rules for that ordinal.
    fn names(&self, row: &OutboxRow, rules_of: i64) -> Vec<String> {
        if let Some(route) = &row.headers.route {
            return vec![route.topic.clone()];
        }
        self.names_of_event(row, Some(&row.kind), rules_of)
    }

    /// As far as it can be told where it would go.
    fn names_of_unreadable(&self, row: &Unreadable, rules_of: i64) -> Vec<String> {
        self.names_of_event(row, row.kind().as_deref(), rules_of)
    }

    fn names_of_event(&self, row: &dyn Fields, kind: Option<&str>, rules_of: i64) -> Vec<String> {
        let ruled = self.by_rules(row, kind, rules_of).into_iter().map(|way| way.topic.to_string());
        self.always(kind).into_iter().chain(ruled).collect()
    }

    fn topic(&self, to: &To<'_>) -> Result<&Topic, RelayError> {
        match to {
            To::Raw => Ok(&self.raw),
            To::Events | To::Both => Ok(&self.events),
            routed => self.routed.get(routed.name(&self.ways)).ok_or(RelayError::Fenced),
        }
    }

    fn topic_mut(&mut self, to: &To<'_>) -> Result<&mut Topic, RelayError> {
        match to {
            To::Raw => Ok(&mut self.raw),
            To::Events | To::Both => Ok(&mut self.events),
            routed => self.routed.get_mut(routed.name(&self.ways)).ok_or(RelayError::Fenced),
        }
    }

    /// Which of these topics have the row of that number already. An earlier session sent it, if one did: this one has not.
    /// As long as one may have, those are asked too that are not open: what is wrong with a row may be found before it
    /// comes to them, and where one is refused nobody need be able to open it.
    async fn had(&mut self, names: Vec<String>, ordinal: i64, may_be_there: bool) -> Result<Had, RelayError> {
        let mut topics = Vec::with_capacity(names.len());
        for name in names {
            let mut open = self.routed.values().chain([&self.raw, &self.events]);
            if let Some(topic) = open.find(|topic| topic.name() == name) {
                topics.push((name, topic.having(ordinal)));
            } else if may_be_there {
                if !self.asked.contains_key(&name) {
                    let stored = tail::last_ids(&self.client, &name, self.name()).await?;
                    self.asked.insert(name.clone(), stored);
                }
                let layout = self.turn.as_ref().and_then(|turn| turn.layouts.known(&name));
                let having = topic::having(layout, &self.asked[&name], ordinal);
                topics.push((name, having));
            }
        }
        Ok(Had::new(ordinal, topics.into_iter()))
    }

    /// Sends a parked row to its topics and waits for the receipts, unless they have it; or says why it cannot be published
    /// still. It goes to the partitions that it would have gone to, and by the rules of today: those of before may be what
    /// was in its way.
    pub(super) async fn publish_parked(
        &mut self,
        parked: &ParkedRow,
        row: Result<OutboxRow, Unreadable>,
    ) -> Result<Option<Refused>, RelayError> {
        let turn = parked.turn.unwrap_or(0);
        let (reason, names) = match row {
            Ok(row) => {
                let row = OutboxRow { ordinal: turn, ..row };
                match self.send_parked(parked, &row, turn).await {
                    Err(error) if error.is_of_the_row() => (error.to_string(), self.names(&row, i64::MAX)),
                    outcome => return outcome.map(|()| None),
                }
            }
            Err(row) => (row.why.to_string(), self.names_of_unreadable(&row, i64::MAX)),
        };
        let had = self.had_by_turn(parked, names, turn).await?;
        Ok(Some(Refused { reason, had }))
    }

    /// Which of these topics have a parked row, one way or another. When it is tried the next time it has another turn, and
    /// no topic says any more whether it was there under this one: a session may have been killed amid its topics.
    async fn had_by_turn(
        &self,
        parked: &ParkedRow,
        names: Vec<String>,
        turn: i64,
    ) -> Result<Had, RelayError> {
        let mut had = parked.had.clone();
        for name in names {
            let last = tail::last_ids(&self.client, &name, &self.name_for_parked()).await?;
            if last.contains(&turn) {
                had.add(name);
            }
        }
        Ok(had)
    }

    /// The name of the producers of parked rows.
    fn name_for_parked(&self) -> String {
        format!("{}/parked", self.name())
    }

    /// Nothing is sent before each topic is known to take it.
    async fn send_parked(
        &mut self,
        parked: &ParkedRow,
        row: &OutboxRow,
        turn: i64,
    ) -> Result<(), RelayError> {
        let name = self.name_for_parked();
        let options = ProducerOptions { name: Some(name.clone()), batching: None, ..self.options.clone() };
        let mut checked = Vec::new();
        for (to, message) in self.messages(row, i64::MAX, true).await? {
            let topic = self.topic(&to)?;
            let key = message.key.as_deref();
            if parked.had.is_on(topic.name(), key) {
                continue;
            }
            let partition = topic.layout.map(|layout| layout.partition_of(parked.ordinal, key));
            let opened = self.client.producer(topic.name(), options.clone()).await;
            let producer = opened.map_err(|why| RelayError::open(topic.name(), why))?;
            let at = partition.unwrap_or(0) as usize;
            let mut stored = producer.last_sequence_ids().get(at).copied().unwrap_or(-1);
            if stored < 0 {
                stored = tail::last_id(&self.client, &topic.places()[at], &name).await?;
            }
            let message = Outgoing { partition, alone: true, ..message };
            if stored < turn {
                producer.check(&message)?;
                checked.push((producer, message));
            } else {
                producer.close().await;
            }
        }
        for (producer, message) in checked {
            producer.send(message).await?;
            producer.close().await;
        }
        Ok(())
    }

    /// The producer on a topic that is not of all events, opened on demand for that row and those after it.
    async fn routed(
        &mut self,
        name: &str,
        ordinal: i64,
        may_be_there: bool,
        carries: Carries,
    ) -> Result<&Topic, RelayError> {
        if !self.routed.contains_key(name) {
            if self.routed.len() >= ROUTED_TOPICS_MAX {
                self.close_oldest().await?;
            }
            let mut topic = match carries {
                Carries::Messages => Topic::open(&self.client, name, &self.options, &self.grown).await?,
                Carries::Events(definition) => {
                    Topic::of_events(&self.client, name, &self.options, &self.grown, definition).await?
                }
            };
            let turn = self.turn.as_mut().expect("rows are published by who has its turn");
            let sent = turn.newest.max(ordinal - 1);
            topic.layout = turn.layouts.of(name, topic.producer.partitions(), sent).await?;
            if may_be_there {
                // Where nothing says whether the broker forgot the producer, or never knew it there.
                let (places, producer) = (topic.places(), topic.producer.name());
                let looks = places.iter().zip(&topic.stored).map(async |(place, stored)| match *stored {
                    0.. => Ok(*stored),
                    _ => tail::last_id(&self.client, place, &producer).await,
                });
                topic.stored = try_join_all(looks).await?;
            }
            self.routed.insert(name.to_owned(), topic);
        }
        let topic = self.routed.get_mut(name).expect("it was put there");
        self.uses += 1;
        topic.last_use = self.uses;
        Ok(topic)
    }

    /// Never the context's own, for which messages may wait that are for both.
    async fn close_oldest(&mut self) -> Result<(), RelayError> {
        let own = To::Own.name(&self.ways);
        let others = self.routed.iter().filter(|(name, _)| *name != own);
        let oldest = others.min_by_key(|(_, topic)| topic.last_use).map(|(name, _)| name.clone());
        match oldest.and_then(|name| self.routed.remove(&name)) {
            Some(topic) => topic.close().await,
            None => Ok(()),
        }
    }

    /// Waits for what is on its way, and gives the names up.
    pub(super) async fn close(self) {
        for topic in self.routed.into_values().chain([self.raw, self.events]) {
            topic.producer.close().await;
        }
    }
}
