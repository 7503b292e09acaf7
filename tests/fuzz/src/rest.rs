//! Bodies, and paths, of the admin interface: whatever they are, the answer is one that a client can act on, and what was
//! accepted comes back as it was.

use std::cell::RefCell;

use axum::{Router, body::Body};
use hexalpes_broker::Broker;
use hexalpes_files::ForgetfulFiles;
use http::{Method, Request, Uri};
use serde_json::Value;
use tokio::runtime::Runtime;
use tower::ServiceExt;

use crate::metadata::options;

const NAMESPACE: &str = "/admin/v2/namespaces/public/default";
const TOPIC: &str = "/admin/v2/persistent/public/default/orders";
const SCHEMA: &str = "/admin/v2/schemas/public/default/orders";

/// What takes a body: the method, the path, and whether it reads back what it took.
const CALLS: [(&str, &str, &str); 16] = [
    ("POST", NAMESPACE, "/deduplication"),
    ("POST", NAMESPACE, "/retention"),
    ("POST", NAMESPACE, "/inactiveTopicPolicies"),
    ("POST", NAMESPACE, "/autoTopicCreation"),
    ("PUT", NAMESPACE, "/schemaCompatibilityStrategy"),
    ("POST", NAMESPACE, "/isAllowAutoUpdateSchema"),
    ("POST", NAMESPACE, "/schemaValidationEnforced"),
    ("POST", SCHEMA, "/schema"),
    ("POST", SCHEMA, "/compatibility"),
    ("POST", SCHEMA, "/version"),
    ("PUT", "/admin/v2/tenants/", "other"),
    ("PUT", NAMESPACE, ""),
    ("PUT", TOPIC, ""),
    ("PUT", TOPIC, "-parts/partitions"),
    ("POST", TOPIC, "-parts/partitions"),
    ("PUT", "/admin/v2/namespaces/public/other", ""),
];
/// The first so many are policies, which are read under the same path.
const POLICIES: usize = 7;

struct Admin {
    runtime: Runtime,
    router: Router,
    calls_left: u32,
}

thread_local! {
    static ADMIN: RefCell<Option<Admin>> = const { RefCell::new(None) };
}

impl Admin {
    /// Anew from time to time, for what is taken is kept.
    const CALLS: u32 = 1000;

    fn new() -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let broker = runtime.block_on(async { Broker::open(options(&ForgetfulFiles::new())).unwrap() });
        Self { runtime, router: hexalpes_admin::router(broker), calls_left: Self::CALLS }
    }

    fn call(&mut self, method: &str, uri: &Uri, body: &[u8]) -> (u16, Vec<u8>) {
        self.calls_left = self.calls_left.saturating_sub(1);
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request =
            Request::builder().method(method).uri(uri.clone()).body(Body::from(body.to_vec())).unwrap();
        let router = self.router.clone();
        let (status, answer) = self.runtime.block_on(async {
            let response = router.oneshot(request).await.unwrap();
            let status = response.status().as_u16();
            (status, axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec())
        });
        if status >= 400 {
            let refusal: Option<Value> = serde_json::from_slice(&answer).ok();
            let says =
                refusal.is_some_and(|refusal| refusal["reason"].as_str().is_some_and(|r| !r.is_empty()));
            assert!(says, "{uri} answers {status} without a reason: {}", String::from_utf8_lossy(&answer));
        }
        assert!(status < 500, "{uri} answers {status}: {}", String::from_utf8_lossy(&answer));
        (status, answer)
    }
}

/// Which call, and its body; or a path.
pub(crate) fn rest(data: &[u8]) {
    let Some((which, body)) = data.split_first() else { return };
    ADMIN.with_borrow_mut(|admin| {
        let admin = match admin {
            Some(admin) if admin.calls_left > 0 => admin,
            other => other.insert(Admin::new()),
        };
        let Some((method, folder, rest)) = CALLS.get(usize::from(*which)) else {
            let method = ["GET", "DELETE", "PUT", "POST"][usize::from(*which) % 4];
            let path = String::from_utf8_lossy(body);
            if let Ok(uri) = format!("/{}", path.trim_start_matches('/')).parse::<Uri>() {
                admin.call(method, &uri, b"");
            }
            return;
        };
        let uri: Uri = format!("{folder}{rest}").parse().unwrap();
        let (status, _) = admin.call(method, &uri, body);
        if usize::from(*which) < POLICIES && status < 300 {
            let (_, kept) = admin.call("GET", &uri, b"");
            let (again, _) = admin.call(method, &uri, if kept.is_empty() { body } else { &kept });
            assert!(again < 300, "{uri} does not take what it gives");
            assert_eq!(admin.call("GET", &uri, b"").1, kept);
        }
    });
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let bodies: [(u8, &str); 20] = [
        (0, "true"),
        (1, r#"{"retentionTimeInMinutes":10,"retentionSizeInMB":-1}"#),
        (
            2,
            r#"{"inactiveTopicDeleteMode":"delete_when_no_subscriptions","maxInactiveDurationSeconds":60,"deleteWhileInactive":true}"#,
        ),
        (3, r#"{"allowAutoTopicCreation":true,"topicType":"partitioned","defaultNumPartitions":3}"#),
        (4, r#""FULL""#),
        (5, "false"),
        (6, "true"),
        (
            7,
            r#"{"type":"AVRO","schema":"{\"type\":\"record\",\"name\":\"A\",\"fields\":[]}","properties":{"a":"b"}}"#,
        ),
        (7, r#"{"type":"STRING","schema":"","properties":{}}"#),
        (
            7,
            r#"{"type":"KEY_VALUE","schema":"{\"key\":\"string\",\"value\":{\"type\":\"long\"}}","properties":{}}"#,
        ),
        (
            8,
            r#"{"type":"JSON","schema":"{\"type\":\"record\",\"name\":\"A\",\"fields\":[]}","properties":{}}"#,
        ),
        (9, r#"{"type":"AVRO","schema":"\"int\"","properties":{}}"#),
        (10, r#"{"adminRoles":["a"],"allowedClusters":["standalone"]}"#),
        (11, r#"{"replication_clusters":["standalone"]}"#),
        (12, "{}"),
        (13, "4"),
        (14, "7"),
        (200, "/admin/v2/persistent/public/default/orders/stats"),
        (201, "/admin/v2/schemas/public/default/orders/schema"),
        (200, "/lookup/v2/topic/persistent/public/default/a%2Fb"),
    ];
    bodies.iter().map(|(which, body)| [&[*which][..], body.as_bytes()].concat()).collect()
}
