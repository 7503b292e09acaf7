//! How much a conversion owes: which rate counts, and the one rounding.

use std::time::Duration;

use hexalpes_kernel::{Amount, Currency, Money, MoneyError, Rate};

use super::{Explanation, Origin, ProgramId, Rounding, Step};

/// Where a rate came from, in rising order of rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RateSource {
    /// The program's default.
    Program,
    /// The affiliate's configuration by its type.
    Affiliate,
    /// A rule of the campaign or the product.
    Campaign,
    /// The request itself named it.
    Request,
}

impl RateSource {
    /// The source's name on every wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Program => "program",
            Self::Affiliate => "affiliate",
            Self::Campaign => "campaign",
            Self::Request => "request",
        }
    }
}

/// How much a conversion owes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Formula {
    /// A part of the gross amount.
    Percentage(Rate),
    /// An amount in the conversion's currency, whatever the customer paid.
    Flat(Money),
}

impl Formula {
    pub fn rate(self) -> Option<Rate> {
        match self {
            Self::Percentage(rate) => Some(rate),
            Self::Flat(_) => None,
        }
    }

    /// The exact amount, and what it is in whole minor units.
    fn of(self, gross: Money) -> Result<(Amount, Money), MoneyError> {
        match self {
            Self::Percentage(rate) => Ok((exact(gross, rate), rate.of(gross)?)),
            Self::Flat(amount) => {
                // Tells when it is another currency.
                Money::zero(gross.currency()).checked_add(amount)?;
                Ok((amount.amount(), amount))
            }
        }
    }
}

/// What somebody set for one conversion, besides the program's own rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    pub request: Option<Formula>,
    pub campaign: Option<Rate>,
    pub affiliate: Option<Rate>,
}

/// A program's rule, in one of its versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    pub name: String,
    pub version: u32,
    /// What an amount is in when nobody says.
    pub currency: Currency,
    pub rate: Rate,
    /// How long a commission is held before it may be approved.
    pub hold: Option<Duration>,
    /// Whether the commission of a conversion that was recorded needs nobody's approval.
    pub approves_recorded: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    #[error("the gross amount must be more than zero")]
    NotPositive,
    #[error("the commission {0}")]
    Money(#[from] MoneyError),
}

/// The program that is there from the start.
const DEFAULT: &str = "default";

impl Default for Program {
    /// USD, 10 %, no hold, approved at once what was recorded.
    fn default() -> Self {
        let rate = Rate::from_percent(Amount::new(10, 0)).expect("10 % is a rate");
        let currency = Currency::USD;
        Self { name: DEFAULT.to_owned(), version: 1, currency, rate, hold: None, approves_recorded: true }
    }
}

impl Program {
    pub fn id(&self) -> ProgramId {
        ProgramId::parse(&self.name).expect("a program's name is its id")
    }

    /// Whether a commission is approved as soon as it is calculated.
    pub fn approves(&self, origin: Origin) -> bool {
        match origin {
            Origin::Recorded => self.approves_recorded,
            Origin::Request => false,
        }
    }

    /// Commission = round(gross × rate), half to even, at the rate of the highest rank.
    pub fn apply(&self, gross: Money, rates: &Rates) -> Result<Explanation, RuleError> {
        if gross.minor() <= 0 {
            return Err(RuleError::NotPositive);
        }
        let mut ranked = [
            (RateSource::Request, rates.request),
            (RateSource::Campaign, rates.campaign.map(Formula::Percentage)),
            (RateSource::Affiliate, rates.affiliate.map(Formula::Percentage)),
        ]
        .into_iter()
        .filter_map(|(source, formula)| Some((source, formula?)))
        .chain([(RateSource::Program, Formula::Percentage(self.rate))]);
        let (source, formula) = ranked.next().expect("the program always has a rate");

        let (exact, to) = formula.of(gross)?;
        let exact = exact.to_string();
        let mut steps = vec![Step::Chose { source, formula }];
        steps.extend(ranked.map(|(source, formula)| Step::PassedOver { source, formula }));
        if let Formula::Percentage(_) = formula {
            steps.push(Step::Multiplied { exact: exact.clone() });
        }
        steps.push(Step::Rounded { to });
        Ok(Explanation {
            gross,
            formula,
            source,
            rule: self.name.clone(),
            rule_version: self.version,
            steps,
            rounding: Rounding { from: exact, to },
        })
    }
}

/// Gross × rate in major units, with all its decimals.
fn exact(gross: Money, rate: Rate) -> Amount {
    const PERCENT_DECIMALS: u32 = 2;
    let percent = rate.percent();
    let scale = gross.currency().exponent() + percent.scale() + PERCENT_DECIMALS;
    Amount::new(i128::from(gross.minor()) * percent.mantissa(), scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn percent(text: &str) -> Rate {
        Rate::from_percent(Amount::parse(text).unwrap()).unwrap()
    }

    fn usd(minor: i64) -> Money {
        Money::from_minor(minor, Currency::USD)
    }

    /// Accepts C-12.
    #[test]
    fn the_request_ranks_before_campaign_affiliate_and_program() {
        let program = Program::default();
        let mut rates = Rates {
            request: Some(Formula::Percentage(percent("15"))),
            campaign: Some(percent("12.5")),
            affiliate: Some(percent("20")),
        };
        let chosen = |rates: &Rates| {
            let explanation = program.apply(usd(10_000), rates).unwrap();
            (explanation.source.name(), explanation.rounding.to.minor())
        };
        assert_eq!(chosen(&rates), ("request", 1_500));
        rates.request = None;
        assert_eq!(chosen(&rates), ("campaign", 1_250));
        rates.campaign = None;
        assert_eq!(chosen(&rates), ("affiliate", 2_000));
        rates.affiliate = None;
        assert_eq!(chosen(&rates), ("program", 1_000));
    }

    #[test]
    fn a_tie_is_rounded_to_the_even_cent_and_the_explanation_says_so() {
        let explanation = Program::default().apply(usd(12_345), &Rates::default()).unwrap();
        assert_eq!(explanation.rounding, Rounding { from: "12.345".into(), to: usd(1_234) });
        assert_eq!(
            explanation.steps,
            [
                Step::Chose { source: RateSource::Program, formula: Formula::Percentage(percent("10")) },
                Step::Multiplied { exact: "12.345".into() },
                Step::Rounded { to: usd(1_234) },
            ]
        );
    }

    #[test]
    fn rates_that_were_passed_over_are_told() {
        let rates = Rates {
            request: Some(Formula::Percentage(percent("15"))),
            affiliate: Some(percent("20")),
            ..Rates::default()
        };
        let explanation = Program::default().apply(usd(10_000), &rates).unwrap();
        assert_eq!(
            explanation.steps[..3],
            [
                Step::Chose { source: RateSource::Request, formula: Formula::Percentage(percent("15")) },
                Step::PassedOver {
                    source: RateSource::Affiliate,
                    formula: Formula::Percentage(percent("20"))
                },
                Step::PassedOver { source: RateSource::Program, formula: Formula::Percentage(percent("10")) },
            ]
        );
    }

    #[test]
    fn nothing_is_owed_for_nothing() {
        for minor in [0, -1] {
            let refused = Program::default().apply(usd(minor), &Rates::default());
            assert_eq!(refused, Err(RuleError::NotPositive));
        }
    }

    /// 100 % in millionths of a percent.
    const WHOLE: i128 = 100_000_000;

    proptest! {
        /// Half a minor unit off at most, a tie even, and never outside 0 … gross; in every exponent.
        #[test]
        fn a_commission_is_gross_times_rate_rounded_once(
            minor in 1..=i64::MAX,
            millionths in 0..=WHOLE,
            code in prop::sample::select(vec!["JPY", "USD", "KWD", "CLF"]),
        ) {
            let gross = Money::from_minor(minor, Currency::parse(code).unwrap());
            let rate = Rate::from_percent(Amount::new(millionths, 6)).unwrap();
            let rates = Rates { request: Some(Formula::Percentage(rate)), ..Rates::default() };
            let explanation = Program::default().apply(gross, &rates).unwrap();
            let amount = explanation.rounding.to;

            prop_assert_eq!(amount.currency(), gross.currency());
            prop_assert!((0..=minor).contains(&amount.minor()));
            let off = 2 * (i128::from(amount.minor()) * WHOLE - i128::from(minor) * millionths).abs();
            prop_assert!(off < WHOLE || (off == WHOLE && amount.minor() % 2 == 0));
            prop_assert_eq!(exact(gross, rate).to_string(), explanation.rounding.from);
        }
    }
}
