//! How a partner does: what is counted of what others told, each thing once by its own id.

use hexalpes_kernel::{Money, Timestamp};

use super::{
    AlertId, AlertType, CampaignId, CandidateId, Day, HiringId, JobId, Json, MatchId, PartnerId, ReportId,
    RequestId,
};

/// A candidate fits what a partner looks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    pub id: MatchId,
    pub partner: PartnerId,
    pub request: Option<RequestId>,
    pub job: JobId,
    pub candidate: CandidateId,
    /// Basis points, 0 to 10,000.
    pub score_bp: i64,
    pub rank: i64,
    /// A JSON object: `es`, `en`.
    pub explanation: Json,
    pub at: Timestamp,
}

/// Somebody was hired for a partner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hire {
    pub id: HiringId,
    pub partner: PartnerId,
    pub request: Option<RequestId>,
    pub job: JobId,
    pub candidate: CandidateId,
    pub job_title: String,
    pub employment_type: String,
    pub start_date: String,
    /// Days from request to hire (C-16); `None`: they make no sense.
    pub days: Option<u32>,
    pub cost: Money,
    pub at: Timestamp,
}

/// How a campaign did in the newest period that was told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    pub campaign: CampaignId,
    pub partner: PartnerId,
    pub report: ReportId,
    pub start: Day,
    /// The first day after it.
    pub end: Day,
    /// JSON objects, as they were told.
    pub summary: Json,
    pub kpis: Json,
    pub roi: Json,
    pub at: Timestamp,
}

impl Figures {
    /// What makes one newer than another of the same campaign: a later end, then a shorter period, and of one period what
    /// was made later.
    pub fn newness(&self) -> (&Day, &Day, Timestamp, &ReportId) {
        (&self.end, &self.start, self.at, &self.report)
    }
}

/// Spend came to a share of a campaign's budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    pub id: AlertId,
    pub partner: PartnerId,
    pub campaign: CampaignId,
    pub kind: AlertType,
    pub budget: BudgetAt,
    /// Basis points of the limit.
    pub reached_bp: i64,
    pub spend: Money,
    pub limit: Money,
    pub at: Timestamp,
}

/// Which budget of a campaign, as it was then. An alert is over when one comes of a later version or day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetAt {
    /// `DAILY`, `TOTAL` or `LIFETIME`.
    pub kind: String,
    pub version: i64,
    /// Of a daily budget; else empty.
    pub day: String,
}

/// Requests by their state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestCounts {
    pub open: u64,
    pub matched: u64,
    pub filled: u64,
    pub cancelled: u64,
    pub expired: u64,
}

/// All of a partner's figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metrics {
    pub contracts_activated: u64,
    pub hires: u64,
    /// Days from request to hire, summed over the hires that have them.
    pub days_sum: u64,
    pub days_count: u64,
    /// What the hires cost, by currency.
    pub costs: Vec<Money>,
    pub requests: RequestCounts,
    pub matched: u64,
    pub campaigns: Vec<Figures>,
    /// Those that nobody acknowledged and no later version of the budget overtook.
    pub open_alerts: Vec<Alert>,
}

impl Metrics {
    /// Hundredths of a day, rounded half up; `None` before the first hire (C-15).
    pub fn average_hundredths(&self) -> Option<u64> {
        (self.days_count > 0).then(|| (200 * self.days_sum + self.days_count) / (2 * self.days_count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(days: &[u64]) -> Option<u64> {
        let metrics = Metrics {
            contracts_activated: 0,
            hires: 0,
            days_sum: days.iter().sum(),
            days_count: days.len() as u64,
            costs: Vec::new(),
            requests: RequestCounts::default(),
            matched: 0,
            campaigns: Vec::new(),
            open_alerts: Vec::new(),
        };
        metrics.average_hundredths()
    }

    /// Accepts C-15.
    #[test]
    fn the_average_is_of_all_hires_and_not_of_the_last() {
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[30, 10]), Some(2000));
        assert_eq!(of(&[1, 1, 0]), Some(67));
        assert_eq!(of(&[0]), Some(0));
    }
}
