//! The names of things, as those gave them whose they are.

use hexalpes_kernel::opaque_id;

opaque_id! {
    /// A campaign of a partner.
    pub struct CampaignId;
}
opaque_id! {
    /// Who runs campaigns.
    pub struct PartnerId;
}
opaque_id! {
    /// How a campaign did in a period, in one version.
    pub struct ReportId;
}
