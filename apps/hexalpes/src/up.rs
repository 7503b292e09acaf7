//! `hexalpes up`: backbone, relay, commissions and notifications in one process, on loopback.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use anyhow::{Context as _, Result};
use futures::FutureExt as _;
use hexalpes_client::{AdminClient, AdminOptions, Client, ClientOptions};
use hexalpes_db::{DatabaseUrl, Db, DbOptions, Migration};
use hexalpes_files::RealFiles;
use hexalpes_http::{Check, Health};
use hexalpes_kernel::{Edge, SystemEdge};
use hexalpes_notifications::{Notifications, NotificationsOptions};
use hexalpes_outbox::{Relay, RelayOptions, Status};
use hexalpes_telemetry::Metrics;
use tokio_util::sync::CancellationToken;

use crate::{
    backbone::Backbone,
    cli::Places,
    debug,
    listen::{loopback, port_of},
    topology,
};

pub(crate) async fn up(places: &Places, stop: CancellationToken) -> Result<()> {
    std::fs::create_dir_all(&places.data)
        .with_context(|| format!("the data folder {} cannot be made", places.data.display()))?;
    let edge: Arc<dyn Edge> = Arc::new(SystemEdge);
    let api = loopback(places.commissions_port, "the commission API", "--commissions-port").await?;
    let given = places.pulsar_broker_url.clone().zip(places.pulsar_admin_url.clone());
    let (backbone, engine) = if let Some((service, admin)) = given {
        (None, Engine { service, admin })
    } else {
        let backbone = Backbone::start(places).await?;
        let engine = Engine { service: backbone.service_url.clone(), admin: backbone.admin_url.clone() };
        (Some(backbone), engine)
    };
    topology::ensure(&AdminClient::new(AdminOptions::new(&engine.admin))?).await?;

    let client = Client::connect(ClientOptions::new(&engine.service)).await?;
    let commissions = database(
        &places.data,
        "commissions",
        &[
            hexalpes_outbox::MIGRATIONS,
            hexalpes_http::idempotency::MIGRATIONS,
            hexalpes_commissions::MIGRATIONS,
        ],
    )
    .await?;
    let relay = Relay::start(
        commissions.clone(),
        client.clone(),
        Arc::clone(&edge),
        RelayOptions::new("commissions"),
    );
    let inbox = database(&places.data, "notifications", &[hexalpes_notifications::MIGRATIONS]).await?;
    let options = NotificationsOptions::new(places.data.join("events.jsonl"));
    let files = Arc::new(RealFiles);
    let notifications =
        Notifications::start(inbox.clone(), client.clone(), files, Arc::clone(&edge), options).await?;

    let router = hexalpes_commissions::router(commissions.clone(), Arc::clone(&edge))
        .merge(debug::routes(commissions.clone(), relay.status_reader(), notifications.status_reader()))
        .merge(health(relay.status_reader(), notifications.status_reader()).routes(Metrics::install()?));
    banner(places, &engine, port_of(&api)?);
    hexalpes_http::serve(api, hexalpes_http::layers(router, edge), stop).await?;

    // What was accepted is finished: first who writes, then who carries, then where it is kept.
    relay.stop().await;
    notifications.stop().await;
    commissions.close().await;
    inbox.close().await;
    if let Some(backbone) = backbone {
        backbone.stop().await?;
    }
    Ok(())
}

/// Where the broker is, whoever runs it.
struct Engine {
    service: String,
    admin: String,
}

/// One database a context, with all that its parts need in it.
async fn database(data: &Path, context: &str, migrations: &[&[Migration]]) -> Result<Db> {
    let path = data.join(format!("{context}.db"));
    let url = DatabaseUrl::parse(&format!("sqlite:{}", path.display()))?;
    let db = Db::open(&url, DbOptions::default()).await?;
    for part in migrations {
        db.migrate(part).await?;
    }
    Ok(db)
}

fn health(
    relay: impl Fn() -> Status + Send + Sync + 'static,
    notifications: impl Fn() -> hexalpes_notifications::Status + Send + Sync + 'static,
) -> Health {
    let check = |running, alarm: Option<String>| match alarm {
        Some(alarm) if running => Check::degraded(alarm),
        Some(alarm) => Check::down(alarm),
        None => Check::ok(),
    };
    Health::new("commissions", env!("CARGO_PKG_VERSION"), move || {
        let (relay, notifications) = (relay(), notifications());
        let checks = BTreeMap::from([
            ("relay", check(relay.running, relay.alarm)),
            ("notifications", check(notifications.running, notifications.alarm)),
        ]);
        std::future::ready(checks).boxed()
    })
}

fn banner(places: &Places, engine: &Engine, port: u16) {
    let engine_kind = if places.pulsar_broker_url.is_some() { "Pulsar  " } else { "backbone" };
    println!("hexalpes {}", env!("CARGO_PKG_VERSION"));
    println!("  {engine_kind}     {}   REST {}", engine.service, engine.admin);
    println!("  commissions  http://127.0.0.1:{port}   /health /metrics /debug/outbox /debug/relay");
    println!("  events       {}", places.data.join("events.jsonl").display());
    println!("Authentication is off: it listens on loopback only. Try:");
    println!(
        "  curl -s -X POST http://127.0.0.1:{port}/commissions/calculate -H 'Content-Type: application/json' \
         -d '{{\"conversionId\":\"conv-001\",\"affiliateId\":\"aff-123\",\"campaignId\":\"camp-456\",\
         \"grossAmount\":1000.00,\"currency\":\"USD\"}}'"
    );
}
