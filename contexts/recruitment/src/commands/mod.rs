//! What can be asked of this context. A command takes a transaction and neither opens nor ends one.

mod applications;
mod candidates;
mod costs;
mod hire;
mod jobs;
mod matching;
mod offers;

pub use applications::{
    Apply, CancelInterview, HoldInterview, InterviewNotDone, MoveApplication, NotApplied, NotMoved,
    ScheduleInterview, apply, cancel_interview, hold_interview, move_application, schedule_interview,
};
pub use candidates::{
    CandidateNotChanged, ChangeCandidate, EraseCandidate, MergeCandidates, NotErased, NotMerged,
    NotRegistered, RegisterCandidate, Registered, change_candidate, erase_candidate, merge_candidates,
    register_candidate,
};
pub use costs::{CostNotRecorded, CostRecorded, RecordCost, record_cost};
pub use hire::{AcceptOffer, HireCandidate, NewHire, NotHired, Terms, accept_offer, hire_candidate};
pub(crate) use jobs::refuse_ended;
pub use jobs::{
    ChangeJob, EndJob, EndRequest, JobNotChanged, JobNotOpened, OpenJob, Opened, RequestNotEnded, change_job,
    end_job, end_request, open_job,
};
pub(crate) use matching::search;
pub use matching::{Found, Matched, NotMatched, StartMatching, start_matching};
pub use offers::{DeclineOffer, MakeOffer, NotDeclined, NotOffered, decline_offer, make_offer};
