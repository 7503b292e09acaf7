//! Why a commission is what it is: the inputs, the rule and its version, each step, the rounding.
//!
//! It is kept with the commission, so that the answer stays when the rule changes.

use hexalpes_kernel::Money;

use super::{Formula, Mode, Piece, RateSource, RuleId, Tally};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    pub gross: Money,
    /// What counted.
    pub formula: Formula,
    /// Where it came from.
    pub source: RateSource,
    /// None where it was no rule's.
    pub rule_id: Option<RuleId>,
    /// The rule's name, or the program's.
    pub rule: String,
    pub rule_version: u32,
    /// In the order in which they were done.
    pub steps: Vec<Step>,
    /// The only one there is.
    pub rounding: Rounding,
    /// What is owed: as rounded, within cap and floor.
    pub amount: Money,
}

/// Something that might count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    pub source: RateSource,
    pub formula: Formula,
    /// The rule that says so, in its version.
    pub rule: Option<Named>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub id: RuleId,
    pub name: String,
    pub version: u32,
}

/// One thing that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// This ranks before everything else that was there.
    Chose(Offer),
    /// This was there too, and ranks after the chosen one.
    PassedOver(Offer),
    /// What the affiliate sold in the period before.
    Counted { mode: Mode, period: String, before: Tally },
    /// A tier that counted. Of retroactive tiers it is what all in the period earns, that was earned before included.
    Tier(Piece),
    /// The whole, in major units, exactly.
    Multiplied { exact: String },
    /// To whole minor units.
    Rounded { to: Money },
    /// It was more than the rule's cap.
    Capped { to: Money },
    /// It was less than the rule's floor.
    Raised { to: Money },
}

/// Half to even, to whole minor units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rounding {
    /// A decimal in major units, exactly.
    pub from: String,
    pub to: Money,
}
