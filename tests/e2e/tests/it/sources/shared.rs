//! Two processes that keep their sources in one database: what is done at the one, the other does.

use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
};

use hexalpes_client::Message;
use hexalpes_e2e::{Backbone, PATIENCE, Product, messages};
use hexalpes_engines::{a_moment, log_databases};
use serde_json::{Value, json};

use super::table::{Table, at_least, ids, once};
use crate::command::{refusal, up_refusal};

/// Accepts S3-SRC-2.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_with_a_source_at_one_process_the_others_that_share_it_do() {
    let backbone = Backbone::start();
    for database in log_databases() {
        let url = database.url().to_owned();
        let table = Table::make(database, "shared");
        let one = Product::serve_sharing(backbone.urls(), &url, None);
        let other = Product::serve_sharing(backbone.urls(), &url, Some(&one));
        let service = backbone.urls().service;

        // Made at the one, it is at both: of them one works, the other waits.
        table.insert(0..10);
        table.create(&one);
        listed(&table, &other, true).await;
        at_least(&service, &table.events(), 10).await;
        one_works(&table, &one, &other);
        let again = other.post(&path(&table), &table.config()).await;
        assert_eq!((again.0, again.1["reason"].as_str().is_some()), (400, true), "{}", again.1);
        assert!(again.1["reason"].to_string().contains("already exists"), "{}", again.1);

        // Paused at the other, nobody publishes; resumed at the one, somebody does, behind what is there.
        assert_eq!(table.order(&other, &["pause"]), "paused");
        table.until(&one, |status| status["state"] == "paused");
        table.insert(10..20);
        resumed(&table, &one);
        table.until(&other, |status| status["state"] != "paused");
        at_least(&service, &table.events(), 20).await;
        table.order(&other, &["restart"]);
        table.until(&one, |status| status["restarts"] == 1);
        table.insert(20..30);
        at_least(&service, &table.events(), 30).await;
        one_works(&table, &one, &other);

        // What comes while it is paused is left out at the other's word, whoever goes on.
        assert_eq!(table.order(&one, &["pause"]), "paused");
        table.until(&other, |status| status["state"] == "paused");
        table.insert(30..40);
        assert_eq!(table.order(&other, &["skip"]), "paused");
        resumed(&table, &one);
        one_works(&table, &one, &other);
        table.insert(40..50);
        let expected: Vec<String> = (0..30).chain(40..50).map(|key| format!("k-{key}")).collect();
        assert_eq!(ids(&at_least(&service, &table.events(), 40).await), expected, "{}", table.engine());
        assert_eq!(ids(&at_least(&service, &table.raw(), 40).await), expected, "{}", table.engine());

        // At the word of the one that waits, while the other works and rows come: what that one sent meanwhile is left out.
        let (_, waits) = one_works(&table, &one, &other);
        let next = skipped_amid_rows(&table, waits);
        table.insert([next]);
        let last = format!("k-{next}");
        // The last of them may be on one topic alone: each has its own once and in order.
        let mut all = Vec::new();
        for topic in [table.raw(), table.events()] {
            all = until_last(&service, &topic, &last).await;
            let key = |id: &String| id["k-".len()..].parse::<usize>().expect("it is a number");
            assert!(all.is_sorted_by(|one, next| key(one) < key(next)), "{topic}: {all:?}");
        }

        // Deleted at the other, it goes on nowhere; made anew, it goes on where it was.
        assert_eq!(table.order(&other, &["delete"]), "deleted");
        listed(&table, &one, false).await;
        table.insert([next + 1]);
        table.create(&one);
        let all = [all, vec![format!("k-{}", next + 1)]].concat();
        assert_eq!(ids(&at_least(&service, &table.events(), all.len()).await), all, "{}", table.engine());

        // Forgotten by whichever does not work, nothing of it is known, and its slot is gone.
        listed(&table, &other, true).await;
        let (works, waits) = one_works(&table, &one, &other);
        assert_eq!(table.order(waits, &["delete", "--forget"]), "deleted");
        listed(&table, works, false).await;
        if table.is_postgres() {
            let slot = format!("hexalpes_{}", table.source.replace('-', "_"));
            table.has(&format!("pg_replication_slots where slot_name = '{slot}'"), 0);
        }
        assert_eq!(ids(&messages(&service, &table.events()).await), all, "{}", table.engine());
        table.create(works);
        let rows = next + 2;
        let again = ids(&at_least(&service, &table.events(), all.len() + rows).await);
        let expected: Vec<String> = (0..rows).map(|key| format!("k-{key}")).collect();
        assert_eq!(again[all.len()..], expected, "{}", table.engine());
        assert_eq!(table.order(works, &["delete", "--forget"]), "deleted");
    }
}

/// It works there, or at the other, which may be faster.
fn resumed(table: &Table, at: &Product) {
    let state = table.order(at, &["resume"]);
    assert!(["running", "standby"].contains(&state.as_str()), "{}: {state}", table.engine());
}

/// Orders it, with rows that come before, while and after it is done; gives the key of the next row.
fn skipped_amid_rows(table: &Table, at: &Product) -> usize {
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        let writing = scope.spawn(|| {
            let mut key = 50;
            while !is_done.load(Relaxed) {
                table.insert([key]);
                key += 1;
            }
            key
        });
        table.order(at, &["skip"]);
        is_done.store(true, Relaxed);
        writing.join().expect("rows can be written")
    })
}

/// The ids of a topic's events, once it has this one.
async fn until_last(service: &str, topic: &str, last: &str) -> Vec<String> {
    let ends_so = |all: &[Message]| ids(all).last().is_some_and(|id| id == last);
    ids(&once(service, topic, ends_so).await.unwrap_or_else(|| panic!("{topic} has no {last}")))
}

/// Of two processes, the one that has another key cannot read the other's sources: it says so, and does all else.
#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_was_sealed_with_another_key_is_told_of_and_in_nobody_s_way() {
    let backbone = Backbone::start();
    let database = log_databases().swap_remove(0);
    let url = database.url().to_owned();
    let table = Table::make(database, "sealed");
    let one = Product::serve_sharing(backbone.urls(), &url, None);
    let other = Product::serve_sharing(backbone.urls(), &url, None);
    table.create(&one);
    let told = other.api().until("/admin/v3/sources", |all| all[0].is_object()).await;
    let alarm = told[0]["alarm"].to_string();
    assert!(alarm.contains("is the secret key the one that sealed it?"), "{alarm}");
    let (status, refused) =
        other.post(&format!("{}/relay/pause", path(&table)), &json!({ "reason": "a test" })).await;
    assert!(status == 500 && refused["reason"].to_string().contains("the secret key"), "{status}: {refused}");
    table.insert([0]);
    table.written(&one, 1);
    assert_eq!(table.order(&other, &["delete"]), "deleted");
    listed(&table, &one, false).await;
}

fn path(table: &Table) -> String {
    format!("/admin/v3/sources/public/default/{}", table.source)
}

/// Waits until a process has it, or has it no more.
async fn listed(table: &Table, product: &Product, is_there: bool) {
    let wanted = if is_there { 200 } else { 404 };
    let waiting = async {
        while product.get(&format!("{}/status", path(table))).await.0 != wanted {
            a_moment().await;
        }
    };
    let reached = tokio::time::timeout(PATIENCE, waiting).await;
    assert!(reached.is_ok(), "{}: {}", table.engine(), product.log());
}

/// Waits until one of them reads the log, and the other says that it waits; which is which.
fn one_works<'a>(table: &Table, one: &'a Product, other: &'a Product) -> (&'a Product, &'a Product) {
    let works = |status: &Value| status["state"] == "running" && status["lagLogBytes"].is_number();
    let waits = |status: &Value| status["state"] == "standby";
    if waits(&table.until(one, |status| waits(status) || works(status))) {
        table.until(other, works);
        (other, one)
    } else {
        table.until(other, waits);
        (one, other)
    }
}

/// What was kept in files before a server was named is not left behind silently.
#[tokio::test(flavor = "multi_thread")]
async fn sources_of_before_are_told_of_when_they_are_to_be_kept_elsewhere() {
    let database = log_databases().swap_remove(0);
    let url = database.url().to_owned();
    let table = Table::make(database, "before");
    table.insert(0..5);
    let mut product = Product::start();
    table.create(&product);
    table.written(&product, 5);
    assert_eq!(product.interrupt(), Some(0), "{}", product.log());
    let (data, folder) = (product.data(), tempfile::tempdir().expect("a temporary folder can be made"));
    let data = data.display().to_string();
    let elsewhere = ["--data", &data, "--sources-database-url", &url];
    let said = up_refusal(folder.path(), &elsewhere, 1);
    let list = format!("{data}/sources/sources.db");
    assert!(said.contains(&format!("{list} lists public/default/{}, and sources", table.source)), "{said}");
    assert!(said.contains(&format!("set SOURCES_DATABASE_URL=sqlite:{list}. ")), "{said}");
    let said = refusal(folder.path(), &[&["demo", "reset"][..], &elsewhere].concat(), 1);
    assert!(said.contains("unset SOURCES_DATABASE_URL"), "{said}");

    // As it says.
    product.set("SOURCES_DATABASE_URL", format!("sqlite:{list}"));
    product.restart();
    table.insert(5..10);
    table.written(&product, 5);
    assert_eq!(table.order(&product, &["delete", "--forget"]), "deleted");
}
