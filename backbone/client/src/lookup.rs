//! Finds the broker that serves a topic.

use std::sync::Arc;

use hexalpes_wire::TopicName;
use hexalpes_wire::proto::{
    Command, CommandLookupTopic, CommandLookupTopicResponse, CommandPartitionedTopicMetadata, LookupOutcome,
};

use crate::address::Address;
use crate::connection::Connection;
use crate::error::{OpenError, RequestError};
use crate::pool::{Pool, Target};

/// As many as other clients follow.
const REDIRECTS_MAX: u32 = 20;

/// A connection to the broker that serves the topic now.
pub(crate) async fn broker_of(pool: &Pool, topic: &TopicName) -> Result<Arc<Connection>, OpenError> {
    let (mut connection, service) = pool.service().await?;
    let mut asked = service.clone();
    let mut authoritative = false;
    for _ in 0..=REDIRECTS_MAX {
        let answer = lookup(&connection, topic, authoritative).await?;
        let broker = broker_address(pool, &answer, &asked)?;
        let proxied = answer.proxy_through_service_url();
        let target = if proxied { Target { dial: service.clone(), broker } } else { Target::direct(broker) };
        match LookupOutcome::try_from(answer.response.unwrap_or_default()) {
            Ok(LookupOutcome::Connect) => return Ok(pool.get(&target).await?),
            Ok(LookupOutcome::Redirect) => {
                authoritative = answer.authoritative();
                connection = pool.get(&target).await?;
                asked = target.broker;
            }
            Ok(LookupOutcome::Failed) | Err(_) => {
                let answer = format!("outcome {:?} without a reason", answer.response);
                return Err(RequestError::Unexpected { request: "LOOKUP", answer }.into());
            }
        }
    }
    Err(OpenError::Redirects { topic: topic.to_string(), redirects: REDIRECTS_MAX })
}

/// How many partitions the topic has; 0 for a topic that is not partitioned.
pub(crate) async fn partitions(pool: &Pool, topic: &TopicName) -> Result<u32, OpenError> {
    partitions_of(pool, topic, true).await
}

/// [`partitions`], and whether asking may make the topic.
pub(crate) async fn partitions_of(pool: &Pool, topic: &TopicName, may_make: bool) -> Result<u32, OpenError> {
    let (connection, _) = pool.service().await?;
    let answer = connection
        .request(|request_id| {
            Command::PartitionedMetadata(CommandPartitionedTopicMetadata {
                topic: topic.to_string(),
                request_id,
                metadata_auto_creation_enabled: Some(may_make),
                ..CommandPartitionedTopicMetadata::default()
            })
        })
        .await?;
    match answer {
        Command::PartitionedMetadataResponse(response) => Ok(response.partitions()),
        other => Err(unexpected("PARTITIONED_METADATA", &other).into()),
    }
}

async fn lookup(
    connection: &Connection,
    topic: &TopicName,
    authoritative: bool,
) -> Result<CommandLookupTopicResponse, RequestError> {
    let answer = connection
        .request(|request_id| {
            Command::Lookup(CommandLookupTopic {
                topic: topic.to_string(),
                request_id,
                authoritative: Some(authoritative),
                ..CommandLookupTopic::default()
            })
        })
        .await?;
    match answer {
        Command::LookupResponse(response) => Ok(response),
        other => Err(unexpected("LOOKUP", &other)),
    }
}

/// The address in the answer that fits this client; without any, the broker that was asked.
fn broker_address(
    pool: &Pool,
    answer: &CommandLookupTopicResponse,
    asked: &Address,
) -> Result<Address, OpenError> {
    let url = if pool.uses_tls() { answer.broker_service_url_tls() } else { answer.broker_service_url() };
    if url.is_empty() {
        return Ok(asked.clone());
    }
    Ok(Address::parse_all(url)?.swap_remove(0))
}

pub(crate) fn unexpected(request: &'static str, answer: &Command) -> RequestError {
    RequestError::Unexpected { request, answer: format!("{:?}", answer.kind()) }
}
