//! What each fact does to the books. Exhaustive on purpose: there is no fact about money without its posting.

use hexalpes_kernel::Money;

use super::{Account, AffiliateId, Bucket, Entry, Fact, Posting};

impl Fact {
    /// Debits and credits of what happened; empty where no money moved.
    pub fn posting(&self) -> Posting {
        let partner = self.partner();
        let bucket = |bucket| Account::Partner(partner.clone(), bucket);
        match self {
            Self::Calculated(fact) => Posting::moving(fact.amount, Account::Expense, bucket(fact.into)),
            Self::Approved(fact) => Posting::moving(fact.amount, bucket(fact.from), bucket(Bucket::Payable)),
            Self::Held { from: Bucket::Held, .. } => Posting::default(),
            Self::Held { change, from, .. } => {
                Posting::moving(change.amount, bucket(*from), bucket(Bucket::Held))
            }
            Self::Released { change, .. } => {
                Posting::moving(change.amount, bucket(Bucket::Held), bucket(Bucket::Pending))
            }
            Self::Rejected { change, from } | Self::Reversed { change, from } => {
                Posting::moving(change.amount, bucket(*from), Account::Expense)
            }
            Self::ClawedBack { change } => {
                Posting::moving(change.amount, bucket(Bucket::Receivable), Account::Expense)
            }
            // More is owed where it stands; less the other way round.
            Self::Rerated(fact) => Posting::moving(fact.change.amount, Account::Expense, bucket(fact.bucket)),
            Self::Reserved { share, .. } => balanced(
                share.paid,
                [
                    (bucket(Bucket::Payable), share.paid.minor() + share.netted.minor()),
                    (bucket(Bucket::InFlight), -share.paid.minor()),
                    (bucket(Bucket::Receivable), -share.netted.minor()),
                ],
            ),
            Self::Paid { share, .. } => Posting::moving(share.paid, bucket(Bucket::InFlight), Account::Cash),
            Self::Returned { share, refunded, .. } => balanced(
                share.paid,
                [
                    (bucket(Bucket::InFlight), share.paid.minor()),
                    (bucket(Bucket::Receivable), share.netted.minor() - refunded.minor()),
                    (bucket(Bucket::Payable), refunded.minor() - share.paid.minor() - share.netted.minor()),
                ],
            ),
        }
    }

    fn partner(&self) -> &AffiliateId {
        match self {
            Self::Calculated(fact) => &fact.conversion.affiliate,
            Self::Approved(fact) => &fact.conversion.affiliate,
            other => &other.change().expect("all others have one").conversion.affiliate,
        }
    }
}

/// Entries in the currency of `like`; they sum to zero by how they were made.
fn balanced(like: Money, entries: [(Account, i64); 3]) -> Posting {
    let currency = like.currency();
    let entries = entries
        .into_iter()
        .map(|(account, minor)| Entry { account, amount: Money::from_minor(minor, currency) });
    Posting::new(entries.collect()).expect("what leaves one account goes to another")
}
