//! Why a call is refused, as Pulsar says it: a status, and `{"reason": …}`.

use axum::{
    Json,
    extract::rejection::{BytesRejection, PathRejection, QueryRejection},
    response::{IntoResponse, Response},
};
use hexalpes_auth::Refused;
use hexalpes_broker::{AdminError, Forbidden, HealthError, PARTITIONS_MAX, SchemaError};
use hexalpes_registry::{RegisterError, UnknownStrategy};
use hexalpes_wire::{TopicName, topic::TopicNameError};
use http::StatusCode;

use crate::CLUSTER;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("there is nothing at this path")]
    NoPath,
    #[error("cluster data is required: an object with serviceUrl and brokerServiceUrl")]
    NoClusterData,
    #[error("cluster name has other letters than a-z, 0-9 and -=:._")]
    ClusterName,
    #[error("{name} must be an address that begins with {scheme}")]
    ClusterUrl { name: String, scheme: &'static str },
    #[error("{0} has another type than what is noted of a cluster")]
    ClusterField(String),
    #[error("cluster {CLUSTER} is this broker itself: it stays, and is where it listens")]
    OwnCluster,
    #[error("{0} itself cannot be among its peers")]
    OwnPeer(String),
    #[error("peer {0} is no cluster that is there")]
    NoPeer(String),
    #[error("there is no failure domain {domain} of cluster {cluster}")]
    NoDomain { cluster: String, domain: String },
    #[error("there are no isolation policies of cluster {0}")]
    NoIsolation(String),
    #[error("tenant {0} is not allowed on cluster {CLUSTER}: allowedClusters does not have it")]
    TenantElsewhere(String),
    #[error("{0} does not change while the broker runs")]
    NotDynamic(String),
    #[error("a namespace is on one cluster at least")]
    NoClusters,
    #[error("there is no broker {0}")]
    NoBroker(String),
    #[error("{0} are not there yet")]
    NotYet(&'static str),
    #[error("this path does not take this method")]
    Method,
    #[error("the broker has no listener {0}: look up without a listener's name")]
    NoListener(String),
    #[error("there is no cluster {0}")]
    NoCluster(String),
    #[error("{0} exists already")]
    Exists(String),
    #[error("{0} is not empty")]
    NotEmpty(String),
    #[error(transparent)]
    Name(#[from] TopicNameError),
    #[error("body cannot be read: {0}")]
    Body(#[from] serde_json::Error),
    #[error(transparent)]
    Path(#[from] PathRejection),
    #[error(transparent)]
    Query(#[from] QueryRejection),
    #[error(transparent)]
    Length(#[from] BytesRejection),
    #[error("retention has a limit of 0 beside one that is not, or one below -1")]
    Retention,
    #[error(
        "topicType must be partitioned, with a defaultNumPartitions from 1 to {PARTITIONS_MAX}, or non-partitioned \
         without one"
    )]
    AutoTopicCreation,
    #[error("compactionThreshold must be 0 or more, in bytes")]
    CompactionThreshold,
    #[error(transparent)]
    Unproven(#[from] Refused),
    #[error("{why}: a grant, or who administers the tenant, would have to say so")]
    Forbidden { status: StatusCode, why: Forbidden },
    #[error("{0}")]
    Tenant(&'static str),
    #[error(transparent)]
    Strategy(#[from] UnknownStrategy),
    #[error("{policy} must be 0 or more, and is {number}")]
    Negative { policy: &'static str, number: i32 },
    #[error("{0:?} is no type of a subscription: they are Exclusive, Failover, Shared and Key_Shared")]
    SubscriptionType(String),
    #[error("there is no subscription {0} that roles were named for")]
    NoGrantOfSubscription(String),
    #[error("subscriptionAuthMode must be \"None\" or \"Prefix\"")]
    SubscriptionAuthMode,
    #[error("maxMessageSize must be 0 or more, and {0} at most, which the broker takes")]
    MessageSize(usize),
    #[error("the backlog quota would be more than what retention keeps: keep more, or let less wait")]
    QuotaBeyondRetention,
    #[error("there is no bundle {0}: the one that there is holds all topics")]
    NoBundle(String),
    #[error("there is no cluster {0} that topics could be replicated to")]
    OtherCluster(String),
    #[error("topic {0} has partitions: ask for one of them")]
    Partitioned(TopicName),
    #[error("topic {0} has no partitions")]
    NotPartitioned(TopicName),
    #[error("body must say where to begin: an object with ledgerId and entryId, \"earliest\" or \"latest\"")]
    NoPlace,
    #[error("the position of a message is counted from 1")]
    Nth,
    #[error("Message not found")]
    NoMessage,
    #[error("topic has no messages")]
    NothingToExamine,
    #[error("entry cannot be shown: {0}")]
    Entry(String),
    #[error("Schema not found")]
    NoSchema,
    #[error("type {0:?} is no type of a schema")]
    SchemaType(String),
    #[error(transparent)]
    Schema(#[from] SchemaError),
    #[error("the call ended in a panic")]
    Panicked,
    #[error(transparent)]
    Broker(#[from] AdminError),
    #[error(transparent)]
    Unhealthy(#[from] HealthError),
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::NoGrantOfSubscription(_)
            | Self::NoDomain { .. }
            | Self::NoIsolation(_)
            | Self::NoBroker(_)
            | Self::NoPath
            | Self::NoCluster(_)
            | Self::NoSchema
            | Self::NoMessage => StatusCode::NOT_FOUND,
            Self::NotYet(_) => StatusCode::NOT_IMPLEMENTED,
            Self::Unproven(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden { status, .. } => *status,
            Self::OtherCluster(_) | Self::TenantElsewhere(_) => StatusCode::FORBIDDEN,
            Self::Method | Self::Partitioned(_) | Self::NotPartitioned(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Exists(_) | Self::NotEmpty(_) => StatusCode::CONFLICT,
            Self::Length(rejection) => rejection.status(),
            Self::SubscriptionAuthMode
            | Self::NoClusterData
            | Self::ClusterUrl { .. }
            | Self::ClusterField(_)
            | Self::Body(_)
            | Self::Path(_)
            | Self::Query(_)
            | Self::NoPlace
            | Self::Nth => StatusCode::BAD_REQUEST,
            Self::Name(_)
            | Self::NoListener(_)
            | Self::Tenant(_)
            | Self::ClusterName
            | Self::NoClusters
            | Self::OwnCluster
            | Self::OwnPeer(_)
            | Self::NoPeer(_)
            | Self::NotDynamic(_)
            | Self::Retention
            | Self::AutoTopicCreation
            | Self::Strategy(_)
            | Self::CompactionThreshold
            | Self::Negative { .. }
            | Self::NoBundle(_)
            | Self::SubscriptionType(_)
            | Self::QuotaBeyondRetention
            | Self::MessageSize(_)
            | Self::NothingToExamine => StatusCode::PRECONDITION_FAILED,
            Self::SchemaType(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Schema(error) => match error {
                SchemaError::Refused(RegisterError::Invalid(_)) => StatusCode::UNPROCESSABLE_ENTITY,
                SchemaError::Refused(_) | SchemaError::NotGiven => StatusCode::CONFLICT,
                SchemaError::Metadata(_) => StatusCode::INTERNAL_SERVER_ERROR,
            },
            Self::Panicked | Self::Unhealthy(_) | Self::Entry(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Broker(error) => match error {
                AdminError::NoNamespace(_)
                | AdminError::NoTenant(_)
                | AdminError::NoTopic(_)
                | AdminError::NoSubscription { .. }
                | AdminError::NotPartitionedToRead(_) => StatusCode::NOT_FOUND,
                AdminError::InUse(_)
                | AdminError::SubscriptionInUse
                | AdminError::NotPersistent(_)
                | AdminError::TooManySubscriptions(_)
                | AdminError::PolicyOfPartition(_)
                | AdminError::NamespaceName(_)
                | AdminError::PartitionAsName
                | AdminError::NoPartitionedTopic(_)
                | AdminError::NoPartition { .. } => StatusCode::PRECONDITION_FAILED,
                AdminError::Exists
                | AdminError::SubscriptionExists
                | AdminError::TooManyTopics { .. }
                | AdminError::NothingToExpire(_)
                | AdminError::Compacting(_)
                | AdminError::Partitioned { .. }
                | AdminError::PartitionedToDelete(_)
                | AdminError::NotPartitioned(_)
                | AdminError::NotPartitionedToDelete(_) => StatusCode::CONFLICT,
                AdminError::FewerPartitions { .. } => StatusCode::UNPROCESSABLE_ENTITY,
                AdminError::NoPartitions | AdminError::TooManyPartitions => StatusCode::NOT_ACCEPTABLE,
                AdminError::Metadata(_)
                | AdminError::Log(_)
                | AdminError::Read(_)
                | AdminError::Unsettled(_)
                | AdminError::Subscription(_) => StatusCode::INTERNAL_SERVER_ERROR,
            },
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = self.status();
        if status.is_server_error() && matches!(self, Self::Broker(_) | Self::Schema(_)) {
            tracing::error!(error = %self, "a call of the admin interface failed");
        }
        (status, Json(serde_json::json!({ "reason": self.to_string() }))).into_response()
    }
}
