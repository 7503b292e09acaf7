//! Waiting for what another process does. The only place in the tests where time just passes.

use std::thread;
use std::time::{Duration, Instant};

const STEP: Duration = Duration::from_millis(10);

/// Asks until there is an answer, at most for `limit`; the last question is asked after it.
pub fn eventually<T>(limit: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + limit;
    loop {
        let late = Instant::now() >= deadline;
        match ask() {
            None if !late => thread::sleep(STEP),
            answer => return answer,
        }
    }
}

/// For who asks again and again, and takes the processor from those whose answer it waits for if it does not pause.
pub async fn a_moment() {
    tokio::time::sleep(STEP).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_asks_again_until_there_is_an_answer() {
        let mut asked = 0;
        let answer = eventually(Duration::from_mins(1), || {
            asked += 1;
            (asked == 3).then_some("yes")
        });
        assert_eq!((answer, asked), (Some("yes"), 3));
    }

    #[test]
    fn it_asks_once_when_there_is_no_time() {
        assert_eq!(eventually(Duration::ZERO, || Some(1)), Some(1));
        assert_eq!(eventually(Duration::ZERO, || None::<u8>), None);
    }
}
