//! Dead letters: how many wait where, what one says and why it died, and what becomes of it.

use std::{fmt::Display, time::Duration};

use axum::{
    Form,
    extract::{Query, State},
};
use futures::FutureExt as _;
use hexalpes_client::TopicName;
use hexalpes_desk::letters::{Decided, Held, Letter, LettersError, SUFFIX, Which, undecided};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use tokio::time::Instant;

use crate::{
    Console,
    ask::{Failure, stats_of, topic as parsed},
    caller::Caller,
    overview,
    page::{facts, link, page as framed, t, table, text, topic_link, who},
    topic::{pre, properties},
};

/// Letters of one topic that are shown.
const SHOWN_MAX: usize = 200;
/// Letters of one topic that are looked at to decide some: the first so many.
const HELD_MAX: usize = 1000;
/// Nothing more is asked for then: an answer that comes late is cut off, and says nothing of what was done.
const DECIDING_MAX: Duration = Duration::from_secs(18);

#[derive(Deserialize)]
pub(crate) struct Asked {
    topic: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct One {
    topic: String,
    event: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verb {
    Replay,
    Drop,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Order {
    topic: String,
    what: Verb,
    /// The key of this one as a whole.
    #[serde(default)]
    event: String,
    /// `yes`: of all that are there, as many as were told of.
    #[serde(default)]
    all: String,
    #[serde(default)]
    count: String,
    /// What it is to say instead.
    #[serde(default)]
    data: String,
    #[serde(default)]
    who: String,
}

pub(crate) async fn page(
    State(console): State<Console>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Result<Markup, Failure> {
    let Some(topic) = asked.topic else {
        let topics = overview::dead_letters(&caller).await?;
        let body = html! {
            p.note { (t!("What a handler could not do waits here until somebody decides.",
                "Lo que un manejador no pudo hacer espera aquí hasta que alguien decida.")) }
            (overview::letters(&topics))
        };
        return Ok(framed(&caller, t!("Dead letters", "Mensajes muertos"), None, &body));
    };
    let _alone = console.letters.lock().await;
    let held = hold(&caller, &topic, SHOWN_MAX).await?;
    let rows: Vec<Vec<Markup>> = held.letters().iter().map(|letter| row(&topic, letter)).collect();
    let has_more = held.has_more();
    held.close().await;
    let heads = [
        t!("Event", "Evento"),
        t!("Type", "Tipo"),
        t!("Key", "Clave"),
        t!("Code", "Código"),
        t!("Reason", "Razón"),
        t!("Runs", "Intentos"),
        t!("At", "Cuándo"),
    ];
    let body = html! {
        p { a href=(topic_link(&topic)) { (t!("The topic", "El tema")) } }
        @if has_more {
            p.note { (t!(format!("The first {SHOWN_MAX}."), format!("Los primeros {SHOWN_MAX}."))) }
        }
        (table(&heads, &rows))
        @if !rows.is_empty() {
            div.row {
                (asking(&topic, "replay", t!("Handle all after all", "Atender todos después de todo")))
                (asking(&topic, "drop", t!("Drop all", "Descartar todos")))
            }
        }
    };
    Ok(framed(&caller, &topic, None, &body))
}

/// Somebody looks, or decides: a topic that is not there is not made for it, nor is a subscription.
async fn hold(caller: &Caller, topic: &str, most: usize) -> Result<Held, Failure> {
    let topic = parsed(topic)?;
    there(caller, &topic).await?;
    Ok(Held::open(caller.client()?, topic, Some(most)).await?)
}

/// Its statistics.
async fn there(caller: &Caller, topic: &TopicName) -> Result<Value, Failure> {
    if !topic.local().ends_with(SUFFIX) {
        return Err(LettersError::NoLetters { topic: topic.to_string() }.into());
    }
    stats_of(caller, topic).await?.ok_or_else(|| Failure::no_topic(topic))
}

fn row(topic: &str, letter: &Letter) -> Vec<Markup> {
    let property = |name: &str| text(letter.message.property(name).unwrap_or_default());
    let to = link("/letter", &[("topic", topic), ("event", letter.event_id())]);
    vec![
        html! { a href=(to) { (letter.event_id()) } },
        text(letter.kind().unwrap_or_default()),
        text(letter.key().unwrap_or_default()),
        property("dlq_code"),
        property("dlq_reason"),
        property("dlq_runs"),
        property("dlq_at"),
    ]
}

fn asking(topic: &str, what: &str, button: &str) -> Markup {
    html! {
        form action="/letters/confirm" {
            input type="hidden" name="topic" value=(topic);
            input type="hidden" name="what" value=(what);
            button type="submit" { (button) }
        }
    }
}

pub(crate) async fn one(
    State(console): State<Console>,
    caller: Caller,
    Query(One { topic, event }): Query<One>,
) -> Result<Markup, Failure> {
    let _alone = console.letters.lock().await;
    let held = hold(&caller, &topic, HELD_MAX).await?;
    let found = held.letter(&event).map(|letter| {
        let lane = letter.lane();
        (letter.clone(), held.letters().iter().filter(|other| other.lane() == lane).count())
    });
    held.close().await;
    let (letter, in_order) = found?;
    let property = |name: &str| text(letter.message.property(name).unwrap_or_default());
    let data = letter.read.data.clone().unwrap_or_else(|| data_of(&letter.read.text));
    let decide = |fields: Markup| {
        html! {
            form method="post" action="/letters" {
                input type="hidden" name="topic" value=(topic);
                input type="hidden" name="event" value=(event);
                (who(&caller))
                (fields)
            }
        }
    };
    let in_order = overview::so_many(in_order as u64);
    let body = html! {
        p { a href=(link("/letters", &[("topic", &topic)])) { (topic) } }
        (facts(&[
            (t!("Reason", "Razón"), property("dlq_reason")),
            (t!("Code", "Código"), property("dlq_code")),
            (t!("Handler", "Manejador"), property("dlq_subscription")),
            (t!("Runs", "Intentos"), property("dlq_runs")),
            (t!("At", "Cuándo"), property("dlq_at")),
            (t!("Stands in the order of", "Está en el orden de"), text(letter.lane())),
        ]))
        @if let Some(why) = &letter.unread { p.bad { (why) } }
        (pre(&letter.read.text))
        details { summary { (t!("Properties", "Propiedades")) } (properties(&letter.message.properties)) }
        h2 { (t!("Decide", "Decidir")) }
        p { (t!(
            format!("The order is decided as a whole: {in_order}, from the first on. What is refused again stays, with those behind it."),
            format!("El orden se decide entero: {in_order}, desde el primero. Lo que se rechaza otra vez se queda, con los de detrás.")
        )) }
        @if event.is_empty() {
            p.bad { (t!("It names no event: it is decided with all of its topic, or by `hexalpes dlq --key`.",
                "No nombra ningún evento: se decide con todos los de su tema, o con `hexalpes dlq --key`.")) }
        } @else {
        (decide(html! {
            button type="submit" name="what" value="replay" { (t!("Handle after all", "Atender después de todo")) }
            button.strong type="submit" name="what" value="drop" { (t!("Drop: nobody will handle them", "Descartar: nadie los atenderá")) }
        }))
        details {
            summary { (t!("Handle with other data", "Atender con otros datos")) }
            (decide(html! {
                label { (t!("Data", "Datos")) textarea name="data" required { (data) } }
                button type="submit" name="what" value="replay" { (t!("Handle with this data", "Atender con estos datos")) }
            }))
        }
        }
    };
    Ok(framed(&caller, &event, None, &body))
}

/// What a structured event says; what is none, is all of it.
fn data_of(text: &str) -> String {
    #[derive(Deserialize)]
    struct Event<'a> {
        #[serde(rename = "specversion")]
        _specversion: String,
        #[serde(borrow)]
        data: &'a RawValue,
    }
    serde_json::from_str::<Event<'_>>(text)
        .map_or_else(|_| text.to_owned(), |event| event.data.get().to_owned())
}

/// Says how many it is about, and asks once more: what comes meanwhile was not confirmed.
pub(crate) async fn confirm(caller: Caller, Query(order): Query<Order>) -> Result<Markup, Failure> {
    let topic = parsed(&order.topic)?;
    let waiting = undecided(&caller.admin, &topic, &there(&caller, &topic).await?).await?;
    let first = waiting.min(HELD_MAX as u64);
    let count = overview::so_many(first);
    let (what, told) = match order.what {
        Verb::Replay => (
            "replay",
            t!(
                format!("{count}: handled after all, in their order; what is refused again stays."),
                format!(
                    "{count}: se atienden después de todo, en su orden; lo que se rechaza otra vez se queda."
                )
            ),
        ),
        Verb::Drop => (
            "drop",
            t!(
                format!("{count}: dropped, nobody will handle them."),
                format!("{count}: se descartan, nadie los atenderá.")
            ),
        ),
    };
    let body = html! {
        p { code { (order.topic) } }
        p { (told) }
        @if first < waiting {
            p.note { (t!(
                format!("These are the first of {waiting}. Keys stay held back until all letters are decided, or somebody lets them go on."),
                format!("Son los primeros de {waiting}. Las claves siguen retenidas hasta decidirlos todos, o hasta que alguien las deje seguir.")
            )) }
        }
        form method="post" action="/letters" {
            input type="hidden" name="topic" value=(order.topic);
            input type="hidden" name="what" value=(what);
            input type="hidden" name="all" value="yes";
            input type="hidden" name="count" value=(first);
            (who(&caller))
            @if first > 0 { button.strong type="submit" { (t!("Do it", "Hacerlo")) } }
            a href=(link("/letters", &[("topic", &order.topic)])) { (t!("Leave it", "Dejarlo")) }
        }
    };
    Ok(framed(&caller, t!("Is this what you want?", "¿Es esto lo que quiere?"), None, &body))
}

/// Has the services decide; each letter with what became of it.
pub(crate) async fn decide(
    State(console): State<Console>,
    caller: Caller,
    Form(order): Form<Order>,
) -> Result<Markup, Failure> {
    let begun = Instant::now();
    let data = edited(&order)?;
    let (which, path) = (order.meant()?, order.path());
    let who = caller.name(Some(&order.who));
    let _alone = console.letters.lock().await;
    let held = hold(&caller, &order.topic, HELD_MAX).await?;
    let mut rows: Vec<Vec<Markup>> = Vec::new();
    let ask = |service: &str, decision: Value| {
        let (console, service, who) = (console.clone(), service.to_owned(), who.clone());
        async move {
            in_time(begun.elapsed())?;
            let service = console.service(&service)?;
            console.post(service, &format!("{}{path}", service.desk), &who, &decision).await
        }
        .boxed()
    };
    let told = |letter: &Letter, outcome: Result<&str, &dyn Display>| {
        rows.push(vec![
            text(letter.event_id()),
            match outcome {
                Ok(outcome) => html! { span.good { (outcome) } },
                Err(why) => html! { span.bad { (why.to_string()) } },
            },
        ]);
    };
    let decided = held.decide(&which, data.as_deref(), ask, told).await;
    let has_more = held.has_more();
    held.close().await;
    let Decided { done, stay } = decided?;
    let body = html! {
        p { (t!(format!("{done} decided."), format!("{done} decididos.")))
            @if !stay.is_empty() { " " span.bad { (t!("These stay as they were: ", "Estos quedan como estaban: ")) (stay.join(", ")) } }
        }
        (table(&[t!("Event", "Evento"), t!("Outcome", "Resultado")], &rows))
        @if has_more {
            p.note { (t!("There are more letters than were looked at: their keys stay held back.",
                "Hay más mensajes de los que se miraron: sus claves siguen retenidas.")) }
        }
        p { a href=(link("/letters", &[("topic", &order.topic)])) { (order.topic) } }
    };
    Ok(framed(&caller, t!("Decided", "Decidido"), None, &body))
}

impl Order {
    /// One letter, or as many as were confirmed: nothing is meant by leaving something out.
    fn meant(&self) -> Result<Which, Failure> {
        match (self.event.as_str(), self.all.as_str(), self.count.parse()) {
            ("", "yes", Ok(first @ 1..)) => Ok(Which { all: true, first: Some(first), ..Which::default() }),
            (event, "", _) if !event.is_empty() => {
                Ok(Which { events: vec![event.to_owned()], ..Which::default() })
            }
            _ => Err(Failure::Meant(
                t!(
                    "Name the event of one dead letter. All are decided from the page that says how many they are.",
                    "Nombre el evento de un mensaje muerto. Todos se deciden desde la página que dice cuántos son."
                )
                .to_owned(),
            )),
        }
    }

    fn path(&self) -> &'static str {
        match self.what {
            Verb::Replay => "/debug/dead-letters/replay",
            Verb::Drop => "/debug/dead-letters/drop",
        }
    }
}

fn in_time(taken: Duration) -> Result<(), Failure> {
    if taken < DECIDING_MAX {
        return Ok(());
    }
    Err(Failure::Away(
        t!(
            "Not asked for: there was no time left. Decide the rest once more.",
            "No se pidió: no quedaba tiempo. Decida el resto otra vez."
        )
        .to_owned(),
    ))
}

/// Other data for the one event that is named: a JSON object.
fn edited(order: &Order) -> Result<Option<Box<RawValue>>, Failure> {
    if order.data.trim().is_empty() {
        return Ok(None);
    }
    let wrong =
        || Failure::Meant(t!("The data is no JSON object.", "Los datos no son un objeto JSON.").to_owned());
    let data: Box<RawValue> = serde_json::from_str(order.data.trim()).map_err(|_| wrong())?;
    if !data.get().starts_with('{') || order.event.is_empty() || order.what != Verb::Replay {
        return Err(wrong());
    }
    Ok(Some(data))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(what: Verb, event: &str, data: &str) -> Order {
        Order {
            topic: "x-sales-dlq".into(),
            what,
            event: event.into(),
            all: String::new(),
            count: String::new(),
            data: data.into(),
            who: String::new(),
        }
    }

    #[test]
    fn other_data_is_an_object_for_one_that_is_replayed() {
        let data = edited(&order(Verb::Replay, "e-1", " {\"monto\":1000.00} ")).unwrap().unwrap();
        assert_eq!(data.get(), "{\"monto\":1000.00}");
        assert!(edited(&order(Verb::Replay, "e-1", "")).unwrap().is_none());
        for wrong in [
            order(Verb::Replay, "e-1", "[1]"),
            order(Verb::Replay, "e-1", "{"),
            order(Verb::Replay, "", "{}"),
            order(Verb::Drop, "e-1", "{}"),
        ] {
            assert!(edited(&wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn all_are_meant_by_a_word_and_a_number_alone() {
        let asked = |event: &str, all: &str, count: &str| {
            Order { all: all.into(), count: count.into(), ..order(Verb::Drop, event, "") }.meant()
        };
        let one = Which { events: vec!["e-1".to_owned()], ..Which::default() };
        assert_eq!(asked("e-1", "", "").unwrap(), one);
        let first_three = Which { all: true, first: Some(3), ..Which::default() };
        assert_eq!(asked("", "yes", "3").unwrap(), first_three);
        for (event, all, count) in [
            ("", "", ""),
            ("", "", "3"),
            ("", "yes", ""),
            ("", "yes", "0"),
            ("", "no", "3"),
            ("e-1", "yes", "3"),
        ] {
            assert!(asked(event, all, count).is_err(), "{event:?} {all:?} {count:?}");
        }
    }

    /// A page that is cut off says nothing of what was done.
    #[test]
    fn nothing_more_is_asked_for_when_the_answer_would_come_too_late() {
        assert!(in_time(Duration::from_secs(17)).is_ok());
        assert!(in_time(Duration::from_secs(18)).is_err());
    }

    #[test]
    fn the_data_of_an_event_is_what_can_be_changed() {
        assert_eq!(data_of(r#"{"specversion":"1.0","type":"x","data":{"n":1.50}}"#), r#"{"n":1.50}"#);
        assert_eq!(data_of(r#"{"data":{"n":1}}"#), r#"{"data":{"n":1}}"#);
        assert_eq!(data_of("no JSON"), "no JSON");
    }
}
