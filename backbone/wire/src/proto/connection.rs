//! Opening a connection, proving who one is, keeping it alive.

use std::fmt;

use bytes::Bytes;
use prost::{Enumeration, Message};

use super::ServerError;

/// The client's first command.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
#[prost(skip_debug)]
pub struct CommandConnect {
    #[prost(string, required, tag = "1")]
    pub client_version: String,
    /// What `auth_method_name` replaced.
    #[prost(enumeration = "AuthMethod", optional, tag = "2")]
    pub auth_method: Option<i32>,
    /// `token`, `basic`, `tls`, or absent.
    #[prost(string, optional, tag = "5")]
    pub auth_method_name: Option<String>,
    #[prost(bytes = "bytes", optional, tag = "3")]
    pub auth_data: Option<Bytes>,
    #[prost(int32, optional, tag = "4", default = "0")]
    pub protocol_version: Option<i32>,
    /// Asks a proxy to connect on to this broker (`host:port`).
    #[prost(string, optional, tag = "6")]
    pub proxy_to_broker_url: Option<String>,
    /// Who a proxy speaks for; the fields above are then the proxy's own.
    #[prost(string, optional, tag = "7")]
    pub original_principal: Option<String>,
    #[prost(string, optional, tag = "8")]
    pub original_auth_data: Option<String>,
    #[prost(string, optional, tag = "9")]
    pub original_auth_method: Option<String>,
    #[prost(message, optional, tag = "10")]
    pub feature_flags: Option<FeatureFlags>,
    #[prost(string, optional, tag = "11")]
    pub proxy_version: Option<String>,
}

/// Names the method and leaves the secret out.
impl fmt::Debug for CommandConnect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandConnect")
            .field("client_version", &self.client_version)
            .field("auth_method_name", &self.auth_method_name)
            .field("protocol_version", &self.protocol_version)
            .field("feature_flags", &self.feature_flags)
            .finish_non_exhaustive()
    }
}

/// What one end can do beyond its protocol version.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Message)]
pub struct FeatureFlags {
    /// Answers an `AUTH_CHALLENGE` in the middle of a connection.
    #[prost(bool, optional, tag = "1", default = "false")]
    pub supports_auth_refresh: Option<bool>,
    /// Understands broker entry metadata in front of a message.
    #[prost(bool, optional, tag = "2", default = "false")]
    pub supports_broker_entry_metadata: Option<bool>,
    /// Opens the producers of a partitioned topic one by one.
    #[prost(bool, optional, tag = "3", default = "false")]
    pub supports_partial_producer: Option<bool>,
    #[prost(bool, optional, tag = "4", default = "false")]
    pub supports_topic_watchers: Option<bool>,
    /// `PARTITIONED_METADATA` may say that it must not create the topic.
    #[prost(bool, optional, tag = "5", default = "false")]
    pub supports_get_partitioned_metadata_without_auto_creation: Option<bool>,
    /// Replication deduplicates by the source's ledger and entry.
    #[prost(bool, optional, tag = "6", default = "false")]
    pub supports_repl_dedup_by_lid_and_eid: Option<bool>,
}

/// The broker's answer to [`CommandConnect`].
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct CommandConnected {
    #[prost(string, required, tag = "1")]
    pub server_version: String,
    #[prost(int32, optional, tag = "2", default = "0")]
    pub protocol_version: Option<i32>,
    /// Payload and metadata of one SEND, in bytes.
    #[prost(int32, optional, tag = "3")]
    pub max_message_size: Option<i32>,
    #[prost(message, optional, tag = "4")]
    pub feature_flags: Option<FeatureFlags>,
}

/// The broker asks for (fresh) credentials.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct CommandAuthChallenge {
    #[prost(string, optional, tag = "1")]
    pub server_version: Option<String>,
    #[prost(message, optional, tag = "2")]
    pub challenge: Option<AuthData>,
    #[prost(int32, optional, tag = "3", default = "0")]
    pub protocol_version: Option<i32>,
}

/// The client's answer to [`CommandAuthChallenge`].
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct CommandAuthResponse {
    #[prost(string, optional, tag = "1")]
    pub client_version: Option<String>,
    #[prost(message, optional, tag = "2")]
    pub response: Option<AuthData>,
    #[prost(int32, optional, tag = "3", default = "0")]
    pub protocol_version: Option<i32>,
}

/// Credentials, or the question for them.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
#[prost(skip_debug)]
pub struct AuthData {
    #[prost(string, optional, tag = "1")]
    pub auth_method_name: Option<String>,
    #[prost(bytes = "bytes", optional, tag = "2")]
    pub auth_data: Option<Bytes>,
}

/// Names the method and leaves the secret out.
impl fmt::Debug for AuthData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthData").field("auth_method_name", &self.auth_method_name).finish_non_exhaustive()
    }
}

/// The methods that had a number before they had names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub enum AuthMethod {
    None = 0,
    YcaV1 = 1,
    Athens = 2,
}

/// Asks whether the other end is there.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Message)]
pub struct CommandPing {}

/// Says that this end is there.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Message)]
pub struct CommandPong {}

/// A request is done and there is nothing more to say.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct CommandSuccess {
    #[prost(uint64, required, tag = "1")]
    pub request_id: u64,
    #[prost(message, optional, tag = "2")]
    pub schema: Option<super::Schema>,
}

/// A request failed.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct CommandError {
    #[prost(uint64, required, tag = "1")]
    pub request_id: u64,
    #[prost(enumeration = "ServerError", required, tag = "2")]
    pub error: i32,
    #[prost(string, required, tag = "3")]
    pub message: String,
}
