//! Listing the topics of a namespace, and watching the list change.

use prost::{Enumeration, Message};

/// Asks for the topics of a namespace.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct CommandGetTopicsOfNamespace {
    #[prost(uint64, required, tag = "1")]
    pub request_id: u64,
    /// `tenant/namespace`.
    #[prost(string, required, tag = "2")]
    pub namespace: String,
    #[prost(enumeration = "TopicsMode", optional, tag = "3", default = "Persistent")]
    pub mode: Option<i32>,
    /// A regular expression that names must match.
    #[prost(string, optional, tag = "4")]
    pub topics_pattern: Option<String>,
    /// The hash of the list that the client has; an equal one need not be sent again.
    #[prost(string, optional, tag = "5")]
    pub topics_hash: Option<String>,
}

/// Which domains a listing covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub enum TopicsMode {
    Persistent = 0,
    NonPersistent = 1,
    All = 2,
}

/// The answer to [`CommandGetTopicsOfNamespace`].
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct CommandGetTopicsOfNamespaceResponse {
    #[prost(uint64, required, tag = "1")]
    pub request_id: u64,
    #[prost(string, repeated, tag = "2")]
    pub topics: Vec<String>,
    /// Whether the pattern was applied.
    #[prost(bool, optional, tag = "3", default = "false")]
    pub filtered: Option<bool>,
    #[prost(string, optional, tag = "4")]
    pub topics_hash: Option<String>,
    /// False when the client's list still holds, and `topics` is empty for that reason.
    #[prost(bool, optional, tag = "5", default = "true")]
    pub changed: Option<bool>,
}

/// Asks to be told when topics that match come and go.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct CommandWatchTopicList {
    #[prost(uint64, required, tag = "1")]
    pub request_id: u64,
    #[prost(uint64, required, tag = "2")]
    pub watcher_id: u64,
    #[prost(string, required, tag = "3")]
    pub namespace: String,
    #[prost(string, required, tag = "4")]
    pub topics_pattern: String,
    #[prost(string, optional, tag = "5")]
    pub topics_hash: Option<String>,
}

/// The watch is on; this is the list now.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct CommandWatchTopicListSuccess {
    #[prost(uint64, required, tag = "1")]
    pub request_id: u64,
    #[prost(uint64, required, tag = "2")]
    pub watcher_id: u64,
    #[prost(string, repeated, tag = "3")]
    pub topic: Vec<String>,
    #[prost(string, required, tag = "4")]
    pub topics_hash: String,
}

/// What came and went.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct CommandWatchTopicUpdate {
    #[prost(uint64, required, tag = "1")]
    pub watcher_id: u64,
    #[prost(string, repeated, tag = "2")]
    pub new_topics: Vec<String>,
    #[prost(string, repeated, tag = "3")]
    pub deleted_topics: Vec<String>,
    #[prost(string, required, tag = "4")]
    pub topics_hash: String,
}

/// Ends a watch.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Message)]
pub struct CommandWatchTopicListClose {
    #[prost(uint64, required, tag = "1")]
    pub request_id: u64,
    #[prost(uint64, required, tag = "2")]
    pub watcher_id: u64,
}
