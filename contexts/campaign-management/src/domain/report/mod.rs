//! How a campaign did in a period: figures, what they are compared with, and what follows from them.
//!
//! All of it is a function of sums; the same sums make the same report.

mod finding;
mod findings;
mod period;
mod renewal;
mod totals;
mod trend;

use hexalpes_kernel::{Amount, Currency};

pub use finding::{Evidence, Finding, FindingKind, Weight};
pub use findings::recommended;
pub use period::{Granularity, Period};
pub use renewal::Renewal;
pub use totals::{Figure, MINOR_MAX, Totals};
pub use trend::{Direction, Trend, trend};

use super::{Achievement, Budget, Day, Flight, Pace, Targets, exact};

/// Other campaigns in the same currency and the same days, together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Others {
    /// How many of them there are of which anything is known.
    pub campaigns: i64,
    pub totals: Totals,
}

/// With whom a campaign is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peers {
    /// The partner's other campaigns, where there are any; else those of all partners.
    Partner,
    Tenant,
    /// There are none.
    Nobody,
}

impl Peers {
    pub fn name(self) -> &'static str {
        match self {
            Self::Partner => "partner",
            Self::Tenant => "tenant",
            Self::Nobody => "none",
        }
    }
}

/// What a report is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    pub currency: Currency,
    pub flight: Flight,
    pub targets: Targets,
    pub period: Period,
    /// The days of the period on which anything happened, in order.
    pub days: Vec<(Day, Totals)>,
    /// The equal period before.
    pub previous: Totals,
    /// From the beginning until the period's end.
    pub to_date: Totals,
    pub of_partner: Others,
    pub of_tenant: Others,
    /// How the budgets stand when the report is made.
    pub budgets: Vec<(Budget, Pace)>,
}

/// A figure now and before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compared {
    pub figure: Figure,
    pub current: Option<Amount>,
    pub before: Option<Amount>,
    /// `None` where either is absent.
    pub change: Option<Amount>,
    /// Of what it was before, with two decimals; `None` where that was nothing.
    pub change_percent: Option<Amount>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub period: Period,
    pub currency: Currency,
    pub summary: Totals,
    /// Days on which anything happened.
    pub active_days: usize,
    pub achievements: Vec<Achievement>,
    pub previous: Totals,
    pub comparison: Vec<Compared>,
    pub peers: Peers,
    pub peer_campaigns: i64,
    pub benchmark: Vec<Compared>,
    pub trends: Vec<(Figure, Trend)>,
    pub insights: Vec<Finding>,
    pub suggestions: Vec<Finding>,
    pub risks: Vec<Finding>,
}

impl Report {
    pub fn of(input: &Input) -> Self {
        let Input { currency, period, previous, .. } = *input;
        let summary = input.days.iter().fold(Totals::default(), |sum, (_, day)| sum.plus(*day));
        let compare = |figures: &[Figure], before: Totals| -> Vec<Compared> {
            figures.iter().map(|figure| compared(*figure, summary, before, currency)).collect()
        };
        let (peers, others) = match (input.of_partner, input.of_tenant) {
            (of_partner, _) if of_partner.campaigns > 0 => (Peers::Partner, of_partner),
            (_, of_tenant) if of_tenant.campaigns > 0 => (Peers::Tenant, of_tenant),
            _ => (Peers::Nobody, Others::default()),
        };
        let benchmark =
            if peers == Peers::Nobody { Vec::new() } else { compare(&Figure::RATIOS, others.totals) };
        let mut report = Self {
            period,
            currency,
            summary,
            active_days: input.days.iter().filter(|(_, day)| !day.is_nothing()).count(),
            achievements: input.targets.achieved_by(&input.to_date),
            previous,
            comparison: compare(&[Figure::SUMS, Figure::RATIOS].concat(), previous),
            peers,
            peer_campaigns: others.campaigns,
            benchmark,
            trends: trends(input),
            insights: Vec::new(),
            suggestions: Vec::new(),
            risks: Vec::new(),
        };
        report.insights = findings::insights(&report, input);
        report.suggestions = findings::suggestions(&report, input);
        report.risks = findings::risks(&report, input);
        report
    }
}

fn trends(input: &Input) -> Vec<(Figure, Trend)> {
    let value = |figure: Figure, totals: &Totals| match figure {
        Figure::Impressions => totals.impressions,
        Figure::Clicks => totals.clicks,
        Figure::Leads => totals.leads,
        Figure::Conversions => totals.conversions,
        Figure::Revenue => totals.revenue_minor,
        _ => totals.spend_minor,
    };
    let of = |figure: Figure| {
        let mut values = vec![0; usize::try_from(input.period.days()).unwrap_or(0)];
        for (day, totals) in &input.days {
            let place = usize::try_from(input.period.start.until(*day)).ok();
            if let Some(slot) = place.and_then(|place| values.get_mut(place)) {
                *slot = value(figure, totals);
            }
        }
        let mut trend = trend(&values)?;
        if matches!(figure, Figure::Spend | Figure::Revenue) {
            // Slopes of money are told in major units.
            let slope = trend.slope_per_day;
            trend.slope_per_day = Amount::new(slope.mantissa(), slope.scale() + input.currency.exponent());
        }
        Some((figure, trend))
    };
    Figure::SUMS.into_iter().filter_map(of).collect()
}

fn compared(figure: Figure, now: Totals, then: Totals, currency: Currency) -> Compared {
    let (current, before) = (figure.of(now, currency), figure.of(then, currency));
    let both = current.zip(before).and_then(|(current, before)| {
        let scale = current.scale().max(before.scale());
        let whole =
            |amount: Amount| amount.mantissa().checked_mul(10_i128.checked_pow(scale - amount.scale())?);
        Some((whole(current)?.checked_sub(whole(before)?)?, whole(before)?, scale))
    });
    Compared {
        figure,
        current,
        before,
        change: both.map(|(change, _, scale)| Amount::new(change, scale)),
        change_percent: both
            .and_then(|(change, before, _)| exact::ratio(change.checked_mul(100)?, before.checked_abs()?, 2)),
    }
}
