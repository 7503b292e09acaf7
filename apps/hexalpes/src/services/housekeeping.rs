//! What must be done now and then, and by nobody's request.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt as _, future::BoxFuture};
use hexalpes_commissions::Webhooks;
use hexalpes_db::{Db, DbError, Tx};
use hexalpes_http::idempotency;
use hexalpes_kernel::Edge;
use hexalpes_notifications::Pruning;
use hexalpes_worker::STOP_PATIENCE;
use tokio::{task::JoinSet, time};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::Service;

/// Answers are kept for a day: more often than hourly would find little.
const FORGET_EVERY: Duration = Duration::from_hours(1);
/// As late as a hold may end.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// Between two turns of pruning: one takes some thousands.
const PRUNE_EVERY: Duration = Duration::from_mins(1);
/// As late as a report may be made.
const REPORT_EVERY: Duration = Duration::from_mins(1);

/// Forgets the answers of idempotency keys whose day is over, and does what time itself brings about; first at the
/// start.
#[derive(Debug)]
pub(super) struct Housekeeping {
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Housekeeping {
    pub(super) fn start(service: Service, db: &Db, edge: &Arc<dyn Edge>, webhooks: Option<Webhooks>) -> Self {
        let mut housekeeping = Self { stop: CancellationToken::new(), tasks: JoinSet::new() };
        housekeeping.every(FORGET_EVERY, db, edge, "answers of old idempotency keys stay", |db, edge| {
            async move {
                let now = edge.now();
                let forget = async move |tx: &Tx| -> Result<u64, DbError> {
                    idempotency::forget_expired(tx, now).await
                };
                db.write(forget).await.map(drop)
            }
            .boxed()
        });
        if service == Service::Commissions {
            housekeeping.every(SWEEP_EVERY, db, edge, "holds that are over stay", |db, edge| {
                async move { hexalpes_commissions::sweep(&db, &edge).await.map(drop) }.boxed()
            });
            if let Some(webhooks) = webhooks {
                let failure = "lines of payouts are not sent";
                housekeeping.every(SWEEP_EVERY, db, edge, failure, move |db, edge| {
                    let webhooks = webhooks.clone();
                    async move { hexalpes_commissions::deliver(&db, &edge, &webhooks).await.map(drop) }
                        .boxed()
                });
            }
        }
        if service == Service::Onboarding {
            housekeeping.every(SWEEP_EVERY, db, edge, "contracts whose day has come stay", |db, edge| {
                async move { hexalpes_onboarding::sweep(&db, &edge).await.map(drop) }.boxed()
            });
        }
        if service == Service::PartnerManagement {
            housekeeping.every(SWEEP_EVERY, db, edge, "what is over stays as it was", |db, edge| {
                async move { hexalpes_partner_management::sweep(&db, &edge).await.map(drop) }.boxed()
            });
        }
        if service == Service::CampaignManagement {
            housekeeping.every(SWEEP_EVERY, db, edge, "campaigns whose day has come stay", |db, edge| {
                async move { hexalpes_campaign_management::sweep(&db, &edge).await.map(drop) }.boxed()
            });
            housekeeping.every(
                REPORT_EVERY,
                db,
                edge,
                "reports of campaigns that are due stay",
                |db, edge| {
                    async move { hexalpes_campaign_management::report(&db, &edge).await.map(drop) }.boxed()
                },
            );
        }
        housekeeping
    }

    /// Deletes notifications that are old and done with.
    pub(super) fn prune(&mut self, pruning: Pruning, db: &Db, edge: &Arc<dyn Edge>) {
        let pruning = Arc::new(pruning);
        self.every(PRUNE_EVERY, db, edge, "old notifications stay", move |db, edge| {
            let pruning = Arc::clone(&pruning);
            async move { pruning.turn(&db, &*edge).await.map(drop) }.boxed()
        });
    }

    /// Does something again and again, and says what its failure comes to, once for each time that it begins to fail.
    fn every(
        &mut self,
        period: Duration,
        db: &Db,
        edge: &Arc<dyn Edge>,
        failure: &'static str,
        work: impl Fn(Db, Arc<dyn Edge>) -> BoxFuture<'static, Result<(), DbError>> + Send + 'static,
    ) {
        let (db, edge, stopped) = (db.clone(), Arc::clone(edge), self.stop.clone());
        self.tasks.spawn(async move {
            let mut ticks = time::interval(period);
            ticks.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
            let mut is_failing = false;
            while stopped.run_until_cancelled(ticks.tick()).await.is_some() {
                let outcome = work(db.clone(), Arc::clone(&edge)).await;
                if let Err(problem) = &outcome
                    && !is_failing
                {
                    warn!(%problem, "{failure} for now");
                }
                is_failing = outcome.is_err();
            }
        });
    }

    /// As a worker stops: what it is at is finished, or left after a while.
    pub(super) async fn stop(mut self) {
        self.stop.cancel();
        let ending = async {
            while let Some(ended) = self.tasks.join_next().await {
                if let Err(panic) = ended {
                    error!(%panic, "housekeeping ended in a panic");
                }
            }
        };
        if time::timeout(STOP_PATIENCE, ending).await.is_err() {
            warn!("housekeeping is left amid what it does, for it does not end in time");
        }
    }
}
