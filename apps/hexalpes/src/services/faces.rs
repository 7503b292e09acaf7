//! What each context serves, and on which port.

use std::{path::Path, sync::Arc};

use anyhow::{Context as _, Result};
use axum::Router;
use hexalpes_commissions::Webhooks;
use hexalpes_consumer::EventConsumer;
use hexalpes_http::{Idempotency, openapi::published};
use hexalpes_kernel::Edge;
use hexalpes_recruitment::CandidateIndex;
use hexalpes_sources::Door;
use hexalpes_topology::Topology;
use hexalpes_vault::Vault;
use utoipa_axum::router::OpenApiRouter;

use super::{Running, Service};
use crate::{
    debug,
    settings::{Key, Settings},
};

/// In the data folder, unless another is named.
pub(crate) const SECRET_KEY: &str = "secret.key";

/// What all contexts of a process stand on.
#[derive(Clone, Debug)]
pub(crate) struct Ground {
    pub(crate) edge: Arc<dyn Edge>,
    pub(super) vault: Vault,
    /// Signs and sends lines of payouts, if there is a secret for it.
    pub(super) webhooks: Option<Webhooks>,
    /// Where customers follow links.
    links_url: Arc<str>,
    /// All candidates, for whoever matches jobs.
    pub(super) candidates: CandidateIndex,
    /// The installation's own topics and rules.
    pub(super) topology: Option<Arc<Topology>>,
    /// Where outboxes of others are called for.
    pub(crate) sources: Door,
}

impl Ground {
    /// Opens the key of the installation; the one in the data folder is made if it is not there. `conversions_port` is
    /// where links are followed, unless another address was named.
    pub(crate) fn open(
        settings: &Settings,
        edge: Arc<dyn Edge>,
        conversions_port: u16,
        topology: Option<Arc<Topology>>,
        sources: Door,
    ) -> Result<Self> {
        let vault = match settings.given(Key::SecretKeyFile) {
            Some(named) => Vault::open(Path::new(named)).context("HEXALPES_SECRET_KEY_FILE names no key")?,
            None => Vault::open_or_make(&settings.data().join(SECRET_KEY))?,
        };
        let here = || format!("http://127.0.0.1:{conversions_port}");
        let links_url = settings.given(Key::LinksUrl).map_or_else(here, str::to_owned).into();
        let webhooks = settings.given(Key::PayoutSecretFile).map(webhooks).transpose()?;
        let candidates = CandidateIndex::default();
        Ok(Self { edge, vault, webhooks, links_url, candidates, topology, sources })
    }
}

fn webhooks(file: &str) -> Result<Webhooks> {
    let secret = std::fs::read_to_string(file)
        .with_context(|| format!("HEXALPES_PAYOUT_SECRET_FILE: {file} cannot be read"))?;
    Webhooks::new(&secret).with_context(|| format!("HEXALPES_PAYOUT_SECRET_FILE: {file}"))
}

/// An API on a port.
pub(crate) struct Face {
    /// Which port.
    pub(crate) key: Key,
    api: OpenApiRouter,
    title: &'static str,
    about: &'static str,
    /// What is there besides, for operators.
    desk: Router,
}

impl Face {
    /// The API with its document, and the desk.
    pub(crate) fn router(self) -> Router {
        published(self.api, self.title, self.about).merge(self.desk)
    }

    /// Both APIs on the port of this one, with one document; the other's desk is below `/onboarding`.
    pub(crate) fn with_contracts(self, contracts: Self) -> Self {
        Self {
            key: self.key,
            api: self.api.merge(contracts.api),
            title: "Onboarding and commissions",
            about: "Contracts with partners, and the commissions of seed 3.",
            desk: self.desk.merge(contracts.desk),
        }
    }
}

impl Running {
    /// The APIs, in the order of [`Service::ports`]; health is for whoever knows all parts.
    pub(crate) fn faces(&self, ground: &Ground) -> Vec<Face> {
        let (db, edge) = (self.db.clone(), Arc::clone(&ground.edge));
        let face = |key, api, title, about| Face { key, api, title, about, desk: self.desk(ground) };
        match self.service {
            Service::PartnerManagement => {
                let app = hexalpes_partner_management::App { db, edge, idempotency: Idempotency::default() };
                let about = "Partners, documents, checks, requests for people and figures.";
                vec![face(Key::PartnersPort, hexalpes_partner_management::api(app), "Partners", about)]
            }
            Service::Affiliates => {
                let app = hexalpes_affiliates::App {
                    db,
                    edge,
                    vault: ground.vault.clone(),
                    links_base: Arc::clone(&ground.links_url),
                    idempotency: Idempotency::default(),
                };
                let about = "Programas, afiliados, códigos, enlaces y datos de pago.";
                vec![face(Key::AffiliatesPort, hexalpes_affiliates::api(app), "Afiliados", about)]
            }
            Service::Conversions => {
                let app = hexalpes_conversions::App { db, edge, idempotency: Idempotency::default() };
                let about = "Conversiones, reembolsos, clics, atribución y métricas.";
                vec![face(Key::ConversionsPort, hexalpes_conversions::api(app), "Conversiones", about)]
            }
            Service::Commissions => {
                let vault = Some(ground.vault.clone());
                let webhooks = ground.webhooks.clone();
                let app =
                    hexalpes_commissions::App { vault, webhooks, ..hexalpes_commissions::App::new(db, edge) };
                let seed = hexalpes_commissions::seed_api(app.clone());
                let about = "The commissions of seed 3: calculate, approve, by-conversion.";
                let all = hexalpes_commissions::api(app);
                vec![
                    face(Key::CommissionsPort, seed, "Commissions", about),
                    face(Key::MarketingPort, all, "Comisiones", "Comisiones, reglas, libros y pagos."),
                ]
            }
            Service::Onboarding => {
                let app = hexalpes_onboarding::App { db, edge, idempotency: Idempotency::default() };
                let about =
                    "Contracts with partners, their templates and signatures, contracts of employment.";
                let face = face(Key::OnboardingPort, hexalpes_onboarding::api(app), "Onboarding", about);
                // Below a name of its own, for the commissions' desk may be on the same port.
                vec![Face { desk: Router::new().nest(self.service.desk(), face.desk), ..face }]
            }
            Service::CampaignManagement => {
                let app = hexalpes_campaign_management::App { db, edge, idempotency: Idempotency::default() };
                let about = "Campaigns, permissions, budgets, spend, results and reports.";
                vec![face(Key::CampaignsPort, hexalpes_campaign_management::api(app), "Campaigns", about)]
            }
            Service::Recruitment => {
                let (index, idempotency) = (ground.candidates.clone(), Idempotency::default());
                let app = hexalpes_recruitment::App { db, edge, index, idempotency };
                let about = "Jobs, candidates, matches with their reasons, interviews, offers and hires.";
                vec![face(Key::RecruitmentPort, hexalpes_recruitment::api(app), "Recruitment", about)]
            }
            Service::Analytics => {
                let app = hexalpes_analytics::App { db };
                let about = "How campaigns and partners did, period by period, as reports tell it.";
                vec![face(Key::AnalyticsPort, hexalpes_analytics::api(app), "Analytics", about)]
            }
            Service::Notifications => Vec::new(),
        }
    }

    /// What an operator looks at: the outbox, the relay, the consumers.
    fn desk(&self, ground: &Ground) -> Router {
        let consumers = self.consumers.iter().map(EventConsumer::status_reader).collect();
        debug::outbox_and_relay(self.service.name(), self.db.clone(), self.status_reader())
            .merge(debug::relay(self.db.clone(), Arc::clone(&ground.edge), self.relay.clone()))
            .merge(debug::consumers(self.db.clone(), consumers))
            .merge(debug::dead_letters(self.consumers.iter().map(EventConsumer::letter_desk).collect()))
    }
}
