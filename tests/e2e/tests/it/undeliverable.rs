//! An event of a service that cannot be published: it waits, and so do those of its aggregate, until somebody decides.

use hexalpes_e2e::{CaptureStage, PATIENCE, Part};
use hexalpes_engines::{Engine, a_moment, database_server, eventually, killable};
use serde_json::Value;
use tokio::time::timeout;

use crate::command::ask;

/// Of the stage, each of which has a row by then.
const AGGREGATES: usize = 12;

/// The service's rows that wait, once they are as wanted.
fn parked(stage: &CaptureStage, wanted: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let mut last = Vec::new();
    let there = eventually(PATIENCE, || {
        let told = ask(&stage.relays[0], &["relay", "parked", "commissions", "-o", "jsonl"]);
        last = told.lines().map(|line| serde_json::from_str(line).expect("it is JSON")).collect();
        wanted(&last).then_some(())
    });
    assert!(there.is_some(), "{last:?}");
    last
}

fn order(stage: &CaptureStage, words: &[&str]) {
    let (verb, more) = words.split_first().expect("there is a verb");
    let order = [&["relay", *verb, "commissions"][..], more, &["--reason", "a test"]].concat();
    ask(&stage.relays[0], &order);
}

/// The relay is killed while they wait, and once one was tried in vain.
///
/// Accepts S3-SRC-2, C-19.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_cannot_be_published_waits_with_its_aggregate_until_somebody_decides() {
    for engine in [Engine::Sqlite].into_iter().chain(killable()) {
        let mut stage = CaptureStage::set(database_server(engine).unwrap(), 1).await;
        stage.write(AGGREGATES, 0).await;
        stage.write_a_misfit().await;
        stage.write(AGGREGATES, 0).await;
        let waiting = parked(&stage, |rows| rows.len() == 2);
        let event = waiting[0]["id"].as_str().unwrap().to_owned();
        assert!(waiting[0]["reason"].as_str().unwrap().contains("CandidateHired"), "{engine}: {waiting:?}");
        assert_eq!(waiting[0]["aggregateid"], waiting[1]["aggregateid"], "{engine}");
        // All others have come, and nothing of that aggregate before its turn.
        let others = async {
            loop {
                let captured = stage.captured().await;
                if captured.events.len() >= 2 * AGGREGATES - 1 {
                    return captured;
                }
                a_moment().await;
            }
        };
        let captured = timeout(PATIENCE, others).await.expect("the others come");
        let aggregate = waiting[0]["aggregateid"].as_str().unwrap();
        assert_eq!(
            captured.events.iter().filter(|event| event.aggregate == aggregate).count(),
            1,
            "{engine}"
        );

        // In vain, also for a relay that has not seen it.
        order(&stage, &["retry", "--event", &event]);
        parked(&stage, |rows| rows.len() == 2 && rows[0]["turn"].is_null());
        stage.kill(Part::Relay, 0);
        stage.restart(Part::Relay, 0);
        order(&stage, &["restart"]);
        parked(&stage, |rows| rows.len() == 2);

        order(&stage, &["skip", "--event", &event]);
        parked(&stage, <[Value]>::is_empty);
        let captured = stage.captured().await;
        let lost = captured.compare().unwrap_err();
        let one = format!("lost are 1 of {} rows", 2 * AGGREGATES + 1);
        assert!(lost.contains(&one) && lost.contains(&event), "{engine}: {lost}");
        let deeds = stage.relays[0].get("/debug/relay/deeds").await.1;
        let deed = |deed: &Value| [&deed["what"], &deed["why"]].map(|text| text.as_str().unwrap().to_owned());
        let told: Vec<[String; 2]> = deeds["items"].as_array().unwrap().iter().map(deed).collect();
        let of_event = format!("{event}: a test");
        let expected = [["skip event", &*of_event], ["restart", "a test"], ["retry", &*of_event]];
        assert_eq!(told, expected, "{engine}");
    }
}
