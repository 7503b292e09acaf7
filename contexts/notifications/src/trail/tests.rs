use hexalpes_db::{DatabaseUrl, DbOptions};
use hexalpes_files::ForgetfulFiles;
use hexalpes_kernel::SystemEdge;
use tempfile::TempDir;

use super::*;
use crate::{MIGRATIONS, line::tests::event};

const PATH: &str = "/data/events.jsonl";

struct Machine {
    disk: ForgetfulFiles,
    db: Db,
    _folder: TempDir,
}

impl Machine {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::file(folder.path().join("test.db"));
        let db = Db::open(&url, DbOptions::default()).await.unwrap();
        db.migrate(MIGRATIONS).await.unwrap();
        Self { disk: ForgetfulFiles::new(), db, _folder: folder }
    }

    async fn open(&self) -> Result<Trail, TrailError> {
        let files = Arc::new(self.disk.clone());
        Trail::open(self.db.clone(), Arc::new(SystemEdge), files, Path::new(PATH)).await
    }

    fn lines(&self) -> Vec<String> {
        let content = self.disk.read(Path::new(PATH)).unwrap();
        String::from_utf8(content).unwrap().lines().map(str::to_owned).collect()
    }
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
    let twice = payloads(&[three(), three()].concat());
    assert_eq!(trail.take(&twice).await.unwrap(), Taken { written: 3, duplicates: 3, refused: 0 });
    assert_eq!(trail.take(&twice).await.unwrap(), Taken { written: 0, duplicates: 6, refused: 0 });
    assert_eq!(machine.lines(), three());
}

#[tokio::test]
async fn what_is_no_event_is_passed_over() {
    let machine = Machine::new().await;
    let mut trail = machine.open().await.unwrap();
    let mixed = payloads(&[vec!["hello".to_owned()], three()].concat());
    assert_eq!(trail.take(&mixed).await.unwrap(), Taken { written: 3, duplicates: 0, refused: 1 });
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
    assert_eq!(inbox::recorded_offset(&machine.db, "events.jsonl").await.unwrap(), trail.end());
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
    // Long enough for a line to span sectors.
    let events: Vec<String> = (0..6).map(|n| event(&n.to_string(), &"Ñandú 📡".repeat(40))).collect();
    for operations in 0..12 {
        for seed in 0..6 {
            let machine = Machine::new().await;
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
