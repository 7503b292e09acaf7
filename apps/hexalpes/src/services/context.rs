//! A bounded context at work: its API, its outbox, the relay that carries it, and the consumers that fill it too.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use futures::future::{join, join_all};
use hexalpes_client::{Client, TopicName};
use hexalpes_consumer::EventConsumer;
use hexalpes_db::Db;
use hexalpes_http::Check;
use hexalpes_kernel::SystemEdge;
use hexalpes_outbox::{Relay, RelayOptions, Status};
use hexalpes_recruitment::Matching;
use hexalpes_topology::Topology;

use super::{Ground, Service, database, housekeeping::Housekeeping, relay::Carrier};
use crate::{
    event_health::{Hears, Runs},
    health::{Probe, check},
    metrics::DeadLetters,
    settings::{Key, Settings, whole_days},
    topology,
};

/// An event that waits longer to be published is worth an operator's look.
const LAG_SECONDS_MAX: u64 = 10;

/// The database, open; nothing runs yet.
#[derive(Debug)]
pub(crate) struct Context {
    service: Service,
    db: Db,
    carrier: Carrier,
    /// How long rows of its outbox stay that are published; for ever if that is not said.
    keep_published: Option<Duration>,
}

/// A context at work.
#[derive(Debug)]
pub(crate) struct Running {
    pub(super) service: Service,
    pub(super) db: Db,
    pub(super) relay: Option<Arc<Relay>>,
    pub(super) consumers: Vec<EventConsumer>,
    /// Of recruitment.
    matching: Option<Matching>,
    housekeeping: Housekeeping,
}

impl Context {
    pub(crate) async fn open(settings: &Settings, service: Service) -> Result<Self> {
        let carrier = Carrier::of(settings, service)?;
        let keep_published = keep_published(settings)?;
        Ok(Self { service, db: database::open(settings, service).await?, carrier, keep_published })
    }

    pub(crate) async fn update(&self, settings: &Settings) -> Result<()> {
        database::update(&self.db, settings, self.service).await
    }

    /// On a database that is up to date. Without the relay, what happens stays in the outbox.
    pub(crate) async fn start(self, client: Client, with_relay: bool, ground: &Ground) -> Result<Running> {
        let Self { service, db, carrier, keep_published } = self;
        let edge = &ground.edge;
        let consumers = match service {
            Service::PartnerManagement => hexalpes_partner_management::consumers(&db, &client, edge)?,
            Service::Affiliates => {
                hexalpes_affiliates::prepare(&db, &**edge).await?;
                Vec::new()
            }
            Service::Conversions => Vec::from(hexalpes_conversions::consumers(&db, &client, edge)?),
            Service::Commissions => Vec::from(hexalpes_commissions::consumers(&db, &client, edge)?),
            Service::Onboarding => {
                hexalpes_onboarding::prepare(&db, &**edge).await?;
                Vec::from(hexalpes_onboarding::consumers(&db, &client, edge)?)
            }
            Service::CampaignManagement => {
                Vec::from(hexalpes_campaign_management::consumers(&db, &client, edge)?)
            }
            Service::Recruitment => {
                ground.candidates.warm(&db).await?;
                Vec::from(hexalpes_recruitment::consumers(&db, &client, edge)?)
            }
            Service::Analytics => Vec::from(hexalpes_analytics::consumers(&db, &client, edge)?),
            Service::Notifications => unreachable!("notifications are no context: they have no outbox"),
        };
        let options = relay_options(service, ground.topology.as_deref(), keep_published);
        let relay = if with_relay {
            Some(Arc::new(carrier.start(&db, client, Arc::clone(edge), options).await?))
        } else {
            None
        };
        let housekeeping = Housekeeping::start(service, &db, edge, ground.webhooks.clone());
        let matching = (service == Service::Recruitment)
            .then(|| Matching::start(db.clone(), Arc::clone(edge), ground.candidates.clone()));
        Ok(Running { service, db, relay, consumers, matching, housekeeping })
    }
}

impl Running {
    pub(crate) fn service(&self) -> Service {
        self.service
    }

    pub(crate) fn probes(&self) -> Vec<Probe> {
        let relay = self.status_reader();
        let relay = move || of_relay(relay());
        let mut probes: Vec<Probe> = vec![("relay", Box::new(relay))];
        for consumer in &self.consumers {
            let status = consumer.status_reader();
            let probe = move || {
                let status = status();
                check(status.running, status.alarm)
            };
            probes.push((consumer.handler(), Box::new(probe)));
        }
        if let Some(matching) = &self.matching {
            let state = matching.state_reader();
            let probe = move || {
                let state = state();
                check(state.running, state.alarm)
            };
            probes.push(("matching", Box::new(probe)));
        }
        probes
    }

    pub(crate) fn hears(&self) -> Hears {
        let mut hears = Hears::default();
        for consumer in &self.consumers {
            let letters = consumer.dead_letter_topics();
            hears.dead_letters.insert(letters.canonical.clone());
            let status = consumer.status();
            if let Ok(topic) = TopicName::parse(&status.topic) {
                hears.subscriptions.push((topic, status.subscription));
            }
            let read = consumer.status_reader();
            hears.counts.push(Box::new(move || {
                let status = read();
                let failed = status.repeated + status.dead_letters;
                Runs { all: status.handled + status.duplicates + failed, failed }
            }));
        }
        hears
    }

    /// Where those messages are that nobody could handle.
    pub(crate) fn dead_letters(&self) -> DeadLetters {
        let topics = self.consumers.iter().flat_map(|consumer| consumer.dead_letter_topics().all());
        DeadLetters { service: self.service.name(), topics: topics.cloned().collect() }
    }

    pub(super) fn status_reader(&self) -> impl Fn() -> Status + Clone + Send + Sync + 'static + use<> {
        let reader = self.relay.as_deref().map(Relay::status_reader);
        move || reader.as_ref().map_or_else(off, |read| read())
    }

    /// What was accepted is finished: who listens, what follows, who carries, then where it is kept.
    pub(crate) async fn stop(self) {
        let consumers = join_all(self.consumers.into_iter().map(EventConsumer::stop));
        join(consumers, self.housekeeping.stop()).await;
        if let Some(matching) = self.matching {
            matching.stop().await;
        }
        // Its desk is gone with the APIs.
        if let Some(relay) = self.relay.and_then(Arc::into_inner) {
            relay.stop().await;
        }
        self.db.close().await;
    }
}

/// Where a context tells all its events, if it has any to tell.
pub(crate) const fn topic_of(service: Service) -> Option<&'static str> {
    match service {
        Service::PartnerManagement => Some(hexalpes_contracts::partners::TOPIC),
        Service::Affiliates => Some(hexalpes_contracts::affiliates::TOPIC),
        Service::Conversions => Some(hexalpes_contracts::conversions::TOPIC),
        Service::Commissions => Some(hexalpes_contracts::commissions::TOPIC),
        Service::Onboarding => Some(hexalpes_contracts::onboarding::TOPIC),
        Service::CampaignManagement => Some(hexalpes_contracts::campaigns::TOPIC),
        Service::Recruitment => Some(hexalpes_contracts::recruitment::TOPIC),
        // What leaves its outbox are dead letters, and what became of them.
        Service::Analytics | Service::Notifications => None,
    }
}

fn keep_published(settings: &Settings) -> Result<Option<Duration>> {
    Ok(settings.limit(Key::OutboxKeptDays)?.map(|days| whole_days(days.get())))
}

fn relay_options(service: Service, own: Option<&Topology>, keep_published: Option<Duration>) -> RelayOptions {
    let topic = topic_of(service).map(str::to_owned);
    let rules = topology::rules(own, service);
    let of_kind = Some(topology::of_kind as fn(&str) -> _);
    RelayOptions { topic, of_kind, rules, keep_published, ..RelayOptions::new(service.name()) }
}

/// A context's relay without the context, which runs in another process with `--no-relay`.
#[derive(Debug)]
pub(crate) struct LoneRelay {
    relay: Relay,
    db: Db,
}

/// Starts it on a database that is up to date. It claims nothing: of two relays one stands by.
pub(crate) async fn relay_alone(settings: &Settings, service: Service, client: Client) -> Result<LoneRelay> {
    let db = database::open(settings, service).await?;
    let own = topology::own(settings)?;
    let options = relay_options(service, own.as_deref(), keep_published(settings)?);
    let carrier = Carrier::of(settings, service)?;
    let relay = carrier.start(&db, client, Arc::new(SystemEdge), options).await?;
    Ok(LoneRelay { relay, db })
}

impl LoneRelay {
    /// Why it waits or stopped.
    pub(crate) fn alarm(&self) -> Option<String> {
        self.relay.status().alarm
    }

    pub(crate) async fn stop(self) {
        self.relay.stop().await;
        self.db.close().await;
    }
}

/// A relay that is behind has trouble, also where it has nothing to say but that it tries again.
fn of_relay(status: Status) -> Check {
    let behind = (status.lag_seconds >= LAG_SECONDS_MAX).then(|| {
        let Status { lag_rows, lag_seconds, .. } = status;
        format!("{lag_rows} rows are not published, the oldest for {lag_seconds} s: look whether the broker is there")
    });
    check(status.running, status.alarm.or(behind))
}

/// It does not run, and that is how it was asked for.
fn off() -> Status {
    Status { standby: Some("the relay is off: --no-relay".to_owned()), ..Status::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relay_that_is_behind_is_degraded() {
        let after = |lag_seconds| {
            let status = Status { running: true, lag_rows: 7, lag_seconds, ..Status::default() };
            of_relay(status)
        };
        assert_eq!(after(LAG_SECONDS_MAX - 1), Check::ok());
        let behind = after(LAG_SECONDS_MAX);
        assert_eq!(behind.status, hexalpes_http::Status::Degraded);
        assert!(behind.detail.contains("7 rows are not published, the oldest for 10 s"), "{}", behind.detail);
    }
}
