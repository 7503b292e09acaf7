use hexalpes_kernel::{Email, Money};
use proptest::prelude::*;

use super::*;
use crate::domain::candidate::tests::{held, profile};
use crate::domain::job::tests::{noon, terms};
use crate::domain::{
    JobId, JobTerms, MoneyRange, PartnerId, Pay, PayRange, Period, Phone, Place, RequiredSkill, Skill, Source,
};

fn skill(name: &str) -> Skill {
    Skill::parse(name).unwrap()
}

fn required(name: &str, years: u8) -> RequiredSkill {
    RequiredSkill { skill: skill(name), level: None, years: Some(years) }
}

fn job(terms: JobTerms) -> Job {
    let (id, partner) = (JobId::parse("j-1").unwrap(), PartnerId::parse("p-1").unwrap());
    Job::open(id, partner, None, terms, noon(), noon())
}

fn wish() -> JobTerms {
    JobTerms {
        required_skills: vec![required("Rust", 4), required("SQL", 2)],
        nice_to_have_skills: vec![skill("Kafka"), skill("Pulsar")],
        locations: vec![Place::parse("Bogotá, Colombia").unwrap()],
        remote_work_allowed: true,
        salary: Some(PayRange {
            range: MoneyRange::new(None, Some(6_000_000), Currency::USD).unwrap(),
            period: Period::Year,
        }),
        ..terms()
    }
}

fn scored(terms: JobTerms, profile: &Profile) -> Score {
    let mut vocabulary = Vocabulary::default();
    let traits = Traits::of(profile, &mut vocabulary);
    score(&Wanted::of(&job(terms), &vocabulary), &traits)
}

fn of(score: Score, component: Component) -> (u32, Reason) {
    let place = WEIGHTS.iter().position(|(known, _)| *known == component).unwrap();
    score.components[place]
}

fn asks(minor: i64, currency: Currency) -> Profile {
    let pay = Pay { money: Money::from_minor(minor, currency), period: Period::Year };
    Profile { salary_expectation: Some(pay), ..profile("Ana") }
}

#[test]
fn the_weights_are_a_whole() {
    assert_eq!(WEIGHTS.iter().map(|(_, weight)| weight).sum::<u32>(), FULL);
}

#[test]
fn who_has_all_that_is_asked_for_has_all_points() {
    let ana = Profile {
        skills: vec![held("rust", 5), held("sql", 9), held("KAFKA", 0), held("pulsar", 1)],
        locations: vec![Place::parse("bogota").unwrap()],
        job_types: vec![JobType::FullTime],
        available_from: Date::parse("2025-02-01").ok(),
        ..asks(5_500_000, Currency::USD)
    };
    assert_eq!(scored(wish(), &ana).total, FULL);
}

#[test]
fn a_skill_counts_half_and_its_practice_the_rest() {
    let skills = |skills| of(scored(wish(), &Profile { skills, ..profile("Ana") }), Component::Skills).0;
    assert_eq!(skills(Vec::new()), 0);
    // (5,000 + 5,000 · 2/4 + 10,000) / 2 = 8,750 of what is required, which is 85 %.
    assert_eq!(skills(vec![held("rust", 2), held("sql", 2)]), 7_437);
    assert_eq!(skills(vec![held("rust", 4), held("sql", 2), held("kafka", 0)]), 9_250);
}

#[test]
fn each_place_is_told_from_the_others() {
    let at = |profile: Profile| of(scored(wish(), &profile), Component::Location);
    let reason = |reason| Reason::Location(reason);
    let place = |name| vec![Place::parse(name).unwrap()];
    let in_ = |name| Profile { locations: place(name), ..profile("Ana") };
    assert_eq!(at(in_("BOGOTA")), (FULL, reason(LocationReason::There)));
    assert_eq!(at(in_("Bogotá, Colombia")), (FULL, reason(LocationReason::There)));
    assert_eq!(at(in_("Bogotá, New Jersey")), (0, reason(LocationReason::Elsewhere)));
    assert_eq!(at(Profile { remote: true, ..in_("Lima") }), (FULL, reason(LocationReason::Remote)));
    assert_eq!(at(Profile { relocation: true, ..in_("Lima") }), (7_000, reason(LocationReason::WouldMove)));
    assert_eq!(at(profile("Ana")), (5_000, reason(LocationReason::Unsaid)));
}

#[test]
fn pay_above_what_is_offered_costs_points_until_it_is_half_more() {
    let pay = |minor, currency| of(scored(wish(), &asks(minor, currency)), Component::Salary);
    let reason = |score, reason| (score, Reason::Salary(reason));
    assert_eq!(pay(6_000_000, Currency::USD), reason(FULL, SalaryReason::Within));
    assert_eq!(pay(7_500_000, Currency::USD), reason(5_000, SalaryReason::Above(25)));
    assert_eq!(pay(9_000_001, Currency::USD), reason(0, SalaryReason::Above(51)));
    assert_eq!(pay(i64::MAX, Currency::USD).0, 0);
    assert_eq!(pay(1, Currency::EUR), reason(5_000, SalaryReason::OtherCurrency));
}

#[test]
fn who_comes_later_than_the_job_begins_loses_points_with_each_day() {
    let from = |day: &str| {
        let ana = Profile { available_from: Date::parse(day).ok(), ..profile("Ana") };
        of(
            scored(JobTerms { start_by: Date::parse("2025-03-01").ok(), ..wish() }, &ana),
            Component::Availability,
        )
    };
    let reason = |score, reason| (score, Reason::Availability(reason));
    assert_eq!(from("2025-03-01"), reason(FULL, AvailabilityReason::InTime));
    assert_eq!(from("2025-04-15"), reason(5_000, AvailabilityReason::Late(45)));
    assert_eq!(from("2026-03-01"), reason(0, AvailabilityReason::Late(365)));
    assert_eq!(from(""), reason(5_000, AvailabilityReason::Unsaid));
}

#[test]
fn the_same_score_is_ranked_by_id() {
    let mut vocabulary = Vocabulary::default();
    let traits = Traits::of(&profile("Ana"), &mut vocabulary);
    let wanted = Wanted::of(&job(terms()), &vocabulary);
    let all = ["c", "a", "d", "b"].map(|id| (id, &traits));
    let best = |size, minimum| -> Vec<&str> {
        let best = shortlist(&wanted, all.into_iter(), |id| id, size, minimum);
        best.into_iter().map(|(id, _)| id).collect()
    };
    assert_eq!(best(3, 0), ["a", "b", "c"]);
    assert!(best(3, FULL + 1).is_empty());
    assert!(best(0, 0).is_empty());
}

const SKILLS: [&str; 8] = ["rust", "sql", "kafka", "pulsar", "go", "java", "python", "terraform"];
const PLACES: [&str; 3] = ["Bogotá", "Bogotá, Colombia", "Lima"];

prop_compose! {
    fn any_profile()(
        skills in proptest::collection::btree_map(0..SKILLS.len(), 0_u8..10, 0..6),
        years in proptest::option::of(0_u8..20),
        places in proptest::collection::vec(0..PLACES.len(), 0..3),
        (remote, relocation, full, part) in any::<(bool, bool, bool, bool)>(),
        pay in proptest::option::of(1_i64..20_000_000),
        day in proptest::option::of(0..400),
    ) -> Profile {
        let money = |minor| Money::from_minor(minor, Currency::USD);
        let kinds = [(full, JobType::FullTime), (part, JobType::PartTime)];
        Profile {
            skills: skills.into_iter().map(|(index, years)| held(SKILLS[index], years)).collect(),
            experience_years: years,
            locations: places.into_iter().map(|index| Place::parse(PLACES[index]).unwrap()).collect(),
            remote,
            relocation,
            salary_expectation: pay.map(|minor| Pay { money: money(minor), period: Period::Year }),
            job_types: kinds.into_iter().filter(|(said, _)| *said).map(|(_, kind)| kind).collect(),
            available_from: day.map(|day| Date::of(noon()).plus(day)),
            ..profile("Ana Gil")
        }
    }
}

proptest! {
    /// One more skill, or more practice in one, never costs a point.
    #[test]
    fn more_skills_never_lower_a_score(ana in any_profile(), which in 0..SKILLS.len(), years in 0_u8..12) {
        let before = scored(wish(), &ana);
        let mut more = Profile { experience_years: Some(ana.years()), ..ana };
        match more.skills.iter_mut().find(|held| held.skill.key() == SKILLS[which]) {
            Some(known) => known.years = Some(known.practice().max(years)),
            None => more.skills.push(held(SKILLS[which], years)),
        }
        let after = scored(wish(), &more);
        prop_assert!(after.total >= before.total);
        prop_assert!(of(after, Component::Skills).0 >= of(before, Component::Skills).0);
    }

    /// What the matcher is not given changes nothing.
    #[test]
    fn who_somebody_is_changes_no_score(
        ana in any_profile(),
        name in "[A-Za-zÁÉÍÓÚñ ]{1,40}",
        number in 1_000_000_u64..99_999_999,
        summary in ".{0,80}",
    ) {
        let somebody = Profile {
            name,
            email: Email::parse(&format!("x{number}@y.co")).ok(),
            phone: Phone::parse(&format!("+57{number}")).ok(),
            summary: Some(summary),
            source: Source::Referrals,
            ..ana.clone()
        };
        prop_assert_eq!(scored(wish(), &somebody), scored(wish(), &ana));
    }

    /// In whatever order candidates and their skills come, the shortlist is the same, and it is in order.
    #[test]
    fn the_order_of_what_comes_in_does_not_matter(
        profiles in proptest::collection::vec(any_profile(), 1..12),
        size in 0_usize..8,
        minimum in 0_u32..8_000,
    ) {
        let ids: Vec<String> = (0..profiles.len()).map(|index| format!("c-{index:02}")).collect();
        let listed = |backwards: bool| {
            let mut vocabulary = Vocabulary::default();
            let mut all: Vec<(&String, Profile)> = ids.iter().zip(profiles.iter().cloned()).collect();
            if backwards {
                all.reverse();
                for (_, profile) in &mut all {
                    profile.skills.reverse();
                }
            }
            let known: Vec<(&str, Traits)> =
                all.iter().map(|(id, profile)| (id.as_str(), Traits::of(profile, &mut vocabulary))).collect();
            let wanted = Wanted::of(&job(wish()), &vocabulary);
            let pairs = known.iter().map(|(id, traits)| (*id, traits));
            shortlist(&wanted, pairs, |id| id, size, minimum)
                .into_iter()
                .map(|(id, score)| (id.to_owned(), score))
                .collect::<Vec<_>>()
        };
        let best = listed(false);
        // As if nobody had been passed over.
        let mut vocabulary = Vocabulary::default();
        let all: Vec<Traits> = profiles.iter().map(|profile| Traits::of(profile, &mut vocabulary)).collect();
        let wanted = Wanted::of(&job(wish()), &vocabulary);
        let mut scores: Vec<(String, Score)> =
            ids.iter().cloned().zip(all.iter().map(|traits| score(&wanted, traits))).collect();
        scores.sort_by(|(id, one), (than, other)| other.total.cmp(&one.total).then_with(|| id.cmp(than)));
        scores.retain(|(_, score)| score.total >= minimum);
        scores.truncate(size);
        prop_assert_eq!(&best, &scores);
        prop_assert_eq!(&best, &listed(true));
        prop_assert!(best.len() <= size);
        for pair in best.windows(2) {
            prop_assert!(pair[0].1.total > pair[1].1.total
                || pair[0].1.total == pair[1].1.total && pair[0].0 < pair[1].0);
        }
        for (_, score) in &best {
            prop_assert!((minimum..=FULL).contains(&score.total));
        }
    }
}
