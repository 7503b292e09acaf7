//! A server's front that can go silent, as a network does that drops what it is given, and can lead to another server, as an
//! address does after a failover.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result};

const BYTES_AT_ONCE: usize = 64 * 1024;

/// Passes on what comes, in both ways, until it is told to swallow it: connections stay until one side leaves, and nothing
/// is heard on them.
/// It listens until the process ends.
#[derive(Debug)]
pub struct Front {
    url: String,
    server: Arc<Mutex<String>>,
    swallows: Arc<AtomicBool>,
}

impl Front {
    /// Before what is reached by a URL, which names host and port.
    pub fn before(url: &str) -> Result<Self> {
        let Parts { scheme, user, server, path } = Parts::of(url)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port can be listened on")?;
        let address = listener.local_addr().context("a listener has an address")?;
        let swallows = Arc::new(AtomicBool::new(false));
        let server = Arc::new(Mutex::new(server.to_owned()));
        let (leads_to, swallowing) = (Arc::clone(&server), Arc::clone(&swallows));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let server = leads_to.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let Ok(server) = TcpStream::connect(&server) else { continue };
                let pair = client.try_clone().and_then(|to| Ok((to, server.try_clone()?)));
                let Ok((to_client, from_server)) = pair else { continue };
                for (from, to) in [(client, server), (from_server, to_client)] {
                    let swallowing = Arc::clone(&swallowing);
                    thread::spawn(move || pass(from, to, &swallowing));
                }
            }
        });
        Ok(Self { url: format!("{scheme}://{user}{address}{path}"), server, swallows })
    }

    /// The same, through it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Connections that are made from now on are with the server of that URL.
    pub fn lead_to(&self, url: &str) -> Result<()> {
        let server = Parts::of(url)?.server.to_owned();
        *self.server.lock().unwrap_or_else(PoisonError::into_inner) = server;
        Ok(())
    }

    /// From now on nothing gets through.
    pub fn swallow(&self) {
        self.swallows.store(true, Ordering::SeqCst);
    }
}

/// `scheme://user:password@server/path`: what names nobody may be empty.
struct Parts<'a> {
    scheme: &'a str,
    /// With the `@` behind it.
    user: &'a str,
    server: &'a str,
    path: &'a str,
}

impl<'a> Parts<'a> {
    fn of(url: &'a str) -> Result<Self> {
        let (scheme, rest) = url.split_once("://").context("it is no URL")?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (user, server) = authority.split_at(authority.rfind('@').map_or(0, |at| at + 1));
        Ok(Self { scheme, user, server, path })
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, swallows: &AtomicBool) {
    // A small answer is not kept back until there is more.
    let _ = to.set_nodelay(true);
    let mut bytes = vec![0; BYTES_AT_ONCE];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if !swallows.load(Ordering::SeqCst) && to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn it_leads_to_another_server_when_it_is_told_to() {
        let servers = [(); 2].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
        let [first, second] =
            [0, 1].map(|at: usize| format!("test://{}/there", servers[at].local_addr().unwrap()));
        let front = Front::before(&first).unwrap();
        let front_at = front.url().strip_prefix("test://").unwrap().strip_suffix("/there").unwrap();
        front.lead_to(&second).unwrap();
        let mut client = TcpStream::connect(front_at).unwrap();
        client.write_all(b"ping").unwrap();
        let mut heard = [0; 4];
        servers[1].accept().unwrap().0.read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"ping");
    }

    #[test]
    fn it_passes_on_what_comes_until_it_swallows_it() {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let front =
            Front::before(&format!("test://me:secret@{}/there", server.local_addr().unwrap())).unwrap();
        let front_at = front.url().strip_prefix("test://me:secret@").unwrap().strip_suffix("/there").unwrap();
        let mut client = TcpStream::connect(front_at).unwrap();
        let (mut served, _) = server.accept().unwrap();
        let mut heard = [0; 4];
        client.write_all(b"ping").unwrap();
        served.read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"ping");
        served.write_all(b"pong").unwrap();
        client.read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"pong");

        front.swallow();
        served.write_all(b"gone").unwrap();
        client.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        assert!(client.read(&mut heard).is_err(), "nothing comes, and nobody hangs up");
    }
}
