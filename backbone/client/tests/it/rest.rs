//! The admin interface asked directly, with the same requests and the same expectations on every engine.

use std::sync::Arc;

use serde_json::Value;

use crate::engine::Engine;

/// Below `/admin/v2`, of one engine.
pub(crate) struct Rest {
    http: reqwest::Client,
    base: String,
}

/// What a request is answered with.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    /// The body: null if it is empty, a text if it is not JSON.
    pub(crate) fn json(&self) -> Value {
        if self.text.is_empty() {
            return Value::Null;
        }
        serde_json::from_str(&self.text).unwrap_or_else(|_| Value::from(self.text.as_str()))
    }
}

impl Rest {
    pub(crate) fn of(engine: &Engine) -> Self {
        let base = format!("{}/admin/v2", engine.admin_url.trim_end_matches('/'));
        // Nothing here speaks TLS; the library wants to know how, all the same.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        let http = reqwest::Client::builder().tls_backend_preconfigured(tls).build().unwrap();
        Self { http, base }
    }

    /// Asks `METHOD /path` with a body of JSON; none if it is null.
    pub(crate) async fn ask(&self, request: &str, body: &Value) -> Answer {
        let (method, path) = request.split_once(' ').unwrap();
        let asked = self.http.request(method.parse().unwrap(), format!("{}{path}", self.base));
        let asked = match body {
            Value::Null => asked.header("content-type", "application/json"),
            body => asked.json(body),
        };
        let response = asked.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, text: response.text().await.unwrap() }
    }

    /// The same with a body of another media type, which is JSON too.
    pub(crate) async fn ask_as(&self, request: &str, media_type: &str, body: &Value) -> Answer {
        let (method, path) = request.split_once(' ').unwrap();
        let asked = self.http.request(method.parse().unwrap(), format!("{}{path}", self.base));
        let response = asked.header("content-type", media_type).body(body.to_string()).send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, text: response.text().await.unwrap() }
    }

    /// The status alone, for what is answered with nothing or a refusal.
    pub(crate) async fn status(&self, request: &str, body: &Value) -> u16 {
        self.ask(request, body).await.status
    }

    /// That requests are answered with these statuses.
    pub(crate) async fn answers(&self, requests: &[(&str, Value, u16)]) {
        for (request, body, status) in requests {
            let answer = self.ask(request, body).await;
            assert_eq!(answer.status, *status, "{request} {body}: {}", answer.text);
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.ask(&format!("GET {path}"), &Value::Null).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer.json()
    }
}

/// That a value has the form of another: of objects every member of that one, of lists whose first element is a form
/// all elements; `"text"`, `0` and `true` stand for any text, number or truth, and null for anything.
pub(crate) fn assert_form(value: &Value, form: &Value, at: &str) {
    let has_form = match (form, value) {
        (Value::Null, _)
        | (Value::Number(_), Value::Number(_))
        | (Value::Bool(_), Value::Bool(_))
        | (Value::String(_), Value::String(_)) => true,
        (Value::Array(forms), Value::Array(values)) => {
            for (value, form) in values.iter().zip(forms.iter().cycle()) {
                assert_form(value, form, &format!("{at}[]"));
            }
            true
        }
        (Value::Object(forms), Value::Object(values)) => {
            for (name, form) in forms {
                let member = values.get(name).unwrap_or_else(|| panic!("{at} has no {name}: {value}"));
                assert_form(member, form, &format!("{at}.{name}"));
            }
            true
        }
        _ => false,
    };
    assert!(has_form, "{at} is {value}, not like {form}");
}
