//! The last message of each key of a topic, held in memory and kept up to date.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::consumer::Message;
use crate::error::{ConsumeError, OpenError};
use crate::reader::Reader;

/// A topic as a table. A message without a key is no row, and one without a value (or an empty one) takes its row away.
///
/// It holds all rows: for topics whose keys fit into memory.
#[derive(Debug)]
pub struct TableView {
    rows: Arc<RwLock<HashMap<String, Message>>>,
    state: watch::Receiver<State>,
    reading: JoinHandle<()>,
}

/// How far the view is.
#[derive(Clone, Debug, Default)]
struct State {
    /// Messages that were taken in.
    taken: u64,
    /// Why it goes no further.
    ended: Option<String>,
}

impl TableView {
    /// Reads all that the topic has, and goes on in the background.
    pub(crate) async fn open(reader: Reader) -> Result<Self, OpenError> {
        let rows = Arc::new(RwLock::new(HashMap::new()));
        let mut taken = 0;
        while reader.has_message_available().await? {
            take_in(&rows, reader.next().await?);
            taken += 1;
        }
        let (tell, state) = watch::channel(State { taken, ended: None });
        let reading = tokio::spawn(follow(reader, Arc::clone(&rows), tell));
        Ok(Self { rows, state, reading })
    }

    /// The message that has the value of a key now.
    pub fn get(&self, key: &str) -> Option<Message> {
        self.rows.read().get(key).cloned()
    }

    pub fn len(&self) -> usize {
        self.rows.read().len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.read().is_empty()
    }

    /// All rows as they are now.
    pub fn snapshot(&self) -> HashMap<String, Message> {
        self.rows.read().clone()
    }

    /// Waits for the next change after the last call, or after opening. An error when there will be none.
    pub async fn changed(&mut self) -> Result<(), ConsumeError> {
        let ended = |state: &State| state.ended.clone().unwrap_or_else(|| "the view was closed".to_owned());
        if self.state.changed().await.is_err() {
            return Err(ConsumeError::Ended { reason: ended(&self.state.borrow()) });
        }
        let state = self.state.borrow_and_update();
        match &state.ended {
            Some(reason) => Err(ConsumeError::Ended { reason: reason.clone() }),
            None => Ok(()),
        }
    }
}

impl Drop for TableView {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

async fn follow(reader: Reader, rows: Arc<RwLock<HashMap<String, Message>>>, tell: watch::Sender<State>) {
    loop {
        match reader.next().await {
            Ok(message) => {
                take_in(&rows, message);
                tell.send_modify(|state| state.taken += 1);
            }
            Err(error) => {
                tracing::error!(reason = %error, "a table view is not kept up to date any more");
                return tell.send_modify(|state| state.ended = Some(error.to_string()));
            }
        }
    }
}

fn take_in(rows: &RwLock<HashMap<String, Message>>, message: Message) {
    let Some(key) = message.key.clone() else { return };
    let mut rows = rows.write();
    if message.is_null || message.payload.is_empty() {
        rows.remove(&key);
    } else {
        rows.insert(key, message);
    }
}
