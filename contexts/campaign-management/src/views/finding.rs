//! Findings with their sentences and the numbers behind them.

use serde::ser::{Serialize, SerializeMap as _, Serializer};
use utoipa::ToSchema;

use super::json;
use crate::domain::report::{Evidence, Finding};
use crate::words::{self, Sentence};

/// Numbers by name; money in major units, with `{name}_minor` and one `currency`.
#[derive(Clone, Debug)]
pub(crate) struct EvidenceView(Vec<(&'static str, Evidence)>);

impl Serialize for EvidenceView {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let mut currency = None;
        for (name, evidence) in &self.0 {
            match evidence {
                Evidence::Count(count) => map.serialize_entry(name, count)?,
                Evidence::Exact(amount) => map.serialize_entry(name, &amount.to_json())?,
                Evidence::On(day) => map.serialize_entry(name, &day.to_string())?,
                Evidence::Word(word) => map.serialize_entry(name, word)?,
                Evidence::Money(money) => {
                    map.serialize_entry(name, &json(*money))?;
                    map.serialize_entry(&format!("{name}_minor"), &money.minor())?;
                    currency = Some(money.currency().code());
                }
            }
        }
        if let Some(currency) = currency {
            map.serialize_entry("currency", currency)?;
        }
        map.end()
    }
}

/// An insight or a risk.
#[derive(Clone, Debug, serde::Serialize, ToSchema)]
#[schema(as = Finding)]
pub(crate) struct FindingView {
    pub(crate) kind: &'static str,
    /// `INFO`, `NOTICE` or `WARNING`.
    pub(crate) severity: &'static str,
    pub(crate) message: Sentence,
    #[schema(value_type = Object)]
    pub(crate) evidence: EvidenceView,
}

impl From<&Finding> for FindingView {
    fn from(finding: &Finding) -> Self {
        Self {
            kind: finding.kind.name(),
            severity: finding.weight.severity(),
            message: words::sentence(finding),
            evidence: EvidenceView(finding.evidence.clone()),
        }
    }
}

/// What would help.
#[derive(Clone, Debug, serde::Serialize, ToSchema)]
#[schema(as = Suggestion)]
pub(crate) struct SuggestionView {
    pub(crate) kind: &'static str,
    /// `LOW`, `MEDIUM` or `HIGH`.
    pub(crate) priority: &'static str,
    pub(crate) message: Sentence,
    #[schema(value_type = Object)]
    pub(crate) evidence: EvidenceView,
}

impl From<&Finding> for SuggestionView {
    fn from(finding: &Finding) -> Self {
        Self {
            kind: finding.kind.name(),
            priority: finding.weight.priority(),
            message: words::sentence(finding),
            evidence: EvidenceView(finding.evidence.clone()),
        }
    }
}

/// What an alert recommends.
#[derive(Clone, Debug, serde::Serialize)]
pub(crate) struct ActionView {
    action: &'static str,
    priority: &'static str,
    message: Sentence,
    evidence: EvidenceView,
}

impl From<&Finding> for ActionView {
    fn from(finding: &Finding) -> Self {
        let SuggestionView { kind, priority, message, evidence } = finding.into();
        Self { action: kind, priority, message, evidence }
    }
}
