//! Ctrl-C and a polite kill: the first stops cleanly, the second at once.

use std::process;

use anyhow::Result;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// As shells count: 128 and the number of the signal.
const CUT_OFF: i32 = 130;

/// Cancelled by the first signal. What was answered is on the disk, so that the second may end it anywhere.
pub(super) fn stop_on_signal() -> Result<CancellationToken> {
    let stop = CancellationToken::new();
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let stopping = stop.clone();
    tokio::spawn(async move {
        for is_second in [false, true] {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if is_second {
                process::exit(CUT_OFF);
            }
            stopping.cancel();
        }
    });
    Ok(stop)
}
