//! Somebody who is told, where, in which language and when.

use std::time::Duration;

use hexalpes_kernel::Timestamp;
use jiff::tz::TimeZone;

use super::RecipientId;

/// At which minute of their day those are told who want one message a day.
const DAILY_AT: u16 = 8 * 60;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Partner,
    Affiliate,
    /// Somebody who works here.
    Operator,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Language {
    Spanish,
    English,
}

/// Whether mails come one by one or gathered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Digest {
    Off,
    Hourly,
    Daily,
}

/// From one minute of the day to another, which may be the next day's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct QuietHours {
    pub(crate) from: u16,
    pub(crate) to: u16,
}

/// A place's time, by its name in the IANA database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Zone(TimeZone, String);

/// What there is to know of somebody who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recipient {
    pub(crate) id: RecipientId,
    pub(crate) kind: Kind,
    pub(crate) name: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) language: Language,
    pub(crate) zone: Zone,
    pub(crate) quiet: Option<QuietHours>,
    pub(crate) digest: Digest,
    /// Whether more than the id is known: who was named by an event alone is not.
    pub(crate) is_known: bool,
    pub(crate) revision: u32,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// What is to become of something that may be there or not.
#[derive(Clone, Debug, Default)]
pub(crate) enum Edit<T> {
    #[default]
    Stay,
    Be(Option<T>),
}

impl<T> Edit<T> {
    fn of(self, now: Option<T>) -> Option<T> {
        match self {
            Self::Stay => now,
            Self::Be(then) => then,
        }
    }
}

/// What is to become of a recipient; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    pub(crate) name: Option<String>,
    pub(crate) email: Edit<String>,
    pub(crate) language: Option<Language>,
    pub(crate) zone: Option<Zone>,
    pub(crate) quiet: Edit<QuietHours>,
    pub(crate) digest: Option<Digest>,
}

macro_rules! words {
    ($name:ident: $($variant:ident = $word:literal),+) => {
        impl $name {
            pub(crate) const ALL: &'static [(&'static str, Self)] = &[$(($word, Self::$variant)),+];

            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }

            pub(crate) fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().find(|(known, _)| *known == word).map(|(_, value)| *value)
            }
        }
    };
}

words! { Kind: Partner = "PARTNER", Affiliate = "AFFILIATE", Operator = "OPERATOR" }
words! { Language: Spanish = "es", English = "en" }
words! { Digest: Off = "OFF", Hourly = "HOURLY", Daily = "DAILY" }

impl Zone {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        TimeZone::get(name).ok().map(|zone| Self(zone, name.to_owned()))
    }

    pub(crate) fn utc() -> Self {
        Self(TimeZone::UTC, "UTC".to_owned())
    }

    pub(crate) fn name(&self) -> &str {
        &self.1
    }

    fn local(&self, at: Timestamp) -> jiff::Zoned {
        let at = jiff::Timestamp::from_microsecond(at.as_micros()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        at.to_zoned(self.0.clone())
    }

    /// The next time, after `at`, that the clock there shows this minute of the day.
    fn next(&self, at: Timestamp, minute: u16) -> Timestamp {
        let local = self.local(at);
        let is_over = minute_of(&local) >= minute;
        let day = if is_over { local.date().tomorrow().unwrap_or(local.date()) } else { local.date() };
        let (hour, minute) = (i8::try_from(minute / 60).unwrap_or(0), i8::try_from(minute % 60).unwrap_or(0));
        let next = day.at(hour, minute, 0, 0).to_zoned(self.0.clone());
        let next = next.ok().and_then(|next| Timestamp::from_micros(next.timestamp().as_microsecond()));
        next.unwrap_or(at)
    }
}

fn minute_of(local: &jiff::Zoned) -> u16 {
    u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs())
}

impl QuietHours {
    fn holds(self, minute: u16) -> bool {
        if self.from < self.to {
            (self.from..self.to).contains(&minute)
        } else {
            minute >= self.from || minute < self.to
        }
    }
}

impl Recipient {
    /// Somebody of whom an event tells no more than the id.
    pub(crate) fn named(id: RecipientId, kind: Kind, at: Timestamp) -> Self {
        Self {
            id,
            kind,
            name: None,
            email: None,
            language: Language::Spanish,
            zone: Zone::utc(),
            quiet: None,
            digest: Digest::Off,
            is_known: false,
            revision: 1,
            created_at: at,
            updated_at: at,
        }
    }

    /// Whether anything changed.
    pub(crate) fn change(&mut self, changes: Changes, at: Timestamp) -> bool {
        let before = self.clone();
        let Changes { name, email, language, zone, quiet, digest } = changes;
        self.name = name.or_else(|| self.name.take());
        self.email = email.of(self.email.take());
        self.language = language.unwrap_or(self.language);
        self.zone = zone.unwrap_or_else(|| before.zone.clone());
        self.quiet = quiet.of(self.quiet);
        self.digest = digest.unwrap_or(self.digest);
        self.changed(&before, at)
    }

    /// Learns from an event who it is. What somebody set here wins over it.
    pub(crate) fn learn(
        &mut self,
        kind: Kind,
        name: Option<String>,
        email: Option<String>,
        at: Timestamp,
    ) -> bool {
        let before = self.clone();
        self.kind = if self.is_known { self.kind } else { kind };
        self.name = self.name.take().or(name);
        self.email = self.email.take().or(email);
        self.is_known = true;
        self.changed(&before, at)
    }

    fn changed(&mut self, before: &Self, at: Timestamp) -> bool {
        let is_changed = self != before;
        if is_changed {
            self.revision += 1;
            self.updated_at = at;
        }
        is_changed
    }

    /// When something that comes now may be pushed: after quiet hours, unless it is urgent.
    pub(crate) fn webhook_due(&self, now: Timestamp, is_urgent: bool) -> Timestamp {
        if is_urgent { now } else { self.after_quiet(now) }
    }

    /// As [`Recipient::webhook_due`], of a mail; and whether it is gathered with others.
    pub(crate) fn mail_due(&self, now: Timestamp, is_urgent: bool) -> (Timestamp, bool) {
        if is_urgent {
            return (now, false);
        }
        let gathered = match self.digest {
            Digest::Off => return (self.after_quiet(now), false),
            Digest::Hourly => {
                let hour = Duration::from_hours(1).as_micros();
                let into = u128::try_from(now.as_micros()).unwrap_or(0) % hour;
                now.after(Duration::from_micros(u64::try_from(hour - into).unwrap_or(0)))
            }
            Digest::Daily => self.zone.next(now, DAILY_AT),
        };
        (self.after_quiet(gathered), true)
    }

    fn after_quiet(&self, at: Timestamp) -> Timestamp {
        match self.quiet {
            Some(quiet) if quiet.holds(minute_of(&self.zone.local(at))) => self.zone.next(at, quiet.to),
            _ => at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn ana() -> Recipient {
        let id = RecipientId::parse("ana").unwrap();
        let quiet = Some(QuietHours { from: 22 * 60, to: 7 * 60 });
        let zone = Zone::parse("America/Bogota").unwrap();
        Recipient { zone, quiet, ..Recipient::named(id, Kind::Operator, at("2025-01-15T00:00:00Z")) }
    }

    #[test]
    fn what_comes_at_night_waits_for_the_morning_where_one_is() {
        // Bogotá is five hours behind.
        for (now, due) in [
            ("2025-01-15T12:00:00Z", "2025-01-15T12:00:00Z"),
            ("2025-01-15T11:59:00Z", "2025-01-15T12:00:00Z"),
            ("2025-01-16T02:59:00Z", "2025-01-16T02:59:00Z"),
            ("2025-01-16T03:00:00Z", "2025-01-16T12:00:00Z"),
        ] {
            assert_eq!(ana().webhook_due(at(now), false), at(due), "{now}");
            assert_eq!(ana().webhook_due(at(now), true), at(now), "{now}");
        }
    }

    #[test]
    fn summer_time_moves_the_end_of_the_night() {
        let berlin = Recipient { zone: Zone::parse("Europe/Berlin").unwrap(), ..ana() };
        assert_eq!(berlin.webhook_due(at("2025-01-15T23:00:00Z"), false), at("2025-01-16T06:00:00Z"));
        assert_eq!(berlin.webhook_due(at("2025-07-15T23:00:00Z"), false), at("2025-07-16T05:00:00Z"));
    }

    #[test]
    fn a_digest_comes_with_the_next_hour_or_in_the_morning() {
        let with = |digest| Recipient { quiet: None, digest, ..ana() };
        let now = at("2025-01-15T14:20:00Z");
        assert_eq!(with(Digest::Off).mail_due(now, false), (now, false));
        assert_eq!(with(Digest::Hourly).mail_due(now, false), (at("2025-01-15T15:00:00Z"), true));
        assert_eq!(with(Digest::Daily).mail_due(now, false), (at("2025-01-16T13:00:00Z"), true));
        assert_eq!(with(Digest::Daily).mail_due(now, true), (now, false));
    }

    #[test]
    fn what_somebody_set_wins_over_what_an_event_tells() {
        let mut ana = ana();
        let email = |text: &str| Some(text.to_owned());
        assert!(ana.learn(Kind::Partner, None, email("a@x.com"), at("2025-01-15T01:00:00Z")));
        assert_eq!((ana.kind, ana.revision), (Kind::Partner, 2));
        assert!(!ana.learn(Kind::Affiliate, None, email("b@x.com"), at("2025-01-15T02:00:00Z")));
        assert_eq!((ana.kind, ana.email.as_deref()), (Kind::Partner, Some("a@x.com")));
    }
}
