//! A producer's parts: one for its topic, or one for each of its partitions, and the partitions that come later.

use std::future::{Future, ready};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hexalpes_wire::TopicName;
use parking_lot::RwLock;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::body::Packed;
use super::driver::{self, Shared};
use super::pending::{Permit, Room};
use super::routing::Router;
use super::waiter::Together;
use super::{Outgoing, ProducerOptions, Receipt};
use crate::client;
use crate::error::{OpenError, SendError};

/// How often what others hold is released while somebody waits for room.
const RELEASE_EVERY: Duration = Duration::from_millis(100);

/// The open producer on one topic that has no partitions, or on one partition.
#[derive(Debug)]
pub(super) struct Part {
    shared: Arc<Shared>,
    /// Taken by whoever waits for its end.
    driver: Option<JoinHandle<()>>,
}

impl Part {
    async fn open(
        client: Arc<client::Inner>,
        topic: TopicName,
        options: &ProducerOptions,
        made_up_name: Option<String>,
    ) -> Result<Self, OpenError> {
        let shared = Arc::new(Shared::new(Arc::clone(&client), topic, options, made_up_name));
        client.insist(|| driver::attach(&shared)).await?;
        let driver = tokio::spawn(driver::drive(Arc::clone(&shared)));
        Ok(Self { shared, driver: Some(driver) })
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.shared.abandon();
    }
}

#[derive(Debug)]
pub(super) struct Parts {
    client: Arc<client::Inner>,
    pub(super) topic: TopicName,
    options: ProducerOptions,
    router: Router,
    room: Room,
    /// By partition; the only one of a topic without partitions.
    open: RwLock<Vec<Part>>,
    is_partitioned: bool,
    closing: CancellationToken,
}

impl Parts {
    /// Opens the topic, or so many partitions of it.
    pub(super) async fn open(
        client: Arc<client::Inner>,
        topic: TopicName,
        partitions: u32,
        options: ProducerOptions,
    ) -> Result<Self, OpenError> {
        let router = Router::new(options.routing, options.key_hash, options.batching);
        let is_partitioned = partitions > 0;
        let first = if is_partitioned { topic.with_partition(0) } else { topic.clone() };
        // The first by itself: the broker may have to make the name up for all, and two that race for one name
        // do not each get some of the partitions.
        let first = Part::open(Arc::clone(&client), first, &options, None).await?;
        let parts = Self {
            client,
            topic,
            room: Room::new(&options),
            options,
            router,
            open: RwLock::new(vec![first]),
            is_partitioned,
            closing: CancellationToken::new(),
        };
        parts.open_up_to(partitions).await?;
        Ok(parts)
    }

    /// Opens the partitions that are not open yet, all or none.
    async fn open_up_to(&self, partitions: u32) -> Result<(), OpenError> {
        let (from, name) = {
            let open = self.open.read();
            (count_of(&open), open.first().map(|part| part.shared.name()))
        };
        let mut opening = JoinSet::new();
        for partition in from..partitions {
            let (client, topic) = (Arc::clone(&self.client), self.topic.with_partition(partition));
            let (options, name) = (self.options.clone(), name.clone());
            opening.spawn(async move {
                Part::open(client, topic, &options, name).await.map(|part| (partition, part))
            });
        }
        let mut opened = Vec::new();
        while let Some(outcome) = opening.join_next().await {
            opened.push(outcome.expect("opening neither panics nor is aborted")?);
        }
        opened.sort_by_key(|(partition, _)| *partition);
        self.open.write().extend(opened.into_iter().map(|(_, part)| part));
        Ok(())
    }

    /// None where the topic has no partitions.
    pub(super) fn partitions(&self) -> Option<u32> {
        self.is_partitioned.then(|| count_of(&self.open.read()))
    }

    pub(super) fn growth(&self) -> impl Future<Output = u32> + Send + use<> {
        let (client, topic, known) = (Arc::clone(&self.client), self.topic.clone(), self.partitions());
        async move {
            match known {
                Some(known) => client.more_partitions(&topic, known).await,
                None => std::future::pending().await,
            }
        }
    }

    /// Where the message goes, if nothing changes until it is sent.
    fn part_of(&self, message: &Outgoing) -> Result<Arc<Shared>, SendError> {
        let open = self.open.read();
        if !self.is_partitioned {
            return Ok(Arc::clone(&open[0].shared));
        }
        let partitions = count_of(&open);
        let partition = self.router.partition_of(message, partitions);
        let part =
            open.get(partition as usize).ok_or(SendError::NoSuchPartition { partition, partitions })?;
        Ok(Arc::clone(&part.shared))
    }

    /// Room for a message, if there is some now.
    pub(super) fn try_reserve(&self, message: &Outgoing) -> Option<Permit> {
        self.room.try_reserve(message)
    }

    pub(super) fn accept(&self, message: Outgoing, permit: Permit) -> Result<Receipt, SendError> {
        self.part_of(&message)?.accept(message, permit)
    }

    /// Room for so many messages, whose payloads have so many bytes. None once it is closed.
    async fn reserve(&self, messages: usize, bytes: usize) -> Option<Permit> {
        let mut reserving = pin!(self.room.reserve(messages, bytes));
        tokio::select! {
            biased;
            permit = &mut reserving => return permit,
            () = ready(()) => {}
        }
        // What takes the room may be held, and would be for as long as this waits; also on a connection that is in use just now.
        loop {
            for connection in self.client.pool.connections() {
                connection.release_all();
            }
            if let Ok(permit) = timeout(RELEASE_EVERY, &mut reserving).await {
                return permit;
            }
        }
    }

    async fn reserve_for(&self, messages: &[Outgoing]) -> Option<Permit> {
        self.reserve(messages.len(), messages.iter().map(|message| message.payload.len()).sum()).await
    }

    /// Accepts a message as soon as there is room.
    pub(super) async fn queue(&self, message: Outgoing) -> Result<Receipt, SendError> {
        let permit = self.reserve_for(std::slice::from_ref(&message)).await;
        let part = self.part_of(&message)?;
        let Some(permit) = permit else { return Err(part.ended().unwrap_or(SendError::Closed)) };
        part.accept(message, permit)
    }

    /// The same of several, in their order in each part.
    pub(super) async fn queue_all(&self, messages: Vec<Outgoing>) -> Result<Receipt, SendError> {
        let permit = self.reserve_for(&messages).await;
        let Some(permit) = permit else {
            return Err(self.open.read()[0].shared.ended().unwrap_or(SendError::Closed));
        };
        let (together, receipt) = Together::new(messages.len(), permit);
        let mut runs: Vec<(Arc<Shared>, Vec<Outgoing>)> = Vec::new();
        for message in messages {
            let part = self.part_of(&message)?;
            match runs.iter_mut().find(|(of, _)| Arc::ptr_eq(of, &part)) {
                Some((_, run)) => run.push(message),
                None => runs.push((part, vec![message])),
            }
        }
        for (part, run) in runs {
            part.accept_among(run, &together)?;
        }
        Ok(receipt)
    }

    /// The same, here and on another topic.
    pub(super) async fn queue_all_with(
        &self,
        other: &Self,
        messages: Vec<Outgoing>,
    ) -> Result<[Receipt; 2], SendError> {
        let bytes = messages.iter().map(|message| message.payload.len()).sum();
        match self.packed_with(other, messages) {
            Ok(batches) => {
                let here = self.queue_packed(&batches, bytes).await?;
                Ok([here, other.queue_packed(&batches, bytes).await?])
            }
            Err(messages) => {
                let here = self.queue_all(messages.clone()).await?;
                Ok([here, other.queue_all(messages).await?])
            }
        }
    }

    /// Batches for both topics, if neither has partitions and both fill theirs alike.
    fn packed_with(&self, other: &Self, messages: Vec<Outgoing>) -> Result<Vec<Packed>, Vec<Outgoing>> {
        let filling = |parts: &Self| {
            if parts.is_partitioned { None } else { parts.open.read()[0].shared.filling() }
        };
        match filling(self) {
            Some(here) if filling(other).as_ref() == Some(&here) => here.batches(messages),
            _ => Err(messages),
        }
    }

    async fn queue_packed(&self, batches: &[Packed], bytes: usize) -> Result<Receipt, SendError> {
        let messages = batches.iter().map(|batch| batch.messages).sum();
        let permit = self.reserve(messages, bytes).await;
        let part = Arc::clone(&self.open.read()[0].shared);
        let Some(permit) = permit else { return Err(part.ended().unwrap_or(SendError::Closed)) };
        let (together, receipt) = Together::new(messages, permit);
        part.accept_packed(batches, &together)?;
        Ok(receipt)
    }

    pub(super) fn check(&self, message: &Outgoing) -> Result<(), SendError> {
        self.part_of(message)?.check(message)
    }

    /// What every part has.
    pub(super) fn each<T>(&self, read: impl Fn(&Shared) -> T) -> Vec<T> {
        self.open.read().iter().map(|part| read(&part.shared)).collect()
    }

    pub(super) fn shared(&self) -> Vec<Arc<Shared>> {
        self.open.read().iter().map(|part| Arc::clone(&part.shared)).collect()
    }

    pub(super) fn close_batch(&self) {
        for part in &*self.open.read() {
            part.shared.close_batch();
        }
    }

    pub(super) async fn flush(&self) {
        // First all of them, so that they do not wait for one another.
        self.close_batch();
        for part in self.shared() {
            part.flush().await;
        }
    }

    /// Opens the partitions that the topic gets, until the producer is closed.
    pub(super) async fn follow_growth(self: Arc<Self>) {
        let grow = async {
            let mut known = self.partitions().unwrap_or_default();
            loop {
                known = self.client.more_partitions(&self.topic, known).await;
                while let Err(error) = self.open_up_to(known).await {
                    tracing::warn!(topic = %self.topic, reason = %error, "new partitions cannot be produced to yet");
                    tokio::time::sleep(self.client.options.discovery_interval).await;
                }
                tracing::info!(topic = %self.topic, partitions = known, "produces to new partitions as well");
            }
        };
        tokio::select! {
            () = self.closing.cancelled() => {}
            () = grow => {}
        }
    }

    pub(super) async fn close(&self) {
        self.closing.cancel();
        self.room.close();
        let ending: Vec<_> = {
            let mut open = self.open.write();
            open.iter_mut().map(|part| (Arc::clone(&part.shared), part.driver.take())).collect()
        };
        for (part, driver) in ending {
            part.close().await;
            if let Some(driver) = driver {
                // It ends with the producer; if it panicked, that was reported.
                let _ = driver.await;
            }
        }
    }

    /// Without waiting.
    pub(super) fn abandon(&self) {
        self.closing.cancel();
        self.room.close();
        for part in &*self.open.read() {
            part.shared.abandon();
        }
    }
}

fn count_of(open: &[Part]) -> u32 {
    u32::try_from(open.len()).expect("partitions are numbered in 31 bits")
}
