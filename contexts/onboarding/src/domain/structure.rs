//! What a contract gives a partner for each conversion: a percentage, an amount, or tiers.
//!
//! Here it is agreed; the commissions context computes with it, and its rules of what tiers may be are these.

use std::cmp::Ordering;

use hexalpes_kernel::{Currency, Money, Rate};

use super::Language;
use super::kinds::words;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Each tier for what lies in it.
    Marginal,
    /// The tier that is reached for everything in the period.
    Retroactive,
}

/// After which the counting begins anew; in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    Day,
    Month,
    Quarter,
    All,
}

words!(Mode, 2, Marginal = "marginal", Retroactive = "retroactive");
words!(Period, 4, Day = "day", Month = "month", Quarter = "quarter", All = "all");

/// One tier, by what was sold in the period; it ends where the next begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tier {
    pub from: Money,
    pub rate: Rate,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tiers {
    mode: Mode,
    period: Period,
    /// In rising order and in one currency; the first begins at 0.
    steps: Vec<Tier>,
}

/// Tiers that a contract has at most.
pub const TIERS_MAX: usize = 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TiersError {
    #[error("must have 1 to {TIERS_MAX} tiers")]
    Count,
    #[error("the first tier must begin at 0")]
    Beginning,
    #[error("each tier must begin above the one before it")]
    Order,
    #[error("a retroactive tier must not give less than the one before it")]
    Falling,
}

impl Tiers {
    pub fn new(mode: Mode, period: Period, tiers: Vec<Tier>) -> Result<Self, TiersError> {
        if tiers.is_empty() || tiers.len() > TIERS_MAX {
            return Err(TiersError::Count);
        }
        if tiers[0].from.minor() != 0 {
            return Err(TiersError::Beginning);
        }
        for pair in tiers.windows(2) {
            if pair[1].from.minor() <= pair[0].from.minor() {
                return Err(TiersError::Order);
            }
            if mode == Mode::Retroactive && compared(pair[0].rate, pair[1].rate) == Ordering::Greater {
                return Err(TiersError::Falling);
            }
        }
        Ok(Self { mode, period, steps: tiers })
    }

    pub fn mode(&self) -> Mode {
        self.mode
    }

    pub fn period(&self) -> Period {
        self.period
    }

    pub fn steps(&self) -> &[Tier] {
        &self.steps
    }
}

/// Percentages have six decimals at most.
fn compared(one: Rate, other: Rate) -> Ordering {
    let millionths = |rate: Rate| {
        let percent = rate.percent();
        percent.mantissa() * 10_i128.pow(6 - percent.scale())
    };
    millionths(one).cmp(&millionths(other))
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Formula {
    /// Of the gross amount.
    Percentage(Rate),
    /// For each conversion.
    Flat(Money),
    Tiered(Tiers),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommissionStructure {
    pub formula: Formula,
    /// What its amounts are in; it holds for conversions in this currency alone.
    pub currency: Option<Currency>,
    /// The most that a conversion earns.
    pub cap: Option<Money>,
    /// The least.
    pub floor: Option<Money>,
}

impl CommissionStructure {
    pub fn percentage(rate: Rate) -> Self {
        Self { formula: Formula::Percentage(rate), currency: None, cap: None, floor: None }
    }

    /// In a sentence of the contract.
    pub fn text(&self, language: Language) -> String {
        let each = language.pick("por conversión", "per conversion");
        let what = match &self.formula {
            Formula::Percentage(rate) => {
                let of = language.pick("del importe de cada conversión", "of the amount of each conversion");
                format!("{rate} {of}")
            }
            Formula::Flat(amount) => format!("{amount} {each}"),
            Formula::Tiered(tiers) => tiers_text(tiers, language),
        };
        let most = language.pick("como máximo", "at most");
        let least = language.pick("como mínimo", "at least");
        let only = language.pick("para conversiones en", "for conversions in");
        let cap = self.cap.map(|cap| format!(", {most} {cap} {each}"));
        let floor = self.floor.map(|floor| format!(", {least} {floor} {each}"));
        let holds = self.currency.map(|currency| format!(", {only} {currency}"));
        [Some(what), cap, floor, holds].into_iter().flatten().collect()
    }
}

fn tiers_text(tiers: &Tiers, language: Language) -> String {
    let begin = language.pick("desde", "from");
    let of = |tier: &Tier| format!("{begin} {}: {}", tier.from, tier.rate);
    let bands: Vec<String> = tiers.steps.iter().map(of).collect();
    let mode = match tiers.mode {
        Mode::Marginal => language.pick("cada tramo por lo que cae en él", "each tier for what lies in it"),
        Mode::Retroactive => language
            .pick("el tramo alcanzado por todo el periodo", "the tier that is reached for all of the period"),
    };
    let period = match tiers.period {
        Period::Day => language.pick("por día", "per day"),
        Period::Month => language.pick("por mes", "per month"),
        Period::Quarter => language.pick("por trimestre", "per quarter"),
        Period::All => language.pick("por toda la vigencia", "over the whole term"),
    };
    let what = language.pick("por tramos de lo vendido", "by tiers of what is sold");
    format!("{what} {period} ({mode}): {}", bands.join("; "))
}

#[cfg(test)]
mod tests {
    use hexalpes_kernel::Amount;

    use super::*;

    fn tier(from: i64, percent: i128) -> Tier {
        let rate = Rate::from_percent(Amount::new(percent, 0)).unwrap();
        Tier { from: Money::from_minor(from, Currency::USD), rate }
    }

    #[test]
    fn tiers_are_those_that_the_commissions_can_compute_with() {
        let of = |mode, tiers: Vec<Tier>| Tiers::new(mode, Period::Month, tiers).map(|_| ());
        assert_eq!(of(Mode::Marginal, vec![tier(0, 10), tier(100, 5)]), Ok(()));
        assert_eq!(of(Mode::Marginal, vec![]), Err(TiersError::Count));
        assert_eq!(of(Mode::Marginal, vec![tier(1, 5)]), Err(TiersError::Beginning));
        assert_eq!(of(Mode::Marginal, vec![tier(0, 5), tier(0, 6)]), Err(TiersError::Order));
        assert_eq!(of(Mode::Retroactive, vec![tier(0, 10), tier(5, 9)]), Err(TiersError::Falling));
    }
}
