//! What can be asked of this context. Each takes a transaction, and neither opens nor ends it.

use hexalpes_db::{DbError, Tx};
use hexalpes_http::{IfMatch, NotNewest};
use hexalpes_kernel::{Cause, Edge, Timestamp};

use crate::channels::mail_what_waited;
use crate::domain::{
    Changes, DeliveryId, Known, Language, Recipient, RecipientId, Template, TemplateError, Webhook, WebhookId,
};
use crate::store::{self, Delivery, Preference, State, Version};

/// Recipients have so many webhooks at most.
const WEBHOOKS_MAX: usize = 20;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotDone {
    #[error("there is no recipient {0}")]
    NoRecipient(String),
    #[error("there is a recipient {0} already")]
    RecipientExists(RecipientId),
    #[error("there is no webhook {0}")]
    NoWebhook(String),
    #[error("a recipient has {WEBHOOKS_MAX} webhooks at most")]
    TooManyWebhooks,
    #[error("there is no delivery {0}")]
    NoDelivery(String),
    #[error("it is {}, so it is on its way anyway", .0.name())]
    OnItsWay(State),
    #[error("{field}: {error}")]
    Template { field: &'static str, error: TemplateError },
    #[error(transparent)]
    NotNewest(#[from] NotNewest),
    #[error(transparent)]
    Database(#[from] DbError),
}

pub(crate) async fn create_recipient(tx: &Tx, recipient: &Recipient) -> Result<(), NotDone> {
    if store::insert_recipient(tx, recipient).await? {
        return Ok(());
    }
    Err(NotDone::RecipientExists(recipient.id.clone()))
}

pub(crate) async fn recipient(tx: &Tx, id: &RecipientId) -> Result<Recipient, NotDone> {
    store::load_recipient(tx, id).await?.ok_or_else(|| NotDone::NoRecipient(id.to_string()))
}

/// Changes a recipient; what waited for an address is mailed now.
pub(crate) async fn change_recipient(
    tx: &Tx,
    edge: &dyn Edge,
    id: &RecipientId,
    changes: Changes,
    seen: &IfMatch,
    cause: &Cause,
) -> Result<Recipient, NotDone> {
    let mut changed = recipient(tx, id).await?;
    seen.check(changed.revision)?;
    if changed.change(changes, cause.at) {
        store::save_recipient(tx, &changed).await?;
        mail_what_waited(tx, edge, &changed).await?;
    }
    Ok(changed)
}

pub(crate) async fn set_preferences(
    tx: &Tx,
    id: &RecipientId,
    preferences: &[Preference],
) -> Result<Vec<Preference>, NotDone> {
    recipient(tx, id).await?;
    store::replace_preferences(tx, id, preferences).await?;
    Ok(store::preferences_of(tx, id).await?)
}

pub(crate) async fn add_webhook(tx: &Tx, webhook: &Webhook) -> Result<(), NotDone> {
    recipient(tx, &webhook.recipient).await?;
    if store::webhooks_of(tx, &webhook.recipient).await?.len() >= WEBHOOKS_MAX {
        return Err(NotDone::TooManyWebhooks);
    }
    Ok(store::insert_webhook(tx, webhook).await?)
}

pub(crate) async fn webhook(tx: &Tx, id: &WebhookId) -> Result<Webhook, NotDone> {
    store::load_webhook(tx, id).await?.ok_or_else(|| NotDone::NoWebhook(id.to_string()))
}

/// Lets a webhook be called again; what was held for it goes out.
pub(crate) async fn enable_webhook(tx: &Tx, id: &WebhookId, cause: &Cause) -> Result<Webhook, NotDone> {
    let mut webhook = webhook(tx, id).await?;
    if webhook.enable(cause.at) {
        store::save_webhook(tx, &webhook).await?;
        store::release(tx, id.as_str(), cause.at).await?;
    }
    Ok(webhook)
}

/// What comes meanwhile is held for it.
pub(crate) async fn disable_webhook(
    tx: &Tx,
    id: &WebhookId,
    reason: String,
    cause: &Cause,
) -> Result<Webhook, NotDone> {
    let mut webhook = webhook(tx, id).await?;
    if webhook.disable(reason, cause.at) {
        store::save_webhook(tx, &webhook).await?;
        store::hold(tx, id.as_str()).await?;
    }
    Ok(webhook)
}

/// Takes a webhook away; what was to go there does not.
pub(crate) async fn delete_webhook(tx: &Tx, id: &WebhookId) -> Result<(), NotDone> {
    webhook(tx, id).await?;
    store::delete_webhook(tx, id).await?;
    Ok(store::abandon(tx, id.as_str()).await?)
}

/// Sends everything of a period once more; says how much that is.
pub(crate) async fn replay_period(
    tx: &Tx,
    id: &WebhookId,
    period: (Timestamp, Timestamp),
    cause: &Cause,
) -> Result<u64, NotDone> {
    let state = state_of(&webhook(tx, id).await?);
    Ok(store::replay_period(tx, id.as_str(), period, state, cause.at).await?)
}

/// Sends what arrived or failed once more, under the same id.
pub(crate) async fn replay(tx: &Tx, id: &DeliveryId, cause: &Cause) -> Result<Delivery, NotDone> {
    let not_found = || NotDone::NoDelivery(id.to_string());
    let delivery = store::delivery(tx, id).await?.ok_or_else(not_found)?;
    let state = match WebhookId::parse(&delivery.target) {
        Ok(target) if delivery.channel == crate::domain::Channel::Webhook => {
            state_of(&webhook(tx, &target).await?)
        }
        _ => State::Pending,
    };
    if !store::replay(tx, id, state, cause.at).await? {
        return Err(NotDone::OnItsWay(delivery.state));
    }
    store::delivery(tx, id).await?.ok_or_else(not_found)
}

fn state_of(webhook: &Webhook) -> State {
    if webhook.is_active() { State::Pending } else { State::Held }
}

/// Adds a version of the words for a type of events. Empty ones lead back to the built-in words.
pub(crate) async fn write_template(
    tx: &Tx,
    known: &'static Known,
    language: Language,
    (title, body): (String, String),
    cause: &Cause,
) -> Result<Version, NotDone> {
    for (field, text) in [("title", &title), ("body", &body)] {
        Template::parse(text, known.places()).map_err(|error| NotDone::Template { field, error })?;
    }
    let before = store::newest(tx, known.bare(), language).await?;
    let version = Version {
        kind: known.bare().to_owned(),
        language,
        number: before.map_or(1, |before| before.number + 1),
        title,
        body,
        written_by: cause.actor.to_string(),
        created_at: cause.at,
    };
    if !store::add_version(tx, &version).await? {
        return Err(DbError::Conflict("somebody wrote a version a moment ago".to_owned()).into());
    }
    Ok(version)
}
