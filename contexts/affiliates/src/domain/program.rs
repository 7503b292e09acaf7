//! A program: on which terms affiliates work for somebody.

use std::time::Duration;

use hexalpes_kernel::{Amount, Currency, Rate, Timestamp};

use super::ProgramId;

/// Who is owed a commission when a customer came by more than one link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attribution {
    LastClick,
    FirstClick,
    /// Whoever the conversion names; clicks do not count.
    Explicit,
}

impl Attribution {
    /// The name on the wire between contexts, and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::LastClick => "last_click",
            Self::FirstClick => "first_click",
            Self::Explicit => "explicit",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::LastClick, Self::FirstClick, Self::Explicit].into_iter().find(|one| one.name() == name)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgramStatus {
    Active,
    /// Nobody new may join, and nothing new is recorded.
    Closed,
}

impl ProgramStatus {
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Closed => "CLOSED",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::Active, Self::Closed].into_iter().find(|one| one.name() == name)
    }
}

/// What a program promises and asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    pub name: String,
    /// What an amount is in when nobody says. It stays: what was earned in one currency is not paid in another.
    pub currency: Currency,
    /// For whom nothing else is agreed.
    pub default_rate: Rate,
    /// How long a commission is held before it may be approved.
    pub hold: Duration,
    /// Whether the commission of a conversion that was recorded needs nobody's approval.
    pub auto_approve: bool,
    pub attribution: Attribution,
    /// For how long a click counts.
    pub attribution_window: Duration,
}

impl Default for Terms {
    /// USD, 10 %, no hold, approved at once, the last click within 30 days: what others know of the program `default`
    /// before anything is told of it.
    fn default() -> Self {
        Self {
            name: "Programa por defecto".to_owned(),
            currency: Currency::USD,
            default_rate: Rate::from_percent(Amount::new(10, 0)).expect("10 % is a rate"),
            hold: Duration::ZERO,
            auto_approve: true,
            attribution: Attribution::LastClick,
            attribution_window: Duration::from_hours(30 * 24),
        }
    }
}

/// What is to become of terms; `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TermsChanges {
    pub name: Option<String>,
    pub default_rate: Option<Rate>,
    pub hold: Option<Duration>,
    pub auto_approve: Option<bool>,
    pub attribution: Option<Attribution>,
    pub attribution_window: Option<Duration>,
    pub status: Option<ProgramStatus>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    id: ProgramId,
    revision: u32,
    terms: Terms,
    status: ProgramStatus,
    created_at: Timestamp,
    valid_from: Timestamp,
}

/// The parts of a program as they were kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub id: ProgramId,
    pub revision: u32,
    pub terms: Terms,
    pub status: ProgramStatus,
    pub created_at: Timestamp,
    pub valid_from: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// Others work under it by default.
    #[error("the program default stays open: those who name no program belong to it")]
    Default,
}

impl Program {
    pub fn create(id: ProgramId, terms: Terms, at: Timestamp) -> Self {
        Self { id, revision: 1, terms, status: ProgramStatus::Active, created_at: at, valid_from: at }
    }

    /// Changes what is given; tells whether anything is another than before.
    pub fn change(&mut self, changes: TermsChanges, at: Timestamp) -> Result<bool, ChangeError> {
        let TermsChanges { name, default_rate, hold, auto_approve, attribution, attribution_window, status } =
            changes;
        let old = self.terms.clone();
        let terms = Terms {
            name: name.unwrap_or(old.name),
            currency: old.currency,
            default_rate: default_rate.unwrap_or(old.default_rate),
            hold: hold.unwrap_or(old.hold),
            auto_approve: auto_approve.unwrap_or(old.auto_approve),
            attribution: attribution.unwrap_or(old.attribution),
            attribution_window: attribution_window.unwrap_or(old.attribution_window),
        };
        let status = status.unwrap_or(self.status);
        if status == ProgramStatus::Closed && self.id == ProgramId::default_program() {
            return Err(ChangeError::Default);
        }
        if terms == self.terms && status == self.status {
            return Ok(false);
        }
        self.terms = terms;
        self.status = status;
        self.revision += 1;
        self.valid_from = at.max(self.valid_from);
        Ok(true)
    }

    /// Takes a program out of its store.
    pub fn restore(stored: Stored) -> Self {
        let Stored { id, revision, terms, status, created_at, valid_from } = stored;
        Self { id, revision, terms, status, created_at, valid_from }
    }

    pub fn id(&self) -> &ProgramId {
        &self.id
    }

    /// Counts up from 1 with each change.
    pub fn revision(&self) -> u32 {
        self.revision
    }

    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    pub fn status(&self) -> ProgramStatus {
        self.status
    }

    pub fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// From when on these terms hold.
    pub fn valid_from(&self) -> Timestamp {
        self.valid_from
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noon() -> Timestamp {
        Timestamp::parse("2025-01-15T12:00:00Z").unwrap()
    }

    #[test]
    fn a_change_that_changes_nothing_is_no_news() {
        let mut program = Program::create(ProgramId::parse("shoes").unwrap(), Terms::default(), noon());
        let later = noon().after(Duration::from_hours(1));
        assert_eq!(program.change(TermsChanges::default(), later), Ok(false));
        let again = TermsChanges { auto_approve: Some(true), ..TermsChanges::default() };
        assert_eq!(program.change(again, later), Ok(false));
        assert_eq!((program.revision(), program.valid_from()), (1, noon()));
        let changes = TermsChanges { auto_approve: Some(false), ..TermsChanges::default() };
        assert_eq!(program.change(changes, later), Ok(true));
        assert_eq!((program.revision(), program.valid_from()), (2, later));
    }

    #[test]
    fn the_default_program_stays_open() {
        let closing = || TermsChanges { status: Some(ProgramStatus::Closed), ..TermsChanges::default() };
        let mut program = Program::create(ProgramId::default_program(), Terms::default(), noon());
        assert_eq!(program.change(closing(), noon()), Err(ChangeError::Default));
        let mut program = Program::create(ProgramId::parse("shoes").unwrap(), Terms::default(), noon());
        assert_eq!(program.change(closing(), noon()), Ok(true));
        assert_eq!(program.status(), ProgramStatus::Closed);
    }
}
