//! The audit trail, notifications with their inbox and file; and the channels by which people are told.

use std::{num::NonZeroUsize, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, anyhow};
use axum::Router;
use hexalpes_client::{Client, TopicName};
use hexalpes_db::Db;
use hexalpes_files::RealFiles;
use hexalpes_http::{Check, openapi::published};
use hexalpes_kernel::Edge;
use hexalpes_notifications::{
    CHANNELS_SUBSCRIPTION, Channels, ChannelsStatus, Mailer, Notifications, NotificationsOptions, Pruning,
    RunningChannels, SUBSCRIPTION, StartError,
};
use hexalpes_outbox::EVENTS_TOPIC;
use tokio_util::sync::CancellationToken;

use super::{Ground, Service, database, housekeeping::Housekeeping};
use crate::{
    debug,
    event_health::{Hears, Runs},
    health::{Probe, check},
    settings::{Key, Settings, whole_days},
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
        ("channels", Box::new(move || of_channels(status())))
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
            // Our mail server is ours to mend; of webhooks it is whoever answers there.
            let failed = status.refused + status.mails_failed;
            Runs { all: status.heard + status.mails_sent + status.mails_failed, failed }
        };
        let read = self.sends.status_reader();
        let unsent = move || read().waiting.deliveries;
        let topic = TopicName::parse(EVENTS_TOPIC).expect("it is one");
        Hears {
            subscriptions: [SUBSCRIPTION, CHANNELS_SUBSCRIPTION]
                .map(|subscription| (topic.clone(), subscription.to_owned()))
                .into(),
            counts: vec![Box::new(count), Box::new(told)],
            waits: vec![Box::new(unsent)],
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

/// Channels that work and reach somebody too late, or not, have trouble.
fn of_channels(status: ChannelsStatus) -> Check {
    let waiting = status.waiting;
    let trouble = status.trouble();
    check(status.running, status.alarm.or(trouble)).with([
        ("deliveries_held", waiting.held),
        ("deliveries_waiting", waiting.deliveries),
        ("mails_failed", waiting.mails_failed),
        ("mails_failing", waiting.mails_failing),
        ("oldest_waiting_seconds", waiting.oldest_seconds),
        ("webhooks_disabled", waiting.webhooks_disabled),
    ])
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
    Ok((days > 0).then(|| whole_days(days)))
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
    use hexalpes_notifications::Waiting;

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
    fn channels_that_do_not_reach_somebody_are_degraded_and_say_how_many() {
        let of =
            |waiting| of_channels(ChannelsStatus { running: true, waiting, ..ChannelsStatus::default() });
        let well = of(Waiting { deliveries: 3, oldest_seconds: 299, mails_failed: 1, ..Waiting::default() });
        assert_eq!((well.status, well.detail.as_str()), (hexalpes_http::Status::Ok, ""));
        assert_eq!((well.figures["deliveries_waiting"], well.figures["mails_failed"]), (3, 1));
        for (waiting, told) in [
            (
                Waiting { webhooks_disabled: 2, held: 7, ..Waiting::default() },
                "2 webhooks are disabled since they failed, 7 deliveries are held",
            ),
            (Waiting { mails_failing: 4, ..Waiting::default() }, "4 mails wait for another try"),
            (
                Waiting { deliveries: 5, oldest_seconds: 300, ..Waiting::default() },
                "5 deliveries wait, the first for 300 s",
            ),
        ] {
            let check = of(waiting);
            assert_eq!(check.status, hexalpes_http::Status::Degraded);
            assert!(check.detail.starts_with(told), "{}", check.detail);
        }
    }

    #[test]
    fn everything_is_kept_unless_somebody_says_otherwise() {
        let options = options(&Settings::read(&Flags::default(), &[]).expect("all is well"));
        let options = options.expect("all is well");
        assert_eq!((options.file_bytes_max, options.files_put_aside_max), (None, None));
        assert_eq!(options.keep_inbox, None);
    }
}
