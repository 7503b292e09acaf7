//! The invariants that tidy holds, as ARCHITECTURE.md numbers and names them. It lists more: the others are
//! held by the compiler, by types or by tests.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Invariant {
    OneWay,
    ContextsApart,
    BackboneApart,
    TimeIsAnArgument,
    PureDomain,
    ExactMoney,
    TypedErrors,
    SmallFiles,
    TestsRun,
    NothingLeft,
    NoMachine,
    RealItems,
    OneTls,
    TwoReadmes,
}

impl Invariant {
    pub(crate) const ALL: [Self; 14] = [
        Self::OneWay,
        Self::ContextsApart,
        Self::BackboneApart,
        Self::TimeIsAnArgument,
        Self::PureDomain,
        Self::ExactMoney,
        Self::TypedErrors,
        Self::SmallFiles,
        Self::TestsRun,
        Self::NothingLeft,
        Self::NoMachine,
        Self::RealItems,
        Self::OneTls,
        Self::TwoReadmes,
    ];

    pub(crate) fn number(self) -> u8 {
        match self {
            Self::OneWay => 1,
            Self::ContextsApart => 2,
            Self::BackboneApart => 3,
            Self::TimeIsAnArgument => 4,
            Self::PureDomain => 5,
            Self::ExactMoney => 6,
            Self::TypedErrors => 11,
            Self::SmallFiles => 12,
            Self::TestsRun => 13,
            Self::NothingLeft => 14,
            Self::NoMachine => 15,
            Self::RealItems => 16,
            Self::OneTls => 17,
            Self::TwoReadmes => 19,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OneWay => "Dependencies point one way",
            Self::ContextsApart => "No context knows another",
            Self::BackboneApart => "The broker knows no business",
            Self::TimeIsAnArgument => "Time and randomness are arguments",
            Self::PureDomain => "A domain is pure",
            Self::ExactMoney => "Money is never a float",
            Self::TypedErrors => "Errors are typed facts",
            Self::SmallFiles => "Files stay small",
            Self::TestsRun => "Every test runs and waits for a fact",
            Self::NothingLeft => "Nothing is left for later",
            Self::NoMachine => "Nothing belongs to one machine",
            Self::RealItems => "A test accepts what exists",
            Self::OneTls => "One TLS stack",
            Self::TwoReadmes => "The README is there in two languages",
        }
    }
}
