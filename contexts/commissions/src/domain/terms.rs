//! How a program pays out in one currency: the minimum, the way, and when.

use hexalpes_kernel::{Currency, Money, Timestamp};

use super::{Method, ProgramId};

/// When payouts are made by themselves. Days are those of UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schedule {
    Manual,
    /// On a day of the week: 1 is Monday.
    Weekly {
        weekday: u8,
    },
    /// On a day of the month, 1 to 28.
    Monthly {
        day: u8,
    },
}

impl Schedule {
    pub fn name(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Weekly { .. } => "weekly",
            Self::Monthly { .. } => "monthly",
        }
    }

    /// The day that it names; 0 for none.
    pub fn day(self) -> u8 {
        match self {
            Self::Manual => 0,
            Self::Weekly { weekday } => weekday,
            Self::Monthly { day } => day,
        }
    }

    /// Puts a schedule together; `None` if there is no such day.
    pub fn of(name: &str, day: Option<u8>) -> Option<Self> {
        match (name, day) {
            ("manual", _) => Some(Self::Manual),
            ("weekly", Some(weekday @ 1..=7)) => Some(Self::Weekly { weekday }),
            ("monthly", Some(day @ 1..=28)) => Some(Self::Monthly { day }),
            _ => None,
        }
    }

    /// Whether a payout is due, after one that was made for `last_run` or before.
    pub fn is_due(self, now: Timestamp, last_run: Option<&str>) -> bool {
        // Days that are written so are in order as texts are.
        self.last_due(now).is_some_and(|day| last_run.is_none_or(|last| last < day.as_str()))
    }

    /// The last day until now on which a payout was due, as `2025-01-15`; `None` where nothing is.
    pub fn last_due(self, now: Timestamp) -> Option<String> {
        const DAY: std::time::Duration = std::time::Duration::from_hours(24);
        let is_due = |at: Timestamp| match self {
            Self::Manual => false,
            Self::Weekly { weekday } => at.weekday() == weekday,
            Self::Monthly { day } => at.date().2 == day,
        };
        // A month has 31 days at most.
        let days = (0..32).map(|days| now.before(DAY * days));
        let due = days.into_iter().find(|at| is_due(*at))?;
        let (year, month, day) = due.date();
        Some(format!("{year:04}-{month:02}-{day:02}"))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    pub program: ProgramId,
    /// In the currency that the terms are for. No line is below it.
    pub minimum: Money,
    pub method: Method,
    pub schedule: Schedule,
    /// Where lines are sent to, for the method that sends.
    pub endpoint: Option<String>,
}

impl Terms {
    /// What holds where nobody said anything: no minimum, a file, when somebody asks.
    pub fn unsaid(program: ProgramId, currency: Currency) -> Self {
        let minimum = Money::zero(currency);
        Self { program, minimum, method: Method::File, schedule: Schedule::Manual, endpoint: None }
    }

    pub fn currency(&self) -> Currency {
        self.minimum.currency()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last_due(schedule: Schedule, now: &str) -> Option<String> {
        schedule.last_due(Timestamp::parse(now).unwrap())
    }

    #[test]
    fn the_last_day_on_which_a_payout_was_due_is_found() {
        // 2025-01-15 is a Wednesday.
        let wednesday = "2025-01-15T00:00:00Z";
        for (schedule, due) in [
            (Schedule::Weekly { weekday: 3 }, "2025-01-15"),
            (Schedule::Weekly { weekday: 4 }, "2025-01-09"),
            (Schedule::Monthly { day: 15 }, "2025-01-15"),
            (Schedule::Monthly { day: 16 }, "2024-12-16"),
            (Schedule::Monthly { day: 28 }, "2024-12-28"),
        ] {
            assert_eq!(last_due(schedule, wednesday).as_deref(), Some(due), "{schedule:?}");
        }
        assert_eq!(last_due(Schedule::Manual, wednesday), None);
        assert_eq!(
            last_due(Schedule::Monthly { day: 1 }, "2025-03-31T23:59:59Z").as_deref(),
            Some("2025-03-01")
        );
    }

    #[test]
    fn there_are_schedules_of_days_that_there_are() {
        assert_eq!(Schedule::of("weekly", Some(7)), Some(Schedule::Weekly { weekday: 7 }));
        assert_eq!((Schedule::of("weekly", Some(8)), Schedule::of("monthly", Some(29))), (None, None));
        assert_eq!((Schedule::of("monthly", None), Schedule::of("daily", None)), (None, None));
    }
}
