//! Why somebody fits a job, as sentences in English and Spanish. They speak of skills, places and pay, never of who.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::matcher::{
    AvailabilityReason, Component, JobTypeReason, LocationReason, Reason, SalaryReason, Score, WEIGHTS,
};
use crate::domain::{Job, Skill};

/// A sentence in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Sentence {
    pub(crate) es: String,
    pub(crate) en: String,
}

/// A part of a score, its weight, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MatchComponent)]
pub(crate) struct ExplainedPart {
    pub(crate) name: String,
    pub(crate) score_bp: u32,
    pub(crate) weight_bp: u32,
    pub(crate) reason: Sentence,
}

/// A score and what it is made of, in basis points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Explained {
    pub(crate) score_bp: u32,
    pub(crate) components: Vec<ExplainedPart>,
    pub(crate) explanation: Sentence,
}

impl Explained {
    pub(crate) fn of(score: &Score, job: &Job) -> Self {
        let part = |(&(component, weight_bp), &(score_bp, reason)): (&(Component, u32), &(u32, Reason))| {
            ExplainedPart {
                name: component.name().to_owned(),
                score_bp,
                weight_bp,
                reason: sentence(reason, job),
            }
        };
        let components: Vec<ExplainedPart> = WEIGHTS.iter().zip(&score.components).map(part).collect();
        let both = |pick: fn(&Sentence) -> &str| {
            let sentences: Vec<&str> = components.iter().map(|part| pick(&part.reason)).collect();
            sentences.join(" ")
        };
        let points = hundredths(score.total);
        Self {
            score_bp: score.total,
            explanation: said(
                format!("{points} of 100 points. {}", both(|sentence| &sentence.en)),
                format!("{points} de 100 puntos. {}", both(|sentence| &sentence.es)),
            ),
            components,
        }
    }
}

/// Basis points as points of a hundred, with two decimals.
pub(crate) fn hundredths(basis_points: u32) -> String {
    format!("{}.{:02}", basis_points / 100, basis_points % 100)
}

fn sentence(reason: Reason, job: &Job) -> Sentence {
    match reason {
        Reason::Skills { held, short, nice } => skills(job, held, short, nice),
        Reason::Experience { years, needed } => experience(years, needed, job),
        Reason::Location(reason) => location(reason),
        Reason::Salary(reason) => salary(reason),
        Reason::JobType(reason) => job_type(reason),
        Reason::Availability(reason) => availability(reason),
    }
}

fn said(english: impl Into<String>, spanish: impl Into<String>) -> Sentence {
    Sentence { en: english.into(), es: spanish.into() }
}

fn skills(job: &Job, held: u64, short: u64, nice: u64) -> Sentence {
    let terms = job.terms();
    let required: Vec<&Skill> = terms.required_skills.iter().map(|required| &required.skill).collect();
    let optional: Vec<&Skill> = terms.nice_to_have_skills.iter().collect();
    let named = |skills: &[&Skill], bits: u64| {
        let chosen = skills.iter().enumerate().filter(|(index, _)| bits >> index & 1 == 1);
        chosen.map(|(_, skill)| skill.name()).collect::<Vec<_>>().join(", ")
    };
    if required.is_empty() && optional.is_empty() {
        return said("The job asks for no skills.", "El puesto no pide habilidades.");
    }
    let (mut english, mut spanish) = (String::new(), String::new());
    if !required.is_empty() {
        let (count, of) = (held.count_ones(), required.len());
        let (has, misses) = (named(&required, held), named(&required, !held));
        let _ = write!(english, "Has {count} of {of} required skills");
        let _ = write!(spanish, "Tiene {count} de {of} habilidades requeridas");
        let mut add = |text: &str, english_word: &str, spanish_word: &str| {
            if !text.is_empty() {
                let _ = write!(english, "{english_word}{text}");
                let _ = write!(spanish, "{spanish_word}{text}");
            }
        };
        add(&has, ": ", ": ");
        add(&misses, "; misses ", "; le falta ");
        add(
            &named(&required, short),
            "; with less practice than asked for: ",
            "; con menos práctica de la pedida: ",
        );
        english.push('.');
        spanish.push('.');
    }
    if !optional.is_empty() {
        let (count, of, has) = (nice.count_ones(), optional.len(), named(&optional, nice));
        let colon = if has.is_empty() { "" } else { ": " };
        let blank = if english.is_empty() { "" } else { " " };
        let _ = write!(english, "{blank}Has {count} of {of} that would be nice{colon}{has}.");
        let _ = write!(spanish, "{blank}Tiene {count} de {of} deseables{colon}{has}.");
    }
    said(english, spanish)
}

fn experience(years: u8, needed: u8, job: &Job) -> Sentence {
    let level = job.terms().experience_level.name();
    if years >= needed {
        return said(
            format!("{years} years of work are enough for {level}, which begins at {needed}."),
            format!("{years} años de trabajo bastan para {level}, que empieza en {needed}."),
        );
    }
    said(
        format!("{years} years of work, of the {needed} at which {level} begins."),
        format!("{years} años de trabajo, de los {needed} en que empieza {level}."),
    )
}

fn location(reason: LocationReason) -> Sentence {
    match reason {
        LocationReason::Anywhere => {
            said("The job is not bound to a place.", "El puesto no está ligado a un lugar.")
        }
        LocationReason::There => said("Is where the job is.", "Está donde está el puesto."),
        LocationReason::Remote => {
            said("Works remotely, which the job allows.", "Trabaja en remoto, y el puesto lo permite.")
        }
        LocationReason::WouldMove => {
            said("Is elsewhere, and would move.", "Está en otro lugar y se mudaría.")
        }
        LocationReason::Unsaid => said("Said nothing of places.", "No dijo nada de lugares."),
        LocationReason::Elsewhere => said("Is elsewhere.", "Está en otro lugar."),
    }
}

fn salary(reason: SalaryReason) -> Sentence {
    match reason {
        SalaryReason::NoLimit => {
            said("The job names no upper limit of pay.", "El puesto no fija un sueldo máximo.")
        }
        SalaryReason::Within => said("Asks for no more than is offered.", "No pide más de lo que se ofrece."),
        SalaryReason::Above(percent) => said(
            format!("Asks for {percent} % more than is offered."),
            format!("Pide {percent} % más de lo que se ofrece."),
        ),
        SalaryReason::Unsaid => said("Said nothing of pay.", "No dijo nada del sueldo."),
        SalaryReason::OtherCurrency => said(
            "Asks for pay in another currency, which is not compared.",
            "Pide el sueldo en otra moneda, que no se compara.",
        ),
    }
}

fn job_type(reason: JobTypeReason) -> Sentence {
    match reason {
        JobTypeReason::Wanted => said("Wants this type of job.", "Quiere este tipo de puesto."),
        JobTypeReason::Unsaid => said("Said nothing of types of jobs.", "No dijo nada de tipos de puesto."),
        JobTypeReason::Other => said("Wants another type of job.", "Quiere otro tipo de puesto."),
    }
}

fn availability(reason: AvailabilityReason) -> Sentence {
    match reason {
        AvailabilityReason::InTime => said("Can begin in time.", "Puede empezar a tiempo."),
        AvailabilityReason::Late(days) => {
            said(format!("Can begin {days} days late."), format!("Puede empezar {days} días tarde."))
        }
        AvailabilityReason::Unsaid => said("Said nothing of when to begin.", "No dijo cuándo puede empezar."),
    }
}
