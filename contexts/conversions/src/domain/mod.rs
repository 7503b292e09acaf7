//! What conversions, refunds and clicks are, and who brought a customer. Nothing here knows of SQL, JSON, clocks or
//! threads.

mod attribution;
mod conversion;
mod ids;
mod known;

pub use attribution::{Attributed, Attribution, Click, Found, NotAttributed, Searched, attribute};
pub use conversion::{
    Conversion, Kind, Line, LineRefund, Lines, LinesError, Refund, RefundError, Refunded, State, Stored,
    WhatBack,
};
pub use ids::{
    AffiliateCode, AffiliateId, CampaignId, ClickId, ConversionId, ExternalId, LineId, ProductId, ProgramId,
    RefundId, Slug, VisitorId,
};
pub use known::{KnownAffiliate, KnownLink, KnownProgram, Model};
