//! What holds for partners and their requests after any history.

use std::time::Duration;

use hexalpes_kernel::{Actor, Email, Timestamp};
use proptest::prelude::*;

use super::*;

const CASES: u32 = 10_000;

fn at(hour: u64) -> Timestamp {
    Timestamp::parse("2025-01-15T00:00:00Z").unwrap().after(Duration::from_secs(3600 * hour))
}

fn ana() -> Actor {
    Actor::parse("ana").unwrap()
}

fn kind() -> impl Strategy<Value = PartnerType> {
    prop::sample::select(PartnerType::WORDS.iter().map(|(_, kind)| *kind).collect::<Vec<_>>())
}

fn a_partner(kind: PartnerType, contracts: Vec<Contract>) -> Partner {
    let registration = Registration {
        business_name: "TechSolutions Inc".to_owned(),
        email: Email::parse("contact@techsolutions.com").unwrap(),
        kind,
        preferred_contract: ContractType::Premium,
        source: RegistrationSource::Web,
        data: Json::kept("{}"),
    };
    Partner::register(PartnerId::parse("p1").unwrap(), registration, Vec::new(), contracts, at(0))
}

/// What is told of a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Signed,
    Activated,
    Ended,
}

/// Of one of three contracts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tale {
    contract: u8,
    what: What,
}

impl Tale {
    fn told(self) -> Contract {
        let hour = u64::from(self.contract);
        Contract {
            id: ContractId::parse(&format!("c{}", self.contract)).unwrap(),
            kind: ContractType::Premium,
            signed_at: (self.what == What::Signed).then(|| at(hour)),
            activation: (self.what == What::Activated)
                .then(|| Activation { at: at(hour + 1), until: Some(at(hour + 100)) }),
            ended_at: (self.what == What::Ended).then(|| at(hour + 50)),
        }
    }
}

fn tale() -> impl Strategy<Value = Tale> {
    let what = prop::sample::select(vec![What::Signed, What::Activated, What::Ended]);
    (0_u8..3, what).prop_map(|(contract, what)| Tale { contract, what })
}

#[derive(Clone, Debug)]
enum Act {
    Told(Tale),
    Suspend,
    Reactivate,
    Terminate,
    Add(DocumentKind),
    Verify(usize),
    Reject(usize),
    Expire,
}

fn act() -> impl Strategy<Value = Act> {
    let kinds = DocumentKind::WORDS.iter().map(|(_, kind)| *kind).collect::<Vec<_>>();
    prop_oneof![
        3 => tale().prop_map(Act::Told),
        1 => Just(Act::Suspend),
        1 => Just(Act::Reactivate),
        1 => Just(Act::Terminate),
        3 => prop::sample::select(kinds).prop_map(Act::Add),
        3 => (0_usize..6).prop_map(Act::Verify),
        1 => (0_usize..6).prop_map(Act::Reject),
        1 => Just(Act::Expire),
    ]
}

/// Does something at an hour; what it came to, if it was not refused.
fn done(partner: &mut Partner, act: &Act, hour: u64) -> Option<Changed> {
    let document = |index: usize| DocumentId::parse(&format!("d{index}")).unwrap();
    let now = at(hour);
    match act {
        Act::Told(tale) => partner.learn(&tale.told(), now),
        Act::Suspend => partner.suspend("why", now).ok().flatten(),
        Act::Reactivate => partner.reactivate(now).ok().flatten(),
        Act::Terminate => partner.terminate("why", now),
        Act::Add(kind) => {
            let index = partner.documents().len();
            let details = DocumentDetails {
                kind: *kind,
                reference: format!("r{index}"),
                hash: Hash::parse(&format!("{index:064}")).unwrap(),
                issued_on: None,
                expires_on: index.is_multiple_of(3).then(|| Day::of(at(24 * (hour / 12)))),
            };
            partner.add_document(document(index), details, &ana(), now).ok()
        }
        Act::Verify(index) => partner.verify_document(&document(*index), &ana(), now).ok().flatten(),
        Act::Reject(index) => partner.reject_document(&document(*index), "why", &ana(), now).ok().flatten(),
        Act::Expire => partner.expire_documents(now),
    }
}

fn told(partner: &mut Partner, tales: &[Tale]) {
    for tale in tales {
        partner.learn(&tale.told(), at(9));
    }
}

/// What may not depend on the order in which things were told.
fn essence(partner: &Partner) -> (PartnerStatus, u32, ValidationStatus, Vec<Contract>) {
    let mut contracts = partner.contracts().to_vec();
    contracts.sort_by(|one, other| one.id.cmp(&other.id));
    (partner.status(), partner.revision(), partner.validation(), contracts)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    /// Accepts C-14, S2-PRP-2.
    #[test]
    fn order_and_repetition_of_what_contracts_tell_do_not_matter(
        kind in kind(),
        tales in prop::collection::vec(tale(), 0..10),
        turned in any::<prop::sample::Index>(),
        is_suspended in any::<bool>(),
    ) {
        let begin = |contracts| {
            let mut partner = a_partner(kind, contracts);
            if is_suspended {
                partner.suspend("why", at(1)).unwrap();
            }
            partner
        };
        let mut once = begin(Vec::new());
        told(&mut once, &tales);
        let mut other = tales.clone();
        if !other.is_empty() {
            let by = turned.index(other.len());
            other.rotate_left(by);
            other.reverse();
        }
        other.extend(tales.iter().copied());
        let mut again = begin(Vec::new());
        told(&mut again, &other);
        prop_assert_eq!(essence(&again), essence(&once));

        // Told before the partner registered, it comes to the same.
        let mut before = begin(once.contracts().to_vec());
        prop_assert_eq!(essence(&before), essence(&once));
        if is_suspended {
            let progress = once.progress();
            before.reactivate(at(10)).unwrap();
            prop_assert_eq!(before.status(), progress);
        }
    }

    #[test]
    fn after_any_history_the_status_is_one_that_was_allowed(
        kind in kind(),
        acts in prop::collection::vec(act(), 0..24),
    ) {
        let mut partner = a_partner(kind, Vec::new());
        for (hour, act) in (1..).zip(&acts) {
            let before = partner.clone();
            let changed = done(&mut partner, act, hour);
            let Some(changed) = changed else {
                prop_assert_eq!(&partner, &before, "nothing was said, and something changed: {:?}", act);
                continue;
            };
            prop_assert!(partner.revision() > before.revision());
            prop_assert!(partner.changed_at() >= before.changed_at());
            prop_assert_eq!(changed.from, (partner.status() != before.status()).then(|| before.status()));
            let passed = |partner: &Partner| {
                partner.checks().into_iter().map(|check| check.passed == Some(true)).collect::<Vec<_>>()
            };
            prop_assert_eq!(changed.checks, passed(&partner) != passed(&before));
            if changed.from.is_some() {
                prop_assert!(before.allowed().iter().any(|allowed| allowed.to == partner.status()));
            }
            prop_assert!(before.status() != PartnerStatus::Terminated || changed.from.is_none());
        }
        let all = partner.checks();
        let passed = all.iter().filter(|check| check.passed == Some(true)).count();
        let expected = match passed {
            0 => ValidationStatus::Pending,
            all_of if all_of == all.len() => ValidationStatus::Complete,
            _ => ValidationStatus::Partial,
        };
        prop_assert_eq!(partner.validation(), expected);
        for check in &all {
            prop_assert_eq!(check.passed.is_some(), check.at.is_some(), "{:?}", check);
        }
    }

    #[test]
    fn a_request_ends_the_same_whatever_came_first(
        openings in 1_u32..4,
        steps in prop::collection::vec((0_u64..4, 0_u64..5, 0_usize..4), 1..8),
        is_cancelled in any::<bool>(),
    ) {
        let outcomes = [None, Some(Outcome::Filled), Some(Outcome::Closed), Some(Outcome::Cancelled)];
        let known = |(matches, hires, outcome): (u64, u64, usize)| Progress { matches, hires, outcome: outcomes[outcome] };
        let last = known(*steps.last().unwrap());
        let begin = || {
            let mut request = a_request(openings);
            if is_cancelled {
                request.cancel("why", at(1)).unwrap();
            }
            request
        };
        let mut slow = begin();
        for step in &steps {
            slow.observe(known(*step), at(2));
        }
        let mut fast = begin();
        fast.observe(last, at(2));
        prop_assert_eq!(slow.status(), fast.status());
        let is_filled = last.hires >= u64::from(openings) || last.outcome == Some(Outcome::Filled);
        prop_assert_eq!(slow.status() == RequestStatus::Filled, is_filled);
        prop_assert!(!slow.observe(last, at(3)), "the same again is no news");
    }
}

fn a_request(openings: u32) -> RecruitmentRequest {
    let asked = Asked {
        job_requirements: Json::kept("{}"),
        openings,
        required_skills: Json::kept("[]"),
        experience: ExperienceLevel::Senior,
        job_type: JobType::FullTime,
        remote: true,
        locations: Vec::new(),
        salary: None,
        budget: None,
        timeline: Timeline { start_by: None, fill_by: None, max_days: Some(2) },
        urgency: Urgency::High,
        sources: vec![CandidateSource::Internal],
        screening: Json::kept("{}"),
    };
    let (id, partner) = (RequestId::parse("r1").unwrap(), PartnerId::parse("p1").unwrap());
    RecruitmentRequest::make(id, partner, asked, Progress::default(), ana(), at(0))
}

#[test]
fn a_request_expires_with_its_days_unless_it_is_filled() {
    let mut request = a_request(1);
    assert!(!request.expire(at(47)));
    let mut filled = request.clone();
    filled.observe(Progress { hires: 1, ..Progress::default() }, at(1));
    assert!(!filled.expire(at(48)));
    assert!(request.expire(at(48)) && !request.expire(at(49)));
    assert_eq!(request.status(), RequestStatus::Expired);
    assert_eq!(request.cancel("late", at(50)), Err(RequestOver(RequestStatus::Expired)));
    request.observe(Progress { hires: 1, ..Progress::default() }, at(51));
    assert_eq!(request.status(), RequestStatus::Filled);
}

#[test]
fn a_company_is_complete_with_papers_and_a_contract() {
    let mut partner = a_partner(PartnerType::Company, Vec::new());
    assert_eq!(partner.validation(), ValidationStatus::Pending);
    for (index, kind) in [DocumentKind::TaxId, DocumentKind::Incorporation, DocumentKind::LegalRepresentation]
        .iter()
        .enumerate()
    {
        done(&mut partner, &Act::Add(*kind), 1).unwrap();
        // The first is valid on that day alone.
        let changed = done(&mut partner, &Act::Verify(index), 2).unwrap();
        assert!(changed.checks && changed.from.is_none());
    }
    assert_eq!(partner.validation(), ValidationStatus::Partial);
    let signed = partner.learn(&Tale { contract: 0, what: What::Signed }.told(), at(3)).unwrap();
    assert_eq!((signed.from, signed.checks), (Some(PartnerStatus::Registered), false));
    let active = partner.learn(&Tale { contract: 0, what: What::Activated }.told(), at(4)).unwrap();
    assert_eq!((active.from, active.checks, active.activated), (Some(PartnerStatus::Contracted), true, true));
    assert_eq!(partner.validation(), ValidationStatus::Complete);
    assert!(partner.has_active_contract(at(5)) && !partner.has_active_contract(at(100)));

    let mut over = partner.clone();
    let ended = over.learn(&Tale { contract: 0, what: What::Ended }.told(), at(60)).unwrap();
    assert_eq!((ended.from, ended.checks, over.validation()), (None, true, ValidationStatus::Partial));
    assert!(over.has_active_contract(at(49)) && !over.has_active_contract(at(50)));

    assert!(partner.expire_documents(at(23)).is_none());
    assert!(partner.expire_documents(at(24)).unwrap().checks);
    assert_eq!(partner.validation(), ValidationStatus::Partial);
    let tax = &partner.checks()[0];
    assert_eq!((tax.name, tax.passed), ("tax_id", Some(false)));
}

#[test]
fn what_was_rejected_does_not_count_and_another_paper_does() {
    let mut partner = a_partner(PartnerType::Individual, Vec::new());
    done(&mut partner, &Act::Add(DocumentKind::Identity), 1).unwrap();
    done(&mut partner, &Act::Verify(0), 2).unwrap();
    assert!(done(&mut partner, &Act::Reject(0), 3).unwrap().checks);
    assert_eq!(partner.checks()[0].passed, Some(false));
    let again = partner.verify_document(&DocumentId::parse("d0").unwrap(), &ana(), at(4));
    assert_eq!(again, Err(DocumentError::Final(DocumentStatus::Rejected).into()));
    done(&mut partner, &Act::Add(DocumentKind::Identity), 5).unwrap();
    done(&mut partner, &Act::Verify(1), 6).unwrap();
    assert_eq!(partner.checks()[0].passed, Some(true));
}
