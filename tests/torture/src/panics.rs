//! Counts panics, wherever in this process they happen: a broker must not have any, caught or not.

use std::sync::{
    Once,
    atomic::{AtomicU64, Ordering},
};

static PANICS: AtomicU64 = AtomicU64::new(0);

/// From now on panics are counted. To be called before any broker is opened: what it tries on purpose it keeps to itself.
pub(crate) fn count() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let others = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            PANICS.fetch_add(1, Ordering::SeqCst);
            others(info);
        }));
    });
}

/// How many there were.
pub(crate) fn counted() -> u64 {
    PANICS.load(Ordering::SeqCst)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_in_any_thread_is_counted() {
        count();
        let before = counted();
        std::thread::spawn(|| panic!("on purpose")).join().unwrap_err();
        assert!(counted() > before);
    }
}
