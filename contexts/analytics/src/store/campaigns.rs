//! What campaigns are called, each in the highest revision that was heard.

use std::collections::{BTreeMap, BTreeSet};

use hexalpes_db::{DbError, Row, Tx};
use sea_query::{Asterisk, Expr, ExprTrait as _, Query};

use super::TENANT;
use super::tables::Campaigns;
use crate::domain::{Campaign, CampaignId, Day, PartnerId};

/// Keeps what is told of a campaign, unless as much or more is known.
pub(crate) async fn learn(tx: &Tx, campaign: &Campaign) -> Result<(), DbError> {
    let day = |day: Option<Day>| Expr::from(day.map(Day::number));
    let values = [
        (Campaigns::PartnerId, campaign.partner.as_str().into()),
        (Campaigns::Revision, campaign.revision.into()),
        (Campaigns::Name, campaign.name.as_str().into()),
        (Campaigns::Kind, campaign.kind.as_str().into()),
        (Campaigns::Channel, campaign.channel.as_str().into()),
        (Campaigns::Status, campaign.status.as_str().into()),
        (Campaigns::StartDay, day(campaign.start)),
        (Campaigns::EndDay, day(campaign.end)),
    ];
    let key = [(Campaigns::Tenant, Expr::from(TENANT)), (Campaigns::Id, campaign.id.as_str().into())];
    let (columns, row): (Vec<_>, Vec<_>) = key.into_iter().chain(values.clone()).unzip();
    let insert = Query::insert().into_table(Campaigns::Table).columns(columns).values_panic(row).to_owned();
    if tx.insert_new(&insert, Campaigns::Id).await? {
        return Ok(());
    }
    let update = Query::update()
        .table(Campaigns::Table)
        .values(values)
        .and_where(Expr::col(Campaigns::Tenant).eq(TENANT))
        .and_where(Expr::col(Campaigns::Id).eq(campaign.id.as_str()))
        .and_where(Expr::col(Campaigns::Revision).lt(campaign.revision))
        .to_owned();
    tx.execute(&update).await.map(drop)
}

/// Those of some campaigns of which anything was heard.
pub(crate) async fn known(
    tx: &Tx,
    ids: BTreeSet<&CampaignId>,
) -> Result<BTreeMap<CampaignId, Campaign>, DbError> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let select = Query::select()
        .column(Asterisk)
        .from(Campaigns::Table)
        .and_where(Expr::col(Campaigns::Tenant).eq(TENANT))
        .and_where(Expr::col(Campaigns::Id).is_in(ids.into_iter().map(CampaignId::as_str)))
        .to_owned();
    let rows = tx.fetch_all(&select).await?;
    rows.iter().map(|row| campaign(row).map(|campaign| (campaign.id.clone(), campaign))).collect()
}

fn campaign(row: &Row) -> Result<Campaign, DbError> {
    let day = |column: &str| -> Result<Option<Day>, DbError> {
        row.get::<Option<i64>>(column)?.map(|_| super::day(row, column)).transpose()
    };
    Ok(Campaign {
        id: row.parsed("id", |id| CampaignId::parse(id).ok())?,
        partner: row.parsed("partner_id", |id| PartnerId::parse(id).ok())?,
        revision: row.get("revision")?,
        name: row.get("name")?,
        kind: row.get("kind")?,
        channel: row.get("channel")?,
        status: row.get("status")?,
        start: day("start_day")?,
        end: day("end_day")?,
    })
}
