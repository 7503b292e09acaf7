//! That a number is this reader's, among all readers of ours.

use std::time::Duration;

use hexalpes_capture::{LogError, Mend};
use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;
use tokio::task::JoinHandle;
use tokio::time;

use crate::connection::{answered, connect, run};
use crate::options::BinlogOptions;
use crate::server::Server;

/// A claim that has not been heard of for so long is free again: its machine may be gone without a word.
const SILENCE_MAX_SECONDS: u32 = 15;
const HEARD_EVERY: Duration = Duration::from_secs(3);

/// A server would end the other reader of a number instead of this one, so each claims its own: with a lock that lasts as
/// long as its connection, and that as long as it is heard of.
#[derive(Debug)]
pub(crate) struct Claim {
    server_id: u32,
    /// The server's number of the connection.
    id: u32,
    connection: JoinHandle<()>,
}

impl Claim {
    pub(crate) async fn take(options: &BinlogOptions) -> Result<Self, LogError> {
        let server_id = options.server_id;
        let mut connection = connect(&options.url).await?;
        let got: Option<Option<u8>> =
            answered(connection.exec_first("SELECT GET_LOCK(?, 0)", (lock(server_id),))).await?;
        if got.flatten() != Some(1) {
            return Err(taken(server_id));
        }
        run(&mut connection, &format!("SET SESSION wait_timeout = {SILENCE_MAX_SECONDS}")).await?;
        let id = connection.id();
        Ok(Self { server_id, id, connection: tokio::spawn(be_heard_of(connection)) })
    }

    /// Whether it is this reader's still.
    pub(crate) async fn stands(&self, server: &mut Server) -> Result<(), LogError> {
        if holder(server, self.server_id).await? == Some(self.id) {
            Ok(())
        } else {
            Err(taken(self.server_id))
        }
    }
}

/// Whether nobody has the number now.
pub(crate) async fn is_free(server: &mut Server, server_id: u32) -> Result<(), LogError> {
    match holder(server, server_id).await? {
        None => Ok(()),
        Some(_) => Err(taken(server_id)),
    }
}

/// The server's number of the connection that has it.
async fn holder(server: &mut Server, server_id: u32) -> Result<Option<u32>, LogError> {
    let ask = server.connection.exec_first("SELECT IS_USED_LOCK(?)", (lock(server_id),));
    let holder: Option<Option<u32>> = answered(ask).await?;
    Ok(holder.flatten())
}

fn lock(server_id: u32) -> String {
    format!("hexalpes-binlog-{server_id}")
}

fn taken(server_id: u32) -> LogError {
    LogError::Taken {
        what: format!("the server id {server_id}"),
        mend: Mend("end the other reader, or give this one a server id of its own".to_owned()),
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

/// Beside the log: whoever reads it may wait for long. A claim that is lost needs no word: the server ends this reader when
/// another one begins.
async fn be_heard_of(mut connection: Conn) {
    loop {
        time::sleep(HEARD_EVERY).await;
        if answered(connection.ping()).await.is_err() {
            break;
        }
    }
}
