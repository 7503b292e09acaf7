//! The services' own HTTP: how they are, and what is done with their relays and dead letters.

use serde_json::Value;

use crate::{Console, Service, ask::Failure, caller::Caller};

/// Who a service hears of if nobody said who they are.
const NOBODY: &str = "console";
/// Names that services take: so many characters.
const NAME_CHARS_MAX: usize = 64;

impl Console {
    pub(crate) fn service(&self, name: &str) -> Result<&Service, Failure> {
        let known = self.services.iter().find(|service| service.name == name);
        known.ok_or_else(|| {
            let known: Vec<&str> = self.services.iter().map(|service| &*service.name).collect();
            Failure::Absent(format!(
                "{name} is no service that this console knows; they are {}",
                known.join(", ")
            ))
        })
    }

    /// What it says of itself, well or not.
    pub(crate) async fn health(&self, service: &Service) -> Result<Value, Failure> {
        let request = self.http.get(format!("{}/health", service.url));
        Ok(answered(service, request).await?.1)
    }

    /// A path of its desk.
    pub(crate) async fn desk(&self, service: &Service, path: &str) -> Result<Value, Failure> {
        self.get(service, &format!("{}{path}", service.desk)).await
    }

    pub(crate) async fn get(&self, service: &Service, path: &str) -> Result<Value, Failure> {
        expect(service, answered(service, self.http.get(format!("{}{path}", service.url))).await?)
    }

    pub(crate) async fn post(
        &self,
        service: &Service,
        path: &str,
        who: &str,
        body: &Value,
    ) -> Result<Value, Failure> {
        let request = self.http.post(format!("{}{path}", service.url)).header("X-Actor", who);
        expect(service, answered(service, request.json(body)).await?)
    }
}

async fn answered(service: &Service, request: reqwest::RequestBuilder) -> Result<(u16, Value), Failure> {
    let silent = |_| Failure::Silent { service: service.name.clone(), url: service.url.clone() };
    let answer = request.send().await.map_err(silent)?;
    let status = answer.status().as_u16();
    let body = answer.json().await.map_err(|_| Failure::Refused {
        service: service.name.clone(),
        status,
        why: "it answers with no JSON".to_owned(),
    })?;
    Ok((status, body))
}

fn expect(service: &Service, (status, body): (u16, Value)) -> Result<Value, Failure> {
    if status < 400 {
        return Ok(body);
    }
    let why = ["detail", "reason"].into_iter().find_map(|name| body[name].as_str());
    let why = why.map_or_else(|| body.to_string(), str::to_owned);
    Err(Failure::Refused { service: service.name.clone(), status, why })
}

impl Caller {
    /// As whom services know the caller: by the role of their token, else as they call themselves.
    pub(crate) fn name(&self, said: Option<&str>) -> String {
        let name = self.role.as_deref().or(said).map(str::trim).unwrap_or_default();
        let is_fit = !name.is_empty()
            && name.chars().count() <= NAME_CHARS_MAX
            && name.bytes().all(|byte| byte.is_ascii_graphic());
        if is_fit { name.to_owned() } else { NOBODY.to_owned() }
    }
}
