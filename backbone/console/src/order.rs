//! What somebody wants done with a topic or a subscription: read from a form, told in words, and done.

use hexalpes_client::TopicName;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    ask::{Failure, no_dots, stats_of, topic as parsed},
    caller::Caller,
    page::t,
    topic::time,
};

/// The verbs, as forms have them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verb {
    Skip,
    Clear,
    Reset,
    Unsubscribe,
    Subscribe,
    Unload,
    Create,
    Delete,
}

/// A form as it comes: what is left empty is an empty text.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Asked {
    pub(crate) what: Verb,
    pub(crate) topic: String,
    #[serde(default)]
    pub(crate) subscription: String,
    #[serde(default)]
    pub(crate) entries: String,
    /// How far back, from now.
    #[serde(default)]
    pub(crate) minutes: String,
    /// The same as a time, milliseconds since 1970: what was confirmed does not move with the clock.
    #[serde(default)]
    pub(crate) time_ms: String,
    /// `earliest` or `latest`.
    #[serde(default)]
    pub(crate) from: String,
    #[serde(default)]
    pub(crate) partitions: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Skip { topic: TopicName, subscription: String, entries: u64 },
    Clear { topic: TopicName, subscription: String },
    Reset { topic: TopicName, subscription: String, time_ms: u64 },
    Unsubscribe { topic: TopicName, subscription: String },
    Subscribe { topic: TopicName, subscription: String, is_earliest: bool },
    Unload { topic: TopicName },
    Create { topic: TopicName, partitions: u32 },
    Delete { topic: TopicName },
}

impl Order {
    pub(crate) fn parse(asked: &Asked, now_ms: u64) -> Result<Self, Failure> {
        // What somebody writes into a field is trimmed; what is there is called as it is.
        let (topic, name) = match asked.what {
            Verb::Create => (asked.topic.trim(), &*asked.subscription),
            Verb::Subscribe => (&*asked.topic, asked.subscription.trim()),
            _ => (&*asked.topic, &*asked.subscription),
        };
        let topic = parsed(topic)?;
        let subscription = || {
            if name.trim().is_empty() {
                return Err(Failure::Meant(
                    t!("Name the subscription.", "Nombre la suscripción.").to_owned(),
                ));
            }
            no_dots(name)?;
            Ok(name.to_owned())
        };
        Ok(match asked.what {
            Verb::Skip => {
                let entries = number(&asked.entries)?.filter(|entries| *entries > 0);
                let entries = entries.ok_or_else(not_a_number)?;
                Self::Skip { topic, subscription: subscription()?, entries }
            }
            Verb::Clear => Self::Clear { topic, subscription: subscription()? },
            Verb::Reset => {
                let time_ms = match (number(&asked.time_ms)?, number(&asked.minutes)?) {
                    (Some(time_ms), _) => time_ms,
                    (None, Some(minutes)) => now_ms.saturating_sub(minutes.saturating_mul(60_000)),
                    (None, None) => 0,
                };
                Self::Reset { topic, subscription: subscription()?, time_ms }
            }
            Verb::Unsubscribe => Self::Unsubscribe { topic, subscription: subscription()? },
            Verb::Subscribe => Self::Subscribe {
                topic,
                subscription: subscription()?,
                is_earliest: asked.from == "earliest",
            },
            Verb::Unload => Self::Unload { topic },
            Verb::Create => {
                let partitions = number(&asked.partitions)?.unwrap_or(0);
                let partitions = u32::try_from(partitions).map_err(|_| not_a_number())?;
                Self::Create { topic, partitions }
            }
            Verb::Delete => Self::Delete { topic },
        })
    }

    pub(crate) fn topic(&self) -> &TopicName {
        match self {
            Self::Skip { topic, .. }
            | Self::Clear { topic, .. }
            | Self::Reset { topic, .. }
            | Self::Unsubscribe { topic, .. }
            | Self::Subscribe { topic, .. }
            | Self::Unload { topic }
            | Self::Create { topic, .. }
            | Self::Delete { topic } => topic,
        }
    }

    /// What a form has to say for it to be this again.
    pub(crate) fn fields(&self) -> Vec<(&'static str, String)> {
        let own = match self {
            Self::Skip { subscription, entries, .. } => {
                vec![
                    ("what", "skip".into()),
                    ("subscription", subscription.clone()),
                    ("entries", entries.to_string()),
                ]
            }
            Self::Clear { subscription, .. } => {
                vec![("what", "clear".into()), ("subscription", subscription.clone())]
            }
            Self::Reset { subscription, time_ms, .. } => {
                vec![
                    ("what", "reset".into()),
                    ("subscription", subscription.clone()),
                    ("time_ms", time_ms.to_string()),
                ]
            }
            Self::Unsubscribe { subscription, .. } => {
                vec![("what", "unsubscribe".into()), ("subscription", subscription.clone())]
            }
            Self::Subscribe { subscription, is_earliest, .. } => {
                let from = if *is_earliest { "earliest" } else { "latest" };
                vec![
                    ("what", "subscribe".into()),
                    ("subscription", subscription.clone()),
                    ("from", from.into()),
                ]
            }
            Self::Unload { .. } => vec![("what", "unload".into())],
            Self::Create { partitions, .. } => {
                vec![("what", "create".into()), ("partitions", partitions.to_string())]
            }
            Self::Delete { .. } => vec![("what", "delete".into())],
        };
        own.into_iter().chain([("topic", self.topic().to_string())]).collect()
    }

    /// What will happen, with what is there now, where it is known.
    pub(crate) fn told(&self, stats: &Value) -> String {
        let of = |subscription: &str| {
            let one = &stats["subscriptions"][subscription];
            let consumers = one["consumers"].as_array().map_or(0, Vec::len);
            (one["msgBacklog"].as_u64().unwrap_or_default(), consumers)
        };
        match self {
            Self::Skip { subscription, entries, .. } => {
                let (backlog, _) = of(subscription);
                t!(
                    format!(
                        "The next {entries} of {backlog} entries that wait for {subscription} are never delivered to it; a batch is one entry."
                    ),
                    format!(
                        "Las próximas {entries} de {backlog} entradas pendientes de {subscription} no se le entregan nunca; un lote es una entrada."
                    )
                )
            }
            Self::Clear { subscription, .. } => {
                let (backlog, _) = of(subscription);
                t!(
                    format!("All {backlog} entries that wait for {subscription} are never delivered to it."),
                    format!("Las {backlog} entradas pendientes de {subscription} no se le entregan nunca.")
                )
            }
            Self::Reset { subscription, time_ms, .. } => reset(subscription, *time_ms, of(subscription).1),
            Self::Unsubscribe { subscription, .. } => {
                let (backlog, consumers) = of(subscription);
                t!(
                    format!(
                        "The subscription {subscription} is deleted, and the {backlog} entries that wait for it are never delivered. It has {consumers} consumers: with any, the broker refuses."
                    ),
                    format!(
                        "Se borra la suscripción {subscription}, y las {backlog} entradas que la esperan no se entregan nunca. Tiene {consumers} consumidores: con alguno, el bróker se niega."
                    )
                )
            }
            Self::Subscribe { subscription, is_earliest, .. } => match is_earliest {
                true => t!(
                    format!(
                        "The subscription {subscription} is made: it gets everything that the topic still has."
                    ),
                    format!("Se crea la suscripción {subscription}: recibe todo lo que el tema aún tiene.")
                ),
                false => t!(
                    format!(
                        "The subscription {subscription} is made: it gets what comes from now on, which stays until it is acknowledged."
                    ),
                    format!(
                        "Se crea la suscripción {subscription}: recibe lo que llegue desde ahora, que se queda hasta que se confirme."
                    )
                ),
            },
            Self::Unload { topic } => t!(
                format!(
                    "A Pulsar lets go of {topic} and takes it up again: who produces and consumes there is cut off and comes again. Our own broker has nothing to let go of: there nothing changes. Nothing is lost."
                ),
                format!(
                    "Un Pulsar suelta {topic} y lo vuelve a tomar: quien produce y consume allí se desconecta y vuelve. Nuestro bróker no tiene nada que soltar: allí no cambia nada. No se pierde nada."
                )
            ),
            Self::Create { topic, partitions } => match partitions {
                0 => t!(
                    format!("{topic} is made, without partitions."),
                    format!("Se crea {topic}, sin particiones.")
                ),
                _ => t!(
                    format!("{topic} is made, with {partitions} partitions."),
                    format!("Se crea {topic}, con {partitions} particiones.")
                ),
            },
            Self::Delete { topic } => deletion(topic, stats),
        }
    }

    /// What is there already is not made, and what is not there is not moved or deleted: the calls for it say that it was
    /// done, whatever they found.
    fn check(&self, stats: Option<&Value>) -> Result<(), Failure> {
        let there = match (self, stats) {
            (Self::Create { .. }, None) => return Ok(()),
            (Self::Create { topic, .. }, Some(stats)) => {
                let subscriptions = stats["subscriptions"].as_object().map_or(0, serde_json::Map::len);
                return Err(Failure::There(t!(
                    format!("Nothing was done: {topic} is there, with {subscriptions} subscriptions."),
                    format!("No se hizo nada: {topic} ya está, con {subscriptions} suscripciones.")
                )));
            }
            (order, None) => return Err(Failure::no_topic(order.topic())),
            (_, Some(stats)) => &stats["subscriptions"],
        };
        match self {
            Self::Subscribe { subscription, .. } if there[subscription].is_object() => {
                let waiting = there[subscription]["msgBacklog"].as_u64().unwrap_or_default();
                Err(Failure::There(t!(
                    format!("Nothing was done: {subscription} is there, and {waiting} entries wait for it."),
                    format!("No se hizo nada: {subscription} ya está, y la esperan {waiting} entradas.")
                )))
            }
            Self::Skip { topic, subscription, .. }
            | Self::Clear { topic, subscription }
            | Self::Reset { topic, subscription, .. }
            | Self::Unsubscribe { topic, subscription }
                if !there[subscription].is_object() =>
            {
                Err(Failure::Absent(t!(
                    format!("Nothing was done: {topic} has no subscription {subscription}."),
                    format!("No se hizo nada: {topic} no tiene la suscripción {subscription}.")
                )))
            }
            _ => Ok(()),
        }
    }

    pub(crate) async fn give(&self, caller: &Caller) -> Result<(), Failure> {
        self.check(stats_of(caller, self.topic()).await?.as_ref())?;
        let admin = &caller.admin;
        match self {
            Self::Skip { topic, subscription, entries } => admin.skip(topic, subscription, *entries).await?,
            Self::Clear { topic, subscription } => admin.clear_backlog(topic, subscription).await?,
            Self::Reset { topic, subscription, time_ms } => {
                admin.reset_cursor(topic, subscription, *time_ms).await?;
            }
            Self::Unsubscribe { topic, subscription } => {
                admin.delete_subscription(topic, subscription).await?;
            }
            Self::Subscribe { topic, subscription, is_earliest: true } => {
                admin.create_subscription(topic, subscription).await?;
            }
            Self::Subscribe { topic, subscription, is_earliest: false } => {
                admin.create_subscription_at_end(topic, subscription).await?;
            }
            Self::Unload { topic } => admin.unload(topic).await?,
            Self::Create { topic, partitions: 0 } => admin.create_topic(topic).await?,
            Self::Create { topic, partitions } => admin.create_partitioned_topic(topic, *partitions).await?,
            Self::Delete { topic } => match admin.partitions(topic).await? {
                0 => admin.delete_topic(topic, false).await?,
                _ => admin.delete_partitioned_topic(topic, false).await?,
            },
        }
        Ok(())
    }
}

fn reset(subscription: &str, time_ms: u64, consumers: usize) -> String {
    let since = match time_ms {
        0 => t!("everything that the topic still has", "todo lo que el tema aún tiene").to_owned(),
        ms => {
            t!(format!("what was published since {}", time(ms)), format!("lo publicado desde {}", time(ms)))
        }
    };
    t!(
        format!(
            "{subscription} gets {since}, also what it has acknowledged. Its {consumers} consumers are cut off for it and come again."
        ),
        format!(
            "{subscription} recibe {since}, también lo ya confirmado. Sus {consumers} consumidores se desconectan y vuelven."
        )
    )
}

fn deletion(topic: &TopicName, stats: &Value) -> String {
    let bytes = stats["storageSize"].as_u64().unwrap_or_default();
    let names = stats["subscriptions"].as_object().into_iter().flatten().map(|(name, _)| &**name);
    let names = names.collect::<Vec<_>>().join(", ");
    t!(
        format!(
            "{topic} is deleted with the {bytes} bytes that it has and its subscriptions ({names}). Nothing brings them back. While somebody produces or consumes the broker refuses."
        ),
        format!(
            "Se borra {topic} con los {bytes} bytes que tiene y sus suscripciones ({names}). Nada los devuelve. Mientras alguien produzca o consuma el bróker se niega."
        )
    )
}

/// None where nothing was written.
fn number(text: &str) -> Result<Option<u64>, Failure> {
    match text.trim() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| not_a_number()),
    }
}

fn not_a_number() -> Failure {
    Failure::Meant(
        t!(
            "Write a whole number; where something is to be passed over, from 1 on.",
            "Escriba un número entero; para saltar algo, desde 1."
        )
        .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn asked(what: Verb) -> Asked {
        Asked {
            what,
            topic: "a/b/c".into(),
            subscription: "billing".into(),
            entries: String::new(),
            minutes: String::new(),
            time_ms: String::new(),
            from: String::new(),
            partitions: String::new(),
        }
    }

    fn parse(asked: &Asked) -> Order {
        Order::parse(asked, 1_000_000_000).unwrap()
    }

    /// As a browser sends the second form.
    fn again(order: &Order) -> Order {
        let fields: serde_json::Map<String, Value> =
            order.fields().into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        parse(&serde_json::from_value(fields.into()).unwrap())
    }

    #[test]
    fn what_is_confirmed_is_what_was_asked() {
        let orders = [
            Asked { entries: "3".into(), ..asked(Verb::Skip) },
            asked(Verb::Clear),
            Asked { minutes: "10".into(), ..asked(Verb::Reset) },
            asked(Verb::Reset),
            asked(Verb::Unsubscribe),
            Asked { from: "earliest".into(), ..asked(Verb::Subscribe) },
            asked(Verb::Subscribe),
            asked(Verb::Unload),
            Asked { partitions: "4".into(), ..asked(Verb::Create) },
            asked(Verb::Delete),
        ];
        for order in orders.iter().map(parse) {
            assert_eq!(again(&order), order);
        }
        let Order::Reset { time_ms, .. } = parse(&orders[2]) else { panic!("it was to be reset") };
        assert_eq!(time_ms, 1_000_000_000 - 600_000);
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let wrong = [
            asked(Verb::Skip),
            Asked { entries: "0".into(), ..asked(Verb::Skip) },
            Asked { entries: "-1".into(), ..asked(Verb::Skip) },
            Asked { subscription: " ".into(), ..asked(Verb::Clear) },
            Asked { minutes: "1.5".into(), ..asked(Verb::Reset) },
            Asked { topic: "a/b".into(), ..asked(Verb::Unload) },
            Asked { topic: "a/b/..".into(), ..asked(Verb::Delete) },
            Asked { subscription: "..".into(), ..asked(Verb::Unsubscribe) },
            Asked { subscription: " . ".into(), ..asked(Verb::Subscribe) },
            Asked { partitions: "99999999999".into(), ..asked(Verb::Create) },
        ];
        for asked in wrong {
            assert!(Order::parse(&asked, 0).is_err(), "{asked:?}");
        }
    }

    /// `x ` may be another than `x`.
    #[test]
    fn what_is_there_is_called_as_it_is_and_what_is_written_is_trimmed() {
        let clear = parse(&Asked { topic: "a/b/c ".into(), subscription: " x".into(), ..asked(Verb::Clear) });
        let Order::Clear { topic, subscription } = &clear else { panic!("it was to be cleared") };
        assert_eq!((topic.local(), &**subscription), ("c ", " x"));
        assert_eq!(again(&clear), clear);
        let made =
            parse(&Asked { topic: "a/b/c ".into(), subscription: " x".into(), ..asked(Verb::Subscribe) });
        let Order::Subscribe { topic, subscription, .. } = made else { panic!("it was to be made") };
        assert_eq!((topic.local(), &*subscription), ("c ", "x"));
        assert_eq!(parse(&Asked { topic: " a/b/c ".into(), ..asked(Verb::Create) }).topic().local(), "c");
    }

    #[test]
    fn nothing_is_said_to_be_done_where_it_was_before_or_there_is_nothing() {
        let stats = json!({"subscriptions": {"billing": {"msgBacklog": 12}}});
        let said =
            |order: &Asked, stats: Option<&Value>| parse(order).check(stats).map_err(|why| why.to_string());
        let skip = Asked { entries: "1".into(), ..asked(Verb::Skip) };
        for order in [&skip, &asked(Verb::Clear), &asked(Verb::Reset), &asked(Verb::Unsubscribe)] {
            assert_eq!(said(order, Some(&stats)), Ok(()));
            let other = Asked { subscription: "others".into(), ..order.clone() };
            let none = "Nothing was done: persistent://a/b/c has no subscription others.";
            assert_eq!(said(&other, Some(&stats)), Err(none.to_owned()));
        }
        for what in [Verb::Clear, Verb::Subscribe, Verb::Unload, Verb::Delete] {
            assert_eq!(said(&asked(what), None), Err("There is no topic persistent://a/b/c.".to_owned()));
        }
        let there = "Nothing was done: persistent://a/b/c is there, with 1 subscriptions.";
        assert_eq!(said(&asked(Verb::Create), Some(&stats)), Err(there.to_owned()));
        assert_eq!(said(&asked(Verb::Create), None), Ok(()));
        let there = "Nothing was done: billing is there, and 12 entries wait for it.";
        assert_eq!(said(&asked(Verb::Subscribe), Some(&stats)), Err(there.to_owned()));
        let new = Asked { subscription: "new".into(), ..asked(Verb::Subscribe) };
        assert_eq!(said(&new, Some(&stats)), Ok(()));
        assert_eq!(said(&asked(Verb::Delete), Some(&stats)), Ok(()));
    }

    #[test]
    fn one_is_told_what_is_lost() {
        let stats = json!({"subscriptions": {"billing": {"msgBacklog": 12, "consumers": [{}, {}]}}});
        let skip = parse(&Asked { entries: "3".into(), ..asked(Verb::Skip) });
        assert_eq!(
            skip.told(&stats),
            "The next 3 of 12 entries that wait for billing are never delivered to it; a batch is one entry."
        );
        let reset = parse(&asked(Verb::Reset));
        assert_eq!(
            reset.told(&stats),
            "billing gets everything that the topic still has, also what it has acknowledged. Its 2 consumers are cut off \
             for it and come again."
        );
    }
}
