//! The loop around a job, in a task of its own.

use std::time::Duration;

use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{self, Instant},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use crate::{Failure as _, Job, Outlook, State};

/// Between a failure that passes and the next try, at most: the first tries follow one another sooner, for what is away is
/// often back in a moment.
pub const RETRY_DELAY: Duration = Duration::from_millis(500);
const RETRY_DELAY_MIN: Duration = Duration::from_millis(50);
/// How long a job that is told to stop may finish what it is at. What it waits for may be away for long: a process that
/// stays until that is back is killed, and then as without this.
pub const STOP_PATIENCE: Duration = Duration::from_secs(8);

/// A job at work. Stop it; dropping this leaves it working until the process ends.
#[derive(Debug)]
pub struct Worker {
    name: String,
    states: watch::Receiver<State>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Worker {
    /// Starts the job in the background. `name` is what logs call it.
    pub fn start(name: impl Into<String>, job: impl Job) -> Self {
        let name = name.into();
        let (report, states) = watch::channel(State::default());
        let stop = CancellationToken::new();
        let running = Running { name: name.clone(), report: Report(report), stop: stop.clone() };
        let task = tokio::spawn(running.run(job));
        Self { name, states, stop, task }
    }

    pub fn state(&self) -> State {
        self.states.borrow().clone()
    }

    /// The state as it changes, for whoever waits for one, and for what outlives the borrow of the worker.
    pub fn states(&self) -> watch::Receiver<State> {
        self.states.clone()
    }

    /// Returns when the job has finished what it was at, and closed; or after [`STOP_PATIENCE`], when it is left as a
    /// process that is killed would leave it.
    pub async fn stop(self) {
        self.stop.cancel();
        if let Err(panic) = self.task.await {
            error!(worker = self.name, %panic, "a worker ended in a panic");
        }
    }
}

/// Tells the state, also when the job panics.
struct Report(watch::Sender<State>);

impl Report {
    fn tell(&self, state: State) {
        self.0.send_if_modified(|known| {
            let is_new = *known != state;
            *known = state;
            is_new
        });
    }

    fn is_news(&self, state: &State) -> bool {
        *self.0.borrow() != *state
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.tell(State::after(Outlook::Final, "it panicked; its log says where".to_owned()));
        }
    }
}

struct Running {
    name: String,
    report: Report,
    stop: CancellationToken,
}

impl Running {
    async fn run(self, mut job: impl Job) {
        let mut delay = RETRY_DELAY_MIN;
        loop {
            let began = Instant::now();
            let outcome = self.session(&mut job).await;
            if began.elapsed() >= RETRY_DELAY {
                delay = RETRY_DELAY_MIN;
            }
            let Err((outlook, why)) = outcome else { break };
            let state = State::after(outlook, why.clone());
            // Said once, not with every try.
            let is_news = self.report.is_news(&state);
            self.report.tell(state);
            match outlook {
                Outlook::Final => return error!(worker = self.name, "stopped: {why}"),
                Outlook::Passing if is_news => warn!(worker = self.name, "waits: {why}"),
                Outlook::Standby if is_news => info!(worker = self.name, "stands by: {why}"),
                Outlook::Passing | Outlook::Standby => debug!(worker = self.name, "still waits: {why}"),
            }
            tokio::select! {
                () = self.stop.cancelled() => break,
                () = time::sleep(delay) => {}
            }
            delay = (delay * 2).min(RETRY_DELAY);
        }
        self.report.tell(State::default());
    }

    async fn session<J: Job>(&self, job: &mut J) -> Result<(), (Outlook, String)> {
        let told = |error: J::Error| (error.outlook(), error.to_string());
        let session = tokio::select! {
            () = self.stop.cancelled() => return Ok(()),
            session = job.open() => session.map_err(told)?,
        };
        info!(worker = self.name, "is running");
        self.report.tell(State::working());
        tokio::select! {
            outcome = job.run(session, &self.stop) => outcome.map_err(told),
            () = self.overdue() => {
                warn!(worker = self.name, "is left amid what it does, for it does not end in time");
                Ok(())
            }
        }
    }

    async fn overdue(&self) {
        self.stop.cancelled().await;
        time::sleep(STOP_PATIENCE).await;
    }
}
