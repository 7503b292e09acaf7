//! What brokers say when something is wrong, and what the client makes of it.

use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use hexalpes_client::{
    Backoff, Batching, Client, ClientError, ClientOptions, ConnectError, ConsumerOptions, MessageId,
    OpenError, Outgoing, ProducerOptions, RequestError, SendError, ServerError, Token,
};
use hexalpes_wire::frame::Payload;
use hexalpes_wire::proto::{
    AuthData, Command, CommandAuthChallenge, CommandLookupTopicResponse, CommandMessage, LookupOutcome,
    MessageMetadata, ValidationError,
};

use tokio_util::sync::CancellationToken;

use crate::engine::{DEADLINE, next_text};
use crate::fake::{Fake, Reply};

/// Answers otherwise the first so many times.
fn first_times(
    times: u32,
    pick: fn(&Command) -> bool,
    reply: fn(&Command) -> Reply,
) -> impl Fn(&Command) -> Reply {
    let left = AtomicU32::new(times);
    let one_left = |left: u32| left.checked_sub(1);
    move |command| {
        let otherwise =
            pick(command) && left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_left).is_ok();
        if otherwise { reply(command) } else { Reply::Usual }
    }
}

async fn client(fake: &Fake) -> Client {
    Client::connect(fake.options()).await.unwrap()
}

#[tokio::test]
async fn a_redirected_lookup_is_followed_with_the_authority_it_was_given() {
    let owner = Fake::start(|_| Reply::Usual).await;
    let url = owner.url.clone();
    let front = Fake::start(move |command| match command {
        Command::Lookup(lookup) => Reply::Say(vec![Command::LookupResponse(CommandLookupTopicResponse {
            broker_service_url: Some(url.clone()),
            response: Some(LookupOutcome::Redirect.into()),
            request_id: lookup.request_id,
            authoritative: Some(true),
            ..CommandLookupTopicResponse::default()
        })]),
        _ => Reply::Usual,
    })
    .await;
    let producer = client(&front).await.producer("t", ProducerOptions::default()).await.unwrap();
    producer.send(Outgoing::new("x")).await.unwrap();
    let lookup = |command| if let Command::Lookup(lookup) = command { Some(lookup) } else { None };
    assert!(owner.hears(lookup).await.authoritative());
    owner.hears(|command| matches!(command, Command::Send(_)).then_some(())).await;
}

#[tokio::test]
async fn a_refused_connection_says_why() {
    let refuse = |command: &Command| Reply::refuse(command, ServerError::AuthenticationError, "who are you?");
    let error = Client::connect(Fake::start(refuse).await.options()).await.unwrap_err();
    let ClientError::Connect(ConnectError::Refused { refusal, .. }) = &error else { panic!("{error}") };
    assert_eq!((refusal.error, refusal.message.as_str()), (ServerError::AuthenticationError, "who are you?"));
}

#[tokio::test]
async fn a_token_is_shown_at_the_start_and_whenever_the_broker_asks_again() {
    let fake = Fake::start(|command| match command {
        Command::Lookup(lookup) => Reply::Say(vec![
            Command::AuthChallenge(CommandAuthChallenge::default()),
            Command::lookup_connect(lookup.request_id, Some(String::new()), None),
        ]),
        _ => Reply::Usual,
    })
    .await;
    let options = ClientOptions { token: Some(Token::new("secret")), ..fake.options() };
    assert!(!format!("{options:?}").contains("secret"));
    let client = Client::connect(options).await.unwrap();
    let _producer = client.producer("t", ProducerOptions::default()).await.unwrap();
    let connect = |command| if let Command::Connect(connect) = command { Some(connect) } else { None };
    let connect = fake.hears(connect).await;
    assert_eq!(connect.auth_method_name(), "token");
    assert_eq!(connect.auth_data(), b"secret");
    let response =
        |command| if let Command::AuthResponse(response) = command { response.response } else { None };
    let expected = AuthData {
        auth_method_name: Some("token".to_owned()),
        auth_data: Some(Bytes::from_static(b"secret")),
    };
    assert_eq!(fake.hears(response).await, expected);
}

#[tokio::test]
async fn what_may_succeed_later_is_tried_again_and_what_may_not_is_not() {
    let is_producer = |command: &Command| matches!(command, Command::Producer(_));
    let later = |command: &Command| Reply::refuse(command, ServerError::ServiceNotReady, "moving");
    let fake = Fake::start(first_times(2, is_producer, later)).await;
    client(&fake).await.producer("t", ProducerOptions::default()).await.unwrap();

    let never = |command: &Command| Reply::refuse(command, ServerError::AuthorizationError, "not you");
    let fake = Fake::start(first_times(1, is_producer, never)).await;
    let error = client(&fake).await.producer("t", ProducerOptions::default()).await.unwrap_err();
    assert!(matches!(error, OpenError::Request(RequestError::Refused(_))), "{error}");
}

#[tokio::test]
async fn an_answer_that_never_comes_is_an_error_that_says_what_was_waited_for() {
    let silent = |command: &Command| match command {
        Command::Lookup(_) => Reply::silence(),
        _ => Reply::Usual,
    };
    let fake = Fake::start(silent).await;
    let options = ClientOptions { operation_timeout: Duration::from_millis(100), ..fake.options() };
    let client = Client::connect(options).await.unwrap();
    let error = client.producer("t", ProducerOptions::default()).await.unwrap_err();
    assert!(matches!(error, OpenError::TimedOut { .. }), "{error}");
    assert!(error.is_transient());
}

#[tokio::test]
async fn a_broker_that_says_nothing_any_more_is_lost_and_everything_is_sent_again() {
    // It takes the first message and falls silent on that connection.
    let deaf = std::sync::atomic::AtomicBool::new(false);
    let fake = Fake::start(move |command| match command {
        Command::Send(_) if !deaf.swap(true, Ordering::SeqCst) => Reply::silence(),
        Command::Ping(_) => Reply::silence(),
        _ => Reply::Usual,
    })
    .await;
    let options = ClientOptions { keep_alive: Duration::from_millis(50), ..fake.options() };
    let client = Client::connect(options).await.unwrap();
    let producer = client.producer("t", ProducerOptions::default()).await.unwrap();
    assert_eq!(producer.send(Outgoing::new("x")).await, Ok(MessageId::new(1, 0)));
}

#[tokio::test]
async fn a_message_that_was_damaged_on_its_way_fails_alone() {
    let fake = Fake::start(first_times(
        1,
        |command| matches!(command, Command::Send(_)),
        |command| {
            let Command::Send(send) = command else { return Reply::Usual };
            let error = ServerError::ChecksumError;
            Reply::Say(vec![Command::send_error(send.producer_id, send.sequence_id, error, "damaged")])
        },
    ))
    .await;
    let producer = client(&fake).await.producer("t", ProducerOptions::default()).await.unwrap();
    let (damaged, sound) = (producer.send(Outgoing::new("a")), producer.send(Outgoing::new("b")));
    let error = damaged.await.unwrap_err();
    assert!(
        matches!(&error, SendError::Refused(refusal) if refusal.error == ServerError::ChecksumError),
        "{error}"
    );
    assert_eq!(sound.await, Ok(MessageId::new(1, 1)));
}

#[tokio::test]
async fn a_message_that_could_not_be_stored_is_sent_again_with_those_after_it() {
    let fake = Fake::start(first_times(
        3,
        |command| matches!(command, Command::Send(_)),
        |command| {
            let Command::Send(send) = command else { return Reply::Usual };
            let error = ServerError::PersistenceError;
            Reply::Say(vec![Command::send_error(send.producer_id, send.sequence_id, error, "disk")])
        },
    ))
    .await;
    let producer = client(&fake).await.producer("t", ProducerOptions::default()).await.unwrap();
    let sends = ["a", "b", "c"].map(|payload| producer.send(Outgoing::new(payload)));
    for (sent, sequence_id) in sends.into_iter().zip(0..) {
        assert_eq!(sent.await, Ok(MessageId::new(1, sequence_id)));
    }
}

#[tokio::test]
async fn a_producer_that_cannot_come_back_ends_with_the_reason() {
    let opened = AtomicU32::new(0);
    let fake = Fake::start(move |command| match command {
        Command::Send(_) => Reply::HangUp,
        Command::Producer(_) if opened.fetch_add(1, Ordering::SeqCst) > 0 => {
            Reply::refuse(command, ServerError::TopicTerminatedError, "the topic was closed")
        }
        _ => Reply::Usual,
    })
    .await;
    let producer = client(&fake).await.producer("t", ProducerOptions::default()).await.unwrap();
    for _ in 0..2 {
        let error = producer.send(Outgoing::new("x")).await.unwrap_err();
        assert!(matches!(&error, SendError::Ended { reason } if reason.contains("was closed")), "{error}");
    }
}

#[tokio::test]
async fn receipts_that_come_with_the_broker_gone_resolve_nothing_twice() {
    let fake = Fake::start(|command| match command {
        Command::Send(send) => {
            let receipt = || {
                Command::send_receipt(
                    send.producer_id,
                    send.sequence_id,
                    send.sequence_id,
                    MessageId::new(1, 0),
                )
            };
            Reply::Say(vec![receipt(), receipt()])
        }
        _ => Reply::Usual,
    })
    .await;
    let producer = client(&fake).await.producer("t", ProducerOptions::default()).await.unwrap();
    for _ in 0..10 {
        producer.send(Outgoing::new("x")).await.unwrap();
    }
    assert_eq!(producer.last_sequence_id(), 9);
}

#[tokio::test]
async fn a_producer_that_is_dropped_while_it_opens_is_closed_at_the_broker() {
    let silent = |command: &Command| match command {
        Command::Producer(_) => Reply::silence(),
        _ => Reply::Usual,
    };
    let fake = Fake::start(silent).await;
    let client = client(&fake).await;
    let opening = client.producer("t", ProducerOptions::default());
    let id = tokio::select! {
        _ = opening => panic!("nobody answered"),
        id = fake.hears(|command| if let Command::Producer(c) = command { Some(c.producer_id) } else { None }) => id,
    };
    let closed = fake
        .hears(|command| if let Command::CloseProducer(c) = command { Some(c.producer_id) } else { None });
    assert_eq!(closed.await, id);
}

#[tokio::test]
async fn what_waits_for_a_receipt_when_its_producer_is_dropped_is_told() {
    let silent = |command: &Command| match command {
        Command::Send(_) => Reply::silence(),
        _ => Reply::Usual,
    };
    let fake = Fake::start(silent).await;
    let producer = client(&fake).await.producer("t", ProducerOptions::default()).await.unwrap();
    let sent = producer.send(Outgoing::new("x"));
    drop(producer);
    assert_eq!(sent.await, Err(SendError::Closed));
}

/// An entry of one message, as a producer sent it.
fn entry(body: &'static str) -> Vec<u8> {
    let metadata = MessageMetadata { producer_name: "p".to_owned(), ..MessageMetadata::default() };
    Payload::new(&metadata, body.as_bytes()).into_raw().to_vec()
}

#[tokio::test]
async fn a_damaged_message_is_acked_as_such_and_the_next_is_received() {
    let delivered = AtomicU32::new(0);
    let fake = Fake::start(move |command| {
        let consumer_id = match command {
            Command::Flow(flow) => flow.consumer_id,
            Command::Ack(ack) => ack.consumer_id,
            _ => return Reply::Usual,
        };
        let mut raw = entry("sound");
        let entry = delivered.fetch_add(1, Ordering::SeqCst);
        if entry == 0 {
            *raw.last_mut().unwrap() ^= 1;
        }
        let message_id = MessageId::new(4, entry.into()).into();
        Reply::Deliver(CommandMessage { consumer_id, message_id, ..CommandMessage::default() }, raw.into())
    })
    .await;
    let consumer = client(&fake).await.consumer("t", ConsumerOptions::new("s")).await.unwrap();
    assert_eq!(next_text(&consumer).await, "sound");
    let ack = fake.hears(|command| if let Command::Ack(ack) = command { Some(ack) } else { None }).await;
    assert_eq!(ack.validation_error(), ValidationError::ChecksumMismatch);
    assert_eq!(ack.message_id, [MessageId::new(4, 0).into()]);
}

#[tokio::test]
async fn what_arrives_under_an_older_subscribe_is_not_received() {
    let fake = Fake::start(|command| match command {
        Command::Flow(flow) => {
            let message = CommandMessage { consumer_id: flow.consumer_id + 100, ..CommandMessage::default() };
            Reply::Deliver(message, entry("stale").into())
        }
        Command::GetLastMessageId(c) => {
            let message = CommandMessage { consumer_id: c.consumer_id, ..CommandMessage::default() };
            Reply::Deliver(message, entry("fresh").into())
        }
        _ => Reply::Usual,
    })
    .await;
    let consumer = client(&fake).await.consumer("t", ConsumerOptions::new("s")).await.unwrap();
    tokio::select! {
        text = next_text(&consumer) => assert_eq!(text, "fresh"),
        _ = consumer.last_message_id() => panic!("it is not answered"),
    }
}

#[tokio::test]
async fn a_broker_that_never_stores_is_asked_ever_more_slowly() {
    let fake = Fake::start(|command| match command {
        Command::Send(send) => {
            let error = ServerError::PersistenceError;
            Reply::Say(vec![Command::send_error(send.producer_id, send.sequence_id, error, "disk")])
        }
        _ => Reply::Usual,
    })
    .await;
    let backoff = Backoff { delay_min: Duration::from_millis(1), delay_max: Duration::from_hours(1) };
    let client = Client::connect(ClientOptions { backoff, ..fake.options() }).await.unwrap();
    let producer = client.producer("t", ProducerOptions::default()).await.unwrap();
    let sent = producer.send(Outgoing::new("x"));
    let send = |command| matches!(command, Command::Send(_)).then(std::time::Instant::now);
    let mut times = Vec::new();
    while times.len() < 8 {
        times.push(fake.hears(send).await);
    }
    // With jitter, each delay is one to two times what it doubles from: 1, 2, 4 … 64 ms.
    assert!(times[7] - times[0] >= Duration::from_millis(127), "{times:?}");
    drop(sent);
}

/// A broker judges a batch by its first id: it would drop the whole, and say that it is stored.
#[tokio::test]
async fn a_batch_of_which_another_producer_of_the_name_has_stored_a_part_meanwhile_is_not_sent_again() {
    let opened = AtomicU32::new(0);
    let fake = Fake::start(move |command| match command {
        Command::Producer(producer) if opened.fetch_add(1, Ordering::SeqCst) > 0 => {
            Reply::Say(vec![Command::producer_success(producer.request_id, "p", Some(4))])
        }
        Command::Send(_) if opened.load(Ordering::SeqCst) == 1 => Reply::HangUp,
        _ => Reply::Usual,
    })
    .await;
    let batching = Batching { max_messages: 3, max_delay: DEADLINE, ..Batching::default() };
    let options = ProducerOptions { batching: Some(batching), ..ProducerOptions::named("p") };
    let producer = client(&fake).await.producer("t", options).await.unwrap();
    let mut receipts = Vec::new();
    for id in 3..6 {
        receipts.push(producer.queue(Outgoing::new("x").sequence_id(id)).await.unwrap());
    }
    for receipt in receipts {
        let SendError::Ended { reason } = receipt.await.unwrap_err() else { panic!("it was not overtaken") };
        assert!(reason.contains("has stored up to 4 meanwhile, amid a batch of 3 to 5"), "{reason}");
    }
    assert!(producer.send(Outgoing::new("x")).await.is_err(), "it has ended");
}

#[tokio::test]
async fn parts_of_a_message_that_will_never_be_whole_are_given_up_and_block_nothing() {
    let delivered = AtomicU32::new(0);
    let fake = Fake::start(move |command| {
        let consumer_id = match command {
            Command::Flow(flow) => flow.consumer_id,
            Command::Ack(ack) => ack.consumer_id,
            _ => return Reply::Usual,
        };
        let number = delivered.fetch_add(1, Ordering::SeqCst);
        let message_id = MessageId::new(4, number.into()).into();
        let message = CommandMessage { consumer_id, message_id, ..CommandMessage::default() };
        if number > 0 {
            return Reply::Deliver(message, entry("whole").into());
        }
        // The second of three, sent long ago.
        let part = MessageMetadata {
            uuid: Some("u".to_owned()),
            chunk_id: Some(1),
            num_chunks_from_msg: Some(3),
            ..MessageMetadata::default()
        };
        Reply::Deliver(message, Payload::new(&part, b"part").into_raw())
    })
    .await;
    let consumer = client(&fake).await.consumer("t", ConsumerOptions::new("s")).await.unwrap();
    assert_eq!(next_text(&consumer).await, "whole");
    let ack = fake.hears(|command| if let Command::Ack(ack) = command { Some(ack) } else { None }).await;
    assert_eq!(ack.message_id, [MessageId::new(4, 0).into()]);
}

#[tokio::test]
async fn what_is_opened_behind_a_gate_waits_for_it_however_long() {
    let fake = Fake::start(|_| Reply::Usual).await;
    let gate = CancellationToken::new();
    let client = Client::gated(fake.options(), gate.clone()).unwrap();
    let mut opening = pin!(client.producer("t", ProducerOptions::default()));
    tokio::time::pause();
    assert!(tokio::time::timeout(Duration::from_hours(1), &mut opening).await.is_err());
    tokio::time::resume();
    gate.cancel();
    opening.await.unwrap();
}
