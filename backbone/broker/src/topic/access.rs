//! Who may produce beside whom: producers may want a topic for themselves.
//!
//! Each time that one gets it, the topic's epoch grows, and who comes back with an older one is refused: another had
//! the topic in between. So the epoch is on the disk before the producer hears of it. The caller sees to it that
//! nobody else changes it meanwhile.

use std::sync::Arc;

use hexalpes_wire::proto::{Command, ProducerAccessMode, ServerError};

use super::{
    State, Topic,
    producing::{Opening, ProducerError, Seat},
};
use crate::{connection::outbox::Outbox, metadata::MetadataError};

/// A producer that waits until it is the only one.
pub(crate) struct Waiting {
    name: String,
    seat: Seat,
    /// Of the command that is answered when it is.
    request_id: u64,
    topic_epoch: Option<u64>,
}

/// What comes of an attempt to let a producer in.
enum Admission {
    /// It knows: it is in, or waits.
    Done,
    /// The epoch is to be written down, and then another attempt made.
    Write(u64),
}

impl Waiting {
    pub(super) fn is_on(&self, outbox: &Arc<Outbox>) -> bool {
        Arc::ptr_eq(&self.seat.outbox, outbox)
    }

    pub(super) fn outbox(&self) -> &Arc<Outbox> {
        &self.seat.outbox
    }

    pub(super) fn is_of(&self, outbox: &Arc<Outbox>, producer_id: u64) -> bool {
        self.seat.is_of(outbox, producer_id)
    }

    pub(super) fn encrypts(&self) -> bool {
        self.seat.encrypts()
    }

    pub(super) fn refuse(&self, why: &ProducerError) {
        self.seat.outbox.push(&Command::error(self.request_id, why.kind(), why.to_string()));
    }
}

impl ProducerError {
    pub(crate) const fn kind(&self) -> ServerError {
        match self {
            // Those try again.
            Self::NameTaken { .. } | Self::Busy | Self::TooMany(_) => ServerError::ProducerBusy,
            Self::OverQuota { holds: true } => ServerError::ProducerBlockedQuotaExceededError,
            Self::OverQuota { holds: false } => ServerError::ProducerBlockedQuotaExceededException,
            Self::Fenced | Self::NotAlone | Self::EpochMoved { .. } | Self::PutOut => {
                ServerError::ProducerFenced
            }
            Self::Metadata(_) | Self::Unencrypted => ServerError::MetadataError,
            Self::Deleted => ServerError::TopicNotFound,
            Self::NoRight => ServerError::AuthorizationError,
            Self::Terminated => ServerError::TopicTerminatedError,
        }
    }
}

impl Topic {
    pub(crate) fn restore_epoch(&self, epoch: Option<u64>) {
        self.state.lock().epoch = epoch;
    }

    /// Opens a producer and tells it, with the highest sequence id that is durable under its name; or that it
    /// has to wait.
    pub(crate) fn open_producer(
        &self,
        opening: &Opening<'_>,
        write: impl Fn(u64) -> Result<(), MetadataError>,
    ) -> Result<(), ProducerError> {
        let mut written = None;
        loop {
            // Nobody waits for the disk under the lock. The rules are looked at under it: who sets them sends away
            // those that are in.
            let admission = {
                let mut state = self.state.lock();
                let rules = self.rules();
                if rules.encrypts && !opening.encrypts {
                    return Err(ProducerError::Unencrypted);
                }
                state.admit(opening, written, rules.producers_max)?
            };
            match admission {
                Admission::Done => return Ok(()),
                Admission::Write(epoch) => write(epoch)?,
            }
            if let Admission::Write(epoch) = admission {
                written = Some(epoch);
            }
        }
    }

    /// Whether somebody waits for a topic that nobody has.
    pub(crate) fn has_to_promote(&self) -> bool {
        self.state.lock().may_promote()
    }

    /// Lets in who has waited longest, if nobody is there any more.
    pub(crate) fn promote(&self, write: impl Fn(u64) -> Result<(), MetadataError>) {
        let mut written = None;
        loop {
            let mut state = self.state.lock();
            if !state.may_promote() {
                return;
            }
            let Some(given) = state.waiting.front().map(|waiting| waiting.topic_epoch) else { return };
            match state.next_epoch(given) {
                Ok(epoch) if state.epoch == Some(epoch) || written == Some(epoch) => {
                    state.epoch = Some(epoch);
                    let Some(next) = state.waiting.pop_front() else { return };
                    return state.let_in(next.name, next.seat, next.request_id);
                }
                Ok(epoch) => {
                    drop(state);
                    match write(epoch) {
                        Ok(()) => written = Some(epoch),
                        Err(error) => self.state.lock().refuse_next(&error.into()),
                    }
                }
                Err(error) => state.refuse_next(&error),
            }
        }
    }
}

impl State {
    fn may_promote(&self) -> bool {
        self.producers.is_empty() && !self.waiting.is_empty()
    }

    fn refuse_next(&mut self, why: &ProducerError) {
        if let Some(next) = self.waiting.pop_front() {
            next.refuse(why);
        }
    }

    fn admit(
        &mut self,
        opening: &Opening<'_>,
        written: Option<u64>,
        producers_max: Option<usize>,
    ) -> Result<Admission, ProducerError> {
        if self.disbanded {
            return Err(ProducerError::Deleted);
        }
        if self.terminated {
            return Err(ProducerError::Terminated);
        }
        let access = opening.access;
        let before = self.predecessor(opening)?;
        let had_it = before.is_some_and(Seat::is_alone);
        let mut others = self.producers.iter().filter(|(name, _)| before.is_none() || *name != opening.name);
        let is_empty = others.clone().next().is_none();
        if let Some(max) = producers_max.filter(|max| others.clone().count() >= *max) {
            return Err(ProducerError::TooMany(max));
        }
        let is_taken = !had_it && (!self.waiting.is_empty() || others.any(|(_, seat)| seat.is_alone()));
        match access {
            ProducerAccessMode::Shared if is_taken => return Err(ProducerError::Busy),
            ProducerAccessMode::Shared => {
                self.let_go_of_predecessor(opening);
                self.let_in(opening.name.to_owned(), Seat::of(opening), opening.request_id);
                return Ok(Admission::Done);
            }
            ProducerAccessMode::Exclusive if is_taken => return Err(ProducerError::Fenced),
            ProducerAccessMode::Exclusive if !is_empty => return Err(ProducerError::NotAlone),
            _ => {}
        }
        let epoch = self.next_epoch(opening.topic_epoch)?;
        if access == ProducerAccessMode::WaitForExclusive && (is_taken || !is_empty) {
            self.wait(opening);
            return Ok(Admission::Done);
        }
        if self.epoch != Some(epoch) && written != Some(epoch) {
            return Ok(Admission::Write(epoch));
        }
        self.let_go_of_predecessor(opening);
        if access == ProducerAccessMode::ExclusiveWithFencing {
            self.put_out();
        }
        self.epoch = Some(epoch);
        self.let_in(opening.name.to_owned(), Seat::of(opening), opening.request_id);
        Ok(Admission::Done)
    }

    /// The producer that this one comes back as, which is still there.
    fn predecessor(&self, opening: &Opening<'_>) -> Result<Option<&Seat>, ProducerError> {
        let Opening { outbox, name, producer_id, epoch, access, named_by_user, .. } = *opening;
        let Some(seat) = self.producers.get(name) else { return Ok(None) };
        let both_generated = !seat.named_by_user && !named_by_user;
        if (seat.is_of(outbox, producer_id) || both_generated) && epoch >= seat.epoch {
            return Ok(Some(seat));
        }
        match access {
            // Those come after who has the name.
            ProducerAccessMode::WaitForExclusive | ProducerAccessMode::ExclusiveWithFencing => Ok(None),
            _ => Err(ProducerError::NameTaken { name: name.to_owned() }),
        }
    }

    fn let_go_of_predecessor(&mut self, opening: &Opening<'_>) {
        if !matches!(self.predecessor(opening), Ok(Some(_))) {
            return;
        }
        if let Some(seat) = self.producers.remove(opening.name)
            && !seat.is_of(opening.outbox, opening.producer_id)
        {
            seat.outbox.push(&Command::close_producer(seat.producer_id));
        }
    }

    /// The topic's epoch with a producer that had it alone at that epoch before, if it did.
    fn next_epoch(&self, given: Option<u64>) -> Result<u64, ProducerError> {
        match (given, self.epoch) {
            (Some(given), Some(current)) if given < current => {
                Err(ProducerError::EpochMoved { current, given })
            }
            (Some(given), _) => Ok(given),
            (None, current) => Ok(current.map_or(0, |current| current.saturating_add(1))),
        }
    }

    fn wait(&mut self, opening: &Opening<'_>) {
        let Opening { outbox, name, request_id, topic_epoch, .. } = *opening;
        outbox.push(&Command::producer_waits(request_id, name));
        let seat = Seat::of(opening);
        self.waiting.retain(|waiting| !waiting.is_of(outbox, seat.producer_id));
        self.waiting.push_back(Waiting { name: name.to_owned(), seat, request_id, topic_epoch });
    }

    /// Sends everybody away, and those who wait.
    fn put_out(&mut self) {
        for waiting in std::mem::take(&mut self.waiting) {
            waiting.refuse(&ProducerError::PutOut);
        }
        for (_, seat) in self.producers.drain() {
            seat.outbox.push(&Command::close_producer(seat.producer_id));
        }
    }

    fn let_in(&mut self, name: String, seat: Seat, request_id: u64) {
        let last = self.dedup.last(&name);
        let answer = Command::producer_success_with(request_id, name.as_str(), last, seat.schema)
            .with_topic_epoch(self.epoch);
        seat.outbox.push(&answer);
        self.idle_looks = 0;
        self.unused_since_ms = None;
        self.producers.insert(name, seat);
    }
}
