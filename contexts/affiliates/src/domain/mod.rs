//! What programs, affiliates and links are. Nothing here knows of SQL, JSON, clocks or threads.

mod affiliate;
mod ids;
mod link;
mod payout;
mod program;

pub use affiliate::{
    Affiliate, AffiliateChanges, ChangeError as AffiliateChangeError, Fact as AffiliateFact, Rates,
    Registration, Standing, Stored as StoredAffiliate,
};
pub use ids::{AffiliateCode, AffiliateId, CampaignId, CodeError, LinkId, ProgramId};
pub use link::{Destination, DestinationError, Link};
pub use payout::{PayoutDetails, PayoutError};
pub use program::{
    Attribution, ChangeError as ProgramChangeError, Program, ProgramStatus, Stored as StoredProgram, Terms,
    TermsChanges,
};
