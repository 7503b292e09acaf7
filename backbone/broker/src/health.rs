//! Whether the disk still takes what a message needs: an entry of the broker's own, written and synced.
//!
//! Pulsar sends a message through a topic of the broker's and reads it back. What can fail of that here is the disk,
//! so this writes straight to the log, beside all topics: nobody sees it, and it costs one sync, which it shares with
//! the messages that wait at the time.

use std::{sync::Arc, time::Duration};

use hexalpes_log::{AppendError, Appended, FileError, Receipts, TopicId};
use parking_lot::Mutex;
use tokio::{sync::oneshot, time::timeout};

use crate::Broker;

/// The metadata numbers topics from 1. A start removes it, as everything in the log that has no name.
const TOPIC: TopicId = TopicId(0);
/// So many entries are kept at most: the topic is deleted then, and begins anew.
const ENTRIES_MAX: u64 = 1000;

/// Why messages would not be stored at the moment.
#[derive(Debug, thiserror::Error)]
pub enum HealthError {
    #[error(transparent)]
    Log(#[from] AppendError),
    #[error("the log could not be written: {0}")]
    Disk(String),
    #[error("the disk has not synced an entry within {} ms", within.as_millis())]
    Slow { within: Duration },
}

impl Broker {
    /// Writes an entry of the broker's own, and waits for its receipt.
    pub async fn check_log(&self, within: Duration) -> Result<(), HealthError> {
        let log = &self.shared.log;
        let (told, receipt) = oneshot::channel();
        let told: Arc<dyn Receipts> = Arc::new(Told(Mutex::new(Some(told))));
        let position = log.append(TOPIC, 0, &[], &told, 0)?;
        if position.entry + 1 >= ENTRIES_MAX {
            log.delete_topic(TOPIC)?;
        }
        // On the log's own thread: this one has other things to do than to wait for the disk.
        log.wake();
        drop(told);
        let slow = |_| HealthError::Slow { within };
        let receipt = timeout(within, receipt).await.map_err(slow)?;
        receipt.unwrap_or_else(|_| Err("nobody was told of it".to_owned())).map_err(HealthError::Disk)
    }
}

/// Passes on what became of one entry.
struct Told(Mutex<Option<oneshot::Sender<Result<(), String>>>>);

impl Told {
    fn tell(&self, what: Result<(), String>) {
        if let Some(waiting) = self.0.lock().take() {
            // Who asked may have gone.
            let _ = waiting.send(what);
        }
    }
}

impl Receipts for Told {
    fn synced(&self, _: &[Appended]) {
        self.tell(Ok(()));
    }

    fn failed(&self, _: &[Appended], cause: &FileError) {
        self.tell(Err(cause.to_string()));
    }
}

#[cfg(test)]
mod tests {
    use hexalpes_files::ForgetfulFiles;
    use hexalpes_log::Position;

    use super::*;
    use crate::BrokerOptions;

    const LONG: Duration = Duration::from_secs(20);

    fn open(disk: &ForgetfulFiles) -> Broker {
        let options = BrokerOptions::new("/data", "pulsar://broker.test:6650");
        Broker::open(BrokerOptions { files: Arc::new(disk.clone()), ..options }).unwrap()
    }

    #[tokio::test]
    async fn checks_leave_no_more_than_a_few_entries_and_after_a_start_none() {
        let disk = ForgetfulFiles::new();
        let broker = open(&disk);
        let kept = |broker: &Broker| {
            let end = Position::new(u64::MAX, 0);
            broker.shared.log.entries_between(TOPIC, Position::EARLIEST, end)
        };
        for _ in 0..ENTRIES_MAX + 10 {
            broker.check_log(LONG).await.unwrap();
        }
        assert_eq!(kept(&broker), 10);
        broker.close().await.unwrap();
        drop(broker);
        let broker = open(&disk);
        assert_eq!(kept(&broker), 0);
        broker.check_log(LONG).await.unwrap();
        broker.close().await.unwrap();
    }

    #[tokio::test]
    async fn after_a_sync_that_failed_no_check_succeeds() {
        let disk = ForgetfulFiles::new();
        let broker = open(&disk);
        broker.check_log(LONG).await.unwrap();
        disk.fail_sync(1);
        assert!(matches!(broker.check_log(LONG).await, Err(HealthError::Disk(_))));
        assert!(matches!(broker.check_log(LONG).await, Err(HealthError::Log(AppendError::Stopped(_)))));
        broker.close().await.unwrap_err();
    }
}
