//! `hexalpes demo data`: something to look at. What is there already is found by what it is named, not made twice.

use std::path::Path;

use anyhow::Result;
use serde::Serialize;
use serde_json::{Value, json};

use super::super::{
    apis::{Api, Apis, items, now, text},
    output::line,
};
use super::{
    flow::{commission_of, recorded},
    progress::Progress,
    report,
};
use crate::settings::Settings;

/// The program that all of it is in.
const PROGRAM: &str = "demo";
/// Name, e-mail, type.
const AFFILIATES: [(&str, &str, &str); 4] = [
    ("Juan Pérez", "juan.perez@demo.example", "premium"),
    ("Ana Gómez", "ana.gomez@demo.example", "estandar"),
    ("Luis Rojas", "luis.rojas@demo.example", "estandar"),
    ("María José Núñez", "maria.nunez@demo.example", "premium"),
];
/// Of which affiliate, how much, what.
const CONVERSIONS: [(usize, u32, &str); 6] = [
    (0, 100_000, "venta"),
    (0, 2_500, "venta"),
    (1, 480, "venta"),
    (1, 15, "prospecto"),
    (2, 12_000, "venta"),
    (3, 75, "registro"),
];
const STEPS: usize = 1 + AFFILIATES.len() + 1 + 2 * CONVERSIONS.len();

/// `test_data_ids.json`, with the words of the APIs.
#[derive(Serialize)]
struct Ids {
    version: u32,
    written_at: String,
    programas: Vec<Value>,
    afiliados: Vec<Value>,
    enlaces: Vec<Value>,
    conversiones: Vec<Value>,
    comisiones: Vec<Value>,
}

pub(super) async fn run(settings: &Settings, file: &Path) -> Result<()> {
    let maker = Maker { apis: Apis::of(settings)?, progress: Progress::begin("test data", STEPS as u64)? };
    let ids = maker.all().await?;
    maker.progress.end();
    let Ids { afiliados, conversiones, comisiones, .. } = &ids;
    let counts = (afiliados.len(), conversiones.len(), comisiones.len());
    line(&format!("{} affiliates, {} conversions, {} commissions", counts.0, counts.1, counts.2))?;
    report::write(file, &ids)
}

struct Maker {
    apis: Apis,
    progress: Progress,
}

impl Maker {
    async fn all(&self) -> Result<Ids> {
        let programas = vec![json!({ "id": self.program().await? })];
        let mut afiliados = Vec::new();
        for (name, email, kind) in AFFILIATES {
            let found = self.affiliate(name, email, kind).await?;
            afiliados.push(json!({
                "id": text(&found, "id")?, "email": email, "tipo_afiliado": kind, "codigo": text(&found, "codigo")?,
            }));
        }
        let first = text(&afiliados[0], "id")?;
        let link = self.link(&first).await?;
        let enlaces =
            vec![json!({ "id": text(&link, "id")?, "afiliado_id": first, "url": text(&link, "url")? })];
        let (mut conversiones, mut comisiones) = (Vec::new(), Vec::new());
        for (number, (whose, amount, kind)) in CONVERSIONS.into_iter().enumerate() {
            let affiliate = text(&afiliados[whose], "id")?;
            let reference = format!("demo-{}", number + 1);
            let id = self.conversion(&affiliate, &reference, amount, kind).await?;
            conversiones.push(json!({ "id": id, "afiliado_id": affiliate, "referencia_externa": reference }));
            let commission = self.commission(&id).await?;
            comisiones.push(json!({
                "id": text(&commission, "id")?, "conversion_id": id, "estado": text(&commission, "estado")?,
            }));
        }
        Ok(Ids {
            version: report::VERSION,
            written_at: now(),
            programas,
            afiliados,
            enlaces,
            conversiones,
            comisiones,
        })
    }

    fn tell(&self, is_new: bool, what: &str, id: &str) -> Result<()> {
        self.progress.tell(&format!("{} {what} {id}", if is_new { "made" } else { "found" }))
    }

    async fn program(&self) -> Result<String> {
        let path = format!("/api/v1/programas/{PROGRAM}");
        let is_new = self.apis.get(Api::Affiliates, &path).await?.status == 404;
        if is_new {
            let body = json!({
                "programa_id": PROGRAM, "nombre": "Programa de demostración", "moneda": "USD",
                "comision_por_defecto": 10,
            });
            self.apis.post(Api::Affiliates, "/api/v1/programas", &body).await?.expect(&[201])?;
        }
        self.tell(is_new, "program", PROGRAM)?;
        Ok(PROGRAM.to_owned())
    }

    async fn affiliate(&self, name: &str, email: &str, kind: &str) -> Result<Value> {
        let list = format!("/api/v1/afiliados?programa_id={PROGRAM}&email={email}");
        let body = json!({
            "nombre": name, "email": email, "tipo_afiliado": kind, "programa_id": PROGRAM, "pais": "CO",
            "configuracion_comisiones": { "comision_base": 15, "comision_premium": 20 },
        });
        let (is_new, affiliate) = self.found_or_made(&list, "/api/v1/afiliados", &body).await?;
        self.tell(is_new, "affiliate", &text(&affiliate, "id")?)?;
        Ok(affiliate)
    }

    async fn link(&self, affiliate: &str) -> Result<Value> {
        let path = format!("/api/v1/afiliados/{affiliate}/enlaces");
        let body = json!({ "destino": "https://example.com/oferta", "campana_id": "camp-demo" });
        let (is_new, link) = self.found_or_made(&path, &path, &body).await?;
        self.tell(is_new, "link", &text(&link, "url")?)?;
        Ok(link)
    }

    async fn conversion(&self, affiliate: &str, reference: &str, amount: u32, kind: &str) -> Result<String> {
        let list = format!("/api/v1/conversiones?programa_id={PROGRAM}&referencia_externa={reference}");
        let body = json!({
            "afiliado_id": affiliate, "programa_id": PROGRAM, "valor_conversion": amount,
            "tipo_conversion": kind, "referencia_externa": reference, "campana_id": "camp-demo",
        });
        let found = items(self.apis.get(Api::Conversions, &list).await?.expect(&[200])?)?.into_iter().next();
        let (is_new, conversion) = match found {
            Some(found) => (false, found),
            None => (true, recorded(&self.apis, &body).await?),
        };
        let id = text(&conversion, "id")?;
        self.tell(is_new, "conversion", &id)?;
        Ok(id)
    }

    /// Which comes by itself.
    async fn commission(&self, conversion: &str) -> Result<Value> {
        let commission = commission_of(&self.apis, conversion).await?;
        self.progress.tell(&format!("its commission is {}", text(&commission, "id")?))?;
        Ok(commission)
    }

    async fn found_or_made(&self, list: &str, path: &str, body: &Value) -> Result<(bool, Value)> {
        let found = items(self.apis.get(Api::Affiliates, list).await?.expect(&[200])?)?;
        match found.into_iter().next() {
            Some(found) => Ok((false, found)),
            None => Ok((true, self.apis.post(Api::Affiliates, path, body).await?.expect(&[201])?)),
        }
    }
}
