//! What the lists of figures have in common: filters, orders, and places in them.

use hexalpes_http::{Fields, FromFields, Invalid, ListQuery, Problem, Raw, Sort, said, values};
use sea_query::Value;

use crate::domain::{Figures, Granularity, PartnerId, Period};
use crate::problems::{no_cursor, period};
use crate::store::{Column, Filter, Line, ORDER_PARTS, Order, Sum, Whose};

const GRANULARITIES: [(&str, Granularity); 4] = [
    ("DAILY", Granularity::Daily),
    ("WEEKLY", Granularity::Weekly),
    ("MONTHLY", Granularity::Monthly),
    ("CUSTOM", Granularity::Custom),
];

/// By what lists are sorted: first the one that is the order of who says none.
pub(super) const SORTS: [&str; 9] =
    ["period", "spend", "revenue", "profit", "roi", "conversions", "leads", "clicks", "impressions"];
/// Sums have no `roi` to be sorted by: it is made of sums, and not added up.
pub(super) const SORTS_OF_SUMS: [&str; 8] =
    ["period", "spend", "revenue", "profit", "conversions", "leads", "clicks", "impressions"];

/// A list of periods may be narrowed by these.
pub(super) struct Periods(pub(super) Filter);

impl FromFields for Periods {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let name = fields.optional("period", period);
        let granularity = fields.optional("granularity", |raw| values::one_of(raw, &GRANULARITIES));
        let currency = fields.optional("currency", values::currency);
        let (period, granularity) = (name?, granularity?);
        if let (Some(period), Some(granularity)) = (period, granularity)
            && period.granularity() != granularity
        {
            let told = period.granularity().name();
            let why = said!(
                "must be {told}, as the period is, or missing",
                "debe ser {told}, como el periodo, o faltar"
            );
            fields.refuse("granularity", Invalid::new("other_granularity", why));
        }
        Some(Self(Filter { whose: Whose::default(), period, granularity, currency: currency? }))
    }
}

/// A list of campaigns, by their partner too.
pub(super) struct Campaigns(pub(super) Filter);

impl FromFields for Campaigns {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let partner = fields.optional("partner_id", |raw: &Raw| values::id(raw, PartnerId::parse));
        let Periods(filter) = Periods::from_fields(fields)?;
        let whose = partner?.map_or(Whose::Everybodys, Whose::Partner);
        Some(Self(Filter { whose, ..filter }))
    }
}

/// The order of a list by columns, from where its cursor says.
pub(super) fn order(query: &ListQuery, sort: Sort, columns: &'static [Column]) -> Result<Order, Problem> {
    let after = match query.after::<ORDER_PARTS>(sort)? {
        None => None,
        Some(parts) => {
            let read = |(column, part): (&Column, String)| -> Result<Value, Problem> {
                if column.is_text() {
                    return Ok(part.into());
                }
                part.parse::<i64>().map(Value::from).map_err(|_| no_cursor())
            };
            Some(columns.iter().zip(parts).map(read).collect::<Result<_, _>>()?)
        }
    };
    Ok(Order { columns, is_descending: sort.is_descending, after, limit: u64::from(query.limit) + 1 })
}

/// Where something stands in a list: what its columns hold.
pub(super) fn place(columns: &[Column], at: &impl Placed) -> [String; ORDER_PARTS] {
    std::array::from_fn(|part| columns.get(part).map(|column| at.held(*column)).unwrap_or_default())
}

/// What stands in a list.
pub(super) trait Placed {
    /// What a column of a list's order holds of it.
    fn held(&self, column: Column) -> String;
}

impl Placed for Line {
    fn held(&self, column: Column) -> String {
        match column {
            Column::CampaignId => self.campaign.to_string(),
            Column::PartnerId => self.partner.to_string(),
            column => held(self.period, self.figures, column),
        }
    }
}

impl Placed for Sum {
    fn held(&self, column: Column) -> String {
        match column {
            Column::PartnerId => self.partner.as_ref().map(ToString::to_string).unwrap_or_default(),
            column => held(self.period, self.figures, column),
        }
    }
}

fn held(period: Period, figures: Figures, column: Column) -> String {
    let number = match column {
        Column::Period => return period.name(),
        Column::Currency => return figures.currency.code().to_owned(),
        Column::StartDay => period.start().number(),
        Column::EndDay => period.end().number(),
        Column::Impressions => figures.impressions,
        Column::Clicks => figures.clicks,
        Column::Leads => figures.leads,
        Column::Conversions => figures.conversions,
        Column::SpendMinor => figures.spend_minor,
        Column::RevenueMinor => figures.revenue_minor,
        Column::ProfitMinor => figures.profit_minor(),
        Column::RoiRank => figures.roi_ranked().unwrap_or(i64::MIN),
        other => unreachable!("no list is in the order of {other:?}"),
    };
    number.to_string()
}
