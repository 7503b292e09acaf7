//! Listening, with an error that says what to do about a port that is taken.

use std::{io, net::IpAddr};

use anyhow::{Context as _, Result};
use tokio::net::TcpListener;

/// `flag` is what gives the port another number.
pub(crate) async fn listen(host: IpAddr, port: u16, what: &str, flag: &str) -> Result<TcpListener> {
    TcpListener::bind((host, port)).await.with_context(|| {
        let flag = flag.trim_start_matches('-');
        let at = if host.is_loopback() { String::new() } else { format!(" of {host}") };
        format!("{what} cannot listen on port {port}{at}: stop what uses it, or choose another with --{flag}")
    })
}

/// The port that was given, when 0 asked for any.
pub(crate) fn port_of(listener: &TcpListener) -> io::Result<u16> {
    Ok(listener.local_addr()?.port())
}
