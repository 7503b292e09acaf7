//! Constructors for what a broker answers most, so that its code reads as what it says.

use bytes::Bytes;

use super::{
    Command, CommandAckResponse, CommandCloseConsumer, CommandCloseProducer, CommandError,
    CommandGetLastMessageIdResponse, CommandGetOrCreateSchemaResponse, CommandGetSchemaResponse,
    CommandLookupTopicResponse, CommandPartitionedTopicMetadataResponse, CommandPing, CommandPong,
    CommandProducerSuccess, CommandReachedEndOfTopic, CommandSendError, CommandSendReceipt, CommandSuccess,
    LookupOutcome, PartitionedMetadataOutcome, Schema, ServerError,
};
use crate::MessageId;

/// Eight bytes, the big end first.
fn schema_version_bytes(version: u64) -> Bytes {
    Bytes::copy_from_slice(&version.to_be_bytes())
}

impl Command {
    pub fn ping() -> Self {
        Self::Ping(CommandPing {})
    }

    pub fn pong() -> Self {
        Self::Pong(CommandPong {})
    }

    pub fn success(request_id: u64) -> Self {
        Self::Success(CommandSuccess { request_id, schema: None })
    }

    pub fn error(request_id: u64, error: ServerError, message: impl Into<String>) -> Self {
        Self::Error(CommandError { request_id, error: error.into(), message: message.into() })
    }

    /// `last_sequence_id` is the highest stored under that name, none where deduplication knows of none.
    pub fn producer_success(request_id: u64, producer_name: impl Into<String>, last: Option<u64>) -> Self {
        Self::producer_success_with(request_id, producer_name, last, None)
    }

    /// As [`Command::producer_success`], for a producer that came with a schema, which is this version.
    pub fn producer_success_with(
        request_id: u64,
        producer_name: impl Into<String>,
        last: Option<u64>,
        schema_version: Option<u64>,
    ) -> Self {
        Self::ProducerSuccess(CommandProducerSuccess {
            request_id,
            producer_name: producer_name.into(),
            last_sequence_id: Some(last.map_or(-1, u64::cast_signed)),
            // Pulsar answers an empty version where there is no schema, and its C++ client reads it.
            schema_version: Some(schema_version.map_or_else(Bytes::new, schema_version_bytes)),
            topic_epoch: None,
            producer_ready: Some(true),
        })
    }

    /// The producer waits until it is the only one; another answer to the same request says when it is.
    pub fn producer_waits(request_id: u64, producer_name: impl Into<String>) -> Self {
        match Self::producer_success(request_id, producer_name, None) {
            Self::ProducerSuccess(success) => {
                Self::ProducerSuccess(CommandProducerSuccess { producer_ready: Some(false), ..success })
            }
            other => other,
        }
    }

    /// The same, with the topic's epoch, if it is a `PRODUCER_SUCCESS`.
    #[must_use]
    pub fn with_topic_epoch(self, topic_epoch: Option<u64>) -> Self {
        match self {
            Self::ProducerSuccess(success) => {
                Self::ProducerSuccess(CommandProducerSuccess { topic_epoch, ..success })
            }
            other => other,
        }
    }

    pub fn schema(request_id: u64, schema: Schema, version: u64) -> Self {
        Self::GetSchemaResponse(CommandGetSchemaResponse {
            request_id,
            schema: Some(schema),
            schema_version: Some(schema_version_bytes(version)),
            ..CommandGetSchemaResponse::default()
        })
    }

    pub fn schema_error(request_id: u64, error: ServerError, message: impl Into<String>) -> Self {
        Self::GetSchemaResponse(CommandGetSchemaResponse {
            request_id,
            error_code: Some(error.into()),
            error_message: Some(message.into()),
            ..CommandGetSchemaResponse::default()
        })
    }

    /// The version of a schema that was registered, none for that of bytes, which has none.
    pub fn schema_version(request_id: u64, version: Option<u64>) -> Self {
        Self::GetOrCreateSchemaResponse(CommandGetOrCreateSchemaResponse {
            request_id,
            schema_version: Some(version.map_or_else(Bytes::new, schema_version_bytes)),
            ..CommandGetOrCreateSchemaResponse::default()
        })
    }

    pub fn schema_version_error(request_id: u64, error: ServerError, message: impl Into<String>) -> Self {
        Self::GetOrCreateSchemaResponse(CommandGetOrCreateSchemaResponse {
            request_id,
            error_code: Some(error.into()),
            error_message: Some(message.into()),
            ..CommandGetOrCreateSchemaResponse::default()
        })
    }

    /// `highest` is the batch's last sequence id, or again the message's own.
    pub fn send_receipt(producer_id: u64, sequence_id: u64, highest: u64, id: MessageId) -> Self {
        Self::SendReceipt(CommandSendReceipt {
            producer_id,
            sequence_id,
            message_id: Some(id.into()),
            highest_sequence_id: Some(highest),
        })
    }

    /// The receipt of what had been stored before: the id names no place.
    pub fn duplicate_receipt(producer_id: u64, sequence_id: u64, highest: u64) -> Self {
        Self::send_receipt(producer_id, sequence_id, highest, MessageId::EARLIEST)
    }

    pub fn send_error(
        producer_id: u64,
        sequence_id: u64,
        error: ServerError,
        message: impl Into<String>,
    ) -> Self {
        Self::SendError(CommandSendError {
            producer_id,
            sequence_id,
            error: error.into(),
            message: message.into(),
        })
    }

    pub fn ack_response(consumer_id: u64, request_id: u64) -> Self {
        Self::AckResponse(CommandAckResponse {
            consumer_id,
            request_id: Some(request_id),
            ..CommandAckResponse::default()
        })
    }

    pub fn ack_error(
        consumer_id: u64,
        request_id: u64,
        error: ServerError,
        message: impl Into<String>,
    ) -> Self {
        Self::AckResponse(CommandAckResponse {
            consumer_id,
            request_id: Some(request_id),
            error: Some(error.into()),
            message: Some(message.into()),
            ..CommandAckResponse::default()
        })
    }

    pub fn partitions(request_id: u64, partitions: u32) -> Self {
        Self::PartitionedMetadataResponse(CommandPartitionedTopicMetadataResponse {
            partitions: Some(partitions),
            request_id,
            response: Some(PartitionedMetadataOutcome::Success.into()),
            error: None,
            message: None,
        })
    }

    pub fn partitions_error(request_id: u64, error: ServerError, message: impl Into<String>) -> Self {
        Self::PartitionedMetadataResponse(CommandPartitionedTopicMetadataResponse {
            partitions: None,
            request_id,
            response: Some(PartitionedMetadataOutcome::Failed.into()),
            error: Some(error.into()),
            message: Some(message.into()),
        })
    }

    /// The answer to a lookup: connect to this broker (`pulsar://host:port`), where it has such an address.
    pub fn lookup_connect(request_id: u64, url: Option<String>, url_tls: Option<String>) -> Self {
        Self::LookupResponse(CommandLookupTopicResponse {
            broker_service_url: url,
            broker_service_url_tls: url_tls,
            response: Some(LookupOutcome::Connect.into()),
            request_id,
            authoritative: Some(true),
            error: None,
            message: None,
            proxy_through_service_url: Some(false),
        })
    }

    pub fn lookup_error(request_id: u64, error: ServerError, message: impl Into<String>) -> Self {
        Self::LookupResponse(CommandLookupTopicResponse {
            response: Some(LookupOutcome::Failed.into()),
            request_id,
            error: Some(error.into()),
            message: Some(message.into()),
            ..CommandLookupTopicResponse::default()
        })
    }

    pub fn last_message_id(request_id: u64, last: MessageId, mark_delete: Option<MessageId>) -> Self {
        Self::GetLastMessageIdResponse(CommandGetLastMessageIdResponse {
            last_message_id: last.into(),
            request_id,
            consumer_mark_delete_position: mark_delete.map(Into::into),
        })
    }

    /// From the broker: reconnect this producer. Its request id answers nothing.
    pub fn close_producer(producer_id: u64) -> Self {
        Self::CloseProducer(CommandCloseProducer {
            producer_id,
            request_id: u64::MAX,
            ..CommandCloseProducer::default()
        })
    }

    /// From the broker: the topic is terminated, and this consumer has had all of it.
    pub const fn reached_end(consumer_id: u64) -> Self {
        Self::ReachedEndOfTopic(CommandReachedEndOfTopic { consumer_id })
    }

    /// From the broker: reconnect this consumer. Its request id answers nothing.
    pub fn close_consumer(consumer_id: u64) -> Self {
        Self::CloseConsumer(CommandCloseConsumer {
            consumer_id,
            request_id: u64::MAX,
            ..CommandCloseConsumer::default()
        })
    }
}
