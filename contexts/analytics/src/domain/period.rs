//! Which days a report is about, and what these are called: a day, a week, a month as ISO 8601 has them, or any days.

use super::Day;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Granularity {
    Daily,
    /// From Monday to Sunday.
    Weekly,
    /// From the first to the last of a month.
    Monthly,
    /// Any days. Such periods may overlap, so they are never added up.
    Custom,
}

impl Granularity {
    pub const ALL: [Self; 4] = [Self::Daily, Self::Weekly, Self::Monthly, Self::Custom];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Daily => "DAILY",
            Self::Weekly => "WEEKLY",
            Self::Monthly => "MONTHLY",
            Self::Custom => "CUSTOM",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }
}

/// Days from the first until before `end`: one at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    granularity: Granularity,
    start: Day,
    end: Day,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    #[error("it has no day: end must be after start")]
    Empty,
    #[error(
        "must be a day such as 2025-01-15, a week such as 2025-W03, a month such as 2025-01, or days such as \
         2025-01-01--2025-01-08, of which the last is not in it"
    )]
    NoName,
}

impl Period {
    /// As a report says it. Days that are no day, week or month, whatever is said of them, are any days.
    pub fn of(granularity: Option<Granularity>, start: Day, end: Day) -> Result<Self, PeriodError> {
        if end <= start {
            return Err(PeriodError::Empty);
        }
        let told = granularity.and_then(|granularity| Self::beginning(granularity, start));
        let fits = told.filter(|period| period.end == end);
        Ok(fits.unwrap_or(Self { granularity: Granularity::Custom, start, end }))
    }

    /// The calendar's period that begins with a day, if one does.
    fn beginning(granularity: Granularity, start: Day) -> Option<Self> {
        let end = match granularity {
            Granularity::Daily => start.plus(1),
            Granularity::Weekly => start.plus(7).filter(|_| start.weekday() == 1),
            Granularity::Monthly => {
                let within_next = start.plus(31).filter(|_| start.date().2 == 1)?;
                within_next.plus(1 - i64::from(within_next.date().2))
            }
            Granularity::Custom => None,
        };
        Some(Self { granularity, start, end: end? })
    }

    /// Reads what [`Period::name`] gives.
    pub fn parse(name: &str) -> Result<Self, PeriodError> {
        let period = if let Some((start, end)) = name.split_once("--") {
            let days = Day::parse(start).ok().zip(Day::parse(end).ok());
            days.and_then(|(start, end)| Self::of(None, start, end).ok())
        } else if let Some((year, week)) = name.split_once("-W") {
            monday(year, week).and_then(|monday| Self::beginning(Granularity::Weekly, monday))
        } else if let Ok(day) = Day::parse(name) {
            Self::beginning(Granularity::Daily, day)
        } else {
            let first = Day::parse(&format!("{name}-01")).ok();
            first.and_then(|first| Self::beginning(Granularity::Monthly, first))
        };
        // Nothing has two names, so that no two rows are of one period.
        period.filter(|period| period.name() == name).ok_or(PeriodError::NoName)
    }

    /// What it is called: `2025-01-15`, `2025-W03`, `2025-01`, `2025-01-01--2025-01-08`.
    pub fn name(self) -> String {
        let Self { granularity, start, end } = self;
        match granularity {
            Granularity::Daily => start.to_string(),
            Granularity::Weekly => week_of(start),
            Granularity::Monthly => {
                let (year, month, _) = start.date();
                format!("{year:04}-{month:02}")
            }
            Granularity::Custom => format!("{start}--{end}"),
        }
    }

    pub fn granularity(self) -> Granularity {
        self.granularity
    }

    pub fn start(self) -> Day {
        self.start
    }

    /// The first day that is not in it.
    pub fn end(self) -> Day {
        self.end
    }

    pub fn days(self) -> i64 {
        self.start.until(self.end)
    }
}

/// The year of a week is that of its Thursday (ISO 8601).
fn week_of(monday: Day) -> String {
    let thursday = monday.plus(3).unwrap_or(monday);
    let (year, ..) = thursday.date();
    let first = Day::parse(&format!("{year:04}-01-01")).unwrap_or(thursday);
    format!("{year:04}-W{:02}", first.until(thursday) / 7 + 1)
}

/// The 4th of January is in the first week of its year.
fn monday(year: &str, week: &str) -> Option<Day> {
    let fourth = Day::parse(&format!("{year}-01-04")).ok()?;
    let week: i64 = week.parse().ok()?;
    fourth.plus(week.checked_sub(1)?.checked_mul(7)?)?.plus(1 - fourth.weekday())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]
mod tests {
    use super::*;

    fn days(name: &str) -> String {
        let period = Period::parse(name).unwrap();
        format!("{} {} {}", period.granularity().name(), period.start(), period.end())
    }

    #[test]
    fn a_period_is_known_by_its_name() {
        assert_eq!(days("2025-01-15"), "DAILY 2025-01-15 2025-01-16");
        assert_eq!(days("2025-W03"), "WEEKLY 2025-01-13 2025-01-20");
        assert_eq!(days("2025-W01"), "WEEKLY 2024-12-30 2025-01-06");
        assert_eq!(days("2020-W53"), "WEEKLY 2020-12-28 2021-01-04");
        assert_eq!(days("2024-02"), "MONTHLY 2024-02-01 2024-03-01");
        assert_eq!(days("2024-12"), "MONTHLY 2024-12-01 2025-01-01");
        assert_eq!(days("2025-01-15--2025-01-18"), "CUSTOM 2025-01-15 2025-01-18");
        assert_eq!(Period::parse("2025-01-15--2025-01-18").unwrap().days(), 3);
    }

    #[test]
    fn what_names_no_period_is_refused() {
        for name in [
            "",
            "2025",
            "2025-13",
            "2025-00",
            "2025-02-30",
            "2025-W00",
            "2025-W54",
            "2021-W53",
            "2025-W3",
            "2025-w03",
            "2025-01-18--2025-01-18",
            "2025-01-18--2025-01-15",
            "2025-1-5",
            "ñññññ",
            "2025-W",
            "--",
            "9999-12-31",
            "2025-W+1",
            "2025-01-15T00",
        ] {
            assert_eq!(Period::parse(name), Err(PeriodError::NoName), "{name}");
        }
    }

    #[test]
    fn days_that_the_calendar_does_not_have_so_are_any_days() {
        let name = |granularity, start, end| {
            let day = |text| Day::parse(text).unwrap();
            Period::of(granularity, day(start), day(end)).map(Period::name)
        };
        let (daily, weekly, monthly) = (Granularity::Daily, Granularity::Weekly, Granularity::Monthly);
        assert_eq!(name(Some(daily), "2025-01-15", "2025-01-16").unwrap(), "2025-01-15");
        assert_eq!(name(Some(weekly), "2025-01-13", "2025-01-20").unwrap(), "2025-W03");
        assert_eq!(name(Some(monthly), "2025-01-01", "2025-02-01").unwrap(), "2025-01");
        for granularity in [None, Some(weekly), Some(monthly), Some(Granularity::Custom)] {
            let name = name(granularity, "2025-01-15", "2025-01-22");
            assert_eq!(name.unwrap(), "2025-01-15--2025-01-22", "{granularity:?}");
        }
        assert_eq!(name(None, "2025-01-15", "2025-01-15"), Err(PeriodError::Empty));
    }
}
