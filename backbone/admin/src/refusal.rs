//! Why a call is refused, as Pulsar says it: a status, and `{"reason": …}`.

use axum::{
    Json,
    extract::rejection::{BytesRejection, PathRejection, QueryRejection},
    response::{IntoResponse, Response},
};
use hexalpes_auth::Refused;
use hexalpes_broker::{AdminError, Forbidden, HealthError, PARTITIONS_MAX, SchemaError};
use hexalpes_registry::{RegisterError, UnknownStrategy};
use hexalpes_wire::topic::TopicNameError;
use http::StatusCode;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("there is nothing at this path")]
    NoPath,
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
    #[error(transparent)]
    Unproven(#[from] Refused),
    #[error("{why}: a grant, or who administers the tenant, would have to say so")]
    Forbidden { status: StatusCode, why: Forbidden },
    #[error("{0}")]
    Tenant(&'static str),
    #[error(transparent)]
    Strategy(#[from] UnknownStrategy),
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
            Self::NoPath | Self::NoCluster(_) | Self::NoSchema => StatusCode::NOT_FOUND,
            Self::Unproven(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden { status, .. } => *status,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Exists(_) | Self::NotEmpty(_) => StatusCode::CONFLICT,
            Self::Length(rejection) => rejection.status(),
            Self::Body(_) | Self::Path(_) | Self::Query(_) => StatusCode::BAD_REQUEST,
            Self::Name(_)
            | Self::NoListener(_)
            | Self::Tenant(_)
            | Self::Retention
            | Self::AutoTopicCreation
            | Self::Strategy(_) => StatusCode::PRECONDITION_FAILED,
            Self::SchemaType(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Schema(error) => match error {
                SchemaError::Refused(RegisterError::Invalid(_)) => StatusCode::UNPROCESSABLE_ENTITY,
                SchemaError::Refused(_) | SchemaError::NotGiven => StatusCode::CONFLICT,
                SchemaError::Metadata(_) => StatusCode::INTERNAL_SERVER_ERROR,
            },
            Self::Panicked | Self::Unhealthy(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Broker(error) => match error {
                AdminError::NoNamespace(_)
                | AdminError::NoTenant(_)
                | AdminError::NoTopic(_)
                | AdminError::NotPartitionedToRead(_) => StatusCode::NOT_FOUND,
                AdminError::InUse(_)
                | AdminError::NamespaceName(_)
                | AdminError::PartitionAsName
                | AdminError::NoPartitionedTopic(_)
                | AdminError::NoPartition { .. } => StatusCode::PRECONDITION_FAILED,
                AdminError::Exists
                | AdminError::Partitioned { .. }
                | AdminError::PartitionedToDelete(_)
                | AdminError::NotPartitioned(_)
                | AdminError::NotPartitionedToDelete(_) => StatusCode::CONFLICT,
                AdminError::FewerPartitions { .. } => StatusCode::UNPROCESSABLE_ENTITY,
                AdminError::NoPartitions | AdminError::TooManyPartitions => StatusCode::NOT_ACCEPTABLE,
                AdminError::Metadata(_) | AdminError::Log(_) => StatusCode::INTERNAL_SERVER_ERROR,
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
