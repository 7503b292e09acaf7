//! The calls of Pulsar's Admin REST v2 that a start needs, idempotent where they create.

mod looking;
mod managing;
mod whole;

use std::time::Duration;

use hexalpes_wire::TopicName;
use reqwest::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::connection::tls_config;
use crate::error::ClientError;
use crate::options::{TlsOptions, Token};

/// How an admin client reaches its broker.
#[derive(Clone, Debug)]
pub struct AdminOptions {
    /// `http://host:port` or `https://host:port`.
    pub admin_url: String,
    pub token: Option<Token>,
    pub tls: TlsOptions,
    pub timeout: Duration,
}

impl AdminOptions {
    pub fn new(admin_url: impl Into<String>) -> Self {
        Self {
            admin_url: admin_url.into(),
            token: None,
            tls: TlsOptions::default(),
            timeout: Duration::from_secs(30),
        }
    }
}

/// A call that did not do what it is for.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    #[error("{method} {path}: {}", innermost(error))]
    Http { method: Method, path: String, error: reqwest::Error },
    #[error("{method} {path}: {status}: {reason}")]
    Refused { method: Method, path: String, status: StatusCode, reason: String },
    /// Nothing was asked: as part of an address such a name leads elsewhere.
    #[error("{method} {path}: no tenant, namespace, topic or subscription can be asked for as `.` or `..`")]
    Dots { method: Method, path: String },
}

impl AdminError {
    /// Whether the same call may succeed later, without anybody changing it.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Http { error, .. } => !error.is_builder() && !error.is_decode(),
            Self::Refused { status, .. } => {
                status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS
            }
            Self::Dots { .. } => false,
        }
    }

    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Http { error, .. } => error.status(),
            Self::Refused { status, .. } => Some(*status),
            Self::Dots { .. } => Some(StatusCode::BAD_REQUEST),
        }
    }
}

/// How long messages stay that every subscription has acked. `-1` means without limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Retention {
    #[serde(rename = "retentionTimeInMinutes")]
    pub time_minutes: i64,
    #[serde(rename = "retentionSizeInMB")]
    pub size_mb: i64,
}

/// What happens to topics that nobody uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InactiveTopics {
    pub delete_while_inactive: bool,
    pub max_inactive_duration_seconds: i32,
    /// `delete_when_no_subscriptions` or `delete_when_subscriptions_caught_up`.
    pub inactive_topic_delete_mode: String,
}

impl InactiveTopics {
    /// They stay.
    pub fn kept() -> Self {
        Self {
            delete_while_inactive: false,
            max_inactive_duration_seconds: 60,
            inactive_topic_delete_mode: "delete_when_no_subscriptions".to_owned(),
        }
    }
}

/// Calls one broker's admin port.
#[derive(Clone, Debug)]
pub struct AdminClient {
    http: reqwest::Client,
    base: String,
    token: Option<Token>,
}

impl AdminClient {
    pub fn new(options: AdminOptions) -> Result<Self, ClientError> {
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls_config(&options.tls)?)
            .timeout(options.timeout)
            .build()
            .map_err(|error| ClientError::Tls { reason: error.to_string() })?;
        let base = format!("{}/admin/v2", options.admin_url.trim_end_matches('/'));
        Ok(Self { http, base, token: options.token })
    }

    /// The same for somebody else, over the same connections.
    #[must_use]
    pub fn with_token(&self, token: Option<Token>) -> Self {
        Self { token, ..self.clone() }
    }

    /// Fails unless the broker can store and deliver a message.
    pub async fn health(&self) -> Result<(), AdminError> {
        self.call(Method::GET, "/brokers/health", None::<&()>).await.map(drop)
    }

    pub async fn clusters(&self) -> Result<Vec<String>, AdminError> {
        self.get("/clusters").await
    }

    pub async fn tenants(&self) -> Result<Vec<String>, AdminError> {
        self.get("/tenants").await
    }

    /// Creates a tenant for all clusters there are; one that is there already stays as it is.
    pub async fn create_tenant(&self, tenant: &str) -> Result<(), AdminError> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Body {
            admin_roles: [&'static str; 0],
            allowed_clusters: Vec<String>,
        }
        let body = Body { admin_roles: [], allowed_clusters: self.clusters().await? };
        self.create(&format!("/tenants/{}", encoded(tenant)), Some(&body)).await
    }

    pub async fn namespaces(&self, tenant: &str) -> Result<Vec<String>, AdminError> {
        self.get(&format!("/namespaces/{}", encoded(tenant))).await
    }

    /// Creates a namespace (`tenant/namespace`); one that is there already stays as it is.
    pub async fn create_namespace(&self, namespace: &str) -> Result<(), AdminError> {
        self.create(&format!("/namespaces/{}", path(namespace)), None::<&()>).await
    }

    /// None where the namespace leaves it to the broker.
    pub async fn deduplication(&self, namespace: &str) -> Result<Option<bool>, AdminError> {
        self.get_policy(namespace, "deduplication").await
    }

    pub async fn set_deduplication(&self, namespace: &str, enabled: bool) -> Result<(), AdminError> {
        self.set_policy(namespace, "deduplication", &enabled).await
    }

    pub async fn retention(&self, namespace: &str) -> Result<Option<Retention>, AdminError> {
        self.get_policy(namespace, "retention").await
    }

    pub async fn set_retention(&self, namespace: &str, retention: Retention) -> Result<(), AdminError> {
        self.set_policy(namespace, "retention", &retention).await
    }

    pub async fn inactive_topics(&self, namespace: &str) -> Result<Option<InactiveTopics>, AdminError> {
        self.get_policy(namespace, "inactiveTopicPolicies").await
    }

    pub async fn set_inactive_topics(
        &self,
        namespace: &str,
        policy: &InactiveTopics,
    ) -> Result<(), AdminError> {
        self.set_policy(namespace, "inactiveTopicPolicies", policy).await
    }

    /// The topics of a namespace by their whole names, partitions one by one.
    pub async fn topics(&self, namespace: &str) -> Result<Vec<String>, AdminError> {
        self.get(&format!("/persistent/{}", path(namespace))).await
    }

    /// Creates a topic without partitions; one that is there already stays as it is.
    pub async fn create_topic(&self, topic: &TopicName) -> Result<(), AdminError> {
        self.create(&topic_path(topic), None::<&()>).await
    }

    /// Creates a topic with so many partitions; one that is there already stays as it is, whatever it has.
    pub async fn create_partitioned_topic(
        &self,
        topic: &TopicName,
        partitions: u32,
    ) -> Result<(), AdminError> {
        self.create(&format!("{}/partitions", topic_path(topic)), Some(&partitions)).await
    }

    /// Adds partitions, up to so many.
    pub async fn grow_partitioned_topic(&self, topic: &TopicName, partitions: u32) -> Result<(), AdminError> {
        let path = format!("{}/partitions", topic_path(topic));
        self.call(Method::POST, &path, Some(&partitions)).await.map(drop)
    }

    /// Deletes a topic with all it holds; with `force` also under connected clients. One that is not there
    /// is deleted already.
    pub async fn delete_topic(&self, topic: &TopicName, force: bool) -> Result<(), AdminError> {
        let path = format!("{}?force={force}", topic_path(topic));
        match self.call(Method::DELETE, &path, None::<&()>).await {
            Err(AdminError::Refused { status: StatusCode::NOT_FOUND, .. }) => Ok(()),
            other => other.map(drop),
        }
    }

    /// What the broker counts for a topic, with Pulsar's field names.
    pub async fn stats(&self, topic: &TopicName) -> Result<serde_json::Value, AdminError> {
        self.get(&format!("{}/stats", topic_path(topic))).await
    }

    /// How many entries are kept of a topic, acked or not; a batch is one.
    pub async fn entries(&self, topic: &TopicName) -> Result<u64, AdminError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Internals {
            number_of_entries: u64,
        }
        let internals: Internals = self.get(&format!("{}/internalStats", topic_path(topic))).await?;
        Ok(internals.number_of_entries)
    }

    async fn get_policy<T: DeserializeOwned>(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Option<T>, AdminError> {
        let path = format!("/namespaces/{}/{name}", path(namespace));
        let text = self.call(Method::GET, &path, None::<&()>).await?;
        if text.is_empty() {
            return Ok(None);
        }
        read(&text, Method::GET, path)
    }

    /// Sets a policy of a namespace by the last part of its path.
    pub async fn set_policy(
        &self,
        namespace: &str,
        name: &str,
        value: &impl Serialize,
    ) -> Result<(), AdminError> {
        let path = format!("/namespaces/{}/{name}", path(namespace));
        self.call(Method::POST, &path, Some(value)).await.map(drop)
    }

    async fn create(&self, path: &str, body: Option<&impl Serialize>) -> Result<(), AdminError> {
        match self.call(Method::PUT, path, body).await {
            Err(AdminError::Refused { status: StatusCode::CONFLICT, .. }) => Ok(()),
            other => other.map(drop),
        }
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, AdminError> {
        let text = self.call(Method::GET, path, None::<&()>).await?;
        read(&text, Method::GET, path.to_owned())
    }

    /// Calls, and gives the body of a good answer.
    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<String, AdminError> {
        let response = self.answered(&method, path, body).await?;
        let text = response.text().await;
        text.map_err(|error| AdminError::Http { method, path: path.to_owned(), error })
    }

    /// Calls, and gives a good answer as it begins.
    async fn answered(
        &self,
        method: &Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<reqwest::Response, AdminError> {
        let failed = |error| AdminError::Http { method: method.clone(), path: path.to_owned(), error };
        if has_dots(path) {
            return Err(AdminError::Dots { method: method.clone(), path: path.to_owned() });
        }
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.secret());
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(failed)?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let reason = reason(&response.text().await.map_err(failed)?);
        Err(AdminError::Refused { method: method.clone(), path: path.to_owned(), status, reason })
    }
}

/// What is at the bottom of it: the layers above say each that there is an error, and the address once more.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// Longer than any reason that a broker gives in plain text.
const REASON_BYTES_MAX: usize = 300;

/// Pulsar says why in `reason`, or in a line of text. A page is somebody else's, and no reason.
fn reason(body: &str) -> String {
    #[derive(Deserialize)]
    struct Problem {
        reason: String,
    }
    if let Ok(problem) = serde_json::from_str::<Problem>(body) {
        return without_stack(&problem.reason).to_owned();
    }
    match without_stack(body.trim()) {
        "" => "it does not say why".to_owned(),
        page if page.starts_with('<') || page.len() > REASON_BYTES_MAX => {
            "it answers with a page, as no broker does".to_owned()
        }
        line => line.to_owned(),
    }
}

/// Of a fault of its own Pulsar gives the whole stack, and what it is in one line of it.
fn without_stack(reason: &str) -> &str {
    let of_itself = reason.contains("An unexpected error occurred in the server");
    let message = reason.lines().find_map(|line| line.strip_prefix("Message: "));
    message.filter(|_| of_itself).unwrap_or(reason)
}

fn read<T: DeserializeOwned>(text: &str, method: Method, path: String) -> Result<T, AdminError> {
    serde_json::from_str(text).map_err(|error| AdminError::Refused {
        method,
        path,
        status: StatusCode::OK,
        reason: format!("answer cannot be read: {error}"),
    })
}

fn topic_path(topic: &TopicName) -> String {
    let local = encoded(topic.local());
    format!("/{}/{}/{local}", topic.domain().as_str(), path(&topic.full_namespace()))
}

/// `tenant/namespace`, each part by itself.
fn path(namespace: &str) -> String {
    namespace.split('/').map(encoded).collect::<Vec<_>>().join("/")
}

/// Whether a segment of it is taken for a way back. Escaping would not help: URLs take `%2E` for the same.
fn has_dots(path: &str) -> bool {
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    path.split('/').any(|segment| matches!(segment, "." | ".."))
}

/// One segment of a path: whatever is not plain is escaped.
fn encoded(segment: &str) -> String {
    use std::fmt::Write;
    let mut out = String::new();
    for byte in segment.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("a String takes everything");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_what_a_broker_says_and_no_page() {
        assert_eq!(reason(r#"{"reason":"Namespace not found"}"#), "Namespace not found");
        assert_eq!(reason("Namespace name is not valid"), "Namespace name is not valid");
        for body in ["<!DOCTYPE HTML><html>404</html>", &"x".repeat(REASON_BYTES_MAX + 1)] {
            assert_eq!(reason(body), "it answers with a page, as no broker does");
        }
        assert_eq!(reason(""), "it does not say why");
        let stack = "\n --- An unexpected error occurred in the server ---\n\nMessage: no bookies\n\nStacktrace:\n\nat a.B";
        for body in [stack.to_owned(), serde_json::json!({ "reason": stack }).to_string()] {
            assert_eq!(reason(&body), "no bookies");
        }
    }

    /// `DELETE …/topic/subscription/..` would delete the topic.
    #[tokio::test]
    async fn a_name_that_leads_elsewhere_is_not_asked_for() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let admin = AdminClient::new(AdminOptions::new("http://127.0.0.1:1")).unwrap();
        let topic = TopicName::parse("a/b/c").unwrap();
        for name in [".", ".."] {
            let refused = admin.delete_subscription(&topic, name).await.unwrap_err();
            assert!(matches!(refused, AdminError::Dots { .. }), "{refused}");
            assert_eq!(refused.status(), Some(StatusCode::BAD_REQUEST));
        }
        let refused = admin.namespaces("..").await.unwrap_err();
        assert!(matches!(refused, AdminError::Dots { .. }), "{refused}");
        assert!(!has_dots("/persistent/a/b/c..d/examinemessage?of=/../"));
    }
}
