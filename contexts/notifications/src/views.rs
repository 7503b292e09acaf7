//! What this API answers.

use hexalpes_http::Record;
use hexalpes_kernel::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::domain::{Known, Recipient, Standing, Webhook, catalog};
use crate::store::{Delivery, Notice, Preference, Version};

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Recipient)]
pub(crate) struct RecipientView {
    recipient_id: String,
    /// `PARTNER`, `AFFILIATE` or `OPERATOR`.
    kind: &'static str,
    name: Option<String>,
    email: Option<String>,
    language: &'static str,
    time_zone: String,
    /// `22:00-07:00` in the recipient's time.
    quiet_hours: Option<String>,
    /// `OFF`, `HOURLY` or `DAILY`.
    digest: &'static str,
    /// False: an event named it, and nothing else is known yet.
    is_known: bool,
    revision: u32,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl From<&Recipient> for RecipientView {
    fn from(recipient: &Recipient) -> Self {
        let time = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
        Self {
            recipient_id: recipient.id.to_string(),
            kind: recipient.kind.name(),
            name: recipient.name.clone(),
            email: recipient.email.clone(),
            language: recipient.language.name(),
            time_zone: recipient.zone.name().to_owned(),
            quiet_hours: recipient.quiet.map(|quiet| format!("{}-{}", time(quiet.from), time(quiet.to))),
            digest: recipient.digest.name(),
            is_known: recipient.is_known,
            revision: recipient.revision,
            created_at: recipient.created_at,
            updated_at: recipient.updated_at,
        }
    }
}

impl Record for RecipientView {
    const COLUMNS: &'static [&'static str] = &[
        "recipient_id",
        "kind",
        "name",
        "email",
        "language",
        "time_zone",
        "quiet_hours",
        "digest",
        "is_known",
        "created_at",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.recipient_id.clone(),
            self.kind.to_owned(),
            self.name.clone().unwrap_or_default(),
            self.email.clone().unwrap_or_default(),
            self.language.to_owned(),
            self.time_zone.clone(),
            self.quiet_hours.clone().unwrap_or_default(),
            self.digest.to_owned(),
            self.is_known.to_string(),
            self.created_at.to_string(),
        ]
    }
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Preference)]
pub(crate) struct PreferenceView {
    event_type: String,
    channel: &'static str,
    enabled: bool,
}

impl From<&Preference> for PreferenceView {
    fn from(preference: &Preference) -> Self {
        let Preference { kind, channel, is_on } = preference;
        Self { event_type: kind.clone(), channel: channel.name(), enabled: *is_on }
    }
}

/// What was said. Of all else: in the app and by webhook everything, by mail what `GET /v1/templates` says; operators
/// are told what they asked for.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SaidPreferences)]
pub(crate) struct PreferencesView {
    pub(crate) preferences: Vec<PreferenceView>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Webhook)]
pub(crate) struct WebhookView {
    webhook_id: String,
    recipient_id: String,
    url: String,
    /// What signs, told when it is made and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) secret: Option<String>,
    /// Null: all.
    event_types: Option<Vec<String>>,
    /// `ACTIVE`, or `DISABLED`: what comes meanwhile is held for it.
    status: &'static str,
    /// Why it is disabled.
    reason: Option<String>,
    failures_in_a_row: u32,
    revision: u32,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl From<&Webhook> for WebhookView {
    fn from(webhook: &Webhook) -> Self {
        let (status, reason) = match &webhook.standing {
            Standing::Active => ("ACTIVE", None),
            Standing::Disabled { reason } => ("DISABLED", Some(reason.clone())),
        };
        Self {
            webhook_id: webhook.id.to_string(),
            recipient_id: webhook.recipient.to_string(),
            url: webhook.url.clone(),
            secret: None,
            event_types: webhook.kinds.clone(),
            status,
            reason,
            failures_in_a_row: webhook.failures,
            revision: webhook.revision,
            created_at: webhook.created_at,
            updated_at: webhook.updated_at,
        }
    }
}

impl Record for WebhookView {
    const COLUMNS: &'static [&'static str] = &[
        "webhook_id",
        "recipient_id",
        "url",
        "event_types",
        "status",
        "reason",
        "failures_in_a_row",
        "created_at",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.webhook_id.clone(),
            self.recipient_id.clone(),
            self.url.clone(),
            self.event_types.as_ref().map_or_else(String::new, |kinds| kinds.join(" ")),
            self.status.to_owned(),
            self.reason.clone().unwrap_or_default(),
            self.failures_in_a_row.to_string(),
            self.created_at.to_string(),
        ]
    }
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Delivery)]
pub(crate) struct DeliveryView {
    /// Also the `webhook-id` of a webhook, and in the `Message-ID` of a mail that is not gathered.
    delivery_id: String,
    notification_id: String,
    recipient_id: String,
    event_id: String,
    event_type: String,
    correlation_id: Option<String>,
    /// `EMAIL` or `WEBHOOK`.
    channel: &'static str,
    /// The webhook's id, or `email`.
    target: String,
    /// `PENDING`, `HELD` (the webhook is disabled), `SENT` or `FAILED`.
    state: &'static str,
    attempts: u32,
    #[schema(value_type = String, format = DateTime)]
    due_at: Timestamp,
    /// Why the last try failed.
    trouble: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    sent_at: Option<Timestamp>,
}

impl From<&Delivery> for DeliveryView {
    fn from(delivery: &Delivery) -> Self {
        Self {
            delivery_id: delivery.id.to_string(),
            notification_id: delivery.notification.to_string(),
            recipient_id: delivery.recipient.to_string(),
            event_id: delivery.event_id.clone(),
            event_type: delivery.kind.clone(),
            correlation_id: delivery.correlation.clone(),
            channel: delivery.channel.name(),
            target: delivery.target.clone(),
            state: delivery.state.name(),
            attempts: delivery.attempts,
            due_at: delivery.due_at,
            trouble: delivery.trouble.clone(),
            created_at: delivery.created_at,
            sent_at: delivery.sent_at,
        }
    }
}

impl Record for DeliveryView {
    const COLUMNS: &'static [&'static str] = &[
        "delivery_id",
        "notification_id",
        "recipient_id",
        "event_id",
        "event_type",
        "correlation_id",
        "channel",
        "target",
        "state",
        "attempts",
        "due_at",
        "trouble",
        "created_at",
        "sent_at",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.delivery_id.clone(),
            self.notification_id.clone(),
            self.recipient_id.clone(),
            self.event_id.clone(),
            self.event_type.clone(),
            self.correlation_id.clone().unwrap_or_default(),
            self.channel.to_owned(),
            self.target.clone(),
            self.state.to_owned(),
            self.attempts.to_string(),
            self.due_at.to_string(),
            self.trouble.clone().unwrap_or_default(),
            self.created_at.to_string(),
            self.sent_at.map_or_else(String::new, |at| at.to_string()),
        ]
    }
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Notification)]
pub(crate) struct NoticeView {
    notification_id: String,
    recipient_id: String,
    /// The event that caused it.
    event_id: String,
    event_type: String,
    correlation_id: Option<String>,
    causation_id: Option<String>,
    /// What the event is about.
    subject: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    occurred_at: Option<Timestamp>,
    /// `NORMAL` or `URGENT`.
    urgency: &'static str,
    language: &'static str,
    title: String,
    body: String,
    /// Of the words; 0: those that are built in.
    template_version: u32,
    /// The event's `data`.
    #[schema(value_type = Object)]
    data: Box<RawValue>,
    #[schema(value_type = Option<String>, format = DateTime)]
    read_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<&Notice> for NoticeView {
    fn from(notice: &Notice) -> Self {
        let told = &notice.told;
        Self {
            notification_id: told.id.to_string(),
            recipient_id: told.recipient.to_string(),
            event_id: told.event_id.clone(),
            event_type: told.kind.clone(),
            correlation_id: told.correlation.clone(),
            causation_id: told.causation.clone(),
            subject: told.subject.clone(),
            occurred_at: told.occurred_at,
            urgency: if told.is_urgent { "URGENT" } else { "NORMAL" },
            language: told.language,
            title: told.title.clone(),
            body: told.body.clone(),
            template_version: told.template_version,
            data: RawValue::from_string(told.data.clone()).unwrap_or_else(|_| RawValue::NULL.to_owned()),
            read_at: notice.read_at,
            created_at: told.created_at,
        }
    }
}

impl Record for NoticeView {
    const COLUMNS: &'static [&'static str] = &[
        "notification_id",
        "event_id",
        "event_type",
        "correlation_id",
        "urgency",
        "title",
        "body",
        "read_at",
        "created_at",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.notification_id.clone(),
            self.event_id.clone(),
            self.event_type.clone(),
            self.correlation_id.clone().unwrap_or_default(),
            self.urgency.to_owned(),
            self.title.clone(),
            self.body.clone(),
            self.read_at.map_or_else(String::new, |at| at.to_string()),
            self.created_at.to_string(),
        ]
    }
}

/// A page of an inbox.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Inbox)]
pub(crate) struct InboxView {
    pub(crate) items: Vec<NoticeView>,
    /// Leads to the next page; null on the last.
    pub(crate) next_cursor: Option<String>,
    /// How many of the whole inbox were not read.
    pub(crate) unread: u64,
}

/// How many there were.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = Count)]
pub(crate) struct CountView {
    pub(crate) count: u64,
}

/// What is told of a type of events, and what a template for it may name.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Template)]
pub(crate) struct TemplateView {
    /// The bare name.
    event_type: &'static str,
    /// The CloudEvents `type`.
    cloud_event_type: &'static str,
    /// Whether it is mailed to those who said nothing.
    is_mailed_by_default: bool,
    placeholders: Vec<&'static str>,
    built_in: WordsView,
    /// Those of one's own, the newest of each language first.
    versions: Vec<VersionView>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = BuiltInWords)]
pub(crate) struct WordsView {
    es: TextView,
    en: TextView,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Words)]
pub(crate) struct TextView {
    title: &'static str,
    body: &'static str,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = TemplateVersion)]
pub(crate) struct VersionView {
    event_type: String,
    language: &'static str,
    version: u32,
    /// Empty: from then on the built-in words were used again.
    title: String,
    body: String,
    written_by: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl TemplateView {
    pub(crate) fn of(known: &Known, versions: &[Version]) -> Self {
        let text = |words: crate::domain::Words| TextView { title: words.title, body: words.body };
        Self {
            event_type: known.bare(),
            cloud_event_type: known.kind,
            is_mailed_by_default: known.is_mailed,
            placeholders: known.places().collect(),
            built_in: WordsView { es: text(known.spanish), en: text(known.english) },
            versions: versions.iter().map(VersionView::from).collect(),
        }
    }

    pub(crate) fn all() -> Vec<Self> {
        catalog().map(|known| Self::of(known, &[])).collect()
    }
}

impl From<&Version> for VersionView {
    fn from(version: &Version) -> Self {
        Self {
            event_type: version.kind.clone(),
            language: version.language.name(),
            version: version.number,
            title: version.title.clone(),
            body: version.body.clone(),
            written_by: version.written_by.clone(),
            created_at: version.created_at,
        }
    }
}
