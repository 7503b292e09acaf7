//! What can be done with a contract.

use std::time::Duration;

use hexalpes_kernel::Timestamp;

use super::contract::{Contract, State, Stored, Validity};
use super::negotiation::{NegotiateError, Outcome, PROPOSALS_MAX, Proposal};
use super::signatory::{self, SignError, Signatory};
use super::{ContractId, Document, Party, Terms, TermsChanges, TermsError, date, parse_date};

/// What happened to a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    Drafted,
    Changed,
    Proposed {
        number: u32,
        by: Party,
    },
    Accepted {
        number: u32,
        by: Party,
    },
    Rejected {
        number: u32,
        by: Party,
    },
    Sent {
        document_hash: String,
    },
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
    /// It is to be activated then.
    Scheduled {
        effective_date: Timestamp,
    },
    Activated(Validity),
    Expired,
    /// `had_ended`: it had expired before.
    Renewed {
        by: ContractId,
        had_ended: bool,
    },
    Terminated {
        reason: String,
    },
    /// So many days before its expiration.
    Reminded {
        days: u32,
    },
}

impl Fact {
    /// The name in the audit trail.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Drafted => "drafted",
            Self::Changed => "changed",
            Self::Proposed { .. } => "proposed",
            Self::Accepted { .. } => "accepted",
            Self::Rejected { .. } => "rejected",
            Self::Sent { .. } => "sent",
            Self::TokenRenewed { .. } => "token_renewed",
            Self::SignedBy { .. } => "signed_by",
            Self::Signed => "signed",
            Self::Scheduled { .. } => "scheduled",
            Self::Activated(_) => "activated",
            Self::Expired => "expired",
            Self::Renewed { .. } => "renewed",
            Self::Terminated { .. } => "terminated",
            Self::Reminded { .. } => "reminded",
        }
    }
}

/// Why a verb did nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("a contract that is {status} cannot be asked to {verb}")]
    NotAllowed { verb: &'static str, status: &'static str, allowed: &'static [&'static str] },
    #[error("proposal {number} waits for an answer")]
    StillOpen { number: u32 },
    #[error("nobody is to sign it")]
    NoSignatories,
    #[error("the candidate is not among those who are to sign it")]
    NoCandidate,
    #[error("it is effective from {at}, as its document says")]
    DateIsFixed { at: Timestamp },
    #[error("it would have expired at {at}")]
    ExpiredAlready { at: Timestamp },
    #[error("there is no signatory {position} who has still to sign")]
    NoSuchSignatory { position: u32 },
    #[error(transparent)]
    Terms(#[from] TermsError),
    #[error(transparent)]
    Negotiation(#[from] NegotiateError),
    #[error(transparent)]
    Signing(#[from] SignError),
}

/// What is to become of a contract before it is sent; `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DraftChanges {
    pub business_name: Option<String>,
    pub email: Option<String>,
    /// All of them, in the order in which they sign.
    pub signatories: Option<Vec<Signatory>>,
    /// `Some(None)`: from its activation.
    pub effective_date: Option<Option<Timestamp>>,
}

/// Who proposes, accepts or rejects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Speaker {
    pub party: Party,
    pub actor: String,
}

/// So many days before the expiration somebody is reminded.
pub const REMINDER_DAYS: [u32; 3] = [30, 7, 1];

impl Contract {
    pub fn change(&mut self, changes: DraftChanges, at: Timestamp) -> Result<Option<Fact>, Refusal> {
        self.require("change")?;
        let mut draft = self.parts.draft.clone();
        let DraftChanges { business_name, email, signatories, effective_date } = changes;
        if let Some(name) = business_name {
            draft.partner.business_name = name;
        }
        if let Some(email) = email {
            draft.partner.email = email;
        }
        if let Some(signatories) = signatories {
            draft.signatories = signatories;
        }
        if let Some(effective_date) = effective_date {
            draft.effective_date = effective_date;
        }
        if draft == self.parts.draft {
            return Ok(None);
        }
        self.parts.draft = draft;
        self.next(at);
        Ok(Some(Fact::Changed))
    }

    /// Proposes other terms. On the table is what was proposed last, or else what was agreed.
    pub fn propose(
        &mut self,
        speaker: &Speaker,
        changes: TermsChanges,
        note: Option<String>,
        at: Timestamp,
    ) -> Result<Fact, Refusal> {
        self.require("negotiate")?;
        let table = self.open_proposal().map_or(self.terms(), |open| &open.terms);
        let terms = table.with(changes);
        if terms == *table {
            return Err(NegotiateError::NoChange.into());
        }
        terms.check()?;
        if self.parts.proposals.len() >= PROPOSALS_MAX {
            return Err(NegotiateError::TooMany.into());
        }
        if let Some(open) = self.parts.proposals.last_mut().filter(|last| last.outcome == Outcome::Open) {
            open.outcome = Outcome::Superseded { at };
        }
        let number = self.parts.proposals.last().map_or(1, |last| last.number + 1);
        let Speaker { party: by, actor } = speaker.clone();
        self.parts.proposals.push(Proposal { number, by, actor, at, terms, note, outcome: Outcome::Open });
        self.parts.state = State::Negotiation;
        self.next(at);
        Ok(Fact::Proposed { number, by })
    }

    /// What was proposed is agreed: both sides have accepted it.
    pub fn accept(&mut self, speaker: &Speaker, at: Timestamp) -> Result<Fact, Refusal> {
        let Speaker { party, actor } = speaker.clone();
        let open = self.open("negotiate")?;
        if open.by == party {
            return Err(NegotiateError::OwnProposal { by: party }.into());
        }
        open.outcome = Outcome::Accepted { actor, at };
        let (number, terms): (u32, Terms) = (open.number, open.terms.clone());
        self.parts.draft.terms = terms;
        self.next(at);
        Ok(Fact::Accepted { number, by: party })
    }

    /// What was proposed is off the table; who proposed it takes it back so.
    pub fn reject(&mut self, speaker: &Speaker, at: Timestamp) -> Result<Fact, Refusal> {
        let Speaker { party, actor } = speaker.clone();
        let open = self.open("negotiate")?;
        open.outcome = Outcome::Rejected { actor, at };
        let number = open.number;
        self.next(at);
        Ok(Fact::Rejected { number, by: party })
    }

    fn open(&mut self, verb: &'static str) -> Result<&mut Proposal, Refusal> {
        self.require(verb)?;
        let last = self.parts.proposals.last_mut().filter(|last| last.outcome == Outcome::Open);
        Ok(last.ok_or(NegotiateError::NothingOpen)?)
    }

    /// Whether it can be sent, before its document is written.
    pub fn can_be_sent(&self) -> Result<(), Refusal> {
        self.require("send")?;
        if let Some(open) = self.open_proposal() {
            return Err(Refusal::StillOpen { number: open.number });
        }
        if self.signatories().is_empty() {
            return Err(Refusal::NoSignatories);
        }
        Ok(())
    }

    /// Freezes the document and asks everybody to sign it; `token_hashes` are in the order of the signatories.
    pub fn send(
        &mut self,
        document: Document,
        token_hashes: Vec<String>,
        at: Timestamp,
    ) -> Result<Fact, Refusal> {
        self.can_be_sent()?;
        signatory::ask(&mut self.parts.draft.signatories, token_hashes, at);
        let document_hash = document.hash.clone();
        self.parts.document = Some(document);
        self.parts.state = State::Sent;
        self.next(at);
        Ok(Fact::Sent { document_hash })
    }

    /// Gives somebody who has still to sign another token; the old one is good for nothing then.
    pub fn renew_token(&mut self, position: u32, token_hash: String, at: Timestamp) -> Result<Fact, Refusal> {
        self.require("renew_tokens")?;
        if !signatory::ask_again(&mut self.parts.draft.signatories, position, token_hash, at) {
            return Err(Refusal::NoSuchSignatory { position });
        }
        self.next(at);
        Ok(Fact::TokenRenewed { position })
    }

    /// Signs with a token; the last signature signs the contract. `document_hash` is what was seen, if that was said.
    pub fn sign(
        &mut self,
        token_hash: &str,
        signed_as: Option<String>,
        document_hash: Option<&str>,
        at: Timestamp,
    ) -> Result<Vec<Fact>, Refusal> {
        let index = signatory::holder(&self.parts.draft.signatories, token_hash)?;
        self.require("sign")?;
        let sent = self.parts.document.as_ref().map(|document| document.hash.clone()).unwrap_or_default();
        let signatories = &mut self.parts.draft.signatories;
        let (position, signed_as) =
            signatory::sign(signatories, index, signed_as, (document_hash, &sent), at)?;
        let mut facts = vec![Fact::SignedBy { position, signed_as }];
        if self.signatories().iter().all(Signatory::is_signed) {
            self.parts.state = State::Signed { at };
            self.parts.signed_at = Some(at);
            facts.push(Fact::Signed);
        }
        self.next(at);
        Ok(facts)
    }

    /// Lets it hold: from its effective date, which may be said now if its document does not say it; from now if nobody
    /// says. A date that is to come is waited for.
    pub fn activate(
        &mut self,
        effective_date: Option<Timestamp>,
        at: Timestamp,
    ) -> Result<Option<Fact>, Refusal> {
        self.require("activate")?;
        let fixed = self.parts.draft.effective_date;
        if let (Some(fixed), Some(asked)) = (fixed, effective_date)
            && fixed != asked
        {
            return Err(Refusal::DateIsFixed { at: fixed });
        }
        let from = effective_date.or(fixed).unwrap_or_else(|| beginning(at));
        if from > at {
            if fixed == Some(from) {
                return Ok(None);
            }
            self.parts.draft.effective_date = Some(from);
            self.next(at);
            return Ok(Some(Fact::Scheduled { effective_date: from }));
        }
        let until = self.terms().expires(from);
        if until <= at {
            return Err(Refusal::ExpiredAlready { at: until });
        }
        Ok(Some(self.hold(from, at)))
    }

    fn hold(&mut self, from: Timestamp, at: Timestamp) -> Fact {
        let validity = Validity { from, until: self.terms().expires(from) };
        self.parts.state = State::Active;
        self.parts.validity = Some(validity);
        self.next(at);
        Fact::Activated(validity)
    }

    /// What time brings about by now: it becomes active, somebody is to be reminded, it expires.
    pub fn pass(&mut self, at: Timestamp) -> Option<Fact> {
        match (&self.parts.state, self.parts.validity) {
            // Also if its time is over by now: that it held is true whenever somebody looks.
            (State::Signed { .. }, _) => {
                let from = self.parts.draft.effective_date.filter(|date| *date <= at)?;
                Some(self.hold(from, at))
            }
            (State::Active, Some(validity)) if validity.until <= at => Some(self.expire(at)),
            (State::Active, Some(validity)) => {
                let days = due_reminder(validity, self.parts.reminded_days, at)?;
                self.parts.reminded_days = Some(days);
                self.next(at);
                Some(Fact::Reminded { days })
            }
            _ => None,
        }
    }

    fn expire(&mut self, at: Timestamp) -> Fact {
        self.parts.state = State::Expired { at };
        self.next(at);
        Fact::Expired
    }

    /// Its renewal was activated.
    pub fn renewed(&mut self, by: ContractId, at: Timestamp) -> Option<Fact> {
        if !matches!(self.parts.state, State::Active | State::Expired { .. }) {
            return None;
        }
        let had_ended = matches!(self.parts.state, State::Expired { .. });
        self.parts.state = State::Renewed { by: by.clone(), at };
        self.next(at);
        Some(Fact::Renewed { by, had_ended })
    }

    /// Whether it can be renewed.
    pub fn can_be_renewed(&self) -> Result<(), Refusal> {
        self.require("renew")
    }

    pub fn terminate(&mut self, reason: String, at: Timestamp) -> Result<Option<Fact>, Refusal> {
        if matches!(self.parts.state, State::Terminated { .. }) {
            return Ok(None);
        }
        self.require("terminate")?;
        self.parts.state = State::Terminated { reason: reason.clone(), at };
        self.next(at);
        Ok(Some(Fact::Terminated { reason }))
    }

    /// When time brings something about next, if it does.
    pub fn due_at(&self) -> Option<Timestamp> {
        let Stored { state, draft, validity, reminded_days, .. } = &self.parts;
        match (state, validity) {
            (State::Signed { .. }, _) => draft.effective_date,
            (State::Active, Some(validity)) => {
                let next = reminders(*validity).find(|days| reminded_days.is_none_or(|last| *days < last));
                Some(next.map_or(validity.until, |days| validity.until.before(DAY * days)))
            }
            _ => None,
        }
    }

    fn require(&self, verb: &'static str) -> Result<(), Refusal> {
        let (status, allowed) = (self.state().name(), self.state().allowed());
        if allowed.contains(&verb) { Ok(()) } else { Err(Refusal::NotAllowed { verb, status, allowed }) }
    }

    /// A change is never before the one before, whatever the clock says.
    fn next(&mut self, at: Timestamp) {
        self.parts.revision += 1;
        self.parts.changed_at = at.max(self.parts.changed_at);
    }
}

const DAY: Duration = Duration::from_hours(24);

/// Of the day, in UTC: contracts are effective for whole days.
fn beginning(at: Timestamp) -> Timestamp {
    parse_date(&date(at)).unwrap_or(at)
}

/// The nearest reminder that is due: those that were missed are not made up for.
fn due_reminder(validity: Validity, reminded: Option<u32>, at: Timestamp) -> Option<u32> {
    let is_due =
        |days: &u32| validity.until.before(DAY * *days) <= at && reminded.is_none_or(|last| *days < last);
    reminders(validity).filter(is_due).min()
}

/// Those that make sense: a contract of ten days is not about to expire from its first day on.
fn reminders(validity: Validity) -> impl Iterator<Item = u32> {
    REMINDER_DAYS.into_iter().filter(move |days| validity.until.before(DAY * *days) > validity.from)
}
