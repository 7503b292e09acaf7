//! A request that comes by its topic, over a broker of ours.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hexalpes_broker::{Broker, BrokerOptions, TenantInfo};
use hexalpes_client::{Client, ClientOptions, Outgoing, ProducerOptions};
use hexalpes_contracts::partners::RECRUITMENT_TOPIC;
use hexalpes_kernel::{Edge, SystemEdge};
use hexalpes_recruitment::Matching;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::requested::requested;
use crate::support::{ana, on_each_database};

/// Reached only by what fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// Accepts S2-MTX-3.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_on_its_topic_is_matched_once_though_it_comes_twice() {
    on_each_database(async |app| {
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let url = format!("pulsar://{}", listener.local_addr().unwrap());
        let options = BrokerOptions::new(folder.path().to_owned(), &url);
        let broker = Broker::open(options).unwrap();
        broker.create_tenant("hexabuilders", TenantInfo::default()).unwrap();
        broker.create_namespace("hexabuilders/partner-management").unwrap();
        broker.create_namespace("hexabuilders/recruitment").unwrap();
        let stop = CancellationToken::new();
        let (serving, stopped) = (broker.clone(), stop.clone());
        tokio::spawn(async move { serving.serve(listener, stopped).await });
        let client = Client::new(ClientOptions::new(&url)).unwrap();
        let edge: Arc<dyn Edge> = Arc::new(SystemEdge);

        app.made("/v1/candidates", &ana()).await;
        let consumers = hexalpes_recruitment::consumers(&app.db, &client, &edge).unwrap();
        let matching = Matching::start(app.db.clone(), Arc::clone(&edge), app.index.clone());
        let producer = client.producer(RECRUITMENT_TOPIC, ProducerOptions::default()).await.unwrap();
        for (id, request) in [("e-1", "request-1"), ("e-1", "request-1"), ("e-2", "request-2")] {
            let event = json!({
                "specversion": "1.0",
                "type": "com.hexabuilders.partners.RecruitmentRequested",
                "source": "//partners/partner-1",
                "id": id,
                "subject": "partner-1",
                "data": requested(request),
                "correlationid": "CORR-7",
            });
            producer.send(Outgoing::new(event.to_string().into_bytes())).await.unwrap();
        }
        producer.close().await;
        let told = async || app.told("CandidateMatched").await.len() == 2;
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let mut commits = app.db.commits();
        loop {
            // Before the look, so that what is committed after it is not missed.
            commits.mark_unchanged();
            if told().await {
                break;
            }
            tokio::time::timeout_at(deadline, commits.changed()).await.unwrap().unwrap();
        }
        let (_, page) = app.get("/v1/jobs").await;
        assert_eq!(page["items"].as_array().unwrap().len(), 2);
        for consumer in consumers {
            consumer.stop().await;
        }
        matching.stop().await;
        assert_eq!(app.told("CandidateMatched").await.len(), 2);
        stop.cancel();
        broker.close().await.unwrap();
    })
    .await;
}
