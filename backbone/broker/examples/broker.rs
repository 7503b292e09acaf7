//! A broker on a free port: prints its URL and serves until it is interrupted.
//!
//! `cargo run -p hexalpes-broker --example broker -- <data folder>`

use hexalpes_broker::{Broker, BrokerOptions};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let data = std::env::args().nth(1).ok_or("name a data folder")?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("pulsar://{}", listener.local_addr()?);
    let broker = Broker::open(BrokerOptions::new(data, &url))?;
    println!("{url}");
    let stop = CancellationToken::new();
    tokio::select! {
        () = broker.serve(listener, stop.clone()) => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    stop.cancel();
    broker.close().await?;
    Ok(())
}
