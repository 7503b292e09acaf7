//! What is to be rated anew.

use hexalpes_http::{Fields, FromFields, Invalid, said, values};
use hexalpes_kernel::Timestamp;
use utoipa::ToSchema;

use super::rules::version;
use crate::domain::{AffiliateId, CampaignId, ProgramId, RuleId};

const REASON_CHARS_MAX: usize = 500;

/// As the document tells of [`ReratingRequest`].
#[derive(ToSchema)]
#[schema(as = NewRerating, rename_all = "camelCase")]
#[expect(dead_code, reason = "it is read as a schema")]
pub(crate) struct ReratingBody {
    /// Else `default`.
    #[schema(max_length = 64)]
    program_id: Option<String>,
    /// When customers did it: from.
    #[schema(format = DateTime)]
    from: String,
    /// Before; else now.
    #[schema(format = DateTime)]
    until: Option<String>,
    #[schema(max_length = 64)]
    affiliate_id: Option<String>,
    #[schema(max_length = 64)]
    campaign_id: Option<String>,
    /// This rule beside the others that are active; else the rules as they stand.
    #[schema(max_length = 64)]
    rule_id: Option<String>,
    /// Of `ruleId`; else its newest.
    #[schema(minimum = 1)]
    rule_version: Option<u32>,
    #[schema(min_length = 1, max_length = 500, example = "the rate was a typo")]
    reason: String,
}

#[derive(Clone, Debug)]
pub(crate) struct ReratingRequest {
    pub(crate) program: Option<ProgramId>,
    pub(crate) from: Timestamp,
    pub(crate) until: Option<Timestamp>,
    pub(crate) affiliate: Option<AffiliateId>,
    pub(crate) campaign: Option<CampaignId>,
    pub(crate) rule: Option<(RuleId, Option<u32>)>,
    pub(crate) reason: String,
}

impl FromFields for ReratingRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let program = fields.optional("programId", |raw| values::id(raw, ProgramId::parse));
        let from = fields.required("from", values::timestamp);
        let until = fields.optional("until", values::timestamp);
        let affiliate = fields.optional("affiliateId", |raw| values::id(raw, AffiliateId::parse));
        let campaign = fields.optional("campaignId", |raw| values::id(raw, CampaignId::parse));
        let rule = fields.optional("ruleId", |raw| values::id(raw, RuleId::parse));
        let version = fields.optional("ruleVersion", version);
        let reason = fields.required("reason", |raw| values::text(raw, REASON_CHARS_MAX));
        let (from, until, rule, version) = (from?, until?, rule?, version?);
        if until.is_some_and(|until| until <= from) {
            let why = said!("must be after from", "debe ser posterior a from");
            fields.refuse("until", Invalid::new("contradiction", why));
            return None;
        }
        if rule.is_none() && version.is_some() {
            let why = said!("needs a ruleId", "necesita un ruleId");
            fields.refuse("ruleVersion", Invalid::new("contradiction", why));
            return None;
        }
        Some(Self {
            program: program?,
            from,
            until,
            affiliate: affiliate?,
            campaign: campaign?,
            rule: rule.map(|rule| (rule, version)),
            reason: reason?,
        })
    }
}
