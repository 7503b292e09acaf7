//! What others ask for, read into commands. Each body's schema for the document stands beside its parser.

#![allow(dead_code, reason = "the fields of a schema are read as a schema alone")]

use hexalpes_http::{Change, Fields, FromFields, Invalid, Raw, said, values};
use hexalpes_kernel::Timestamp;
use hexalpes_webhooks::Secret;
use url::Url;
use utoipa::ToSchema;

use crate::channels::is_address;
use crate::domain::{
    Changes, Channel, Digest, Edit, Known, Language, QuietHours, RecipientId, Zone, catalog, known,
};
use crate::store::Preference;

const NAME_CHARS_MAX: usize = 200;
const TITLE_CHARS_MAX: usize = 200;
const BODY_CHARS_MAX: usize = 4_000;
const URL_CHARS_MAX: usize = 2_000;
const PREFERENCES_MAX: usize = 200;

/// Somebody who works here and is told of events.
#[derive(ToSchema)]
#[schema(as = NewRecipient)]
pub(crate) struct CreateRecipientBody {
    /// Made if it is missing.
    #[schema(min_length = 1, max_length = 64)]
    recipient_id: Option<String>,
    #[schema(min_length = 1, max_length = 200, example = "Ana Gómez")]
    name: String,
    #[schema(example = "ana@example.com", format = Email)]
    email: Option<String>,
    /// `es` if it is missing.
    #[schema(pattern = "^(es|en)$")]
    language: Option<String>,
    /// A name of the IANA database; `UTC` if it is missing.
    #[schema(example = "America/Bogota")]
    time_zone: Option<String>,
    /// From when to when nobody is disturbed, in the recipient's time; over midnight where it is later than the end.
    #[schema(
        pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$",
        example = "22:00-07:00"
    )]
    quiet_hours: Option<String>,
    /// `OFF` if it is missing: mails come one by one.
    #[schema(pattern = "^(OFF|HOURLY|DAILY)$")]
    digest: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct CreateRecipient {
    pub(crate) id: Option<RecipientId>,
    pub(crate) changes: Changes,
}

impl FromFields for CreateRecipient {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let id = fields.optional("recipient_id", |raw| values::id(raw, RecipientId::parse));
        let name = fields.required("name", name);
        let email = fields.optional("email", email);
        let language = fields.optional("language", |raw| values::one_of(raw, Language::ALL));
        let zone = fields.optional("time_zone", zone);
        let quiet = fields.optional("quiet_hours", quiet_hours);
        let digest = fields.optional("digest", |raw| values::one_of(raw, Digest::ALL));
        let changes = Changes {
            name: Some(name?),
            email: Edit::Be(email?),
            language: language?,
            zone: zone?,
            quiet: Edit::Be(quiet?),
            digest: digest?,
        };
        Some(Self { id: id?, changes })
    }
}

/// What is to become of a recipient; what is missing stays.
#[derive(ToSchema)]
#[schema(as = RecipientChange)]
pub(crate) struct ChangeRecipientBody {
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// Null takes it away.
    #[schema(format = Email)]
    email: Option<String>,
    #[schema(pattern = "^(es|en)$")]
    language: Option<String>,
    time_zone: Option<String>,
    /// As `22:00-07:00`, or null: none.
    #[schema(
        pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$",
        example = "22:00-07:00"
    )]
    quiet_hours: Option<String>,
    #[schema(pattern = "^(OFF|HOURLY|DAILY)$")]
    digest: Option<String>,
}

impl FromFields for Changes {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let name = fields.optional("name", name);
        let email = fields.change("email", email);
        let language = fields.optional("language", |raw| values::one_of(raw, Language::ALL));
        let zone = fields.optional("time_zone", zone);
        let quiet = fields.change("quiet_hours", quiet_hours);
        let digest = fields.optional("digest", |raw| values::one_of(raw, Digest::ALL));
        Some(Self {
            name: name?,
            email: edit(email?),
            language: language?,
            zone: zone?,
            quiet: edit(quiet?),
            digest: digest?,
        })
    }
}

fn edit<T>(change: Change<T>) -> Edit<T> {
    match change {
        Change::Keep => Edit::Stay,
        Change::Clear => Edit::Be(None),
        Change::Set(value) => Edit::Be(Some(value)),
    }
}

/// What a recipient wants to be told, by which way. What is not said is as by default.
#[derive(ToSchema)]
#[schema(as = Preferences)]
pub(crate) struct PreferencesBody {
    /// None: all is as by default again.
    #[schema(min_items = 1, max_items = 200)]
    preferences: Option<Vec<PreferenceBody>>,
}

#[derive(ToSchema)]
#[schema(as = NewPreference)]
pub(crate) struct PreferenceBody {
    /// The event's bare name, or `*`: all that nothing else is said of.
    #[schema(example = "BudgetAlert")]
    event_type: String,
    #[schema(pattern = "^(IN_APP|EMAIL|WEBHOOK)$")]
    channel: String,
    enabled: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Preferences(pub(crate) Vec<Preference>);

impl FromFields for Preferences {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let all = fields.objects("preferences", PREFERENCES_MAX, |fields| {
            let kind = fields.required("event_type", |raw| kind(raw, true));
            let channel = fields.required("channel", |raw| values::one_of(raw, &Channel::ALL));
            let is_on = fields.required("enabled", Raw::boolean);
            Some(Preference { kind: kind?, channel: channel?, is_on: is_on? })
        });
        let mut all = all?.unwrap_or_default();
        let count = all.len();
        all.sort();
        all.dedup_by(|one, other| (&one.kind, one.channel) == (&other.kind, other.channel));
        if all.len() < count {
            let why = said!(
                "says something of the same event and channel twice",
                "dice dos veces algo del mismo evento y canal"
            );
            fields.refuse("preferences", Invalid::new("duplicate_preference", why));
            return None;
        }
        Some(Self(all))
    }
}

/// Where a recipient's program is called.
#[derive(ToSchema)]
#[schema(as = NewWebhook)]
pub(crate) struct WebhookBody {
    /// http or https.
    #[schema(example = "https://example.com/hooks")]
    url: String,
    /// `whsec_` and 24 to 64 bytes in base64; made if it is missing, and told once.
    secret: Option<String>,
    /// Bare names of the events that it wants; all if it is missing.
    #[schema(min_items = 1, max_items = 50)]
    event_types: Option<Vec<String>>,
}

#[derive(Clone, Debug)]
pub(crate) struct WebhookRequest {
    pub(crate) url: String,
    pub(crate) secret: Option<String>,
    pub(crate) kinds: Option<Vec<String>>,
}

impl FromFields for WebhookRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let url = fields.required("url", url);
        let secret = fields.optional("secret", |raw| {
            let text = raw.string()?;
            Secret::parse(&text).map(|_| text.trim().to_owned()).map_err(|error| {
                let spanish = "un secreto de firma es whsec_ y después de 24 a 64 bytes en base64";
                Invalid::new("invalid_secret", hexalpes_http::Said::both(error.to_string(), spanish))
            })
        });
        let kinds = fields.optional("event_types", |raw| {
            raw.items(50)?.iter().map(|raw| kind(raw, false)).collect::<Result<Vec<_>, _>>()
        });
        Some(Self { url: url?, secret: secret?, kinds: kinds? })
    }
}

/// What was made in a period is sent once more.
#[derive(ToSchema)]
#[schema(as = ReplayPeriod)]
pub(crate) struct PeriodBody {
    #[schema(format = DateTime)]
    from: String,
    /// Not included.
    #[schema(format = DateTime)]
    to: String,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct PeriodRequest {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
}

impl FromFields for PeriodRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let (from, to) =
            (fields.required("from", values::timestamp), fields.required("to", values::timestamp));
        let (from, to) = (from?, to?);
        if from >= to {
            fields.refuse(
                "to",
                Invalid::new("empty_period", said!("must be after from", "debe ser posterior a from")),
            );
            return None;
        }
        Some(Self { from, to })
    }
}

/// What was read: everything, or everything that came until a time.
#[derive(ToSchema)]
#[schema(as = ReadUntil)]
pub(crate) struct ReadUntilBody {
    #[schema(format = DateTime)]
    until: Option<String>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct ReadUntil(pub(crate) Option<Timestamp>);

impl FromFields for ReadUntil {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        fields.optional("until", values::timestamp).map(Self)
    }
}

/// Words for a type of events, with places such as `{{campaign_id}}`.
#[derive(ToSchema)]
#[schema(as = NewTemplate)]
pub(crate) struct TemplateBody {
    #[schema(min_length = 1, max_length = 200)]
    title: String,
    #[schema(min_length = 1, max_length = 4000)]
    body: String,
}

#[derive(Clone, Debug)]
pub(crate) struct TemplateRequest {
    pub(crate) title: String,
    pub(crate) body: String,
}

impl FromFields for TemplateRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let title = fields.required("title", |raw| values::text(raw, TITLE_CHARS_MAX));
        let body = fields.required("body", |raw| {
            let text = raw.string()?;
            let is_fine = |one: char| one == '\n' || !one.is_control();
            if text.trim().is_empty()
                || text.chars().nth(BODY_CHARS_MAX).is_some()
                || !text.chars().all(is_fine)
            {
                let why = said!(
                    "must be 1 to {BODY_CHARS_MAX} characters in lines, without other control characters",
                    "debe tener de 1 a {BODY_CHARS_MAX} caracteres en líneas, sin otros caracteres de control"
                );
                return Err(Invalid::new("invalid_text", why));
            }
            Ok(text)
        });
        Some(Self { title: title?, body: body? })
    }
}

fn name(raw: &Raw) -> Result<String, Invalid> {
    values::text(raw, NAME_CHARS_MAX)
}

fn email(raw: &Raw) -> Result<String, Invalid> {
    let text = raw.string()?;
    if is_address(&text) {
        return Ok(text);
    }
    let why = said!(
        "must be an e-mail address, such as ana@example.com",
        "debe ser una dirección de correo, como ana@example.com"
    );
    Err(Invalid::new("invalid_email", why))
}

fn zone(raw: &Raw) -> Result<Zone, Invalid> {
    Zone::parse(&raw.string()?).ok_or_else(|| {
        let why = said!(
            "must be a time zone of the IANA database, such as America/Bogota",
            "debe ser una zona horaria de la base IANA, como America/Bogota"
        );
        Invalid::new("unknown_time_zone", why)
    })
}

fn quiet_hours(raw: &Raw) -> Result<QuietHours, Invalid> {
    let text = raw.string()?;
    let (from, to) = text.split_once('-').ok_or_else(no_quiet_hours)?;
    let (from, to) = (minute_of(from)?, minute_of(to)?);
    if from == to { Err(no_quiet_hours()) } else { Ok(QuietHours { from, to }) }
}

fn minute_of(text: &str) -> Result<u16, Invalid> {
    let read = text.split_once(':').and_then(|(hour, minute)| {
        let is_plain = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        let (hour, minute) =
            (Some(hour).filter(|part| is_plain(part))?, Some(minute).filter(|part| is_plain(part))?);
        Some((hour.parse::<u16>().ok()?, minute.parse::<u16>().ok()?))
    });
    match read {
        Some((hour @ 0..24, minute @ 0..60)) => Ok(hour * 60 + minute),
        _ => Err(no_quiet_hours()),
    }
}

fn no_quiet_hours() -> Invalid {
    let why = said!(
        "must be two different times of the day, such as 22:00-07:00",
        "deben ser dos horas distintas del día, como 22:00-07:00"
    );
    Invalid::new("invalid_quiet_hours", why)
}

fn url(raw: &Raw) -> Result<String, Invalid> {
    let text = raw.string()?;
    let url = Url::parse(&text).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.host().is_some()
            && url.username().is_empty()
            && url.password().is_none()
            && url.as_str().len() <= URL_CHARS_MAX
    });
    url.map(Into::into).ok_or_else(|| {
        let why = said!(
            "must be an address such as https://example.com/hooks, with http or https and without a password",
            "debe ser una dirección como https://example.com/hooks, con http o https y sin contraseña"
        );
        Invalid::new("invalid_url", why)
    })
}

/// The bare name of an event that is told.
pub(crate) fn kind(raw: &Raw, may_be_all: bool) -> Result<String, Invalid> {
    let text = raw.string()?;
    if may_be_all && text == "*" {
        return Ok(text);
    }
    known(&text).map(|known| known.bare().to_owned()).ok_or_else(|| {
        let all = catalog().map(Known::bare).collect::<Vec<_>>().join(", ");
        Invalid::new("unknown_value", said!("must be one of {all}", "debe ser uno de {all}"))
    })
}

#[cfg(test)]
mod tests {
    use hexalpes_http::openapi::differences;

    use super::*;

    #[test]
    fn bodies_and_their_schemas_say_the_same() {
        let told = [
            differences::<CreateRecipient, CreateRecipientBody>(),
            differences::<Changes, ChangeRecipientBody>(),
            differences::<Preferences, PreferencesBody>(),
            differences::<WebhookRequest, WebhookBody>(),
            differences::<PeriodRequest, PeriodBody>(),
            differences::<ReadUntil, ReadUntilBody>(),
            differences::<TemplateRequest, TemplateBody>(),
        ];
        assert_eq!(told.concat(), Vec::<String>::new());
    }
}
