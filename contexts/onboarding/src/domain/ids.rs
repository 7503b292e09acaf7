//! The names of things. Partners, candidates, jobs and hirings were named by others, and are kept as they came.

use hexalpes_kernel::{Uuid, opaque_id};

opaque_id! {
    /// A contract. We make these: a UUID in version 7.
    pub struct ContractId;
}
opaque_id! {
    /// A contract of employment. As a [`ContractId`].
    pub struct EmploymentId;
}
opaque_id! {
    /// A template in one version: `tpl_standard_empresa_v1`.
    pub struct TemplateId;
}
opaque_id! {
    /// With whom a contract is made.
    pub struct PartnerId;
}
opaque_id! {
    /// How somebody came to be hired.
    pub struct HiringId;
}
opaque_id! {
    /// Who was hired.
    pub struct CandidateId;
}
opaque_id! {
    /// What somebody was hired for.
    pub struct JobId;
}

impl ContractId {
    pub fn new(uuid: Uuid) -> Self {
        Self(uuid.to_string())
    }
}

impl EmploymentId {
    pub fn new(uuid: Uuid) -> Self {
        Self(uuid.to_string())
    }

    /// What its audit trail and its signatories are kept under.
    pub fn trail(&self) -> ContractId {
        ContractId(self.0.clone())
    }
}

impl TemplateId {
    /// What a template is called, which its kind and version say.
    pub fn of(
        contract_type: super::ContractType,
        partner_type: super::PartnerType,
        language: super::Language,
        version: u32,
    ) -> Self {
        let (contract, partner) = (contract_type.name().to_lowercase(), partner_type.name().to_lowercase());
        Self(format!("tpl_{contract}_{partner}{}_v{version}", language.pick("", "_en")))
    }
}
