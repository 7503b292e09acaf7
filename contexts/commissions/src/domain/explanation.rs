//! Why a commission is what it is: the inputs, the rule and its version, each step, the rounding.
//!
//! It is kept with the commission, so that the answer stays when the rule changes.

use hexalpes_kernel::Money;

use super::{Formula, RateSource};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    pub gross: Money,
    /// What counted.
    pub formula: Formula,
    /// Where it came from.
    pub source: RateSource,
    pub rule: String,
    pub rule_version: u32,
    /// In the order in which they were done.
    pub steps: Vec<Step>,
    /// The only one there is.
    pub rounding: Rounding,
}

/// One thing that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// This ranks before everything else that was there.
    Chose { source: RateSource, formula: Formula },
    /// This was there too, and ranks after the chosen one.
    PassedOver { source: RateSource, formula: Formula },
    /// Gross times rate, in major units, exactly.
    Multiplied { exact: String },
    /// To whole minor units.
    Rounded { to: Money },
}

/// Half to even, to whole minor units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rounding {
    /// A decimal in major units, exactly.
    pub from: String,
    pub to: Money,
}
