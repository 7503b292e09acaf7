//! An application: a candidate's way through the stages of one job, each step with its time and who did it.

use hexalpes_kernel::{Actor, Timestamp};

use super::{ApplicationId, CandidateId, JobId, PartnerId, Source};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    Applied,
    Screening,
    Interview,
    Offer,
    /// Reached by a hire alone.
    Hired,
    Rejected,
    Withdrawn,
}

impl Stage {
    pub const WORDS: &'static [(&'static str, Self)] = &[
        ("APPLIED", Self::Applied),
        ("SCREENING", Self::Screening),
        ("INTERVIEW", Self::Interview),
        ("OFFER", Self::Offer),
        ("HIRED", Self::Hired),
        ("REJECTED", Self::Rejected),
        ("WITHDRAWN", Self::Withdrawn),
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Applied => "APPLIED",
            Self::Screening => "SCREENING",
            Self::Interview => "INTERVIEW",
            Self::Offer => "OFFER",
            Self::Hired => "HIRED",
            Self::Rejected => "REJECTED",
            Self::Withdrawn => "WITHDRAWN",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(known, _)| *known == name).map(|(_, stage)| *stage)
    }

    /// The stages that may follow. An offer that was declined or has expired leads back to talking.
    pub fn allowed(self) -> &'static [Self] {
        match self {
            Self::Applied => &[Self::Screening, Self::Hired, Self::Rejected, Self::Withdrawn],
            Self::Screening | Self::Offer => &[Self::Interview, Self::Hired, Self::Rejected, Self::Withdrawn],
            Self::Interview => &[Self::Offer, Self::Hired, Self::Rejected, Self::Withdrawn],
            Self::Hired | Self::Rejected | Self::Withdrawn => &[],
        }
    }

    pub fn is_over(self) -> bool {
        self.allowed().is_empty()
    }
}

/// One step of the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub to: Stage,
    pub at: Timestamp,
    pub by: Actor,
    pub reason: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    pub(crate) id: ApplicationId,
    pub(crate) job: JobId,
    pub(crate) candidate: CandidateId,
    pub(crate) partner: PartnerId,
    pub(crate) source: Source,
    /// The first is into `Applied`; never empty.
    steps: Vec<Step>,
}

/// The stage does not lead there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("from {} no step leads to {}", from.name(), to.name())]
pub struct StageError {
    pub from: Stage,
    pub to: Stage,
}

impl Application {
    pub fn new(
        id: ApplicationId,
        job: JobId,
        candidate: CandidateId,
        partner: PartnerId,
        source: Source,
        first: Step,
    ) -> Self {
        Self { id, job, candidate, partner, source, steps: vec![Step { to: Stage::Applied, ..first }] }
    }

    /// Takes an application out of its store; its steps in their order, one at least.
    pub fn restore(
        id: ApplicationId,
        job: JobId,
        candidate: CandidateId,
        partner: PartnerId,
        source: Source,
        steps: Vec<Step>,
    ) -> Option<Self> {
        (!steps.is_empty()).then_some(Self { id, job, candidate, partner, source, steps })
    }

    /// Goes a step; staying where it is is none. Tells whether it did.
    pub fn go(&mut self, step: Step) -> Result<bool, StageError> {
        let from = self.stage();
        if from == step.to {
            return Ok(false);
        }
        if !from.allowed().contains(&step.to) {
            return Err(StageError { from, to: step.to });
        }
        // A step is never before the one before, whatever the clock says.
        let at = step.at.max(self.changed_at());
        self.steps.push(Step { at, ..step });
        Ok(true)
    }

    pub fn stage(&self) -> Stage {
        self.last().to
    }

    /// Counts up from 1 with each step.
    pub fn revision(&self) -> u32 {
        u32::try_from(self.steps.len()).unwrap_or(u32::MAX)
    }

    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    pub fn applied_at(&self) -> Timestamp {
        self.steps[0].at
    }

    pub fn changed_at(&self) -> Timestamp {
        self.last().at
    }

    fn last(&self) -> &Step {
        self.steps.last().expect("an application begins with a step")
    }

    pub fn id(&self) -> &ApplicationId {
        &self.id
    }

    pub fn job(&self) -> &JobId {
        &self.job
    }

    pub fn candidate(&self) -> &CandidateId {
        &self.candidate
    }

    pub fn partner(&self) -> &PartnerId {
        &self.partner
    }

    pub fn source(&self) -> Source {
        self.source
    }

    /// It is another candidate's from now on, who is the same person.
    pub fn hand_to(&mut self, candidate: CandidateId) {
        self.candidate = candidate;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn noon() -> Timestamp {
        Timestamp::parse("2025-01-15T12:00:00Z").unwrap()
    }

    fn step(to: Stage, at: Timestamp) -> Step {
        Step { to, at, by: Actor::anonymous(), reason: None }
    }

    fn application() -> Application {
        Application::new(
            ApplicationId::parse("a-1").unwrap(),
            JobId::parse("j-1").unwrap(),
            CandidateId::parse("c-1").unwrap(),
            PartnerId::parse("p-1").unwrap(),
            Source::External,
            step(Stage::Applied, noon()),
        )
    }

    #[test]
    fn nobody_gets_an_offer_without_having_been_talked_to() {
        let mut application = application();
        let refused = application.go(step(Stage::Offer, noon()));
        assert_eq!(refused, Err(StageError { from: Stage::Applied, to: Stage::Offer }));
        for stage in [Stage::Screening, Stage::Interview, Stage::Offer, Stage::Interview, Stage::Offer] {
            assert_eq!(application.go(step(stage, noon())), Ok(true));
        }
        assert_eq!(application.go(step(Stage::Hired, noon())), Ok(true));
        assert!(application.go(step(Stage::Withdrawn, noon())).is_err());
    }

    proptest! {
        /// Whatever is asked for: a history is unbroken, goes forward in time, and ends where it is over.
        #[test]
        fn any_history_is_a_way_through_the_stages(
            asked in proptest::collection::vec((0_usize..7, 0_u64..1_000), 0..40),
        ) {
            let mut application = application();
            for (index, seconds) in asked {
                let to = Stage::WORDS[index].1;
                let (before, was) = (application.clone(), application.stage());
                match application.go(step(to, noon().after(Duration::from_secs(seconds)))) {
                    Ok(true) => prop_assert!(was.allowed().contains(&to)),
                    Ok(false) => {
                        prop_assert_eq!(was, to);
                        prop_assert_eq!(&application, &before);
                    }
                    Err(error) => {
                        prop_assert_eq!(error, StageError { from: was, to });
                        prop_assert_eq!(&application, &before);
                    }
                }
            }
            let steps = application.steps();
            prop_assert_eq!(steps[0].to, Stage::Applied);
            for pair in steps.windows(2) {
                prop_assert!(pair[0].to.allowed().contains(&pair[1].to));
                prop_assert!(pair[0].at <= pair[1].at);
            }
            let ended = steps.iter().filter(|step| step.to.is_over()).count();
            prop_assert!(ended <= 1);
            prop_assert_eq!(application.revision() as usize, steps.len());
        }
    }
}
