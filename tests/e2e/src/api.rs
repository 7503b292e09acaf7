//! The HTTP face, as a client that knows that answers may not come.

use std::time::Instant;

use serde_json::{Value, json};

use crate::PATIENCE;

/// Cheap to clone; each request has a connection of its own, for one that was kept open would be found dead
/// after a crash.
#[derive(Clone, Debug)]
pub struct Api {
    base: String,
    correlation: Option<String>,
    http: reqwest::Client,
}

impl Api {
    pub fn on_port(port: u16) -> Self {
        // One TLS provider for the process; that another test has set it is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().pool_max_idle_per_host(0).timeout(PATIENCE).build();
        Self {
            base: format!("http://127.0.0.1:{port}"),
            correlation: None,
            http: http.expect("the client has nothing unusual"),
        }
    }

    /// What it sends has this correlation id.
    pub fn correlated(self, id: &str) -> Self {
        Self { correlation: Some(id.to_owned()), ..self }
    }

    /// Status and body, or `None` when the answer did not arrive whole: then nobody knows what became of it.
    pub async fn try_post(&self, path: &str, body: &Value) -> Option<(u16, Value)> {
        let mut request = self.http.post(self.url(path)).json(body);
        if let Some(correlation) = &self.correlation {
            request = request.header("X-Correlation-Id", correlation);
        }
        whole(request).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.try_post(path, body).await.expect("the product answers, and in JSON")
    }

    pub async fn patch(&self, path: &str, body: &Value) -> (u16, Value) {
        whole(self.http.patch(self.url(path)).json(body)).await.expect("the product answers, and in JSON")
    }

    /// As [`try_post`](Self::try_post).
    pub async fn try_get(&self, path: &str) -> Option<(u16, Value)> {
        whole(self.http.get(self.url(path))).await
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        whole(self.http.get(self.url(path))).await.expect("the product answers, and in JSON")
    }

    /// For what does not answer in JSON.
    pub async fn text(&self, path: &str) -> String {
        let response = self.http.get(self.url(path)).send().await.expect("the product answers");
        response.text().await.expect("the answer arrives whole")
    }

    /// What was made or done.
    pub async fn made(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.post(path, body).await;
        assert!((200..300).contains(&status), "POST {path}: {status} {answer}");
        answer
    }

    /// What it answers once it is as wanted.
    pub async fn until(&self, path: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let (status, answer) = self.get(path).await;
            if status == 200 && is_it(&answer) {
                return answer;
            }
            assert!(begun.elapsed() < PATIENCE, "GET {path} stays {status} {answer}");
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }
}

async fn whole(request: reqwest::RequestBuilder) -> Option<(u16, Value)> {
    let response = request.send().await.ok()?;
    let status = response.status().as_u16();
    Some((status, response.json().await.ok()?))
}

/// The seed's body, for a conversion of its own.
pub fn calculation(conversion: &str) -> Value {
    json!({
        "conversionId": conversion, "affiliateId": "aff-1", "campaignId": "cmp-1",
        "grossAmount": 120.5, "currency": "USD",
    })
}
