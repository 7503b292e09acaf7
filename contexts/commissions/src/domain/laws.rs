//! The laws of money, held over random histories of a small world: two partners, two currencies, and whatever can
//! happen to their commissions and payouts, twice and in any order.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hexalpes_kernel::{Amount, Currency, Money, Rate, Timestamp};
use proptest::prelude::*;

use super::{
    Account, AffiliateId, Bucket, Candidate, Commission, CommissionId, Conversion, ConversionId, Fact,
    Formula, LineState, Made, Method, Origin, Payout, PayoutId, Program, ProgramId, RateSource, Rates,
    Rating, Refunded, ReratingId, Slot, Slots, State, Why, plan,
};

const PARTNERS: usize = 2;
pub(crate) const MINIMUM: i64 = 500;

/// Something that somebody may try.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Calculate {
        partner: usize,
        yen: bool,
        gross: i64,
        millionths: i128,
        held: bool,
        capped: bool,
    },
    Approve(usize),
    Hold(usize),
    Release(usize),
    Reject(usize),
    Reverse(usize),
    /// Of what is left, in percent.
    ClawBack(usize, i64),
    /// Refunded in all, in percent of the gross amount.
    Refund(usize, i64),
    /// The conversion of a commission by another rate, in millionths of a percent.
    Rerate(usize, i128),
    Pay {
        yen: bool,
        single: Option<usize>,
    },
    Send(usize),
    Settle(usize, u32),
    Fail(usize, u32),
}

/// What happens is mostly to few commissions of one currency, for what goes wrong needs a story.
pub(crate) fn step() -> impl Strategy<Value = Step> {
    let which = 0..6_usize;
    let seldom = || prop::bool::weighted(0.15);
    let rate = prop_oneof![1 => 0..=100_000_000_i128, 3 => 10_000_000..=60_000_000_i128];
    prop_oneof![
        6 => (0..PARTNERS, seldom(), 1..50_000_i64, rate, seldom(), seldom())
            .prop_map(|(partner, yen, gross, millionths, held, capped)| Step::Calculate {
                partner, yen, gross, millionths, held, capped
            }),
        8 => which.clone().prop_map(Step::Approve),
        1 => which.clone().prop_map(Step::Hold),
        1 => which.clone().prop_map(Step::Release),
        1 => which.clone().prop_map(Step::Reject),
        1 => which.clone().prop_map(Step::Reverse),
        2 => (which.clone(), 0..=110_i64).prop_map(|(which, part)| Step::ClawBack(which, part)),
        8 => (which.clone(), 0..=110_i64).prop_map(|(which, part)| Step::Refund(which, part)),
        4 => (which.clone(), 0..=100_000_000_i128).prop_map(|(which, rate)| Step::Rerate(which, rate)),
        8 => (seldom(), prop::option::of(which)).prop_map(|(yen, single)| Step::Pay { yen, single }),
        3 => (0..4_usize).prop_map(Step::Send),
        3 => (0..4_usize, 1..3_u32).prop_map(|(payout, line)| Step::Settle(payout, line)),
        4 => (0..4_usize, 1..3_u32).prop_map(|(payout, line)| Step::Fail(payout, line)),
    ]
}

pub(crate) fn currency(yen: bool) -> Currency {
    if yen { Currency::JPY } else { Currency::USD }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct World {
    /// What all names of this world begin with.
    pub(crate) prefix: String,
    pub(crate) now: i64,
    pub(crate) commissions: Vec<Commission>,
    pub(crate) payouts: Vec<Payout>,
    pub(crate) facts: Vec<Fact>,
    pub(crate) balances: BTreeMap<(Account, &'static str), i64>,
    /// Commissions of payouts that are live: reserved, sent or settled.
    pub(crate) claims: BTreeSet<CommissionId>,
}

impl World {
    pub(crate) fn at(&self) -> Timestamp {
        Timestamp::from_micros(self.now * 1_000_000).unwrap()
    }

    pub(crate) fn partner(&self, index: usize) -> AffiliateId {
        AffiliateId::parse(&format!("{}af_{index}", self.prefix)).unwrap()
    }

    /// The program of this world alone.
    pub(crate) fn program(&self) -> ProgramId {
        ProgramId::parse(&format!("{}default", self.prefix)).unwrap()
    }

    /// What a step calculates, if it is one of these.
    pub(crate) fn calculation(
        &self,
        step: &Step,
    ) -> Option<(CommissionId, Conversion, Program, Rate, Origin)> {
        let Step::Calculate { partner: index, yen, gross, millionths, held, .. } = *step else { return None };
        let number = self.commissions.len();
        let conversion = Conversion {
            id: ConversionId::parse(&format!("{}conv_{number}", self.prefix)).unwrap(),
            affiliate: self.partner(index),
            campaign: None,
            gross: Money::from_minor(gross, currency(yen)),
        };
        let rate = Rate::from_percent(Amount::new(millionths, 6)).unwrap();
        let program = Program {
            // Some hundred names of a test.
            name: self.program().to_string(),
            hold: held.then_some(Duration::from_secs(3)),
            ..Program::default()
        };
        let id = CommissionId::parse(&format!("{}com_{number}", self.prefix)).unwrap();
        let origin = if index == 0 { Origin::Recorded } else { Origin::Request };
        Some((id, conversion, program, rate, origin))
    }

    fn balance(&self, account: Account, currency: Currency) -> i64 {
        self.balances.get(&(account, currency.code())).copied().unwrap_or(0)
    }

    fn book(&mut self, fact: Fact) {
        let posting = fact.posting();
        let mut sums: BTreeMap<&str, i64> = BTreeMap::new();
        for entry in posting.entries() {
            let code = entry.amount.currency().code();
            *sums.entry(code).or_default() += entry.amount.minor();
            *self.balances.entry((entry.account.clone(), code)).or_default() += entry.amount.minor();
        }
        // Law 1: each transaction sums to zero in each currency, and so does every prefix of the journal.
        assert!(sums.values().all(|sum| *sum == 0), "{fact:?}");
        self.facts.push(fact);
    }

    pub(crate) fn apply(&mut self, step: &Step) {
        self.now += 1;
        let at = self.at();
        let why = || "because".to_owned();
        match step.clone() {
            Step::Calculate { .. } => self.calculate(step),
            Step::Approve(which) => {
                self.change(which, |one| one.approve(at).map(|fact| fact.map(Fact::Approved)));
            }
            Step::Hold(which) => self.change(which, |one| one.hold(None, None, at)),
            Step::Release(which) => {
                self.change(which, |one| one.release(None, at));
                if let Some(Fact::Released { approves: true, change }) = self.facts.last()
                    && change.at == at
                {
                    self.change(which, |one| one.approve(at).map(|fact| fact.map(Fact::Approved)));
                }
            }
            Step::Reject(which) => self.change(which, |one| one.reject(why(), at)),
            Step::Reverse(which) => self.change(which, |one| one.reverse(why(), at)),
            Step::ClawBack(which, part) => self.change(which, |one| {
                let amount = one.remaining().share(part, 100).unwrap();
                one.claw_back(Some(amount), why(), at)
            }),
            Step::Refund(which, part) => self.refund(which, part),
            Step::Rerate(which, millionths) => self.rerate(which, millionths),
            Step::Pay { yen, single } => self.pay(currency(yen), single),
            Step::Send(payout) => {
                if let Some(payout) = self.payouts.get_mut(payout) {
                    payout.send(at);
                }
            }
            Step::Settle(payout, line) => self.settle(payout, line),
            Step::Fail(payout, line) => self.fail(payout, line),
        }
    }

    fn calculate(&mut self, step: &Step) {
        let Some((id, conversion, program, rate, origin)) = self.calculation(step) else { return };
        let Step::Calculate { yen, capped, .. } = *step else { return };
        let rates = Rates { request: Some(Formula::Percentage(rate)), ..Rates::default() };
        let Made { mut commission, mut calculated, approved, .. } =
            Commission::calculate(id, conversion, &program, &rates, origin, self.at()).unwrap();
        let mut approved = approved.map(Fact::Approved);
        if capped && approved.is_none() {
            // As a rule with a cap would have it.
            let cap = Money::from_minor(calculated.amount.minor().min(777), currency(yen));
            (commission.amount, calculated.amount) = (cap, cap);
        }
        self.commissions.push(commission);
        self.book(Fact::Calculated(calculated));
        if let Some(fact) = approved.take() {
            self.book(fact);
        }
    }

    fn change<E>(&mut self, which: usize, verb: impl Fn(&mut Commission) -> Result<Option<Fact>, E>) {
        let Some(commission) = self.commissions.get_mut(which) else { return };
        let before = commission.clone();
        match verb(commission) {
            Ok(Some(fact)) => self.book(fact),
            // What is refused, and what is no news, changes nothing.
            Ok(None) | Err(_) => assert_eq!(*commission, before),
        }
    }

    /// It reaches every commission of the conversion.
    fn refund(&mut self, which: usize, part: i64) {
        let at = self.at();
        let Some(commission) = self.commissions.get(which) else { return };
        let conversion = commission.conversion().clone();
        let total = conversion.gross.share(part, 100).unwrap();
        let mut facts = Vec::new();
        for commission in self.commissions.iter_mut().filter(|one| one.conversion().id == conversion.id) {
            let refunded = commission.refund(total, None, at);
            // Twice is once.
            let again = commission.clone().refund(total, None, at);
            assert!(matches!(again, Ok(Refunded::Known) | Err(_)));
            if let Ok(Refunded::Reversed(fact)) = refunded {
                facts.push(*fact);
            }
        }
        for fact in facts {
            self.book(fact);
        }
    }

    /// What a re-rating would have the conversion of a commission owe, and what it takes to say so.
    pub(crate) fn rating(
        &self,
        which: usize,
        millionths: i128,
    ) -> Option<(ConversionId, Rating, CommissionId)> {
        let conversion = self.commissions.get(which)?.conversion();
        let rate = Rate::from_percent(Amount::new(millionths, 6)).unwrap();
        let rating = Rating {
            amount: rate.of(conversion.gross).unwrap(),
            rate: Some(rate),
            source: RateSource::Rule,
            rule: "rul_1".to_owned(),
            rule_version: 1,
        };
        let added = CommissionId::parse(&format!("{}com_{}", self.prefix, self.commissions.len())).unwrap();
        Some((conversion.id.clone(), rating, added))
    }

    pub(crate) fn why() -> Why {
        Why { rerating: ReratingId::parse("rer_1").unwrap(), reason: "the rule was wrong".to_owned() }
    }

    fn rerate(&mut self, which: usize, millionths: i128) {
        let Some((conversion, rating, added)) = self.rating(which, millionths) else { return };
        let (at, why) = (self.at(), Self::why());
        let theirs = self.commissions.iter().filter(|one| one.conversion().id == conversion);
        let before = Slots::of(theirs.cloned().collect()).unwrap();
        let mut slots = before.clone();
        let Ok(facts) = slots.rerate(&rating, &added, &why, at) else { return assert_eq!(slots, before) };
        // All together owe what the rule says, and again is no news.
        assert_eq!(slots.owed(), rating.amount);
        assert!(slots.clone().rerate(&rating, &added, &why, at).is_err());
        for commission in slots.into_commissions() {
            match self.commissions.iter_mut().find(|one| one.id() == commission.id()) {
                Some(known) => *known = commission,
                None => self.commissions.push(commission),
            }
        }
        for fact in facts {
            self.book(fact);
        }
    }

    /// What a partner owes that can be set off: not yet what is refunded of what is still on its way.
    fn owed(&self, currency: Currency) -> BTreeMap<AffiliateId, Money> {
        (0..PARTNERS)
            .map(|index| {
                let partner = self.partner(index);
                let receivable =
                    self.balance(Account::Partner(partner.clone(), Bucket::Receivable), currency);
                let on_its_way: i64 = self
                    .commissions
                    .iter()
                    .filter(|one| {
                        one.conversion().affiliate == partner && one.amount().currency() == currency
                    })
                    .map(|one| one.refunded_on_its_way().minor())
                    .sum();
                (partner, Money::from_minor(receivable - on_its_way, currency))
            })
            .collect()
    }

    fn pay(&mut self, currency: Currency, single: Option<usize>) {
        let candidates = self
            .commissions
            .iter()
            .enumerate()
            .filter(|(index, one)| {
                matches!(one.state(), State::Approved { .. }) && single.is_none_or(|single| single == *index)
            })
            .map(|(_, one)| Candidate {
                commission: one.id().clone(),
                partner: one.conversion().affiliate.clone(),
                amount: one.remaining(),
            })
            .collect();
        let minimum = Money::from_minor(MINIMUM, currency);
        let plan = plan(currency, minimum, candidates, &self.owed(currency));
        let id = PayoutId::parse(&format!("{}pay_{}", self.prefix, self.payouts.len())).unwrap();
        let program = self.program();
        let at = self.at();
        let Ok(payout) = Payout::create(id.clone(), program, Method::File, minimum, plan.lines, at) else {
            return;
        };
        for line in &payout.lines {
            // Law 7: not below the minimum, and in one currency.
            assert!(line.amount.minor() >= MINIMUM && line.amount.currency() == currency);
            // Law 4: a line is the sum of its entries.
            let sum: i64 = line.items.iter().map(|item| item.amount.minor() - item.netted.minor()).sum();
            assert_eq!(sum, line.amount.minor());
            for item in &line.items {
                let commission =
                    self.commissions.iter_mut().find(|one| *one.id() == item.commission).unwrap();
                // Law 7: nothing on hold, or otherwise not approved.
                assert!(matches!(commission.state(), State::Approved { .. }));
                let fact = commission.reserve(id.clone(), item.netted, at).unwrap();
                // Law 4: in one live payout at most.
                assert!(self.claims.insert(item.commission.clone()), "{item:?} is in two payouts");
                self.book(fact);
            }
        }
        self.payouts.push(payout);
    }

    fn items(&self, payout: usize, line: u32) -> Vec<CommissionId> {
        let lines = self.payouts[payout].lines.iter().filter(|one| one.number == line);
        lines.flat_map(|line| line.items.iter().map(|item| item.commission.clone())).collect()
    }

    fn settle(&mut self, payout: usize, line: u32) {
        let at = self.at();
        let Some(one) = self.payouts.get_mut(payout) else { return };
        let id = one.id.clone();
        if !one.settle_line(line, at).unwrap_or(false) {
            return;
        }
        for item in self.items(payout, line) {
            let commission = self.commissions.iter_mut().find(|one| *one.id() == item).unwrap();
            let fact = commission.settle(&id, at).unwrap().unwrap();
            assert_eq!(commission.settle(&id, at), Ok(None));
            self.book(fact);
        }
    }

    fn fail(&mut self, payout: usize, line: u32) {
        let at = self.at();
        let Some(one) = self.payouts.get_mut(payout) else { return };
        let id = one.id.clone();
        if !one.fail_line(line, "bounced".to_owned(), at).unwrap_or(false) {
            return;
        }
        for item in self.items(payout, line) {
            let commission = self.commissions.iter_mut().find(|one| *one.id() == item).unwrap();
            let fact = commission.fail(&id, "bounced".to_owned(), at).unwrap();
            self.claims.remove(&item);
            self.book(fact);
        }
    }

    /// What must be true after every step.
    fn check(&self) {
        for ((account, code), balance) in &self.balances {
            let usual = account.sign() * balance;
            assert!(usual >= 0, "{} is at {balance} {code}", account.name());
        }
        for currency in [Currency::USD, Currency::JPY] {
            for index in 0..PARTNERS {
                self.check_partner(&self.partner(index), currency);
            }
        }
        for commission in &self.commissions {
            let (amount, reversed) = (commission.amount().minor(), commission.reversed().minor());
            // Law 5.
            assert!((0..=amount).contains(&reversed), "{commission:?}");
            if commission.refunded() == commission.conversion().gross {
                assert_eq!(commission.remaining().minor(), 0, "{commission:?}");
            }
        }
        // Law 3.
        let slots: BTreeSet<(&str, Slot)> =
            self.commissions.iter().map(|one| (one.conversion().id.as_str(), one.slot())).collect();
        assert_eq!(slots.len(), self.commissions.len());
        for payout in &self.payouts {
            assert!(payout.settled().minor() + payout.failed().minor() <= payout.total().minor());
        }
    }

    /// The books say of each bucket what the commissions say.
    fn check_partner(&self, partner: &AffiliateId, currency: Currency) {
        let theirs = || {
            self.commissions
                .iter()
                .filter(|one| one.conversion().affiliate == *partner && one.amount().currency() == currency)
        };
        let sum = |amount: fn(&Commission) -> i64| theirs().map(amount).sum::<i64>();
        let booked = |bucket| -self.balance(Account::Partner(partner.clone(), bucket), currency);
        assert_eq!(
            booked(Bucket::Pending),
            sum(|one| if matches!(one.state(), State::Calculated) { one.remaining().minor() } else { 0 })
        );
        assert_eq!(
            booked(Bucket::Held),
            sum(|one| if matches!(one.state(), State::Held { .. }) { one.remaining().minor() } else { 0 })
        );
        assert_eq!(
            booked(Bucket::Payable),
            sum(|one| if matches!(one.state(), State::Approved { .. }) {
                one.remaining().minor()
            } else {
                0
            })
        );
        let open = self.payouts.iter().filter(|payout| payout.currency == currency);
        let in_flight: i64 = open
            .flat_map(|payout| &payout.lines)
            .filter(|line| line.partner == *partner)
            .filter(|line| matches!(line.state, LineState::Reserved | LineState::Sent { .. }))
            .map(|line| line.amount.minor())
            .sum();
        assert_eq!(booked(Bucket::InFlight), in_flight);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, ..ProptestConfig::default() })]

    /// Laws 1, 3, 4, 5 and 7: after every step of every history.
    #[test]
    fn the_books_balance_and_say_what_the_commissions_say(steps in prop::collection::vec(step(), 1..60)) {
        let mut world = World::default();
        for step in &steps {
            world.apply(step);
            world.check();
        }
    }

    /// Law 8: the same history again ends in the same state and the same books.
    #[test]
    fn a_history_that_is_replayed_ends_the_same(steps in prop::collection::vec(step(), 1..20)) {
        let run = || {
            let mut world = World::default();
            for step in &steps {
                world.apply(step);
            }
            format!("{world:?}")
        };
        prop_assert_eq!(run(), run());
    }

    /// What was refunded before a conversion is rated anew is taken back at the new rate, as what is refunded after it.
    #[test]
    fn a_refund_and_a_rerating_end_the_same_in_either_order(
        // So much that rounding alone does not end a commission.
        gross in 10_000..1_000_000_i64,
        rates in [1_000_000..=100_000_000_i128, 1_000_000..=100_000_000_i128],
        part in 0..90_i64,
        approved in any::<bool>(),
    ) {
        let [millionths, anew] = rates;
        let calculate = Step::Calculate { partner: 1, yen: false, gross, millionths, held: false, capped: false };
        let run = |steps: [Step; 2]| {
            let mut world = World::default();
            world.apply(&calculate);
            if approved {
                world.apply(&Step::Approve(0));
            }
            for step in &steps {
                world.apply(step);
            }
            world.check();
            let one = &world.commissions[0];
            (one.amount(), one.reversed(), one.refunded(), world.commissions.len())
        };
        let orders = [[Step::Refund(0, part), Step::Rerate(0, anew)], [Step::Rerate(0, anew), Step::Refund(0, part)]];
        let [before, after] = orders.map(run);
        prop_assert_eq!(before, after);
    }

    /// Laws 2 and 5: refunds and the approval, each perhaps twice, in two orders.
    #[test]
    fn refunds_end_the_same_in_any_order_and_any_number(
        gross in 1..100_000_i64,
        millionths in 0..=100_000_000_i128,
        capped in any::<bool>(),
        steps in prop::collection::vec(prop_oneof![
            1 => Just(Step::Approve(0)),
            4 => (0..=100_i64).prop_map(|part| Step::Refund(0, part)),
        ], 1..8).prop_flat_map(|steps| {
            let twice = [steps.clone(), steps.clone()].concat();
            (Just(steps), Just(twice).prop_shuffle())
        }),
    ) {
        let calculate = Step::Calculate { partner: 1, yen: false, gross, millionths, held: false, capped };
        let run = |steps: &[Step]| {
            let mut world = World::default();
            world.apply(&calculate);
            for step in steps {
                world.apply(step);
            }
            world.check();
            let one = &world.commissions[0];
            let total = world.balances.into_iter().filter(|(_, minor)| *minor != 0).collect::<Vec<_>>();
            (one.state().name(), one.reversed(), one.refunded(), total)
        };
        prop_assert_eq!(run(&steps.0), run(&steps.1));
    }
}
