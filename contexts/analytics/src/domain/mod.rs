//! What a report says, about which days, and what follows from its numbers. Nothing here knows of SQL, JSON or threads.

mod campaign;
mod day;
mod figures;
mod ids;
mod period;
mod report;

pub use campaign::Campaign;
pub use day::{Day, DayError};
pub use figures::{FIGURE_MAX, Figures};
pub use ids::{CampaignId, PartnerId, ReportId};
pub use period::{Granularity, Period, PeriodError};
pub use report::{AsOf, Report};
