//! A conversion: what a customer did and paid, and what was given back.

use hexalpes_kernel::{Money, MoneyError, Timestamp};

use super::{
    AffiliateId, Attribution, CampaignId, ConversionId, ExternalId, LineId, ProductId, ProgramId, RefundId,
};

/// What the customer did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Sale,
    Lead,
    Signup,
    Click,
}

impl Kind {
    /// The name on the wire between contexts, and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sale => "sale",
            Self::Lead => "lead",
            Self::Signup => "signup",
            Self::Click => "click",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::Sale, Self::Lead, Self::Signup, Self::Click].into_iter().find(|one| one.name() == name)
    }
}

/// A line of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub id: LineId,
    pub product: Option<ProductId>,
    pub amount: Money,
    /// What was given back of it.
    pub refunded: Money,
}

/// The lines of an order, which make up its amount; perhaps none are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines(Vec<Line>);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinesError {
    #[error("the lines sum to {sum}, not to {gross}")]
    Sum { sum: Money, gross: Money },
    #[error("the line {0} is there twice")]
    Twice(LineId),
    #[error("the lines {0}")]
    Money(#[from] MoneyError),
}

impl Lines {
    /// Lines that sum to `gross`, each with a name of its own.
    pub fn of(gross: Money, lines: Vec<(LineId, Option<ProductId>, Money)>) -> Result<Self, LinesError> {
        let none = Money::zero(gross.currency());
        let mut taken: Vec<Line> = Vec::with_capacity(lines.len());
        let mut sum = none;
        for (id, product, amount) in lines {
            if taken.iter().any(|line| line.id == id) {
                return Err(LinesError::Twice(id));
            }
            sum = sum.checked_add(amount)?;
            taken.push(Line { id, product, amount, refunded: none });
        }
        if !taken.is_empty() && sum != gross {
            return Err(LinesError::Sum { sum, gross });
        }
        Ok(Self(taken))
    }

    /// Takes lines out of their store.
    pub fn restore(lines: Vec<Line>) -> Self {
        Self(lines)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Line> {
        self.0.iter()
    }
}

/// How much of it was given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Recorded,
    PartlyRefunded,
    Refunded,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversion {
    stored: Stored,
}

/// The parts of a conversion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub id: ConversionId,
    pub program: ProgramId,
    pub affiliate: AffiliateId,
    pub campaign: Option<CampaignId>,
    pub kind: Kind,
    /// What the customer paid.
    pub gross: Money,
    pub lines: Lines,
    pub product: Option<ProductId>,
    /// ISO 3166-1 alpha-2, of the customer.
    pub country: Option<String>,
    pub new_customer: Option<bool>,
    /// What the shop calls it: unique in the program.
    pub external: Option<ExternalId>,
    pub attribution: Attribution,
    pub refunded: Money,
    pub occurred_at: Timestamp,
    pub recorded_at: Timestamp,
}

/// What is to be given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhatBack {
    /// All that is left.
    Rest,
    Amount(Money),
    /// Of these lines so much, or what is left of them.
    Lines(Vec<LineRefund>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineRefund {
    pub line: LineId,
    pub amount: Option<Money>,
}

/// Money given back for a conversion, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    pub id: RefundId,
    pub conversion: ConversionId,
    pub amount: Money,
    /// What was given back until then, this included.
    pub total: Money,
    pub lines: Vec<(LineId, Money)>,
    pub reason: Option<String>,
    /// What the shop calls it: unique for the conversion.
    pub external: Option<ExternalId>,
    pub at: Timestamp,
}

/// What a refund came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refunded {
    pub amount: Money,
    pub total: Money,
    pub lines: Vec<(LineId, Money)>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefundError {
    #[error("nothing is left to give back")]
    NothingLeft,
    #[error("must be more than zero")]
    NotPositive,
    #[error("is more than the {left} that are left")]
    TooMuch { left: Money },
    #[error("there is no line {0} in the conversion")]
    NoLine(LineId),
    #[error("the line {line} has only {left} left")]
    LineTooMuch { line: LineId, left: Money },
    #[error("the line {0} is there twice")]
    Twice(LineId),
    #[error("{0}")]
    Money(#[from] MoneyError),
}

impl Conversion {
    pub fn restore(stored: Stored) -> Self {
        Self { stored }
    }

    /// Gives money back. Every refund is at most what is left, of the whole and of each line.
    pub fn refund(&mut self, what: &WhatBack) -> Result<Refunded, RefundError> {
        let gross = self.stored.gross;
        let left = gross.checked_sub(self.stored.refunded)?;
        if left.minor() <= 0 {
            return Err(RefundError::NothingLeft);
        }
        let (amount, lines) = match what {
            WhatBack::Rest => (left, self.rest_of_lines()?),
            WhatBack::Amount(amount) => (*amount, Vec::new()),
            WhatBack::Lines(asked) => self.of_lines(asked)?,
        };
        if amount.minor() <= 0 {
            return Err(RefundError::NotPositive);
        }
        if left.checked_sub(amount)?.minor() < 0 {
            return Err(RefundError::TooMuch { left });
        }
        for (id, amount) in &lines {
            let line =
                self.stored.lines.0.iter_mut().find(|line| line.id == *id).expect("it was found before");
            line.refunded = line.refunded.checked_add(*amount)?;
        }
        let total = self.stored.refunded.checked_add(amount)?;
        self.stored.refunded = total;
        Ok(Refunded { amount, total, lines })
    }

    /// What is left of each line; of a conversion that was also refunded by amount nobody can say.
    fn rest_of_lines(&self) -> Result<Vec<(LineId, Money)>, RefundError> {
        let by_line = self.refunded_by_line()?;
        if by_line != self.stored.refunded {
            return Ok(Vec::new());
        }
        let rest = |line: &Line| Ok((line.id.clone(), line.amount.checked_sub(line.refunded)?));
        let rest = self.stored.lines.iter().map(rest).collect::<Result<Vec<_>, RefundError>>()?;
        Ok(rest.into_iter().filter(|(_, amount)| amount.minor() > 0).collect())
    }

    fn refunded_by_line(&self) -> Result<Money, RefundError> {
        let none = Money::zero(self.stored.gross.currency());
        Ok(self.stored.lines.iter().try_fold(none, |sum, line| sum.checked_add(line.refunded))?)
    }

    fn of_lines(&self, asked: &[LineRefund]) -> Result<(Money, Vec<(LineId, Money)>), RefundError> {
        let mut sum = Money::zero(self.stored.gross.currency());
        let mut taken: Vec<(LineId, Money)> = Vec::with_capacity(asked.len());
        for LineRefund { line: id, amount } in asked {
            let line = self.stored.lines.iter().find(|line| line.id == *id);
            let line = line.ok_or_else(|| RefundError::NoLine(id.clone()))?;
            if taken.iter().any(|(taken, _)| taken == id) {
                return Err(RefundError::Twice(id.clone()));
            }
            let left = line.amount.checked_sub(line.refunded)?;
            let amount = amount.unwrap_or(left);
            if amount.minor() <= 0 {
                return Err(RefundError::NotPositive);
            }
            if left.checked_sub(amount)?.minor() < 0 {
                return Err(RefundError::LineTooMuch { line: id.clone(), left });
            }
            sum = sum.checked_add(amount)?;
            taken.push((id.clone(), amount));
        }
        Ok((sum, taken))
    }

    /// Whether this is the same conversion, told a second time: what a body says, not what we made of it.
    pub fn is_told_again(&self, other: &Self) -> bool {
        let (one, two) = (&self.stored, &other.stored);
        let lines = |stored: &Stored| -> Vec<(LineId, Money)> {
            stored.lines.iter().map(|line| (line.id.clone(), line.amount)).collect()
        };
        one.affiliate == two.affiliate
            && one.campaign == two.campaign
            && one.kind == two.kind
            && one.gross == two.gross
            && lines(one) == lines(two)
    }

    pub fn state(&self) -> State {
        match self.stored.refunded.minor() {
            0 => State::Recorded,
            refunded if refunded < self.stored.gross.minor() => State::PartlyRefunded,
            _ => State::Refunded,
        }
    }

    /// All there is to know of it.
    pub fn parts(&self) -> &Stored {
        &self.stored
    }
}

#[cfg(test)]
mod tests {
    use hexalpes_kernel::Currency;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::Found;

    fn usd(minor: i64) -> Money {
        Money::from_minor(minor, Currency::USD)
    }

    fn line(id: &str) -> LineId {
        LineId::parse(id).unwrap()
    }

    fn a_conversion(lines: &[i64]) -> Conversion {
        let gross = usd(lines.iter().sum());
        let named =
            (0..).zip(lines).map(|(n, minor): (u32, &i64)| (line(&format!("l{n}")), None, usd(*minor)));
        let at = Timestamp::parse("2025-01-15T12:00:00Z").unwrap();
        Conversion::restore(Stored {
            id: ConversionId::parse("conv_1").unwrap(),
            program: ProgramId::parse("default").unwrap(),
            affiliate: AffiliateId::parse("af_1").unwrap(),
            campaign: None,
            kind: Kind::Sale,
            gross,
            lines: Lines::of(gross, named.collect()).unwrap(),
            product: None,
            country: None,
            new_customer: None,
            external: None,
            attribution: Attribution { found: Found::Explicit, program_revision: 1, affiliate_revision: 1 },
            refunded: usd(0),
            occurred_at: at,
            recorded_at: at,
        })
    }

    #[test]
    fn lines_make_up_the_amount() {
        let lines = |minors: &[i64]| {
            let named =
                minors.iter().enumerate().map(|(n, minor)| (line(&format!("l{n}")), None, usd(*minor)));
            Lines::of(usd(100), named.collect())
        };
        assert!(lines(&[60, 40]).is_ok() && lines(&[]).is_ok());
        assert_eq!(lines(&[60, 41]), Err(LinesError::Sum { sum: usd(101), gross: usd(100) }));
        let twice = vec![(line("a"), None, usd(50)), (line("a"), None, usd(50))];
        assert_eq!(Lines::of(usd(100), twice), Err(LinesError::Twice(line("a"))));
    }

    #[test]
    fn a_refund_by_line_takes_what_is_left_of_it() {
        let mut conversion = a_conversion(&[6_000, 4_000]);
        let ask = |line: &str, amount: Option<i64>| {
            WhatBack::Lines(vec![LineRefund { line: self::line(line), amount: amount.map(usd) }])
        };
        assert_eq!(conversion.refund(&ask("l0", Some(1_000))).unwrap().total, usd(1_000));
        assert_eq!(
            conversion.refund(&ask("l0", Some(5_001))),
            Err(RefundError::LineTooMuch { line: line("l0"), left: usd(5_000) })
        );
        assert_eq!(conversion.refund(&ask("l0", None)).unwrap().amount, usd(5_000));
        assert_eq!(conversion.refund(&ask("l9", None)), Err(RefundError::NoLine(line("l9"))));
        let rest = conversion.refund(&WhatBack::Rest).unwrap();
        assert_eq!((rest.total, rest.lines), (usd(10_000), vec![(line("l1"), usd(4_000))]));
        assert_eq!(conversion.state(), State::Refunded);
        assert_eq!(conversion.refund(&WhatBack::Rest), Err(RefundError::NothingLeft));
    }

    #[test]
    fn a_refund_is_more_than_nothing_and_not_more_than_is_left() {
        let mut conversion = a_conversion(&[10_000]);
        assert_eq!(conversion.refund(&WhatBack::Amount(usd(0))), Err(RefundError::NotPositive));
        assert_eq!(
            conversion.refund(&WhatBack::Amount(usd(10_001))),
            Err(RefundError::TooMuch { left: usd(10_000) })
        );
        conversion.refund(&WhatBack::Amount(usd(1))).unwrap();
        assert_eq!(conversion.state(), State::PartlyRefunded);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        /// Law 5, as far as it is this context's.
        #[test]
        fn what_was_given_back_is_the_sum_of_refunds_and_never_more_than_was_paid(
            lines in prop::collection::vec(1_i64..1_000, 1..4),
            asked in prop::collection::vec((0_usize..6, 0_i64..800), 0..12),
        ) {
            let mut conversion = a_conversion(&lines);
            let gross = conversion.parts().gross.minor();
            let mut sum = 0;
            for (which, minor) in asked {
                let what = match which {
                    0 => WhatBack::Rest,
                    1 | 2 => WhatBack::Amount(usd(minor)),
                    n => WhatBack::Lines(vec![LineRefund {
                        line: line(&format!("l{}", n - 3)),
                        amount: (minor % 3 > 0).then(|| usd(minor)),
                    }]),
                };
                let before = conversion.clone();
                if let Ok(refunded) = conversion.refund(&what) {
                    sum += refunded.amount.minor();
                    prop_assert_eq!(refunded.total.minor(), sum);
                } else {
                    prop_assert_eq!(&conversion, &before);
                }
                prop_assert!((0..=gross).contains(&conversion.parts().refunded.minor()));
                prop_assert!(conversion.parts().lines.iter().all(|line| line.refunded.minor() <= line.amount.minor()));
            }
        }
    }
}
