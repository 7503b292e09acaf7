//! A data folder that cannot be used is refused in one line, and nothing in it is overwritten.

use std::{
    collections::BTreeMap,
    fs,
    io::{Seek as _, SeekFrom, Write as _},
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::Output,
};

use hexalpes_db::{DatabaseUrl, Db, DbError, DbOptions, Tx};
use hexalpes_e2e::{Crowd, Ledger, Product, SmallDisk, nothing_is_lost_and_nothing_is_twice};
use hexalpes_engines::free_port;
use redb::{Database, TableDefinition};
use sea_query::{Expr, Query};
use tempfile::TempDir;

use crate::command::{PORT_FLAGS, hexalpes, up_refusal, up_refusal_by};

const MIB: u64 = 1 << 20;
/// The journal's file and some room beside it.
const ROOMY: u64 = 48 * MIB;

/// A product that was at work, and is not any more.
struct Used {
    product: Product,
    ledger: Ledger,
}

impl Used {
    async fn with(mut product: Product, end: impl FnOnce(&mut Product)) -> Self {
        let mut ledger = Ledger::default();
        Crowd::send(product.api(), "used", 4, 2).finish(&mut ledger).await;
        product.event_lines(16);
        // On a slow disk all of these may be one group of the journal. The one after it says that they were synced.
        Crowd::send(product.api(), "and-later", 1, 1).finish(&mut ledger).await;
        product.event_lines(18);
        end(&mut product);
        Self { product, ledger }
    }

    async fn and_stopped() -> Self {
        Self::with(Product::start(), |product| assert_eq!(product.interrupt(), Some(0))).await
    }

    async fn and_killed() -> Self {
        Self::with(Product::start(), Product::kill).await
    }

    /// A copy of its folder to be spoilt.
    fn copy(&self) -> Spoilt {
        let folder = tempfile::tempdir().unwrap();
        copy_all(&self.product.data(), &folder.path().join("data"));
        Spoilt { folder }
    }

    /// What was refused was not spoilt by it: all is there once the reason is gone.
    async fn goes_on(mut self) {
        self.product.restart();
        nothing_is_lost_and_nothing_is_twice(&mut self.product, &self.ledger).await;
    }
}

/// A folder that something is wrong with.
struct Spoilt {
    folder: TempDir,
}

impl Spoilt {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("data").join(name)
    }

    /// The only file of a folder, or the first of several.
    fn first_in(&self, name: &str) -> String {
        let mut names: Vec<_> =
            fs::read_dir(self.path(name)).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        format!("{name}/{}", names[0].to_str().unwrap())
    }

    fn overwrite(&self, name: &str, byte: u64, with: &[u8]) {
        let mut file = fs::File::options().write(true).open(self.path(name)).unwrap();
        file.seek(SeekFrom::Start(byte)).unwrap();
        file.write_all(with).unwrap();
    }

    fn flip(&self, name: &str, byte: u64, bytes: usize) {
        let at = usize::try_from(byte).unwrap();
        let flipped: Vec<u8> =
            fs::read(self.path(name)).unwrap()[at..at + bytes].iter().map(|byte| byte ^ 0x55).collect();
        self.overwrite(name, byte, &flipped);
    }

    /// `hexalpes up` ends with one line that has all these words, and everything is as it was.
    fn is_refused(&self, words: &[&str]) {
        let data = self.folder.path().join("data");
        let before = content(&data);
        let said = up_refusal(self.folder.path(), &["--data", data.to_str().unwrap()], 1);
        for word in words {
            assert!(said.contains(word), "no {word:?} in: {said}");
        }
        assert_unchanged(&before, &content(&data), &said);
    }
}

/// Every file but those that say who runs, and SQLite's index of what is in memory anyway.
fn content(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() {
                folders.push(path);
            } else if name != "lock" && !name.ends_with("-shm") {
                all.insert(path.clone(), fs::read(&path).unwrap());
            }
        }
    }
    all
}

fn assert_unchanged(before: &BTreeMap<PathBuf, Vec<u8>>, after: &BTreeMap<PathBuf, Vec<u8>>, said: &str) {
    for (path, bytes) in before {
        assert!(
            after.get(path) == Some(bytes),
            "{} was changed by a start that was refused: {said}",
            path.display()
        );
    }
    // An empty log of SQLite's is nothing new.
    let new: Vec<_> =
        after.iter().filter(|(path, bytes)| !before.contains_key(*path) && !bytes.is_empty()).collect();
    assert!(
        new.is_empty(),
        "a start that was refused made {:?}: {said}",
        new.iter().map(|(path, _)| path).collect::<Vec<_>>()
    );
}

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_all(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// What to spoil, how, and what is said.
type Damage = (&'static str, fn(&Spoilt, &str), &'static [&'static str]);

const RESTORE: &str = "from a backup";

const DAMAGE: [Damage; 11] = [
    (
        "backbone/log/segments",
        |spoilt, folder| spoilt.flip(&spoilt.first_in(folder), 300, 1),
        &[".segment is damaged at byte 64", RESTORE],
    ),
    (
        "backbone/log/segments",
        |spoilt, folder| fs::remove_file(spoilt.path(&spoilt.first_in(folder))).unwrap(),
        &[".segment is damaged", "it is missing", RESTORE],
    ),
    ("backbone/log/catalogue", |spoilt, name| spoilt.flip(name, 30, 1), &["catalogue is damaged", RESTORE]),
    (
        "backbone/log/catalogue",
        |spoilt, name| fs::remove_file(spoilt.path(name)).unwrap(),
        &["catalogue is damaged", "missing", RESTORE],
    ),
    (
        "backbone/metadata.redb",
        |spoilt, name| spoilt.flip(name, 0, 4096),
        &["metadata.redb is damaged", RESTORE],
    ),
    (
        "backbone/metadata.redb",
        |spoilt, name| spoilt.flip(name, 8192, 40_960),
        &["metadata.redb is damaged", RESTORE],
    ),
    (
        "backbone/metadata.redb",
        |spoilt, name| fs::remove_file(spoilt.path(name)).unwrap(),
        &["metadata.redb is missing", RESTORE],
    ),
    (
        "commissions.db",
        |spoilt, name| spoilt.flip(name, 0, 16),
        &["commissions.db", "not a SQLite database", RESTORE],
    ),
    (
        "commissions.db",
        |spoilt, name| spoilt.flip(name, 8192, 4096),
        &["commissions.db", "is damaged", RESTORE],
    ),
    (
        "notifications.db",
        |spoilt, name| spoilt.flip(name, 4096, 4096),
        &["notifications.db", "is damaged", RESTORE],
    ),
    (
        "events.jsonl",
        |spoilt, name| fs::File::options().write(true).open(spoilt.path(name)).unwrap().set_len(100).unwrap(),
        &["events.jsonl has 100 bytes", "lines are lost", "restore"],
    ),
];

#[tokio::test]
async fn what_is_damaged_is_refused_and_left_as_it_is() {
    let used = Used::and_stopped().await;
    for (name, damage, words) in DAMAGE {
        let spoilt = used.copy();
        damage(&spoilt, name);
        spoilt.is_refused(words);
    }
    used.goes_on().await;
}

/// Its first groups lie below what later ones say was synced.
#[tokio::test]
async fn a_journal_that_is_damaged_where_it_was_synced_is_refused_and_left_as_it_is() {
    let used = Used::and_killed().await;
    let spoilt = used.copy();
    spoilt.flip("backbone/log/journal/0.journal", 700, 1);
    spoilt.is_refused(&["0.journal is damaged at byte", RESTORE]);
    used.goes_on().await;
}

/// Says that a database has a migration that no program knows.
async fn add_migration(path: &Path, component: &'static str) {
    let db = Db::open(&DatabaseUrl::file(path), DbOptions::default()).await.unwrap();
    let columns = ["component", "number", "name", "checksum", "statements_done"];
    let insert = Query::insert()
        .into_table("hexalpes_migration")
        .columns(columns)
        .values_panic([component.into(), 99_i64.into(), "of the future".into(), "x".into(), Expr::val(1_i64)])
        .to_owned();
    db.write(async move |tx: &Tx| -> Result<_, DbError> { tx.execute(&insert).await }).await.unwrap();
    db.close().await;
}

#[tokio::test]
async fn what_a_newer_version_wrote_is_refused_and_left_as_it_is() {
    let used = Used::and_stopped().await;
    for name in ["catalogue", "journal", "segments"] {
        let spoilt = used.copy();
        let name = format!("backbone/log/{name}");
        let name = if spoilt.path(&name).is_dir() { spoilt.first_in(&name) } else { name };
        spoilt.overwrite(&name, 8, &9_u32.to_le_bytes());
        spoilt.is_refused(&[&name, "newer version (format 9", "run that version"]);
    }

    let spoilt = used.copy();
    let format: TableDefinition<'_, (), u64> = TableDefinition::new("format");
    let metadata = Database::create(spoilt.path("backbone/metadata.redb")).unwrap();
    let change = metadata.begin_write().unwrap();
    change.open_table(format).unwrap().insert((), 9).unwrap();
    change.commit().unwrap();
    drop(metadata);
    spoilt.is_refused(&["metadata.redb is of format 9", "run the version that wrote it"]);

    for component in ["commissions", "notifications"] {
        let spoilt = used.copy();
        let name = format!("{component}.db");
        add_migration(&spoilt.path(&name), component).await;
        spoilt.is_refused(&[&name, "newer version", "migration 99 of", "start the newer one"]);
    }
    used.goes_on().await;
}

/// One database would have to be brought up to date, and the other is damaged.
#[tokio::test]
async fn services_alone_are_refused_before_they_change_or_promise_anything() {
    let used = Used::and_stopped().await;
    let spoilt = used.copy();
    spoilt.flip("notifications.db", 4096, 4096);
    fs::remove_file(spoilt.path("commissions.db")).unwrap();
    let old =
        Db::open(&DatabaseUrl::file(spoilt.path("commissions.db")), DbOptions::default()).await.unwrap();
    old.migrate(hexalpes_outbox::MIGRATIONS).await.unwrap();
    old.close().await;
    let data = spoilt.path("");
    let before = content(&data);
    let ports = [free_port(), free_port(), free_port()].map(|port| port.to_string());
    let words = ["serve", "commissions", "notifications", "--data", data.to_str().unwrap()];
    let flags =
        ["--commissions-port", &ports[0], "--notifications-port", &ports[1], "--marketing-port", &ports[2]];
    let Output { status, stdout, stderr } = hexalpes(spoilt.folder.path(), &[&words[..], &flags].concat());
    let said = String::from_utf8(stderr).unwrap();
    assert!(status.code() == Some(1) && said.contains("notifications.db"), "{status}: {said}");
    assert_eq!(String::from_utf8(stdout).unwrap(), "", "it said that it serves");
    assert_unchanged(&before, &content(&data), &said);
}

#[test]
fn a_file_where_the_data_folder_should_be_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("data");
    fs::write(&file, "a letter").unwrap();
    let said = up_refusal(folder.path(), &["--data", file.to_str().unwrap()], 1);
    assert!(said.contains("is a file") && said.contains("--data"), "{said}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "a letter");
}

#[tokio::test]
async fn with_a_port_in_use_nothing_in_the_folder_is_changed() {
    let used = Used::and_stopped().await;
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let before = content(&used.product.data());
    for flag in PORT_FLAGS {
        let data = used.product.data();
        let said = up_refusal(&data, &["--data", data.to_str().unwrap(), flag, &port], 1);
        assert!(said.contains(flag) && said.contains(&port) && said.contains("stop what uses it"), "{said}");
        assert_unchanged(&before, &content(&data), &said);
    }
    used.goes_on().await;
}

#[tokio::test]
async fn a_disk_that_cannot_be_written_is_refused() {
    let Some(disk) = SmallDisk::mount(ROOMY) else { return };
    let used = Used::with(Product::start_in(&disk), |product| assert_eq!(product.interrupt(), Some(0))).await;
    disk.make_read_only();
    let before = content(&used.product.data());
    // A folder that is there, and one that would have to be made.
    for name in ["data", "other"] {
        let data = disk.folder().join(name);
        let said = up_refusal_by(&disk.by(), Path::new("/"), &["--data", data.to_str().unwrap()], 1);
        assert!(said.contains("Read-only") && said.contains("make it writable"), "{said}");
        assert_unchanged(&before, &content(&used.product.data()), &said);
    }
}

#[tokio::test]
async fn a_disk_that_is_full_at_the_start_is_refused_and_with_room_again_it_goes_on() {
    let Some(disk) = SmallDisk::mount(ROOMY) else { return };
    let used = Used::with(Product::start_in(&disk), |product| assert_eq!(product.interrupt(), Some(0))).await;
    disk.fill();
    let before = content(&used.product.data());
    for name in ["data", "other"] {
        let data = disk.folder().join(name);
        let said = up_refusal_by(&disk.by(), Path::new("/"), &["--data", data.to_str().unwrap()], 1);
        assert!(said.contains("No space left") || said.contains("full"), "{said}");
        assert!(said.contains("free some space"), "{said}");
        assert_unchanged(&before, &content(&used.product.data()), &said);
    }
    disk.make_room();
    used.goes_on().await;
}
