//! Who fits a job, how well, and why. In whole numbers, and the same for the same input whoever asks.
//!
//! Fair by its input: [`Traits`] has what somebody can do, where, from when and for how much. It has no name and no
//! address, nothing of age, sex, origin or looks, and no upper bound of years, which would stand for an age. What is not
//! in that type cannot change a score.
//!
//! Words are numbers here ([`Vocabulary`]), so that a hundred thousand candidates are looked at in some milliseconds.

use std::collections::HashMap;

use hexalpes_kernel::Currency;

use super::{Date, ExperienceLevel, Job, JobType, Profile};

/// All of a score, in basis points.
pub const FULL: u32 = 10_000;

/// What a score is made of, and how much of it, in basis points.
pub const WEIGHTS: [(Component, u32); 6] = [
    (Component::Skills, 4_500),
    (Component::Experience, 2_000),
    (Component::Location, 1_200),
    (Component::Salary, 1_000),
    (Component::JobType, 800),
    (Component::Availability, 500),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Component {
    Skills,
    Experience,
    Location,
    Salary,
    JobType,
    Availability,
}

impl Component {
    pub fn name(self) -> &'static str {
        match self {
            Self::Skills => "skills",
            Self::Experience => "experience",
            Self::Location => "location",
            Self::Salary => "salary",
            Self::JobType => "job_type",
            Self::Availability => "availability",
        }
    }
}

/// A word by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Word(u32);

impl Word {
    fn mark(self) -> u64 {
        1 << (self.0 % u64::BITS)
    }
}

/// What no candidate has said.
const UNSAID: Word = Word(u32::MAX);

/// The words that candidates use for skills and places.
#[derive(Clone, Debug, Default)]
pub struct Vocabulary(HashMap<String, u32>);

impl Vocabulary {
    fn learn(&mut self, word: &str) -> Word {
        if let Some(known) = self.0.get(word) {
            return Word(*known);
        }
        // The last number stands for what was not said; so many words do not fit into memory.
        let new = u32::try_from(self.0.len()).unwrap_or(u32::MAX - 1);
        self.0.insert(word.to_owned(), new);
        Word(new)
    }

    fn find(&self, word: &str) -> Word {
        self.0.get(word).map_or(UNSAID, |known| Word(*known))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct At {
    city: Word,
    whole: Word,
}

impl At {
    /// The same place, or the same city where one of the two does not say its country.
    fn is(self, other: Self) -> bool {
        let is_bare = |at: Self| at.city == at.whole;
        self.whole != UNSAID && self.whole == other.whole
            || self.city != UNSAID && self.city == other.city && (is_bare(self) || is_bare(other))
    }
}

/// All that the matcher knows of a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traits {
    /// With years of practice, in the order of their words.
    skills: Box<[(Word, u8)]>,
    /// A bit for each skill, which others may share: where it is not set, there is nothing to look for.
    marks: u64,
    years: u8,
    places: Box<[At]>,
    remote: bool,
    relocation: bool,
    /// Smallest units in a year.
    pay: Option<(i64, Currency)>,
    job_types: [bool; 3],
    available_from: Option<Date>,
}

impl Traits {
    pub fn of(profile: &Profile, vocabulary: &mut Vocabulary) -> Self {
        let mut skills: Vec<(Word, u8)> =
            profile.skills.iter().map(|held| (vocabulary.learn(held.skill.key()), held.practice())).collect();
        skills.sort_unstable();
        let places = profile
            .locations
            .iter()
            .map(|place| At { city: vocabulary.learn(place.city()), whole: vocabulary.learn(place.key()) });
        Self {
            marks: skills.iter().fold(0, |marks, (word, _)| marks | word.mark()),
            skills: skills.into(),
            years: profile.years(),
            places: places.collect(),
            remote: profile.remote,
            relocation: profile.relocation,
            pay: profile.salary_expectation.map(|pay| (pay.yearly_minor(), pay.money.currency())),
            job_types: [JobType::FullTime, JobType::PartTime, JobType::Contract]
                .map(|kind| profile.job_types.contains(&kind)),
            available_from: profile.available_from,
        }
    }

    fn practice(&self, skill: Word) -> Option<u8> {
        if self.marks & skill.mark() == 0 {
            return None;
        }
        // The longest, should a skill be there twice.
        let from = self.skills.partition_point(|(word, _)| *word < skill);
        self.skills[from..].iter().take_while(|(word, _)| *word == skill).map(|(_, years)| *years).last()
    }
}

/// What a job asks for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// With years of practice that it takes.
    required: Vec<(Word, u8)>,
    nice: Vec<Word>,
    level: ExperienceLevel,
    job_type: JobType,
    remote: bool,
    places: Vec<At>,
    /// Smallest units in a year, at most.
    pay_max: Option<(i64, Currency)>,
    start_by: Date,
}

impl Wanted {
    pub fn of(job: &Job, vocabulary: &Vocabulary) -> Self {
        let terms = job.terms();
        let required = terms.required_skills.iter();
        let nice = terms.nice_to_have_skills.iter();
        let places = terms.locations.iter();
        let salary = terms.salary.and_then(|salary| Some((salary.range.max()?, salary.period)));
        Self {
            required: required.map(|it| (vocabulary.find(it.skill.key()), it.years_needed())).collect(),
            nice: nice.map(|skill| vocabulary.find(skill.key())).collect(),
            level: terms.experience_level,
            job_type: terms.job_type,
            remote: terms.remote_work_allowed,
            places: places
                .map(|place| At { city: vocabulary.find(place.city()), whole: vocabulary.find(place.key()) })
                .collect(),
            pay_max: salary
                .map(|(money, period)| (super::Pay { money, period }.yearly_minor(), money.currency())),
            start_by: job.start_by(),
        }
    }
}

/// Why a component has its score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Bit `n` stands for the job's skill `n`.
    Skills {
        held: u64,
        short: u64,
        nice: u64,
    },
    Experience {
        years: u8,
        needed: u8,
    },
    Location(LocationReason),
    Salary(SalaryReason),
    JobType(JobTypeReason),
    Availability(AvailabilityReason),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocationReason {
    Anywhere,
    There,
    Remote,
    WouldMove,
    Unsaid,
    Elsewhere,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SalaryReason {
    NoLimit,
    Within,
    /// Percent above what is offered at most, rounded up.
    Above(u32),
    Unsaid,
    OtherCurrency,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobTypeReason {
    Wanted,
    Unsaid,
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AvailabilityReason {
    InTime,
    /// So many days after the job is to begin.
    Late(u32),
    Unsaid,
}

/// A candidate's score, in basis points, and each component's with its reason, in the order of [`WEIGHTS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Score {
    pub total: u32,
    pub components: [(u32, Reason); WEIGHTS.len()],
}

/// How well a candidate fits.
pub fn score(wanted: &Wanted, traits: &Traits) -> Score {
    let components = WEIGHTS.map(|(component, _)| scored(component, wanted, traits));
    let weighted = WEIGHTS.iter().zip(&components).map(|((_, weight), (score, _))| weight * score);
    Score { total: weighted.sum::<u32>() / FULL, components }
}

/// As [`score`], the sum alone; `None` where it is less than `least`.
pub fn total(wanted: &Wanted, traits: &Traits, least: u32) -> Option<u32> {
    // The others are known at a glance, and tell of most that skills cannot make up for them.
    let others = WEIGHTS.iter().filter(|(component, _)| *component != Component::Skills);
    let others: u32 = others.map(|(component, weight)| weight * scored(*component, wanted, traits).0).sum();
    let weight =
        WEIGHTS.iter().find(|(component, _)| *component == Component::Skills).map_or(0, |(_, of)| *of);
    if (others + weight * FULL) / FULL < least {
        return None;
    }
    let total = (others + weight * skills(wanted, traits).0) / FULL;
    (total >= least).then_some(total)
}

#[inline]
fn scored(component: Component, wanted: &Wanted, traits: &Traits) -> (u32, Reason) {
    match component {
        Component::Skills => skills(wanted, traits),
        Component::Experience => experience(wanted, traits),
        Component::Location => location(wanted, traits),
        Component::Salary => salary(wanted, traits),
        Component::JobType => job_type(wanted, traits),
        Component::Availability => availability(wanted, traits),
    }
}

/// A skill that is held counts half, and the other half in the share of the practice that it takes. What would be nice
/// is 15 % of it, or 30 % where nothing is required.
fn skills(wanted: &Wanted, traits: &Traits) -> (u32, Reason) {
    let (mut held, mut short, mut nice) = (0_u64, 0_u64, 0_u64);
    let mut sum = 0;
    for (index, (skill, needed)) in wanted.required.iter().enumerate() {
        let Some(years) = traits.practice(*skill) else { continue };
        held |= 1 << index;
        if years < *needed {
            short |= 1 << index;
            sum += FULL / 2 + FULL / 2 * u32::from(years) / u32::from(*needed);
        } else {
            sum += FULL;
        }
    }
    for (index, skill) in wanted.nice.iter().enumerate() {
        if traits.practice(*skill).is_some() {
            nice |= 1 << index;
        }
    }
    let count = |skills: usize| u32::try_from(skills).unwrap_or(u32::MAX);
    let share = || nice.count_ones() * FULL / count(wanted.nice.len());
    let score = match (wanted.required.len(), wanted.nice.len()) {
        (0, 0) => FULL,
        (0, _) => (FULL * 70 + share() * 30) / 100,
        (required, 0) => sum / count(required),
        (required, _) => (sum / count(required) * 85 + share() * 15) / 100,
    };
    (score, Reason::Skills { held, short, nice })
}

/// The share of the years that the level begins with. More are no better, and no worse.
fn experience(wanted: &Wanted, traits: &Traits) -> (u32, Reason) {
    let (years, needed) = (traits.years, wanted.level.years());
    let score = if years >= needed { FULL } else { FULL * u32::from(years) / u32::from(needed) };
    (score, Reason::Experience { years, needed })
}

fn location(wanted: &Wanted, traits: &Traits) -> (u32, Reason) {
    let is_there = || wanted.places.iter().any(|place| traits.places.iter().any(|at| at.is(*place)));
    let (score, reason) = if wanted.places.is_empty() {
        (FULL, LocationReason::Anywhere)
    } else if is_there() {
        (FULL, LocationReason::There)
    } else if wanted.remote && traits.remote {
        (FULL, LocationReason::Remote)
    } else if traits.relocation {
        (FULL * 7 / 10, LocationReason::WouldMove)
    } else if traits.places.is_empty() && !traits.remote {
        (FULL / 2, LocationReason::Unsaid)
    } else {
        (0, LocationReason::Elsewhere)
    };
    (score, Reason::Location(reason))
}

/// All up to what is offered at most, nothing from one and a half times of it on.
fn salary(wanted: &Wanted, traits: &Traits) -> (u32, Reason) {
    let (score, reason) = match (wanted.pay_max, traits.pay) {
        (None, _) => (FULL, SalaryReason::NoLimit),
        (Some(_), None) => (FULL / 2, SalaryReason::Unsaid),
        (Some((_, offered)), Some((_, asked))) if offered != asked => (FULL / 2, SalaryReason::OtherCurrency),
        (Some((max, _)), Some((pay, _))) if pay <= max => (FULL, SalaryReason::Within),
        (Some((max, _)), Some((pay, _))) => {
            let (max, above) = (i128::from(max.max(1)), i128::from(pay) - i128::from(max));
            let lost = (above * 2 * i128::from(FULL) / max).min(i128::from(FULL));
            let percent = ((above * 100 + max - 1) / max).min(i128::from(u32::MAX));
            let score = FULL - u32::try_from(lost).unwrap_or(FULL);
            (score, SalaryReason::Above(u32::try_from(percent).unwrap_or(u32::MAX)))
        }
    };
    (score, Reason::Salary(reason))
}

fn job_type(wanted: &Wanted, traits: &Traits) -> (u32, Reason) {
    let index = match wanted.job_type {
        JobType::FullTime => 0,
        JobType::PartTime => 1,
        JobType::Contract => 2,
    };
    let (score, reason) = if traits.job_types[index] {
        (FULL, JobTypeReason::Wanted)
    } else if traits.job_types == [false; 3] {
        (FULL / 2, JobTypeReason::Unsaid)
    } else {
        (0, JobTypeReason::Other)
    };
    (score, Reason::JobType(reason))
}

/// Days after which somebody comes too late to count.
const LATE_DAYS_MAX: u32 = 90;

fn availability(wanted: &Wanted, traits: &Traits) -> (u32, Reason) {
    let late = traits.available_from.map(|day| u32::try_from(wanted.start_by.days_to(day)).unwrap_or(0));
    let (score, reason) = match late {
        None => (FULL / 2, AvailabilityReason::Unsaid),
        Some(0) => (FULL, AvailabilityReason::InTime),
        Some(days) => {
            (FULL * LATE_DAYS_MAX.saturating_sub(days) / LATE_DAYS_MAX, AvailabilityReason::Late(days))
        }
    };
    (score, Reason::Availability(reason))
}

/// The best `size` of those with `minimum_bp` at least, the best first; who has the same score, in the order of ids.
pub fn shortlist<'a, T: Copy>(
    wanted: &Wanted,
    candidates: impl Iterator<Item = (T, &'a Traits)>,
    id: impl Fn(T) -> &'a str,
    size: usize,
    minimum_bp: u32,
) -> Vec<(T, Score)> {
    let order = |one: &(u32, T, &Traits), other: &(u32, T, &Traits)| {
        other.0.cmp(&one.0).then_with(|| id(one.1).cmp(id(other.1)))
    };
    let mut fitting: Vec<(u32, T, &Traits)> = Vec::new();
    let mut least = minimum_bp;
    for (of, traits) in candidates {
        let Some(total) = total(wanted, traits, least) else { continue };
        fitting.push((total, of, traits));
        if size > 0 && fitting.len() == size * SIFTED_AT {
            // Whoever is behind the best of these is behind the best of all.
            let (_, last, _) = fitting.select_nth_unstable_by(size - 1, order);
            least = last.0;
            fitting.truncate(size);
        }
    }
    if size > 0 && fitting.len() > size {
        fitting.select_nth_unstable_by(size - 1, order);
    }
    fitting.truncate(size);
    fitting.sort_unstable_by(order);
    fitting.into_iter().map(|(_, of, traits)| (of, score(wanted, traits))).collect()
}

/// Of so many times those that are wanted, the others are forgotten.
const SIFTED_AT: usize = 8;

#[cfg(test)]
mod tests;
