//! A contract of employment: what was agreed with somebody whom a partner hired.

use hexalpes_kernel::{Money, Timestamp};

use super::kinds::words;
use super::{CandidateId, Document, EmploymentId, HiringId, JobId, PartnerId};

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

/// Drafted with the hire; one for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmploymentContract {
    pub terms: EmploymentTerms,
    /// What it says, and the SHA-256 of how that is shown.
    pub document: Document,
    pub created_at: Timestamp,
}

/// What a contract of employment says; benefits and what else was agreed as names and values.
pub fn employment_text(
    terms: &EmploymentTerms,
    benefits: &[(String, String)],
    agreed: &[(String, String)],
) -> String {
    let EmploymentTerms { id, hiring, partner, candidate, job, job_title, department, .. } = terms;
    let kind = match terms.employment_type {
        EmploymentType::Permanent => "indefinido",
        EmploymentType::Contract => "temporal",
        EmploymentType::Internship => "de prácticas",
    };
    let place = if department.is_empty() { String::new() } else { format!(" en {department}") };
    let lines = |pairs: &[(String, String)]| -> String {
        let lines: Vec<String> = pairs.iter().map(|(name, value)| format!("\n{name}: {value}")).collect();
        lines.concat()
    };
    let (agreed, benefits) = (lines(agreed), lines(benefits));
    format!(
        "Contrato laboral n.º {id}, por la contratación {hiring}.\n\n# 1. Partes\n\nEl socio {partner}, como empleador, y \
         el candidato {candidate}.\n\n# 2. Puesto\n\n{job_title}{place} (vacante {job}), desde {}, con contrato {kind}.\n\n\
         # 3. Retribución\n\n{}.\n\n# 4. Condiciones acordadas\n\nComo se acordaron:{agreed}\n\n# 5. Beneficios\n\n\
         Como se ofrecieron:{benefits}",
        terms.start_date, terms.salary
    )
}
