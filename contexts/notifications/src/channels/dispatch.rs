//! Sends what is due: each target for itself, so that a slow or dead one holds up nobody else.
//!
//! A delivery is taken, sent, and then it is noted that it was. Who dies in between sends it again, with the same id: it
//! arrives once at least, and whoever receives it twice can know that.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use hexalpes_db::{DbError, ErrorKind, Tx};
use hexalpes_kernel::Timestamp;
use hexalpes_webhooks::{Secret, Trouble};
use hexalpes_worker::{Failure, Job, Outlook};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::task::{Id, JoinSet};
use tokio::time::{self, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::{Channels, EMAIL};
use crate::domain::{DeliveryId, Language, Recipient, Webhook, WebhookId, patience_after};
use crate::store::{self, Delivery, Due, Notice, State, Waiting};

/// Targets that are sent to at once.
const TARGETS_MAX: usize = 64;
/// Of these, targets that failed the last time.
const FAILING_MAX: usize = 16;
/// Targets that are looked for, so that those that are busy do not hide the others.
const LOOKED_FOR_MAX: u64 = 256;
/// What one target is sent before others may have its place.
const WEBHOOKS_MAX: u64 = 10;
const MAILS_MAX: u64 = 50;
/// For how long a delivery is one process's to send. After it, whoever took it has died.
const LEASE: Duration = Duration::from_mins(1);
/// As late as something that waited may be sent.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Between two counts of what has not arrived.
const COUNT_EVERY: Duration = Duration::from_secs(2);

#[derive(Debug, thiserror::Error)]
#[error("deliveries cannot be read or noted: {0}")]
pub(crate) struct SendError(#[from] DbError);

impl Failure for SendError {
    fn outlook(&self) -> Outlook {
        if self.0.kind() == ErrorKind::Corrupt { Outlook::Final } else { Outlook::Passing }
    }
}

pub(crate) struct Work {
    pub(crate) channels: Channels,
}

/// What is being sent, and where it failed.
#[derive(Default)]
struct Sending {
    /// Each says whether the last try arrived.
    tasks: JoinSet<Result<bool, DbError>>,
    targets: HashMap<Id, String>,
    failing: HashSet<String>,
}

impl Job for Work {
    type Session = ();
    type Error = SendError;

    async fn open(&mut self) -> Result<(), SendError> {
        Ok(())
    }

    async fn run(&mut self, (): (), stop: &CancellationToken) -> Result<(), SendError> {
        let mut sending = Sending::default();
        let mut news = self.channels.feed.listen();
        let mut counts = time::interval(COUNT_EVERY);
        counts.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.start_due(&mut sending, stop).await?;
            tokio::select! {
                () = stop.cancelled() => break,
                Some(ended) = sending.tasks.join_next_with_id() => sending.note(ended)?,
                _ = news.changed() => {}
                _ = counts.tick() => self.count_waiting().await?,
                () = time::sleep(LOOK_EVERY) => {}
            }
        }
        // What is under way ends soon, for every endpoint has its time, and nothing else is taken.
        while let Some(ended) = sending.tasks.join_next_with_id().await {
            sending.note(ended)?;
        }
        Ok(())
    }
}

impl Sending {
    fn note(
        &mut self,
        ended: Result<(Id, Result<bool, DbError>), tokio::task::JoinError>,
    ) -> Result<(), DbError> {
        let (id, outcome) = match ended {
            Ok((id, outcome)) => (id, outcome),
            Err(panic) => {
                tracing::error!(%panic, "a delivery ended in a panic");
                (panic.id(), Ok(false))
            }
        };
        let Some(target) = self.targets.remove(&id) else { return outcome.map(drop) };
        if outcome? {
            self.failing.remove(&target);
        } else {
            self.failing.insert(target);
        }
        Ok(())
    }

    fn has_room_for(&self, target: &str) -> bool {
        let is_busy = self.targets.values().any(|busy| busy == target);
        let failing = self.targets.values().filter(|busy| self.failing.contains(*busy)).count();
        !is_busy
            && self.targets.len() < TARGETS_MAX
            && (failing < FAILING_MAX || !self.failing.contains(target))
    }
}

impl Work {
    async fn count_waiting(&self) -> Result<(), DbError> {
        let now = self.channels.edge.now();
        let waiting = self.channels.db.read(async move |tx: &Tx| store::waiting(tx, now).await).await?;
        show(waiting);
        self.channels.count(|counted| counted.waiting = waiting);
        Ok(())
    }

    async fn start_due(&self, sending: &mut Sending, stop: &CancellationToken) -> Result<(), DbError> {
        let now = self.channels.edge.now();
        let read = async move |tx: &Tx| store::due_targets(tx, now, LOOKED_FOR_MAX).await;
        for target in self.channels.db.read(read).await? {
            if !sending.has_room_for(&target) {
                continue;
            }
            let (channels, to, stop) = (self.channels.clone(), target.clone(), stop.clone());
            let task = if target == EMAIL {
                if channels.mailer.is_none() {
                    continue;
                }
                sending.tasks.spawn(async move { mail(&channels, &stop).await })
            } else {
                sending.tasks.spawn(async move { call(&channels, &to, &stop).await })
            };
            sending.targets.insert(task.id(), target);
        }
        Ok(())
    }
}

fn show(waiting: Waiting) {
    let shown = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    metrics::gauge!("notification_deliveries_waiting").set(shown(waiting.deliveries));
    metrics::gauge!("notification_deliveries_waiting_seconds").set(shown(waiting.oldest_seconds));
    metrics::gauge!("notification_webhooks_disabled").set(shown(waiting.webhooks_disabled));
}

async fn due_of(channels: &Channels, target: &str, limit: u64) -> Result<Vec<Due>, DbError> {
    let (now, target) = (channels.edge.now(), target.to_owned());
    channels.db.read(async move |tx: &Tx| store::due_of(tx, &target, now, limit).await).await
}

/// A delivery, what it says, and where it goes unless that was deleted.
type Call = (Delivery, Notice, Option<Webhook>);

/// Takes a delivery to a webhook; `None` if it is no longer to be sent.
async fn taken(channels: &Channels, due: Due) -> Result<Option<Call>, DbError> {
    let lease = channels.edge.now().after(LEASE);
    let take = async move |tx: &Tx| -> Result<_, DbError> {
        if !store::begin(tx, &due, lease).await? {
            return Ok(None);
        }
        let Some(delivery) = store::delivery(tx, &due.id).await? else { return Ok(None) };
        let Some(notice) = store::notice(tx, &delivery.notification).await? else { return Ok(None) };
        let webhook = match WebhookId::parse(&delivery.target) {
            Ok(id) => store::load_webhook(tx, &id).await?,
            Err(_) => None,
        };
        Ok(Some((delivery, notice, webhook)))
    };
    channels.db.write(take).await
}

/// Calls a webhook with what is due for it, until it fails or all stop.
async fn call(channels: &Channels, target: &str, stop: &CancellationToken) -> Result<bool, DbError> {
    for due in due_of(channels, target, WEBHOOKS_MAX).await? {
        if stop.is_cancelled() {
            break;
        }
        let Some((delivery, notice, webhook)) = taken(channels, due).await? else { continue };
        let Some(webhook) = webhook else {
            let trouble = "the webhook was deleted";
            channels.db.write(async move |tx: &Tx| store::fail(tx, &[&delivery.id], trouble).await).await?;
            continue;
        };
        let sent = send(channels, &webhook, &delivery, &notice).await;
        let is_sent = sent.is_ok();
        note(channels, webhook.id, delivery, sent).await?;
        if !is_sent {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn send(
    channels: &Channels,
    webhook: &Webhook,
    delivery: &Delivery,
    notice: &Notice,
) -> Result<(), Trouble> {
    let secret = channels.vault.unseal(webhook.id.as_str(), &webhook.secret_sealed).ok();
    let secret = secret.and_then(|secret| Secret::parse(&secret).ok());
    let Some(secret) = secret else {
        return Err(Trouble::Other("its secret was sealed with another key: give it a new one".to_owned()));
    };
    let (now, body) = (channels.edge.now(), message(notice));
    channels.sender.send(&webhook.url, &secret, delivery.id.as_str(), body, now).await
}

/// A notification as a webhook gets it. Nothing in it changes when it is sent again.
#[derive(Serialize)]
struct WebhookMessage<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    timestamp: Timestamp,
    data: WebhookData<'a>,
}

#[derive(Serialize)]
struct WebhookData<'a> {
    notification_id: &'a str,
    recipient_id: &'a str,
    event_id: &'a str,
    correlation_id: Option<&'a str>,
    causation_id: Option<&'a str>,
    subject: Option<&'a str>,
    occurred_at: Option<Timestamp>,
    urgency: &'static str,
    language: &'a str,
    title: &'a str,
    body: &'a str,
    /// The event's `data`.
    event: &'a RawValue,
}

fn message(notice: &Notice) -> String {
    let told = &notice.told;
    let event: &RawValue = serde_json::from_str(&told.data).unwrap_or(RawValue::NULL);
    let message = WebhookMessage {
        kind: &told.kind,
        timestamp: told.created_at,
        data: WebhookData {
            notification_id: told.id.as_str(),
            recipient_id: told.recipient.as_str(),
            event_id: &told.event_id,
            correlation_id: told.correlation.as_deref(),
            causation_id: told.causation.as_deref(),
            subject: told.subject.as_deref(),
            occurred_at: told.occurred_at,
            urgency: if told.is_urgent { "URGENT" } else { "NORMAL" },
            language: told.language,
            title: &told.title,
            body: &told.body,
            event,
        },
    };
    serde_json::to_string(&message).expect("names, texts and an event are always JSON")
}

/// Notes what became of a delivery, and what that says of the webhook.
async fn note(
    channels: &Channels,
    webhook: WebhookId,
    delivery: Delivery,
    sent: Result<(), Trouble>,
) -> Result<(), DbError> {
    let now = channels.edge.now();
    let (is_sent, is_gone) = (sent.is_ok(), sent == Err(Trouble::Gone));
    let trouble = sent.err().map(|trouble| trouble.to_string());
    let noted = async move |tx: &Tx| -> Result<bool, DbError> {
        let webhook = store::load_webhook(tx, &webhook).await?;
        let Some(trouble) = &trouble else {
            store::sent(tx, &[&delivery.id], now).await?;
            if let Some(mut webhook) = webhook
                && webhook.succeeded()
            {
                store::save_webhook(tx, &webhook).await?;
            }
            return Ok(false);
        };
        missed(tx, std::slice::from_ref(&delivery), trouble, now).await?;
        let Some(mut webhook) = webhook else { return Ok(false) };
        let is_disabled = webhook.failed(trouble, is_gone, now);
        store::save_webhook(tx, &webhook).await?;
        if is_disabled {
            store::hold(tx, webhook.id.as_str()).await?;
        }
        Ok(is_disabled)
    };
    let is_disabled = channels.db.write(noted).await?;
    count(channels, "webhook", is_sent);
    channels.count(|counted| counted.disabled += u64::from(is_disabled));
    Ok(())
}

/// They are tried again later, or have failed.
async fn missed(tx: &Tx, deliveries: &[Delivery], trouble: &str, now: Timestamp) -> Result<(), DbError> {
    // Those of a mail have most often been tried together.
    let mut by_attempts: BTreeMap<u32, Vec<&DeliveryId>> = BTreeMap::new();
    for delivery in deliveries {
        by_attempts.entry(delivery.attempts).or_default().push(&delivery.id);
    }
    for (attempts, ids) in by_attempts {
        match patience_after(attempts) {
            Some(wait) => store::retry_at(tx, &ids, trouble, now.after(wait)).await?,
            None => store::fail(tx, &ids, trouble).await?,
        }
    }
    Ok(())
}

fn count(channels: &Channels, channel: &'static str, is_sent: bool) {
    let outcome = if is_sent { "sent" } else { "failed" };
    metrics::counter!("notification_deliveries_total", "channel" => channel, "outcome" => outcome)
        .increment(1);
    channels.count(|counted| {
        let (sent, failed) = (u64::from(is_sent), u64::from(!is_sent));
        counted.sent += sent;
        counted.failed += failed;
        if channel == EMAIL {
            counted.mails_sent += sent;
            counted.mails_failed += failed;
        }
    });
}

/// A mail to somebody: one notification, or several gathered.
struct Mail {
    /// Stands in `Message-ID`.
    id: String,
    to: Option<Recipient>,
    /// Those that wait for it; what else it says has arrived or failed before.
    deliveries: Vec<Delivery>,
    notices: Vec<Notice>,
}

/// Mails what is due, until the server fails or all stop.
async fn mail(channels: &Channels, stop: &CancellationToken) -> Result<bool, DbError> {
    let mut has_failed = false;
    for due in due_of(channels, EMAIL, MAILS_MAX).await? {
        if stop.is_cancelled() {
            break;
        }
        let Some(mail) = taken_mail(channels, due).await? else { continue };
        let (subject, body) = written(&mail);
        let address = mail.to.as_ref().and_then(|to| to.email.clone());
        let sent = match (&channels.mailer, address) {
            (Some(mailer), Some(to)) => {
                let sent = mailer.send(&to, &mail.id, &subject, body, channels.edge.now()).await;
                sent.map_err(|trouble| (trouble.why, trouble.is_final))
            }
            _ => Err(("there is no address any more".to_owned(), true)),
        };
        has_failed |= sent.is_err();
        // One mail that can never be sent says nothing of the next.
        let may_go_on = sent.as_ref().err().is_none_or(|(_, is_final)| *is_final);
        note_mail(channels, mail.deliveries, sent).await?;
        if !may_go_on {
            break;
        }
    }
    Ok(!has_failed)
}

async fn taken_mail(channels: &Channels, due: Due) -> Result<Option<Mail>, DbError> {
    let (now, fresh) = (channels.edge.now(), format!("dig_{}", channels.edge.uuid().simple()));
    let take = async move |tx: &Tx| -> Result<Option<Mail>, DbError> {
        let lease = now.after(LEASE);
        let Some(first) = store::delivery(tx, &due.id).await? else { return Ok(None) };
        let to = store::load_recipient(tx, &first.recipient).await?;
        let (id, deliveries) = if first.is_gathered {
            let id = match &first.message {
                None => {
                    store::gather(tx, &first.recipient, &fresh, now, lease).await?;
                    fresh.clone()
                }
                Some(id) if store::take_message(tx, id, now, lease).await? => id.clone(),
                Some(_) => return Ok(None),
            };
            let deliveries = store::of_message(tx, &id).await?;
            (id, deliveries)
        } else if store::begin(tx, &due, lease).await? {
            let delivery = store::delivery(tx, &due.id).await?;
            (due.id.to_string(), delivery.into_iter().collect())
        } else {
            return Ok(None);
        };
        let told: Vec<_> = deliveries.iter().map(|delivery| &delivery.notification).collect();
        let notices = store::notices(tx, &told).await?;
        // A mail that is replayed says the same again, and changes nothing of those that arrived with it before.
        let deliveries = deliveries.into_iter().filter(|one| one.state == State::Pending).collect();
        Ok((!notices.is_empty()).then_some(Mail { id, to, deliveries, notices }))
    };
    channels.db.write(take).await
}

/// Subject and text.
fn written(mail: &Mail) -> (String, String) {
    if let [one] = mail.notices.as_slice() {
        return (one.told.title.clone(), format!("{}\n", one.told.body));
    }
    let count = mail.notices.len();
    let subject = match mail.to.as_ref().map(|to| to.language) {
        Some(Language::English) => format!("{count} notifications"),
        _ => format!("{count} notificaciones"),
    };
    let texts = mail.notices.iter().map(|notice| format!("{}\n{}\n", notice.told.title, notice.told.body));
    (subject, texts.collect::<Vec<_>>().join("\n"))
}

async fn note_mail(
    channels: &Channels,
    deliveries: Vec<Delivery>,
    sent: Result<(), (String, bool)>,
) -> Result<(), DbError> {
    let (now, is_sent) = (channels.edge.now(), sent.is_ok());
    let note = async move |tx: &Tx| -> Result<(), DbError> {
        let ids: Vec<_> = deliveries.iter().map(|delivery| &delivery.id).collect();
        match &sent {
            Ok(()) => store::sent(tx, &ids, now).await,
            Err((why, true)) => store::fail(tx, &ids, why).await,
            Err((why, false)) => missed(tx, &deliveries, why, now).await,
        }
    };
    channels.db.write(note).await?;
    count(channels, "email", is_sent);
    Ok(())
}
