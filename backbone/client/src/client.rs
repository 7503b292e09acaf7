//! The client: what producers and consumers of one service URL share.

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use hexalpes_wire::TopicName;
use hexalpes_wire::proto::ServerError;
use tokio_util::sync::CancellationToken;

use crate::address::Address;
use crate::connection::{Connection, Dialer};
use crate::consumer::{Consumer, ConsumerOptions, Source, Start, TopicPattern};
use crate::error::{ClientError, OpenError, RequestError};
use crate::lookup;
use crate::options::ClientOptions;
use crate::pool::Pool;
use crate::producer::{Producer, ProducerOptions};
use crate::reader::{Reader, ReaderOptions};
use crate::schema::{self, VersionedSchema};
use crate::table_view::TableView;

/// A handle; clones share their connections, which close with the last producer, consumer and clone.
#[derive(Clone, Debug)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) pool: Pool,
    pub(crate) options: ClientOptions,
    gate: CancellationToken,
}

/// While it is there, what producers send gathers. See [`Client::hold`].
#[must_use = "what is sent gathers for as long as this is there"]
#[derive(Debug)]
pub struct Held {
    connections: Vec<Arc<Connection>>,
}

impl Drop for Held {
    fn drop(&mut self) {
        for connection in &self.connections {
            connection.release();
        }
    }
}

impl Client {
    /// Has what is sent to a broker until the guard is dropped leave in one piece, also by different producers: what arrives
    /// together is stored together, with one sync. Not more than some kilobytes, and not what somebody waits for: then it
    /// leaves as ever. Nothing but sends may be awaited meanwhile, for a request would be held as well.
    pub fn hold(&self) -> Held {
        let connections = self.inner.pool.connections();
        for connection in &connections {
            connection.hold();
        }
        Held { connections }
    }

    /// Checks the options. Nothing is dialled before something is opened.
    pub fn new(options: ClientOptions) -> Result<Self, ClientError> {
        let client = Self::gated(options, CancellationToken::new())?;
        client.inner.gate.cancel();
        Ok(client)
    }

    /// [`Client::new`] for topics that somebody prepares first: producers and consumers that are opened wait,
    /// for however long, until `gate` is cancelled.
    pub fn gated(options: ClientOptions, gate: CancellationToken) -> Result<Self, ClientError> {
        let service = Address::parse_all(&options.service_url)?;
        let dialer = Dialer::new(&options, service.iter().any(|address| address.tls))?;
        Ok(Self { inner: Arc::new(Inner { pool: Pool::new(dialer, service), options, gate }) })
    }

    /// [`Client::new`], and a first connection, so that a broker that is not there is noticed now.
    pub async fn connect(options: ClientOptions) -> Result<Self, ClientError> {
        let client = Self::new(options)?;
        client.inner.pool.service().await?;
        Ok(client)
    }

    /// Opens a producer on a topic or one of its partitions, trying for as long as an operation may take.
    pub async fn producer(&self, topic: &str, options: ProducerOptions) -> Result<Producer, OpenError> {
        let (topic, partitions) = self.topic(topic).await?;
        Producer::open(Arc::clone(&self.inner), topic, partitions, options).await
    }

    /// Subscribes to a topic or one of its partitions, trying for as long as an operation may take.
    pub async fn consumer(&self, topic: &str, options: ConsumerOptions) -> Result<Consumer, OpenError> {
        self.consumer_of([topic], options).await
    }

    /// Subscribes to several topics as one.
    pub async fn consumer_of(
        &self,
        topics: impl IntoIterator<Item = &str>,
        options: ConsumerOptions,
    ) -> Result<Consumer, OpenError> {
        let topics = topics.into_iter().map(TopicName::parse).collect::<Result<_, _>>()?;
        self.subscribe(Source::Topics(topics), options).await
    }

    /// Subscribes to all topics that match, now and later; none need be there yet.
    pub async fn consumer_matching(
        &self,
        pattern: TopicPattern,
        options: ConsumerOptions,
    ) -> Result<Consumer, OpenError> {
        self.subscribe(Source::Pattern(pattern), options).await
    }

    async fn subscribe(&self, source: Source, options: ConsumerOptions) -> Result<Consumer, OpenError> {
        self.inner.gate.cancelled().await;
        let start = Start::Subscription(options.initial_position);
        Consumer::open(Arc::clone(&self.inner), source, options, start).await
    }

    /// Opens a reader on a topic or one of its partitions, trying for as long as an operation may take.
    pub async fn reader(&self, topic: &str, options: ReaderOptions) -> Result<Reader, OpenError> {
        let topic = TopicName::parse(topic)?;
        self.inner.gate.cancelled().await;
        Reader::open(Arc::clone(&self.inner), topic, options).await
    }

    /// Reads a topic as a table of its keys, from its beginning, compacted where it was compacted.
    pub async fn table_view(&self, topic: &str) -> Result<TableView, OpenError> {
        let options =
            ReaderOptions { name: "table-view".to_owned(), compacted: true, ..ReaderOptions::default() };
        TableView::open(self.reader(topic, options).await?).await
    }

    /// The schema of that version on a topic, or the newest one; none if the topic has none.
    pub async fn schema(
        &self,
        topic: &str,
        version: Option<&Bytes>,
    ) -> Result<Option<VersionedSchema>, OpenError> {
        schema::of(&self.inner, &TopicName::parse(topic)?, version).await
    }

    /// How many partitions a topic has, 0 for none; `None` if it is not there, and asking does not make it.
    pub async fn partitions(&self, topic: &str) -> Result<Option<u32>, OpenError> {
        let topic = TopicName::parse(topic)?;
        self.inner.gate.cancelled().await;
        match self.inner.insist(|| lookup::partitions_of(&self.inner.pool, &topic, false)).await {
            Ok(partitions) => Ok(Some(partitions)),
            Err(OpenError::Request(RequestError::Refused(refusal)))
                if refusal.error == ServerError::TopicNotFound =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// A topic, and how many partitions it has; 0 for none. It is made if it is not there and the broker makes
    /// topics on demand.
    async fn topic(&self, name: &str) -> Result<(TopicName, u32), OpenError> {
        let topic = TopicName::parse(name)?;
        self.inner.gate.cancelled().await;
        let partitions = match topic.partition() {
            Some(_) => 0,
            None => self.inner.insist(|| lookup::partitions(&self.inner.pool, &topic)).await?,
        };
        Ok((topic, partitions))
    }
}

impl Inner {
    /// Looks from time to time, until the topic has more partitions than are known: how many.
    pub(crate) async fn more_partitions(&self, topic: &TopicName, known: u32) -> u32 {
        loop {
            tokio::time::sleep(self.options.discovery_interval).await;
            match lookup::partitions(&self.pool, topic).await {
                Ok(partitions) if partitions > known => return partitions,
                Ok(_) => {}
                Err(error) => tracing::debug!(%topic, reason = %error, "cannot look for new partitions"),
            }
        }
    }

    /// Tries again what may succeed later, until the operation timeout.
    pub(crate) async fn insist<T, F>(&self, mut attempt: impl FnMut() -> F) -> Result<T, OpenError>
    where
        F: Future<Output = Result<T, OpenError>>,
    {
        let timeout = self.options.operation_timeout;
        let deadline = tokio::time::Instant::now() + timeout;
        let mut delays = self.options.backoff.delays();
        loop {
            let error = match attempt().await {
                Ok(value) => return Ok(value),
                Err(error) if error.is_transient() => error,
                Err(error) => return Err(error),
            };
            let delay = delays.next().unwrap_or(self.options.backoff.delay_max);
            if tokio::time::Instant::now() + delay >= deadline {
                return Err(OpenError::TimedOut { timeout, last: Box::new(error) });
            }
            tracing::debug!(reason = %error, "trying again");
            tokio::time::sleep(delay).await;
        }
    }
}
