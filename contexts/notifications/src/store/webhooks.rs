//! Webhooks as rows.

use hexalpes_db::{DbError, Keyset, Row, Tx};
use sea_query::{Asterisk, Expr, ExprTrait as _, Order, Query, SelectStatement, Value};

use super::TENANT;
use crate::domain::{RecipientId, Standing, Webhook, WebhookId};

/// What a list of webhooks is narrowed by.
#[derive(Clone, Debug, Default)]
pub(crate) struct WebhookFilter {
    pub(crate) recipient: Option<RecipientId>,
    pub(crate) status: Option<&'static str>,
}

pub(crate) async fn insert_webhook(tx: &Tx, webhook: &Webhook) -> Result<(), DbError> {
    let (columns, values): (Vec<_>, Vec<_>) = row_of(webhook).into_iter().unzip();
    let first: [Value; 5] = [
        TENANT.into(),
        webhook.id.as_str().into(),
        webhook.recipient.as_str().into(),
        webhook.secret_sealed.as_str().into(),
        webhook.created_at.as_micros().into(),
    ];
    let insert = Query::insert()
        .into_table("webhook")
        .columns(["tenant", "id", "recipient_id", "secret_sealed", "created_at"].into_iter().chain(columns))
        .values_panic(first.into_iter().chain(values).map(Expr::from))
        .to_owned();
    tx.execute(&insert).await.map(drop)
}

pub(crate) async fn save_webhook(tx: &Tx, webhook: &Webhook) -> Result<(), DbError> {
    let update = Query::update()
        .table("webhook")
        .values(row_of(webhook).into_iter().map(|(column, value)| (column, value.into())))
        .and_where(Expr::col("tenant").eq(TENANT))
        .and_where(Expr::col("id").eq(webhook.id.as_str()))
        .to_owned();
    tx.execute(&update).await.map(drop)
}

pub(crate) async fn delete_webhook(tx: &Tx, id: &WebhookId) -> Result<(), DbError> {
    let delete = Query::delete()
        .from_table("webhook")
        .and_where(Expr::col("tenant").eq(TENANT))
        .and_where(Expr::col("id").eq(id.as_str()))
        .to_owned();
    tx.execute(&delete).await.map(drop)
}

pub(crate) async fn load_webhook(tx: &Tx, id: &WebhookId) -> Result<Option<Webhook>, DbError> {
    let select = select().and_where(Expr::col("id").eq(id.as_str())).to_owned();
    tx.fetch_optional(&select).await?.map(|row| webhook(&row)).transpose()
}

pub(crate) async fn webhooks_of(tx: &Tx, recipient: &RecipientId) -> Result<Vec<Webhook>, DbError> {
    let of = Expr::col("recipient_id").eq(recipient.as_str());
    let select = select().and_where(of).order_by("id", Order::Asc).to_owned();
    tx.fetch_all(&select).await?.iter().map(webhook).collect()
}

pub(crate) async fn page_of_webhooks(
    tx: &Tx,
    filter: WebhookFilter,
    page: Keyset,
) -> Result<Vec<Webhook>, DbError> {
    let mut select = select();
    select
        .and_where_option(filter.recipient.map(|id| Expr::col("recipient_id").eq(id.as_str())))
        .and_where_option(filter.status.map(|status| Expr::col("status").eq(status)));
    page.apply(&mut select, "created_at", "id");
    tx.fetch_all(&select).await?.iter().map(webhook).collect()
}

fn select() -> SelectStatement {
    Query::select().column(Asterisk).from("webhook").and_where(Expr::col("tenant").eq(TENANT)).to_owned()
}

fn row_of(webhook: &Webhook) -> Vec<(&'static str, Value)> {
    let (status, reason) = match &webhook.standing {
        Standing::Active => ("ACTIVE", None),
        Standing::Disabled { reason } => ("DISABLED", Some(reason.clone())),
    };
    vec![
        ("url", webhook.url.as_str().into()),
        ("kinds", webhook.kinds.as_ref().map(|kinds| kinds.join(",")).into()),
        ("status", status.into()),
        ("reason", reason.into()),
        ("failures", i64::from(webhook.failures).into()),
        ("revision", i64::from(webhook.revision).into()),
        ("updated_at", webhook.updated_at.as_micros().into()),
    ]
}

fn webhook(row: &Row) -> Result<Webhook, DbError> {
    let standing = match row.get::<String>("status")?.as_str() {
        "ACTIVE" => Standing::Active,
        _ => Standing::Disabled { reason: row.get::<Option<String>>("reason")?.unwrap_or_default() },
    };
    let kinds = row.get::<Option<String>>("kinds")?;
    Ok(Webhook {
        id: row.parsed("id", |id| WebhookId::parse(id).ok())?,
        recipient: row.parsed("recipient_id", |id| RecipientId::parse(id).ok())?,
        url: row.get("url")?,
        secret_sealed: row.get("secret_sealed")?,
        kinds: kinds.map(|kinds| kinds.split(',').map(str::to_owned).collect()),
        standing,
        failures: row.get("failures")?,
        revision: row.get("revision")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}
