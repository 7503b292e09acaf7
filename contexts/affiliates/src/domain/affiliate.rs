//! An affiliate: who brings customers to a program, at which rates.
//!
//! Not here: where it is paid to (`payout`), and what it earned (the commissions context).

use hexalpes_kernel::{Email, Rate, Timestamp};

use super::{AffiliateCode, AffiliateId, ProgramId};

/// The type whose rate is the premium one; every other type has the base rate (C-12).
const PREMIUM: &str = "premium";

/// Percentages by type; what is not set is the program's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    pub base: Option<Rate>,
    pub premium: Option<Rate>,
}

/// Whether it may earn. Each state carries what is true only in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    Active,
    /// It earns nothing until it is reactivated.
    Suspended {
        reason: String,
    },
    /// For good.
    Terminated {
        reason: String,
    },
}

impl Standing {
    /// The name on the wire between contexts, and in the database.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Suspended { .. } => "SUSPENDED",
            Self::Terminated { .. } => "TERMINATED",
        }
    }

    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Active => None,
            Self::Suspended { reason } | Self::Terminated { reason } => Some(reason),
        }
    }
}

/// What is said of somebody who joins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    pub program: ProgramId,
    pub name: String,
    pub email: Email,
    pub kind: String,
    pub rates: Rates,
    pub code: AffiliateCode,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
}

/// What is to become of an affiliate; `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AffiliateChanges {
    pub name: Option<String>,
    pub email: Option<Email>,
    pub kind: Option<String>,
    pub rates: Option<Rates>,
    pub country: Option<Option<String>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Affiliate {
    id: AffiliateId,
    revision: u32,
    registration: Registration,
    rates_valid_from: Timestamp,
    standing: Standing,
    /// Where to pay to, sealed.
    payout_sealed: Option<String>,
    registered_at: Timestamp,
    changed_at: Timestamp,
}

/// The parts of an affiliate as they were kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub id: AffiliateId,
    pub revision: u32,
    pub registration: Registration,
    pub rates_valid_from: Timestamp,
    pub standing: Standing,
    pub payout_sealed: Option<String>,
    pub registered_at: Timestamp,
    pub changed_at: Timestamp,
}

/// What happened to an affiliate; how it is now, it tells itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    Registered,
    Updated,
    Suspended,
    Reactivated,
    Terminated,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    #[error("it was terminated, which is for good: register it again with another e-mail")]
    Terminated,
}

impl Affiliate {
    /// Somebody joins; where to pay to may be said later.
    pub fn register(
        id: AffiliateId,
        registration: Registration,
        payout_sealed: Option<String>,
        at: Timestamp,
    ) -> Self {
        Self {
            id,
            revision: 1,
            registration,
            rates_valid_from: at,
            standing: Standing::Active,
            payout_sealed,
            registered_at: at,
            changed_at: at,
        }
    }

    /// Changes what is given. Type and rates hold from now on: what happened before keeps those of then.
    pub fn change(&mut self, changes: AffiliateChanges, at: Timestamp) -> Result<Option<Fact>, ChangeError> {
        self.may_change()?;
        let AffiliateChanges { name, email, kind, rates, country } = changes;
        let old = self.registration.clone();
        let new = Registration {
            program: old.program.clone(),
            name: name.unwrap_or(old.name.clone()),
            email: email.unwrap_or(old.email.clone()),
            kind: kind.unwrap_or(old.kind.clone()),
            rates: rates.unwrap_or(old.rates),
            code: old.code.clone(),
            country: country.unwrap_or(old.country.clone()),
        };
        if new == old {
            return Ok(None);
        }
        let changed_at = self.next(at);
        if (&new.kind, new.rates) != (&old.kind, old.rates) {
            self.rates_valid_from = changed_at;
        }
        self.registration = new;
        Ok(Some(Fact::Updated))
    }

    pub fn suspend(&mut self, reason: &str, at: Timestamp) -> Result<Option<Fact>, ChangeError> {
        self.may_change()?;
        if matches!(self.standing, Standing::Suspended { .. }) {
            return Ok(None);
        }
        self.next(at);
        self.standing = Standing::Suspended { reason: reason.to_owned() };
        Ok(Some(Fact::Suspended))
    }

    pub fn reactivate(&mut self, at: Timestamp) -> Result<Option<Fact>, ChangeError> {
        self.may_change()?;
        if self.standing == Standing::Active {
            return Ok(None);
        }
        self.next(at);
        self.standing = Standing::Active;
        Ok(Some(Fact::Reactivated))
    }

    /// Terminating again is no news; what it earned stays owed.
    pub fn terminate(&mut self, reason: &str, at: Timestamp) -> Option<Fact> {
        self.may_change().ok()?;
        self.next(at);
        self.standing = Standing::Terminated { reason: reason.to_owned() };
        Some(Fact::Terminated)
    }

    /// Takes where to pay to, sealed. Somebody who was terminated may still be owed something.
    pub fn pay_to(&mut self, sealed: String, at: Timestamp) -> Fact {
        self.next(at);
        self.payout_sealed = Some(sealed);
        Fact::Updated
    }

    fn may_change(&self) -> Result<(), ChangeError> {
        match self.standing {
            Standing::Terminated { .. } => Err(ChangeError::Terminated),
            Standing::Active | Standing::Suspended { .. } => Ok(()),
        }
    }

    /// A change is never before the one before, whatever the clock says.
    fn next(&mut self, at: Timestamp) -> Timestamp {
        self.revision += 1;
        self.changed_at = at.max(self.changed_at);
        self.changed_at
    }

    /// Takes an affiliate out of its store.
    pub fn restore(stored: Stored) -> Self {
        let Stored {
            id,
            revision,
            registration,
            rates_valid_from,
            standing,
            payout_sealed,
            registered_at,
            changed_at,
        } = stored;
        Self {
            id,
            revision,
            registration,
            rates_valid_from,
            standing,
            payout_sealed,
            registered_at,
            changed_at,
        }
    }

    pub fn id(&self) -> &AffiliateId {
        &self.id
    }

    /// Counts up from 1 with each change.
    pub fn revision(&self) -> u32 {
        self.revision
    }

    /// What is said of it now.
    pub fn registration(&self) -> &Registration {
        &self.registration
    }

    /// Its own rate; `None`: the program's.
    pub fn rate(&self) -> Option<Rate> {
        let Rates { base, premium } = self.registration.rates;
        if self.registration.kind == PREMIUM { premium } else { base }
    }

    /// From when on type and rates hold.
    pub fn rates_valid_from(&self) -> Timestamp {
        self.rates_valid_from
    }

    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    pub fn payout_sealed(&self) -> Option<&str> {
        self.payout_sealed.as_deref()
    }

    pub fn registered_at(&self) -> Timestamp {
        self.registered_at
    }

    pub fn changed_at(&self) -> Timestamp {
        self.changed_at
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hexalpes_kernel::Amount;

    use super::*;

    fn noon() -> Timestamp {
        Timestamp::parse("2025-01-15T12:00:00Z").unwrap()
    }

    fn later() -> Timestamp {
        noon().after(Duration::from_hours(1))
    }

    fn percent(whole: i128) -> Rate {
        Rate::from_percent(Amount::new(whole, 0)).unwrap()
    }

    fn juan() -> Affiliate {
        let registration = Registration {
            program: ProgramId::default_program(),
            name: "Juan Pérez".to_owned(),
            email: Email::parse("juan@email.com").unwrap(),
            kind: PREMIUM.to_owned(),
            rates: Rates { base: Some(percent(15)), premium: Some(percent(20)) },
            code: AffiliateCode::parse("JUAN10").unwrap(),
            country: None,
        };
        Affiliate::register(AffiliateId::parse("af_1").unwrap(), registration, None, noon())
    }

    /// Accepts C-12.
    #[test]
    fn premium_has_the_premium_rate_and_every_other_type_the_base_rate() {
        let mut affiliate = juan();
        assert_eq!(affiliate.rate(), Some(percent(20)));
        let kind = AffiliateChanges { kind: Some("estándar".to_owned()), ..AffiliateChanges::default() };
        affiliate.change(kind, later()).unwrap();
        assert_eq!(affiliate.rate(), Some(percent(15)));
    }

    #[test]
    fn rates_hold_from_when_they_were_changed_and_a_name_does_not_move_that() {
        let mut affiliate = juan();
        let name = AffiliateChanges { name: Some("Juan".to_owned()), ..AffiliateChanges::default() };
        assert_eq!(affiliate.change(name.clone(), later()), Ok(Some(Fact::Updated)));
        assert_eq!((affiliate.revision(), affiliate.rates_valid_from()), (2, noon()));
        assert_eq!(affiliate.change(name, later()), Ok(None));
        let rates = Rates { base: Some(percent(15)), premium: Some(percent(25)) };
        let rates = AffiliateChanges { rates: Some(rates), ..AffiliateChanges::default() };
        affiliate.change(rates, later()).unwrap();
        assert_eq!((affiliate.revision(), affiliate.rates_valid_from()), (3, later()));
    }

    #[test]
    fn suspending_and_reactivating_twice_is_no_news() {
        let mut affiliate = juan();
        assert_eq!(affiliate.reactivate(noon()), Ok(None));
        assert_eq!(affiliate.suspend("fraude", later()), Ok(Some(Fact::Suspended)));
        assert_eq!(affiliate.suspend("otra vez", later()), Ok(None));
        assert_eq!(affiliate.standing().reason(), Some("fraude"));
        assert_eq!(affiliate.reactivate(later()), Ok(Some(Fact::Reactivated)));
        assert_eq!((affiliate.standing(), affiliate.revision()), (&Standing::Active, 3));
    }

    #[test]
    fn who_was_terminated_stays_so_but_can_be_paid_what_is_owed() {
        let mut affiliate = juan();
        assert_eq!(affiliate.terminate("contrato", later()), Some(Fact::Terminated));
        assert_eq!(affiliate.terminate("de nuevo", later()), None);
        assert_eq!(affiliate.reactivate(later()), Err(ChangeError::Terminated));
        assert_eq!(affiliate.suspend("x", later()), Err(ChangeError::Terminated));
        assert_eq!(affiliate.change(AffiliateChanges::default(), later()), Err(ChangeError::Terminated));
        assert_eq!(affiliate.pay_to("v1.AAAA".to_owned(), later()), Fact::Updated);
        assert_eq!(affiliate.payout_sealed(), Some("v1.AAAA"));
    }

    #[test]
    fn a_clock_that_goes_back_does_not_take_the_changes_with_it() {
        let mut affiliate = juan();
        affiliate.suspend("x", later()).unwrap();
        affiliate.reactivate(noon()).unwrap();
        assert_eq!(affiliate.changed_at(), later());
    }
}
