//! The stage of these tests: a broker, an inbox, a folder.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use hexalpes_broker::{Broker, BrokerOptions};
use hexalpes_client::{Client, ClientOptions, Outgoing, Producer, ProducerOptions};
use hexalpes_db::{DatabaseUrl, Db, DbOptions};
use hexalpes_files::RealFiles;
use hexalpes_kernel::{Edge, SystemEdge};
use hexalpes_notifications::{
    EVENTS_TOPIC, MIGRATIONS, Notifications, NotificationsOptions, StartError, Status,
};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle, time};
use tokio_util::sync::CancellationToken;

/// Long enough for a slow machine; reached only by what fails.
const DEADLINE: Duration = Duration::from_secs(30);

pub(crate) fn event(id: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","type":"com.hexabuilders.commissions.CommissionCalculated","source":"//commissions/{id}","id":"event-{id}","time":"2025-01-15T10:30:00Z","datacontenttype":"application/json","data":{{"partner":"Ñandú & Cía 📡","name":"Juan Pérez"}}}}"#
    )
}

pub(crate) fn events(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|number| event(&number.to_string())).collect()
}

/// What the file holds when each of the events has its line.
pub(crate) fn lines(events: &[String]) -> String {
    events.iter().flat_map(|event| [event, "\n"]).collect()
}

/// Where events come from and lines go.
pub(crate) struct Stage {
    pub(crate) url: String,
    pub(crate) db: Db,
    folder: TempDir,
}

impl Stage {
    pub(crate) async fn at(url: String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = DatabaseUrl::file(folder.path().join("test.db"));
        Self::with(url, &place, folder).await
    }

    pub(crate) async fn with(url: String, place: &DatabaseUrl, folder: TempDir) -> Self {
        let db = Db::open(place, DbOptions::default()).await.unwrap();
        db.migrate(MIGRATIONS).await.unwrap();
        Self { url, db, folder }
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("data/events.jsonl")
    }

    pub(crate) fn options(&self) -> NotificationsOptions {
        NotificationsOptions::new(self.file())
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(ClientOptions::new(&self.url)).unwrap()
    }

    pub(crate) async fn producer(&self) -> Producer {
        self.client().producer(EVENTS_TOPIC, ProducerOptions::default()).await.unwrap()
    }

    pub(crate) async fn start(&self) -> Notifications {
        self.try_start().await.unwrap()
    }

    pub(crate) async fn try_start(&self) -> Result<Notifications, StartError> {
        let edge: Arc<dyn Edge> = Arc::new(SystemEdge);
        Notifications::start(self.db.clone(), self.client(), Arc::new(RealFiles), edge, self.options()).await
    }

    pub(crate) fn content(&self) -> String {
        std::fs::read_to_string(self.file()).unwrap()
    }
}

pub(crate) async fn send(producer: &Producer, payloads: &[String]) {
    for payload in payloads {
        producer.send(Outgoing::new(payload.clone())).await.unwrap();
    }
}

/// Waits until the status is as wanted.
pub(crate) async fn until(notifications: &Notifications, wanted: impl Fn(&Status) -> bool) {
    let reached = async {
        while !wanted(&notifications.status()) {
            hexalpes_engines::a_moment().await;
        }
    };
    time::timeout(DEADLINE, reached).await.unwrap_or_else(|_| panic!("{:?}", notifications.status()));
}

/// A broker in this process, which can be away for a while.
pub(crate) struct Backbone {
    folder: TempDir,
    address: SocketAddr,
    /// With who takes its connections, who has the folder as long.
    broker: Option<(Broker, JoinHandle<()>)>,
}

impl Backbone {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut backbone = Self { folder: tempfile::tempdir().unwrap(), address, broker: None };
        backbone.serve(listener);
        backbone
    }

    pub(crate) fn url(&self) -> String {
        format!("pulsar://{}", self.address)
    }

    fn serve(&mut self, listener: TcpListener) {
        let options = BrokerOptions::new(self.folder.path().join("broker"), self.url());
        let broker = Broker::open(options).unwrap();
        let serving = broker.clone();
        let serving = async move { serving.serve(listener, CancellationToken::new()).await };
        self.broker = Some((broker, tokio::spawn(serving)));
    }

    pub(crate) async fn leave(&mut self) {
        let (broker, serving) = self.broker.take().expect("it is there");
        broker.close().await.unwrap();
        serving.await.unwrap();
    }

    pub(crate) async fn come_back(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.serve(listener);
    }
}
