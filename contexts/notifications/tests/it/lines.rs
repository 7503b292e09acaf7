//! Each event has its line, whatever comes and goes.

use crate::support::{Backbone, Stage, events, lines, send, until};

/// Accepts S1-ENC-1, S3-CMP-5, S3-QS-6.
#[tokio::test]
async fn each_event_has_its_line_over_a_restart() {
    let backbone = Backbone::start().await;
    let stage = Stage::at(backbone.url()).await;
    let producer = stage.producer().await;
    let expected = lines(&events(0..40));

    send(&producer, &events(0..20)).await;
    let notifications = stage.start().await;
    until(&notifications, |status| status.lines_written == 20).await;
    notifications.stop().await;

    // Sent again by somebody, and new ones, while nobody listens.
    send(&producer, &events(10..40)).await;
    let notifications = stage.start().await;
    until(&notifications, |status| (status.lines_written, status.duplicates) == (20, 10)).await;
    notifications.stop().await;
    assert_eq!(stage.content(), expected);
}

#[tokio::test]
async fn the_line_goes_on_when_the_broker_was_away() {
    let mut backbone = Backbone::start().await;
    let stage = Stage::at(backbone.url()).await;
    let producer = stage.producer().await;
    let notifications = stage.start().await;
    for round in 0..3 {
        send(&producer, &events(10 * round..10 * (round + 1))).await;
        until(&notifications, |status| status.lines_written == 10 * (round as u64 + 1)).await;
        backbone.leave().await;
        backbone.come_back().await;
    }
    notifications.stop().await;
    assert_eq!(stage.content(), lines(&events(0..30)));
}

/// A foreign client may send anything; it is said which message it was, and the next one has its line.
#[tokio::test]
async fn what_is_no_event_is_refused_where_an_operator_sees_it() {
    let backbone = Backbone::start().await;
    let stage = Stage::at(backbone.url()).await;
    let producer = stage.producer().await;
    let notifications = stage.start().await;
    send(&producer, &["no event".to_owned(), "{}".to_owned()]).await;
    send(&producer, &events(0..1)).await;
    until(&notifications, |status| (status.refused, status.lines_written) == (2, 1)).await;
    let status = notifications.status();
    let refusal = status.last_refusal.unwrap();
    assert!(refusal.contains("is no structured CloudEvent"), "{refusal}");
    assert!(status.running && status.alarm.is_none());
    notifications.stop().await;
    assert_eq!(stage.content(), lines(&events(0..1)));
}

#[tokio::test]
async fn a_file_that_lost_lines_stops_the_start_and_the_error_says_what_to_do() {
    let backbone = Backbone::start().await;
    let stage = Stage::at(backbone.url()).await;
    send(&stage.producer().await, &events(0..3)).await;
    let notifications = stage.start().await;
    until(&notifications, |status| status.lines_written == 3).await;
    notifications.stop().await;
    std::fs::write(stage.file(), lines(&events(0..2))).unwrap();
    let error = stage.try_start().await.unwrap_err().to_string();
    assert!(error.contains("lines are lost") && error.contains("restore the file"), "{error}");
    assert_eq!(stage.content(), lines(&events(0..2)), "nothing is overwritten");
}
