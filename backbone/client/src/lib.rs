//! Publish and subscribe against the backbone or a Pulsar cluster, which speak the same protocol.
//!
//! Thin, and careful where clients have lost data: what was given to a producer is stored or its future
//! says why not; sends survive reconnects in their order and with their sequence ids; what a consumer
//! did not ack comes again. Reconnecting is on by default and every queue has a bound.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use hexalpes_client::{Client, ClientOptions, ConsumerOptions, Outgoing, ProducerOptions};
//!
//! let client = Client::connect(ClientOptions::new("pulsar://127.0.0.1:6650")).await?;
//! let consumer = client.consumer("orders", ConsumerOptions::new("billing-orders")).await?;
//! let producer = client.producer("orders", ProducerOptions::default()).await?;
//! producer.send(Outgoing::new("first")).await?;
//!
//! let message = consumer.next().await?;
//! consumer.ack(&message.id).await?;
//! # Ok(())
//! # }
//! ```
//!
//! A topic with partitions is produced to and consumed as a whole; what has an order is the partition.
//!
//! Not here: the encoding of schemas, encryption, transactions.

mod address;
pub mod admin;
mod client;
mod clock;
mod connection;
pub mod consumer;
pub mod error;
mod link;
mod lookup;
mod options;
mod pace;
mod pool;
pub mod producer;
mod reader;
mod schema;
mod table_view;

pub use admin::{AdminClient, AdminOptions};
pub use client::{Client, Held};
pub use consumer::{
    Backlog, Consumer, ConsumerOptions, KeySharing, Message, Place, SeekTo, SubscriptionKind, TopicPattern,
};
pub use error::{ClientError, ConnectError, ConsumeError, OpenError, Refusal, RequestError, SendError};
pub use hexalpes_wire::compression::Codec;
pub use hexalpes_wire::proto::{InitialPosition, SchemaType, ServerError};
pub use hexalpes_wire::{MessageId, TopicName};
pub use options::{Backoff, ClientOptions, TlsOptions, Token};
pub use producer::{Access, Batching, KeyHash, Outgoing, Producer, ProducerOptions, Receipt, Routing};
pub use reader::{ReadFrom, Reader, ReaderOptions};
pub use schema::{Schema, VersionedSchema, version_number};
pub use table_view::TableView;
