//! How much a conversion owes: which rate counts, and the one rounding.

use std::cmp::Ordering;
use std::time::Duration;

use hexalpes_kernel::{Amount, Currency, Money, MoneyError, Rate};

use super::{
    Explanation, Formula, InForce, Named, Offer, Origin, ProgramId, Rounding, RuleTerms, Step, Tally,
};

/// Where a rate came from, in rising order of rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RateSource {
    /// The program's default.
    Program,
    /// The affiliate's configuration by its type.
    Affiliate,
    /// The contract that is in force with the partner of the affiliate's id.
    Contract,
    /// A rule, of the campaign, the product or whatever its conditions say.
    Rule,
    /// The request itself named it.
    Request,
}

impl RateSource {
    pub const ALL: [Self; 5] = [Self::Program, Self::Affiliate, Self::Contract, Self::Rule, Self::Request];

    /// Whether it has an id and a version, and tiers that count.
    pub fn is_rule(self) -> bool {
        matches!(self, Self::Rule | Self::Contract)
    }

    /// The source's name on every wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Program => "program",
            Self::Affiliate => "affiliate",
            Self::Contract => "contract",
            Self::Rule => "rule",
            Self::Request => "request",
        }
    }

    /// The source's number in the database, which says nothing of its rank: contracts came later.
    pub fn rank(self) -> i64 {
        match self {
            Self::Program => 0,
            Self::Affiliate => 1,
            Self::Rule => 2,
            Self::Request => 3,
            Self::Contract => 4,
        }
    }
}

/// What somebody set for one conversion, besides the program's own rate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    pub request: Option<Formula>,
    pub rule: Option<Ruled>,
    pub affiliate: Option<Rate>,
}

/// The rules that hold for a conversion, and after them the partner's contract, if there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruled {
    /// The one that counts.
    pub rule: InForce,
    /// The period that its tiers count in, and what was sold in it before.
    pub counted: Option<(String, Tally)>,
    pub passed_over: Vec<InForce>,
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

    /// Commission = round(what the formula of the highest rank says), half to even, within cap and floor.
    pub fn apply(&self, gross: Money, rates: &Rates) -> Result<Explanation, RuleError> {
        let plain = |source, formula| Offer { source, formula, rule: None };
        let request = rates.request.clone().map(|formula| plain(RateSource::Request, formula));
        let affiliate = rates.affiliate.map(|rate| plain(RateSource::Affiliate, Formula::Percentage(rate)));
        let own = plain(RateSource::Program, Formula::Percentage(self.rate));
        let after = affiliate.into_iter().chain([own]).collect();
        derive(gross, request, rates.rule.as_ref(), after, (&self.name, self.version))
    }
}

/// Derives a commission from what might count: something before all rules, the rules, and what comes after them.
/// `program` names the program and its version.
pub fn derive(
    gross: Money,
    before: Option<Offer>,
    ruled: Option<&Ruled>,
    after: Vec<Offer>,
    program: (&str, u32),
) -> Result<Explanation, RuleError> {
    if gross.minor() <= 0 {
        return Err(RuleError::NotPositive);
    }
    let of_rule = |rule: &InForce| Offer {
        source: rule.source,
        formula: rule.terms.formula.clone(),
        rule: Some(Named { id: rule.id.clone(), name: rule.name.clone(), version: rule.version }),
    };
    let rules = ruled.into_iter().flat_map(|ruled| std::iter::once(&ruled.rule).chain(&ruled.passed_over));
    let mut ranked = before.into_iter().chain(rules.map(of_rule)).chain(after);
    let chosen = ranked.next().expect("the program always has a rate");
    let mut steps = vec![Step::Chose(chosen.clone())];
    steps.extend(ranked.map(Step::PassedOver));

    let Offer { source, formula, rule } = chosen;
    let terms = match (source, ruled) {
        (RateSource::Rule | RateSource::Contract, Some(ruled)) => ruled.rule.terms.clone(),
        _ => RuleTerms::plain(formula.clone()),
    };
    let counted = ruled.and_then(|ruled| ruled.counted.clone());
    if let (Formula::Tiered(tiers), Some((period, before))) = (&formula, &counted) {
        steps.push(Step::Counted { mode: tiers.mode(), period: period.clone(), before: *before });
    }
    let before = counted.map(|(_, before)| before).unwrap_or_default();
    let owed = terms.owes(gross, before, &mut |piece| steps.push(Step::Tier(piece)))?;
    let exact = owed.exact.amount(gross.currency()).to_string();
    if !matches!(formula, Formula::Flat(_)) {
        steps.push(Step::Multiplied { exact: exact.clone() });
    }
    steps.push(Step::Rounded { to: owed.rounded });
    match owed.amount.minor().cmp(&owed.rounded.minor()) {
        Ordering::Less => steps.push(Step::Capped { to: owed.amount }),
        Ordering::Equal => {}
        Ordering::Greater => steps.push(Step::Raised { to: owed.amount }),
    }
    let (rule_id, rule, rule_version) = match rule {
        Some(Named { id, name, version }) => (Some(id), name, version),
        None => (None, program.0.to_owned(), program.1),
    };
    let rounding = Rounding { from: exact, to: owed.rounded };
    let amount = owed.amount;
    Ok(Explanation { gross, formula, source, rule_id, rule, rule_version, steps, rounding, amount })
}

#[cfg(test)]
mod tests {
    use hexalpes_kernel::Timestamp;

    use super::*;
    use crate::domain::{Exact, RuleId};
    use proptest::prelude::*;

    fn percent(text: &str) -> Rate {
        Rate::from_percent(Amount::parse(text).unwrap()).unwrap()
    }

    fn offer(source: RateSource, text: &str) -> Offer {
        Offer { source, formula: Formula::Percentage(percent(text)), rule: None }
    }

    fn usd(minor: i64) -> Money {
        Money::from_minor(minor, Currency::USD)
    }

    /// Accepts C-12.
    #[test]
    fn the_request_ranks_before_rules_affiliate_and_program() {
        let program = Program::default();
        let mut rates = Rates {
            request: Some(Formula::Percentage(percent("15"))),
            rule: None,
            affiliate: Some(percent("20")),
        };
        let chosen = |rates: &Rates| {
            let explanation = program.apply(usd(10_000), rates).unwrap();
            (explanation.source.name(), explanation.rounding.to.minor())
        };
        let terms = RuleTerms::plain(Formula::Percentage(percent("12.5")));
        let since = Timestamp::from_micros(0).unwrap();
        let id = RuleId::parse("rul_1").unwrap();
        let rule =
            InForce { id, source: RateSource::Rule, name: "summer".to_owned(), version: 1, since, terms };
        rates.rule = Some(Ruled { rule, counted: None, passed_over: Vec::new() });
        assert_eq!(chosen(&rates), ("request", 1_500));
        rates.request = None;
        assert_eq!(chosen(&rates), ("rule", 1_250));
        rates.rule = None;
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
                Step::Chose(offer(RateSource::Program, "10")),
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
                Step::Chose(offer(RateSource::Request, "15")),
                Step::PassedOver(offer(RateSource::Affiliate, "20")),
                Step::PassedOver(offer(RateSource::Program, "10")),
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
            prop_assert_eq!(Exact::part(rate, minor).amount(gross.currency()).to_string(), explanation.rounding.from);
        }
    }
}
