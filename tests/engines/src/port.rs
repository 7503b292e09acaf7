//! Ports that nobody listens on.

use std::hash::{BuildHasher, RandomState};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpStream};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the range from which systems take the ports of outgoing connections: what is free here stays free
/// until somebody listens on it, also while a server is away for a while.
const FIRST: u16 = 10_000;
const COUNT: u16 = 22_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// A TCP port on loopback that is free now. Two calls in one process never give the same one, two processes
/// start at random places.
pub fn free_port() -> u16 {
    static START: std::sync::LazyLock<u64> = std::sync::LazyLock::new(|| RandomState::new().hash_one(0));
    for _ in 0..COUNT {
        let step = u64::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let offset = u16::try_from(START.wrapping_add(step) % u64::from(COUNT)).expect("less than COUNT");
        let port = FIRST + offset;
        if is_free(port) {
            return port;
        }
    }
    panic!("{COUNT} ports from {FIRST} on are all in use");
}

/// Asks by connecting, not by binding: a process that another thread starts meanwhile would inherit the bound
/// socket until it runs its own program, and keep the port taken for that moment.
fn is_free(port: u16) -> bool {
    let refused = |error: std::io::Error| error.kind() == ErrorKind::ConnectionRefused;
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err_and(refused)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_port_that_is_listened_on_is_not_free() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        assert!(!is_free(listener.local_addr().unwrap().port()));
    }

    #[test]
    fn no_port_is_given_twice() {
        let ports: std::collections::HashSet<u16> = (0..100).map(|_| free_port()).collect();
        assert_eq!(ports.len(), 100);
    }
}
