//! Commands and metadata to try the laws with.

use bytes::Bytes;
use hexalpes_wire::MessageId;
use hexalpes_wire::proto::{
    Command, CommandMessage, CommandSend, CommandSubscribe, InitialPosition, KeyValue, MessageIdData,
    MessageMetadata, ServerError, SubType,
};
use proptest::prelude::*;

pub(crate) fn payload() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..300)
}

pub(crate) fn message_id() -> impl Strategy<Value = MessageId> {
    (any::<u64>(), any::<u64>(), proptest::option::of(0..1000u32), proptest::option::of(0..1000u32)).prop_map(
        |(ledger, entry, partition, batch_index)| MessageId { ledger, entry, partition, batch_index },
    )
}

pub(crate) fn metadata() -> impl Strategy<Value = MessageMetadata> {
    let property = (".*", ".*").prop_map(|(key, value)| KeyValue { key, value });
    (".*", any::<u64>(), proptest::collection::vec(property, 0..4), proptest::option::of(1..9i32)).prop_map(
        |(producer_name, sequence_id, properties, num_messages_in_batch)| MessageMetadata {
            producer_name,
            sequence_id,
            properties,
            num_messages_in_batch,
            schema_version: Some(Bytes::from_static(&[0; 8])),
            ..MessageMetadata::default()
        },
    )
}

/// Commands of several shapes; those with a payload come with one.
pub(crate) fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        any::<u64>().prop_map(Command::success),
        (any::<u64>(), ".*").prop_map(|(id, text)| Command::error(id, ServerError::MetadataError, text)),
        (any::<u64>(), message_id()).prop_map(|(n, id)| Command::send_receipt(n, n, n, id)),
        (any::<u64>(), any::<u64>()).prop_map(|(producer_id, sequence_id)| {
            Command::Send(CommandSend { producer_id, sequence_id, ..CommandSend::default() })
        }),
        (message_id(), proptest::collection::vec(any::<i64>(), 0..3)).prop_map(|(id, ack_set)| {
            Command::Message(CommandMessage { message_id: id.into(), ack_set, ..CommandMessage::default() })
        }),
        (".*", ".*", proptest::option::of(message_id())).prop_map(|(topic, subscription, start)| {
            Command::Subscribe(Box::new(CommandSubscribe {
                topic,
                subscription,
                sub_type: SubType::Failover.into(),
                start_message_id: start.map(MessageIdData::from),
                initial_position: Some(InitialPosition::Earliest.into()),
                ..CommandSubscribe::default()
            }))
        }),
    ]
}
