//! Who brought a customer, and why it was them.
//!
//! Whoever the conversion names is owed it; where it names nobody, the code that the customer gave tells, and else the
//! clicks within the program's window, of which the program's model chooses one.

use hexalpes_kernel::Timestamp;

use super::{AffiliateId, CampaignId, ClickId, KnownProgram, Model};

/// Somebody followed a link of an affiliate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Click {
    pub id: ClickId,
    pub affiliate: AffiliateId,
    pub campaign: Option<CampaignId>,
    pub at: Timestamp,
    /// Whether its affiliate may earn.
    pub is_active: bool,
}

/// What a conversion says about who brought the customer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Searched {
    /// It names them.
    pub explicit: Option<AffiliateId>,
    /// The customer gave a code; of whom it is.
    pub by_code: Option<AffiliateId>,
    /// The customer's clicks on links of the program, in any order.
    pub clicks: Vec<Click>,
}

/// How an affiliate was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    Explicit,
    Code,
    /// By this click, of so many within the window.
    Click {
        model: Model,
        click: ClickId,
        of: usize,
    },
}

impl Found {
    /// The name on the wire between contexts, and in the database.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Explicit => "explicit",
            Self::Code => "code",
            Self::Click { model, .. } => model.name(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributed {
    pub affiliate: AffiliateId,
    /// Of the click, where the conversion says none.
    pub campaign: Option<CampaignId>,
    pub found: Found,
}

/// What says how an affiliate was found; kept with the conversion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribution {
    pub found: Found,
    pub program_revision: u32,
    pub affiliate_revision: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAttributed {
    #[error("nobody is named, and the program counts no clicks")]
    Unnamed,
    #[error("nobody is named, and there is no click within the program's window")]
    NoClick,
}

/// Chooses whom a conversion at `at` is owed.
pub fn attribute(
    program: &KnownProgram,
    searched: Searched,
    at: Timestamp,
) -> Result<Attributed, NotAttributed> {
    let Searched { explicit, by_code, clicks } = searched;
    if let Some(affiliate) = explicit {
        return Ok(Attributed { affiliate, campaign: None, found: Found::Explicit });
    }
    if let Some(affiliate) = by_code {
        return Ok(Attributed { affiliate, campaign: None, found: Found::Code });
    }
    let from = at.before(program.window);
    let mut counted: Vec<Click> =
        clicks.into_iter().filter(|click| click.is_active && (from..=at).contains(&click.at)).collect();
    // Two at one moment are told apart by their ids, so that the same clicks always give the same one.
    counted.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
    let of = counted.len();
    let chosen = match program.model {
        Model::Explicit => return Err(NotAttributed::Unnamed),
        Model::LastClick => counted.pop(),
        Model::FirstClick => counted.into_iter().next(),
    };
    let Click { id, affiliate, campaign, .. } = chosen.ok_or(NotAttributed::NoClick)?;
    Ok(Attributed { affiliate, campaign, found: Found::Click { model: program.model, click: id, of } })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hexalpes_kernel::Currency;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::ProgramId;

    const DAY: Duration = Duration::from_hours(24);

    fn noon() -> Timestamp {
        Timestamp::parse("2025-01-15T12:00:00Z").unwrap()
    }

    fn program(model: Model) -> KnownProgram {
        KnownProgram {
            id: ProgramId::parse("default").unwrap(),
            revision: 1,
            currency: Currency::USD,
            model,
            window: 30 * DAY,
            is_active: true,
        }
    }

    fn affiliate(id: &str) -> AffiliateId {
        AffiliateId::parse(id).unwrap()
    }

    fn click(id: &str, days_before: u32) -> Click {
        Click {
            id: ClickId::parse(id).unwrap(),
            affiliate: affiliate(id),
            campaign: None,
            at: noon().before(days_before * DAY),
            is_active: true,
        }
    }

    fn chosen(model: Model, clicks: Vec<Click>) -> Result<String, NotAttributed> {
        let searched = Searched { clicks, ..Searched::default() };
        attribute(&program(model), searched, noon()).map(|attributed| attributed.affiliate.to_string())
    }

    #[test]
    fn the_program_says_which_click_counts() {
        let clicks = || vec![click("b", 3), click("a", 9), click("c", 1)];
        assert_eq!(chosen(Model::LastClick, clicks()), Ok("c".into()));
        assert_eq!(chosen(Model::FirstClick, clicks()), Ok("a".into()));
        assert_eq!(chosen(Model::Explicit, clicks()), Err(NotAttributed::Unnamed));
    }

    #[test]
    fn a_click_outside_the_window_or_after_the_conversion_or_of_somebody_who_may_not_earn_does_not_count() {
        let mut late = click("late", 0);
        late.at = noon().after(Duration::from_micros(1));
        let suspended = Click { is_active: false, ..click("suspended", 1) };
        assert_eq!(
            chosen(Model::LastClick, vec![click("old", 31), late, suspended]),
            Err(NotAttributed::NoClick)
        );
        assert_eq!(chosen(Model::LastClick, vec![click("edge", 30)]), Ok("edge".into()));
    }

    #[test]
    fn who_is_named_ranks_before_a_code_and_a_code_before_clicks() {
        let searched = Searched {
            explicit: Some(affiliate("named")),
            by_code: Some(affiliate("coded")),
            clicks: vec![click("clicked", 1)],
        };
        let found = |searched| attribute(&program(Model::LastClick), searched, noon()).unwrap().found.name();
        assert_eq!(found(searched.clone()), "explicit");
        let searched = Searched { explicit: None, ..searched };
        assert_eq!(found(searched.clone()), "code");
        assert_eq!(found(Searched { by_code: None, ..searched }), "last_click");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn the_order_in_which_clicks_are_known_does_not_matter(
            days in prop::collection::vec(0_u32..40, 0..8),
            first in any::<bool>(),
            turn in 0_usize..8,
        ) {
            let model = if first { Model::FirstClick } else { Model::LastClick };
            let clicks: Vec<Click> = (0..).zip(&days).map(|(n, days)| click(&format!("c{n}"), *days)).collect();
            let mut turned = clicks.clone();
            turned.rotate_left(if days.is_empty() { 0 } else { turn % days.len() });
            prop_assert_eq!(chosen(model, clicks), chosen(model, turned));
        }
    }
}
