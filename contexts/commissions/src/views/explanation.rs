//! Why a commission is what it is, as JSON and in a sentence. It is kept with the commission as it is answered.

use hexalpes_http::openapi::Decimal;
use hexalpes_kernel::{Currency, Money};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use utoipa::ToSchema;

use super::reratings::{RatedAnewView, RecalculoView};
use super::rules::{TiersView, mode};
use crate::domain::{Earns, Explanation, Formula, Mode, Named, Offer, Piece, RateSource, Step};
use crate::store::Kept;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExplanationView {
    inputs: Inputs,
    rule: RuleView,
    steps: Vec<StepView>,
    rounding: RoundingView,
    sentence: Sentence,
}

/// The whole in one sentence.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Sentence {
    en: String,
    es: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Inputs {
    gross_amount: Box<RawValue>,
    currency: &'static str,
    /// Percent; null where it is no plain percentage.
    rate: Option<Box<RawValue>>,
    rate_source: &'static str,
}

#[derive(Serialize)]
struct RuleView {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    name: String,
    version: u32,
}

#[derive(Serialize)]
#[serde(untagged)]
enum StepView {
    Offered(OfferView),
    Done(DoneView),
}

#[derive(Serialize)]
struct OfferView {
    step: &'static str,
    source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tiers: Option<TiersView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<RuleView>,
}

#[derive(Serialize)]
#[serde(tag = "step", rename_all = "snake_case", rename_all_fields = "camelCase")]
enum DoneView {
    /// What was sold in the period before.
    Counted {
        mode: &'static str,
        period: String,
        sales: i64,
        amount: Box<RawValue>,
    },
    /// Of a tier.
    Tier {
        from: Box<RawValue>,
        rate: Option<Box<RawValue>>,
        flat: Option<Box<RawValue>>,
        of: Box<RawValue>,
        earned: String,
    },
    Multiplied {
        exact: String,
    },
    Rounded {
        to: Box<RawValue>,
    },
    Capped {
        to: Box<RawValue>,
    },
    Raised {
        to: Box<RawValue>,
    },
}

#[derive(Serialize)]
struct RoundingView {
    mode: &'static str,
    /// Text, for it may have more decimals than a reader's floats.
    from: String,
    to: Box<RawValue>,
}

/// The explanation as it is kept and answered.
pub(crate) fn explanation(explanation: &Explanation) -> Box<RawValue> {
    let currency = explanation.gross.currency();
    let view = ExplanationView {
        inputs: Inputs {
            gross_amount: explanation.gross.amount().to_json(),
            currency: currency.code(),
            rate: explanation.formula.rate().map(|rate| rate.percent().to_json()),
            rate_source: explanation.source.name(),
        },
        rule: RuleView {
            id: explanation.rule_id.as_ref().map(ToString::to_string),
            name: explanation.rule.clone(),
            version: explanation.rule_version,
        },
        steps: explanation.steps.iter().map(|step| StepView::of(step, currency)).collect(),
        rounding: RoundingView {
            mode: "half-even",
            from: explanation.rounding.from.clone(),
            to: explanation.rounding.to.amount().to_json(),
        },
        sentence: Sentence { en: english(explanation), es: spanish(explanation) },
    };
    to_raw_value(&view).expect("names and numbers are always JSON")
}

impl StepView {
    fn of(step: &Step, currency: Currency) -> Self {
        let minor = |minor| Money::from_minor(minor, currency).amount().to_json();
        Self::Done(match step {
            Step::Chose(offer) => return Self::Offered(OfferView::of("chose", offer)),
            Step::PassedOver(offer) => return Self::Offered(OfferView::of("passed_over", offer)),
            Step::Counted { mode: of, period, before } => DoneView::Counted {
                mode: mode(*of),
                period: period.clone(),
                sales: before.count,
                amount: minor(before.gross),
            },
            Step::Tier(Piece { band, minor: of, earned }) => {
                let (rate, flat) = match band.earns {
                    Earns::Rate(rate) => (Some(rate.percent().to_json()), None),
                    Earns::Flat(amount) => (None, Some(amount.amount().to_json())),
                };
                let from = hexalpes_kernel::Amount::new(i128::from(band.from), 0).to_json();
                DoneView::Tier {
                    from,
                    rate,
                    flat,
                    of: minor(*of),
                    earned: earned.amount(currency).to_string(),
                }
            }
            Step::Multiplied { exact } => DoneView::Multiplied { exact: exact.clone() },
            Step::Rounded { to } => DoneView::Rounded { to: to.amount().to_json() },
            Step::Capped { to } => DoneView::Capped { to: to.amount().to_json() },
            Step::Raised { to } => DoneView::Raised { to: to.amount().to_json() },
        })
    }
}

impl OfferView {
    fn of(done: &'static str, offer: &Offer) -> Self {
        let Offer { source, formula, rule } = offer;
        let step = match (done, formula) {
            ("chose", Formula::Percentage(_)) => "chose_rate",
            ("chose", Formula::Flat(_)) => "chose_amount",
            ("chose", Formula::Tiered(_)) => "chose_tiers",
            (_, Formula::Percentage(_)) => "passed_over_rate",
            (_, Formula::Flat(_)) => "passed_over_amount",
            (_, Formula::Tiered(_)) => "passed_over_tiers",
        };
        let (amount, tiers) = match formula {
            Formula::Percentage(_) => (None, None),
            Formula::Flat(amount) => (Some(amount.amount().to_json()), None),
            // In smallest units, as the tiers of the steps.
            Formula::Tiered(tiers) => (None, Some(TiersView::of(tiers, 0))),
        };
        let named = |Named { id, name, version }: &Named| RuleView {
            id: Some(id.to_string()),
            name: name.clone(),
            version: *version,
        };
        let rate = formula.rate().map(|rate| rate.percent().to_json());
        Self { step, source: source.name(), rate, amount, tiers, rule: rule.as_ref().map(named) }
    }
}

/// The tiers that counted, and whether they are those of the whole period.
fn pieces(explanation: &Explanation) -> (Vec<Piece>, bool) {
    let mut retroactive = false;
    let mut pieces = Vec::new();
    for step in &explanation.steps {
        match step {
            Step::Counted { mode, .. } => retroactive = *mode == Mode::Retroactive,
            Step::Tier(piece) => pieces.push(*piece),
            _ => {}
        }
    }
    (pieces, retroactive)
}

fn english(explanation: &Explanation) -> String {
    let Explanation { gross, formula, source, rule, rule_version, rounding, amount, .. } = explanation;
    let what = match formula {
        Formula::Percentage(rate) => format!("{rate} of {gross}"),
        Formula::Flat(flat) => format!("{flat}, whatever the customer paid"),
        Formula::Tiered(_) => {
            let (pieces, retroactive) = pieces(explanation);
            let of = |piece: &Piece| match piece.band.earns {
                Earns::Rate(rate) => {
                    format!("{rate} of {}", Money::from_minor(piece.minor, gross.currency()))
                }
                Earns::Flat(flat) => format!("{flat} a sale"),
            };
            let pieces = pieces.iter().map(of).collect::<Vec<_>>().join(" and ");
            let earlier = if retroactive { ", of all in the period, less what it earned before" } else { "" };
            format!("in tiers {pieces}{earlier}")
        }
    };
    let why = match source {
        RateSource::Request => "as the request asked".to_owned(),
        RateSource::Rule => format!("by the rule {rule}, version {rule_version}"),
        RateSource::Contract => format!("as the {rule} contract {} agrees", contract(explanation)),
        RateSource::Affiliate => "as agreed with the affiliate".to_owned(),
        RateSource::Program => format!("by the program {rule}, version {rule_version}"),
    };
    let rounded = if rounding.from == rounding.to.amount().to_string() {
        String::new()
    } else {
        format!("; {} is rounded half to even", rounding.from)
    };
    let bound = match amount.minor().cmp(&rounding.to.minor()) {
        std::cmp::Ordering::Less => format!("; the rule's most is {amount}"),
        std::cmp::Ordering::Equal => String::new(),
        std::cmp::Ordering::Greater => format!("; the rule's least is {amount}"),
    };
    format!("{amount}: {what}, {why}{rounded}{bound}.")
}

/// The contract's id, where it was one that counted.
fn contract(explanation: &Explanation) -> &str {
    explanation.rule_id.as_ref().map_or("", crate::domain::RuleId::as_str)
}

fn spanish(explanation: &Explanation) -> String {
    let Explanation { gross, formula, source, rule, rule_version, rounding, amount, .. } = explanation;
    let what = match formula {
        Formula::Percentage(rate) => format!("{rate} de {gross}"),
        Formula::Flat(flat) => format!("{flat}, pague lo que pague el cliente"),
        Formula::Tiered(_) => {
            let (pieces, retroactive) = pieces(explanation);
            let of = |piece: &Piece| match piece.band.earns {
                Earns::Rate(rate) => {
                    format!("{rate} de {}", Money::from_minor(piece.minor, gross.currency()))
                }
                Earns::Flat(flat) => format!("{flat} por venta"),
            };
            let pieces = pieces.iter().map(of).collect::<Vec<_>>().join(" y ");
            let earlier = if retroactive { ", de todo el periodo, menos lo ya ganado en él" } else { "" };
            format!("por tramos {pieces}{earlier}")
        }
    };
    let why = match source {
        RateSource::Request => "como pidió la solicitud".to_owned(),
        RateSource::Rule => format!("según la regla {rule}, versión {rule_version}"),
        RateSource::Contract => format!("según el contrato {rule} {}", contract(explanation)),
        RateSource::Affiliate => "según lo acordado con el afiliado".to_owned(),
        RateSource::Program => format!("según el programa {rule}, versión {rule_version}"),
    };
    let rounded = if rounding.from == rounding.to.amount().to_string() {
        String::new()
    } else {
        format!("; {} se redondea al par más cercano", rounding.from)
    };
    let bound = match amount.minor().cmp(&rounding.to.minor()) {
        std::cmp::Ordering::Less => format!("; el máximo de la regla es {amount}"),
        std::cmp::Ordering::Equal => String::new(),
        std::cmp::Ordering::Greater => format!("; el mínimo de la regla es {amount}"),
    };
    format!("{amount}: {what}, {why}{rounded}{bound}.")
}

/// What the explanations of before had not: the sentence.
#[derive(Deserialize)]
struct Said {
    sentence: Option<Sentence>,
}

/// A commission's explanation, in the words of seed 3.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ExplainedCommission)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExplainedView {
    commission_id: String,
    conversion_id: String,
    #[schema(value_type = Decimal)]
    commission_amount: Box<RawValue>,
    commission_amount_minor: i64,
    currency: &'static str,
    /// Null for a commission that is older than sentences.
    sentence: Option<Sentence>,
    /// Inputs, rule, steps and rounding, as they were when it was made.
    #[schema(value_type = Object)]
    explanation: Box<RawValue>,
    /// When its conversion was rated anew, because a rule was wrong: the oldest first.
    reratings: Vec<RatedAnewView>,
}

/// The same in the words of seed 4.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ComisionExplicada)]
pub(crate) struct ExplicadaView {
    comision_id: String,
    conversion_id: String,
    #[schema(value_type = Decimal)]
    monto: Box<RawValue>,
    monto_minor: i64,
    moneda: &'static str,
    /// Null for a commission that is older than sentences.
    frase: Option<Sentence>,
    /// Inputs, rule, steps and rounding, as they were when it was made.
    #[schema(value_type = Object)]
    explicacion: Box<RawValue>,
    /// When its conversion was rated anew, because a rule was wrong: the oldest first.
    recalculos: Vec<RecalculoView>,
}

impl ExplainedView {
    pub(crate) fn of(Kept { commission, explanation }: Kept, reratings: Vec<RatedAnewView>) -> Self {
        let said = serde_json::from_str::<Said>(explanation.get()).ok();
        let amount = commission.amount();
        Self {
            commission_id: commission.id().to_string(),
            conversion_id: commission.conversion().id.to_string(),
            commission_amount: amount.amount().to_json(),
            commission_amount_minor: amount.minor(),
            currency: amount.currency().code(),
            sentence: said.and_then(|said| said.sentence),
            explanation,
            reratings,
        }
    }
}

impl ExplicadaView {
    pub(crate) fn of(kept: Kept, reratings: Vec<RatedAnewView>) -> Self {
        let view = ExplainedView::of(kept, reratings);
        Self {
            comision_id: view.commission_id,
            conversion_id: view.conversion_id,
            monto: view.commission_amount,
            monto_minor: view.commission_amount_minor,
            moneda: view.currency,
            frase: view.sentence,
            explicacion: view.explanation,
            recalculos: view.reratings.into_iter().map(RecalculoView::from).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Program, Rates};

    /// Accepts C-12.
    #[test]
    fn an_explanation_tells_the_whole_derivation() {
        let gross = Money::from_minor(12_345, Currency::USD);
        let derived = Program::default().apply(gross, &Rates::default()).unwrap();
        insta::assert_snapshot!(explanation(&derived).get(), @r#"{"inputs":{"grossAmount":123.45,"currency":"USD","rate":10,"rateSource":"program"},"rule":{"name":"default","version":1},"steps":[{"step":"chose_rate","source":"program","rate":10},{"step":"multiplied","exact":"12.345"},{"step":"rounded","to":12.34}],"rounding":{"mode":"half-even","from":"12.345","to":12.34},"sentence":{"en":"12.34 USD: 10 % of 123.45 USD, by the program default, version 1; 12.345 is rounded half to even.","es":"12.34 USD: 10 % de 123.45 USD, según el programa default, versión 1; 12.345 se redondea al par más cercano."}}"#);
    }
}
