//! What is kept of a topic: all that a subscription has not acked, and of the rest as much as its namespace says.
//!
//! Entries go by whole segments, oldest first, and never the newest segment. As with Pulsar, what everybody has acked
//! goes at once where nothing is said.

use hexalpes_log::{Position, SegmentInfo};
use serde::Deserialize;
use serde_json::Value;

const MS_PER_MINUTE: u64 = 60_000;
const BYTES_PER_MB: u64 = 1 << 20;

/// How long, and how much. None is without limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Retention {
    time_ms: Option<u64>,
    bytes: Option<u64>,
}

impl Retention {
    /// As a Pulsar that nobody configured.
    const NOTHING: Self = Self { time_ms: Some(0), bytes: Some(0) };

    /// Reads the policy, as it is set for a topic or its namespace.
    pub(crate) fn of(set: Option<&Value>) -> Self {
        #[derive(Deserialize)]
        struct Set {
            #[serde(rename = "retentionTimeInMinutes")]
            minutes: i64,
            #[serde(rename = "retentionSizeInMB")]
            megabytes: i64,
        }
        // It was checked when it was set; below zero is without limit.
        let set = set.and_then(|set| Set::deserialize(set).ok());
        set.map_or(Self::NOTHING, |set| Self {
            time_ms: u64::try_from(set.minutes).ok().map(|minutes| minutes.saturating_mul(MS_PER_MINUTE)),
            bytes: u64::try_from(set.megabytes).ok().map(|megabytes| megabytes.saturating_mul(BYTES_PER_MB)),
        })
    }

    /// Whether a topic that nobody has used for so long is kept for what it still holds.
    pub(crate) fn keeps_for(self, unused_ms: u64) -> bool {
        self.time_ms.is_none_or(|keep| unused_ms < keep)
    }

    /// Before which position entries may go, given where the slowest subscription is; none if none may.
    pub(crate) fn keeps_from(
        self,
        segments: &[SegmentInfo],
        slowest: Option<Position>,
        now_ms: u64,
    ) -> Option<Position> {
        let (_, old) = segments.split_last()?;
        let mut left: u64 = segments.iter().map(|segment| segment.bytes).sum();
        let mut gone = 0;
        for segment in old {
            let is_acked = slowest.is_none_or(|mark| segment.ledger < mark.ledger);
            let is_over_time =
                self.time_ms.is_some_and(|keep| segment.stamp_max.saturating_add(keep) < now_ms);
            let is_over_size = self.bytes.is_some_and(|keep| left >= keep);
            if !is_acked || !(is_over_time || is_over_size) {
                break;
            }
            left -= segment.bytes;
            gone += 1;
        }
        (gone > 0).then(|| Position::new(segments[gone].ledger, 0))
    }
}

#[cfg(test)]
mod tests {
    use std::{
        path::Path,
        sync::{Arc, mpsc},
    };

    use hexalpes_files::{Files, ForgetfulFiles};
    use hexalpes_log::{Appended, FileError, Log, Options, Receipts, TopicId};
    use serde_json::json;

    use super::*;

    const MINUTE: u64 = MS_PER_MINUTE;

    struct Done(mpsc::Sender<()>);

    impl Receipts for Done {
        fn synced(&self, appended: &[Appended]) {
            for _ in appended {
                self.0.send(()).unwrap();
            }
        }

        fn failed(&self, _: &[Appended], cause: &FileError) {
            panic!("{cause}");
        }
    }

    /// Five segments of one entry of half a megabyte each, stamped a minute apart.
    fn segments() -> Vec<SegmentInfo> {
        let files: Arc<dyn Files> = Arc::new(ForgetfulFiles::new());
        let options = Options { segment_entries: 1, ..Options::default() };
        let (log, _) = Log::open(&files, Path::new("/log"), options).unwrap();
        let (send, receive) = mpsc::channel();
        let receipts: Arc<dyn Receipts> = Arc::new(Done(send));
        let half = vec![0; 512 << 10];
        for minute in 0..5 {
            log.append(TopicId(1), minute * MINUTE, &[&half], &receipts, 0).unwrap();
            log.commit_now();
        }
        assert_eq!(receive.iter().take(5).count(), 5);
        log.segments(TopicId(1))
    }

    fn retention(minutes: i64, megabytes: i64) -> Retention {
        let set = json!({ "retentionTimeInMinutes": minutes, "retentionSizeInMB": megabytes });
        Retention::of(Some(&set))
    }

    /// How many of the five go, after six minutes.
    fn gone(retention: Retention, acked: Option<usize>) -> usize {
        let segments = segments();
        let slowest = acked
            .map(|acked| segments.get(acked).map_or(Position::EARLIEST, |at| Position::new(at.ledger, 0)));
        let from = retention.keeps_from(&segments, slowest, 6 * MINUTE);
        from.map_or(0, |from| segments.iter().filter(|segment| segment.ledger < from.ledger).count())
    }

    #[test]
    fn what_somebody_has_not_acked_stays_and_so_does_the_newest_segment() {
        assert_eq!(
            [Some(9), Some(0), Some(2), Some(4), None].map(|acked| gone(Retention::NOTHING, acked)),
            [0, 0, 2, 4, 4]
        );
    }

    #[test]
    fn without_limits_everything_stays() {
        assert_eq!(gone(retention(-1, -1), None), 0);
    }

    #[test]
    fn by_time_goes_what_is_older_and_by_size_what_is_too_much() {
        assert_eq!([6, 5, 3, 1].map(|minutes| gone(retention(minutes, -1), None)), [0, 1, 3, 4]);
        assert_eq!([3, 2, 1].map(|megabytes| gone(retention(-1, megabytes), None)), [0, 2, 4]);
        assert_eq!(gone(retention(3, 2), None), 3);
    }

    #[test]
    fn where_nothing_is_said_nothing_is_kept() {
        assert_eq!(Retention::of(None), Retention::NOTHING);
        assert_eq!(Retention::of(Some(&Value::Null)), Retention::NOTHING);
    }
}
