//! What earlier versions wrote can be read, and what this one writes is what its version says.
//!
//! A fixture is the folder of a log that was not closed: part of it in segments, part only in the journal.
//! When the format changes: raise it, leave the old fixtures as they are, and make the new one with
//! `HEXALPES_WRITE_FIXTURE=1 cargo test -p hexalpes-log fixtures`.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use hexalpes_files::{Files, ForgetfulFiles, RealFiles};
use hexalpes_log::{Log, Options, Position, TopicId};

use crate::support::{Bench, DIR, payloads};

const FORMAT: u32 = 1;

fn folder(format: u32) -> PathBuf {
    PathBuf::from(format!("tests/fixtures/format-{format}"))
}

fn options() -> Options {
    Options { journal_file_bytes: 8192, segment_entries: 3, ..Options::default() }
}

/// The history that every fixture is the outcome of.
fn history() -> ForgetfulFiles {
    let bench = Bench::new(options());
    let put = |topic, stamp, payload: &str| {
        bench.log.append(TopicId(topic), stamp, &[payload.as_bytes()], &bench.receipts(), 0).unwrap();
        bench.log.commit_now();
    };
    for n in 0..5 {
        put(7, 1000 + n, &format!("Ñandú & Cía {n}"));
    }
    bench.log.checkpoint().unwrap();
    put(7, 2000, "only in the journal");
    put(8, 2001, "📡");
    put(7, 2002, "");
    drop(bench.log);
    bench.disk
}

fn files_in(files: &dyn Files, dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for part in ["", "journal", "segments"] {
        for name in files.list(&dir.join(part)).unwrap() {
            let path = Path::new(part).join(&name);
            if name != "lock" && !["journal", "segments"].contains(&name.as_str()) {
                found.insert(path.to_str().unwrap().to_owned(), files.read(&dir.join(path)).unwrap());
            }
        }
    }
    found
}

#[test]
fn what_is_written_is_what_the_format_says() {
    let written = files_in(&history(), Path::new(DIR));
    if std::env::var_os("HEXALPES_WRITE_FIXTURE").is_some() {
        for (name, content) in &written {
            let path = folder(FORMAT).join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
    }
    let kept = files_in(&RealFiles, &folder(FORMAT));
    assert_eq!(written.keys().collect::<Vec<_>>(), kept.keys().collect::<Vec<_>>());
    for (name, content) in &kept {
        assert!(written[name] == *content, "{name} is not what format {FORMAT} says: raise the format");
    }
}

#[test]
fn every_format_so_far_can_be_read() {
    for format in 1..=FORMAT {
        let copy = tempfile::tempdir().unwrap();
        for (name, content) in files_in(&RealFiles, &folder(format)) {
            let path = copy.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let files: Arc<dyn Files> = Arc::new(RealFiles);
        let (log, recovered) = Log::open(&files, copy.path(), options()).unwrap();
        assert_eq!(recovered.replayed, 3);
        let expected: Vec<String> = (0..5)
            .map(|n| format!("Ñandú & Cía {n}"))
            .chain(["only in the journal".to_owned(), String::new()])
            .collect();
        assert_eq!(payloads(&log, 7), expected);
        assert_eq!(payloads(&log, 8), ["📡"]);
        assert_eq!(log.last_position(TopicId(7)), Some(Position::new(4, 0)));
        assert_eq!(log.first_at(TopicId(7), Position::EARLIEST, 1003).unwrap(), Some(Position::new(2, 0)));
    }
}
