//! A server whose log a relay reads.

use std::{fmt, sync::Arc};

use futures::{FutureExt as _, future::BoxFuture};
use hexalpes_capture::{Inserted, Log, LogError, Position, Snapshot, Step, Value};

/// How the log of a database is asked for: that of the table `outbox_event` alone.
pub trait LogSource: Send + Sync + 'static {
    type Log: Log + 'static;
    type Snapshot: Snapshot + 'static;

    /// Whether the database is set up so that its log can be read, and nobody else reads it.
    fn check(&self) -> impl Future<Output = Result<(), LogError>> + Send;

    /// Which log it is: another one after a failover, whose positions say nothing of this one's. Behind a `#`, where it is
    /// there, what lets the log have the table's rows: where that is another, it may lack some.
    fn identity(&self) -> impl Future<Output = Result<String, LogError>> + Send;

    /// Asked for once, before a log is read for the first time or anew: from where on it is kept for us, which need not be earlier
    /// than now. What has to be there for that is made if it is missing, so that nobody asks again who has a place in the log
    /// already.
    fn begin(&self) -> impl Future<Output = Result<Position, LogError>> + Send;

    /// Where the log ends now. Asked while it is open.
    fn end(&self) -> impl Future<Output = Result<Position, LogError>> + Send;

    fn open(&self, from: &Position) -> impl Future<Output = Result<Self::Log, LogError>> + Send;

    /// The table's rows, by `seq`.
    fn snapshot(&self) -> impl Future<Output = Result<Self::Snapshot, LogError>> + Send;
}

/// The same, whichever it is.
pub(crate) trait AnySource: Send + Sync {
    fn check(&self) -> BoxFuture<'_, Result<(), LogError>>;
    fn identity(&self) -> BoxFuture<'_, Result<String, LogError>>;
    fn begin(&self) -> BoxFuture<'_, Result<Position, LogError>>;
    fn end(&self) -> BoxFuture<'_, Result<Position, LogError>>;
    fn open<'a>(&'a self, from: &'a Position) -> BoxFuture<'a, Result<Box<dyn AnyLog>, LogError>>;
    fn snapshot(&self) -> BoxFuture<'_, Result<Box<dyn AnySnapshot>, LogError>>;
}

impl<S: LogSource> AnySource for S {
    fn check(&self) -> BoxFuture<'_, Result<(), LogError>> {
        LogSource::check(self).boxed()
    }

    fn identity(&self) -> BoxFuture<'_, Result<String, LogError>> {
        LogSource::identity(self).boxed()
    }

    fn begin(&self) -> BoxFuture<'_, Result<Position, LogError>> {
        LogSource::begin(self).boxed()
    }

    fn end(&self) -> BoxFuture<'_, Result<Position, LogError>> {
        LogSource::end(self).boxed()
    }

    fn open<'a>(&'a self, from: &'a Position) -> BoxFuture<'a, Result<Box<dyn AnyLog>, LogError>> {
        async move { Ok(Box::new(LogSource::open(self, from).await?) as Box<dyn AnyLog>) }.boxed()
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Box<dyn AnySnapshot>, LogError>> {
        async move { Ok(Box::new(LogSource::snapshot(self).await?) as Box<dyn AnySnapshot>) }.boxed()
    }
}

impl fmt::Debug for dyn AnySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnySource")
    }
}

/// A [`Log`], whichever it is.
pub(crate) trait AnyLog: Send {
    fn next(&mut self) -> BoxFuture<'_, Result<Step, LogError>>;
    fn confirm<'a>(&'a mut self, through: &'a Position) -> BoxFuture<'a, Result<(), LogError>>;
    fn behind(&mut self) -> BoxFuture<'_, Result<Option<u64>, LogError>>;
    fn columns(&self) -> Option<Arc<[String]>>;
    fn expect(&mut self, columns: &[String]);
}

impl<L: Log> AnyLog for L {
    fn next(&mut self) -> BoxFuture<'_, Result<Step, LogError>> {
        Log::next(self).boxed()
    }

    fn confirm<'a>(&'a mut self, through: &'a Position) -> BoxFuture<'a, Result<(), LogError>> {
        Log::confirm(self, through).boxed()
    }

    fn behind(&mut self) -> BoxFuture<'_, Result<Option<u64>, LogError>> {
        Log::behind(self).boxed()
    }

    fn columns(&self) -> Option<Arc<[String]>> {
        Log::columns(self)
    }

    fn expect(&mut self, columns: &[String]) {
        Log::expect(self, columns);
    }
}

/// A [`Snapshot`], whichever it is.
pub(crate) trait AnySnapshot: Send {
    fn position(&self) -> &Position;
    fn after<'a>(
        &'a mut self,
        key: Option<&'a Value>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Inserted>, LogError>>;
    fn above<'a>(
        &'a mut self,
        keys: &'a [Value],
        key: &'a Value,
    ) -> BoxFuture<'a, Result<Vec<bool>, LogError>>;
}

impl<S: Snapshot> AnySnapshot for S {
    fn position(&self) -> &Position {
        Snapshot::position(self)
    }

    fn after<'a>(
        &'a mut self,
        key: Option<&'a Value>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Inserted>, LogError>> {
        Snapshot::after(self, key, limit).boxed()
    }

    fn above<'a>(
        &'a mut self,
        keys: &'a [Value],
        key: &'a Value,
    ) -> BoxFuture<'a, Result<Vec<bool>, LogError>> {
        Snapshot::above(self, keys, key).boxed()
    }
}
