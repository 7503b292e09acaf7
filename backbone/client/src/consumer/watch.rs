//! Hears from a broker when topics that match come or go, so that nobody has to look for them from time to time.
//!
//! What came is not taken from the update: whoever hears of one looks at the list, as without a watch.

use std::future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hexalpes_wire::frame::Frame;
use hexalpes_wire::proto::{Command, CommandWatchTopicList, CommandWatchTopicListClose};
use tokio::sync::Notify;
use tokio::time;

use super::source::{Source, TopicPattern};
use crate::client;
use crate::connection::Route;
use crate::error::OpenError;
use crate::link::{Link, Opening};
use crate::lookup;

/// Keeps a watch on what a consumer consumes, where there can be one.
#[derive(Debug, Default)]
pub(super) struct Watching {
    watch: Option<Watch>,
    /// The broker said no, and would again.
    refused: bool,
}

impl Watching {
    /// Resolves when there may be something new. May be dropped and called again; nothing is missed meanwhile.
    pub(super) async fn news(&mut self, client: &client::Inner, source: &Source) {
        let Source::Pattern(pattern) = source else { return future::pending().await };
        if let Some(watch) = &self.watch {
            if !watch.changed().await {
                self.watch = None;
            }
            return;
        }
        let mut delays = client.options.backoff.delays();
        while !self.refused {
            match Watch::open(client, pattern).await {
                // What came before it was on, nobody tells.
                Ok(Some(watch)) => {
                    self.watch = Some(watch);
                    return;
                }
                Ok(None) => break,
                Err(error) if error.is_transient() => {
                    tracing::debug!(?pattern, reason = %error, "cannot watch topics yet");
                    time::sleep(delays.next().unwrap_or(client.options.backoff.delay_max)).await;
                }
                Err(error) => {
                    tracing::debug!(?pattern, reason = %error, "topics are looked for from time to time");
                    self.refused = true;
                }
            }
        }
        future::pending::<()>().await;
    }
}

/// A watch that is on, until its connection is lost; dropped, it is ended.
#[derive(Debug)]
pub(super) struct Watch {
    link: Link,
    news: Arc<News>,
}

#[derive(Debug, Default)]
struct News {
    arrived: Notify,
    lost: AtomicBool,
}

impl Route for News {
    fn on_frame(&self, _: u64, _: Frame) {
        self.arrived.notify_one();
    }

    fn on_lost(&self, _: u64) {
        self.lost.store(true, Ordering::Release);
        self.arrived.notify_one();
    }
}

fn close(watcher_id: u64, request_id: u64) -> Command {
    Command::WatchTopicListClose(CommandWatchTopicListClose { request_id, watcher_id })
}

impl Watch {
    /// None where the broker does not do such a thing.
    pub(super) async fn open(
        client: &client::Inner,
        pattern: &TopicPattern,
    ) -> Result<Option<Self>, OpenError> {
        let (connection, _) = client.pool.service().await?;
        if !connection.watches_topics() {
            return Ok(None);
        }
        let news = Arc::new(News::default());
        let route: Arc<dyn Route> = Arc::<News>::clone(&news);
        let opening = Opening::begin(Arc::clone(&connection), route, close)?;
        let watcher_id = opening.link().id;
        let answer = connection
            .request(|request_id| {
                Command::WatchTopicList(CommandWatchTopicList {
                    request_id,
                    watcher_id,
                    namespace: pattern.namespace().to_owned(),
                    topics_pattern: pattern.text().to_owned(),
                    topics_hash: None,
                })
            })
            .await?;
        let Command::WatchTopicListSuccess(_) = answer else {
            return Err(lookup::unexpected("WATCH_TOPIC_LIST", &answer).into());
        };
        Ok(Some(Self { link: opening.finish(), news }))
    }

    /// Resolves when there may be something new; false once nothing more will be heard.
    pub(super) async fn changed(&self) -> bool {
        self.news.arrived.notified().await;
        !self.news.lost.load(Ordering::Acquire)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.link.detach();
    }
}
