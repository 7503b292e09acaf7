//! What is done to sources elsewhere: processes that share the list each look at it, and do what it says.

use std::{collections::BTreeMap, time::Duration};

use hexalpes_worker::{Failure, Job, Outlook};
use tokio::time;
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::{Running, Source, Sources, SourcesError};
use crate::{
    config::SourceConfig,
    store::{self, Kept},
};

/// Between two looks: so late is what somebody does at another process.
pub(super) const EVERY: Duration = Duration::from_millis(500);

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
            let mut running = self.0.0.running.lock().await;
            self.0.follow(&mut running).await?;
        }
    }
}

impl Sources {
    /// Has here what the list says. What can be done is, before it tells of what cannot.
    pub(super) async fn follow(&self, running: &mut Running) -> Result<(), SourcesError> {
        let listed = store::all(&self.0.list).await?;
        let listed: BTreeMap<_, _> = listed.into_iter().map(|kept| (kept.name.clone(), kept)).collect();
        let is_gone = |(name, source): (&String, &Source)| {
            let is_here = listed.get(name).is_some_and(|kept| kept.sealed == source.kept.sealed);
            (!is_here).then(|| name.clone())
        };
        for name in running.iter().filter_map(is_gone).collect::<Vec<_>>() {
            if let Some(mut source) = running.remove(&name) {
                info!(source = name, "it was taken away by another process");
                source.stop().await;
            }
        }
        let mut outcome = Ok(());
        for (name, kept) in listed {
            if !running.contains_key(&name) {
                match self.listed(&kept) {
                    Ok(source) => drop(running.insert(name.clone(), source)),
                    Err(why) => outcome = outcome.and(Err(why)),
                }
            }
            if let Some(source) = running.get_mut(&name) {
                self.bring_to(source, kept).await;
            }
        }
        outcome
    }

    fn listed(&self, kept: &Kept) -> Result<Source, SourcesError> {
        let json = kept.config(&self.0.options.vault)?;
        let config = SourceConfig::read(&json)?;
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
        if !source.kept.is_paused && source.work.is_none() {
            self.start(source).await;
        }
    }
}
