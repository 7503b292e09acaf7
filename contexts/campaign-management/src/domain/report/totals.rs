//! Sums of what happened, and the ratios that follow from them.

use hexalpes_kernel::{Amount, Currency};

use super::super::exact;

/// More in one entry, one result, one budget or a day's revenue is a mistake: it could not be summed.
pub const MINOR_MAX: i64 = 1_000_000_000_000_000;

/// Of one campaign or of several in one currency, on some days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub impressions: i64,
    pub clicks: i64,
    pub leads: i64,
    pub conversions: i64,
    pub revenue_minor: i64,
    pub spend_minor: i64,
}

impl Totals {
    pub fn plus(self, other: Self) -> Self {
        Self {
            impressions: self.impressions.saturating_add(other.impressions),
            clicks: self.clicks.saturating_add(other.clicks),
            leads: self.leads.saturating_add(other.leads),
            conversions: self.conversions.saturating_add(other.conversions),
            revenue_minor: self.revenue_minor.saturating_add(other.revenue_minor),
            spend_minor: self.spend_minor.saturating_add(other.spend_minor),
        }
    }

    /// As [`Totals::plus`]; `None` where it is more than a day can have: no report could add up such days.
    pub fn checked_plus(self, other: Self) -> Option<Self> {
        let sum = Self {
            impressions: self.impressions.checked_add(other.impressions)?,
            clicks: self.clicks.checked_add(other.clicks)?,
            leads: self.leads.checked_add(other.leads)?,
            conversions: self.conversions.checked_add(other.conversions)?,
            revenue_minor: self.revenue_minor.checked_add(other.revenue_minor)?,
            spend_minor: self.spend_minor.checked_add(other.spend_minor)?,
        };
        (sum.revenue_minor.unsigned_abs() <= MINOR_MAX.unsigned_abs()).then_some(sum)
    }

    pub fn is_nothing(self) -> bool {
        self == Self::default()
    }

    /// What came in, less what was spent.
    pub fn profit_minor(self) -> i64 {
        self.revenue_minor.saturating_sub(self.spend_minor)
    }

    /// Clicks of impressions.
    pub fn ctr_percent(self) -> Option<Amount> {
        exact::percent(self.clicks.into(), self.impressions.into())
    }

    /// Conversions of clicks.
    pub fn cvr_percent(self) -> Option<Amount> {
        exact::percent(self.conversions.into(), self.clicks.into())
    }

    /// (revenue − spend) / spend.
    pub fn roi_percent(self) -> Option<Amount> {
        exact::percent(self.profit_minor().into(), self.spend_minor.into())
    }

    /// revenue / spend.
    pub fn roas(self) -> Option<Amount> {
        exact::ratio(self.revenue_minor.into(), self.spend_minor.into(), 4)
    }

    /// What a click cost, in major units with four decimals.
    pub fn cpc(self, currency: Currency) -> Option<Amount> {
        unit(self.spend_minor, self.clicks, currency)
    }

    /// What a conversion cost.
    pub fn cpa(self, currency: Currency) -> Option<Amount> {
        unit(self.spend_minor, self.conversions, currency)
    }

    /// What a lead cost.
    pub fn cpl(self, currency: Currency) -> Option<Amount> {
        unit(self.spend_minor, self.leads, currency)
    }

    /// What a thousand impressions cost.
    pub fn cpm(self, currency: Currency) -> Option<Amount> {
        let dividend = i128::from(self.spend_minor) * 1_000;
        exact::ratio(dividend, i128::from(self.impressions) * scale(currency), 4)
    }

    /// What a conversion brought.
    pub fn revenue_per_conversion(self, currency: Currency) -> Option<Amount> {
        unit(self.revenue_minor, self.conversions, currency)
    }
}

fn scale(currency: Currency) -> i128 {
    10_i128.pow(currency.exponent())
}

fn unit(minor: i64, count: i64, currency: Currency) -> Option<Amount> {
    exact::ratio(minor.into(), i128::from(count) * scale(currency), 4)
}

/// A number that is compared and followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Figure {
    Impressions,
    Clicks,
    Leads,
    Conversions,
    Spend,
    Revenue,
    Ctr,
    Cvr,
    Cpc,
    Cpa,
    Roi,
    Roas,
}

impl Figure {
    pub const SUMS: [Self; 6] =
        [Self::Impressions, Self::Clicks, Self::Leads, Self::Conversions, Self::Spend, Self::Revenue];
    pub const RATIOS: [Self; 6] = [Self::Ctr, Self::Cvr, Self::Cpc, Self::Cpa, Self::Roi, Self::Roas];

    pub fn name(self) -> &'static str {
        match self {
            Self::Impressions => "impressions",
            Self::Clicks => "clicks",
            Self::Leads => "leads",
            Self::Conversions => "conversions",
            Self::Spend => "spend",
            Self::Revenue => "revenue",
            Self::Ctr => "ctr_percent",
            Self::Cvr => "cvr_percent",
            Self::Cpc => "cpc",
            Self::Cpa => "cpa",
            Self::Roi => "roi_percent",
            Self::Roas => "roas",
        }
    }

    /// Whether less of it is better.
    pub fn is_cost(self) -> bool {
        matches!(self, Self::Cpc | Self::Cpa)
    }

    pub fn of(self, totals: Totals, currency: Currency) -> Option<Amount> {
        let count = |count: i64| Some(Amount::new(count.into(), 0));
        let money = |minor: i64| Some(Amount::new(minor.into(), currency.exponent()));
        match self {
            Self::Impressions => count(totals.impressions),
            Self::Clicks => count(totals.clicks),
            Self::Leads => count(totals.leads),
            Self::Conversions => count(totals.conversions),
            Self::Spend => money(totals.spend_minor),
            Self::Revenue => money(totals.revenue_minor),
            Self::Ctr => totals.ctr_percent(),
            Self::Cvr => totals.cvr_percent(),
            Self::Cpc => totals.cpc(currency),
            Self::Cpa => totals.cpa(currency),
            Self::Roi => totals.roi_percent(),
            Self::Roas => totals.roas(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_exact_and_absent_where_nothing_divides() {
        let totals = Totals {
            impressions: 30_000,
            clicks: 400,
            leads: 30,
            conversions: 12,
            revenue_minor: 90_000,
            spend_minor: 50_000,
        };
        let told =
            |figure: Figure| figure.of(totals, Currency::USD).map(|amount| amount.to_string()).unwrap();
        assert_eq!(Figure::RATIOS.map(told), ["1.3333", "3", "1.25", "41.6667", "80", "1.8"]);
        assert_eq!(totals.cpm(Currency::USD).unwrap().to_string(), "16.6667");
        // Yen have no cents.
        assert_eq!(totals.cpc(Currency::JPY).unwrap().to_string(), "125");
        assert!(Figure::RATIOS.iter().all(|ratio| ratio.of(Totals::default(), Currency::USD).is_none()));
    }
}
