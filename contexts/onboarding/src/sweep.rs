//! What time itself brings about: contracts become active on their day, somebody is reminded before they expire, and then
//! they do; and somebody is reminded of signatures that are missing.
//!
//! Not here: the loop. Whoever runs this context calls [`sweep`] now and then.

use std::sync::Arc;

use hexalpes_db::{Db, DbError, Tx};
use hexalpes_kernel::{Actor, CausationId, Cause, CorrelationId, Edge};

use crate::{commands, store};

/// Contracts that are looked at in one transaction.
const PASSED_MAX: u64 = 50;
/// Transactions of one sweep; what is left is the next sweep's.
const ROUNDS_MAX: u32 = 50;

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Activations, reminders and expirations.
    pub passed: u64,
}

/// Does what is due. Where nothing is, it only looks.
pub async fn sweep(db: &Db, edge: &Arc<dyn Edge>) -> Result<Swept, DbError> {
    let mut swept = Swept::default();
    for _ in 0..ROUNDS_MAX {
        let now = edge.now();
        let is_due = async move |tx: &Tx| -> Result<bool, DbError> {
            let contracts = store::due(tx, now, 1).await?;
            Ok(!contracts.is_empty() || !store::due_employment(tx, now, 1).await?.is_empty())
        };
        if !db.read(is_due).await? {
            break;
        }
        let (cause, ids) = (cause(&**edge), Arc::clone(edge));
        let pass = async move |tx: &Tx| -> Result<u64, DbError> {
            let passed = commands::pass_due(tx, &*ids, &cause, PASSED_MAX).await?;
            Ok(passed + commands::remind_due(tx, &*ids, &cause, PASSED_MAX).await?)
        };
        let passed = db.write(pass).await?;
        swept.passed += passed;
        if passed == 0 {
            break;
        }
    }
    Ok(swept)
}

/// Nobody asked: it was time.
fn cause(edge: &dyn Edge) -> Cause {
    Cause {
        correlation: CorrelationId::new(edge.uuid()),
        causation: CausationId::of_command(edge.uuid()),
        actor: Actor::parse("onboarding-sweep").expect("a name without blanks is an actor"),
        at: edge.now(),
    }
}
