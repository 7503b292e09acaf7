//! One budget of runs, over all restarts.

use hexalpes_consumer::RUNS_MAX;
use hexalpes_db::{DatabaseUrl, Tx};
use sea_query::Query;

use crate::support::{SUBSCRIPTION, Stage, done, failing, good, property, until};

/// Accepts C-5, S0-CON-7, S2-SUB-6, S2-ERR-1, S2-ERR-4.
#[tokio::test]
async fn an_event_that_never_succeeds_is_run_four_times_and_is_a_dead_letter() {
    for database in hexalpes_engines::databases() {
        println!("on {}", database.engine());
        let stage = Stage::on(&DatabaseUrl::parse(database.url()).unwrap()).await;
        let consumer = stage.start();
        for (place, how) in ["transient", "unexpected", "panic"].into_iter().enumerate() {
            stage.send([failing(how, how, how, 0)]).await;
            until(&consumer, |status| status.dead_letters == place as u64 + 1).await;
            let letters = stage.letters().await;
            assert_eq!(property(&letters[place], "dlq_runs"), Some("4"), "{how}");
            if database.engine() == hexalpes_engines::Engine::Sqlite {
                assert_eq!(stage.puppet.runs(how), RUNS_MAX, "{how}");
            }
        }
        assert!(stage.effects().await.is_empty());
        assert_eq!(stage.count("inbox_run").await, 0);
        consumer.stop().await;
        stage.db.close().await;
    }
}

#[tokio::test]
async fn a_restart_does_not_begin_the_budget_anew() {
    let stage = Stage::set().await;
    stage.send([failing("a", "k", "unexpected", 0)]).await;
    let mut restarts = 0;
    while stage.letters().await.is_empty() {
        let before = stage.puppet.runs("a");
        let consumer = stage.start();
        until(&consumer, |status| status.repeated + status.dead_letters > 0).await;
        consumer.stop().await;
        assert!(stage.puppet.runs("a") > before, "each start goes on");
        restarts += 1;
    }
    assert!(restarts > 1);
    assert_eq!(stage.puppet.runs("a"), RUNS_MAX);
}

/// A run is counted before it begins as long as it may be the one that ended the process before.
#[tokio::test]
async fn an_event_that_takes_the_process_with_it_is_found_out() {
    let stage = Stage::set().await;
    // What a process leaves that died in the last run of the event.
    let runs = Query::insert()
        .into_table("inbox_run")
        .columns(["consumer", "event_id", "runs", "first_at", "due_at", "why"])
        .values_panic([
            SUBSCRIPTION.into(),
            "killer".into(),
            i64::from(RUNS_MAX).into(),
            0_i64.into(),
            0_i64.into(),
            "the process ended while it ran".into(),
        ])
        .to_owned();
    stage.db.write(async move |tx: &Tx| tx.execute(&runs).await.map(drop)).await.unwrap();
    stage.send([good("killer", "k"), good("other", "other")]).await;
    let consumer = stage.start();
    until(&consumer, |status| done(status) == 2).await;
    consumer.stop().await;
    assert_eq!(stage.puppet.runs("killer"), 0);
    let letters = stage.letters().await;
    let why = (property(&letters[0], "dlq_code"), property(&letters[0], "dlq_reason"));
    let told = "no run ended well; the last: the process ended while it ran";
    assert_eq!(why, (Some("runs_exhausted"), Some(told)));
}

#[tokio::test]
async fn a_damaged_database_stops_the_consumer_with_an_alarm() {
    let stage = Stage::set().await;
    let consumer = stage.start();
    stage.send([failing("a", "k", "damage", 0)]).await;
    let status = until(&consumer, |status| status.alarm.is_some()).await;
    assert!(!status.running);
    assert_eq!(status.alarm.unwrap(), "the inbox cannot be used: the database is damaged: page 7");
    assert_eq!(stage.count("inbox_event").await, 0);
    consumer.stop().await;
}
