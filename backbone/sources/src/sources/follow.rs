//! What is done to sources elsewhere: processes that share the list each look at it, and do what it says.

use std::{collections::BTreeMap, time::Duration};

use hexalpes_worker::{Failure, Job, Outlook};
use tokio::{sync::MutexGuard, time};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::{Running, Source, Sources, SourcesError};
use crate::{
    config::SourceConfig,
    store::{self, Kept},
};

/// Between two looks: so late is what somebody does at another process.
pub(super) const EVERY: Duration = Duration::from_millis(500);

/// What could not be started is tried again then.
const TRIED_AGAIN_AFTER: Duration = Duration::from_secs(5);

/// Looks at the list again and again.
pub(super) struct Follower(pub(super) Sources);

impl Failure for SourcesError {
    fn outlook(&self) -> Outlook {
        Outlook::Passing
    }
}

impl Job for Follower {
    type Session = ();
    type Error = SourcesError;

    async fn open(&mut self) -> Result<(), SourcesError> {
        Ok(())
    }

    async fn run(&mut self, (): (), stop: &CancellationToken) -> Result<(), SourcesError> {
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = time::sleep(EVERY) => {}
            }
            drop(self.0.current().await?);
        }
    }
}

impl Sources {
    /// All of them, once they are here as the list says.
    pub(super) async fn followed(&self) -> Result<MutexGuard<'_, Running>, SourcesError> {
        let listed = store::all(&self.0.list).await?;
        let mut running = self.0.running.lock().await;
        self.follow(&mut running, listed).await;
        Ok(running)
    }

    async fn follow(&self, running: &mut Running, listed: Vec<Kept>) {
        let listed: BTreeMap<_, _> = listed.into_iter().map(|kept| (kept.name.clone(), kept)).collect();
        let is_gone = |(name, source): (&String, &Source)| {
            let is_here = listed.get(name).is_some_and(|kept| kept.sealed == source.kept.sealed);
            (!is_here).then(|| name.clone())
        };
        for name in running.sources.iter().filter_map(is_gone).collect::<Vec<_>>() {
            if let Some(mut source) = running.sources.remove(&name) {
                info!(source = name, "it was taken away by another process");
                source.stop().await;
            }
        }
        let mut unreadable = BTreeMap::new();
        for (name, kept) in listed {
            if !running.sources.contains_key(&name) {
                match self.listed(&kept) {
                    Ok(source) => drop(running.sources.insert(name.clone(), source)),
                    Err(why) => drop(unreadable.insert(name.clone(), why)),
                }
            }
            if let Some(source) = running.sources.get_mut(&name) {
                self.bring_to(source, kept).await;
            }
        }
        for (name, why) in &unreadable {
            if !running.unreadable.contains_key(name) {
                error!(source = name, why, "a source of the list cannot be read");
            }
        }
        running.unreadable = unreadable;
    }

    fn listed(&self, kept: &Kept) -> Result<Source, String> {
        let json = kept.config(&self.0.options.vault)?;
        let config = SourceConfig::read(&json).map_err(|why| why.to_string())?;
        Ok(Source::new(kept.clone(), json, config))
    }

    /// Stops it if it is to begin again, or is paused; starts it if it is to run and does not.
    async fn bring_to(&self, source: &mut Source, kept: Kept) {
        if source.kept != kept {
            info!(
                source = kept.name,
                is_paused = kept.is_paused,
                "another process has changed what it is to do"
            );
            source.stop().await;
            source.restarts += u64::from(source.kept.turn != kept.turn);
            source.kept = kept;
        }
        let was_just_tried = source.refusal.as_ref().is_some_and(|(_, at)| at.elapsed() < TRIED_AGAIN_AFTER);
        if source.work.is_none() && !was_just_tried {
            self.start(source).await;
        }
    }
}
