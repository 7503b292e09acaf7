//! A server that nothing is heard of any more, though its connections stay.

use std::time::Duration;

use hexalpes_capture::{Log, LogError};
use hexalpes_engines::Front;
use tokio::time::{self, timeout};

use crate::world::{rows, worlds};

/// Whoever waits for the log has something else to do every second, and waits again.
const SPELL: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_server_that_is_not_heard_of_is_noticed_also_by_who_waits_in_short_spells() {
    for mut world in worlds(&["notes"]) {
        world.run(&["CREATE TABLE notes (id INT PRIMARY KEY, text LONGTEXT)"]).await;
        let front = Front::before(&world.options.url).unwrap();
        front.url().clone_into(&mut world.options.url);
        let mut log = world.open_now().await;
        world.run(&["INSERT INTO notes VALUES (1, 'x')"]).await;
        rows(&mut log, 1).await;

        front.swallow();
        time::pause();
        let mut spells = 0;
        let error = loop {
            match timeout(SPELL, log.next()).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => break error,
                Err(_) => spells += 1,
            }
            assert!(spells < 20, "{}: it is waited for for ever", world.engine);
        };
        time::resume();
        assert!(matches!(error, LogError::Unreachable(_)), "{}: {error}", world.engine);
        assert!(spells >= 9, "{}: given up after {spells} s", world.engine);
    }
}
