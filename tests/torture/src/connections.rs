//! Clients that take what they can get: however many there are, and whatever they do not read, the broker's memory stays
//! bounded, and another client is served meanwhile.

use std::{
    fs, io,
    io::Write,
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use bytes::BytesMut;
use hexalpes_engines::{eventually, free_port};
use hexalpes_wire::{
    frame,
    proto::{Command as Frame, CommandGetTopicsOfNamespace},
};
use tempfile::TempDir;

use crate::{
    peer::{Peer, Trouble},
    world::calm,
};

/// How much of everything.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    pub idle: usize,
    pub reconnects: usize,
    /// How much is published for one that does not read.
    pub unread_megabytes: u64,
    pub flood: Duration,
    /// Messages that wait for a slow consumer.
    pub backlog: u64,
}

impl Scale {
    pub const WHOLE: Self = Self {
        idle: 1000,
        reconnects: 10_000,
        unread_megabytes: 512,
        flood: Duration::from_secs(5),
        backlog: 10_000_000,
    };
    pub const SHORT: Self = Self {
        idle: 100,
        reconnects: 300,
        unread_megabytes: 40,
        flood: Duration::from_millis(300),
        backlog: 50_000,
    };
}

/// Who serves: a program, the arguments before the folder and the port, and what names the port.
#[derive(Debug, Clone)]
pub struct Program {
    pub path: PathBuf,
    pub before_the_folder: Vec<&'static str>,
    pub before_the_port: &'static str,
    /// Another port that it would take, if it is not told of one that is free.
    pub other_port: Option<&'static str>,
}

/// A broker alone in a process and a folder, gone with its value.
struct Process {
    child: Child,
    address: SocketAddr,
    _folder: TempDir,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const READY_WITHIN: Duration = Duration::from_secs(30);
/// Whatever clients do: a connection may hold a few megabytes of what is not read yet, and nobody does here but one.
const MEGABYTES_MAX: u64 = 160;

impl Process {
    fn start(program: &Program) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("hexalpes-torture-").tempdir()?;
        let port = free_port();
        let mut command = Command::new(&program.path);
        command.args(&program.before_the_folder).arg(folder.path().join("data"));
        command.args([program.before_the_port, &port.to_string()]);
        if let Some(other) = program.other_port {
            command.args([other, &free_port().to_string()]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().with_context(|| format!("{} cannot be run", program.path.display()))?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let process = Self { child, address, _folder: folder };
        let ready = eventually(READY_WITHIN, || Peer::connect(address).ok());
        ensure!(ready.is_some(), "{} does not start", program.path.display());
        Ok(process)
    }

    /// The most memory that it ever had, in megabytes.
    fn megabytes(&self) -> Result<u64> {
        let status =
            fs::read_to_string(format!("/proc/{}/status", self.child.id())).context("it runs, on Linux")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("it has memory")?;
        let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kilobytes / 1024)
    }
}

/// What clients did, and what it cost.
#[derive(Debug)]
pub struct Outcome {
    pub what: String,
    pub megabytes: u64,
    /// How long another client's messages took from being sent to their receipts meanwhile, in order.
    latencies: Vec<Duration>,
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at = |percent: usize| {
            let place = (self.latencies.len() * percent / 100).min(self.latencies.len().saturating_sub(1));
            self.latencies.get(place).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1000.0)
        };
        let (p50, p99) = (at(50), at(99));
        write!(
            f,
            "{:<58}{:>6} MB{p50:>9.2} ms{p99:>9.2} ms{:>9}",
            self.what,
            self.megabytes,
            self.latencies.len()
        )
    }
}

pub const HEAD: &str =
    "                                                          at most memory    p50         p99   messages";

type Crowd = fn(SocketAddr, Scale) -> Result<String, Trouble>;

/// Each crowd on a broker of its own. The first is nobody, to compare with.
pub fn run(program: &Program, scale: Scale, mut tell: impl FnMut(&Outcome)) -> Result<()> {
    let crowds: [Crowd; 6] = [nobody, idle, reconnecting, never_reading, flooding, slow];
    for crowd in crowds {
        let process = Process::start(program)?;
        let outcome = beside(&process, || crowd(process.address, scale))?;
        tell(&outcome);
        ensure!(outcome.megabytes <= MEGABYTES_MAX, "more than {MEGABYTES_MAX} MB: {outcome}");
        ensure!(!outcome.latencies.is_empty(), "nobody else was served: {outcome}");
    }
    Ok(())
}

/// Lets a crowd do what it does while another client publishes, one message after the other.
fn beside(process: &Process, crowd: impl FnOnce() -> Result<String, Trouble>) -> Result<Outcome> {
    let over = AtomicBool::new(false);
    let (what, latencies) = std::thread::scope(|scope| {
        let other = scope.spawn(|| publish_until(process.address, &over));
        let what = crowd();
        over.store(true, Ordering::SeqCst);
        (what, other.join().expect("a producer does not panic"))
    });
    let what = calm(what).map_err(anyhow::Error::msg)?;
    let mut latencies = calm(latencies).map_err(anyhow::Error::msg)?;
    latencies.sort_unstable();
    Ok(Outcome { what, megabytes: process.megabytes()?, latencies })
}

fn publish_until(address: SocketAddr, over: &AtomicBool) -> Result<Vec<Duration>, Trouble> {
    let mut peer = Peer::connect(address)?;
    peer.open_producer("other", "other")?;
    let mut latencies = Vec::new();
    // At least once after it is over, too.
    let mut again = true;
    while again {
        again = !over.load(Ordering::SeqCst);
        let sent = Instant::now();
        peer.send("other", &[(latencies.len() as u64, vec![b'x'; 512])], |_, _| {})?;
        latencies.push(sent.elapsed());
    }
    Ok(latencies)
}

fn nobody(address: SocketAddr, scale: Scale) -> Result<String, Trouble> {
    drop(Peer::connect(address)?);
    let _ = eventually(scale.flood, || None::<()>);
    Ok("nobody".to_owned())
}

fn idle(address: SocketAddr, scale: Scale) -> Result<String, Trouble> {
    let peers: Result<Vec<Peer>, Trouble> = (0..scale.idle).map(|_| Peer::connect(address)).collect();
    let peers = peers?;
    let _ = eventually(scale.flood, || None::<()>);
    Ok(format!("{} idle connections", peers.len()))
}

fn reconnecting(address: SocketAddr, scale: Scale) -> Result<String, Trouble> {
    for n in 0..scale.reconnects {
        let mut peer = Peer::connect(address)?;
        if n.is_multiple_of(10) {
            peer.open_producer("visited", &format!("visitor-{n}"))?;
        }
    }
    Ok(format!("{} connections, one after the other", scale.reconnects))
}

fn never_reading(address: SocketAddr, scale: Scale) -> Result<String, Trouble> {
    let mut consumer = Peer::connect(address)?;
    consumer.subscribe("unread", "sub")?;
    consumer.flow(u32::MAX >> 1)?;
    let mut producer = Peer::connect(address)?;
    producer.open_producer("unread", "p")?;
    let megabytes = scale.unread_megabytes;
    for n in 0..megabytes {
        producer.send("p", &[(n, vec![b'x'; 1 << 20])], |_, _| {})?;
    }
    drop(consumer);
    Ok(format!("a consumer that reads nothing of {megabytes} MB"))
}

/// Asks, and asks, and takes no answer.
fn flooding(address: SocketAddr, scale: Scale) -> Result<String, Trouble> {
    let failed = |error: io::Error| Trouble::Gone(error.to_string());
    let mut socket: TcpStream = Peer::connect(address)?.into_socket();
    socket.set_write_timeout(Some(Duration::from_millis(100))).map_err(failed)?;
    let mut questions = BytesMut::new();
    for request_id in 0..1000 {
        let namespace = "public/default".to_owned();
        let question =
            CommandGetTopicsOfNamespace { request_id, namespace, ..CommandGetTopicsOfNamespace::default() };
        frame::encode(&Frame::GetTopicsOfNamespace(question), &mut questions);
    }
    let (began, mut bytes) = (Instant::now(), 0);
    while began.elapsed() < scale.flood {
        match socket.write(&questions) {
            Ok(written) => bytes += written,
            // It is read no further: that is what is wanted.
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
            Err(_) => break,
        }
    }
    Ok(format!("a flood of questions of whose answers none is read, {} kB", bytes >> 10))
}

fn slow(address: SocketAddr, scale: Scale) -> Result<String, Trouble> {
    const IN_A_BATCH: u64 = 100;
    const BATCHES_AT_ONCE: u64 = 32;
    const TAKEN: u64 = 100;
    let mut consumer = Peer::connect(address)?;
    consumer.subscribe("waiting", "sub")?;
    let mut producer = Peer::connect(address)?;
    producer.open_producer("waiting", "p")?;
    let batches = scale.backlog / IN_A_BATCH;
    for first in (0..batches).step_by(usize::try_from(BATCHES_AT_ONCE).expect("small")) {
        let count = BATCHES_AT_ONCE.min(batches - first);
        producer.send_batches("p", first * IN_A_BATCH, IN_A_BATCH, count, b"a message of a few bytes")?;
    }
    // One batch at a time, and what it has in its hands is never more.
    for _ in 0..TAKEN.min(batches) {
        consumer.flow(u32::try_from(IN_A_BATCH).expect("small"))?;
        let (id, ..) = consumer.message()?;
        consumer.ack_up_to(id)?;
    }
    Ok(format!("a slow consumer with {} messages before it", scale.backlog))
}

/// `hexalpes backbone`, beside the program that runs.
pub fn hexalpes(here: &Path) -> Program {
    Program {
        path: here.with_file_name("hexalpes"),
        before_the_folder: vec!["backbone", "--data"],
        before_the_port: "--backbone-port",
        other_port: Some("--admin-port"),
    }
}

/// Our own `serve`.
pub fn own(program: &Path) -> Program {
    Program {
        path: program.to_owned(),
        before_the_folder: vec!["serve"],
        before_the_port: "--port",
        other_port: None,
    }
}
