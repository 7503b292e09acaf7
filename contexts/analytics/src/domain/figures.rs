//! Counts and sums, and the ratios that follow from them: of one report, or of several together. A ratio is always made
//! of the sums, never of other ratios.

use hexalpes_kernel::{Amount, Currency, half_even};

/// More in one report, in either direction, is a mistake: it could not be added up with others.
pub const FIGURE_MAX: i64 = 10_000_000_000_000_000;

/// What happened in one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    pub currency: Currency,
    pub impressions: i64,
    pub clicks: i64,
    pub leads: i64,
    pub conversions: i64,
    pub spend_minor: i64,
    pub revenue_minor: i64,
}

impl Figures {
    /// What came in, less what was spent.
    pub fn profit_minor(self) -> i64 {
        self.revenue_minor.saturating_sub(self.spend_minor)
    }

    /// Profit of spend in percent; `None` where nothing was spent.
    pub fn roi_percent(self) -> Option<Amount> {
        percent(self.profit_minor(), self.spend_minor)
    }

    /// The same in ten-thousandths of a percent: what is compared.
    pub fn roi_ranked(self) -> Option<i64> {
        let exact = (self.spend_minor != 0).then(|| {
            let (profit, spend) = (i128::from(self.profit_minor()), i128::from(self.spend_minor));
            half_even(profit * 1_000_000 * spend.signum(), spend.abs())
        });
        exact.map(|exact| i64::try_from(exact).unwrap_or(if exact < 0 { i64::MIN + 1 } else { i64::MAX }))
    }

    /// Revenue of spend.
    pub fn roas(self) -> Option<Amount> {
        ratio(self.revenue_minor.into(), self.spend_minor.into())
    }

    /// Clicks of impressions.
    pub fn ctr_percent(self) -> Option<Amount> {
        percent(self.clicks, self.impressions)
    }

    /// Conversions of clicks.
    pub fn cvr_percent(self) -> Option<Amount> {
        percent(self.conversions, self.clicks)
    }

    /// What a click cost, in major units.
    pub fn cpc(self) -> Option<Amount> {
        self.each(self.spend_minor, self.clicks)
    }

    /// What a conversion cost.
    pub fn cpa(self) -> Option<Amount> {
        self.each(self.spend_minor, self.conversions)
    }

    /// What a lead cost.
    pub fn cpl(self) -> Option<Amount> {
        self.each(self.spend_minor, self.leads)
    }

    /// What a thousand impressions cost.
    pub fn cpm(self) -> Option<Amount> {
        ratio(i128::from(self.spend_minor) * 1_000, i128::from(self.impressions) * self.scale())
    }

    /// What a conversion brought.
    pub fn revenue_per_conversion(self) -> Option<Amount> {
        self.each(self.revenue_minor, self.conversions)
    }

    fn each(self, minor: i64, count: i64) -> Option<Amount> {
        ratio(minor.into(), i128::from(count) * self.scale())
    }

    fn scale(self) -> i128 {
        10_i128.pow(self.currency.exponent())
    }
}

fn percent(part: i64, whole: i64) -> Option<Amount> {
    ratio(i128::from(part) * 100, whole.into())
}

/// With four decimals, half to even; `None` where there is nothing to divide by.
fn ratio(dividend: i128, divisor: i128) -> Option<Amount> {
    let scaled = dividend.checked_mul(10_000)? * divisor.signum();
    (divisor != 0).then(|| Amount::new(half_even(scaled, divisor.abs()), 4))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]
mod tests {
    use super::*;

    fn figures(currency: &str) -> Figures {
        Figures {
            currency: Currency::parse(currency).unwrap(),
            impressions: 30_000,
            clicks: 600,
            leads: 20,
            conversions: 30,
            spend_minor: 40_000,
            revenue_minor: 150_000,
        }
    }

    #[test]
    fn ratios_follow_from_sums_and_counts() {
        let of = figures("USD");
        let ratios = [of.roi_percent(), of.roas(), of.ctr_percent(), of.cvr_percent()];
        assert_eq!(ratios.map(|one| one.unwrap().to_string()), ["275", "3.75", "2", "5"]);
        let costs = [of.cpc(), of.cpa(), of.cpl(), of.cpm(), of.revenue_per_conversion()];
        assert_eq!(costs.map(|one| one.unwrap().to_string()), ["0.6667", "13.3333", "20", "13.3333", "50"]);
        assert_eq!((of.profit_minor(), of.roi_ranked()), (110_000, Some(2_750_000)));
        // A yen has no hundredths.
        assert_eq!(figures("JPY").cpc().unwrap().to_string(), "66.6667");
    }

    #[test]
    fn there_is_no_ratio_of_nothing_and_extremes_overflow_nothing() {
        let nothing =
            Figures { impressions: 0, clicks: 0, leads: 0, conversions: 0, spend_minor: 0, ..figures("USD") };
        let ratios =
            [nothing.roi_percent(), nothing.roas(), nothing.ctr_percent(), nothing.cpm(), nothing.cpa()];
        assert_eq!((ratios, nothing.roi_ranked()), ([None; 5], None));
        let most = Figures { spend_minor: 1, revenue_minor: i64::MAX, ..figures("USD") };
        let least = Figures { spend_minor: 1, revenue_minor: i64::MIN, ..figures("USD") };
        assert_eq!((most.roi_ranked(), least.roi_ranked()), (Some(i64::MAX), Some(i64::MIN + 1)));
        assert!(most.roi_percent().is_some() && least.cpm().is_some());
    }
}
