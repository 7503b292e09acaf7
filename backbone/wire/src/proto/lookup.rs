//! Which broker serves a topic, and in how many partitions.

use prost::{Enumeration, Message};

use super::ServerError;

/// Asks how many partitions a topic has.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct CommandPartitionedTopicMetadata {
    #[prost(string, required, tag = "1")]
    pub topic: String,
    #[prost(uint64, required, tag = "2")]
    pub request_id: u64,
    #[prost(string, optional, tag = "3")]
    pub original_principal: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub original_auth_data: Option<String>,
    #[prost(string, optional, tag = "5")]
    pub original_auth_method: Option<String>,
    /// Whether asking may create the topic.
    #[prost(bool, optional, tag = "6", default = "true")]
    pub metadata_auto_creation_enabled: Option<bool>,
}

/// The answer; `partitions` is 0 for a topic without any.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct CommandPartitionedTopicMetadataResponse {
    #[prost(uint32, optional, tag = "1")]
    pub partitions: Option<u32>,
    #[prost(uint64, required, tag = "2")]
    pub request_id: u64,
    #[prost(enumeration = "PartitionedMetadataOutcome", optional, tag = "3")]
    pub response: Option<i32>,
    #[prost(enumeration = "ServerError", optional, tag = "4")]
    pub error: Option<i32>,
    #[prost(string, optional, tag = "5")]
    pub message: Option<String>,
}

/// Whether the question for partitions was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub enum PartitionedMetadataOutcome {
    Success = 0,
    Failed = 1,
}

/// Asks which broker serves a topic.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct CommandLookupTopic {
    #[prost(string, required, tag = "1")]
    pub topic: String,
    #[prost(uint64, required, tag = "2")]
    pub request_id: u64,
    /// Set when a redirect said so: the asked broker must not redirect again.
    #[prost(bool, optional, tag = "3", default = "false")]
    pub authoritative: Option<bool>,
    #[prost(string, optional, tag = "4")]
    pub original_principal: Option<String>,
    #[prost(string, optional, tag = "5")]
    pub original_auth_data: Option<String>,
    #[prost(string, optional, tag = "6")]
    pub original_auth_method: Option<String>,
    #[prost(string, optional, tag = "7")]
    pub advertised_listener_name: Option<String>,
}

/// The answer: connect there, or ask there, or neither.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct CommandLookupTopicResponse {
    /// `pulsar://host:port`.
    #[prost(string, optional, tag = "1")]
    pub broker_service_url: Option<String>,
    /// `pulsar+ssl://host:port`.
    #[prost(string, optional, tag = "2")]
    pub broker_service_url_tls: Option<String>,
    #[prost(enumeration = "LookupOutcome", optional, tag = "3")]
    pub response: Option<i32>,
    #[prost(uint64, required, tag = "4")]
    pub request_id: u64,
    #[prost(bool, optional, tag = "5", default = "false")]
    pub authoritative: Option<bool>,
    #[prost(enumeration = "ServerError", optional, tag = "6")]
    pub error: Option<i32>,
    #[prost(string, optional, tag = "7")]
    pub message: Option<String>,
    /// Reach that broker through the service URL (a proxy), not directly.
    #[prost(bool, optional, tag = "8", default = "false")]
    pub proxy_through_service_url: Option<bool>,
}

/// What a lookup came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub enum LookupOutcome {
    Redirect = 0,
    Connect = 1,
    Failed = 2,
}

/// The topic moved to another cluster; reconnect there.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct CommandTopicMigrated {
    /// A producer's or a consumer's id, as `resource_type` says.
    #[prost(uint64, required, tag = "1")]
    pub resource_id: u64,
    #[prost(enumeration = "MigratedResource", required, tag = "2")]
    pub resource_type: i32,
    #[prost(string, optional, tag = "3")]
    pub broker_service_url: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub broker_service_url_tls: Option<String>,
}

/// What [`CommandTopicMigrated`] speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub enum MigratedResource {
    Producer = 0,
    Consumer = 1,
}
