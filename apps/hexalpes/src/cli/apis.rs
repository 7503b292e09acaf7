//! The APIs of the running product, for commands that ask or drive it.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use hexalpes_kernel::{Clock as _, Ids as _, SystemEdge};
use serde_json::Value;
use tokio::time::{self, Instant};

use crate::{
    services::Service,
    settings::{Key, Settings, Usage},
};

/// For so long something that comes by itself is waited for.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks whether it has come.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(5);

/// An API by its port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Api {
    PartnerManagement,
    Affiliates,
    Conversions,
    /// In the words of seed 4, with books and payouts.
    Commissions,
    /// The commissions in the words of seed 3.
    Seed,
    Onboarding,
    CampaignManagement,
    Recruitment,
    Analytics,
}

impl Api {
    pub(super) const ALL: [Self; 9] = [
        Self::PartnerManagement,
        Self::Affiliates,
        Self::Conversions,
        Self::Commissions,
        Self::Seed,
        Self::Onboarding,
        Self::CampaignManagement,
        Self::Recruitment,
        Self::Analytics,
    ];
    /// One of each context, whose outbox and relay it shows.
    pub(super) const CONTEXTS: [Self; 8] = [
        Self::PartnerManagement,
        Self::Affiliates,
        Self::Conversions,
        Self::Seed,
        Self::Onboarding,
        Self::CampaignManagement,
        Self::Recruitment,
        Self::Analytics,
    ];

    const fn key(self) -> Key {
        match self {
            Self::PartnerManagement => Key::PartnersPort,
            Self::Affiliates => Key::AffiliatesPort,
            Self::Conversions => Key::ConversionsPort,
            Self::Commissions => Key::MarketingPort,
            Self::Seed => Key::CommissionsPort,
            Self::Onboarding => Key::OnboardingPort,
            Self::CampaignManagement => Key::CampaignsPort,
            Self::Recruitment => Key::RecruitmentPort,
            Self::Analytics => Key::AnalyticsPort,
        }
    }

    /// What the paths of its desk begin with.
    pub(super) const fn desk(self) -> &'static str {
        match self {
            Self::Onboarding => Service::Onboarding.desk(),
            Self::PartnerManagement
            | Self::Affiliates
            | Self::Conversions
            | Self::Commissions
            | Self::Recruitment
            | Self::Analytics
            | Self::Seed
            | Self::CampaignManagement => "",
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::PartnerManagement => "partner-management",
            Self::Affiliates => "affiliates",
            Self::Conversions => "conversions",
            Self::Commissions | Self::Seed => "commissions",
            Self::Onboarding => "onboarding",
            Self::CampaignManagement => "campaign-management",
            Self::Recruitment => "recruitment",
            Self::Analytics => "analytics",
        }
    }
}

/// Clones share the connections.
#[derive(Clone, Debug)]
pub(super) struct Apis {
    http: reqwest::Client,
    addresses: [String; 9],
}

/// Connections to services; clones share them.
pub(super) fn http() -> Result<reqwest::Client> {
    // One TLS provider for the process; that somebody has set it is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Ok(reqwest::Client::builder().timeout(PATIENCE).build()?)
}

/// What was answered, refusals too.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) body: Value,
    /// `POST http://…/path`, for who has to complain of it.
    what: String,
}

impl Apis {
    pub(super) fn of(settings: &Settings) -> Result<Self> {
        let mut addresses = [const { String::new() }; 9];
        for (address, api) in addresses.iter_mut().zip(Api::ALL) {
            *address = format!("http://127.0.0.1:{}", settings.port(api.key())?);
        }
        Ok(Self { http: http()?, addresses })
    }

    pub(super) fn address(&self, api: Api) -> &str {
        &self.addresses[api as usize]
    }

    pub(super) async fn get(&self, api: Api, path: &str) -> Result<Answered> {
        let request = self.http.get(format!("{}{path}", self.address(api)));
        self.answered(api, "GET", path, request).await
    }

    pub(super) async fn post(&self, api: Api, path: &str, body: &Value) -> Result<Answered> {
        let request = self.http.post(format!("{}{path}", self.address(api))).json(body);
        self.answered(api, "POST", path, request).await
    }

    /// As [`post`](Self::post), in a language.
    pub(super) async fn post_in(
        &self,
        api: Api,
        path: &str,
        body: &Value,
        language: &str,
    ) -> Result<Answered> {
        let request = self.http.post(format!("{}{path}", self.address(api))).json(body);
        self.answered(api, "POST", path, request.header("Accept-Language", language)).await
    }

    /// The media type of what comes where this one is asked for.
    pub(super) async fn accepting(&self, api: Api, path: &str, kind: &str) -> Result<String> {
        let request = self.http.get(format!("{}{path}", self.address(api))).header("Accept", kind);
        let answer =
            request.send().await.map_err(|error| self.unanswered(api, &error))?.error_for_status()?;
        let kind = answer.headers().get("Content-Type").and_then(|kind| kind.to_str().ok());
        Ok(kind.unwrap_or_default().to_owned())
    }

    /// What is no JSON.
    pub(super) async fn text(&self, api: Api, path: &str) -> Result<String> {
        let sent = self.http.get(format!("{}{path}", self.address(api))).send().await;
        let answer = sent.map_err(|error| self.unanswered(api, &error))?;
        Ok(answer.error_for_status()?.text().await?)
    }

    /// Asks again and again until the answer is what is waited for; fails with the last one.
    pub(super) async fn until(
        &self,
        api: Api,
        path: &str,
        what: &str,
        is_it: impl Fn(&Answered) -> bool,
    ) -> Result<Value> {
        let begun = Instant::now();
        loop {
            let answered = self.get(api, path).await?;
            if is_it(&answered) {
                return Ok(answered.body);
            }
            if begun.elapsed() > PATIENCE {
                bail!("{what} did not come within {PATIENCE:?}: {} {}", answered.what, answered.told());
            }
            time::sleep(LOOK_EVERY).await;
        }
    }

    async fn answered(
        &self,
        api: Api,
        verb: &str,
        path: &str,
        request: reqwest::RequestBuilder,
    ) -> Result<Answered> {
        let what = format!("{verb} {}{path}", self.address(api));
        Answered::of(request, what, |error| self.unanswered(api, &error)).await
    }

    fn unanswered(&self, api: Api, error: &reqwest::Error) -> anyhow::Error {
        let address = self.address(api);
        if error.is_timeout() {
            return anyhow!("{address} does not answer within {PATIENCE:?}");
        }
        let flag = api.key().flag();
        anyhow!("nothing answers at {address}: start it (`hexalpes`), or say with --{flag} where it is")
    }
}

/// What an operator looks at in one service: its outbox, relay and consumers.
pub(super) struct Desk {
    pub(super) service: Service,
    http: reqwest::Client,
    address: String,
}

impl Desk {
    pub(super) fn of(settings: &Settings, service: Service, http: &reqwest::Client) -> Result<Self> {
        let port = settings.port(service.port_key())?;
        let address = format!("http://127.0.0.1:{port}{}", service.desk());
        Ok(Self { service, http: http.clone(), address })
    }

    /// By the service's name on the wire.
    pub(super) fn named(settings: &Settings, name: &str, http: &reqwest::Client) -> Result<Self> {
        let known = Service::CONTEXTS.into_iter().find(|service| service.name() == name);
        let known = known.with_context(|| format!("{name} is no service of ours that handles events"))?;
        Self::of(settings, known, http)
    }

    /// What the service answers that was chosen; else each that runs here: an error if none does.
    pub(super) async fn asked(
        settings: &Settings,
        chosen: Option<Service>,
        path: &str,
    ) -> Result<Vec<(Service, Value)>> {
        let http = http()?;
        if let Some(service) = chosen {
            let has_one = Service::CONTEXTS.contains(&service);
            ensure!(has_one, Usage(format!("{} has no outbox, so no relay carries it", service.name())));
            let desk = Self::of(settings, service, &http)?;
            return Ok(vec![(service, desk.get(path).await?.expect(&[200])?)]);
        }
        let (mut answers, mut absent) = (Vec::new(), Vec::new());
        for service in Service::CONTEXTS {
            let desk = Self::of(settings, service, &http)?;
            match desk.get(path).await {
                Ok(answered) => answers.push((service, answered.expect(&[200])?)),
                Err(_) => absent.push(format!("{} (--{})", desk.address, service.port_key().flag())),
            }
        }
        ensure!(
            !answers.is_empty(),
            "no service answers at {}: start it (`hexalpes`), or say with these flags where it is",
            absent.join(", ")
        );
        Ok(answers)
    }

    pub(super) async fn get(&self, path: &str) -> Result<Answered> {
        self.answered("GET", path, self.http.get(format!("{}{path}", self.address))).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Answered> {
        self.answered("POST", path, self.http.post(format!("{}{path}", self.address)).json(body)).await
    }

    async fn answered(&self, verb: &str, path: &str, request: reqwest::RequestBuilder) -> Result<Answered> {
        let (address, what) = (&self.address, format!("{verb} {}{path}", self.address));
        let unanswered = |_| {
            let (service, flag) = (self.service.name(), self.service.port_key().flag());
            anyhow!(
                "{service} does not answer at {address}: start it (`hexalpes`), or say with --{flag} where it is"
            )
        };
        Answered::of(request, what, unanswered).await
    }
}

impl Answered {
    async fn of(
        request: reqwest::RequestBuilder,
        what: String,
        unanswered: impl FnOnce(reqwest::Error) -> anyhow::Error,
    ) -> Result<Self> {
        let answer = request.send().await.map_err(unanswered)?;
        let status = answer.status().as_u16();
        let body =
            answer.json().await.with_context(|| format!("{what} is answered with no JSON: is it ours?"))?;
        Ok(Self { status, body, what })
    }

    /// The body of an answer with one of these statuses.
    pub(super) fn expect(self, statuses: &[u16]) -> Result<Value> {
        if statuses.contains(&self.status) {
            return Ok(self.body);
        }
        let told = self.told();
        bail!("{}: {told}", self.what)
    }

    /// The status, and why it was refused.
    fn told(&self) -> String {
        let why = self.body["detail"].as_str().map_or_else(|| self.body.to_string(), str::to_owned);
        format!("{}: {why}", self.status)
    }
}

/// A member that is text.
pub(super) fn text(body: &Value, member: &str) -> Result<String> {
    body[member].as_str().map(str::to_owned).with_context(|| format!("no {member} in {body}"))
}

/// The items of a list that was answered.
pub(super) fn items(mut body: Value) -> Result<Vec<Value>> {
    match body.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) => Ok(items),
        _ => bail!("the answer is no list: is it ours?"),
    }
}

/// Rows of a context's outbox that are not published yet: `published` is 0.
pub(super) async fn pending(apis: &Apis, api: Api) -> Result<usize> {
    let first = format!("{}/debug/outbox?limit=200", api.desk());
    let (mut count, mut path) = (0, first.clone());
    loop {
        let page = apis.get(api, &path).await?.expect(&[200])?;
        let next = page["next_cursor"].as_str().map(|cursor| format!("{first}&cursor={cursor}"));
        let rows = items(page)?;
        let unpublished = rows.iter().take_while(|row| row["published"] == 0).count();
        count += unpublished;
        // They are published in the order of their commits: behind one that is, all are.
        match next {
            Some(next) if unpublished == rows.len() => path = next,
            _ => return Ok(count),
        }
    }
}

/// Now, as JSON has it.
pub(super) fn now() -> String {
    SystemEdge.now().to_string()
}

/// For names that nobody else has.
pub(super) fn stamp() -> String {
    SystemEdge.uuid().simple().to_string()
}
