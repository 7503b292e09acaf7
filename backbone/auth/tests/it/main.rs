//! Tokens that are good, and those that are not.

#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

use std::{fs, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hexalpes_auth::{
    Authentication, Claims, Identity, KeyError, Passwords, PasswordsError, Refused, SecretKey, SourceError,
    TokenError, TokenKey, key_bytes,
};

const NOW: Duration = Duration::from_secs(1_000_000);

fn secret() -> SecretKey {
    SecretKey::new(vec![7; 64]).unwrap()
}

fn key() -> TokenKey {
    TokenKey::secret(secret())
}

fn claims(sub: &str, exp: Option<f64>) -> Claims {
    Claims { sub: Some(sub.to_owned()), exp, nbf: None }
}

fn verdict(claims: &Claims) -> Result<Identity, TokenError> {
    key().verify(&claims.sign(&secret()), NOW)
}

#[test]
fn the_subject_is_the_role() {
    assert_eq!(verdict(&claims("Ñandú", None)), Ok(Identity { role: "Ñandú".to_owned(), ends: None }));
    assert_eq!(verdict(&Claims::default()), Err(TokenError::NoSubject));
    assert_eq!(verdict(&claims("", None)), Err(TokenError::NoSubject));
}

#[test]
fn a_token_counts_from_its_beginning_to_its_end() {
    assert_eq!(verdict(&claims("me", Some(1_000_000.0))), Err(TokenError::Expired));
    assert_eq!(verdict(&claims("me", Some(-1.0))), Err(TokenError::Expired));
    let ends = verdict(&claims("me", Some(1_000_001.0))).unwrap().ends;
    assert_eq!(ends, Some(NOW + Duration::from_secs(1)));
    assert_eq!(verdict(&claims("me", Some(1e300))).unwrap().ends, Some(Duration::MAX));
    let early = Claims { nbf: Some(1_000_001.0), ..claims("me", None) };
    assert_eq!(verdict(&early), Err(TokenError::Early));
}

#[test]
fn a_token_that_was_changed_or_that_another_key_signed_is_refused() {
    let token = claims("me", None).sign(&secret());
    let other = SecretKey::new(vec![8; 64]).unwrap();
    assert_eq!(TokenKey::secret(other).verify(&token, NOW), Err(TokenError::Signature));
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (header, _) = signed.split_once('.').unwrap();
    let forged = format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(r#"{"sub":"admin"}"#));
    assert_eq!(key().verify(&forged, NOW), Err(TokenError::Signature));
    for nonsense in ["", ".", "..", "a.b", "a.b.c", "é.é.é", "e30.e30.e30"] {
        assert_eq!(key().verify(nonsense, NOW), Err(TokenError::Malformed), "{nonsense}");
    }
}

#[test]
fn a_token_without_signature_is_refused_whatever_it_calls_its_algorithm() {
    for algorithm in ["none", "None", "HS1", "RS256"] {
        let header = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"{algorithm}"}}"#));
        let token = format!("{header}.{}.", URL_SAFE_NO_PAD.encode(r#"{"sub":"admin"}"#));
        assert_eq!(key().verify(&token, NOW), Err(TokenError::Signature), "{algorithm}");
    }
}

#[test]
fn tokens_of_rsa_and_of_a_curve_are_checked_with_the_public_key() {
    let rsa = TokenKey::public(include_bytes!("keys/rsa.public.pem")).unwrap();
    let curve = TokenKey::public(include_bytes!("keys/es256.public.der")).unwrap();
    let (of_rsa, of_curve) = (include_str!("keys/rs256.token"), include_str!("keys/es256.token"));
    let robot = Identity { role: "robot".to_owned(), ends: None };
    assert_eq!(rsa.verify(of_rsa, NOW), Ok(robot.clone()));
    assert_eq!(curve.verify(of_curve, NOW), Ok(robot));
    assert_eq!(rsa.verify(of_curve, NOW), Err(TokenError::Signature));
    assert_eq!(curve.verify(of_rsa, NOW), Err(TokenError::Signature));
}

/// Whoever has the public key could sign with it if it counted as a secret.
#[test]
fn a_public_key_is_no_secret() {
    let pem = include_bytes!("keys/rsa.public.pem");
    let forged = claims("admin", None).sign(&SecretKey::new(pem.to_vec()).unwrap());
    assert_eq!(TokenKey::public(pem).unwrap().verify(&forged, NOW), Err(TokenError::Signature));
}

#[test]
fn bytes_that_are_no_key_are_refused() {
    assert!(matches!(SecretKey::new(vec![7; 31]), Err(KeyError::Short { bytes: 31 })));
    for nonsense in [&b""[..], b"hello", &[0x30, 0x82], &[0x30, 0x03, 0x30, 0x7f, 0x06]] {
        assert!(matches!(TokenKey::public(nonsense), Err(KeyError::NotPublic)), "{nonsense:?}");
    }
}

#[test]
fn a_key_is_where_pulsars_settings_say() {
    let path = std::env::temp_dir().join(format!("hexalpes-auth-{}", std::process::id()));
    fs::write(&path, b"raw").unwrap();
    let shown = path.display();
    for source in [format!("file://{shown}"), format!("file:{shown}"), shown.to_string()] {
        assert_eq!(key_bytes(&source).unwrap(), b"raw", "{source}");
    }
    fs::remove_file(&path).unwrap();
    assert!(matches!(key_bytes(&shown.to_string()), Err(SourceError::Unreadable { .. })));
    assert_eq!(key_bytes("data:;base64,cmF3").unwrap(), b"raw");
    assert!(matches!(key_bytes("data:cmF3"), Err(SourceError::Data)));
}

#[test]
fn who_shows_no_token_is_anonymous_where_that_is_allowed_and_refused_elsewhere() {
    let of = |role: Option<&str>| Authentication::by_token(key(), role.map(str::to_owned));
    let (closed, open) = (of(None), of(Some("anonymous")));
    let missing = Refused::Missing { supported: "token".to_owned() };
    assert_eq!(closed.authenticate(None, b"", None, NOW), Err(missing.clone()));
    assert_eq!(closed.authenticate_header(None, None, NOW), Err(missing));
    assert!(matches!(closed.authenticate(Some("basic"), b"a:b", None, NOW), Err(Refused::Method { .. })));
    assert_eq!(open.authenticate(None, b"", None, NOW).unwrap().role, "anonymous");
    assert_eq!(open.authenticate_header(None, None, NOW).unwrap().role, "anonymous");
    // A wrong token is a mistake that should be noticed.
    assert_eq!(open.authenticate(Some("token"), b"x", None, NOW), Err(Refused::Token(TokenError::Malformed)));
    assert_eq!(
        open.authenticate_header(Some("Bearer x"), None, NOW),
        Err(Refused::Token(TokenError::Malformed))
    );

    let token = claims("me", None).sign(&secret());
    assert_eq!(closed.authenticate(Some("token"), token.as_bytes(), None, NOW).unwrap().role, "me");
    assert_eq!(closed.authenticate_header(Some(&format!("bearer {token}")), None, NOW).unwrap().role, "me");
}

/// Made by OpenSSL, for passwords of no letter, one, many, and others than ASCII.
const HTPASSWD: &str = "\
short:$apr1$abcdefgh$612I4P3WkyE5WPppIQnp91
one:$apr1$Xy$t/KqqOhFhCFu1AIySdMAX0
accents:$apr1$Xy$Vsmv5cCcyqNCRspK.qddW/
long:$apr1$Xy$o8yW2Or0rm1EXVenjKwm61
empty:$apr1$Xy$RptpMkypqXtTQHiQD96Lq/
admin:$apr1$FG4AO6aX$KGYPuMoLUou3i6vUkPUUf.
";

#[test]
fn a_password_is_that_of_the_line_of_its_user() {
    let authentication = Authentication {
        passwords: Some(Passwords::parse(HTPASSWD.as_bytes()).unwrap()),
        ..Authentication::default()
    };
    let basic = |both: &str| authentication.authenticate(Some("basic"), both.as_bytes(), None, NOW);
    let long = format!("long:{}", "0123456789abcdef".repeat(5));
    for good in ["short:apw", "admin:123456", "empty:", "one:x", "accents:pässwörd: zwei", &long] {
        let (user, _) = good.split_once(':').unwrap();
        assert_eq!(basic(good), Ok(Identity { role: user.to_owned(), ends: None }), "{good}");
    }
    for wrong in ["short:", "short:apW", "nobody:apw", "short", "", "admin:apw"] {
        assert_eq!(basic(wrong), Err(Refused::Password), "{wrong}");
    }
    let header = |value: &str| authentication.authenticate_header(Some(value), None, NOW).map(|it| it.role);
    assert_eq!(header("Basic c2hvcnQ6YXB3"), Ok("short".to_owned()));
    assert_eq!(header("basic c2hvcnQ6YXB3"), Ok("short".to_owned()));
    assert_eq!(header("Basic nonsense"), Err(Refused::Password));
    assert!(
        matches!(header("Bearer x"), Err(Refused::Method { supported, .. }) if supported.contains("basic"))
    );
}

#[test]
fn lines_that_are_no_passwords_are_refused_by_number() {
    let error = |text: &str| Passwords::parse(text.as_bytes()).unwrap_err();
    assert_eq!(error("a:$apr1$s$h\n\nb"), PasswordsError::Shape { line: 3 });
    assert_eq!(error("# a comment"), PasswordsError::Shape { line: 1 });
    assert_eq!(error("a:b:c"), PasswordsError::Shape { line: 1 });
    let twice = PasswordsError::Twice { line: 2, user: "a".to_owned() };
    assert_eq!(error("a:$apr1$s$h\na:$apr1$s$h"), twice);
    for other in ["abreKcbFszKVY", "$2y$05$abc", "{SHA}abc", "plain", "$apr1$nosalt"] {
        let shown = error(&format!("a:{other}"));
        assert_eq!(shown, PasswordsError::Kind { line: 1, user: "a".to_owned() }, "{other}");
        assert!(!shown.to_string().contains(other), "a hash is not shown");
    }
    assert_eq!(Passwords::parse(&[0xff]).unwrap_err(), PasswordsError::NotText);
}

#[test]
fn a_certificate_is_a_role_where_that_is_wanted_and_a_header_wins_over_it() {
    let both = Authentication { by_certificate: true, ..Authentication::by_token(key(), None) };
    assert_eq!(both.authenticate(Some("tls"), b"", Some("robot"), NOW).unwrap().role, "robot");
    assert_eq!(both.authenticate(Some("tls"), b"", None, NOW), Err(Refused::Certificate));
    assert_eq!(both.authenticate_header(None, Some("robot"), NOW).unwrap().role, "robot");
    let token = claims("me", None).sign(&secret());
    let header = both.authenticate_header(Some(&format!("Bearer {token}")), Some("robot"), NOW);
    assert_eq!(header.unwrap().role, "me");
    assert!(matches!(both.authenticate(None, b"", Some("robot"), NOW), Err(Refused::Missing { .. })));
    let tokens = Authentication::by_token(key(), None);
    assert!(matches!(tokens.authenticate(Some("tls"), b"", Some("robot"), NOW), Err(Refused::Method { .. })));
    assert!(matches!(tokens.authenticate_header(None, Some("robot"), NOW), Err(Refused::Missing { .. })));
}
