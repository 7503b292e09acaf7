//! Finds what was agreed with whom a conversion is owed to: the program's terms and the affiliate's rate.

use hexalpes_db::Tx;
use hexalpes_kernel::{Rate, Timestamp};

use super::calculate::CalculateError;
use crate::domain::{AffiliateId, KnownAffiliate, Program, ProgramId};
use crate::store::known;

/// Which terms hold for a conversion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// Those that are known newest: of the program that somebody names, else of the affiliate's, else of the default.
    Newest { program: Option<ProgramId> },
    /// Those that held where the conversion was recorded. A revision of 0 is the newest that is known.
    Revisions { program: ProgramId, program_revision: u32, affiliate_revision: u32 },
}

/// The program's terms, and the affiliate's type and own rate, as far as it has any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Agreed {
    pub(super) program: Program,
    pub(super) kind: Option<String>,
    pub(super) rate: Option<Rate>,
}

impl Agreed {
    fn of(program: Program, affiliate: Option<KnownAffiliate>) -> Self {
        let rate = affiliate.as_ref().and_then(KnownAffiliate::rate);
        Self { program, kind: affiliate.map(|affiliate| affiliate.kind), rate }
    }
}

/// `built_in` is the program that holds under its name until something is heard of it.
pub(super) async fn find(
    tx: &Tx,
    agreement: &Agreement,
    affiliate: &AffiliateId,
    at: Timestamp,
    built_in: &Program,
) -> Result<Agreed, CalculateError> {
    match agreement {
        Agreement::Newest { program } => {
            let known = known::affiliate(tx, affiliate).await?;
            if let (Some(asked), Some(known)) = (program, &known)
                && known.program != *asked
            {
                let (affiliate, program) = (affiliate.clone(), known.program.clone());
                return Err(CalculateError::OtherProgram { affiliate, program });
            }
            let theirs = || known.as_ref().map(|known| known.program.clone());
            let id = program.clone().or_else(theirs).unwrap_or_else(|| built_in.id());
            Ok(Agreed::of(newest_program(tx, &id, built_in).await?, known))
        }
        Agreement::Revisions { program, program_revision, affiliate_revision } => {
            let program = match program_revision {
                0 => newest_program(tx, program, built_in).await?,
                revision => match known::program(tx, program, Some(*revision)).await? {
                    Some(known) => known.terms,
                    // Nobody has to tell it.
                    None if *program == built_in.id() && *revision == built_in.version => built_in.clone(),
                    None => {
                        let what = format!("revision {revision} of program {program}");
                        return Err(CalculateError::NotYetKnown { what });
                    }
                },
            };
            Ok(Agreed::of(program, rates_at(tx, affiliate, *affiliate_revision, at).await?))
        }
    }
}

async fn newest_program(tx: &Tx, id: &ProgramId, built_in: &Program) -> Result<Program, CalculateError> {
    match known::program(tx, id, None).await? {
        Some(known) => Ok(known.terms),
        None if *id == built_in.id() => Ok(built_in.clone()),
        None => Err(CalculateError::NoProgram(id.clone())),
    }
}

/// The affiliate with the rates that held at a time, as far as a revision of it knew; the first ones if none did.
///
/// What lies between must be known, for otherwise the answer would depend on the order in which events come.
async fn rates_at(
    tx: &Tx,
    id: &AffiliateId,
    revision: u32,
    at: Timestamp,
) -> Result<Option<KnownAffiliate>, CalculateError> {
    let missing =
        |revision| CalculateError::NotYetKnown { what: format!("revision {revision} of affiliate {id}") };
    let named = match revision {
        0 => match known::affiliate(tx, id).await? {
            Some(newest) => newest,
            None => return Ok(None),
        },
        revision => known::affiliate_in(tx, id, revision).await?.ok_or_else(|| missing(revision))?,
    };
    if named.rates_valid_from <= at || named.revision == 1 {
        return Ok(Some(named));
    }
    let mut found = named;
    for earlier in known::affiliate_before(tx, id, found.revision).await? {
        if revision > 0 && earlier.revision + 1 != found.revision {
            break;
        }
        found = earlier;
        if found.rates_valid_from <= at {
            return Ok(Some(found));
        }
    }
    match found.revision {
        before if revision > 0 && before > 1 => Err(missing(before - 1)),
        _ => Ok(Some(found)),
    }
}
