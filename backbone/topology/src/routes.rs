//! Rules by which rows of outboxes go to topics of their own.
//!
//! ```toml
//! [routes.paid-orders]
//! outbox = "commissions"                  # or `source = "NAME"`; neither: all outboxes of the platform
//! field = "type"
//! regex = '.*\.Commission(.*)'
//! topic = "acme/sales/commission-$1"
//! key = "aggregateid"
//! headers = { correlation = "correlationid" }
//! content = "event"                       # or "payload", or "change"
//! ```

use std::{collections::BTreeMap, fmt};

use hexalpes_routing::{Carries, Rule, RuleSpec};
use serde::Deserialize;

/// What a row of an outbox of the platform has.
pub const OUTBOX_FIELDS: [&str; 8] =
    ["aggregatetype", "aggregateid", "type", "id", "payload", "correlationid", "causationid", "occurred_at"];

/// Whose rows a rule is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteOf {
    /// All outboxes of the platform.
    Outboxes,
    /// That of one service.
    Outbox(String),
    /// Those of a source that others write, with any columns.
    Source(String),
}

/// A rule of the file.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "WrittenRoute")]
pub struct Route {
    pub of: RouteOf,
    pub rule: Rule,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRoute {
    outbox: Option<String>,
    source: Option<String>,
    field: Option<String>,
    regex: Option<String>,
    topic: String,
    key: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    content: Carries,
}

impl TryFrom<WrittenRoute> for Route {
    type Error = String;

    fn try_from(written: WrittenRoute) -> Result<Self, String> {
        let of = match (written.outbox, written.source) {
            (None, None) => RouteOf::Outboxes,
            (Some(service), None) => RouteOf::Outbox(service),
            (None, Some(source)) => RouteOf::Source(source),
            (Some(_), Some(_)) => {
                return Err("a route is for an `outbox` or a `source`: leave one out".to_owned());
            }
        };
        let built_in = RuleSpec::to(written.topic);
        let spec = RuleSpec {
            field: written.field.unwrap_or(built_in.field),
            regex: written.regex.unwrap_or(built_in.regex),
            key: written.key.unwrap_or(built_in.key),
            topic: built_in.topic,
            headers: written.headers,
            content: written.content,
        };
        let rule = Rule::new(spec).map_err(|why| why.to_string())?;
        let is_ours = !matches!(of, RouteOf::Source(_));
        if let Some(strange) = rule.fields().find(|field| is_ours && !OUTBOX_FIELDS.contains(field)) {
            return Err(format!(
                "an outbox has no field {strange:?}: take one of {}, or name the `source` whose column it is",
                OUTBOX_FIELDS.join(", ")
            ));
        }
        Ok(Self { of, rule })
    }
}

impl PartialEq for Route {
    fn eq(&self, other: &Self) -> bool {
        self.of == other.of && self.rule.spec() == other.rule.spec()
    }
}

impl Eq for Route {}

/// `rows of the outbox of commissions whose type fits (.*)`.
impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.of {
            RouteOf::Outboxes => f.write_str("rows of all outboxes")?,
            RouteOf::Outbox(service) => write!(f, "rows of the outbox of {service}")?,
            RouteOf::Source(source) => write!(f, "rows of the source {source}")?,
        }
        let RuleSpec { field, regex, .. } = self.rule.spec();
        write!(f, " whose {field} fits {regex}")
    }
}
