//! Who is told what, by which way, when, and in which words.

mod catalog;
mod recipient;
mod template;
mod webhook;

pub(crate) use catalog::{Audience, Known, Words, catalog, known};
pub(crate) use recipient::{Changes, Digest, Edit, Kind, Language, QuietHours, Recipient, Zone};
pub(crate) use template::{Template, TemplateError};
pub(crate) use webhook::{Standing, Webhook};

use std::time::Duration;

hexalpes_kernel::opaque_id! {
    /// Somebody who is told: a partner's or an affiliate's own id, or one of ours.
    pub(crate) struct RecipientId = "rcp_";
}
hexalpes_kernel::opaque_id! {
    /// Where a recipient's program is told.
    pub(crate) struct WebhookId = "wh_";
}
hexalpes_kernel::opaque_id! {
    /// One event, told to one recipient.
    pub(crate) struct NotificationId = "ntf_";
}
hexalpes_kernel::opaque_id! {
    /// A notification on its way by one channel to one place.
    pub(crate) struct DeliveryId = "dlv_";
}

/// By which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Channel {
    InApp,
    Email,
    Webhook,
}

impl Channel {
    pub(crate) const ALL: [(&'static str, Self); 3] =
        [("IN_APP", Self::InApp), ("EMAIL", Self::Email), ("WEBHOOK", Self::Webhook)];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::InApp => "IN_APP",
            Self::Email => "EMAIL",
            Self::Webhook => "WEBHOOK",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, channel)| channel)
    }
}

/// Tries that a delivery has; then it has failed, until somebody replays it.
pub(crate) const ATTEMPTS_MAX: u32 = 10;
/// Before the second try; four times as long with each further one.
const RETRY_DELAY: Duration = Duration::from_secs(5);
const RETRY_DELAY_MAX: Duration = Duration::from_hours(6);

/// How long a delivery waits after so many tries, or `None`: it has failed.
pub(crate) fn patience_after(attempts: u32) -> Option<Duration> {
    if attempts >= ATTEMPTS_MAX {
        return None;
    }
    let doublings = 2 * attempts.saturating_sub(1).min(15);
    Some(RETRY_DELAY.saturating_mul(1 << doublings).min(RETRY_DELAY_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_is_tried_for_hours_and_not_for_ever() {
        let seconds = |attempts| patience_after(attempts).map(|wait| wait.as_secs());
        assert_eq!([1, 2, 3, 9].map(seconds), [Some(5), Some(20), Some(80), Some(21_600)]);
        assert_eq!(seconds(ATTEMPTS_MAX), None);
    }
}
