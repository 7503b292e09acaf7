//! Keeps a producer open: attaches it to the broker of its topic, again whenever it was lost.

use std::sync::Arc;

use bytes::Bytes;
use hexalpes_wire::frame::Frame;
use hexalpes_wire::proto::{
    Command, CommandCloseProducer, CommandProducer, CommandSendError, CommandSendReceipt, KeyValue,
    ServerError,
};
use hexalpes_wire::{MessageId, TopicName};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::body::{Filling, Packed};
use super::pending::Permit;
use super::state::State;
use super::waiter::{Together, Waiter};
use super::{Access, Outgoing, ProducerOptions, Receipt};
use crate::connection::Route;
use crate::error::{OpenError, Refusal, RequestError, SendError};
use crate::link::Opening;
use crate::lookup;
use crate::pace::Pace;
use crate::schema::Schema;
use crate::{client, clock};

/// What the producer on one topic or partition, its driver and its connection share.
#[derive(Debug)]
pub(super) struct Shared {
    client: Arc<client::Inner>,
    topic: TopicName,
    /// False if the broker makes the name up.
    given_name: bool,
    access: Access,
    state: Mutex<State>,
    /// Wakes the driver: the link is gone, or a batch was opened.
    changed: Notify,
    /// Wakes those who flush.
    resolved: Notify,
    closing: CancellationToken,
}

impl Shared {
    /// With a name that the broker made up, the producers on other partitions go by it as well.
    pub(super) fn new(
        client: Arc<client::Inner>,
        topic: TopicName,
        options: &ProducerOptions,
        made_up_name: Option<String>,
    ) -> Self {
        let given_name = options.name.is_some();
        let options = ProducerOptions { name: options.name.clone().or(made_up_name), ..options.clone() };
        Self {
            client,
            topic,
            given_name,
            access: options.access,
            state: Mutex::new(State::new(options)),
            changed: Notify::new(),
            resolved: Notify::new(),
            closing: CancellationToken::new(),
        }
    }

    pub(super) fn accept(&self, message: Outgoing, permit: Permit) -> Result<Receipt, SendError> {
        let (waiter, receipt) = Waiter::one(permit);
        self.accept_for([(message, waiter)])?;
        Ok(receipt)
    }

    /// Those of several messages that go here, in their order. An error: it and those after it were not accepted.
    pub(super) fn accept_among(
        &self,
        messages: impl IntoIterator<Item = Outgoing>,
        together: &Arc<Together>,
    ) -> Result<(), SendError> {
        self.accept_for(messages.into_iter().map(|message| (message, Waiter::Among(Arc::clone(together)))))
    }

    fn accept_for(&self, messages: impl IntoIterator<Item = (Outgoing, Waiter)>) -> Result<(), SendError> {
        let (mut opened, now) = (false, Instant::now());
        let mut state = self.state.lock();
        let accepted = messages.into_iter().try_for_each(|(message, waiter)| {
            opened |= state.accept(message, waiter, now)?;
            Ok(())
        });
        drop(state);
        if opened {
            self.changed.notify_one();
        }
        accepted
    }

    pub(super) fn filling(&self) -> Option<Filling> {
        self.state.lock().filling()
    }

    /// Batches that were filled as [`filling`](Self::filling) says.
    pub(super) fn accept_packed(
        &self,
        batches: &[Packed],
        together: &Arc<Together>,
    ) -> Result<(), SendError> {
        let mut state = self.state.lock();
        batches.iter().try_for_each(|batch| {
            let waiters = (0..batch.messages).map(|_| Waiter::Among(Arc::clone(together))).collect();
            state.accept_packed(batch.clone(), waiters)
        })
    }

    pub(super) fn check(&self, message: &Outgoing) -> Result<(), SendError> {
        self.state.lock().check(message)
    }

    pub(super) fn close_batch(&self) {
        self.state.lock().close_batch();
    }

    pub(super) async fn flush(&self) {
        let until = {
            let mut state = self.state.lock();
            state.close_batch();
            state.accepted
        };
        loop {
            let resolved = self.resolved.notified();
            if self.state.lock().resolved >= until {
                return;
            }
            resolved.await;
        }
    }

    pub(super) fn ended(&self) -> Option<SendError> {
        self.state.lock().ended()
    }

    pub(super) fn topic_epoch(&self) -> Option<u64> {
        self.state.lock().topic_epoch
    }

    pub(super) fn schema_version(&self) -> Option<Bytes> {
        self.state.lock().schema_version.clone()
    }

    pub(super) fn last_sequence_id(&self) -> i64 {
        self.state.lock().last_sequence_id
    }

    pub(super) fn name(&self) -> String {
        self.state.lock().name.clone().unwrap_or_default()
    }

    /// Says farewell and waits until it was heard, unless the connection is lost anyway.
    pub(super) async fn close(&self) {
        self.end(SendError::Closed);
        let link = self.state.lock().link.take();
        if let Some(link) = link
            && let Err(error) = link.leave().await
        {
            tracing::debug!(topic = %self.topic, reason = %error, "closed a producer without an answer");
        }
    }

    /// Says farewell without waiting.
    pub(super) fn abandon(&self) {
        self.end(SendError::Closed);
        if let Some(link) = self.state.lock().link.take() {
            link.detach();
        }
    }

    /// What waits gives its room back, so that whoever waits for room hears of the end as well.
    fn end(&self, error: SendError) {
        self.state.lock().end(error);
        self.closing.cancel();
        self.resolved.notify_waiters();
    }

    fn request(&self, producer_id: u64, request_id: u64) -> CommandProducer {
        let state = self.state.lock();
        let property = |(key, value): &(String, String)| KeyValue::new(key, value);
        CommandProducer {
            topic: self.topic.to_string(),
            producer_id,
            request_id,
            producer_name: state.name.clone(),
            metadata: state.options.properties.iter().map(property).collect(),
            schema: state.options.schema.as_ref().map(Schema::on_the_wire),
            epoch: Some(state.epoch),
            user_provided_producer_name: Some(self.given_name),
            producer_access_mode: Some(self.access.on_the_wire().into()),
            topic_epoch: state.topic_epoch,
            ..CommandProducer::default()
        }
    }

    /// Gives the link up, so that the driver makes a new one.
    fn relink(&self, id: u64) {
        let link = self.state.lock().link.take_if(|link| link.id == id);
        if let Some(link) = link {
            link.detach();
            self.changed.notify_one();
        }
    }

    fn on_receipt(&self, receipt: &CommandSendReceipt) {
        let stored = receipt.message_id.as_ref().map_or(MessageId::EARLIEST, MessageId::from);
        let id = match MessageId::new(stored.ledger, stored.entry) {
            // What was stored before has no place.
            MessageId::EARLIEST => MessageId::EARLIEST,
            id => MessageId { partition: self.topic.partition(), ..id },
        };
        let broken = self.state.lock().received(receipt.sequence_id, id);
        self.resolved.notify_waiters();
        if broken {
            tracing::warn!(topic = %self.topic, sequence_id = receipt.sequence_id, "a receipt came out of order");
            self.relink(receipt.producer_id);
        }
    }

    fn on_error(&self, error: CommandSendError) {
        let refusal = Refusal::new(error.error, error.message);
        match refusal.error {
            // About this message alone. A damaged one is not sent again: those after it may be stored by
            // now, and deduplication would take it for stored, too.
            ServerError::ChecksumError | ServerError::NotAllowedError => {
                self.state.lock().refused(error.sequence_id, &refusal.into());
                self.resolved.notify_waiters();
            }
            ServerError::ProducerFenced => self.end(SendError::Fenced),
            _ if refusal.ends_what_was_open() => self.end(SendError::Refused(refusal)),
            _ => {
                tracing::warn!(topic = %self.topic, reason = %refusal, "broker did not store a message");
                self.relink(error.producer_id);
            }
        }
    }
}

impl Route for Shared {
    fn on_frame(&self, id: u64, frame: Frame) {
        match frame.command {
            Command::SendReceipt(receipt) => self.on_receipt(&receipt),
            Command::SendError(error) => self.on_error(error),
            Command::CloseProducer(_) => self.on_lost(id),
            other => tracing::debug!(kind = ?other.kind(), "ignored a command to a producer"),
        }
    }

    fn on_lost(&self, id: u64) {
        let mut state = self.state.lock();
        match state.link.take_if(|link| link.id == id) {
            Some(link) => {
                drop(state);
                link.connection.unroute(id);
                self.changed.notify_one();
            }
            None => state.lost_early = Some(id),
        }
    }
}

fn farewell(producer_id: u64, request_id: u64) -> Command {
    Command::CloseProducer(CommandCloseProducer {
        producer_id,
        request_id,
        ..CommandCloseProducer::default()
    })
}

/// Runs as long as the producer does.
pub(super) async fn drive(shared: Arc<Shared>) {
    let work = async {
        let mut pace = Pace::new(shared.client.options.backoff);
        loop {
            let (linked, achieved, deadline) = {
                let state = shared.state.lock();
                (state.link.is_some(), state.resolved, state.batch_deadline())
            };
            if !linked {
                let back = pace.come_back("producer", &shared.topic, achieved, || attach(&shared)).await;
                if let Err(error) = back {
                    return shared.end(match error {
                        OpenError::Request(RequestError::Refused(refusal))
                            if refusal.error == ServerError::ProducerFenced =>
                        {
                            SendError::Fenced
                        }
                        error => SendError::Ended { reason: error.to_string() },
                    });
                }
                continue;
            }
            tokio::select! {
                () = shared.changed.notified() => {}
                () = clock::sleep_until(deadline) => shared.state.lock().close_batch(),
            }
        }
    };
    tokio::select! {
        () = shared.closing.cancelled() => {}
        () = work => {}
    }
}

/// Opens the producer at its topic's broker and sends what is pending.
pub(super) async fn attach(shared: &Arc<Shared>) -> Result<(), OpenError> {
    let connection = lookup::broker_of(&shared.client.pool, &shared.topic).await?;
    let route = Arc::<Shared>::clone(shared);
    let opening = Opening::begin(connection, route, farewell)?;
    let request = |request_id| Command::Producer(Box::new(shared.request(opening.link().id, request_id)));
    let connection = &opening.link().connection;
    let answer = match shared.access {
        Access::WaitForExclusive => connection.request_patiently(request).await?,
        _ => connection.request(request).await?,
    };
    let Command::ProducerSuccess(success) = answer else {
        return Err(lookup::unexpected("PRODUCER", &answer).into());
    };
    let mut state = shared.state.lock();
    let lost = opening.link().connection.is_lost() || state.lost_early == Some(opening.link().id);
    if state.ended().is_some() || lost {
        return Err(RequestError::Lost.into());
    }
    if let Some(overtaken) = state.overtaken(success.last_sequence_id()) {
        return Err(overtaken);
    }
    state.opened(opening.finish(), success);
    Ok(())
}
