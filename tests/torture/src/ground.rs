//! Where a broker runs and what it runs on: in this process on a disk in memory whose power can be cut, or in a process
//! of its own, which can be killed, on real files.

use std::{
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

use anyhow::{Context, Result};
use hexalpes_broker::{Broker, BrokerOptions, Policy};
use hexalpes_files::{Files, ForgetfulFiles, RealFiles};
use hexalpes_log::Options;
use tempfile::TempDir;
use tokio::{net::TcpListener, runtime::Handle, task::JoinHandle};
use tokio_util::sync::CancellationToken;

pub const NAMESPACE: &str = "public/default";

/// A data folder, and how a broker is started in it.
#[derive(Debug)]
pub enum Ground {
    Memory {
        disk: ForgetfulFiles,
        runtime: Handle,
    },
    /// The program runs `serve FOLDER` as this one does.
    Folder {
        folder: TempDir,
        program: PathBuf,
    },
}

/// A broker that runs.
#[derive(Debug)]
pub struct Running {
    pub address: SocketAddr,
    kind: RunningKind,
}

#[derive(Debug)]
enum RunningKind {
    Inside { broker: Broker, serving: JoinHandle<()>, runtime: Handle },
    Child { child: Mutex<Killed>, errors: thread::JoinHandle<String> },
}

/// A process that is killed when nobody wants it any more.
#[derive(Debug)]
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// So small that everything that happens to a large log happens within a few hundred messages.
pub(crate) fn options(files: Arc<dyn Files>, data: &Path, address: SocketAddr) -> BrokerOptions {
    let log = Options {
        journal_file_bytes: 64 << 10,
        checkpoint_bytes: 96 << 10,
        segment_bytes: 32 << 10,
        segment_entries: 80,
        cache_bytes: 16 << 10,
        unwritten_bytes: 8 << 10,
        ..Options::default()
    };
    let trim_every = Duration::from_millis(20);
    BrokerOptions { files, log, trim_every, ..BrokerOptions::new(data, format!("pulsar://{address}")) }
}

/// Opens a broker and has it served. Whatever is wrong with the folder is the error, in its own words.
async fn open(files: Arc<dyn Files>, data: &Path, deduplicates: bool) -> Result<(Broker, TcpListener)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let broker = Broker::open(options(files, data, listener.local_addr()?))?;
    match broker.set_policy(NAMESPACE, Policy::Deduplication, deduplicates.into()) {
        Ok(()) => Ok((broker, listener)),
        Err(error) => {
            // Or its tasks would keep the folder.
            let _ = broker.close().await;
            Err(error.into())
        }
    }
}

/// What the child does: it serves the folder until it is killed, after one line that says where; on a port that it was
/// given, with nothing small about it.
pub async fn serve(data: &Path, port: Option<u16>) -> Result<()> {
    let (broker, listener) = match port {
        None => open(Arc::new(RealFiles), data, true).await?,
        Some(port) => {
            let listener = TcpListener::bind(("127.0.0.1", port)).await?;
            (Broker::open(BrokerOptions::new(data, format!("pulsar://127.0.0.1:{port}")))?, listener)
        }
    };
    println!("{}", listener.local_addr()?);
    broker.serve(listener, CancellationToken::new()).await;
    Ok(())
}

impl Ground {
    pub fn memory(runtime: Handle) -> Self {
        Self::Memory { disk: ForgetfulFiles::new(), runtime }
    }

    pub fn folder(program: &Path) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("hexalpes-torture-").tempdir()?;
        Ok(Self::Folder { folder, program: program.to_owned() })
    }

    pub fn files(&self) -> Arc<dyn Files> {
        match self {
            Self::Memory { disk, .. } => Arc::new(disk.clone()),
            Self::Folder { .. } => Arc::new(RealFiles),
        }
    }

    pub fn data(&self) -> PathBuf {
        match self {
            Self::Memory { .. } => PathBuf::from("/data"),
            Self::Folder { folder, .. } => folder.path().join("data"),
        }
    }

    pub fn disk(&self) -> Option<&ForgetfulFiles> {
        match self {
            Self::Memory { disk, .. } => Some(disk),
            Self::Folder { .. } => None,
        }
    }

    /// Starts a broker. An error is why it did not start.
    pub fn start(&self, deduplicates: bool) -> Result<Running> {
        match self {
            Self::Memory { runtime, .. } => {
                let (broker, listener) = runtime.block_on(open(self.files(), &self.data(), deduplicates))?;
                let address = listener.local_addr()?;
                let serving = runtime.spawn({
                    let broker = broker.clone();
                    async move { broker.serve(listener, CancellationToken::new()).await }
                });
                let kind = RunningKind::Inside { broker, serving, runtime: runtime.clone() };
                Ok(Running { address, kind })
            }
            Self::Folder { program, .. } => {
                let child = Command::new(program)
                    .arg("serve")
                    .arg(self.data())
                    .stdin(Stdio::null())
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped())
                    .spawn()
                    .with_context(|| format!("{} cannot be run", program.display()))?;
                let mut child = Killed(child);
                let mut said = child.0.stderr.take().context("its errors are ours")?;
                let errors = thread::spawn(move || {
                    let mut all = Vec::new();
                    let _ = said.read_to_end(&mut all);
                    String::from_utf8_lossy(&all).into_owned()
                });
                let mut line = String::new();
                BufReader::new(child.0.stdout.take().context("its output is ours")?).read_line(&mut line)?;
                let Ok(address) = line.trim().parse() else {
                    drop(child);
                    anyhow::bail!("{}", errors.join().expect("reading does not panic").trim());
                };
                Ok(Running { address, kind: RunningKind::Child { child: Mutex::new(child), errors } })
            }
        }
    }
}

impl Running {
    /// The broker itself, if it is in this process.
    pub fn broker(&self) -> Option<&Broker> {
        match &self.kind {
            RunningKind::Inside { broker, .. } => Some(broker),
            RunningKind::Child { .. } => None,
        }
    }

    /// Does something, and kills a child meanwhile, after so long, or else at the end.
    pub fn kill_during<T>(&self, after: Duration, work: impl FnOnce() -> T) -> T {
        let RunningKind::Child { child, .. } = &self.kind else { return work() };
        thread::scope(|scope| {
            let (working, over) = mpsc::channel::<()>();
            scope.spawn(move || {
                let _ = over.recv_timeout(after);
                let _ = child.lock().expect("nobody panics over it").0.kill();
            });
            let done = work();
            drop(working);
            done
        })
    }

    /// Ends it: in this process as well as its disk lets it, a child with SIGKILL. Says what went wrong in a way that
    /// it never should.
    pub fn end(self) -> Result<(), String> {
        match self.kind {
            RunningKind::Inside { broker, serving, runtime } => runtime.block_on(async {
                // What the disk did to it, the next start shows.
                let _ = broker.close().await;
                serving.await.map_err(|error| format!("the broker ended badly: {error}"))
            }),
            RunningKind::Child { child, errors } => {
                drop(child);
                let said = errors.join().map_err(|_| "its errors cannot be read".to_owned())?;
                if said.contains("panicked at") { Err(said) } else { Ok(()) }
            }
        }
    }
}
