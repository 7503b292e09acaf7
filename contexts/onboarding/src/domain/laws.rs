//! What holds of a contract whatever is done with it, and in whatever order.

use std::time::Duration;

use hexalpes_kernel::Timestamp;
use proptest::prelude::*;

use super::audit::verify;
use super::*;

/// What somebody tries.
#[derive(Clone, Debug)]
enum Try {
    Rename(u8),
    Date(Option<u8>),
    Propose(bool, u32),
    Accept(bool),
    Reject(bool),
    Send,
    RenewToken(u32),
    Sign(u32),
    Activate(Option<u8>),
    Terminate,
    Renewed,
    /// So many hours go by, and the sweep looks so often.
    Wait(u32, u8),
}

fn tries() -> impl Strategy<Value = Vec<Try>> {
    let one = prop_oneof![
        1 => any::<u8>().prop_map(Try::Rename),
        1 => prop::option::of(0_u8..60).prop_map(Try::Date),
        1 => (any::<bool>(), 1_u32..60).prop_map(|(company, days)| Try::Propose(company, days)),
        1 => any::<bool>().prop_map(Try::Accept),
        1 => any::<bool>().prop_map(Try::Reject),
        3 => Just(Try::Send),
        1 => (1_u32..4).prop_map(Try::RenewToken),
        6 => (1_u32..4).prop_map(Try::Sign),
        2 => prop::option::of(0_u8..60).prop_map(Try::Activate),
        1 => Just(Try::Terminate),
        1 => Just(Try::Renewed),
        4 => (0_u32..24 * 40, 0_u8..3).prop_map(|(hours, looks)| Try::Wait(hours, looks)),
    ];
    prop::collection::vec(one, 1..40)
}

fn start() -> Timestamp {
    Timestamp::parse("2025-01-15T12:00:00Z").unwrap()
}

fn day(number: u8) -> Timestamp {
    parse_date("2025-01-10").unwrap().after(Duration::from_hours(24) * u32::from(number))
}

fn signatory(position: u32, party: Party) -> Signatory {
    let (name, email) = (format!("Ana {position}"), format!("ana{position}@x.co"));
    Signatory { position, party, name, email, signing: Signing::NotAsked }
}

pub(crate) fn a_draft() -> Contract {
    let partner = Partner {
        id: PartnerId::parse("p-1").unwrap(),
        partner_type: PartnerType::Empresa,
        business_name: "TechSolutions Inc".to_owned(),
        email: "contact@techsolutions.com".to_owned(),
    };
    let (contract_type, partner_type) = (ContractType::Standard, PartnerType::Empresa);
    let mut terms = Terms::built_in(contract_type, partner_type);
    terms.duration_days = 45;
    let draft = Draft {
        partner,
        contract_type,
        template: TemplateId::of(contract_type, partner_type, Language::Spanish, 1),
        language: Language::Spanish,
        terms,
        initial_data: "{}".to_owned(),
        origin: Origin::Request,
        signatories: vec![signatory(1, Party::Partner), signatory(2, Party::Company)],
        effective_date: None,
    };
    Contract::draft(ContractId::parse("c-1").unwrap(), draft, start())
}

fn document(contract: &Contract, at: Timestamp) -> Document {
    let text = format!("{} {}", contract.partner().business_name, contract.terms().duration_days);
    let hash = sha256(text.as_bytes());
    Document { title: "Contrato".to_owned(), html: text.clone(), text, hash, sent_at: at }
}

fn party(company: bool) -> Party {
    if company { Party::Company } else { Party::Partner }
}

/// A contract with its trail, and the clock.
struct History {
    contract: Contract,
    entries: Vec<audit::Entry>,
    at: Timestamp,
}

impl History {
    fn new() -> Self {
        let mut history = Self { contract: a_draft(), entries: Vec::new(), at: start() };
        history.write(&[Fact::Drafted]);
        history
    }

    fn write(&mut self, facts: &[Fact]) {
        for fact in facts {
            let entry = self.contract.write("ana", fact.name(), format!("{fact:?}"), self.at);
            self.entries.push(entry);
        }
    }

    /// The facts, or why there are none.
    fn attempt(&mut self, attempt: &Try) -> Result<Vec<Fact>, Refusal> {
        let at = self.at;
        let contract = &mut self.contract;
        let speaker = |company| Speaker { party: party(company), actor: "ana".to_owned() };
        Ok(match attempt {
            Try::Rename(number) => {
                let business_name = Some(format!("Socio {number}"));
                let changes = DraftChanges { business_name, ..DraftChanges::default() };
                contract.change(changes, at)?.into_iter().collect()
            }
            Try::Date(number) => {
                let effective_date = Some(number.map(day));
                let changes = DraftChanges { effective_date, ..DraftChanges::default() };
                contract.change(changes, at)?.into_iter().collect()
            }
            Try::Propose(company, days) => {
                let changes = TermsChanges { duration_days: Some(*days), ..TermsChanges::default() };
                vec![contract.propose(&speaker(*company), changes, None, at)?]
            }
            Try::Accept(company) => vec![contract.accept(&speaker(*company), at)?],
            Try::Reject(company) => vec![contract.reject(&speaker(*company), at)?],
            Try::Send => {
                let (document, tokens) = (document(contract, at), vec!["t-1".to_owned(), "t-2".to_owned()]);
                vec![contract.send(document, tokens, at)?]
            }
            Try::RenewToken(position) => {
                vec![contract.renew_token(*position, format!("t-{position}"), at)?]
            }
            Try::Sign(position) => contract.sign(&format!("t-{position}"), None, None, at)?,
            Try::Activate(number) => contract.activate(number.map(day), at)?.into_iter().collect(),
            Try::Terminate => contract.terminate("porque sí".to_owned(), at)?.into_iter().collect(),
            Try::Renewed => contract.renewed(ContractId::parse("c-2").unwrap(), at).into_iter().collect(),
            Try::Wait(hours, looks) => {
                self.at = at.after(Duration::from_hours(u64::from(*hours)));
                let mut facts = Vec::new();
                for _ in 0..*looks {
                    facts.extend(contract.pass(self.at));
                }
                facts
            }
        })
    }

    /// Lets time bring about all that is due.
    fn settle(&mut self) {
        while let Some(fact) = self.contract.pass(self.at) {
            self.write(&[fact]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn laws_hold_after_every_step(tries in tries()) {
        let mut history = History::new();
        for attempt in &tries {
            let before = history.contract.clone();
            let was_due = before.due_at();
            let outcome = history.attempt(attempt);
            let facts = match outcome {
                Ok(facts) => facts,
                Err(refusal) => {
                    prop_assert_eq!(&history.contract, &before, "{:?} was refused and changed something", refusal);
                    if let Refusal::NotAllowed { verb, allowed, .. } = refusal {
                        prop_assert!(!allowed.contains(&verb));
                        prop_assert_eq!(allowed, before.state().allowed());
                    }
                    continue;
                }
            };
            // Nothing is changed without a fact, and nothing is a fact that changed nothing.
            prop_assert_eq!(facts.is_empty(), history.contract.revision() == before.revision());
            if let Try::Wait(_, looks) = attempt {
                let is_due = was_due.is_some_and(|due| due <= history.at);
                prop_assert_eq!(*looks > 0 && is_due, !facts.is_empty());
            }
            history.write(&facts);
            let now = &history.contract;
            // What was sent stays as it was sent.
            if let (Some(sent), Some(is)) = (before.document(), now.document()) {
                prop_assert_eq!(sent, is);
                prop_assert_eq!(before.terms(), now.terms());
            }
            // Signatures come in order, and all before it is signed.
            let signed: Vec<bool> = now.signatories().iter().map(Signatory::is_signed).collect();
            prop_assert!(signed.windows(2).all(|pair| pair[0] || !pair[1]));
            let is_signed = now.parts().signed_at.is_some();
            prop_assert_eq!(is_signed, signed.iter().all(|one| *one));
            // It holds once it was activated, for as long as its terms say.
            if let Some(validity) = now.validity() {
                prop_assert!(is_signed);
                prop_assert_eq!(validity.until, now.terms().expires(validity.from));
            }
            prop_assert!(now.state() != &State::Active || now.validity().is_some());
            prop_assert!(now.parts().proposals.iter().filter(|one| one.outcome == Outcome::Open).count() <= 1);
            prop_assert_eq!(verify(&history.entries, &now.parts().trail), Ok(()));
        }
    }

    /// How often the sweep looks makes no difference to where a contract ends, only to how many reminders there were.
    #[test]
    fn it_does_not_matter_how_often_somebody_looks(
        tries in tries(),
        days in 0_u32..120,
        looks in prop::collection::vec(0_u32..120, 0..6),
    ) {
        let mut history = History::new();
        for attempt in &tries {
            if let Ok(facts) = history.attempt(attempt) {
                history.write(&facts);
            }
        }
        let end = history.at.after(Duration::from_hours(24) * days);
        let (mut once, mut often) = (history.contract.clone(), history.contract);
        while once.pass(end).is_some() {}
        let mut looks: Vec<u32> = looks.into_iter().filter(|day| *day < days).collect();
        looks.sort_unstable();
        for day in looks {
            let at = history.at.after(Duration::from_hours(24) * day);
            while often.pass(at).is_some() {}
        }
        while often.pass(end).is_some() {}
        prop_assert_eq!(once.state().name(), often.state().name());
        prop_assert_eq!(once.validity(), often.validity());
        prop_assert_eq!(once.due_at(), often.due_at());
    }
}

#[test]
fn a_contract_goes_from_draft_to_its_end() {
    let mut history = History::new();
    let speaker = |party| Speaker { party, actor: "ana".to_owned() };
    let at = history.at;
    let contract = &mut history.contract;
    let changes = TermsChanges { duration_days: Some(40), ..TermsChanges::default() };
    contract.propose(&speaker(Party::Partner), changes, Some("menos".to_owned()), at).unwrap();
    assert_eq!(contract.can_be_sent(), Err(Refusal::StillOpen { number: 1 }));
    let own = contract.accept(&speaker(Party::Partner), at);
    assert_eq!(own, Err(NegotiateError::OwnProposal { by: Party::Partner }.into()));
    contract.accept(&speaker(Party::Company), at).unwrap();
    assert_eq!(contract.terms().duration_days, 40);
    let tokens = vec!["t-1".to_owned(), "t-2".to_owned()];
    contract.send(document(contract, at), tokens, at).unwrap();
    let early = contract.sign("t-2", None, None, at);
    assert_eq!(early, Err(SignError::NotYourTurn { position: 1, name: "Ana 1".to_owned() }.into()));
    assert_eq!(contract.sign("t-1", None, None, at).unwrap().len(), 1);
    assert_eq!(contract.sign("t-1", None, None, at), Err(SignError::Used { at }.into()));
    let late = at.after(TOKEN_LIFETIME);
    assert_eq!(contract.sign("t-2", None, None, late), Err(SignError::Expired { at: late }.into()));
    contract.renew_token(2, "t-3".to_owned(), late).unwrap();
    assert_eq!(contract.sign("t-2", None, None, late), Err(SignError::UnknownToken.into()));
    assert_eq!(contract.sign("t-3", None, None, late).unwrap().last(), Some(&Fact::Signed));
    contract.activate(None, late).unwrap();
    assert_eq!(contract.validity().unwrap().from, parse_date("2025-01-29").unwrap());
    history.at = late.after(Duration::from_hours(24 * 40));
    history.settle();
    assert_eq!(history.contract.state().name(), "EXPIRED");
}
