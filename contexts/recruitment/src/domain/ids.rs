//! The names of things. Those that we make are bare UUIDs in version 7, as the seeds have them.

use hexalpes_kernel::{Uuid, opaque_id};

macro_rules! ours {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        opaque_id! {
            $(#[$doc])*
            pub struct $name;
        }

        impl $name {
            /// A new id, sortable by the time in its UUID.
            pub fn new(uuid: Uuid) -> Self {
                Self(uuid.to_string())
            }
        }
    )+};
}

ours! {
    /// What somebody is looked for.
    JobId;
    CandidateId;
    /// A candidate's way through the stages of one job.
    ApplicationId;
    InterviewId;
    OfferId;
    /// Somebody was hired for a job.
    HiringId;
    /// A candidate is on the shortlist of a job's version.
    MatchId;
    /// What was spent on a job.
    CostId;
}

opaque_id! {
    /// Who looks for somebody; the partner-management context makes these.
    pub struct PartnerId;
}
opaque_id! {
    /// What the partner calls its wish.
    pub struct RequestId;
}
