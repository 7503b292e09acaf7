//! A small disk that can be filled up or made read-only, seen by nobody but the processes that are started on it.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A file system in memory, in a mount namespace of its own. It ends with its value, and also when the test is
/// killed: what holds the namespace reads from a pipe of ours.
///
/// That takes Linux, `unshare` and `nsenter`, and either root or namespaces for everybody.
#[derive(Debug)]
pub struct SmallDisk {
    holder: Child,
    folder: TempDir,
}

/// Mounts, says so, and waits until nobody holds its input any more.
const HOLD: &str = r#"mount -t tmpfs -o size="$2" tmpfs "$1" && echo mounted && exec cat"#;
const FILLER: &str = "filler";

impl SmallDisk {
    /// One of so many bytes; none if this machine cannot have it. In CI it must.
    pub fn mount(bytes: u64) -> Option<Self> {
        match Self::try_mount(bytes) {
            Ok(disk) => Some(disk),
            Err(why) if env::var("CI").is_ok_and(|value| value == "true") => panic!("no small disk: {why}"),
            Err(why) => {
                println!("a small disk is absent, so this test shows nothing: {why}");
                None
            }
        }
    }

    fn try_mount(bytes: u64) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let mut command = Command::new("unshare");
        command.arg("--mount");
        if !is_root() {
            command.args(["--user", "--map-root-user"]);
        }
        command.args(["sh", "-c", HOLD, "sh"]).arg(folder.path()).arg(bytes.to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut holder = command.spawn().map_err(|error| format!("unshare cannot be run: {error}"))?;
        let mut said = String::new();
        let output = holder.stdout.take().expect("its output is ours");
        let _ = BufReader::new(output).read_line(&mut said);
        let disk = Self { holder, folder };
        if said.trim() == "mounted" { Ok(disk) } else { Err(disk.refused()) }
    }

    /// What the holder said before it gave up.
    fn refused(mut self) -> String {
        drop(self.holder.stdin.take());
        let mut said = String::new();
        if let Some(errors) = self.holder.stderr.take() {
            let _ = BufReader::new(errors).read_line(&mut said);
        }
        said.trim().to_owned()
    }

    /// What a command line begins with, to become a process on this disk.
    pub fn by(&self) -> Vec<OsString> {
        let mut words =
            vec!["nsenter".into(), format!("--target={}", self.holder.id()).into(), "--mount".into()];
        if !is_root() {
            words.extend(["--user".into(), "--preserve-credentials".into()]);
        }
        words.push("--".into());
        words
    }

    /// A folder of the disk, by the name that it has there.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The same, for those who are not on this disk.
    pub fn seen(&self) -> PathBuf {
        let below = self.folder.path().strip_prefix("/").expect("temporary folders have absolute paths");
        PathBuf::from(format!("/proc/{}/root", self.holder.id())).join(below)
    }

    /// Takes all the room that is left.
    pub fn fill(&self) {
        let mut filler = File::create(self.seen().join(FILLER)).expect("the disk can be written");
        for piece in [1 << 20, 4096] {
            let zeros = vec![0; piece];
            loop {
                match filler.write_all(&zeros) {
                    Ok(()) => {}
                    Err(error) if error.kind() == ErrorKind::StorageFull => break,
                    Err(error) => panic!("the disk cannot be filled: {error}"),
                }
            }
        }
    }

    /// Gives the room back.
    pub fn make_room(&self) {
        fs::remove_file(self.seen().join(FILLER)).expect("the filler is there");
    }

    pub fn make_read_only(&self) {
        let words = self.by();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).args(["mount", "-o", "remount,bind,ro"]).arg(self.folder());
        assert!(command.status().expect("mount can be run").success(), "the disk can be made read-only");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
