//! The files of a log. Each target puts one file of the fuzzer's into a folder that is whole otherwise, and opens it: it
//! is refused, or it can be read, and a second opening finds the same, also after a power cut.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use hexalpes_files::{Files, ForgetfulFiles};
use hexalpes_log::{Appended, FileError, Log, Options, Position, ReadError, Receipts, TopicId};

const DIR: &str = "/log";

type Folder = BTreeMap<PathBuf, Vec<u8>>;

struct Nobody;

impl Receipts for Nobody {
    fn synced(&self, _: &[Appended]) {}
    fn failed(&self, _: &[Appended], _: &FileError) {}
}

fn options() -> Options {
    Options {
        journal_file_bytes: 4 << 10,
        checkpoint_bytes: 1 << 20,
        segment_entries: 4,
        cache_bytes: 1 << 10,
        ..Options::default()
    }
}

/// A folder with segments and, unless it was closed, a journal that is longer than one file.
fn template(closed: bool) -> Folder {
    let disk = ForgetfulFiles::new();
    let log = open(&disk).unwrap();
    let receipts: Arc<dyn Receipts> = Arc::new(Nobody);
    let put = |topic, payload: &str| {
        log.append(TopicId(topic), 7, &[payload.as_bytes()], &receipts, 0).unwrap();
    };
    put(1, "one");
    put(2, "two");
    log.commit_now();
    log.checkpoint().unwrap();
    for n in 0..8 {
        put(1, &format!("{n}"));
        put(3, &"x".repeat(10 * n));
        log.commit_now();
    }
    if closed {
        log.close().unwrap();
    } else {
        disk.forget();
    }
    drop(log);
    files_of(&disk)
}

/// A journal of one file, in which a topic is deleted.
fn journal_with_a_deletion() -> Vec<u8> {
    let disk = ForgetfulFiles::new();
    let log = open(&disk).unwrap();
    let receipts: Arc<dyn Receipts> = Arc::new(Nobody);
    for topic in [5, 6, 5] {
        log.append(TopicId(topic), 0, &[b"short"], &receipts, 0).unwrap();
    }
    // All of it is one group, whoever leads.
    log.delete_topic(TopicId(5)).unwrap();
    log.close().unwrap();
    disk.read(&Path::new(DIR).join("journal/0.journal")).unwrap()
}

fn open(disk: &ForgetfulFiles) -> Result<Log, hexalpes_log::OpenError> {
    let files: Arc<dyn Files> = Arc::new(disk.clone());
    Log::open(&files, Path::new(DIR), options()).map(|(log, _)| log)
}

fn files_of(disk: &ForgetfulFiles) -> Folder {
    let mut found = Folder::new();
    for part in ["", "journal", "segments"] {
        let folder = Path::new(DIR).join(part);
        for name in disk.list(&folder).unwrap() {
            let path = folder.join(&name);
            if !["lock", "journal", "segments"].contains(&name.as_str()) {
                found.insert(path.clone(), disk.read(&path).unwrap());
            }
        }
    }
    found
}

fn open_template() -> &'static Folder {
    static FOLDER: OnceLock<Folder> = OnceLock::new();
    FOLDER.get_or_init(|| template(false))
}

fn closed_template() -> &'static Folder {
    static FOLDER: OnceLock<Folder> = OnceLock::new();
    FOLDER.get_or_init(|| template(true))
}

fn disk_with<'a>(files: impl IntoIterator<Item = (&'a PathBuf, &'a Vec<u8>)>) -> ForgetfulFiles {
    let disk = ForgetfulFiles::new();
    for part in ["journal", "segments"] {
        disk.create_dir_all(&Path::new(DIR).join(part)).unwrap();
    }
    for (path, content) in files {
        let file = disk.create(path).unwrap();
        file.write_all_at(content, 0).unwrap();
        file.sync_data().unwrap();
        disk.sync_dir(path.parent().unwrap()).unwrap();
    }
    disk
}

type Entries = BTreeMap<TopicId, Vec<(Position, u64, Vec<u8>)>>;

/// Everything, as far as it can be read: what is not looked through when a log opens may be damaged.
fn read(log: &Log) -> (Entries, bool) {
    let (mut all, mut whole) = (Entries::new(), true);
    for topic in log.topics() {
        let entries = all.entry(topic).or_default();
        let mut from = Position::EARLIEST;
        loop {
            match log.read(topic, from, 5, 1 << 20) {
                Ok(piece) => {
                    let Some(last) = piece.last() else { break };
                    assert!(last.position >= from, "it reads in a circle");
                    from = last.position.next();
                    entries.extend(piece.into_iter().map(|e| (e.position, e.stamp, e.payload.to_vec())));
                }
                Err(ReadError::Damage(damage)) => {
                    assert!(damage.path.starts_with(DIR));
                    whole = false;
                    break;
                }
                Err(_) => {
                    whole = false;
                    break;
                }
            }
        }
        assert!(entries.is_sorted_by(|one, next| one.0 < next.0));
        let middle = entries.get(entries.len() / 2);
        if let Some((position, ..)) = middle.filter(|_| whole) {
            let again = log.read(topic, *position, 1, 1 << 20).unwrap();
            assert_eq!(again[0].position, *position, "reading from the middle finds another");
        }
    }
    (all, whole)
}

/// The law of every folder.
fn try_folder(disk: &ForgetfulFiles) {
    let before = files_of(disk);
    let log = match open(disk) {
        Ok(log) => log,
        Err(refusal) => {
            assert_eq!(refusal.to_string().lines().count(), 1, "{refusal}");
            assert_eq!(files_of(disk), before, "it was refused and changed: {refusal}");
            return;
        }
    };
    let (first, whole) = read(&log);
    disk.forget();
    drop(log);
    let log = open(disk).expect("what opened once opens after a power cut");
    let (again, _) = read(&log);
    assert_eq!(again, first, "a power cut after opening changes what is there");
    let receipts: Arc<dyn Receipts> = Arc::new(Nobody);
    for topic in again.keys().copied().chain([TopicId(77)]) {
        log.append(topic, 0, &[b"goes on"], &receipts, 0).unwrap();
    }
    log.commit_now();
    log.close().unwrap();
    drop(log);
    let log = open(disk).expect("what was closed opens");
    let (last, _) = read(&log);
    for (topic, entries) in &first {
        let now = &last[topic];
        assert!(now.starts_with(entries), "entries of topic {topic} changed");
        assert!(!whole || now.len() == entries.len() + 1, "topic {topic} does not go on");
    }
    log.close().unwrap();
}

/// Two files of the journal, behind one another; where the second begins is said by the first two bytes.
pub(crate) fn journal(data: &[u8]) {
    let Some((sector, rest)) = data.split_first() else { return };
    let at = (usize::from(*sector) * 512).min(rest.len());
    let (mut one, mut two) = (rest[..at].to_vec(), rest[at..].to_vec());
    mend_journal(&mut one);
    mend_journal(&mut two);
    let kept = open_template().iter().filter(|(path, _)| path.extension().is_none_or(|e| e != "journal"));
    let folder = Path::new(DIR).join("journal");
    let files = [(folder.join("0.journal"), one), (folder.join("1.journal"), two)];
    let files: Folder = files.into_iter().filter(|(_, content)| !content.is_empty()).collect();
    try_folder(&disk_with(kept.chain(&files)));
}

pub(crate) fn journal_seeds() -> Vec<Vec<u8>> {
    let mut by_start = BTreeMap::new();
    for (path, content) in
        open_template().iter().filter(|(path, _)| path.to_string_lossy().contains(".journal"))
    {
        assert!(path.starts_with(DIR));
        by_start.insert(content[16], content);
    }
    let all: Vec<&Vec<u8>> = by_start.into_values().collect();
    all.windows(2)
        .map(|pair| {
            let sectors = u8::try_from(pair[0].len() / 512).unwrap();
            [&[sectors][..], pair[0], pair[1]].concat()
        })
        .chain(all.iter().map(|one| [&[255][..], one].concat()))
        .chain([[&[255][..], &journal_with_a_deletion()].concat()])
        .collect()
}

/// One segment; what the catalogue says of it are the first bytes: its entries and whether it is looked through at once.
pub(crate) fn segment(data: &[u8]) {
    let Some((entries, content)) = data.split_first() else { return };
    let mut content = content.to_vec();
    mend_header(&mut content, 64);
    let length = content.len();
    mend_records(&mut content[64.min(length)..], u32::MAX);
    let bytes = (content.len() as u64).saturating_sub(64);
    let numbers = [0, 2, 1, 1, 1, 1, 0, u64::from(*entries), bytes, 7];
    let mut catalogue = b"hxcatlog\x01\0\0\0\0\0\0\0".to_vec();
    catalogue.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    let length = catalogue.len();
    mend_header(&mut catalogue, length);
    let files = [
        (Path::new(DIR).join("catalogue"), catalogue),
        (Path::new(DIR).join("segments/1-1.segment"), content),
    ];
    try_folder(&disk_with(&Folder::from(files)));
}

pub(crate) fn segment_seeds() -> Vec<Vec<u8>> {
    let segments =
        closed_template().iter().filter(|(path, _)| path.to_string_lossy().contains("segments/1-1."));
    segments.flat_map(|(_, content)| [1, 2, 4].map(|entries| [&[entries][..], content].concat())).collect()
}

/// The catalogue of a folder whose other files are whole.
pub(crate) fn catalogue(data: &[u8]) {
    let mut content = data.to_vec();
    let length = content.len();
    for at in (16..length).step_by(8) {
        leave_room(&mut content, at, 8);
    }
    mend_header(&mut content, length);
    let path = Path::new(DIR).join("catalogue");
    for template in [open_template(), closed_template()] {
        let mut files = template.clone();
        files.insert(path.clone(), content.clone());
        try_folder(&disk_with(&files));
    }
}

pub(crate) fn catalogue_seeds() -> Vec<Vec<u8>> {
    let path = Path::new(DIR).join("catalogue");
    [open_template(), closed_template()].map(|template| template[&path].clone()).to_vec()
}

/// Numbers that a log refuses, as it never got so far, and so many before them.
const ENDS: [u64; 2] = [u32::MAX as u64, u64::MAX / 2];
const NEAR: u64 = 1 << 16;

/// Takes a number of so many bytes back from where a log has hardly any left: it opens there, and soon does not any more.
fn leave_room(content: &mut [u8], at: usize, bytes: usize) {
    let Some(field) = content.get_mut(at..at + bytes) else { return };
    let mut number = [0; 8];
    number[..bytes].copy_from_slice(field);
    let number = u64::from_le_bytes(number);
    if ENDS.iter().any(|end| (end - NEAR..=*end).contains(&number)) {
        field.copy_from_slice(&(number - NEAR).to_le_bytes()[..bytes]);
    }
}

/// Sets the checksum of the 16 bytes that every file begins with, over the header's rest.
fn mend_header(content: &mut [u8], header_bytes: usize) {
    let end = header_bytes.min(content.len());
    if end > 16 {
        let checksum = crc32c::crc32c(&content[16..end]).to_le_bytes();
        content[12..16].copy_from_slice(&checksum);
    }
}

/// Makes every checksum right. No group has a higher number than its file: a file is begun with the next number before
/// anything is written to it, so that no crash leaves a number that is still to come.
fn mend_journal(content: &mut [u8]) {
    leave_room(content, 16, 4);
    leave_room(content, 20, 8);
    mend_header(content, 28);
    let newest = content.get(16..20).and_then(|bytes| bytes.first_chunk().copied()).map(u32::from_le_bytes);
    for at in (512..content.len()).step_by(512) {
        let group = &mut content[at..];
        if group.len() < 40 || !group.starts_with(b"HXGR") {
            continue;
        }
        leave_room(group, 8, 4);
        leave_room(group, 16, 8);
        leave_room(group, 24, 8);
        let number = |at: usize| u32::from_le_bytes(*group[at..].first_chunk().unwrap());
        let file = number(8).min(newest.unwrap_or(u32::MAX));
        let (records, length) = (number(12), number(32) as usize);
        group[8..12].copy_from_slice(&file.to_le_bytes());
        let checksum = crc32c::crc32c(&group[8..40]).to_le_bytes();
        group[4..8].copy_from_slice(&checksum);
        let end = group.len().min(40_usize.saturating_add(length));
        mend_records(&mut group[40..end], records);
    }
}

fn mend_records(mut bytes: &mut [u8], records: u32) {
    for _ in 0..records {
        let Some(length) = bytes.first_chunk::<4>().map(|length| u32::from_le_bytes(*length) as usize) else {
            return;
        };
        if length < 40 || bytes.len() < 8 || bytes.len() - 8 < length {
            return;
        }
        leave_room(bytes, 8, 4);
        leave_room(bytes, 24, 8);
        leave_room(bytes, 32, 8);
        let checksum = crc32c::crc32c(&bytes[8..8 + length]).to_le_bytes();
        bytes[4..8].copy_from_slice(&checksum);
        bytes = &mut bytes[8 + length..];
    }
}
