//! The names of things. All but the commission's were given by others, and are kept as they came.

use hexalpes_kernel::opaque_id;

opaque_id! {
    /// A commission. We make these: a UUID in version 7 behind a prefix.
    pub struct CommissionId = "com_";
}
opaque_id! {
    /// What earned the commission: a sale, a lead, a click.
    pub struct ConversionId;
}
opaque_id! {
    /// Who brought the conversion and is owed the commission.
    pub struct AffiliateId;
}
opaque_id! {
    /// What the affiliate was advertising.
    pub struct CampaignId;
}
opaque_id! {
    /// Under whose rules a conversion earns.
    pub struct ProgramId;
}
opaque_id! {
    /// A rule.
    pub struct RuleId = "rul_";
}
opaque_id! {
    /// A re-rating: what a period would have owed by other rules, and perhaps does now.
    pub struct ReratingId = "rer_";
}
opaque_id! {
    /// A payout: what is paid at once, in one currency.
    pub struct PayoutId = "pay_";
}
