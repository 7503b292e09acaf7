//! Makes notifications of events: who is told, in which words, by which way and when.
//!
//! What an event changes is written in one transaction with the note that it was heard.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Edge, Timestamp};

use super::heard::Heard;
use crate::domain::{
    Audience, Channel, DeliveryId, Kind, Known, Language, NotificationId, Recipient, RecipientId, Template,
    Webhook,
};
use crate::store::{self, Delivery, NewNotice, Preference, State};

/// What mails wait for: one queue, as there is one server for them.
pub(crate) const EMAIL: &str = "email";
/// What is older is no news: it is learned from and told to nobody, as when a new installation reads old topics.
const NEWS_FOR: Duration = Duration::from_hours(7 * 24);
/// That an event was heard is noted for so long at least: what comes again later is no news, whatever clock it was told by.
pub(crate) const HEARD_FOR: Duration = Duration::from_hours(8 * 24);

/// What came of some events.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    pub(crate) notified: u64,
    pub(crate) duplicates: u64,
    /// Why some were told to nobody.
    pub(crate) refused: Vec<String>,
    /// Who has something new in the inbox.
    pub(crate) recipients: HashSet<RecipientId>,
}

/// A recipient, and how it wants to be told.
struct Profile {
    recipient: Recipient,
    preferences: Vec<Preference>,
    webhooks: Vec<Webhook>,
}

/// The words for a type of events in a language.
struct Words {
    title: Template,
    body: Template,
    version: u32,
}

/// What was read for some events of a transaction, so that it is read once.
struct Desk<'a> {
    tx: &'a Tx,
    edge: &'a dyn Edge,
    mails: bool,
    now: Timestamp,
    profiles: HashMap<RecipientId, Profile>,
    words: HashMap<(&'static str, Language), Words>,
    operators: HashMap<&'static str, Vec<RecipientId>>,
    /// Who was told something in the app.
    told: HashSet<RecipientId>,
}

/// Takes events in their order; each once.
pub(crate) async fn take(tx: &Tx, edge: &dyn Edge, mails: bool, events: &[Heard]) -> Result<Told, DbError> {
    let now = edge.now();
    let (profiles, words, operators) = (HashMap::new(), HashMap::new(), HashMap::new());
    let mut desk = Desk { tx, edge, mails, now, profiles, words, operators, told: HashSet::new() };
    let mut told = Told::default();
    for heard in events {
        if !store::note_heard(tx, &heard.id, now).await? {
            told.duplicates += 1;
            continue;
        }
        match desk.take(heard).await? {
            Ok(notified) => told.notified += notified,
            Err(why) => told.refused.push(format!("event {}: {why}", heard.id)),
        }
    }
    told.recipients = desk.told;
    Ok(told)
}

impl Desk<'_> {
    /// How many were told, or why none could be.
    async fn take(&mut self, heard: &Heard) -> Result<Result<u64, String>, DbError> {
        if let Err(why) = self.learn(heard).await? {
            return Ok(Err(why));
        }
        let Some(known) = heard.known else { return Ok(Ok(0)) };
        if heard.time.is_some_and(|time| time < self.now.before(NEWS_FOR)) {
            return Ok(Ok(0));
        }
        let mut audience = match self.audience(known, heard).await? {
            Ok(audience) => audience,
            Err(why) => return Ok(Err(why)),
        };
        for operator in self.operators_of(known.bare()).await? {
            if !audience.contains(&operator) {
                audience.push(operator);
            }
        }
        let mut notified = 0;
        for recipient in audience {
            notified += u64::from(self.tell(known, heard, &recipient).await?);
        }
        Ok(Ok(notified))
    }

    /// Keeps who somebody is.
    async fn learn(&mut self, heard: &Heard) -> Result<Result<(), String>, DbError> {
        let Some((field, kind)) = heard.introduces() else { return Ok(Ok(())) };
        match named(heard, field) {
            Ok(id) => self.meet(&id, kind, heard).await.map(Ok),
            Err(why) => Ok(Err(why)),
        }
    }

    async fn meet(&mut self, id: &RecipientId, kind: Kind, heard: &Heard) -> Result<(), DbError> {
        let name = heard.value("business_name").map(|name| plain(&name));
        let email = heard.value("email").filter(|email| super::is_address(email));
        self.load(id, kind).await?;
        let profile = self.profiles.get_mut(id).expect("it was loaded a moment ago");
        if profile.recipient.learn(kind, name, email, self.now) {
            store::save_recipient(self.tx, &profile.recipient).await?;
            let recipient = profile.recipient.clone();
            if self.mails {
                mail_what_waited(self.tx, self.edge, &recipient).await?;
            }
        }
        Ok(())
    }

    async fn audience(
        &mut self,
        known: &Known,
        heard: &Heard,
    ) -> Result<Result<Vec<RecipientId>, String>, DbError> {
        match known.audience {
            Audience::Of(field) => {
                let kind = if field == "partner_id" { Kind::Partner } else { Kind::Affiliate };
                let id = match named(heard, field) {
                    Ok(id) => id,
                    Err(why) => return Ok(Err(why)),
                };
                self.load(&id, kind).await?;
                Ok(Ok(vec![id]))
            }
            Audience::Operators => Ok(Ok(Vec::new())),
        }
    }

    async fn operators_of(&mut self, kind: &'static str) -> Result<Vec<RecipientId>, DbError> {
        if let Some(known) = self.operators.get(kind) {
            return Ok(known.clone());
        }
        let operators = store::operators_of(self.tx, kind).await?;
        for id in &operators {
            self.load(id, Kind::Operator).await?;
        }
        self.operators.insert(kind, operators.clone());
        Ok(operators)
    }

    /// Reads a recipient, or makes one of whom nothing but the id is known yet.
    async fn load(&mut self, id: &RecipientId, kind: Kind) -> Result<(), DbError> {
        if self.profiles.contains_key(id) {
            return Ok(());
        }
        let profile = if let Some(recipient) = store::load_recipient(self.tx, id).await? {
            Profile {
                recipient,
                preferences: store::preferences_of(self.tx, id).await?,
                webhooks: store::webhooks_of(self.tx, id).await?,
            }
        } else {
            let recipient = Recipient::named(id.clone(), kind, self.now);
            if !store::insert_recipient(self.tx, &recipient).await? {
                return Err(DbError::Conflict("somebody made the recipient a moment ago".to_owned()));
            }
            Profile { recipient, preferences: Vec::new(), webhooks: Vec::new() }
        };
        self.profiles.insert(id.clone(), profile);
        Ok(())
    }

    async fn read_words(&mut self, known: &'static Known, language: Language) -> Result<(), DbError> {
        if self.words.contains_key(&(known.kind, language)) {
            return Ok(());
        }
        let own = store::newest(self.tx, known.bare(), language).await?.filter(|own| !own.title.is_empty());
        let read = |title: &str, body: &str, version| {
            let title = Template::parse(title, known.places()).ok()?;
            Some(Words { title, body: Template::parse(body, known.places()).ok()?, version })
        };
        let own = own.and_then(|own| read(&own.title, &own.body, own.number));
        let words = own.or_else(|| {
            let built_in = built_in(known, language);
            read(built_in.title, built_in.body, 0)
        });
        self.words.insert((known.kind, language), words.expect("built-in words are tested"));
        Ok(())
    }

    /// Tells one recipient by every way that it wants; `false` if it wants none or was told before.
    async fn tell(
        &mut self,
        known: &'static Known,
        heard: &Heard,
        id: &RecipientId,
    ) -> Result<bool, DbError> {
        let language = self.profiles[id].recipient.language;
        self.read_words(known, language).await?;
        let (profile, words) = (&self.profiles[id], &self.words[&(known.kind, language)]);
        let wants = |channel, otherwise| profile.wants(known.bare(), channel, otherwise);
        let is_operator = profile.recipient.kind == Kind::Operator;
        let asked = !is_operator || profile.asked(known.bare());
        let in_app = wants(Channel::InApp, asked);
        let by_mail = self.mails && wants(Channel::Email, known.is_mailed && !is_operator);
        let by_webhook = wants(Channel::Webhook, asked);
        let webhooks: Vec<&Webhook> =
            profile.webhooks.iter().filter(|webhook| by_webhook && webhook.wants(known.bare())).collect();
        if !in_app && !by_mail && webhooks.is_empty() {
            return Ok(false);
        }
        let is_urgent = known.is_urgent(|field| heard.value(field));
        let shown = |field: &str| match field {
            "recipient_name" => profile.recipient.name.clone().or_else(|| Some(id.to_string())),
            "occurred_at" => heard.time.map(|time| time.to_string()),
            "correlation_id" => heard.correlation.clone(),
            field => heard.value(field),
        };
        let has_address = profile.recipient.email.is_some();
        let notice = NewNotice {
            id: NotificationId::new(self.edge.uuid()),
            recipient: id.clone(),
            event_id: heard.id.clone(),
            kind: known.bare().to_owned(),
            correlation: heard.correlation.clone(),
            causation: heard.causation.clone(),
            subject: heard.subject.clone(),
            occurred_at: heard.time,
            is_urgent,
            language: language.name(),
            title: words.title.render(shown),
            body: words.body.render(shown),
            template_version: words.version,
            data: heard.data.clone(),
            in_app,
            awaits_address: by_mail && !has_address && !profile.recipient.is_known,
            created_at: self.now,
        };
        if !store::insert_notice(self.tx, &notice).await? {
            return Ok(false);
        }
        if in_app {
            self.told.insert(id.clone());
        }
        if by_mail && has_address {
            let mail = mail(self.edge, &profile.recipient, &notice, self.now);
            store::insert_delivery(self.tx, &mail).await?;
        }
        for webhook in webhooks {
            let state = if webhook.is_active() { State::Pending } else { State::Held };
            let due = profile.recipient.webhook_due(self.now, is_urgent);
            let way = (Channel::Webhook, webhook.id.to_string());
            let delivery = Delivery { state, ..delivery(self.edge, &notice, way, due, self.now) };
            store::insert_delivery(self.tx, &delivery).await?;
        }
        Ok(true)
    }
}

impl Profile {
    /// What was said of this type, or of all types (`*`), or else.
    fn wants(&self, kind: &str, channel: Channel, otherwise: bool) -> bool {
        let said = |of: &str| self.preferences.iter().find(|said| said.kind == of && said.channel == channel);
        said(kind).or_else(|| said("*")).map_or(otherwise, |said| said.is_on)
    }

    /// Whether it asked for this type, or for all and not against this, by whichever way.
    fn asked(&self, kind: &str) -> bool {
        Channel::ALL.into_iter().any(|(_, channel)| self.wants(kind, channel, false))
    }
}

/// Mails what waited for somebody's address, now that it is known. Says how much.
pub(crate) async fn mail_what_waited(
    tx: &Tx,
    edge: &dyn Edge,
    recipient: &Recipient,
) -> Result<u64, DbError> {
    if recipient.email.is_none() {
        return Ok(0);
    }
    let mut mailed = 0;
    for notice in store::awaiting_address(tx, &recipient.id).await? {
        let mail = mail(edge, recipient, &notice.told, edge.now());
        mailed += u64::from(store::insert_delivery(tx, &mail).await?);
    }
    Ok(mailed)
}

fn mail(edge: &dyn Edge, recipient: &Recipient, notice: &NewNotice, now: Timestamp) -> Delivery {
    let (due, is_gathered) = recipient.mail_due(now, notice.is_urgent);
    Delivery { is_gathered, ..delivery(edge, notice, (Channel::Email, EMAIL.to_owned()), due, now) }
}

fn delivery(
    edge: &dyn Edge,
    notice: &NewNotice,
    (channel, target): (Channel, String),
    due_at: Timestamp,
    created_at: Timestamp,
) -> Delivery {
    Delivery {
        id: DeliveryId::new(edge.uuid()),
        notification: notice.id.clone(),
        recipient: notice.recipient.clone(),
        event_id: notice.event_id.clone(),
        kind: notice.kind.clone(),
        correlation: notice.correlation.clone(),
        channel,
        target,
        state: State::Pending,
        attempts: 0,
        due_at,
        is_gathered: false,
        message: None,
        trouble: None,
        created_at,
        sent_at: None,
    }
}

fn built_in(known: &Known, language: Language) -> crate::domain::Words {
    match language {
        Language::Spanish => known.spanish,
        Language::English => known.english,
    }
}

fn named(heard: &Heard, field: &str) -> Result<RecipientId, String> {
    let id = heard.value(field).ok_or_else(|| format!("it has no {field}"))?;
    RecipientId::parse(&id).map_err(|error| format!("{field}: {error}"))
}

/// A name without what no line holds.
fn plain(name: &str) -> String {
    name.chars().filter(|one| !one.is_control()).take(200).collect::<String>().trim().to_owned()
}
