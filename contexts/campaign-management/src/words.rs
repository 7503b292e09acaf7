//! What findings say, in Spanish and in English, with the numbers in the sentence.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::report::{Evidence, Finding, FindingKind};

/// A sentence in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Message)]
pub(crate) struct Sentence {
    pub(crate) es: String,
    pub(crate) en: String,
}

fn both(english: String, spanish: String) -> Sentence {
    Sentence { es: spanish, en: english }
}

/// A figure's or a target's name, in both languages.
fn named(name: &str) -> (&str, &str) {
    match name {
        "impressions" => ("impressions", "las impresiones"),
        "clicks" => ("clicks", "los clics"),
        "leads" => ("leads", "los prospectos"),
        "conversions" => ("conversions", "las conversiones"),
        "spend" => ("spend", "el gasto"),
        "revenue" => ("revenue", "los ingresos"),
        "ctr_percent" | "ctr" => ("the click-through rate", "la tasa de clics"),
        "cvr_percent" => ("the conversion rate", "la tasa de conversión"),
        "cpc" => ("the cost per click", "el coste por clic"),
        "cpa" => ("the cost per conversion", "el coste por conversión"),
        "roi_percent" | "roi" => ("the return on investment", "el retorno de la inversión"),
        other => (other, other),
    }
}

fn peers(name: &str) -> (&str, &str) {
    if name == "partner" {
        ("the partner's other campaigns", "las otras campañas del socio")
    } else {
        ("the campaigns of all partners", "las campañas de todos los socios")
    }
}

/// One sentence for each finding.
pub(crate) fn sentence(finding: &Finding) -> Sentence {
    let show = |name: &str| finding.shows(name).map_or_else(|| "-".to_owned(), text);
    let word = |name: &str| match finding.shows(name) {
        Some(Evidence::Word(word)) => word,
        _ => "",
    };
    match finding.kind {
        FindingKind::FigureUp | FindingKind::FigureDown => {
            let (english, spanish) = named(word("figure"));
            let (up, sube) =
                if finding.kind == FindingKind::FigureUp { ("rose", "subió") } else { ("fell", "bajó") };
            let (change, before, now) = (show("change_percent"), show("previous"), show("current"));
            both(
                format!("{english} {up} by {change} %, from {before} to {now}"),
                format!("cambio en {spanish}: {sube} un {change} %, de {before} a {now}"),
            )
        }
        FindingKind::TargetMet => {
            let (english, spanish) = named(word("target"));
            let (aim, reached) = (show("aimed_at"), show("reached"));
            both(
                format!("the target for {english} is met: {reached} of {aim}"),
                format!("objetivo cumplido para {spanish}: {reached} de {aim}"),
            )
        }
        FindingKind::BestDay => {
            let (day, count, all) = (show("day"), show("conversions"), show("conversions_of_period"));
            both(
                format!("{day} was the best day: {count} of {all} conversions"),
                format!("el {day} fue el mejor día: {count} de {all} conversiones"),
            )
        }
        FindingKind::TrendUp | FindingKind::TrendDown => {
            let (english, spanish) = named(word("figure"));
            let (slope, days) = (show("slope_per_day"), show("days"));
            let is_up = finding.kind == FindingKind::TrendUp;
            let (way, rumbo) = if is_up { ("upwards", "al alza") } else { ("downwards", "a la baja") };
            both(
                format!("the trend of {english} points {way}: {slope} a day over {days} days"),
                format!("tendencia {rumbo} en {spanish}: {slope} al día durante {days} días"),
            )
        }
        FindingKind::ConversionsFalling => {
            let (slope, days) = (show("slope_per_day"), show("days"));
            both(
                format!("conversions are falling: {slope} a day over {days} days"),
                format!("las conversiones bajan: {slope} al día durante {days} días"),
            )
        }
        FindingKind::NoConversions => {
            let (spend, clicks) = (show("spend"), show("clicks"));
            both(
                format!("{spend} were spent and {clicks} clicks came, and nobody converted"),
                format!("se gastaron {spend} y hubo {clicks} clics, y no hubo ninguna conversión"),
            )
        }
        FindingKind::TargetBehind => {
            let (english, spanish) = named(word("target"));
            let (done, time) = (show("achieved_percent"), show("time_passed_percent"));
            both(
                format!("the target for {english} is behind: {done} % of it after {time} % of the time"),
                format!("objetivo retrasado para {spanish}: {done} % cumplido tras el {time} % del tiempo"),
            )
        }
        FindingKind::LowerCostPerConversion
        | FindingKind::ImproveCreatives
        | FindingKind::ImproveLandingPage => of_benchmark(finding.kind, &show, peers(word("benchmark_of"))),
        _ => of_money(finding, &show),
    }
}

fn of_benchmark(kind: FindingKind, show: &dyn Fn(&str) -> String, (with, con): (&str, &str)) -> Sentence {
    let (now, benchmark) = (show("current"), show("benchmark"));
    match kind {
        FindingKind::LowerCostPerConversion => both(
            format!("lower the cost per conversion: it is {now}, and {benchmark} with {with}"),
            format!("baje el coste por conversión: es {now}, y {benchmark} en {con}"),
        ),
        FindingKind::ImproveCreatives => both(
            format!(
                "improve what is shown: {now} % of impressions are clicked, and {benchmark} % with {with}"
            ),
            format!(
                "mejore los anuncios: se hace clic en el {now} % de las impresiones, y en el {benchmark} % en {con}"
            ),
        ),
        _ => both(
            format!("improve where clicks lead: {now} % of them convert, and {benchmark} % with {with}"),
            format!(
                "mejore la página de destino: convierte el {now} % de los clics, y el {benchmark} % en {con}"
            ),
        ),
    }
}

fn of_money(finding: &Finding, show: &dyn Fn(&str) -> String) -> Sentence {
    let (limit, spent, projected) = (show("limit"), show("spent"), show("projected"));
    let (rate, days) = (show("burn_rate"), show("days_remaining"));
    match finding.kind {
        FindingKind::ReduceDailySpend => {
            let affordable = show("affordable_per_day");
            both(
                format!(
                    "spend {affordable} a day at most instead of {rate}: {projected} are projected for {limit}"
                ),
                format!(
                    "gaste como máximo {affordable} al día en vez de {rate}: se proyectan {projected} para {limit}"
                ),
            )
        }
        FindingKind::RaiseBudget => {
            let to = show("raise_to");
            both(
                format!("raise the budget from {limit} to {to}: {spent} are spent and {projected} projected"),
                format!(
                    "suba el presupuesto de {limit} a {to}: se gastaron {spent} y se proyectan {projected}"
                ),
            )
        }
        FindingKind::SpendMore => both(
            format!("spend more: {spent} of {limit} are spent, and {projected} projected in {days} days"),
            format!("gaste más: se gastaron {spent} de {limit}, y se proyectan {projected} en {days} días"),
        ),
        FindingKind::BudgetOverrun => both(
            format!("the budget will be overrun: {projected} are projected for {limit}"),
            format!("el presupuesto se superará: se proyectan {projected} para {limit}"),
        ),
        FindingKind::ReviewCampaign if finding.shows("revenue").is_none() => both(
            format!("review the campaign: {spent} of {limit} are spent"),
            format!("revise la campaña: se gastaron {spent} de {limit}"),
        ),
        FindingKind::ReviewCampaign | FindingKind::NegativeRoi => {
            let (cost, revenue, roi) = (show("spend"), show("revenue"), show("roi_percent"));
            both(
                format!("it costs more than it brings: {cost} were spent for {revenue}, which is {roi} %"),
                format!("cuesta más de lo que aporta: se gastaron {cost} para {revenue}, es decir {roi} %"),
            )
        }
        _ => both(
            format!("watch the spend: {spent} of {limit} at {rate} a day, with {days} days to go"),
            format!("vigile el gasto: {spent} de {limit} a {rate} al día, con {days} días por delante"),
        ),
    }
}

fn text(evidence: Evidence) -> String {
    match evidence {
        Evidence::Count(count) => count.to_string(),
        Evidence::Money(money) => money.to_string(),
        Evidence::Exact(amount) => amount.to_string(),
        Evidence::On(day) => day.to_string(),
        Evidence::Word(word) => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use hexalpes_kernel::{Amount, Currency, Money};

    use super::*;
    use crate::domain::report::Weight;

    #[test]
    fn numbers_stand_in_the_sentence() {
        let finding = Finding::new(FindingKind::FigureDown, Weight::High)
            .with("figure", Evidence::Word("conversions"))
            .with("current", Evidence::Exact(Amount::new(5, 0)))
            .with("previous", Evidence::Exact(Amount::new(10, 0)))
            .with("change_percent", Evidence::Exact(Amount::new(-50, 0)));
        let Sentence { es: spanish, en: english } = sentence(&finding);
        assert_eq!(english, "conversions fell by -50 %, from 10 to 5");
        assert_eq!(spanish, "cambio en las conversiones: bajó un -50 %, de 10 a 5");
        let money = |minor| Evidence::Money(Money::from_minor(minor, Currency::USD));
        let finding = Finding::new(FindingKind::BudgetOverrun, Weight::High)
            .with("limit", money(100_000))
            .with("projected", money(123_450));
        assert_eq!(
            sentence(&finding).en,
            "the budget will be overrun: 1234.5 USD are projected for 1000 USD"
        );
    }
}
