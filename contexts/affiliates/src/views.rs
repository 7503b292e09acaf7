//! Programs, affiliates and links as JSON, with the words of seed 4.

use hexalpes_http::Record;
use hexalpes_http::openapi::Percent;
use hexalpes_kernel::{Rate, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::domain::{Affiliate, Link, PayoutDetails, Program, Registration, Standing};
use crate::requests::{attribution_word, program_state_word};
use crate::store::RatesFrom;

/// The words of this API for what an affiliate may do.
pub(crate) const STANDINGS: [(&str, &str); 3] =
    [("ACTIVO", "ACTIVE"), ("SUSPENDIDO", "SUSPENDED"), ("TERMINADO", "TERMINATED")];

/// Percentages: JSON numbers, exact.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Comisiones)]
pub(crate) struct RatesView {
    #[schema(value_type = Option<Percent>)]
    comision_base: Option<Box<RawValue>>,
    #[schema(value_type = Option<Percent>)]
    comision_premium: Option<Box<RawValue>>,
    #[schema(value_type = String, format = DateTime)]
    vigente_desde: Timestamp,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Afiliado)]
pub(crate) struct AffiliateView {
    id: String,
    /// The same, by the name that other bodies have for it.
    afiliado_id: String,
    programa_id: String,
    nombre: String,
    email: String,
    tipo_afiliado: String,
    configuracion_comisiones: RatesView,
    /// What it gets now, in percent; null: what the program gives.
    #[schema(value_type = Option<Percent>)]
    comision_vigente: Option<Box<RawValue>>,
    codigo: String,
    pais: Option<String>,
    /// `ACTIVO`, `SUSPENDIDO` or `TERMINADO`.
    estado: &'static str,
    /// Why it is suspended or terminated.
    motivo: Option<String>,
    tiene_datos_pago: bool,
    revision: u32,
    #[schema(value_type = String, format = DateTime)]
    fecha_registro: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    fecha_actualizacion: Timestamp,
}

impl From<&Affiliate> for AffiliateView {
    fn from(affiliate: &Affiliate) -> Self {
        let Registration { program, name, email, kind, rates, code, country } = affiliate.registration();
        Self {
            id: affiliate.id().to_string(),
            afiliado_id: affiliate.id().to_string(),
            programa_id: program.to_string(),
            nombre: name.clone(),
            email: email.to_string(),
            tipo_afiliado: kind.clone(),
            configuracion_comisiones: RatesView {
                comision_base: json(rates.base),
                comision_premium: json(rates.premium),
                vigente_desde: affiliate.rates_valid_from(),
            },
            comision_vigente: json(affiliate.rate()),
            codigo: code.to_string(),
            pais: country.clone(),
            estado: standing_word(affiliate.standing()),
            motivo: affiliate.standing().reason().map(str::to_owned),
            tiene_datos_pago: affiliate.payout_sealed().is_some(),
            revision: affiliate.revision(),
            fecha_registro: affiliate.registered_at(),
            fecha_actualizacion: affiliate.changed_at(),
        }
    }
}

impl Record for AffiliateView {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "programa_id",
        "nombre",
        "email",
        "tipo_afiliado",
        "comision_base",
        "comision_premium",
        "codigo",
        "pais",
        "estado",
        "motivo",
        "fecha_registro",
        "fecha_actualizacion",
    ];

    fn cells(&self) -> Vec<String> {
        let number = |number: &Option<Box<RawValue>>| number.as_ref().map_or("", |one| one.get()).to_owned();
        let rates = &self.configuracion_comisiones;
        vec![
            self.id.clone(),
            self.programa_id.clone(),
            self.nombre.clone(),
            self.email.clone(),
            self.tipo_afiliado.clone(),
            number(&rates.comision_base),
            number(&rates.comision_premium),
            self.codigo.clone(),
            self.pais.clone().unwrap_or_default(),
            self.estado.to_owned(),
            self.motivo.clone().unwrap_or_default(),
            self.fecha_registro.to_string(),
            self.fecha_actualizacion.to_string(),
        ]
    }
}

/// Type and rates that held from a time on, until the next.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ComisionesVigentes)]
pub(crate) struct RatesFromView {
    revision: u32,
    tipo_afiliado: String,
    #[schema(value_type = Option<Percent>)]
    comision_base: Option<Box<RawValue>>,
    #[schema(value_type = Option<Percent>)]
    comision_premium: Option<Box<RawValue>>,
    #[schema(value_type = String, format = DateTime)]
    vigente_desde: Timestamp,
}

impl From<RatesFrom> for RatesFromView {
    fn from(from: RatesFrom) -> Self {
        let RatesFrom { revision, kind, rates, valid_from } = from;
        Self {
            revision,
            tipo_afiliado: kind,
            comision_base: json(rates.base),
            comision_premium: json(rates.premium),
            vigente_desde: valid_from,
        }
    }
}

/// Where an affiliate is paid to, with all but the last characters hidden.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(tag = "metodo", rename_all = "snake_case")]
#[schema(as = DatosPagoOcultos)]
pub(crate) enum PayoutView {
    Iban {
        titular: String,
        #[schema(example = "••••1332")]
        iban: String,
        bic: Option<String>,
    },
    Cuenta {
        titular: String,
        banco: String,
        cuenta: String,
        pais: String,
    },
    Monedero {
        direccion: String,
    },
}

impl From<&PayoutDetails> for PayoutView {
    fn from(details: &PayoutDetails) -> Self {
        match details.masked() {
            PayoutDetails::Iban { holder, iban, bic } => Self::Iban { titular: holder, iban, bic },
            PayoutDetails::Account { holder, bank, account, country } => {
                Self::Cuenta { titular: holder, banco: bank, cuenta: account, pais: country }
            }
            PayoutDetails::Wallet { address } => Self::Monedero { direccion: address },
        }
    }
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Enlace)]
pub(crate) struct LinkView {
    id: String,
    afiliado_id: String,
    programa_id: String,
    campana_id: Option<String>,
    /// The last part of the link's address, which the conversions service follows: `/r/{codigo_enlace}`.
    codigo_enlace: String,
    url: String,
    destino: String,
    #[schema(value_type = String, format = DateTime)]
    fecha_creacion: Timestamp,
}

impl LinkView {
    /// `base` is where links are followed.
    pub(crate) fn of(link: &Link, base: &str) -> Self {
        Self {
            id: link.id.to_string(),
            afiliado_id: link.affiliate.to_string(),
            programa_id: link.program.to_string(),
            campana_id: link.campaign.as_ref().map(ToString::to_string),
            codigo_enlace: link.slug.clone(),
            url: format!("{}/r/{}", base.trim_end_matches('/'), link.slug),
            destino: link.destination.as_str().to_owned(),
            fecha_creacion: link.created_at,
        }
    }
}

impl Record for LinkView {
    const COLUMNS: &'static [&'static str] =
        &["id", "afiliado_id", "programa_id", "campana_id", "url", "destino", "fecha_creacion"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.afiliado_id.clone(),
            self.programa_id.clone(),
            self.campana_id.clone().unwrap_or_default(),
            self.url.clone(),
            self.destino.clone(),
            self.fecha_creacion.to_string(),
        ]
    }
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Programa)]
pub(crate) struct ProgramView {
    id: String,
    /// The same, by the name that other bodies have for it.
    programa_id: String,
    nombre: String,
    moneda: &'static str,
    /// Percent.
    #[schema(value_type = Percent)]
    comision_por_defecto: Box<RawValue>,
    retencion_segundos: u64,
    aprobacion_automatica: bool,
    /// `ultimo_clic`, `primer_clic` or `explicito`.
    atribucion: &'static str,
    ventana_atribucion_segundos: u64,
    /// `ACTIVO` or `CERRADO`.
    estado: &'static str,
    revision: u32,
    #[schema(value_type = String, format = DateTime)]
    vigente_desde: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    fecha_creacion: Timestamp,
}

impl From<&Program> for ProgramView {
    fn from(program: &Program) -> Self {
        let terms = program.terms();
        Self {
            id: program.id().to_string(),
            programa_id: program.id().to_string(),
            nombre: terms.name.clone(),
            moneda: terms.currency.code(),
            comision_por_defecto: terms.default_rate.percent().to_json(),
            retencion_segundos: terms.hold.as_secs(),
            aprobacion_automatica: terms.auto_approve,
            atribucion: attribution_word(terms.attribution),
            ventana_atribucion_segundos: terms.attribution_window.as_secs(),
            estado: program_state_word(program.status()),
            revision: program.revision(),
            vigente_desde: program.valid_from(),
            fecha_creacion: program.created_at(),
        }
    }
}

impl Record for ProgramView {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "nombre",
        "moneda",
        "comision_por_defecto",
        "retencion_segundos",
        "aprobacion_automatica",
        "atribucion",
        "ventana_atribucion_segundos",
        "estado",
        "fecha_creacion",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.nombre.clone(),
            self.moneda.to_owned(),
            self.comision_por_defecto.get().to_owned(),
            self.retencion_segundos.to_string(),
            self.aprobacion_automatica.to_string(),
            self.atribucion.to_owned(),
            self.ventana_atribucion_segundos.to_string(),
            self.estado.to_owned(),
            self.fecha_creacion.to_string(),
        ]
    }
}

fn json(rate: Option<Rate>) -> Option<Box<RawValue>> {
    rate.map(|rate| rate.percent().to_json())
}

fn standing_word(standing: &Standing) -> &'static str {
    let name = standing.name();
    STANDINGS.iter().find(|(_, one)| *one == name).expect("every standing has its word").0
}
