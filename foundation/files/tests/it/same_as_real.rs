//! As long as the power stays on, files in memory and on the disk cannot be told apart.

use std::{fmt::Debug, io, path::Path};

use hexalpes_files::{File, Files, ForgetfulFiles, RealFiles};
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Act {
    Create(u8),
    Write { file: u8, at: u16, byte: u8, count: u16 },
    SetSize { file: u8, size: u16 },
    Allocate { file: u8, size: u16 },
    Sync(u8),
    Rename(u8, u8),
    Remove(u8),
    Replace(u8, Vec<u8>),
    CreateDir(u8),
    RemoveDir(u8),
    List,
    Read(u8),
    ReadAt { file: u8, at: u16, count: u8 },
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let file = || 0..4_u8;
    let act = prop_oneof![
        3 => file().prop_map(Act::Create),
        6 => (file(), 0..5000_u16, any::<u8>(), 0..3000_u16)
            .prop_map(|(file, at, byte, count)| Act::Write { file, at, byte, count }),
        1 => (file(), 0..6000_u16).prop_map(|(file, size)| Act::SetSize { file, size }),
        1 => (file(), 0..6000_u16).prop_map(|(file, size)| Act::Allocate { file, size }),
        1 => file().prop_map(Act::Sync),
        2 => (file(), file()).prop_map(|(from, to)| Act::Rename(from, to)),
        1 => file().prop_map(Act::Remove),
        2 => (file(), prop::collection::vec(any::<u8>(), 0..100)).prop_map(|(file, bytes)| Act::Replace(file, bytes)),
        1 => file().prop_map(Act::CreateDir),
        1 => file().prop_map(Act::RemoveDir),
        1 => Just(Act::List),
        4 => file().prop_map(Act::Read),
        2 => (file(), 0..6000_u16, any::<u8>()).prop_map(|(file, at, count)| Act::ReadAt { file, at, count }),
    ];
    prop::collection::vec(act, 1..40)
}

fn seen<T: Debug>(result: io::Result<T>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(error) => format!("{:?}", error.kind()),
    }
}

fn on(files: &dyn Files, root: &Path, file: u8, act: impl FnOnce(&dyn File) -> io::Result<()>) -> String {
    seen(files.open(&root.join(format!("f{file}"))).and_then(|file| act(&*file)))
}

fn run(files: &dyn Files, root: &Path, act: &Act) -> String {
    let path = |file: &u8| root.join(format!("f{file}"));
    match act {
        Act::Create(file) => seen(files.create(&path(file)).map(drop)),
        Act::Write { file, at, byte, count } => {
            let bytes = vec![*byte; usize::from(*count)];
            on(files, root, *file, |file| file.write_all_at(&bytes, u64::from(*at)))
        }
        Act::SetSize { file, size } => on(files, root, *file, |file| file.set_size(u64::from(*size))),
        Act::Allocate { file, size } => on(files, root, *file, |file| file.allocate(u64::from(*size))),
        Act::Sync(file) => on(files, root, *file, |file| file.sync_data()),
        Act::Rename(from, to) => seen(files.rename(&path(from), &path(to))),
        Act::Remove(file) => seen(files.remove(&path(file))),
        Act::Replace(file, bytes) => seen(files.replace(&path(file), bytes)),
        Act::CreateDir(dir) => seen(files.create_dir_all(&root.join(format!("a/d{dir}")))),
        Act::RemoveDir(dir) => seen(files.remove_dir(&root.join(format!("a/d{dir}")))),
        Act::List => seen(files.list(root)),
        Act::Read(file) => seen(files.read(&path(file))),
        Act::ReadAt { file, at, count } => {
            let mut buffer = vec![0; usize::from(*count)];
            let read =
                files.open_to_read(&path(file)).and_then(|file| file.read_at(&mut buffer, u64::from(*at)));
            format!("{} {buffer:?}", seen(read))
        }
    }
}

proptest! {
    #[test]
    fn both_answer_alike(acts in acts()) {
        let folder = tempfile::tempdir().unwrap();
        let disk = ForgetfulFiles::new();
        disk.create_dir_all(Path::new("/root")).unwrap();
        for act in acts {
            let real = run(&RealFiles, folder.path(), &act);
            let forgetful = run(&disk, Path::new("/root"), &act);
            prop_assert_eq!(real, forgetful, "{:?}", act);
        }
    }
}
