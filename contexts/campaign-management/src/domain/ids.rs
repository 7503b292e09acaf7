//! The names of things. Ours are UUIDs in version 7; the others were given, and are kept as they came.

use hexalpes_kernel::{Uuid, opaque_id};

opaque_id! {
    /// A campaign of a partner.
    pub struct CampaignId;
}
opaque_id! {
    /// What a campaign may spend, in all its versions.
    pub struct BudgetId;
}
opaque_id! {
    /// Spend came to a share of a budget.
    pub struct AlertId;
}
opaque_id! {
    /// How a campaign did in a period.
    pub struct ReportId;
}
opaque_id! {
    /// Who runs campaigns.
    pub struct PartnerId;
}
opaque_id! {
    /// What says which campaigns a partner may run.
    pub struct ContractId;
}
opaque_id! {
    /// What whoever tells of spend calls it: the same one twice is the same spend.
    pub struct SpendId;
}
opaque_id! {
    /// What whoever tells of results calls them: the same one twice are the same results.
    pub struct ResultId;
}

macro_rules! made_of_uuids {
    ($($name:ident),+) => {$(
        impl $name {
            pub fn of(uuid: Uuid) -> Self {
                Self(uuid.to_string())
            }
        }
    )+};
}

made_of_uuids!(CampaignId, BudgetId, AlertId, ReportId);
