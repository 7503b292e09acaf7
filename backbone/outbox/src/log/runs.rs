//! Numbers of many rows in little room.
//!
//! A database gives most rows the number after the one before. Where it does not, it leaves the same out again and again:
//! each number but every seventh on a member of a group of servers, and after each statement that inserts several rows what
//! `MySQL` had reserved for it.

use std::collections::VecDeque;

use sea_query::{Condition, Expr, ExprTrait as _};
use serde::{Deserialize, Serialize};

/// Ranges of one length at one distance from each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Vec<i64>", try_from = "Vec<i64>")]
pub(crate) struct Run {
    from: i64,
    /// Numbers of a range.
    len: i64,
    /// From the beginning of a range to that of the next.
    period: i64,
    /// Ranges.
    times: i64,
}

/// In the order in which they came.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Runs(VecDeque<Run>);

impl Run {
    fn range(from: i64, len: i64) -> Self {
        Self { from, len, period: len, times: 1 }
    }

    /// Its last number.
    fn end(&self) -> i64 {
        self.from + (self.times - 1) * self.period + self.len - 1
    }

    fn rows(&self) -> i64 {
        self.len * self.times
    }

    /// What is left of it without its first ranges.
    fn after(&self, ranges: i64) -> Self {
        Self { from: self.from + ranges * self.period, times: self.times - ranges, ..self.clone() }
    }

    /// Whether the range goes on with it, and is in it now.
    fn goes_on_with(&mut self, range: &Self) -> bool {
        let period = if self.times == 1 { range.from - self.from } else { self.period };
        let goes_on = range.times == 1
            && range.len == self.len
            && period >= self.len
            && range.from == self.from + self.times * period;
        if goes_on {
            (self.period, self.times) = (period, self.times + 1);
        }
        goes_on
    }

    /// That a row's number is in it.
    fn has(&self) -> Condition {
        let seq = || Expr::col("seq");
        let mut has = Condition::all().add(seq().between(self.from, self.end()));
        if self.times > 1 {
            has = has.add(seq().sub(self.from).modulo(self.period).lt(self.len));
        }
        has
    }
}

/// A range is its two ends, and what has more of them all that there is to say.
impl From<Run> for Vec<i64> {
    fn from(run: Run) -> Self {
        match run.times {
            1 => vec![run.from, run.end()],
            _ => vec![run.from, run.len, run.period, run.times],
        }
    }
}

impl TryFrom<Vec<i64>> for Run {
    type Error = &'static str;

    fn try_from(numbers: Vec<i64>) -> Result<Self, Self::Error> {
        match numbers[..] {
            [from, to] if from <= to => Ok(Self::range(from, to - from + 1)),
            [from, len, period, times] if len > 0 && period >= len && times > 0 => {
                Ok(Self { from, len, period, times })
            }
            _ => Err("numbers of rows are two ends, or a beginning, a length, a distance and how many"),
        }
    }
}

impl Runs {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many pieces they are.
    pub(crate) fn pieces(&self) -> usize {
        self.0.len()
    }

    /// The highest of them.
    pub(crate) fn highest(&self) -> Option<i64> {
        self.0.iter().map(Run::end).max()
    }

    fn add(&mut self, seq: i64) {
        if let Some(last) = self.0.back_mut()
            && last.times == 1
            && last.end() + 1 == seq
        {
            *last = Run::range(last.from, last.len + 1);
            return;
        }
        // Nothing comes to the range any more that was last.
        if let Some(range) = self.0.pop_back()
            && !self.0.back_mut().is_some_and(|run| run.goes_on_with(&range))
        {
            self.0.push_back(range);
        }
        self.0.push_back(Run::range(seq, 1));
    }

    /// Takes so many of the rows that came last, unless they are in too many pieces.
    pub(crate) fn take_last(&mut self, rows: u32, pieces: usize) -> Self {
        let (mut taken, mut room) = (VecDeque::new(), i64::from(rows));
        while room > 0 && taken.len() < pieces {
            let Some(mut run) = self.0.pop_back() else { break };
            let whole = room / run.len;
            if whole == 0 {
                let last = run.after(run.times - 1).from;
                if run.times > 1 {
                    self.0.push_back(Run { times: run.times - 1, ..run.clone() });
                }
                let left = run.len - room;
                self.0.push_back(Run::range(last, left));
                run = Run::range(last + left, room);
            } else if whole < run.times {
                let left = run.times - whole;
                self.0.push_back(Run { times: left, ..run.clone() });
                run = run.after(left);
            }
            room -= run.rows();
            taken.push_front(run);
        }
        Self(taken)
    }

    /// That a row's number is among them.
    pub(crate) fn have(&self) -> Condition {
        self.0.iter().fold(Condition::any(), |these, run| these.add(run.has()))
    }
}

impl Extend<i64> for Runs {
    fn extend<I: IntoIterator<Item = i64>>(&mut self, seqs: I) {
        seqs.into_iter().for_each(|seq| self.add(seq));
    }
}

#[cfg(test)]
impl Runs {
    pub(crate) fn of(seqs: impl IntoIterator<Item = i64>) -> Self {
        let mut runs = Self::default();
        runs.extend(seqs);
        runs
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sea_query::{Query, SqliteQueryBuilder};

    use super::*;

    fn numbers(runs: &Runs) -> Vec<i64> {
        let of = |run: &Run| {
            let Run { from, len, period, times } = *run;
            (0..times).flat_map(move |time| (0..len).map(move |at| from + time * period + at))
        };
        runs.0.iter().flat_map(of).collect()
    }

    fn written(runs: &Runs) -> String {
        serde_json::to_string(runs).unwrap()
    }

    #[test]
    fn what_is_left_out_regularly_takes_no_more_room() {
        assert_eq!(written(&Runs::of(1..=1_000_000)), "[[1,1000000]]");
        assert_eq!(
            written(&Runs::of((0..100_000).map(|row| 3 + row * 7))),
            "[[3,1,7,99999],[699996,699996]]"
        );
        let inserted = (0..60_000).filter(|number| number % 15 < 10);
        assert_eq!(written(&Runs::of(inserted)), "[[0,10,15,3999],[59985,59994]]");
    }

    #[test]
    fn what_was_written_before_there_were_runs_is_read() {
        let read: Runs = serde_json::from_str("[[4,9],[20,20]]").unwrap();
        assert_eq!(numbers(&read), [4, 5, 6, 7, 8, 9, 20]);
        for wrong in ["[[9,4]]", "[[1,2,1,4]]", "[[1]]", "[[1,0,1,1]]"] {
            serde_json::from_str::<Runs>(wrong).unwrap_err();
        }
    }

    #[test]
    fn a_row_is_looked_for_by_ends_and_distance() {
        let select = |runs: Runs| {
            Query::select().column("id").from("t").cond_where(runs.have()).to_string(SqliteQueryBuilder)
        };
        assert_eq!(
            select(Runs::of([1, 2, 10, 17, 24, 31, 31])),
            concat!(
                r#"SELECT "id" FROM "t" WHERE ("seq" BETWEEN 1 AND 2)"#,
                r#" OR (("seq" BETWEEN 10 AND 31) AND ("seq" - 10) % 7 < 1)"#,
                r#" OR ("seq" BETWEEN 31 AND 31)"#
            )
        );
    }

    proptest! {
        #[test]
        fn none_is_lost_and_none_is_made_up(
            steps in prop::collection::vec(prop_oneof![8 => 1..=2_i64, 2 => 3..=9_i64, 1 => -5..=-1_i64], 0..200),
            rows in 1..=30_u32,
            pieces in 1..=5_usize,
        ) {
            let seqs: Vec<i64> = steps
                .iter()
                .scan(1_000, |seq, step| {
                    *seq += step;
                    Some(*seq)
                })
                .collect();
            let mut left = Runs::of(seqs.iter().copied());
            prop_assert_eq!(numbers(&left), seqs.clone());
            prop_assert_eq!(left.highest(), seqs.iter().copied().max());
            let read: Runs = serde_json::from_str(&written(&left)).unwrap();
            prop_assert_eq!(&read, &left);
            let mut taken = Vec::new();
            while !left.is_empty() {
                let some = left.take_last(rows, pieces);
                let many = numbers(&some).len();
                prop_assert!(many > 0 && many <= usize::try_from(rows).unwrap() && some.pieces() <= pieces);
                taken.splice(0..0, numbers(&some));
            }
            prop_assert_eq!(taken, seqs);
        }
    }
}
