//! Notifications as they are started, looked at and stopped.

use std::sync::Arc;

use hexalpes_client::Client;
use hexalpes_db::Db;
use hexalpes_files::Files;
use hexalpes_kernel::Edge;
use hexalpes_worker::Worker;
use parking_lot::Mutex;

use crate::{
    job::Work,
    options::NotificationsOptions,
    status::Status,
    trail::{Place, TrailError},
};

/// Why notifications did not start: the file or the inbox is not usable.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct StartError(#[from] TrailError);

/// Why a reset was not done, or not all of it; it can be tried again.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct ResetError(#[from] TrailError);

/// Notifications at work. Stop them; dropping leaves them working until the process ends.
#[derive(Debug)]
pub struct Notifications {
    worker: Worker,
    counted: Arc<Mutex<Status>>,
}

impl Notifications {
    /// Reads in what the file has, then subscribes in the background, as often as it takes.
    pub async fn start(
        db: Db,
        client: Client,
        files: Arc<dyn Files>,
        edge: Arc<dyn Edge>,
        options: NotificationsOptions,
    ) -> Result<Self, StartError> {
        let place = Place { db, edge, files, options };
        let trail = place.open().await?;
        let (offset, files_put_aside) = (trail.end(), trail.rotated());
        let counted = Arc::new(Mutex::new(Status { offset, files_put_aside, ..Status::default() }));
        let work = Work { client, place, counted: Arc::clone(&counted) };
        Ok(Self { worker: Worker::start("notifications", work), counted })
    }

    pub fn status(&self) -> Status {
        self.counted.lock().clone().with(self.worker.state())
    }

    /// For what outlives the borrow, such as an HTTP route.
    pub fn status_reader(&self) -> impl Fn() -> Status + Clone + Send + Sync + 'static + use<> {
        let (states, counted) = (self.worker.states(), Arc::clone(&self.counted));
        move || counted.lock().clone().with(states.borrow().clone())
    }

    /// Ends after the batch that is being written; what is left comes at the next start.
    pub async fn stop(self) {
        self.worker.stop().await;
    }
}

/// Whether a start would be refused because the file has lost lines; nothing is changed.
pub async fn check(
    db: Db,
    files: Arc<dyn Files>,
    edge: Arc<dyn Edge>,
    options: NotificationsOptions,
) -> Result<(), StartError> {
    Ok(Place { db, edge, files, options }.check().await?)
}

/// Removes the lines, also those in files put aside, and forgets which events had one. Notifications must not
/// be running. Events that the subscription has acked do not come again by this.
pub async fn reset(
    db: Db,
    files: Arc<dyn Files>,
    edge: Arc<dyn Edge>,
    options: NotificationsOptions,
) -> Result<(), ResetError> {
    Ok(Place { db, edge, files, options }.reset().await?)
}
