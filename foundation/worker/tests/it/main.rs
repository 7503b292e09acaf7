//! Workers under jobs that follow a script.

use std::{collections::VecDeque, time::Duration};

use hexalpes_worker::{Failure, Job, Outlook, State, Worker};
use tokio::{sync::mpsc, time::timeout};
use tokio_util::sync::CancellationToken;

/// Reached only by what fails; the clock of these tests stands still while anything can happen.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Clone, Debug, thiserror::Error)]
#[error("{what}")]
struct Trouble {
    what: &'static str,
    outlook: Outlook,
}

impl Failure for Trouble {
    fn outlook(&self) -> Outlook {
        self.outlook
    }
}

/// What happens at one opening.
enum Turn {
    DoesNotOpen(Trouble),
    NeverOpens,
    Breaks(Trouble),
    Works,
    NeverEnds,
    Panics,
}

struct Scripted {
    turns: VecDeque<Turn>,
    /// What the job did, in order.
    deeds: mpsc::UnboundedSender<&'static str>,
}

impl Job for Scripted {
    type Session = Turn;
    type Error = Trouble;

    async fn open(&mut self) -> Result<Turn, Trouble> {
        match self.turns.pop_front().expect("it is not opened more often") {
            Turn::DoesNotOpen(trouble) => Err(trouble),
            Turn::NeverOpens => {
                let _ = self.deeds.send("opening");
                std::future::pending().await
            }
            turn => Ok(turn),
        }
    }

    async fn run(&mut self, turn: Turn, stop: &CancellationToken) -> Result<(), Trouble> {
        let _ = self.deeds.send("working");
        match turn {
            Turn::Breaks(trouble) => Err(trouble),
            Turn::Panics => panic!("as the script wants"),
            Turn::NeverEnds => std::future::pending().await,
            _ => {
                stop.cancelled().await;
                tokio::task::yield_now().await;
                let _ = self.deeds.send("finished");
                Ok(())
            }
        }
    }
}

fn start(turns: impl IntoIterator<Item = Turn>) -> (Worker, mpsc::UnboundedReceiver<&'static str>) {
    let (deeds, done) = mpsc::unbounded_channel();
    (Worker::start("scripted", Scripted { turns: turns.into_iter().collect(), deeds }), done)
}

fn trouble(what: &'static str, outlook: Outlook) -> Trouble {
    Trouble { what, outlook }
}

/// Waits for a state, and gives it.
async fn until(worker: &Worker, wanted: impl Fn(&State) -> bool) -> State {
    let mut states = worker.states();
    let reached = states.wait_for(|state| wanted(state));
    timeout(PATIENCE, reached).await.expect("the state is reached").expect("the worker lives").clone()
}

#[tokio::test(start_paused = true)]
async fn trouble_that_passes_is_told_and_tried_again() {
    let away = || trouble("the broker is away", Outlook::Passing);
    let turns = [Turn::DoesNotOpen(away()), Turn::Breaks(away()), Turn::DoesNotOpen(away()), Turn::Works];
    let (worker, mut done) = start(turns);
    let waiting = until(&worker, |state| state.alarm.is_some()).await;
    assert_eq!((waiting.running, waiting.alarm.as_deref()), (true, Some("the broker is away")));
    let deeds = [done.recv().await, done.recv().await];
    assert_eq!(deeds, [Some("working"), Some("working")]);
    until(&worker, |state| *state == State { running: true, ..State::default() }).await;
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn after_final_trouble_it_stays_stopped_and_says_why() {
    let (worker, _) = start([Turn::Breaks(trouble("lines are lost", Outlook::Final))]);
    let ended = until(&worker, |state| state.alarm.is_some()).await;
    assert_eq!(ended, State { alarm: Some("lines are lost".to_owned()), ..State::default() });
    let states = worker.states();
    worker.stop().await;
    assert_eq!(*states.borrow(), ended);
}

#[tokio::test(start_paused = true)]
async fn who_stands_by_has_no_alarm_and_works_when_it_is_its_turn() {
    let turn = trouble("another relay has the source", Outlook::Standby);
    let (worker, _done) = start([Turn::DoesNotOpen(turn), Turn::Works]);
    let waiting = until(&worker, |state| state.standby.is_some()).await;
    assert_eq!((waiting.running, waiting.alarm), (false, None));
    until(&worker, |state| state.running && state.standby.is_none()).await;
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_begun_is_finished_before_it_stops() {
    let (worker, mut done) = start([Turn::Works]);
    let states = worker.states();
    assert_eq!(done.recv().await, Some("working"));
    worker.stop().await;
    assert_eq!((done.recv().await, done.recv().await), (Some("finished"), None));
    assert_eq!(*states.borrow(), State::default());
}

#[tokio::test(start_paused = true)]
async fn an_opening_that_hangs_does_not_keep_it_from_stopping() {
    let (worker, mut done) = start([Turn::NeverOpens]);
    assert_eq!(done.recv().await, Some("opening"));
    timeout(PATIENCE, worker.stop()).await.expect("it stops");
}

#[tokio::test(start_paused = true)]
async fn a_job_that_does_not_end_is_left_after_a_while() {
    let (worker, mut done) = start([Turn::NeverEnds]);
    let states = worker.states();
    assert_eq!(done.recv().await, Some("working"));
    timeout(PATIENCE, worker.stop()).await.expect("it stops");
    assert_eq!(*states.borrow(), State::default());
}

#[tokio::test(start_paused = true)]
async fn a_job_that_panics_is_told_as_ended() {
    let (worker, _done) = start([Turn::Panics]);
    let ended = until(&worker, |state| state.alarm.is_some()).await;
    assert!(!ended.running && ended.alarm.is_some_and(|alarm| alarm.contains("panicked")));
    worker.stop().await;
}
