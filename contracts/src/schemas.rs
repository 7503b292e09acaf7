//! The Avro schemas of all events, as they are published: the files under `schemas/`.

/// One version of an event's schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    /// As in the event's type: `partners`.
    pub context: &'static str,
    /// The type without its namespace.
    pub event: &'static str,
    /// From 1 on.
    pub version: u32,
    /// Its place below `schemas/`.
    pub file: &'static str,
    /// Avro, in JSON.
    pub definition: &'static str,
}

macro_rules! published {
    ($context:literal, $event:literal, $version:literal) => {
        Published {
            context: $context,
            event: $event,
            version: number($version),
            file: concat!($context, "/", $event, ".v", $version, ".avsc"),
            definition: include_str!(concat!(
                "../../schemas/",
                $context,
                "/",
                $event,
                ".v",
                $version,
                ".avsc"
            )),
        }
    };
}

const fn number(text: &str) -> u32 {
    match u32::from_str_radix(text, 10) {
        Ok(number) => number,
        Err(_) => panic!("a version is a number"),
    }
}

/// All of them, by context and event, the versions of an event one after the other.
pub const SCHEMAS: &[Published] = &[
    published!("affiliates", "AffiliateReactivated", "1"),
    published!("affiliates", "AffiliateRegistered", "1"),
    published!("affiliates", "AffiliateSuspended", "1"),
    published!("affiliates", "AffiliateTerminated", "1"),
    published!("affiliates", "AffiliateUpdated", "1"),
    published!("affiliates", "LinkCreated", "1"),
    published!("affiliates", "ProgramCreated", "1"),
    published!("affiliates", "ProgramUpdated", "1"),
    published!("campaigns", "BudgetAlert", "1"),
    published!("campaigns", "CampaignCreated", "1"),
    published!("campaigns", "CampaignInsight", "1"),
    published!("campaigns", "CampaignPerformanceReport", "1"),
    published!("campaigns", "CampaignPerformanceReport", "2"),
    published!("campaigns", "CampaignUpdated", "1"),
    published!("campaigns", "OptimizationSuggestion", "1"),
    published!("commissions", "CommissionApproved", "1"),
    published!("commissions", "CommissionCalculated", "1"),
    published!("commissions", "CommissionClawedBack", "1"),
    published!("commissions", "CommissionHeld", "1"),
    published!("commissions", "CommissionPaid", "1"),
    published!("commissions", "CommissionRejected", "1"),
    published!("commissions", "CommissionReleased", "1"),
    published!("commissions", "CommissionRerated", "1"),
    published!("commissions", "CommissionReversed", "1"),
    published!("commissions", "PayoutCreated", "1"),
    published!("commissions", "PayoutFailed", "1"),
    published!("commissions", "PayoutLineFailed", "1"),
    published!("commissions", "PayoutLineSettled", "1"),
    published!("commissions", "PayoutSettled", "1"),
    published!("conversions", "ConversionRecorded", "1"),
    published!("conversions", "ConversionRefunded", "1"),
    published!("onboarding", "ContractActivated", "1"),
    published!("onboarding", "ContractActivated", "2"),
    published!("onboarding", "ContractEnded", "1"),
    published!("onboarding", "ContractExpiring", "1"),
    published!("onboarding", "ContractSigned", "1"),
    published!("onboarding", "EmploymentContractCreated", "1"),
    published!("onboarding", "EmploymentContractEnded", "1"),
    published!("onboarding", "EmploymentContractPending", "1"),
    published!("onboarding", "EmploymentContractSigned", "1"),
    published!("partners", "PartnerMetricsSnapshot", "1"),
    published!("partners", "PartnerRegistrationCompleted", "1"),
    published!("partners", "PartnerRegistrationCompleted", "2"),
    published!("partners", "PartnerValidationCompleted", "1"),
    published!("partners", "RecruitmentCancelled", "1"),
    published!("partners", "RecruitmentExpired", "1"),
    published!("partners", "RecruitmentRequested", "1"),
    published!("recruitment", "CandidateHired", "1"),
    published!("recruitment", "CandidateMatched", "1"),
    published!("recruitment", "RecruitmentCompleted", "1"),
];

/// The newest schema of a type, given in full: `com.hexabuilders.partners.PartnerRegistrationCompleted`.
pub fn newest(kind: &str) -> Option<&'static Published> {
    let (context, event) = kind.strip_prefix("com.hexabuilders.")?.split_once('.')?;
    SCHEMAS.iter().rfind(|schema| schema.context == context && schema.event == event)
}
