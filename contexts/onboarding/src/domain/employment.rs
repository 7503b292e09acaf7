//! A contract of employment: what was agreed with somebody whom a partner hired, and how far its signatures are.
//!
//! ```text
//! DRAFT ─ send, to those who sign it ─▶ SENT ─ the last signature ─▶ SIGNED
//!   └──────────── terminate, from each of these ─▶ TERMINATED
//! ```
//!
//! Its text is that of the hire, from the first day on: nothing of it is negotiated here.

use std::time::Duration;

use hexalpes_kernel::{Money, Timestamp};

use super::audit::{Entry, Head};
use super::kinds::words;
use super::signatory::{self, Signatory};
use super::{CandidateId, Document, EmploymentId, HiringId, JobId, Language, PartnerId, Party, Refusal};

/// S2-ENU-9.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmploymentType {
    Permanent,
    Contract,
    Internship,
}

words!(EmploymentType, 3, Permanent = "PERMANENT", Contract = "CONTRACT", Internship = "INTERNSHIP");

/// What was agreed, as the hire told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmploymentTerms {
    pub id: EmploymentId,
    pub hiring: HiringId,
    pub partner: PartnerId,
    pub candidate: CandidateId,
    pub job: JobId,
    pub job_title: String,
    pub department: String,
    /// As it was told: a date or a time.
    pub start_date: String,
    pub employment_type: EmploymentType,
    pub salary: Money,
    /// A JSON object, kept as it came.
    pub benefits: String,
    /// As the benefits: whatever else was agreed.
    pub agreed: String,
}

/// Each state carries what is true only in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EmploymentState {
    Draft,
    Sent,
    Signed,
    Terminated { reason: String, at: Timestamp },
}

impl EmploymentState {
    pub const NAMES: [&'static str; 4] = ["DRAFT", "SENT", "SIGNED", "TERMINATED"];

    pub fn name(&self) -> &'static str {
        match self {
            Self::Draft => "DRAFT",
            Self::Sent => "SENT",
            Self::Signed => "SIGNED",
            Self::Terminated { .. } => "TERMINATED",
        }
    }

    /// What can be done from here.
    pub fn allowed(&self) -> &'static [&'static str] {
        match self {
            Self::Draft => &["send", "terminate"],
            Self::Sent => &["sign", "renew_tokens", "terminate"],
            Self::Signed => &["terminate"],
            Self::Terminated { .. } => &[],
        }
    }
}

/// What happened to a contract of employment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EmploymentFact {
    Drafted,
    Sent,
    TokenRenewed {
        position: u32,
    },
    /// One of them.
    SignedBy {
        position: u32,
        signed_as: String,
    },
    /// All of them.
    Signed,
    /// So many days after it was sent somebody has still to sign.
    Reminded {
        days: u32,
    },
    Terminated {
        reason: String,
    },
}

impl EmploymentFact {
    /// The name in the audit trail.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Drafted => "drafted",
            Self::Sent => "sent",
            Self::TokenRenewed { .. } => "token_renewed",
            Self::SignedBy { .. } => "signed_by",
            Self::Signed => "signed",
            Self::Reminded { .. } => "reminded",
            Self::Terminated { .. } => "terminated",
        }
    }
}

/// So many days after it was sent somebody is reminded that signatures are missing; the last one is a day before the
/// tokens expire.
pub const PENDING_DAYS: [u32; 3] = [3, 7, 13];
const DAY: Duration = Duration::from_hours(24);

/// Drafted with the hire; one for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmploymentContract {
    pub terms: EmploymentTerms,
    pub language: Language,
    /// What it says, and the SHA-256 of how that is shown.
    pub document: Document,
    /// Counts up from 1 with each change.
    pub revision: u32,
    pub state: EmploymentState,
    /// In the order in which they sign; nobody before it is sent.
    pub signatories: Vec<Signatory>,
    pub sent_at: Option<Timestamp>,
    pub signed_at: Option<Timestamp>,
    /// So many days after it was sent somebody was reminded last.
    pub reminded_days: Option<u32>,
    pub trail: Head,
    pub created_at: Timestamp,
    pub changed_at: Timestamp,
}

impl EmploymentContract {
    pub fn draft(terms: EmploymentTerms, language: Language, document: Document, at: Timestamp) -> Self {
        Self {
            terms,
            language,
            document,
            revision: 1,
            state: EmploymentState::Draft,
            signatories: Vec::new(),
            sent_at: None,
            signed_at: None,
            reminded_days: None,
            trail: Head::empty(),
            created_at: at,
            changed_at: at,
        }
    }

    /// Asks those to sign whom somebody names; the candidate is one of them. `token_hashes` are in their order.
    pub fn send(
        &mut self,
        mut signatories: Vec<Signatory>,
        token_hashes: Vec<String>,
        at: Timestamp,
    ) -> Result<EmploymentFact, Refusal> {
        self.require("send")?;
        if !signatories.iter().any(|one| one.party == Party::Candidate) {
            return Err(Refusal::NoCandidate);
        }
        signatory::ask(&mut signatories, token_hashes, at);
        self.signatories = signatories;
        self.state = EmploymentState::Sent;
        self.sent_at = Some(at);
        self.next(at);
        Ok(EmploymentFact::Sent)
    }

    /// The old token is good for nothing then.
    pub fn renew_token(
        &mut self,
        position: u32,
        token_hash: String,
        at: Timestamp,
    ) -> Result<EmploymentFact, Refusal> {
        self.require("renew_tokens")?;
        if !signatory::ask_again(&mut self.signatories, position, token_hash, at) {
            return Err(Refusal::NoSuchSignatory { position });
        }
        self.next(at);
        Ok(EmploymentFact::TokenRenewed { position })
    }

    /// Signs with a token; the last signature signs the contract. `document_hash` is what was seen, if that was said.
    pub fn sign(
        &mut self,
        token_hash: &str,
        signed_as: Option<String>,
        document_hash: Option<&str>,
        at: Timestamp,
    ) -> Result<Vec<EmploymentFact>, Refusal> {
        let index = signatory::holder(&self.signatories, token_hash)?;
        self.require("sign")?;
        let seen = (document_hash, self.document.hash.as_str());
        let (position, signed_as) = signatory::sign(&mut self.signatories, index, signed_as, seen, at)?;
        let mut facts = vec![EmploymentFact::SignedBy { position, signed_as }];
        if self.signatories.iter().all(Signatory::is_signed) {
            self.state = EmploymentState::Signed;
            self.signed_at = Some(at);
            facts.push(EmploymentFact::Signed);
        }
        self.next(at);
        Ok(facts)
    }

    /// Terminating again is no news.
    pub fn terminate(&mut self, reason: String, at: Timestamp) -> Result<Option<EmploymentFact>, Refusal> {
        if matches!(self.state, EmploymentState::Terminated { .. }) {
            return Ok(None);
        }
        self.require("terminate")?;
        self.state = EmploymentState::Terminated { reason: reason.clone(), at };
        self.next(at);
        Ok(Some(EmploymentFact::Terminated { reason }))
    }

    /// Reminds of signatures that are missing; what was slept through is not made up for.
    pub fn pass(&mut self, at: Timestamp) -> Option<EmploymentFact> {
        let sent_at = self.sent_at.filter(|_| self.state == EmploymentState::Sent)?;
        let is_due = |days: &u32| {
            sent_at.after(DAY * *days) <= at && self.reminded_days.is_none_or(|last| *days > last)
        };
        let days = PENDING_DAYS.into_iter().filter(is_due).max()?;
        self.reminded_days = Some(days);
        self.next(at);
        Some(EmploymentFact::Reminded { days })
    }

    /// When somebody is to be reminded next.
    pub fn due_at(&self) -> Option<Timestamp> {
        let sent_at = self.sent_at.filter(|_| self.state == EmploymentState::Sent)?;
        let next =
            PENDING_DAYS.into_iter().find(|days| self.reminded_days.is_none_or(|last| *days > last))?;
        Some(sent_at.after(DAY * next))
    }

    /// Goes on with the trail.
    pub fn write(&mut self, actor: &str, action: &str, details: String, at: Timestamp) -> Entry {
        let (entry, head) = self.trail.next(&self.terms.id.trail(), at, actor, action, details);
        self.trail = head;
        entry
    }

    fn require(&self, verb: &'static str) -> Result<(), Refusal> {
        let (status, allowed) = (self.state.name(), self.state.allowed());
        if allowed.contains(&verb) { Ok(()) } else { Err(Refusal::NotAllowed { verb, status, allowed }) }
    }

    /// A change is never before the one before, whatever the clock says.
    fn next(&mut self, at: Timestamp) {
        self.revision += 1;
        self.changed_at = at.max(self.changed_at);
    }
}

/// What a contract of employment says; benefits and what else was agreed as names and values.
pub fn employment_text(
    terms: &EmploymentTerms,
    language: Language,
    benefits: &[(String, String)],
    agreed: &[(String, String)],
) -> String {
    let EmploymentTerms { id, hiring, partner, candidate, job, job_title, department, .. } = terms;
    let kind = match terms.employment_type {
        EmploymentType::Permanent => language.pick("con contrato indefinido", "permanently"),
        EmploymentType::Contract => language.pick("con contrato temporal", "for a fixed term"),
        EmploymentType::Internship => language.pick("con contrato de prácticas", "as an internship"),
    };
    let within = language.pick("en", "in");
    let place = if department.is_empty() { String::new() } else { format!(" {within} {department}") };
    let lines = |pairs: &[(String, String)]| -> String {
        let lines: Vec<String> = pairs.iter().map(|(name, value)| format!("\n{name}: {value}")).collect();
        lines.concat()
    };
    let (agreed, benefits) = (lines(agreed), lines(benefits));
    let (start, salary) = (&terms.start_date, terms.salary);
    match language {
        Language::Spanish => format!(
            "Contrato laboral n.º {id}, por la contratación {hiring}.\n\n# 1. Partes\n\nEl socio {partner}, como empleador, \
             y el candidato {candidate}.\n\n# 2. Puesto\n\n{job_title}{place} (vacante {job}), desde {start}, {kind}.\n\n\
             # 3. Retribución\n\n{salary}.\n\n# 4. Condiciones acordadas\n\nComo se acordaron:{agreed}\n\n\
             # 5. Beneficios\n\nComo se ofrecieron:{benefits}"
        ),
        Language::English => format!(
            "Employment contract No. {id}, for the hire {hiring}.\n\n# 1. Parties\n\nThe partner {partner}, as the \
             employer, and the candidate {candidate}.\n\n# 2. Position\n\n{job_title}{place} (job {job}), from {start} on, \
             {kind}.\n\n# 3. Pay\n\n{salary}.\n\n# 4. Agreed terms\n\nAs they were agreed:{agreed}\n\n\
             # 5. Benefits\n\nAs they were offered:{benefits}"
        ),
    }
}

#[cfg(test)]
mod tests {
    use hexalpes_kernel::Currency;

    use super::super::{SignError, Signing};
    use super::*;

    fn noon() -> Timestamp {
        Timestamp::parse("2025-01-15T12:00:00Z").unwrap()
    }

    fn signatory(position: u32, party: Party) -> Signatory {
        let name = format!("{}-{position}", party.name());
        Signatory { position, party, name, email: "a@b.co".to_owned(), signing: Signing::NotAsked }
    }

    fn a_contract() -> EmploymentContract {
        let terms = EmploymentTerms {
            id: EmploymentId::parse("e-1").unwrap(),
            hiring: HiringId::parse("h-1").unwrap(),
            partner: PartnerId::parse("p-1").unwrap(),
            candidate: CandidateId::parse("c-1").unwrap(),
            job: JobId::parse("j-1").unwrap(),
            job_title: "Cook".to_owned(),
            department: String::new(),
            start_date: "2025-03-01".to_owned(),
            employment_type: EmploymentType::Permanent,
            salary: Money::from_minor(1, Currency::USD),
            benefits: "{}".to_owned(),
            agreed: "{}".to_owned(),
        };
        let [title, text, html, hash] = ["t", "x", "x", "abc"].map(str::to_owned);
        let document = Document { title, text, html, hash, sent_at: noon() };
        EmploymentContract::draft(terms, Language::Spanish, document, noon())
    }

    fn sent() -> EmploymentContract {
        let mut contract = a_contract();
        let signatories = vec![signatory(1, Party::Partner), signatory(2, Party::Candidate)];
        contract.send(signatories, vec!["one".to_owned(), "two".to_owned()], noon()).unwrap();
        contract
    }

    #[test]
    fn nobody_can_be_employed_without_signing() {
        let mut contract = a_contract();
        let alone = vec![signatory(1, Party::Partner)];
        assert_eq!(contract.send(alone, vec!["one".to_owned()], noon()), Err(Refusal::NoCandidate));
        assert_eq!(contract.sign("one", None, None, noon()), Err(SignError::UnknownToken.into()));
        assert_eq!((contract.revision, contract.state), (1, EmploymentState::Draft));
    }

    #[test]
    fn the_last_signature_signs_it_and_each_is_given_once_and_in_order() {
        let mut contract = sent();
        let early = contract.sign("two", None, None, noon()).unwrap_err();
        assert!(matches!(early, Refusal::Signing(SignError::NotYourTurn { position: 1, .. })));
        let other = contract.sign("one", None, Some("def"), noon()).unwrap_err();
        assert!(matches!(other, Refusal::Signing(SignError::OtherDocument { .. })));
        assert_eq!(contract.sign("one", None, Some("abc"), noon()).unwrap().len(), 1);
        let again = contract.sign("one", None, None, noon()).unwrap_err();
        assert!(matches!(again, Refusal::Signing(SignError::Used { .. })));
        let facts = contract.sign("two", Some("Ana".to_owned()), None, noon()).unwrap();
        assert_eq!(facts.last(), Some(&EmploymentFact::Signed));
        assert_eq!((contract.signed_at, contract.due_at()), (Some(noon()), None));
        assert!(matches!(contract.renew_token(2, "x".to_owned(), noon()), Err(Refusal::NotAllowed { .. })));
    }

    #[test]
    fn missing_signatures_are_reminded_of_and_what_was_slept_through_is_not_made_up_for() {
        let mut contract = sent();
        assert_eq!(contract.due_at(), Some(noon().after(DAY * 3)));
        assert_eq!(contract.pass(noon().after(DAY * 2)), None);
        let on = |contract: &mut EmploymentContract, days| contract.pass(noon().after(DAY * days));
        assert_eq!(on(&mut contract, 8), Some(EmploymentFact::Reminded { days: 7 }));
        assert_eq!(on(&mut contract, 8), None);
        assert_eq!(contract.due_at(), Some(noon().after(DAY * 13)));
        assert_eq!(on(&mut contract, 20), Some(EmploymentFact::Reminded { days: 13 }));
        assert_eq!((on(&mut contract, 99), contract.due_at()), (None, None));
        contract.terminate("otra persona".to_owned(), noon().after(DAY * 30)).unwrap();
        assert_eq!(contract.terminate("x".to_owned(), noon().after(DAY * 31)), Ok(None));
        assert!(matches!(contract.sign("one", None, None, noon()), Err(Refusal::NotAllowed { .. })));
    }
}
