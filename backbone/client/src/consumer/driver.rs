//! Keeps a consumer subscribed, and asks again for what was nacked.

use std::sync::Arc;

use hexalpes_wire::proto::{
    Command, CommandAck, CommandCloseConsumer, CommandSubscribe, InitialPosition, KeyValue,
};

use super::inbox::End;
use super::mark::Mark;
use super::shared::{Shared, Start};
use super::{ConsumerOptions, SubscriptionKind};
use crate::clock;
use crate::error::{OpenError, RequestError};
use crate::link::Opening;
use crate::lookup;
use crate::pace::Pace;
use crate::schema::Schema;

fn farewell(consumer_id: u64, request_id: u64) -> Command {
    Command::CloseConsumer(CommandCloseConsumer {
        consumer_id,
        request_id,
        ..CommandCloseConsumer::default()
    })
}

/// Runs as long as the consumer does.
pub(super) async fn drive(shared: Arc<Shared>) {
    let work = async {
        let mut pace = Pace::new(shared.client.options.backoff);
        loop {
            let (lost, achieved) = {
                let inbox = shared.inbox.lock();
                (inbox.link.is_none() && !inbox.seeking, inbox.achieved)
            };
            if lost {
                let back = pace.come_back("consumer", &shared.topic, achieved, || attach(&shared)).await;
                if let Err(error) = back {
                    return shared.end(End::Ended { reason: error.to_string() });
                }
                continue;
            }
            let due = shared.nacks.lock().next_due();
            tokio::select! {
                () = shared.changed.notified() => {}
                () = clock::sleep_until(due) => shared.ask_again(),
            }
        }
    };
    tokio::select! {
        () = shared.closing.cancelled() => {}
        () = work => {}
    }
}

/// Subscribes at the topic's broker, says what was acked meanwhile, and lets messages come.
pub(super) async fn attach(shared: &Arc<Shared>) -> Result<(), OpenError> {
    let connection = lookup::broker_of(&shared.client.pool, &shared.topic).await?;
    let route = Arc::<Shared>::clone(shared);
    let opening = Opening::begin(connection, route, farewell)?;
    let epoch = shared.inbox.lock().epoch;
    let id = opening.link().id;
    let subscribe = |request_id| Command::Subscribe(Box::new(subscription(shared, id, epoch, request_id)));
    match opening.link().connection.request(subscribe).await? {
        Command::Success(_) => {}
        other => return Err(lookup::unexpected("SUBSCRIBE", &other).into()),
    }
    let mut inbox = shared.inbox.lock();
    let lost = opening.link().connection.is_lost() || inbox.lost_early == Some(id);
    if inbox.end.is_some() || lost {
        return Err(RequestError::Lost.into());
    }
    let link = opening.finish();
    inbox.attached(link.clone());
    if let Start::Reading(_) = shared.start {
        inbox.not_before = shared.mark.lock().first();
    }
    for ack in shared.acks.lock().take_kept() {
        // Lost again, its message comes again.
        let _ = link.connection.tell_at_once(&Command::Ack(CommandAck { consumer_id: id, ..ack }));
    }
    // Everything that is not acked comes again by itself.
    shared.nacks.lock().clear();
    inbox.give_all();
    drop(inbox);
    shared.linked.notify_waiters();
    Ok(())
}

fn subscription(shared: &Shared, consumer_id: u64, epoch: u64, request_id: u64) -> CommandSubscribe {
    let ConsumerOptions {
        subscription,
        kind,
        keys,
        name,
        properties,
        schema,
        priority,
        compacted,
        create_topic,
        ..
    } = &*shared.options;
    let (durable, initial_position, mark) = match shared.start {
        Start::Subscription(position) => (true, position, None),
        Start::Reading(_) => (false, InitialPosition::Latest, Some(*shared.mark.lock())),
    };
    CommandSubscribe {
        topic: shared.topic.to_string(),
        subscription: subscription.clone(),
        sub_type: kind.on_the_wire().into(),
        consumer_id,
        request_id,
        consumer_name: name.clone(),
        durable: Some(durable),
        start_message_id: mark.map(Mark::start),
        start_message_rollback_duration_sec: mark.and_then(Mark::seconds_back),
        read_compacted: compacted.then_some(true),
        priority_level: *priority,
        schema: schema.as_ref().map(Schema::on_the_wire),
        metadata: properties.iter().map(|(key, value)| KeyValue::new(key, value)).collect(),
        initial_position: Some(initial_position.into()),
        force_topic_creation: Some(*create_topic),
        key_shared_meta: (*kind == SubscriptionKind::KeyShared).then(|| keys.on_the_wire()),
        consumer_epoch: Some(epoch),
        ..CommandSubscribe::default()
    }
}
