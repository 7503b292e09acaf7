//! How much a conversion owes: a percentage, an amount, or tiers; exactly, and then rounded once.
//!
//! Not here: which formula counts (`rule`), and when a rule holds (`rulebook`).

use std::time::Duration;

use hexalpes_kernel::{Amount, Currency, Money, MoneyError, Rate, Timestamp};

/// How much a conversion owes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Formula {
    /// A part of the gross amount.
    Percentage(Rate),
    /// An amount in the conversion's currency, whatever the customer paid.
    Flat(Money),
    /// The more an affiliate sold in a period, the more the next sale earns.
    Tiered(Tiers),
}

/// An exact amount: hundred-millionths of the smallest unit, for a percentage has 6 decimals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exact(i128);

const WHOLE: i128 = 100_000_000;
const EXACT_DECIMALS: u32 = 8;
const RATE_DECIMALS: u32 = 6;

impl Exact {
    pub fn part(rate: Rate, minor: i64) -> Self {
        let percent = rate.percent();
        let millionths = percent.mantissa() * 10_i128.pow(RATE_DECIMALS - percent.scale());
        Self(i128::from(minor) * millionths)
    }

    fn times(amount: Money, count: i64) -> Result<Self, MoneyError> {
        let all = i128::from(amount.minor()) * i128::from(count);
        all.checked_mul(WHOLE).map(Self).ok_or(MoneyError::TooLarge)
    }

    fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.0.checked_add(other.0).map(Self).ok_or(MoneyError::TooLarge)
    }

    fn less(self, other: Self) -> Result<Self, MoneyError> {
        self.0.checked_sub(other.0).map(Self).ok_or(MoneyError::TooLarge)
    }

    /// In major units, with all its decimals.
    pub fn amount(self, currency: Currency) -> Amount {
        Amount::new(self.0, EXACT_DECIMALS + currency.exponent())
    }

    /// To whole smallest units, half to even.
    pub fn round(self, currency: Currency) -> Result<Money, MoneyError> {
        Money::rounded(self.0, WHOLE, currency)
    }
}

impl Formula {
    pub fn rate(&self) -> Option<Rate> {
        match self {
            Self::Percentage(rate) => Some(*rate),
            Self::Flat(_) | Self::Tiered(_) => None,
        }
    }

    /// What `gross` owes after `before` was sold in the period. `each` hears of every tier that counts.
    pub fn owes(
        &self,
        gross: Money,
        before: Tally,
        each: &mut impl FnMut(Piece),
    ) -> Result<Exact, MoneyError> {
        match self {
            Self::Percentage(rate) => Ok(Exact::part(*rate, gross.minor())),
            Self::Flat(amount) => {
                // Tells when it is another currency.
                Money::zero(gross.currency()).checked_add(*amount)?;
                Exact::times(*amount, 1)
            }
            Self::Tiered(tiers) => tiers.owes(gross, before, each),
        }
    }
}

/// What an affiliate sold in a period, of what a rule counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub count: i64,
    /// In smallest units of the rule's currency.
    pub gross: i64,
}

impl Tally {
    /// With one more conversion.
    pub fn and(self, gross: Money) -> Result<Self, MoneyError> {
        let count = self.count.checked_add(1).ok_or(MoneyError::TooLarge)?;
        let gross = self.gross.checked_add(gross.minor()).ok_or(MoneyError::TooLarge)?;
        Ok(Self { count, gross })
    }
}

/// What the height of a tier is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Sales.
    Count,
    /// Their gross amounts, in smallest units.
    Amount,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Each tier for what lies in it.
    Marginal,
    /// The tier that is reached for everything in the period: whoever reaches it gets the rest of what was sold before.
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

impl Period {
    pub const ALL: [(&'static str, Self); 4] =
        [("day", Self::Day), ("month", Self::Month), ("quarter", Self::Quarter), ("all", Self::All)];

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, period)| *period == self).map_or("all", |(name, _)| name)
    }

    /// The name of the period that a moment lies in: `2025-01-15`, `2025-01`, `2025-Q1`, `all`.
    pub fn of(self, at: Timestamp) -> String {
        let (year, month, day) = at.date();
        match self {
            Self::Day => format!("{year:04}-{month:02}-{day:02}"),
            Self::Month => format!("{year:04}-{month:02}"),
            Self::Quarter => format!("{year:04}-Q{}", (month - 1) / 3 + 1),
            Self::All => "all".to_owned(),
        }
    }
}

impl Period {
    /// When the period begins that a moment lies in.
    pub fn beginning(self, at: Timestamp) -> Timestamp {
        let (year, month, day) = at.date();
        let (month, day) = match self {
            Self::Day => (month, day),
            Self::Month => (month, 1),
            Self::Quarter => ((month - 1) / 3 * 3 + 1, 1),
            Self::All => return at.before(Duration::MAX),
        };
        Timestamp::parse(&format!("{year:04}-{month:02}-{day:02}T00:00:00Z")).unwrap_or(at)
    }
}

/// What a tier gives for a sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Earns {
    Rate(Rate),
    Flat(Money),
}

/// One tier; it ends where the next begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Band {
    /// The sale, or the smallest unit, from which it counts.
    pub from: i64,
    pub earns: Earns,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tiers {
    basis: Basis,
    mode: Mode,
    period: Period,
    /// In rising order; the first begins at the beginning.
    bands: Vec<Band>,
}

/// A tier that counted: what of it, and what that earns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    pub band: Band,
    /// Of the gross amount (retroactive: of all in the period), in smallest units.
    pub minor: i64,
    pub earned: Exact,
}

/// Tiers that a rule has at most.
pub const BANDS_MAX: usize = 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TiersError {
    #[error("must have 1 to {BANDS_MAX} tiers")]
    Count,
    #[error("the first tier must begin at 0")]
    Beginning,
    #[error("each tier must begin above the one before it")]
    Order,
    #[error("either all tiers have a rate, or all have an amount")]
    Mixed,
    #[error("tiers by amount have rates")]
    FlatByAmount,
    #[error("a retroactive tier must not give less than the one before it")]
    Falling,
}

impl Tiers {
    pub fn new(basis: Basis, mode: Mode, period: Period, bands: Vec<Band>) -> Result<Self, TiersError> {
        if bands.is_empty() || bands.len() > BANDS_MAX {
            return Err(TiersError::Count);
        }
        if bands[0].from != 0 {
            return Err(TiersError::Beginning);
        }
        for pair in bands.windows(2) {
            if pair[1].from <= pair[0].from {
                return Err(TiersError::Order);
            }
            let falls = match (pair[0].earns, pair[1].earns) {
                (Earns::Rate(low), Earns::Rate(high)) => Exact::part(high, 1) < Exact::part(low, 1),
                (Earns::Flat(low), Earns::Flat(high)) if low.currency() == high.currency() => {
                    high.minor() < low.minor()
                }
                _ => return Err(TiersError::Mixed),
            };
            if falls && mode == Mode::Retroactive {
                return Err(TiersError::Falling);
            }
        }
        if basis == Basis::Amount && matches!(bands[0].earns, Earns::Flat(_)) {
            return Err(TiersError::FlatByAmount);
        }
        Ok(Self { basis, mode, period, bands })
    }

    pub fn basis(&self) -> Basis {
        self.basis
    }

    pub fn mode(&self) -> Mode {
        self.mode
    }

    pub fn period(&self) -> Period {
        self.period
    }

    pub fn bands(&self) -> &[Band] {
        &self.bands
    }

    fn owes(&self, gross: Money, before: Tally, each: &mut impl FnMut(Piece)) -> Result<Exact, MoneyError> {
        let after = before.and(gross)?;
        if self.mode == Mode::Retroactive {
            let all = self.all(after)?;
            each(all);
            return all.earned.less(if before.count == 0 {
                Exact::default()
            } else {
                self.all(before)?.earned
            });
        }
        if self.basis == Basis::Count {
            let band = self.at(after.count);
            let earned = match band.earns {
                Earns::Rate(rate) => Exact::part(rate, gross.minor()),
                Earns::Flat(amount) => Exact::times(amount, 1)?,
            };
            each(Piece { band, minor: gross.minor(), earned });
            return Ok(earned);
        }
        let mut sum = Exact::default();
        for (index, band) in self.bands.iter().enumerate() {
            let end = self.bands.get(index + 1).map_or(i64::MAX, |next| next.from);
            let minor = after.gross.min(end) - before.gross.max(band.from);
            let Earns::Rate(rate) = band.earns else { continue };
            if minor > 0 {
                let earned = Exact::part(rate, minor);
                each(Piece { band: *band, minor, earned });
                sum = sum.plus(earned)?;
            }
        }
        Ok(sum)
    }

    /// What everything in a period earns at the tier that it reaches.
    fn all(&self, tally: Tally) -> Result<Piece, MoneyError> {
        let band = self.at(match self.basis {
            Basis::Count => tally.count,
            Basis::Amount => tally.gross,
        });
        let earned = match band.earns {
            Earns::Rate(rate) => Exact::part(rate, tally.gross),
            Earns::Flat(amount) => Exact::times(amount, tally.count)?,
        };
        Ok(Piece { band, minor: tally.gross, earned })
    }

    fn at(&self, height: i64) -> Band {
        let reached = self.bands.iter().rev().find(|band| band.from <= height);
        *reached.expect("the first tier begins at the beginning")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn usd(minor: i64) -> Money {
        Money::from_minor(minor, Currency::USD)
    }

    fn percent(millionths: i128) -> Rate {
        Rate::from_percent(Amount::new(millionths, 6)).unwrap()
    }

    fn tiers(basis: Basis, mode: Mode, bands: &[(i64, i128)]) -> Tiers {
        let bands = bands
            .iter()
            .map(|(from, percents)| Band { from: *from, earns: Earns::Rate(percent(percents * 1_000_000)) });
        Tiers::new(basis, mode, Period::All, bands.collect()).unwrap()
    }

    /// What each of a row of sales owes, in cents.
    fn row(tiers: Tiers, sales: &[i64]) -> Vec<i64> {
        let formula = Formula::Tiered(tiers);
        let mut tally = Tally::default();
        let owed = sales.iter().map(|sale| {
            let owed = formula.owes(usd(*sale), tally, &mut |_| ()).unwrap();
            tally = tally.and(usd(*sale)).unwrap();
            owed.round(Currency::USD).unwrap().minor()
        });
        owed.collect()
    }

    #[test]
    fn marginal_tiers_pay_each_part_at_its_own_rate() {
        let bands = [(0, 5), (10_000, 10), (20_000, 20)];
        assert_eq!(
            row(tiers(Basis::Amount, Mode::Marginal, &bands), &[8_000, 8_000, 8_000]),
            [400, 700, 1_200]
        );
        assert_eq!(row(tiers(Basis::Amount, Mode::Marginal, &bands), &[24_000]), [2_300]);
    }

    #[test]
    fn a_retroactive_tier_pays_the_rest_of_what_was_sold_before_it_was_reached() {
        let bands = [(0, 5), (10_000, 10)];
        let owed = row(tiers(Basis::Amount, Mode::Retroactive, &bands), &[8_000, 2_000, 1_000]);
        assert_eq!(owed, [400, 600, 100]);
    }

    #[test]
    fn tiers_by_count_look_at_how_many_sales_there_were() {
        let bands = [(0, 5), (3, 10)];
        assert_eq!(row(tiers(Basis::Count, Mode::Marginal, &bands), &[1_000; 4]), [50, 50, 100, 100]);
        assert_eq!(row(tiers(Basis::Count, Mode::Retroactive, &bands), &[1_000; 4]), [50, 50, 200, 100]);
    }

    #[test]
    fn tiers_that_make_no_sense_are_refused() {
        let rate = |from| Band { from, earns: Earns::Rate(percent(1)) };
        let flat = |from, minor| Band { from, earns: Earns::Flat(usd(minor)) };
        let of = |basis, mode, bands: Vec<Band>| Tiers::new(basis, mode, Period::Day, bands).unwrap_err();
        let marginal = |bands| of(Basis::Count, Mode::Marginal, bands);
        assert_eq!(marginal(vec![]), TiersError::Count);
        assert_eq!(marginal(vec![rate(1)]), TiersError::Beginning);
        assert_eq!(marginal(vec![rate(0), rate(0)]), TiersError::Order);
        assert_eq!(marginal(vec![rate(0), flat(1, 1)]), TiersError::Mixed);
        assert_eq!(of(Basis::Amount, Mode::Marginal, vec![flat(0, 1)]), TiersError::FlatByAmount);
        assert_eq!(of(Basis::Count, Mode::Retroactive, vec![flat(0, 2), flat(1, 1)]), TiersError::Falling);
    }

    #[test]
    fn periods_are_those_of_utc() {
        let at = Timestamp::parse("2025-06-30T23:00:00-05:00").unwrap();
        let names = Period::ALL.map(|(_, period)| period.of(at));
        assert_eq!(names, ["2025-07-01", "2025-07", "2025-Q3", "all"]);
        let at = Timestamp::parse("2025-06-30T12:00:00Z").unwrap();
        let beginnings =
            [Period::Day, Period::Month, Period::Quarter].map(|period| period.beginning(at).to_string());
        assert_eq!(beginnings, ["2025-06-30T00:00:00Z", "2025-06-01T00:00:00Z", "2025-04-01T00:00:00Z"]);
    }

    prop_compose! {
        fn any_tiers()(
            froms in prop::collection::btree_set(1..50_000_i64, 0..6),
            rates in prop::collection::vec(0..=100_000_000_i128, 7),
        ) -> Tiers {
            let froms = std::iter::once(0).chain(froms);
            let bands = froms.zip(rates).map(|(from, rate)| Band { from, earns: Earns::Rate(percent(rate)) });
            Tiers::new(Basis::Amount, Mode::Marginal, Period::All, bands.collect()).unwrap()
        }
    }

    fn owed(tiers: &Tiers, sales: &[i64]) -> Exact {
        let mut tally = Tally::default();
        sales.iter().fold(Exact::default(), |sum, sale| {
            let owed = tiers.owes(usd(*sale), tally, &mut |_| ()).unwrap();
            tally = tally.and(usd(*sale)).unwrap();
            sum.plus(owed).unwrap()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        /// Law 6.
        #[test]
        fn marginal_tiers_are_monotone_and_do_not_care_how_sales_are_split(
            tiers in any_tiers(),
            sales in prop::collection::vec(0..20_000_i64, 1..8),
        ) {
            let whole: i64 = sales.iter().sum();
            let split = owed(&tiers, &sales);
            prop_assert_eq!(split, owed(&tiers, &[whole]));
            prop_assert!(owed(&tiers, &[whole + 1]) >= split);
            prop_assert!(Exact::default() <= split && split <= Exact::part(percent(100_000_000), whole));
            let mut reversed = sales.clone();
            reversed.reverse();
            prop_assert_eq!(owed(&tiers, &reversed), split);
        }
    }
}
