//! The channels: what is heard becomes notifications, and these are sent where they are wanted.

mod consume;
mod dispatch;
mod feed;
mod heard;
mod mail;
mod notify;
mod prune;

use std::sync::Arc;

use hexalpes_client::Client;
use hexalpes_db::Db;
use hexalpes_kernel::Edge;
use hexalpes_vault::Vault;
use hexalpes_webhooks::{Sender, SenderError};
use hexalpes_worker::Worker;
use parking_lot::Mutex;
use serde::Serialize;

use crate::store::Waiting;

pub(crate) use feed::{Feed, Following};
pub(crate) use mail::is_address;
pub use mail::{Mailer, MailerError};
pub(crate) use notify::{EMAIL, HEARD_FOR, mail_what_waited};
pub use prune::Pruning;

/// What the channels stand on; clones share it.
#[derive(Clone, Debug)]
pub struct Channels {
    pub(crate) db: Db,
    pub(crate) edge: Arc<dyn Edge>,
    pub(crate) vault: Vault,
    pub(crate) mailer: Option<Mailer>,
    pub(crate) sender: Sender,
    pub(crate) feed: Feed,
    counted: Arc<Mutex<ChannelsStatus>>,
}

/// Channels at work. Stop them; dropping leaves them working until the process ends.
#[derive(Debug)]
pub struct RunningChannels {
    hears: Worker,
    sends: Worker,
    channels: Channels,
}

/// What an operator sees of the channels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChannelsStatus {
    /// They work, or will again as soon as what the alarm names is over.
    pub running: bool,
    /// Events that were read, since the start, as all that counts here.
    pub heard: u64,
    /// Notifications that came of them.
    pub notified: u64,
    /// Events that came again and told nobody anything.
    pub duplicates: u64,
    /// Events that could not be told to anybody.
    pub refused: u64,
    /// The last of these, and why.
    pub last_refusal: Option<String>,
    pub sent: u64,
    /// Tries that failed.
    pub failed: u64,
    /// Mails of these two.
    pub mails_sent: u64,
    pub mails_failed: u64,
    /// Webhooks that were disabled because they failed too often.
    pub disabled: u64,
    /// What has not arrived, as it was a moment ago.
    pub waiting: Waiting,
    /// Why they wait or stopped; `null` while all is well.
    pub alarm: Option<String>,
}

/// What waits for longer is worth an operator's look.
const WAITS_SECONDS_MAX: u64 = 5 * 60;

impl ChannelsStatus {
    /// What does not arrive although the channels work; `None` while all does.
    pub fn trouble(&self) -> Option<String> {
        let Waiting { deliveries, oldest_seconds, mails_failing, held, webhooks_disabled, .. } = self.waiting;
        let mut troubles = Vec::new();
        if webhooks_disabled > 0 {
            troubles.push(format!(
                "{webhooks_disabled} webhooks are disabled since they failed, {held} deliveries are held: \
                 GET /v1/webhooks?status=DISABLED shows them, POST /v1/webhooks/{{id}}/enable lets them go on"
            ));
        }
        if mails_failing > 0 {
            troubles.push(format!("{mails_failing} mails wait for another try: look at HEXALPES_SMTP_URL"));
        }
        if oldest_seconds >= WAITS_SECONDS_MAX {
            troubles.push(format!(
                "{deliveries} deliveries wait, the first for {oldest_seconds} s: GET /v1/deliveries?state=PENDING"
            ));
        }
        (!troubles.is_empty()).then(|| troubles.join("; "))
    }
}

impl Channels {
    /// Without a mailer nothing is mailed, and nothing waits to be.
    pub fn new(
        db: Db,
        edge: Arc<dyn Edge>,
        vault: Vault,
        mailer: Option<Mailer>,
    ) -> Result<Self, SenderError> {
        let (feed, counted) = (Feed::default(), Arc::default());
        Ok(Self { db, edge, vault, mailer, sender: Sender::new()?, feed, counted })
    }

    /// Listens and sends in the background, as often as it takes. The database has this context's tables.
    pub fn start(&self, client: Client) -> RunningChannels {
        let hears = consume::Work { client, channels: self.clone() };
        let sends = dispatch::Work { channels: self.clone() };
        RunningChannels {
            hears: Worker::start("notifications-channels", hears),
            sends: Worker::start("notifications-deliveries", sends),
            channels: self.clone(),
        }
    }

    fn count(&self, count: impl FnOnce(&mut ChannelsStatus)) {
        count(&mut self.counted.lock());
    }
}

impl RunningChannels {
    pub fn status(&self) -> ChannelsStatus {
        self.status_reader()()
    }

    /// For what outlives the borrow, such as an HTTP route.
    pub fn status_reader(&self) -> impl Fn() -> ChannelsStatus + Clone + Send + Sync + 'static + use<> {
        let (hears, sends) = (self.hears.states(), self.sends.states());
        let counted = Arc::clone(&self.channels.counted);
        move || {
            let (hears, sends) = (hears.borrow().clone(), sends.borrow().clone());
            let alarm = hears.alarm.or(hears.standby).or(sends.alarm);
            ChannelsStatus { running: hears.running && sends.running, alarm, ..counted.lock().clone() }
        }
    }

    /// Ends after what is under way; what is left comes at the next start.
    pub async fn stop(self) {
        tokio::join!(self.hears.stop(), self.sends.stop());
    }
}
