//! The names of things. Ours have a prefix; the others were given, and are kept as they came.

use hexalpes_kernel::opaque_id;

opaque_id! {
    /// What a customer did: a UUID in version 7 behind a prefix.
    pub struct ConversionId = "conv_";
}
opaque_id! {
    /// Money given back for a conversion.
    pub struct RefundId = "ref_";
}
opaque_id! {
    /// Somebody followed a link.
    pub struct ClickId = "clic_";
}
opaque_id! {
    /// Who follows links and buys: a browser, most likely.
    pub struct VisitorId = "vis_";
}
opaque_id! {
    /// Who brought the customer.
    pub struct AffiliateId;
}
opaque_id! {
    /// What customers name an affiliate by, in capitals.
    pub struct AffiliateCode;
}
opaque_id! {
    /// Under whose terms.
    pub struct ProgramId;
}
opaque_id! {
    /// What was advertised.
    pub struct CampaignId;
}
opaque_id! {
    /// What was bought.
    pub struct ProductId;
}
opaque_id! {
    /// What the shop calls it: an order, a refund.
    pub struct ExternalId;
}
opaque_id! {
    /// A line of an order, as the shop counts them.
    pub struct LineId;
}
opaque_id! {
    /// The last part of a link's address.
    pub struct Slug;
}
