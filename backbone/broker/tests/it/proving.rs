//! Clients that prove who they are, those that do not, and those whose proof ends.

use std::sync::Arc;

use bytes::Bytes;
use hexalpes_auth::{Authentication, Claims, SecretKey, TokenKey};
use hexalpes_broker::{BrokerOptions, Clock};
use hexalpes_wire::proto::{
    AuthData, Command, CommandAuthResponse, CommandConnect, FeatureFlags, ServerError,
};
use tempfile::TempDir;

use crate::peer::{Peer, Running};

/// The broker's clock stands here, in seconds: a token's end is that long after the handshake.
const NOW: u32 = 1_000_000;

fn secret() -> SecretKey {
    SecretKey::new(vec![7; 32]).unwrap()
}

/// A token that ends so many seconds after the handshake.
fn token(role: &str, seconds: Option<u32>) -> String {
    let exp = seconds.map(|seconds| f64::from(NOW + seconds));
    Claims { sub: Some(role.to_owned()), exp, nbf: None }.sign(&secret())
}

async fn start(anonymous_role: Option<&str>) -> (Running, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let authentication =
        Authentication::by_token(TokenKey::secret(secret()), anonymous_role.map(str::to_owned));
    let options = |url| BrokerOptions {
        authentication: Some(Arc::new(authentication)),
        clock: Clock::new(|| u64::from(NOW) * 1000),
        ..BrokerOptions::new(folder.path(), url)
    };
    (Running::open(options).await.unwrap(), folder)
}

/// A client that says CONNECT with this token, and whether it answers challenges.
async fn connect(broker: &Running, token: Option<&str>, answers: bool) -> (Peer, Command) {
    let mut peer = broker.stranger().await;
    let flags = FeatureFlags { supports_auth_refresh: Some(answers), ..FeatureFlags::default() };
    let connect = CommandConnect {
        client_version: "test".to_owned(),
        protocol_version: Some(21),
        auth_method_name: token.map(|_| "token".to_owned()),
        auth_data: token.map(|token| Bytes::copy_from_slice(token.as_bytes())),
        feature_flags: Some(flags),
        ..CommandConnect::default()
    };
    let answer = peer.ask(&Command::Connect(connect)).await;
    (peer, answer)
}

fn answer(token: &str) -> Command {
    Command::AuthResponse(CommandAuthResponse {
        client_version: Some("test".to_owned()),
        response: Some(AuthData {
            auth_method_name: Some("token".to_owned()),
            auth_data: Some(Bytes::copy_from_slice(token.as_bytes())),
        }),
        protocol_version: Some(21),
    })
}

/// The challenge that comes before the end of a proof.
async fn is_asked(peer: &mut Peer) {
    let asked = peer.answer().await;
    assert!(matches!(asked, Command::AuthChallenge(_)), "{asked:?}");
}

/// That the connection goes on.
async fn is_served(peer: &mut Peer) {
    let opened = peer.open_producer("t", None).await;
    assert!(matches!(opened, Command::ProducerSuccess(_)), "{opened:?}");
}

#[tokio::test]
async fn who_shows_a_good_token_is_served_and_others_are_told_why_not_and_hung_up_on() {
    let (broker, _folder) = start(None).await;
    let (mut peer, connected) = connect(&broker, Some(&token("me", None)), true).await;
    assert!(matches!(connected, Command::Connected(_)), "{connected:?}");
    is_served(&mut peer).await;

    let good = token("me", None);
    let (signed, _) = good.rsplit_once('.').unwrap();
    for wrong in [None, Some(""), Some("nonsense"), Some(signed), Some(&*token("me", Some(0)))] {
        let (mut peer, refused) = connect(&broker, wrong, true).await;
        let Command::Error(error) = refused else { panic!("{wrong:?}: {refused:?}") };
        assert_eq!(error.error, i32::from(ServerError::AuthenticationError), "{wrong:?}");
        assert_eq!(error.request_id, u64::MAX, "{wrong:?}");
        assert!(peer.hears().await.is_none(), "{wrong:?}: it is hung up on");
    }
    broker.stop().await;
}

#[tokio::test]
async fn who_shows_no_token_is_served_where_there_is_an_anonymous_role() {
    let (broker, _folder) = start(Some("anonymous")).await;
    let (mut peer, _) = connect(&broker, None, true).await;
    is_served(&mut peer).await;
    let (_, refused) = connect(&broker, Some("nonsense"), true).await;
    assert!(matches!(refused, Command::Error(_)), "{refused:?}");
    broker.stop().await;
}

#[tokio::test]
async fn a_client_is_asked_before_its_token_ends_and_goes_on_with_a_new_one() {
    let (broker, _folder) = start(None).await;
    let (mut peer, _) = connect(&broker, Some(&token("me", Some(5))), true).await;
    is_asked(&mut peer).await;
    peer.say(&answer(&token("me", Some(6)))).await;
    is_served(&mut peer).await;
    // The new one ends as well.
    is_asked(&mut peer).await;
    peer.say(&answer(&token("me", None))).await;
    is_served(&mut peer).await;
    broker.stop().await;
}

#[tokio::test]
async fn a_client_whose_token_has_ended_is_hung_up_on() {
    let (broker, _folder) = start(None).await;
    let (mut silent, _) = connect(&broker, Some(&token("me", Some(1))), true).await;
    let (mut unable, _) = connect(&broker, Some(&token("me", Some(1))), false).await;
    is_asked(&mut silent).await;
    assert!(silent.hears().await.is_none());
    assert!(unable.hears().await.is_none(), "who cannot answer is not asked");
    broker.stop().await;
}

#[tokio::test]
async fn the_old_token_again_is_taken_and_not_asked_for_once_more() {
    let (broker, _folder) = start(None).await;
    let old = token("me", Some(5));
    let (mut peer, _) = connect(&broker, Some(&old), true).await;
    is_asked(&mut peer).await;
    peer.say(&answer(&old)).await;
    is_served(&mut peer).await;
    assert!(peer.hears().await.is_none(), "it ends");
    broker.stop().await;
}

#[tokio::test]
async fn an_answer_that_proves_nothing_or_somebody_else_ends_the_connection() {
    let (broker, _folder) = start(None).await;
    let (mut peer, _) = connect(&broker, Some(&token("me", None)), true).await;
    let refused = peer.ask(&answer("nonsense")).await;
    assert!(matches!(refused, Command::Error(_)), "{refused:?}");
    assert!(peer.hears().await.is_none());

    let (mut peer, _) = connect(&broker, Some(&token("me", None)), true).await;
    peer.say(&answer(&token("somebody else", None))).await;
    assert!(peer.hears().await.is_none());
    broker.stop().await;
}
