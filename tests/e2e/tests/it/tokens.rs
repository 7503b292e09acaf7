//! Tokens, from the command that makes them to the backbone that wants them.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use hexalpes_e2e::Backbone;
use serde_json::Value;

use crate::command::{hexalpes, refusal, up_refusal};

/// What it prints, if all is well.
fn ask(folder: &Path, words: &[&str]) -> String {
    let output = hexalpes(folder, words);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("answers are UTF-8").trim().to_owned()
}

#[test]
fn tokens_are_made_read_and_wanted() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path();
    ask(path, &["token", "secret-key", "--output", "secret.key"]);
    let mode = fs::metadata(path.join("secret.key")).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "nobody else reads it");
    let said = refusal(path, &["token", "secret-key", "--output", "secret.key"], 1);
    assert!(said.contains("secret.key cannot be written"), "{said}");

    let key = format!("file://{}", path.join("secret.key").display());
    let token = ask(path, &["token", "create", "--subject", "me", "--token-secret-key", &key]);
    let token_file = path.join("token").display().to_string();
    fs::write(&token_file, &token).expect("it can be written");
    let shown = ask(path, &["token", "show", &token, "-o", "json", "--token-secret-key", &key]);
    let shown: Value = serde_json::from_str(&shown).expect("it is JSON");
    assert_eq!((&shown["claims"]["sub"], &shown["counts"]), (&"me".into(), &true.into()));

    let backbone = Backbone::start_with_flags(&[
        "--token-secret-key",
        &key,
        "--anonymous-user-role",
        "guest",
        "--super-user-roles",
        "guest",
    ]);
    drop(backbone);
    let backbone = Backbone::start_guarded(&["--token-secret-key", &key, "--super-user-roles", "me"]);
    let urls = backbone.urls();
    let reach = ["--pulsar-broker-url", &urls.service, "--pulsar-admin-url", &urls.admin];
    let said = refusal(path, &[&["produce", "t", "-m", "x"], &reach[..]].concat(), 1);
    assert!(said.contains("connect with a token"), "{said}");
    let said = refusal(path, &[&["topics", "list"], &reach[..]].concat(), 1);
    assert!(said.contains("401") && said.contains("connect with a token"), "{said}");

    let with_token = [&reach[..], &["--pulsar-token-file", &token_file]].concat();
    let stored = ask(path, &[&["produce", "t", "-m", "x"], &with_token[..]].concat());
    assert!(stored.contains("1 stored"), "{stored}");
    assert!(
        ask(path, &[&["topics", "list"], &with_token[..]].concat()).contains("persistent://public/default/t")
    );
}

#[test]
fn a_key_that_is_missing_or_too_short_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let said = refusal(
        folder.path(),
        &["backbone", "--super-user-roles", "me", "--token-secret-key", "file:///nowhere/secret.key"],
        1,
    );
    assert!(
        said.contains("token_secret_key") && said.contains("/nowhere/secret.key cannot be read"),
        "{said}"
    );
    let said = refusal(
        folder.path(),
        &["backbone", "--super-user-roles", "me", "--token-secret-key", "data:;base64,c2hvcnQ="],
        1,
    );
    assert!(said.contains("token_secret_key") && said.contains("too short"), "{said}");
    let said = refusal(folder.path(), &["token", "create", "--subject", "me"], 1);
    assert!(said.contains("hexalpes token secret-key"), "{said}");
}

#[test]
fn services_beside_a_backbone_that_wants_tokens_need_one() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let key = format!("data:;base64,{}", "A".repeat(44));
    let said = up_refusal(folder.path(), &["--token-secret-key", &key, "--super-user-roles", "me"], 1);
    assert!(said.contains("--pulsar-token-file"), "{said}");
    assert!(!folder.path().join("data").exists(), "nothing was opened");
}
