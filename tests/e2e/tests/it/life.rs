//! One life of the whole chain in this process, between a start and a power cut: commissions with their outbox,
//! relay, broker, notifications with `events.jsonl`.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use hexalpes_broker::{Broker, BrokerOptions, Policy};
use hexalpes_client::{Client, ClientOptions};
use hexalpes_db::{DatabaseUrl, Db, DbOptions, Migration};
use hexalpes_e2e::{Api, Kept, Ledger, whole_topic};
use hexalpes_files::{Files as _, ForgetfulFiles};
use hexalpes_kernel::{Edge, SystemEdge};
use hexalpes_notifications::{Notifications, NotificationsOptions};
use hexalpes_outbox::{EVENTS_TOPIC, PageOrder, RAW_TOPIC, Relay, RelayOptions};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const EVENTS_FILE: &str = "/data/events.jsonl";
const DATABASES: [&str; 2] = ["commissions", "notifications"];
const ROWS_MAX: u64 = 10_000;

/// Two disks that lose their power together.
#[derive(Default)]
pub(crate) struct Disks {
    /// Journal, segments and metadata.
    pub(crate) broker: ForgetfulFiles,
    /// `events.jsonl`.
    pub(crate) events: ForgetfulFiles,
}

/// Its tasks end with the runtime that it was started in, as those of a process end with it.
pub(crate) struct Life {
    pub(crate) api: Api,
    url: String,
    commissions: Db,
    broker: Broker,
    relay: Relay,
    notifications: Notifications,
    stop: CancellationToken,
}

impl Life {
    /// Starts on what is left on the disks and in a folder of databases; says why, if that cannot be used.
    pub(crate) async fn start(disks: &Disks, databases: &Path) -> Result<Self, String> {
        let edge: Arc<dyn Edge> = Arc::new(SystemEdge);
        let stop = CancellationToken::new();
        let protocol = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("pulsar://{}", protocol.local_addr().unwrap());
        let options = BrokerOptions {
            files: Arc::new(disks.broker.clone()),
            ..BrokerOptions::new("/data/backbone", &url)
        };
        let broker = Broker::open(options).map_err(|error| format!("the broker: {error}"))?;
        broker
            .set_policy("public/default", Policy::Deduplication, true.into())
            .map_err(|error| error.to_string())?;
        tokio::spawn({
            let (broker, stop) = (broker.clone(), stop.clone());
            async move { broker.serve(protocol, stop).await }
        });

        let migrations = [
            hexalpes_outbox::MIGRATIONS,
            hexalpes_http::idempotency::MIGRATIONS,
            hexalpes_commissions::MIGRATIONS,
        ];
        let commissions = database(databases, DATABASES[0], &migrations.concat()).await;
        let inbox = database(databases, DATABASES[1], hexalpes_notifications::MIGRATIONS).await;
        let client = Client::new(ClientOptions::new(&url)).unwrap();
        let notifications = Notifications::start(
            inbox,
            client.clone(),
            Arc::new(disks.events.clone()),
            Arc::clone(&edge),
            NotificationsOptions::new(EVENTS_FILE),
        )
        .await
        .map_err(|error| format!("notifications: {error}"))?;
        let options = RelayOptions::new("commissions");
        let relay = Relay::start(commissions.clone(), client, Arc::clone(&edge), options);

        let face = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let api = Api::on_port(face.local_addr().unwrap().port());
        let router = hexalpes_commissions::router(commissions.clone(), Arc::clone(&edge));
        tokio::spawn(hexalpes_http::serve(face, hexalpes_http::layers(router, edge), stop.clone()));
        Ok(Self { api, url, commissions, broker, relay, notifications, stop })
    }

    /// Waits until everything is told, ends well, and reads what is kept.
    pub(crate) async fn finish(
        self,
        disks: &Disks,
        ledger: &Ledger,
        patience: Duration,
    ) -> Result<Kept, String> {
        let settled = tokio::time::timeout(patience, self.settled(disks)).await;
        settled.map_err(|_| format!("it does not settle: {:?}", self.relay.status()))??;
        let mut kept = Kept {
            commissions: BTreeMap::new(),
            outbox: self.outbox().await,
            events: whole_topic(&self.url, EVENTS_TOPIC).await,
            changes: whole_topic(&self.url, RAW_TOPIC).await,
            lines: Vec::new(),
            numbered_by_aggregate: false,
        };
        for (conversion, _) in ledger.iter() {
            let (status, body) = self.api.get(&format!("/commissions/by-conversion/{conversion}")).await;
            if status == 200 {
                kept.commissions.insert(conversion.to_owned(), body);
            }
        }
        self.stop.cancel();
        self.relay.stop().await;
        self.notifications.stop().await;
        self.broker.close().await.map_err(|error| error.to_string())?;
        kept.lines = lines(disks);
        Ok(kept)
    }

    /// Every row is marked as published, and there are as many lines.
    async fn settled(&self, disks: &Disks) -> Result<(), String> {
        loop {
            let (relay, notifications) = (self.relay.status(), self.notifications.status());
            for (running, alarm) in
                [(relay.running, relay.alarm), (notifications.running, notifications.alarm)]
            {
                if let (false, Some(alarm)) = (running, alarm) {
                    return Err(alarm);
                }
            }
            let outbox = self.outbox().await;
            if outbox.iter().all(|row| row["published"] == 1) && lines(disks).len() >= outbox.len() {
                return Ok(());
            }
            hexalpes_engines::a_moment().await;
        }
    }

    async fn outbox(&self) -> Vec<Value> {
        let rows = hexalpes_outbox::page(&self.commissions, PageOrder::OldestFirst, None, ROWS_MAX).await;
        rows.unwrap().iter().map(|row| serde_json::to_value(row).unwrap()).collect()
    }
}

async fn database(folder: &Path, name: &str, migrations: &[Migration]) -> Db {
    let db = Db::open(&DatabaseUrl::file(file_of(folder, name, "")), DbOptions::default()).await.unwrap();
    db.migrate(migrations).await.unwrap();
    db
}

fn lines(disks: &Disks) -> Vec<Value> {
    let content = disks.events.read(Path::new(EVENTS_FILE)).unwrap();
    content
        .split_inclusive(|byte| *byte == b'\n')
        .map(|line| serde_json::from_slice(line).unwrap_or_default())
        .collect()
}

/// What SQLite's disk would hold if its power went out just now: the file, and its log up to somewhere behind the
/// last commit that was answered.
pub(crate) fn copy_databases(from: &Path, to: &Path) {
    for name in DATABASES {
        loop {
            let file = fs::read(file_of(from, name, "")).unwrap();
            let log = read_if_there(&file_of(from, name, "-wal"));
            // Unless the log was brought into the file meanwhile, the two belong together.
            if fs::read(file_of(from, name, "")).unwrap() == file {
                fs::write(file_of(to, name, ""), file).unwrap();
                fs::write(file_of(to, name, "-wal"), log).unwrap();
                break;
            }
        }
    }
}

fn read_if_there(path: &Path) -> Vec<u8> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        read => read.unwrap(),
    }
}

fn file_of(folder: &Path, name: &str, suffix: &str) -> PathBuf {
    folder.join(format!("{name}.db{suffix}"))
}
