//! The names of things. Ours are UUIDs in version 7; what others name is theirs.

use hexalpes_kernel::{Uuid, opaque_id};

opaque_id! {
    pub struct PartnerId;
}
opaque_id! {
    /// A document of a partner.
    pub struct DocumentId;
}
opaque_id! {
    /// A partner's request for people.
    pub struct RequestId;
}
opaque_id! {
    /// A contract, of the onboarding context.
    pub struct ContractId;
}
opaque_id! {
    /// Of the recruitment context: a candidate who fits a job.
    pub struct MatchId;
}
opaque_id! {
    /// Of the recruitment context: somebody was hired.
    pub struct HiringId;
}
opaque_id! {
    /// Of the recruitment context.
    pub struct JobId;
}
opaque_id! {
    /// Of the recruitment context.
    pub struct CandidateId;
}
opaque_id! {
    /// Of the campaign-management context.
    pub struct CampaignId;
}
opaque_id! {
    /// Of the campaign-management context.
    pub struct ReportId;
}
opaque_id! {
    /// Of the campaign-management context.
    pub struct AlertId;
}

impl PartnerId {
    pub fn new(uuid: Uuid) -> Self {
        Self(uuid.to_string())
    }
}

impl DocumentId {
    pub fn new(uuid: Uuid) -> Self {
        Self(uuid.to_string())
    }
}

impl RequestId {
    pub fn new(uuid: Uuid) -> Self {
        Self(uuid.to_string())
    }
}
