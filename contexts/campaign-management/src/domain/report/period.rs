//! Which days a report is about.

use super::super::Day;

/// How long the periods of reports are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Granularity {
    Daily,
    /// From Monday to Sunday.
    Weekly,
    /// From the first to the last of a month.
    Monthly,
    /// As somebody asked.
    Custom,
}

impl Granularity {
    pub const ALL: [Self; 4] = [Self::Daily, Self::Weekly, Self::Monthly, Self::Custom];
    /// Those that are made by themselves.
    pub const SCHEDULED: [Self; 3] = [Self::Daily, Self::Weekly, Self::Monthly];

    pub fn name(self) -> &'static str {
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

    /// The last period that is over today; `None` where there is no calendar for it.
    pub fn last_before(self, today: Day) -> Option<Period> {
        self.around(self.around(today)?.start.plus(-1))
    }

    /// The period that a day lies in; `None` where there is no calendar for it.
    pub fn around(self, day: Day) -> Option<Period> {
        let (start, end) = match self {
            Self::Daily => (day, day.plus(1)),
            Self::Weekly => {
                let monday = day.plus(1 - i64::from(day.weekday()));
                (monday, monday.plus(7))
            }
            Self::Monthly => {
                let first = first_of_month(day);
                (first, first_of_month(first.plus(31)))
            }
            Self::Custom => return None,
        };
        Some(Period { start, end })
    }

    /// The periods whose reports tell of a day: the one that it lies in first, then those that are compared with it.
    pub fn telling_of(self, day: Day) -> Vec<Period> {
        let own = self.around(day);
        let next = |period: &Period| self.around(period.end).filter(|next| next.previous().start <= day);
        std::iter::successors(own, next).collect()
    }
}

fn first_of_month(day: Day) -> Day {
    let (_, _, of_month) = day.start().date();
    day.plus(1 - i64::from(of_month))
}

/// Days from the first until before `end`: one at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    pub start: Day,
    /// The first day that is not in it.
    pub end: Day,
}

impl Period {
    pub fn days(self) -> i64 {
        self.start.until(self.end)
    }

    /// As many days, just before.
    pub fn previous(self) -> Self {
        Self { start: self.start.plus(-self.days()), end: self.start }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_follow_the_calendar() {
        // A Wednesday.
        let today = Day::parse("2025-01-15").unwrap();
        let told = |granularity: Granularity| {
            granularity.last_before(today).map(|period| format!("{} {}", period.start, period.end))
        };
        assert_eq!(told(Granularity::Daily).unwrap(), "2025-01-14 2025-01-15");
        assert_eq!(told(Granularity::Weekly).unwrap(), "2025-01-06 2025-01-13");
        assert_eq!(told(Granularity::Monthly).unwrap(), "2024-12-01 2025-01-01");
        assert_eq!(told(Granularity::Custom), None);
        let week = Granularity::Weekly.last_before(today).unwrap();
        assert_eq!((week.days(), week.previous().start.to_string()), (7, "2024-12-30".to_owned()));
        let february = Granularity::Monthly.around(Day::parse("2024-02-29").unwrap()).unwrap();
        assert_eq!((february.start.to_string(), february.days()), ("2024-02-01".to_owned(), 29));
        assert_eq!(Granularity::Monthly.around(february.start), Some(february));
        assert_eq!(Granularity::Weekly.around(week.start), Some(week));
    }

    #[test]
    fn a_day_is_told_of_in_its_own_period_and_in_those_that_are_compared_with_it() {
        let told = |granularity: Granularity, day: &str| -> Vec<String> {
            let periods = granularity.telling_of(Day::parse(day).unwrap());
            periods.iter().map(|period| period.start.to_string()).collect()
        };
        assert_eq!(told(Granularity::Daily, "2025-01-15"), ["2025-01-15", "2025-01-16"]);
        assert_eq!(told(Granularity::Weekly, "2025-01-15"), ["2025-01-13", "2025-01-20"]);
        // As many days before: February is compared with those from the 4th of January on, March from the 29th on.
        assert_eq!(told(Granularity::Monthly, "2025-01-03"), ["2025-01-01"]);
        assert_eq!(told(Granularity::Monthly, "2025-01-15"), ["2025-01-01", "2025-02-01"]);
        assert_eq!(told(Granularity::Monthly, "2025-01-30"), ["2025-01-01", "2025-02-01", "2025-03-01"]);
        assert_eq!(told(Granularity::Custom, "2025-01-15"), Vec::<String>::new());
    }
}
