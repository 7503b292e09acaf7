//! Recipients, notifications and deliveries as rows. Unique keys hold what must not be there twice.

mod deliveries;
mod notices;
mod preferences;
mod prune;
mod recipients;
mod tables;
mod templates;
mod waiting;
mod webhooks;

pub(crate) use deliveries::{
    Delivery, DeliveryFilter, Due, State, abandon, begin, delivery, due_of, due_targets, fail, gather, hold,
    insert_delivery, of_message, page_of_deliveries, release, replay, replay_period, retry_at, sent,
    take_message,
};
pub(crate) use notices::{
    InboxFilter, NewNotice, Notice, awaiting_address, insert_notice, last_seq, mark_all_read, mark_read,
    note_heard, notice, notices, page_of_inbox, since, unread,
};
pub(crate) use preferences::{Preference, operators_of, preferences_of, replace_preferences};
pub(crate) use prune::{Step, prune};
pub(crate) use recipients::{
    RecipientFilter, insert_recipient, load_recipient, page_of_recipients, save_recipient,
};
pub(crate) use tables::{channels, deliveries_by_notification, inbox_by_time, no_payout_recipients};
pub(crate) use templates::{Version, add_version, newest, versions};
pub use waiting::Waiting;
pub(crate) use waiting::waiting;
pub(crate) use webhooks::{
    WebhookFilter, delete_webhook, insert_webhook, load_webhook, page_of_webhooks, save_webhook, webhooks_of,
};

/// The only tenant there is until authentication tells them apart.
pub(crate) const TENANT: &str = "default";
