//! Conversions and what follows from them: how fast they are recorded, how soon their commissions are there, and the
//! books under a partner with a long history.

mod books;
mod follow;
mod recorded;

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::Options;
use crate::disk;
use crate::process::Process;
use crate::report::{Line, Report};
use crate::request::Connection;
use crate::servers;

/// Of what goes round with the others.
const SPAN: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_mins(2);
const AFFILIATES: &str = "--affiliates-port";
const CONVERSIONS: &str = "--conversions-port";
const MARKETING: &str = "--marketing-port";

/// `--only` takes those parts alone whose names contain it.
pub(crate) fn measure(runtime: &Runtime, options: &Options) -> Result<Report> {
    let mut report = Report::new("partner program, every answer durable");
    report.add(Line::new("bare write + fdatasync on this disk", "/s", disk::bare(SPAN / 6)?.per_second));
    let is_wanted = |part: &str| options.only.as_deref().is_none_or(|only| part.contains(only));
    if is_wanted("recorded") {
        recorded::measure(runtime, options.rounds, &mut report)?;
    }
    if is_wanted("sustained") {
        follow::sustained(runtime, &mut report)?;
    }
    if is_wanted("readable") {
        follow::readable(runtime, options.rounds, &mut report)?;
    }
    if is_wanted("servers") {
        servers::on_each(|engine, product| {
            follow::readable_on(runtime, options.rounds, product, &format!(" on {engine}"), None, &mut report)
        })?;
    }
    if is_wanted("balance") {
        books::balance(runtime, &mut report)?;
    }
    Ok(report)
}

/// Registers an affiliate, and waits until a conversion of theirs has its commission.
async fn affiliate(product: &Process) -> Result<String> {
    let body = json!({
        "nombre": "Ana", "email": "ana@example.com", "tipo_afiliado": "premium",
        "configuracion_comisiones": { "comision_base": 15.0, "comision_premium": 20.0 },
    });
    let mut affiliates = Connection::open(product.port(AFFILIATES)).await?;
    let affiliate = affiliates.json("POST", "/api/v1/afiliados", &body.to_string()).await?;
    let affiliate = affiliate["id"].as_str().context("an affiliate has an id")?.to_owned();
    let mut conversions = Connection::open(product.port(CONVERSIONS)).await?;
    let conversion = conversions.json("POST", PATH, &conversion(&affiliate).to_string()).await?;
    follow::awaited(product, &[id(&conversion)?]).await?;
    Ok(affiliate)
}

/// Where conversions are recorded.
const PATH: &str = "/api/v1/conversiones";

/// Without a name of its own, so that each is a new one.
fn conversion(affiliate: &str) -> Value {
    json!({ "afiliado_id": affiliate, "valor_conversion": 1000.0, "tipo_conversion": "venta" })
}

fn id(answer: &Value) -> Result<String> {
    Ok(answer["id"].as_str().context("a conversion has an id")?.to_owned())
}
