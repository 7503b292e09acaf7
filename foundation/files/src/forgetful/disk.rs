//! The names and the contents of a [`ForgetfulFiles`](super::ForgetfulFiles), before and after a power cut.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    io,
    path::{Component, Path, PathBuf},
};

use super::{
    content::Content,
    faults::{Faults, Sync},
};
use crate::{LockError, folder_of};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    File(u64),
    Dir,
}

type Names = BTreeMap<PathBuf, Node>;

/// A change of names that its folder has not been synced for.
#[derive(Debug)]
enum Change {
    Link(PathBuf, Node),
    Unlink(PathBuf),
    Rename(PathBuf, PathBuf),
}

#[derive(Debug, Default)]
pub(super) struct Disk {
    seen: Names,
    durable: Names,
    /// By folder, in the order in which they were made.
    unsynced: BTreeMap<PathBuf, Vec<Change>>,
    contents: HashMap<u64, Content>,
    next_inode: u64,
    /// How often the power was cut: files from before are of no use.
    boot: u64,
    claimed: BTreeSet<PathBuf>,
    pub(super) faults: Faults,
}

impl Disk {
    pub(super) fn boot(&self) -> u64 {
        self.boot
    }

    pub(super) fn content(&self, inode: u64) -> &Content {
        self.contents.get(&inode).expect("contents stay as long as files of this boot can be open")
    }

    fn content_mut(&mut self, inode: u64) -> &mut Content {
        self.contents.get_mut(&inode).expect("contents stay as long as files of this boot can be open")
    }

    pub(super) fn exists(&self, path: &Path) -> bool {
        let path = normal(path);
        is_root(&path) || self.seen.contains_key(&path)
    }

    pub(super) fn open(&mut self, path: &Path) -> io::Result<u64> {
        match self.seen.get(&normal(path)) {
            Some(Node::File(inode)) => Ok(*inode),
            Some(Node::Dir) => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    pub(super) fn create(&mut self, path: &Path) -> io::Result<u64> {
        let path = normal(path);
        self.faults.check_writable()?;
        self.check_dir(folder_of(&path))?;
        if self.exists(&path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let inode = self.next_inode;
        self.next_inode += 1;
        self.contents.insert(inode, Content::default());
        self.change(Change::Link(path, Node::File(inode)));
        Ok(inode)
    }

    pub(super) fn create_dir_all(&mut self, dir: &Path) -> io::Result<()> {
        let dir = normal(dir);
        if is_root(&dir) {
            return Ok(());
        }
        match self.seen.get(&dir) {
            Some(Node::Dir) => return Ok(()),
            Some(Node::File(_)) => return Err(io::ErrorKind::AlreadyExists.into()),
            None => {}
        }
        let above = folder_of(&dir).to_owned();
        self.create_dir_all(&above)?;
        self.faults.check_writable()?;
        self.change(Change::Link(dir, Node::Dir));
        self.sync_dir(&above)
    }

    pub(super) fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let dir = normal(dir);
        self.check_dir(&dir)?;
        let children = self.seen.keys().filter(|path| folder_of(path) == dir && **path != dir);
        Ok(children.filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect())
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let (from, to) = (normal(from), normal(to));
        self.faults.check_writable()?;
        if folder_of(&from) != folder_of(&to) {
            return Err(io::ErrorKind::Unsupported.into());
        }
        if self.seen.get(&to) == Some(&Node::Dir) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        self.open(&from)?;
        if from != to {
            self.change(Change::Rename(from, to));
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, path: &Path) -> io::Result<()> {
        let path = normal(path);
        self.faults.check_writable()?;
        self.open(&path)?;
        self.change(Change::Unlink(path));
        Ok(())
    }

    pub(super) fn remove_dir(&mut self, dir: &Path) -> io::Result<()> {
        let dir = normal(dir);
        self.faults.check_writable()?;
        self.check_dir(&dir)?;
        if !self.list(&dir)?.is_empty() {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        self.change(Change::Unlink(dir));
        Ok(())
    }

    pub(super) fn sync_dir(&mut self, dir: &Path) -> io::Result<()> {
        let dir = normal(dir);
        self.check_dir(&dir)?;
        self.faults.check_writable()?;
        if matches!(self.faults.on_dir_sync(), Sync::Keeps) {
            for change in self.unsynced.remove(&dir).unwrap_or_default() {
                apply(&mut self.durable, &change);
            }
        }
        Ok(())
    }

    pub(super) fn sync_data(&mut self, inode: u64) -> io::Result<()> {
        self.faults.check_writable()?;
        match self.faults.on_data_sync() {
            Sync::Keeps => self.content_mut(inode).sync(),
            Sync::Ignored => {}
            Sync::Fails(error) => {
                self.content_mut(inode).fail_sync();
                return Err(error);
            }
        }
        Ok(())
    }

    /// Writes what the disk has room for, as a real one does, and fails if that was not all.
    pub(super) fn write_at(&mut self, inode: u64, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.faults.check_write()?;
        let size = self.content(inode).size();
        let longer = (offset + bytes.len() as u64).saturating_sub(size);
        let missing = longer - self.faults.room(self.used(), longer);
        let fits = bytes.len().saturating_sub(whole(missing)?);
        if fits > 0 {
            self.content_mut(inode).write_at(&bytes[..fits], whole(offset)?);
        }
        if missing > 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    pub(super) fn set_size(&mut self, inode: u64, size: u64) -> io::Result<()> {
        self.faults.check_write()?;
        let longer = size.saturating_sub(self.content(inode).size());
        if self.faults.room(self.used(), longer) < longer {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.content_mut(inode).set_size(whole(size)?);
        Ok(())
    }

    pub(super) fn claim(&mut self, dir: &Path) -> Result<u64, LockError> {
        self.check_dir(&normal(dir)).map_err(LockError::io(dir))?;
        self.faults.check_writable().map_err(LockError::io(dir))?;
        if self.claimed.insert(normal(dir)) {
            Ok(self.boot)
        } else {
            Err(LockError::Held { dir: dir.to_owned(), holder: "this process".to_owned() })
        }
    }

    pub(super) fn give_back(&mut self, dir: &Path, boot: u64) {
        if boot == self.boot {
            self.claimed.remove(&normal(dir));
        }
    }

    pub(super) fn forget(&mut self, seed: Option<u64>) {
        let mut chance = seed.map(Chance::new);
        for changes in std::mem::take(&mut self.unsynced).into_values() {
            let kept = chance.as_mut().map_or(0, |chance| chance.below(changes.len() + 1));
            for change in &changes[..kept] {
                apply(&mut self.durable, change);
            }
        }
        let mut inodes: Vec<_> = self.contents.keys().copied().collect();
        inodes.sort_unstable();
        for inode in inodes {
            let keep = || chance.as_mut().is_some_and(|chance| chance.below(2) == 1);
            self.content_mut(inode).forget(keep);
        }
        drop_orphans(&mut self.durable);
        self.seen.clone_from(&self.durable);
        let named: BTreeSet<u64> = self.seen.values().filter_map(|node| node.inode()).collect();
        self.contents.retain(|inode, _| named.contains(inode));
        self.claimed.clear();
        self.faults.forget();
        self.boot += 1;
    }

    fn change(&mut self, change: Change) {
        apply(&mut self.seen, &change);
        let (Change::Link(path, _) | Change::Unlink(path) | Change::Rename(path, _)) = &change;
        self.unsynced.entry(folder_of(path).to_owned()).or_default().push(change);
    }

    fn check_dir(&self, dir: &Path) -> io::Result<()> {
        match self.seen.get(dir) {
            Some(Node::Dir) => Ok(()),
            Some(Node::File(_)) => Err(io::ErrorKind::NotADirectory.into()),
            None if is_root(dir) => Ok(()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn used(&self) -> u64 {
        self.seen.values().filter_map(|node| Some(self.content(node.inode()?).size())).sum()
    }
}

impl Node {
    fn inode(self) -> Option<u64> {
        match self {
            Self::File(inode) => Some(inode),
            Self::Dir => None,
        }
    }
}

fn apply(names: &mut Names, change: &Change) {
    match change {
        Change::Link(path, node) => drop(names.insert(path.clone(), *node)),
        Change::Unlink(path) => drop(names.remove(path)),
        Change::Rename(from, to) => {
            if let Some(node) = names.remove(from) {
                names.insert(to.clone(), node);
            }
        }
    }
}

/// A name whose folder did not last is gone with it.
fn drop_orphans(names: &mut Names) {
    let reachable = |path: &Path| is_root(path) || names.get(path) == Some(&Node::Dir);
    let orphans: Vec<PathBuf> = names
        .keys()
        .filter(|path| path.ancestors().skip(1).any(|above| !reachable(above)))
        .cloned()
        .collect();
    for orphan in orphans {
        names.remove(&orphan);
    }
}

/// `data/./log` and `/data/log` are one path here: there is no working folder in memory.
fn normal(path: &Path) -> PathBuf {
    let parts = path.components().filter(|part| matches!(part, Component::Normal(_)));
    Path::new("/").join(parts.collect::<PathBuf>())
}

fn is_root(path: &Path) -> bool {
    path == Path::new("/")
}

fn whole(bytes: u64) -> io::Result<usize> {
    usize::try_from(bytes).map_err(|_| io::ErrorKind::FileTooLarge.into())
}

/// Chance that repeats: `SplitMix64`, by Steele, Lea and Flood (2014).
struct Chance(u64);

impl Chance {
    fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let scaled = (u128::from(mixed ^ (mixed >> 31)) * bound as u128) >> 64;
        usize::try_from(scaled).expect("less than a usize")
    }
}
