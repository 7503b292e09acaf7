use std::{num::NonZeroUsize, path::Path, time::Duration};

use hexalpes_db::{DatabaseUrl, DbOptions, Tx};
use hexalpes_files::ForgetfulFiles;
use hexalpes_kernel::{Clock as _, FixedEdge, Timestamp};
use tempfile::TempDir;

use super::*;
use crate::{MIGRATIONS, line::tests::event};

const PATH: &str = "/data/events.jsonl";
const HOUR: Duration = Duration::from_hours(1);

struct Machine {
    disk: ForgetfulFiles,
    db: Db,
    edge: Arc<FixedEdge>,
    options: NotificationsOptions,
    _folder: TempDir,
}

impl Machine {
    async fn new() -> Self {
        Self::with(NotificationsOptions::new(PATH)).await
    }

    async fn with(options: NotificationsOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::file(folder.path().join("test.db"));
        let db = Db::open(&url, DbOptions::default()).await.unwrap();
        db.migrate(MIGRATIONS).await.unwrap();
        let edge = Arc::new(FixedEdge::at(Timestamp::parse("2025-01-15T10:30:00Z").unwrap()));
        Self { disk: ForgetfulFiles::new(), db, edge, options, _folder: folder }
    }

    fn place(&self) -> Place {
        let (files, edge): (Arc<dyn Files>, Arc<dyn Edge>) =
            (Arc::new(self.disk.clone()), Arc::<FixedEdge>::clone(&self.edge));
        Place { db: self.db.clone(), edge, files, options: self.options.clone() }
    }

    async fn open(&self) -> Result<Trail, TrailError> {
        self.place().open().await
    }

    fn names(&self) -> Vec<String> {
        self.disk.list(Path::new("/data")).unwrap()
    }

    /// Those of all files, the oldest first: `events-000001.jsonl` comes before `events.jsonl`.
    fn lines(&self) -> Vec<String> {
        let content = |name| self.disk.read(&Path::new("/data").join(name)).unwrap();
        let all: Vec<u8> = self.names().into_iter().flat_map(content).collect();
        String::from_utf8(all).unwrap().lines().map(str::to_owned).collect()
    }
}

/// A file is put aside as soon as it has a line.
fn a_file_a_batch() -> NotificationsOptions {
    NotificationsOptions { file_bytes_max: Some(1), ..NotificationsOptions::new(PATH) }
}

/// Written, duplicates, refused.
async fn take(trail: &mut Trail, events: &[String]) -> (usize, u64, usize) {
    let taken = trail.take(&payloads(events)).await.unwrap();
    (taken.written.len(), taken.duplicates, taken.refused.len())
}

fn payloads(events: &[String]) -> Vec<Bytes> {
    events.iter().map(|event| Bytes::from(event.clone())).collect()
}

fn three() -> Vec<String> {
    vec![event("1", "Juan Pérez"), event("2", "Ñandú & Cía"), event("3", "📡")]
}

#[tokio::test]
async fn an_event_that_comes_again_gets_no_second_line() {
    let machine = Machine::new().await;
    let mut trail = machine.open().await.unwrap();
    let twice = [three(), three()].concat();
    assert_eq!(take(&mut trail, &twice).await, (3, 3, 0));
    assert_eq!(take(&mut trail, &twice).await, (0, 6, 0));
    assert_eq!(machine.lines(), three());
}

#[tokio::test]
async fn what_is_no_event_is_passed_over() {
    let machine = Machine::new().await;
    let mut trail = machine.open().await.unwrap();
    let mixed = [three(), vec!["hello".to_owned()]].concat();
    assert_eq!(take(&mut trail, &mixed).await, (3, 0, 1));
    let taken = trail.take(&payloads(&mixed)).await.unwrap();
    assert_eq!(taken.refused[0].0, 3, "it says which one");
    assert_eq!(machine.lines(), three());
}

#[tokio::test]
async fn after_a_crash_between_record_and_ack_there_is_one_line() {
    let machine = Machine::new().await;
    machine.open().await.unwrap().take(&payloads(&three())).await.unwrap();
    machine.disk.forget();
    let taken = machine.open().await.unwrap().take(&payloads(&three())).await.unwrap();
    assert_eq!(taken.duplicates, 3);
    assert_eq!(machine.lines(), three());
}

#[tokio::test]
async fn after_a_crash_between_sync_and_record_there_is_one_line() {
    let machine = Machine::new().await;
    let trail = machine.open().await.unwrap();
    let lines: Vec<Line> = three().iter().map(|event| Line::parse(event.as_bytes()).unwrap()).collect();
    trail.file.append(0, &lines).unwrap();
    machine.disk.forget();
    let mut trail = machine.open().await.unwrap();
    assert_eq!(inbox::recorded(&machine.db, "events.jsonl").await.unwrap().offset, trail.end());
    assert_eq!(trail.take(&payloads(&three())).await.unwrap().duplicates, 3);
    assert_eq!(machine.lines(), three());
}

/// The control: it shows that the tests above would notice a missing sync.
#[tokio::test]
async fn without_syncs_recorded_lines_are_lost_and_that_is_said() {
    let machine = Machine::new().await;
    machine.disk.ignore_syncs();
    machine.open().await.unwrap().take(&payloads(&three())).await.unwrap();
    machine.disk.forget();
    assert!(matches!(machine.open().await, Err(TrailError::Shortened { size: 0, .. })));
}

#[tokio::test]
async fn wherever_the_power_goes_each_event_has_one_line_in_order() {
    wherever_the_power_goes(NotificationsOptions::new(PATH), 12).await;
}

#[tokio::test]
async fn wherever_the_power_goes_while_files_are_put_aside_each_event_has_one_line_in_order() {
    wherever_the_power_goes(a_file_a_batch(), 24).await;
}

async fn wherever_the_power_goes(options: NotificationsOptions, operations_max: u32) {
    // Long enough for a line to span sectors.
    let events: Vec<String> = (0..6).map(|n| event(&n.to_string(), &"Ñandú 📡".repeat(40))).collect();
    for operations in 0..operations_max {
        for seed in 0..6 {
            let machine = Machine::with(options.clone()).await;
            machine.disk.cut_power_after(operations);
            let mut acked = 0;
            if let Ok(mut trail) = machine.open().await {
                for batch in events.chunks(2) {
                    match trail.take(&payloads(batch)).await {
                        Ok(_) => acked += batch.len(),
                        Err(_) => break,
                    }
                }
            }
            machine.disk.forget_torn(seed);
            let mut trail = machine.open().await.unwrap();
            assert!(machine.lines().len() >= acked);
            trail.take(&payloads(&events[acked..])).await.unwrap();
            assert_eq!(machine.lines(), events, "power for {operations} operations, seed {seed}");
        }
    }
}

/// The control for files that are put aside.
#[tokio::test]
async fn without_syncs_a_file_put_aside_loses_its_lines() {
    let machine = Machine::with(a_file_a_batch()).await;
    machine.open().await.unwrap().take(&payloads(&three()[..2])).await.unwrap();
    machine.disk.ignore_syncs();
    let mut trail = machine.open().await.unwrap();
    trail.take(&payloads(&three())).await.unwrap();
    machine.disk.forget();
    assert_eq!(machine.lines(), three()[..2]);
}

#[tokio::test]
async fn a_full_file_is_put_aside_and_no_line_is_in_two() {
    let machine = Machine::with(a_file_a_batch()).await;
    let mut trail = machine.open().await.unwrap();
    for event in three() {
        take(&mut trail, &[event]).await;
    }
    let names = ["events-000001.jsonl", "events-000002.jsonl", "events-000003.jsonl", "events.jsonl"];
    assert_eq!(machine.names(), names);
    let mut trail = machine.open().await.unwrap();
    assert_eq!(take(&mut trail, &three()).await, (0, 3, 0));
    assert_eq!(machine.lines(), three());
}

#[tokio::test]
async fn files_put_aside_stay_unless_a_limit_is_set() {
    let keep = NonZeroUsize::new(2);
    let machine = Machine::with(NotificationsOptions { files_put_aside_max: keep, ..a_file_a_batch() }).await;
    let mut trail = machine.open().await.unwrap();
    for n in 0..5 {
        take(&mut trail, &[event(&n.to_string(), "")]).await;
    }
    assert_eq!(machine.names(), ["events-000004.jsonl", "events-000005.jsonl", "events.jsonl"]);
}

/// Somebody archives them; the file that is written must not be taken for one of them.
#[tokio::test]
async fn files_put_aside_may_be_moved_away() {
    let machine = Machine::with(a_file_a_batch()).await;
    let mut trail = machine.open().await.unwrap();
    take(&mut trail, &three()[..1]).await;
    machine.disk.remove(Path::new("/data/events-000001.jsonl")).unwrap();
    let mut trail = machine.open().await.unwrap();
    take(&mut trail, &three()).await;
    assert_eq!(machine.names(), ["events-000002.jsonl", "events.jsonl"]);
    assert_eq!(machine.lines(), three()[1..]);
}

#[tokio::test]
async fn ids_are_forgotten_only_when_they_are_old() {
    let machine =
        Machine::with(NotificationsOptions { keep_inbox: Some(HOUR), ..NotificationsOptions::new(PATH) })
            .await;
    let mut trail = machine.open().await.unwrap();
    take(&mut trail, &three()[..2]).await;
    machine.edge.advance(2 * HOUR);
    take(&mut trail, &three()).await;
    machine.place().prune().await.unwrap();
    assert_eq!(take(&mut trail, &three()).await, (2, 1, 0));
}

#[tokio::test]
async fn what_was_told_is_known_for_longer_than_it_would_be_news() {
    let machine =
        Machine::with(NotificationsOptions { keep_inbox: Some(HOUR), ..NotificationsOptions::new(PATH) })
            .await;
    let hear = async || {
        let now = machine.edge.now();
        let hear = async move |tx: &Tx| crate::store::note_heard(tx, "e-1", now).await;
        machine.place().db.write(hear).await.unwrap()
    };
    assert!(hear().await);
    machine.edge.advance(7 * 24 * HOUR);
    machine.place().prune().await.unwrap();
    assert!(!hear().await);
    machine.edge.advance(25 * HOUR);
    machine.place().prune().await.unwrap();
    assert!(hear().await);
}

#[tokio::test]
async fn after_a_reset_events_that_come_again_get_their_lines_again() {
    let machine = Machine::with(a_file_a_batch()).await;
    let mut trail = machine.open().await.unwrap();
    take(&mut trail, &three()).await;
    machine.place().reset().await.unwrap();
    assert_eq!(machine.names(), [""; 0]);
    let mut trail = machine.open().await.unwrap();
    assert_eq!(take(&mut trail, &three()).await, (3, 0, 0));
    assert_eq!(machine.lines(), three());
}
