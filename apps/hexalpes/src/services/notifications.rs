//! The audit trail, notifications with their inbox and file; and the channels by which people are told.

use std::{num::NonZeroUsize, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, anyhow};
use axum::Router;
use hexalpes_client::{Client, TopicName};
use hexalpes_db::Db;
use hexalpes_files::RealFiles;
use hexalpes_http::openapi::published;
use hexalpes_kernel::Edge;
use hexalpes_notifications::{
    CHANNELS_SUBSCRIPTION, Channels, Mailer, Notifications, NotificationsOptions, Pruning,
    RunningChannels, SUBSCRIPTION, StartError,
};
use hexalpes_outbox::EVENTS_TOPIC;
use tokio_util::sync::CancellationToken;

use super::{Ground, Service, database, housekeeping::Housekeeping};
use crate::{
    debug,
    event_health::{Hears, Runs},
    health::{Probe, check},
    settings::{Key, Settings},
};

/// In the data folder.
pub(crate) const EVENTS_FILE: &str = "events.jsonl";

/// The inbox, open; nothing runs yet.
#[derive(Debug)]
pub(crate) struct AuditTrail {
    db: Db,
    options: NotificationsOptions,
    mailer: Option<Mailer>,
    /// How long a notification stays that is done with; `None` for ever.
    keep: Option<Duration>,
}

/// Notifications at work.
#[derive(Debug)]
pub(crate) struct Running {
    db: Db,
    notifications: Notifications,
    channels: Channels,
    sends: RunningChannels,
    housekeeping: Housekeeping,
}

impl AuditTrail {
    /// Refuses a file that has lost lines.
    pub(crate) async fn open(settings: &Settings, edge: &Arc<dyn Edge>) -> Result<Self> {
        let (options, mailer, keep) = (options(settings)?, mailer(settings)?, keep(settings)?);
        let db = database::open(settings, Service::Notifications).await?;
        let trail = Self { db, options, mailer, keep };
        let (db, files, options) = (trail.db.clone(), Arc::new(RealFiles), trail.options.clone());
        let checked = hexalpes_notifications::check(db, files, Arc::clone(edge), options).await;
        checked.map_err(|error| trail.refused(&error))?;
        Ok(trail)
    }

    fn refused(&self, error: &StartError) -> anyhow::Error {
        anyhow!("the audit trail {} cannot start: {error}", self.options.file.display())
    }

    pub(crate) async fn update(&self, settings: &Settings) -> Result<()> {
        database::update(&self.db, settings, Service::Notifications).await
    }

    /// On an inbox that is up to date.
    pub(crate) async fn start(self, client: Client, ground: &Ground) -> Result<Running> {
        let (files, edge) = (Arc::new(RealFiles), &ground.edge);
        let (db, options) = (self.db.clone(), self.options.clone());
        let started = Notifications::start(db, client.clone(), files, Arc::clone(edge), options).await;
        let notifications = started.map_err(|error| self.refused(&error))?;
        let channels = Channels::new(self.db.clone(), Arc::clone(edge), ground.vault.clone(), self.mailer)?;
        let sends = channels.start(client);
        let mut housekeeping = Housekeeping::start(Service::Notifications, &self.db, edge, None);
        if let Some(keep) = self.keep {
            housekeeping.prune(Pruning::new(keep), &self.db, edge);
        }
        Ok(Running { db: self.db, notifications, channels, sends, housekeeping })
    }
}

impl Running {
    /// What an operator looks at.
    pub(crate) fn router(&self) -> Router {
        debug::notifications(self.notifications.status_reader(), self.sends.status_reader())
    }

    /// What people and programs ask; its streams end with `stop`.
    pub(crate) fn api(&self, stop: &CancellationToken) -> Router {
        let app = hexalpes_notifications::App::new(self.channels.clone(), stop.clone());
        let about = "Recipients, preferences, inboxes, webhooks, deliveries and templates.";
        published(hexalpes_notifications::api(app), "Notifications", about).merge(self.router())
    }

    /// How the channels are.
    pub(crate) fn channels_probe(&self) -> Probe {
        let status = self.sends.status_reader();
        let probe = move || {
            let status = status();
            check(status.running, status.alarm)
        };
        ("channels", Box::new(probe))
    }

    pub(crate) fn probe(&self) -> Probe {
        let status = self.notifications.status_reader();
        let probe = move || {
            let status = status();
            check(status.running, status.alarm)
        };
        ("notifications", Box::new(probe))
    }

    pub(crate) fn hears(&self) -> Hears {
        let read = self.notifications.status_reader();
        let count = move || {
            let status = read();
            let failed = status.refused;
            Runs { all: status.lines_written + status.duplicates + failed, failed }
        };
        let read = self.sends.status_reader();
        let told = move || {
            let status = read();
            Runs { all: status.heard, failed: status.refused }
        };
        let topic = TopicName::parse(EVENTS_TOPIC).expect("it is one");
        Hears {
            subscriptions: [SUBSCRIPTION, CHANNELS_SUBSCRIPTION]
                .map(|subscription| (topic.clone(), subscription.to_owned()))
                .into(),
            counts: vec![Box::new(count), Box::new(told)],
            ..Hears::default()
        }
    }

    pub(crate) async fn stop(self) {
        self.sends.stop().await;
        self.notifications.stop().await;
        self.housekeeping.stop().await;
        self.db.close().await;
    }
}

/// Where mails go out, if that is said.
fn mailer(settings: &Settings) -> Result<Option<Mailer>> {
    let Some(url) = settings.given(Key::SmtpUrl) else { return Ok(None) };
    let from = settings.given(Key::SmtpFrom).context("HEXALPES_SMTP_FROM must say who writes the mails")?;
    Mailer::new(url, from).context("HEXALPES_SMTP_URL or HEXALPES_SMTP_FROM").map(Some)
}

/// For how long notifications that are done with stay.
fn keep(settings: &Settings) -> Result<Option<Duration>> {
    let days = settings.number(Key::NotificationsKeep)?;
    Ok((days > 0).then(|| Duration::from_secs(days.saturating_mul(24 * 60 * 60))))
}

/// Where the lines go, and what is kept of them.
fn options(settings: &Settings) -> Result<NotificationsOptions> {
    let mut options = NotificationsOptions::new(settings.data().join(EVENTS_FILE));
    options.file_bytes_max = settings.limit(Key::EventsFileBytesMax)?.map(Into::into);
    options.files_put_aside_max = settings
        .limit(Key::EventsFilesAsideMax)?
        .map(|files| NonZeroUsize::try_from(files).unwrap_or(NonZeroUsize::MAX));
    options.keep_inbox = settings
        .limit(Key::EventIdsKeptHours)?
        .map(|hours| Duration::from_secs(hours.get().saturating_mul(60 * 60)));
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Flags;

    #[test]
    fn what_is_kept_of_the_trail_is_set_in_bytes_files_and_hours() {
        let environment = [
            ("HEXALPES_EVENTS_FILE_BYTES_MAX", "1000000"),
            ("HEXALPES_EVENTS_FILES_ASIDE_MAX", "3"),
            ("HEXALPES_EVENT_IDS_KEPT_HOURS", "48"),
        ]
        .map(|(name, value)| (name.into(), value.into()));
        let options = options(&Settings::read(&Flags::default(), &environment).expect("all is well"));
        let options = options.expect("all is well");
        assert_eq!(options.file_bytes_max, Some(1_000_000));
        assert_eq!(options.files_put_aside_max, NonZeroUsize::new(3));
        assert_eq!(options.keep_inbox, Some(Duration::from_hours(48)));
    }

    #[test]
    fn notifications_are_kept_for_days_or_for_ever() {
        let kept = |days: Option<&str>| {
            let environment: Vec<_> =
                days.map(|days| ("NOTIFICATIONS_KEEP".into(), days.into())).into_iter().collect();
            keep(&Settings::read(&Flags::default(), &environment).expect("all is well")).expect("all is well")
        };
        assert_eq!(kept(None), Some(Duration::from_hours(90 * 24)));
        assert_eq!(kept(Some("7")), Some(Duration::from_hours(7 * 24)));
        assert_eq!(kept(Some("0")), None);
    }

    #[test]
    fn everything_is_kept_unless_somebody_says_otherwise() {
        let options = options(&Settings::read(&Flags::default(), &[]).expect("all is well"));
        let options = options.expect("all is well");
        assert_eq!((options.file_bytes_max, options.files_put_aside_max), (None, None));
        assert_eq!(options.keep_inbox, None);
    }
}
