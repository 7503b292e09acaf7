//! The envelope of every command, and the sum of all commands.

use prost::{Enumeration, Message, Oneof};

#[allow(clippy::wildcard_imports, reason = "the sum of all commands names nearly every type there is")]
use super::*;

/// A command as it lies in a frame: its type, then the one field that belongs to it.
///
/// The protocol has an optional field per command and the type says which one counts; as the field's
/// number is the type's number, that is a oneof by another name. Work with [`Command`].
#[derive(Clone, PartialEq, Message)]
pub struct BaseCommand {
    #[prost(enumeration = "CommandType", required, tag = "1")]
    pub r#type: i32,
    #[prost(
        oneof = "Command",
        tags = "2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64, 65, 66, 67, 68"
    )]
    pub command: Option<Command>,
}

/// Everything that either end can say. Who may say what is in the types' own documentation.
#[derive(Clone, PartialEq, Oneof)]
pub enum Command {
    #[prost(message, tag = "2")]
    Connect(CommandConnect),
    #[prost(message, tag = "3")]
    Connected(CommandConnected),
    #[prost(message, boxed, tag = "4")]
    Subscribe(Box<CommandSubscribe>),
    #[prost(message, boxed, tag = "5")]
    Producer(Box<CommandProducer>),
    #[prost(message, tag = "6")]
    Send(CommandSend),
    #[prost(message, tag = "7")]
    SendReceipt(CommandSendReceipt),
    #[prost(message, tag = "8")]
    SendError(CommandSendError),
    #[prost(message, tag = "9")]
    Message(CommandMessage),
    #[prost(message, tag = "10")]
    Ack(CommandAck),
    #[prost(message, tag = "11")]
    Flow(CommandFlow),
    #[prost(message, tag = "12")]
    Unsubscribe(CommandUnsubscribe),
    #[prost(message, tag = "13")]
    Success(CommandSuccess),
    #[prost(message, tag = "14")]
    Error(CommandError),
    #[prost(message, tag = "15")]
    CloseProducer(CommandCloseProducer),
    #[prost(message, tag = "16")]
    CloseConsumer(CommandCloseConsumer),
    #[prost(message, tag = "17")]
    ProducerSuccess(CommandProducerSuccess),
    #[prost(message, tag = "18")]
    Ping(CommandPing),
    #[prost(message, tag = "19")]
    Pong(CommandPong),
    #[prost(message, tag = "20")]
    RedeliverUnacknowledgedMessages(CommandRedeliverUnacknowledgedMessages),
    #[prost(message, tag = "21")]
    PartitionedMetadata(CommandPartitionedTopicMetadata),
    #[prost(message, tag = "22")]
    PartitionedMetadataResponse(CommandPartitionedTopicMetadataResponse),
    #[prost(message, tag = "23")]
    Lookup(CommandLookupTopic),
    #[prost(message, tag = "24")]
    LookupResponse(CommandLookupTopicResponse),
    #[prost(message, tag = "25")]
    ConsumerStats(CommandConsumerStats),
    #[prost(message, tag = "26")]
    ConsumerStatsResponse(CommandConsumerStatsResponse),
    #[prost(message, tag = "27")]
    ReachedEndOfTopic(CommandReachedEndOfTopic),
    #[prost(message, tag = "28")]
    Seek(CommandSeek),
    #[prost(message, tag = "29")]
    GetLastMessageId(CommandGetLastMessageId),
    #[prost(message, tag = "30")]
    GetLastMessageIdResponse(CommandGetLastMessageIdResponse),
    #[prost(message, tag = "31")]
    ActiveConsumerChange(CommandActiveConsumerChange),
    #[prost(message, tag = "32")]
    GetTopicsOfNamespace(CommandGetTopicsOfNamespace),
    #[prost(message, tag = "33")]
    GetTopicsOfNamespaceResponse(CommandGetTopicsOfNamespaceResponse),
    #[prost(message, tag = "34")]
    GetSchema(CommandGetSchema),
    #[prost(message, tag = "35")]
    GetSchemaResponse(CommandGetSchemaResponse),
    #[prost(message, tag = "36")]
    AuthChallenge(CommandAuthChallenge),
    #[prost(message, tag = "37")]
    AuthResponse(CommandAuthResponse),
    #[prost(message, tag = "38")]
    AckResponse(CommandAckResponse),
    #[prost(message, tag = "39")]
    GetOrCreateSchema(CommandGetOrCreateSchema),
    #[prost(message, tag = "40")]
    GetOrCreateSchemaResponse(CommandGetOrCreateSchemaResponse),
    #[prost(message, tag = "50")]
    NewTxn(CommandNewTxn),
    #[prost(message, tag = "51")]
    NewTxnResponse(CommandTxnResponse),
    #[prost(message, tag = "52")]
    AddPartitionToTxn(CommandAddPartitionToTxn),
    #[prost(message, tag = "53")]
    AddPartitionToTxnResponse(CommandTxnResponse),
    #[prost(message, tag = "54")]
    AddSubscriptionToTxn(CommandAddSubscriptionToTxn),
    #[prost(message, tag = "55")]
    AddSubscriptionToTxnResponse(CommandTxnResponse),
    #[prost(message, tag = "56")]
    EndTxn(CommandEndTxn),
    #[prost(message, tag = "57")]
    EndTxnResponse(CommandTxnResponse),
    #[prost(message, tag = "58")]
    EndTxnOnPartition(CommandEndTxnOnPartition),
    #[prost(message, tag = "59")]
    EndTxnOnPartitionResponse(CommandTxnResponse),
    #[prost(message, tag = "60")]
    EndTxnOnSubscription(CommandEndTxnOnSubscription),
    #[prost(message, tag = "61")]
    EndTxnOnSubscriptionResponse(CommandTxnResponse),
    #[prost(message, tag = "62")]
    TcClientConnectRequest(CommandTcClientConnectRequest),
    #[prost(message, tag = "63")]
    TcClientConnectResponse(CommandTcClientConnectResponse),
    #[prost(message, tag = "64")]
    WatchTopicList(CommandWatchTopicList),
    #[prost(message, tag = "65")]
    WatchTopicListSuccess(CommandWatchTopicListSuccess),
    #[prost(message, tag = "66")]
    WatchTopicUpdate(CommandWatchTopicUpdate),
    #[prost(message, tag = "67")]
    WatchTopicListClose(CommandWatchTopicListClose),
    #[prost(message, tag = "68")]
    TopicMigrated(CommandTopicMigrated),
}

impl Command {
    /// The number that stands for this command on the wire.
    pub fn kind(&self) -> CommandType {
        match self {
            Self::Connect(_) => CommandType::Connect,
            Self::Connected(_) => CommandType::Connected,
            Self::Subscribe(_) => CommandType::Subscribe,
            Self::Producer(_) => CommandType::Producer,
            Self::Send(_) => CommandType::Send,
            Self::SendReceipt(_) => CommandType::SendReceipt,
            Self::SendError(_) => CommandType::SendError,
            Self::Message(_) => CommandType::Message,
            Self::Ack(_) => CommandType::Ack,
            Self::Flow(_) => CommandType::Flow,
            Self::Unsubscribe(_) => CommandType::Unsubscribe,
            Self::Success(_) => CommandType::Success,
            Self::Error(_) => CommandType::Error,
            Self::CloseProducer(_) => CommandType::CloseProducer,
            Self::CloseConsumer(_) => CommandType::CloseConsumer,
            Self::ProducerSuccess(_) => CommandType::ProducerSuccess,
            Self::Ping(_) => CommandType::Ping,
            Self::Pong(_) => CommandType::Pong,
            Self::RedeliverUnacknowledgedMessages(_) => CommandType::RedeliverUnacknowledgedMessages,
            Self::PartitionedMetadata(_) => CommandType::PartitionedMetadata,
            Self::PartitionedMetadataResponse(_) => CommandType::PartitionedMetadataResponse,
            Self::Lookup(_) => CommandType::Lookup,
            Self::LookupResponse(_) => CommandType::LookupResponse,
            Self::ConsumerStats(_) => CommandType::ConsumerStats,
            Self::ConsumerStatsResponse(_) => CommandType::ConsumerStatsResponse,
            Self::ReachedEndOfTopic(_) => CommandType::ReachedEndOfTopic,
            Self::Seek(_) => CommandType::Seek,
            Self::GetLastMessageId(_) => CommandType::GetLastMessageId,
            Self::GetLastMessageIdResponse(_) => CommandType::GetLastMessageIdResponse,
            Self::ActiveConsumerChange(_) => CommandType::ActiveConsumerChange,
            Self::GetTopicsOfNamespace(_) => CommandType::GetTopicsOfNamespace,
            Self::GetTopicsOfNamespaceResponse(_) => CommandType::GetTopicsOfNamespaceResponse,
            Self::GetSchema(_) => CommandType::GetSchema,
            Self::GetSchemaResponse(_) => CommandType::GetSchemaResponse,
            Self::AuthChallenge(_) => CommandType::AuthChallenge,
            Self::AuthResponse(_) => CommandType::AuthResponse,
            Self::AckResponse(_) => CommandType::AckResponse,
            Self::GetOrCreateSchema(_) => CommandType::GetOrCreateSchema,
            Self::GetOrCreateSchemaResponse(_) => CommandType::GetOrCreateSchemaResponse,
            Self::NewTxn(_) => CommandType::NewTxn,
            Self::NewTxnResponse(_) => CommandType::NewTxnResponse,
            Self::AddPartitionToTxn(_) => CommandType::AddPartitionToTxn,
            Self::AddPartitionToTxnResponse(_) => CommandType::AddPartitionToTxnResponse,
            Self::AddSubscriptionToTxn(_) => CommandType::AddSubscriptionToTxn,
            Self::AddSubscriptionToTxnResponse(_) => CommandType::AddSubscriptionToTxnResponse,
            Self::EndTxn(_) => CommandType::EndTxn,
            Self::EndTxnResponse(_) => CommandType::EndTxnResponse,
            Self::EndTxnOnPartition(_) => CommandType::EndTxnOnPartition,
            Self::EndTxnOnPartitionResponse(_) => CommandType::EndTxnOnPartitionResponse,
            Self::EndTxnOnSubscription(_) => CommandType::EndTxnOnSubscription,
            Self::EndTxnOnSubscriptionResponse(_) => CommandType::EndTxnOnSubscriptionResponse,
            Self::TcClientConnectRequest(_) => CommandType::TcClientConnectRequest,
            Self::TcClientConnectResponse(_) => CommandType::TcClientConnectResponse,
            Self::WatchTopicList(_) => CommandType::WatchTopicList,
            Self::WatchTopicListSuccess(_) => CommandType::WatchTopicListSuccess,
            Self::WatchTopicUpdate(_) => CommandType::WatchTopicUpdate,
            Self::WatchTopicListClose(_) => CommandType::WatchTopicListClose,
            Self::TopicMigrated(_) => CommandType::TopicMigrated,
        }
    }

    /// The id under which the sender waits for an answer, or under which this answers.
    ///
    /// None for what is not part of an exchange: messages, receipts, permits, pings, and acks that
    /// ask for no answer. A SEND is correlated by its producer and sequence id instead.
    pub fn request_id(&self) -> Option<u64> {
        match self {
            Self::Ack(c) => c.request_id,
            Self::AckResponse(c) => c.request_id,
            Self::Subscribe(c) => Some(c.request_id),
            Self::Producer(c) => Some(c.request_id),
            Self::Unsubscribe(c) => Some(c.request_id),
            Self::Success(c) => Some(c.request_id),
            Self::Error(c) => Some(c.request_id),
            Self::CloseProducer(c) => Some(c.request_id),
            Self::CloseConsumer(c) => Some(c.request_id),
            Self::ProducerSuccess(c) => Some(c.request_id),
            Self::PartitionedMetadata(c) => Some(c.request_id),
            Self::PartitionedMetadataResponse(c) => Some(c.request_id),
            Self::Lookup(c) => Some(c.request_id),
            Self::LookupResponse(c) => Some(c.request_id),
            Self::ConsumerStats(c) => Some(c.request_id),
            Self::ConsumerStatsResponse(c) => Some(c.request_id),
            Self::Seek(c) => Some(c.request_id),
            Self::GetLastMessageId(c) => Some(c.request_id),
            Self::GetLastMessageIdResponse(c) => Some(c.request_id),
            Self::GetTopicsOfNamespace(c) => Some(c.request_id),
            Self::GetTopicsOfNamespaceResponse(c) => Some(c.request_id),
            Self::GetSchema(c) => Some(c.request_id),
            Self::GetSchemaResponse(c) => Some(c.request_id),
            Self::GetOrCreateSchema(c) => Some(c.request_id),
            Self::GetOrCreateSchemaResponse(c) => Some(c.request_id),
            Self::NewTxn(c) => Some(c.request_id),
            Self::NewTxnResponse(c)
            | Self::AddPartitionToTxnResponse(c)
            | Self::AddSubscriptionToTxnResponse(c)
            | Self::EndTxnResponse(c)
            | Self::EndTxnOnPartitionResponse(c)
            | Self::EndTxnOnSubscriptionResponse(c) => Some(c.request_id),
            Self::AddPartitionToTxn(c) => Some(c.request_id),
            Self::AddSubscriptionToTxn(c) => Some(c.request_id),
            Self::EndTxn(c) => Some(c.request_id),
            Self::EndTxnOnPartition(c) => Some(c.request_id),
            Self::EndTxnOnSubscription(c) => Some(c.request_id),
            Self::TcClientConnectRequest(c) => Some(c.request_id),
            Self::TcClientConnectResponse(c) => Some(c.request_id),
            Self::WatchTopicList(c) => Some(c.request_id),
            Self::WatchTopicListSuccess(c) => Some(c.request_id),
            Self::WatchTopicListClose(c) => Some(c.request_id),
            Self::Connect(_)
            | Self::Connected(_)
            | Self::Send(_)
            | Self::SendReceipt(_)
            | Self::SendError(_)
            | Self::Message(_)
            | Self::Flow(_)
            | Self::Ping(_)
            | Self::Pong(_)
            | Self::RedeliverUnacknowledgedMessages(_)
            | Self::ReachedEndOfTopic(_)
            | Self::ActiveConsumerChange(_)
            | Self::AuthChallenge(_)
            | Self::AuthResponse(_)
            | Self::WatchTopicUpdate(_)
            | Self::TopicMigrated(_) => None,
        }
    }
}

/// The command's number, which is also its field in [`BaseCommand`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub enum CommandType {
    Connect = 2,
    Connected = 3,
    Subscribe = 4,
    Producer = 5,
    Send = 6,
    SendReceipt = 7,
    SendError = 8,
    Message = 9,
    Ack = 10,
    Flow = 11,
    Unsubscribe = 12,
    Success = 13,
    Error = 14,
    CloseProducer = 15,
    CloseConsumer = 16,
    ProducerSuccess = 17,
    Ping = 18,
    Pong = 19,
    RedeliverUnacknowledgedMessages = 20,
    PartitionedMetadata = 21,
    PartitionedMetadataResponse = 22,
    Lookup = 23,
    LookupResponse = 24,
    ConsumerStats = 25,
    ConsumerStatsResponse = 26,
    ReachedEndOfTopic = 27,
    Seek = 28,
    GetLastMessageId = 29,
    GetLastMessageIdResponse = 30,
    ActiveConsumerChange = 31,
    GetTopicsOfNamespace = 32,
    GetTopicsOfNamespaceResponse = 33,
    GetSchema = 34,
    GetSchemaResponse = 35,
    AuthChallenge = 36,
    AuthResponse = 37,
    AckResponse = 38,
    GetOrCreateSchema = 39,
    GetOrCreateSchemaResponse = 40,
    NewTxn = 50,
    NewTxnResponse = 51,
    AddPartitionToTxn = 52,
    AddPartitionToTxnResponse = 53,
    AddSubscriptionToTxn = 54,
    AddSubscriptionToTxnResponse = 55,
    EndTxn = 56,
    EndTxnResponse = 57,
    EndTxnOnPartition = 58,
    EndTxnOnPartitionResponse = 59,
    EndTxnOnSubscription = 60,
    EndTxnOnSubscriptionResponse = 61,
    TcClientConnectRequest = 62,
    TcClientConnectResponse = 63,
    WatchTopicList = 64,
    WatchTopicListSuccess = 65,
    WatchTopicUpdate = 66,
    WatchTopicListClose = 67,
    TopicMigrated = 68,
}
