//! A consumer that nobody here wrote: the official Python client, in a process of its own.

use std::collections::HashMap;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use hexalpes_engines::Python;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_mins(1);

/// Says `> ready` when it is subscribed, and after the last message of each its conversion and when it was there.
const CONSUME: &str = r"
import pulsar, sys, time
# The client logs on standard output.
sys.stdout = sys.stderr
url, topic, count = sys.argv[1:]
client = pulsar.Client(url)
consumer = client.subscribe(topic, 'bench-foreign', initial_position=pulsar.InitialPosition.Latest)
print('> ready', flush=True)
heard = []
for _ in range(int(count)):
    message = consumer.receive(30000)
    heard.append((time.time_ns(), message.data()))
    consumer.acknowledge(message)
for at, data in heard:
    print('>', data.decode().split('conv-bench-')[1][:9], at)
consumer.unsubscribe()
client.close()
";

pub(crate) struct ForeignConsumer {
    process: Child,
    said: Lines<BufReader<ChildStderr>>,
}

impl ForeignConsumer {
    /// Subscribes, and waits for so many messages from now on.
    pub(crate) async fn start(python: &Python, url: &str, topic: &str, messages: u32) -> Result<Self> {
        let mut process = Command::new(python.interpreter())
            .args(["-c", CONSUME, url, topic, &messages.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("the Python client cannot be started")?;
        let said = process.stderr.take().context("what it says is ours")?;
        let mut consumer = Self { process, said: BufReader::new(said).lines() };
        match consumer.line().await?.as_deref() {
            Some("ready") => Ok(consumer),
            other => bail!("the Python client is not subscribed: {other:?}"),
        }
    }

    /// By conversion, when its event was there, in nanoseconds since 1970.
    pub(crate) async fn heard(mut self) -> Result<HashMap<u32, u128>> {
        let mut heard = HashMap::new();
        while let Some(line) = self.line().await? {
            let (conversion, at) = line.split_once(' ').context("a line has two numbers")?;
            heard.insert(conversion.parse()?, at.parse()?);
        }
        let ended = self.process.wait().await?;
        if ended.success() { Ok(heard) } else { bail!("the Python client failed: {ended}") }
    }

    /// The next line that is meant for us.
    async fn line(&mut self) -> Result<Option<String>> {
        loop {
            let line = timeout(PATIENCE, self.said.next_line())
                .await
                .context("the Python client says nothing")??;
            let Some(line) = line else { return Ok(None) };
            if let Some(said) = line.strip_prefix("> ") {
                return Ok(Some(said.to_owned()));
            }
        }
    }
}
