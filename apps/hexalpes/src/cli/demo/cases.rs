//! What an end-to-end run tries, in this order: later cases look at what earlier ones made.

use anyhow::{Context as _, Result, ensure};
use hexalpes_contracts::{affiliates, commissions, conversions};
use serde_json::{Value, json};

use super::super::{
    apis::{Answered, Api, Apis, items, now, stamp, text},
    ask,
};
use super::{
    flow::{commission_of, recorded},
    journey,
    topics::Listener,
};
use crate::settings::Settings;

#[derive(Clone, Copy)]
pub(super) enum Case {
    Ready,
    SeedAffiliate,
    SeedConversion,
    CommissionByItself,
    SeedCommission,
    SeedThree,
    Duplicate,
    WrongField,
    TakenEmail,
    Refund,
    Payout,
    Statement,
    Books,
    Partner,
    Events,
    Outbox,
    Metrics,
}

/// By name, with what each shows.
pub(super) const CASES: [(&str, &str, Case); 17] = [
    ("ports_are_well", "health, documents and metrics are there on every port", Case::Ready),
    ("seed_4_affiliate", "POST :8001/api/v1/afiliados, as seed 4 has it", Case::SeedAffiliate),
    ("seed_4_conversion", "POST :8002/api/v1/conversiones, as seed 4 has it", Case::SeedConversion),
    (
        "commission_by_itself",
        "its commission is calculated and approved through events",
        Case::CommissionByItself,
    ),
    (
        "seed_4_commission",
        "POST :8003/api/v1/comisiones answers with that same commission",
        Case::SeedCommission,
    ),
    (
        "seed_3_commission",
        "calculate, approve and by-conversion on :5001, as seed 3 has them",
        Case::SeedThree,
    ),
    (
        "duplicate_conversion",
        "an order that comes twice is one conversion and one commission",
        Case::Duplicate,
    ),
    (
        "wrong_field",
        "a field with a typo is refused by its name, in the language asked for",
        Case::WrongField,
    ),
    ("taken_email", "an e-mail is there once in a program, without regard to case", Case::TakenEmail),
    ("refund", "half of the money back takes half of the commission back", Case::Refund),
    ("payout", "the commission of seed 4 is paid, once", Case::Payout),
    ("statement", "the partner's statement sums up, as JSON, CSV and PDF", Case::Statement),
    ("books", "the books are balanced in every currency", Case::Books),
    (
        "partner_journey",
        "a partner of :5000 signs on :5001 what was drafted for it, and is VALIDATED",
        Case::Partner,
    ),
    ("events_on_topics", "each context told its events on its own topic", Case::Events),
    ("outbox_published", "nothing is left in the outboxes: published is 1", Case::Outbox),
    ("metrics", "requests and conversions are counted", Case::Metrics),
];

/// What a run makes, and where it listens.
pub(super) struct World {
    apis: Apis,
    stamp: String,
    begun_at: String,
    listeners: [Listener; 3],
    affiliate: Option<String>,
    conversion: Option<String>,
    commission: Option<String>,
}

impl World {
    pub(super) async fn open(settings: &Settings) -> Result<Self> {
        let (client, stamp) = (ask::broker(settings).await?, stamp());
        let [ours, theirs, owed] = [affiliates::TOPIC, conversions::TOPIC, commissions::TOPIC];
        let listeners = [
            Listener::open(&client, ours, &stamp).await?,
            Listener::open(&client, theirs, &stamp).await?,
            Listener::open(&client, owed, &stamp).await?,
        ];
        Ok(Self {
            apis: Apis::of(settings)?,
            stamp,
            begun_at: now(),
            listeners,
            affiliate: None,
            conversion: None,
            commission: None,
        })
    }

    pub(super) async fn close(self) {
        for listener in self.listeners {
            listener.end().await;
        }
    }

    pub(super) async fn run(&mut self, case: Case) -> Result<()> {
        match case {
            Case::Ready => self.ready().await,
            Case::SeedAffiliate => self.seed_affiliate().await,
            Case::SeedConversion => self.seed_conversion().await,
            Case::CommissionByItself => self.commission_by_itself().await,
            Case::SeedCommission => self.seed_commission().await,
            Case::SeedThree => self.seed_three().await,
            Case::Duplicate => self.duplicate().await,
            Case::WrongField => self.wrong_field().await,
            Case::TakenEmail => self.taken_email().await,
            Case::Refund => self.refund().await,
            Case::Payout => self.payout().await,
            Case::Statement => self.statement().await,
            Case::Books => self.books().await,
            Case::Partner => journey::partner(&self.apis, &self.stamp).await,
            Case::Events => self.events().await,
            Case::Outbox => self.outbox().await,
            Case::Metrics => self.metrics().await,
        }
    }

    fn affiliate(&self) -> Result<&str> {
        self.affiliate.as_deref().context("no affiliate was registered before")
    }

    fn conversion(&self) -> Result<&str> {
        self.conversion.as_deref().context("no conversion was recorded before")
    }

    fn commission(&self) -> Result<&str> {
        self.commission.as_deref().context("no commission came before")
    }

    async fn ready(&self) -> Result<()> {
        for api in Api::ALL {
            let health = self.apis.get(api, "/health").await?.expect(&[200])?;
            ensure!(health["status"] == "ok", "{} is not well: {health}", self.apis.address(api));
            let document = self.apis.get(api, "/openapi.json").await?.expect(&[200])?;
            ensure!(text(&document, "openapi")?.starts_with("3.1"), "{} has no OpenAPI 3.1", api.name());
            let page = self.apis.text(api, "/docs").await?;
            ensure!(page.contains("swagger-ui"), "{}/docs shows no document", self.apis.address(api));
        }
        Ok(())
    }

    /// The e-mail is one of this run alone; all else is the seed's.
    fn seeds_affiliate(&self) -> Value {
        json!({
            "nombre": "Juan Pérez",
            "email": format!("juan+{}@email.com", self.stamp),
            "tipo_afiliado": "premium",
            "configuracion_comisiones": { "comision_base": 15.0, "comision_premium": 20.0 },
        })
    }

    async fn seed_affiliate(&mut self) -> Result<()> {
        let answered = self.apis.post(Api::Affiliates, "/api/v1/afiliados", &self.seeds_affiliate()).await?;
        let id = text(&answered.expect(&[201])?, "id")?;
        ensure!(id.starts_with("af_"), "the id has not the form af_123: {id}");
        self.affiliate = Some(id);
        Ok(())
    }

    async fn seed_conversion(&mut self) -> Result<()> {
        let id = self.affiliate()?;
        let body = json!({ "afiliado_id": id, "valor_conversion": 100_000.0, "tipo_conversion": "venta" });
        let id = text(&recorded(&self.apis, &body).await?, "id")?;
        ensure!(id.starts_with("conv_"), "the id has not the form conv_456: {id}");
        self.conversion = Some(id);
        Ok(())
    }

    async fn commission_by_itself(&mut self) -> Result<()> {
        let id = text(&commission_of(&self.apis, self.conversion()?).await?, "id")?;
        let path = format!("/api/v1/comisiones/{id}");
        let is_approved = |it: &Answered| it.body["estado"] == "APPROVED";
        let commission = self.apis.until(Api::Commissions, &path, "its approval", is_approved).await?;
        let (amount, rate) = (&commission["monto_minor"], &commission["porcentaje"]);
        ensure!(amount == 2_000_000, "20 % of 100000.00 are 20000.00, not {commission}");
        ensure!(rate == 20, "a premium affiliate has the premium rate: {commission}");
        self.commission = Some(id);
        Ok(())
    }

    async fn seed_commission(&self) -> Result<()> {
        let body = json!({
            "afiliado_id": self.affiliate()?, "conversion_id": self.conversion()?,
            "tipo_comision": "porcentual", "porcentaje": 15.0,
        });
        let answered = self.apis.post(Api::Commissions, "/api/v1/comisiones", &body).await?.expect(&[200])?;
        ensure!(answered["id"] == self.commission()?, "it is another one: {answered}");
        ensure!(answered["duplicate"] == true, "it was there, and that is not said: {answered}");
        Ok(())
    }

    async fn seed_three(&self) -> Result<()> {
        let conversion = format!("conv-{}", self.stamp);
        let body = json!({
            "conversionId": conversion, "affiliateId": "aff-123", "campaignId": "camp-456",
            "grossAmount": 1000.00, "currency": "USD",
        });
        let made = self.apis.post(Api::Seed, "/commissions/calculate", &body).await?.expect(&[201])?;
        let body = json!({ "commissionId": made["commissionId"] });
        self.apis.post(Api::Seed, "/commissions/approve", &body).await?.expect(&[200])?;
        let path = format!("/commissions/by-conversion/{conversion}");
        let found = self.apis.get(Api::Seed, &path).await?.expect(&[200])?;
        ensure!(found["commissionId"] == made["commissionId"] && found["status"] == "APPROVED", "{found}");
        ensure!(found["explanation"]["steps"].is_array(), "it is not explained: {found}");
        Ok(())
    }

    async fn duplicate(&self) -> Result<()> {
        let body = json!({
            "afiliado_id": self.affiliate()?, "valor_conversion": 42, "tipo_conversion": "venta",
            "referencia_externa": format!("order-{}", self.stamp),
        });
        let (first, again) = (recorded(&self.apis, &body).await?, recorded(&self.apis, &body).await?);
        ensure!(first["id"] == again["id"] && again["duplicate"] == true, "{again} is not {first}");
        commission_of(&self.apis, &text(&first, "id")?).await?;
        let path = format!("/api/v1/comisiones?conversion_id={}", text(&first, "id")?);
        let found = items(self.apis.get(Api::Commissions, &path).await?.expect(&[200])?)?;
        ensure!(found.len() == 1, "{} commissions for one conversion", found.len());
        Ok(())
    }

    async fn wrong_field(&self) -> Result<()> {
        let body = json!({
            "afiliado_id": self.affiliate()?, "valor_conversión": 100, "valor_conversion": 100,
            "tipo_conversion": "venta",
        });
        for (language, words) in [("en", "did you mean"), ("es", "¿quiso decir")] {
            let refused =
                self.apis.post_in(Api::Conversions, "/api/v1/conversiones", &body, language).await?;
            ensure!(refused.status == 422, "it is answered with {}: {}", refused.status, refused.body);
            let told = refused.body.to_string();
            ensure!(told.contains("valor_conversión"), "the field is not named: {told}");
            ensure!(told.contains(words), "it does not speak {language}: {told}");
        }
        Ok(())
    }

    async fn taken_email(&self) -> Result<()> {
        self.affiliate()?;
        let mut body = self.seeds_affiliate();
        body["email"] = text(&body, "email")?.to_uppercase().into();
        self.apis.post(Api::Affiliates, "/api/v1/afiliados", &body).await?.expect(&[409])?;
        Ok(())
    }

    async fn refund(&self) -> Result<()> {
        let id = self.affiliate()?;
        let body = json!({ "afiliado_id": id, "valor_conversion": 500, "tipo_conversion": "venta" });
        let conversion = text(&recorded(&self.apis, &body).await?, "id")?;
        let commission = text(&commission_of(&self.apis, &conversion).await?, "id")?;
        let path = format!("/api/v1/conversiones/{conversion}/reembolsos");
        let body = json!({ "monto": 250, "motivo": "devolución" });
        self.apis.post(Api::Conversions, &path, &body).await?.expect(&[200, 201])?;
        let path = format!("/api/v1/comisiones/{commission}");
        let is_less = |it: &Answered| it.body["monto_revertido_minor"] != 0;
        let left = self.apis.until(Api::Commissions, &path, "its reversal", is_less).await?;
        let (back, rest) = (&left["monto_revertido_minor"], &left["monto_neto_minor"]);
        ensure!(back == 5_000 && rest == 5_000, "half of 100.00 is 50.00, not {left}");
        Ok(())
    }

    async fn payout(&self) -> Result<()> {
        let path = format!("/api/v1/comisiones/{}/pagar", self.commission()?);
        let body = json!({ "metodo": "file", "liquidar": true });
        let mut payouts = Vec::new();
        for _ in 0..2 {
            let paid = self.apis.post(Api::Commissions, &path, &body).await?.expect(&[200])?;
            ensure!(paid["estado"] == "PAID", "it is not paid: {paid}");
            payouts.push(text(&paid, "pago_id")?);
        }
        ensure!(payouts[0] == payouts[1], "it is in two payouts: {payouts:?}");
        let path = format!("/v1/payouts/{}", payouts[0]);
        let payout = self.apis.get(Api::Commissions, &path).await?.expect(&[200])?;
        ensure!(payout["status"] == "SETTLED" && payout["settledMinor"] == 2_000_000, "{payout}");
        Ok(())
    }

    async fn statement(&self) -> Result<()> {
        let from = &self.begun_at;
        let path =
            format!("/v1/statements/{}?currency=USD&from={from}&to=2999-01-01T00:00:00Z", self.affiliate()?);
        let told = self.apis.get(Api::Commissions, &path).await?.expect(&[200])?;
        let minor =
            |of: &Value, member: &str| of[member].as_i64().with_context(|| format!("no {member} in {of}"));
        let lines = told["lines"].as_array().context("a statement has lines")?;
        let mut balance = minor(&told, "openingMinor")?;
        for line in lines {
            balance += minor(line, "amountMinor")?;
        }
        ensure!(!lines.is_empty() && balance == minor(&told, "closingMinor")?, "it does not sum up: {told}");
        for kind in ["text/csv", "application/pdf"] {
            let answered = self.apis.accepting(Api::Commissions, &path, kind).await?;
            ensure!(answered.starts_with(kind), "{kind} was asked for, {answered} came");
        }
        Ok(())
    }

    async fn books(&self) -> Result<()> {
        let books = self.apis.get(Api::Commissions, "/v1/trial-balance").await?.expect(&[200])?;
        let currencies = books["currencies"].as_array().context("there are currencies")?;
        ensure!(!currencies.is_empty(), "nothing is in the books");
        ensure!(currencies.iter().all(|books| books["isBalanced"] == true), "{books}");
        Ok(())
    }

    async fn events(&self) -> Result<()> {
        let [affiliates, conversions, commissions] = &self.listeners;
        affiliates.until("AffiliateRegistered", self.affiliate()?).await?;
        conversions.until("ConversionRecorded", self.conversion()?).await?;
        for kind in ["CommissionCalculated", "CommissionApproved", "CommissionPaid"] {
            commissions.until(kind, self.commission()?).await?;
        }
        Ok(())
    }

    /// One that never told anything has nothing left either.
    async fn outbox(&self) -> Result<()> {
        for api in Api::CONTEXTS {
            let is_out = |it: &Answered| {
                let rows = it.body["items"].as_array();
                rows.is_some_and(|rows| rows.first().is_none_or(|newest| newest["published"] == 1))
            };
            let what = format!("the publication of the newest row of {}", api.name());
            self.apis.until(api, &format!("{}/debug/outbox?limit=1", api.desk()), &what, is_out).await?;
        }
        Ok(())
    }

    async fn metrics(&self) -> Result<()> {
        for api in Api::ALL {
            let metrics = self.apis.text(api, "/metrics").await?;
            ensure!(metrics.contains("http_requests_total"), "{} counts no requests", self.apis.address(api));
        }
        let path = format!("/api/v1/conversiones/metricas?afiliado_id={}", self.affiliate()?);
        let counted = self.apis.get(Api::Conversions, &path).await?.expect(&[200])?;
        let groups = counted.as_array().context("metrics are a list")?;
        ensure!(!groups.is_empty(), "the affiliate's conversions are not counted");
        Ok(())
    }
}
