//! Records a conversion, once for each of a shop's own ids.

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{self as kernel, Cause, Currency, Money, MoneyError, Timestamp, Uuid};

use crate::domain::{
    AffiliateCode, AffiliateId, Attributed, Attribution, CampaignId, ClickId, Conversion, ConversionId,
    ExternalId, Kind, KnownAffiliate, KnownProgram, LineId, Lines, LinesError, NotAttributed, ProductId,
    ProgramId, Searched, Stored, VisitorId, attribute,
};
use crate::{events, store};

/// Who is said to have brought the customer.
#[derive(Clone, Debug, Default)]
pub struct Who {
    pub affiliate: Option<AffiliateId>,
    pub code: Option<AffiliateCode>,
    pub click: Option<ClickId>,
    pub visitor: Option<VisitorId>,
}

/// An amount, before it is known in which currency.
pub type Amount = kernel::Amount;

#[derive(Clone, Debug)]
pub struct RecordConversion {
    pub id: ConversionId,
    pub program: ProgramId,
    pub who: Who,
    pub campaign: Option<CampaignId>,
    pub kind: Kind,
    pub gross: Amount,
    /// The program's where it is not said.
    pub currency: Option<Currency>,
    pub lines: Vec<(LineId, Option<ProductId>, Amount)>,
    pub product: Option<ProductId>,
    pub country: Option<String>,
    pub new_customer: Option<bool>,
    pub external: Option<ExternalId>,
    /// Now where it is not said.
    pub occurred_at: Option<Timestamp>,
    /// The id of the event that says so.
    pub event: Uuid,
}

/// The conversion, recorded now or found.
#[derive(Clone, Debug)]
pub struct Recording {
    pub conversion: Conversion,
    /// It was there already, told in the same words.
    pub duplicate: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRecorded {
    /// It may be on its way: whoever asks may wait for it.
    #[error("there is no program {0}")]
    NoProgram(ProgramId),
    /// As [`NotRecorded::NoProgram`].
    #[error("there is no affiliate {0}")]
    NoAffiliate(AffiliateId),
    /// As [`NotRecorded::NoProgram`].
    #[error("no affiliate of the program has the code {0}")]
    NoCode(AffiliateCode),
    #[error("there is no click {0}")]
    NoClick(ClickId),
    #[error("the click {0} is on a link of another program")]
    ClickElsewhere(ClickId),
    #[error("the program {0} is closed")]
    ProgramClosed(ProgramId),
    #[error("affiliate {affiliate} works under the program {program}")]
    OtherProgram { affiliate: AffiliateId, program: ProgramId },
    #[error("affiliate {0} is suspended or was terminated")]
    MayNotEarn(AffiliateId),
    #[error(transparent)]
    NotAttributed(#[from] NotAttributed),
    #[error("it {0}")]
    Gross(MoneyError),
    #[error("line {index}: it {error}")]
    LineAmount { index: usize, error: MoneyError },
    #[error(transparent)]
    Lines(#[from] LinesError),
    #[error("conversion {existing} of the program has this id of the shop, and says something else")]
    Duplicate { existing: ConversionId },
    #[error(transparent)]
    Database(#[from] DbError),
}

impl NotRecorded {
    /// Whether what is missing may be on its way from another context.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::NoProgram(_) | Self::NoAffiliate(_) | Self::NoCode(_))
    }
}

/// Two that arrive together with one id of the shop are told apart by the unique key: one inserts, the other finds.
pub async fn record(tx: &Tx, command: RecordConversion, cause: &Cause) -> Result<Recording, NotRecorded> {
    let program = store::known_program(tx, &command.program).await?;
    let program = program.ok_or_else(|| NotRecorded::NoProgram(command.program.clone()))?;
    if !program.is_active {
        return Err(NotRecorded::ProgramClosed(program.id));
    }
    let occurred_at = command.occurred_at.unwrap_or(cause.at);
    let (attributed, affiliate) = find(tx, &program, &command.who, occurred_at).await?;
    let conversion = conversion(&command, &program, attributed, &affiliate, occurred_at, cause.at)?;
    if store::insert_conversion(tx, &conversion).await? {
        events::of_recorded(tx, command.event, &conversion, cause).await?;
        return Ok(Recording { conversion, duplicate: false });
    }
    let Some(external) = &command.external else {
        return Err(DbError::Conflict("the id was given a moment ago".to_owned()).into());
    };
    let found = store::load_by_external(tx, &program.id, external).await?;
    let found = found.ok_or_else(|| DbError::Conflict("it was recorded a moment ago".to_owned()))?;
    if found.is_told_again(&conversion) {
        return Ok(Recording { conversion: found, duplicate: true });
    }
    Err(NotRecorded::Duplicate { existing: found.parts().id.clone() })
}

fn conversion(
    command: &RecordConversion,
    program: &KnownProgram,
    attributed: Attributed,
    affiliate: &KnownAffiliate,
    occurred_at: Timestamp,
    recorded_at: Timestamp,
) -> Result<Conversion, NotRecorded> {
    let currency = command.currency.unwrap_or(program.currency);
    let gross = Money::from_amount(command.gross, currency).map_err(NotRecorded::Gross)?;
    let line = |(index, (id, product, amount)): (usize, &(LineId, Option<ProductId>, Amount))| {
        let amount = Money::from_amount(*amount, currency);
        let amount = amount.map_err(|error| NotRecorded::LineAmount { index, error })?;
        Ok::<_, NotRecorded>((id.clone(), product.clone(), amount))
    };
    let lines = command.lines.iter().enumerate().map(line).collect::<Result<Vec<_>, _>>()?;
    Ok(Conversion::restore(Stored {
        id: command.id.clone(),
        program: program.id.clone(),
        affiliate: attributed.affiliate,
        campaign: command.campaign.clone().or(attributed.campaign),
        kind: command.kind,
        gross,
        lines: Lines::of(gross, lines)?,
        product: command.product.clone(),
        country: command.country.clone(),
        new_customer: command.new_customer,
        external: command.external.clone(),
        attribution: Attribution {
            found: attributed.found,
            program_revision: program.revision,
            affiliate_revision: affiliate.revision,
        },
        refunded: Money::zero(currency),
        occurred_at,
        recorded_at,
    }))
}

/// Looks for whom the conversion is owed, and whether they may earn.
async fn find(
    tx: &Tx,
    program: &KnownProgram,
    who: &Who,
    at: Timestamp,
) -> Result<(Attributed, KnownAffiliate), NotRecorded> {
    let mut searched = Searched { explicit: who.affiliate.clone(), ..Searched::default() };
    if searched.explicit.is_none() {
        if let Some(code) = &who.code {
            let affiliate = store::affiliate_by_code(tx, &program.id, code).await?;
            searched.by_code = Some(affiliate.ok_or_else(|| NotRecorded::NoCode(code.clone()))?.id);
        } else if let Some(visitor) = visitor(tx, program, who).await? {
            searched.clicks = store::clicks_of(tx, &visitor, &program.id, at).await?;
        }
    }
    let attributed = attribute(program, searched, at)?;
    let affiliate = store::known_affiliate(tx, &attributed.affiliate).await?;
    let affiliate = affiliate.ok_or_else(|| NotRecorded::NoAffiliate(attributed.affiliate.clone()))?;
    if affiliate.program != program.id {
        return Err(NotRecorded::OtherProgram { affiliate: affiliate.id, program: affiliate.program });
    }
    if !affiliate.is_active {
        return Err(NotRecorded::MayNotEarn(affiliate.id));
    }
    Ok((attributed, affiliate))
}

/// Whoever is said to have clicked, or did the click that is named.
async fn visitor(tx: &Tx, program: &KnownProgram, who: &Who) -> Result<Option<VisitorId>, NotRecorded> {
    let Some(click) = &who.click else { return Ok(who.visitor.clone()) };
    let found = store::load_click(tx, click).await?;
    let (visitor, of) = found.ok_or_else(|| NotRecorded::NoClick(click.clone()))?;
    if of != program.id {
        return Err(NotRecorded::ClickElsewhere(click.clone()));
    }
    Ok(Some(visitor))
}
