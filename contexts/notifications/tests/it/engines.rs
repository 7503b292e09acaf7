//! The same on each database and on a real Pulsar, where there are any.

use hexalpes_db::DatabaseUrl;

use crate::support::{Backbone, Stage, event, events, lines, send, until};

#[tokio::test]
async fn the_inbox_may_be_in_any_database() {
    for database in hexalpes_engines::databases() {
        println!("on {}", database.engine());
        let backbone = Backbone::start().await;
        let place = DatabaseUrl::parse(database.url()).unwrap();
        let stage = Stage::with(backbone.url(), &place, tempfile::tempdir().unwrap()).await;
        let producer = stage.producer().await;
        for written in [20, 40] {
            send(&producer, &events(0..written)).await;
            let notifications = stage.start().await;
            until(&notifications, |status| status.offset == lines(&events(0..written)).len() as u64).await;
            notifications.stop().await;
        }
        assert_eq!(stage.content(), lines(&events(0..40)));
        stage.db.close().await;
    }
}

/// Others use the topic as well: only the events of this test are looked at.
#[tokio::test]
async fn on_a_real_pulsar_each_event_has_one_line() {
    let Some(pulsar) = hexalpes_engines::pulsar() else { return };
    let stage = Stage::at(pulsar.service).await;
    let ours = |number: usize| event(&format!("{}-{number}", std::process::id()));
    let events: Vec<String> = (0..30).map(ours).collect();
    let producer = stage.producer().await;
    send(&producer, &events[..20]).await;
    send(&producer, &events[10..]).await;
    let notifications = stage.start().await;
    until(&notifications, |status| status.lines_written >= 30 && status.duplicates >= 10).await;
    notifications.stop().await;
    let content = stage.content();
    let found: Vec<&str> = content.lines().filter(|line| events.iter().any(|event| event == line)).collect();
    assert_eq!(found, events);
}
