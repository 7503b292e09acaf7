//! The audit trail of a contract: who did what, and when; each entry holds the digest of the one before it, so that
//! what was changed or taken away later is found.

use hexalpes_kernel::Timestamp;

use super::ContractId;
use super::document::sha256;

/// One entry. Its hash is SHA-256 over contract, number, time, actor, action, details and the previous hash, each with
/// its length before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub contract: ContractId,
    /// Counts from 1.
    pub number: u32,
    pub at: Timestamp,
    pub actor: String,
    /// `sent`, `signed`, ….
    pub action: String,
    /// What there is to say of it, as a text that never changes: JSON.
    pub details: String,
    /// [`Head::EMPTY`]'s for the first.
    pub previous: String,
    pub hash: String,
}

/// How far a trail goes: kept with the contract, so that entries at the end cannot be taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub entries: u32,
    pub hash: String,
}

/// What is wrong with a trail.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    #[error("entry {number} is missing")]
    Missing { number: u32 },
    #[error("entry {number} is not what it was when it was written")]
    Changed { number: u32 },
    #[error("entry {number} does not follow from the one before it")]
    Unchained { number: u32 },
    #[error("the trail has {is} entries, and the contract knows of {should_be}")]
    Length { is: u32, should_be: u32 },
}

impl Head {
    /// Of a trail that has not begun.
    pub fn empty() -> Self {
        Self { entries: 0, hash: "0".repeat(64) }
    }

    /// The entry after it, and the head that the trail has then.
    pub fn next(
        &self,
        contract: &ContractId,
        at: Timestamp,
        actor: &str,
        action: &str,
        details: String,
    ) -> (Entry, Self) {
        let mut entry = Entry {
            contract: contract.clone(),
            number: self.entries + 1,
            at,
            actor: actor.to_owned(),
            action: action.to_owned(),
            details,
            previous: self.hash.clone(),
            hash: String::new(),
        };
        entry.hash = entry.digest();
        let head = Self { entries: entry.number, hash: entry.hash.clone() };
        (entry, head)
    }
}

impl Entry {
    fn digest(&self) -> String {
        let (number, at) = (self.number.to_string(), self.at.as_micros().to_string());
        let parts =
            [self.contract.as_str(), &number, &at, &self.actor, &self.action, &self.details, &self.previous];
        // Without lengths, a letter could move from one part to the next unseen.
        let whole: Vec<String> = parts.iter().map(|part| format!("{}:{part};", part.len())).collect();
        sha256(whole.concat().as_bytes())
    }
}

/// Looks through a trail in its order; the first fault is told.
pub fn verify(entries: &[Entry], head: &Head) -> Result<(), Broken> {
    let mut before = Head::empty();
    for entry in entries {
        let number = before.entries + 1;
        if entry.number != number {
            return Err(Broken::Missing { number });
        }
        if entry.hash != entry.digest() {
            return Err(Broken::Changed { number });
        }
        if entry.previous != before.hash {
            return Err(Broken::Unchained { number });
        }
        before = Head { entries: number, hash: entry.hash.clone() };
    }
    if before.entries != head.entries {
        return Err(Broken::Length { is: before.entries, should_be: head.entries });
    }
    if before.hash != head.hash {
        return Err(Broken::Changed { number: before.entries });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trail(length: u32) -> (Vec<Entry>, Head) {
        let id = ContractId::parse("c-1").unwrap();
        let mut head = Head::empty();
        let mut entries = Vec::new();
        for number in 0..length {
            let at = Timestamp::from_micros(i64::from(number)).unwrap();
            let (entry, next) = head.next(&id, at, "ana", "changed", format!("{{\"n\":{number}}}"));
            entries.push(entry);
            head = next;
        }
        (entries, head)
    }

    #[test]
    fn a_trail_that_nobody_touched_holds() {
        for length in [0, 1, 7] {
            let (entries, head) = trail(length);
            assert_eq!(verify(&entries, &head), Ok(()));
        }
    }

    #[test]
    fn whatever_is_changed_is_found() {
        let change: [fn(&mut Entry); 6] = [
            |entry| entry.actor = "eva".to_owned(),
            |entry| entry.action = "sent".to_owned(),
            |entry| entry.details = "{}".to_owned(),
            |entry| entry.at = Timestamp::from_micros(99).unwrap(),
            |entry| entry.contract = ContractId::parse("c-2").unwrap(),
            |entry| entry.previous = "f".repeat(64),
        ];
        for (index, change) in change.into_iter().enumerate() {
            let (mut entries, head) = trail(4);
            change(&mut entries[1]);
            assert_eq!(verify(&entries, &head), Err(Broken::Changed { number: 2 }), "change {index}");
            // Also by whoever computes the digest anew: the next one does not fit then.
            let hash = entries[1].digest();
            entries[1].hash = hash;
            assert!(verify(&entries, &head).is_err(), "change {index}");
        }
    }

    #[test]
    fn what_is_taken_away_is_found() {
        let (entries, head) = trail(4);
        assert_eq!(verify(&entries[..3], &head), Err(Broken::Length { is: 3, should_be: 4 }));
        assert_eq!(verify(&entries[1..], &head), Err(Broken::Missing { number: 1 }));
        let without = [&entries[..1], &entries[2..]].concat();
        assert_eq!(verify(&without, &head), Err(Broken::Missing { number: 2 }));
    }
}
