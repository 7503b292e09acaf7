//! What needs somebody first, of all that the first page tells of.

use serde_json::Value;

use crate::{
    overview::{Seen, SeenService, so_many},
    page::{link, t},
};

/// A relay that is further behind has something in its way.
const LAG_SECONDS_MAX: u64 = 30;
/// What a relay says of itself while somebody has it publish nothing begins so.
const PAUSED: &str = "it is paused by ";

/// A sentence, and the page where something can be done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Concern {
    pub(crate) what: String,
    pub(crate) to: String,
}

/// The worst first: without a broker nothing goes on, and a dead letter waits as long as it has to.
pub(crate) fn of(seen: &Seen) -> Vec<Concern> {
    let mut all = Vec::new();
    if let Err(why) = &seen.broker {
        all.push(concern(t!(format!("Broker: {why}"), format!("Bróker: {why}")), "/"));
    }
    for one in &seen.services {
        all.extend(service(one));
    }
    for one in &seen.services {
        match &one.relay {
            Some(Ok(known)) => all.extend(relay(&one.service.name, known)),
            Some(Err(why)) if one.health.is_ok() => all.push(concern(why.clone(), "/relays")),
            Some(Err(_)) | None => {}
        }
        match &one.consumers {
            Ok(handlers) => all.extend(handlers.iter().filter_map(handler)),
            Err(why) if one.health.is_ok() => all.push(concern(why.clone(), "/handlers")),
            Err(_) => {}
        }
    }
    match &seen.sources {
        Ok(sources) => all.extend(
            sources.iter().filter_map(|source| relay(source["name"].as_str().unwrap_or_default(), source)),
        ),
        // That its service is away was said.
        Err(_) if seen.services.iter().any(|one| one.service.has_sources && one.health.is_err()) => {}
        Err(why) => all.push(concern(
            t!(
                format!("The relays of others' outboxes cannot be read: {why}"),
                format!("No se pueden leer los relays de outboxes ajenos: {why}")
            ),
            "/relays",
        )),
    }
    if let Err(why) = &seen.letters
        && seen.broker.is_ok()
    {
        let what = t!(
            format!("Dead letters cannot be counted: {why}"),
            format!("No se pueden contar los mensajes muertos: {why}")
        );
        all.push(concern(what, "/letters"));
    }
    for (topic, waiting) in seen.letters.iter().flatten() {
        if *waiting > 0 {
            let letters = so_many(*waiting);
            let what = t!(format!("{letters} in {topic}"), format!("{letters} en {topic}"));
            all.push(concern(what, link("/letters", &[("topic", &topic.to_string())])));
        }
    }
    all
}

fn concern(what: impl Into<String>, to: impl Into<String>) -> Concern {
    Concern { what: what.into(), to: to.into() }
}

fn service(seen: &SeenService) -> Option<Concern> {
    let name = &seen.service.name;
    match &seen.health {
        Err(why) => Some(concern(why.clone(), "/")),
        Ok(report) if report["status"] == "ok" => None,
        Ok(report) => {
            let checks = report["checks"].as_object().into_iter().flatten();
            let bad = checks.filter(|(_, check)| check["status"] != "ok");
            let told: Vec<String> = bad
                .map(|(part, check)| format!("{part}: {}", check["detail"].as_str().unwrap_or_default()))
                .collect();
            Some(concern(format!("{name}: {}", told.join("; ")), "/"))
        }
    }
}

/// Of a service, or of an outbox that others write.
fn relay(name: &str, relay: &Value) -> Option<Concern> {
    let number = |name: &str| relay[name].as_u64().unwrap_or_default();
    let what = if let Some(alarm) = relay["alarm"].as_str() {
        t!(format!("The relay of {name}: {alarm}"), format!("El relay de {name}: {alarm}"))
    } else if let Some(by) = relay["standby"].as_str().filter(|standby| standby.starts_with(PAUSED)) {
        // Its turn is another's otherwise, which is as it should be.
        t!(format!("The relay of {name}: {by}"), format!("El relay de {name}: {by}"))
    } else if relay["running"] == false && relay["standby"].is_null() {
        t!(format!("The relay of {name} does not run"), format!("El relay de {name} no corre"))
    } else if number("lagSeconds") > LAG_SECONDS_MAX {
        let (seconds, rows) = (number("lagSeconds"), number("lagRows"));
        t!(
            format!("The relay of {name} is {seconds} seconds and {rows} rows behind"),
            format!("El relay de {name} lleva {seconds} segundos y {rows} filas de retraso")
        )
    } else {
        return None;
    };
    Some(concern(what, link("/relay", &[("of", name)])))
}

fn handler(one: &Value) -> Option<Concern> {
    let alarm = one["alarm"].as_str()?;
    let subscription = one["subscription"].as_str().unwrap_or_default();
    Some(concern(format!("{subscription}: {alarm}"), "/handlers"))
}

#[cfg(test)]
mod tests {
    use hexalpes_client::TopicName;
    use serde_json::json;

    use super::*;
    use crate::Service;

    fn seen(services: Vec<SeenService>) -> Seen {
        Seen {
            broker: Ok(()),
            version: Ok("1".into()),
            brokers: Ok(vec![]),
            services,
            sources: Ok(vec![]),
            letters: Ok(vec![]),
        }
    }

    fn sales(health: Value, relay: Value, consumers: Vec<Value>) -> SeenService {
        let service = Service {
            name: "sales".into(),
            url: "http://127.0.0.1:1".into(),
            desk: "",
            has_outbox: true,
            has_sources: false,
        };
        SeenService { service, health: Ok(health), relay: Some(Ok(relay)), consumers: Ok(consumers) }
    }

    fn told(seen: &Seen) -> Vec<String> {
        of(seen).into_iter().map(|concern| concern.what).collect()
    }

    #[test]
    fn what_is_well_needs_nobody() {
        let relay = json!({"running": true, "standby": null, "lagSeconds": 30, "lagRows": 5, "alarm": null});
        let one = sales(json!({"status": "ok", "checks": {}}), relay, vec![json!({"alarm": null})]);
        assert_eq!(told(&seen(vec![one])), Vec::<String>::new());
        let standby = json!({"running": false, "standby": "another has its turn", "alarm": null});
        assert_eq!(told(&seen(vec![sales(json!({"status": "ok"}), standby, vec![])])), Vec::<String>::new());
    }

    #[test]
    fn a_relay_that_somebody_paused_needs_somebody() {
        let paused =
            json!({"running": false, "standby": "it is paused by ana, since today: a disk", "alarm": null});
        let expected = ["The relay of sales: it is paused by ana, since today: a disk"];
        assert_eq!(told(&seen(vec![sales(json!({"status": "ok"}), paused, vec![])])), expected);
    }

    #[test]
    fn what_could_not_be_asked_is_not_well() {
        let mut one = sales(json!({"status": "ok"}), json!({}), vec![]);
        one.relay = Some(Err("sales: 500: no desk".into()));
        one.consumers = Err("sales: 500: no handlers".into());
        let mut all = seen(vec![one]);
        all.sources = Err("sales: 500: no list".into());
        all.letters = Err("GET /tenants: 403 Forbidden: no".into());
        let expected = [
            "sales: 500: no desk",
            "sales: 500: no handlers",
            "The relays of others' outboxes cannot be read: sales: 500: no list",
            "Dead letters cannot be counted: GET /tenants: 403 Forbidden: no",
        ];
        assert_eq!(told(&all), expected);
        assert_eq!(of(&all).last().unwrap().to, "/letters");
        // A service that does not answer is said once.
        all.services[0].health = Err("sales does not answer".into());
        all.services[0].service.has_sources = true;
        assert_eq!(told(&all), ["sales does not answer", expected[3]]);
    }

    #[test]
    fn a_source_that_ended_at_an_alarm_needs_somebody() {
        let mut all = seen(vec![]);
        all.sources = Ok(vec![
            json!({"name": "public/default/well", "running": true, "standby": null, "alarm": null}),
            json!({"name": "public/default/alpes", "running": false, "standby": null, "alarm": "no log"}),
        ]);
        assert_eq!(told(&all), ["The relay of public/default/alpes: no log"]);
        assert_eq!(of(&all)[0].to, "/relay?of=public%2Fdefault%2Falpes");
    }

    #[test]
    fn the_worst_comes_first_and_each_leads_to_where_something_can_be_done() {
        let health = json!({
            "status": "down",
            "checks": {"broker": {"status": "ok"}, "relay": {"status": "down", "detail": "no place in the log"}},
        });
        let relay = json!({"running": false, "standby": null, "alarm": "no place in the log"});
        let handler =
            json!({"subscription": "sales-books", "topic": "persistent://a/b/c", "alarm": "no database"});
        let mut all = seen(vec![sales(health, relay, vec![handler])]);
        all.broker = Err("connection refused".into());
        all.letters = Ok(vec![
            (TopicName::parse("a/b/c-sales-dlq").unwrap(), 2),
            (TopicName::parse("x-dlq").unwrap(), 0),
        ]);
        assert_eq!(
            told(&all),
            [
                "Broker: connection refused",
                "sales: relay: no place in the log",
                "The relay of sales: no place in the log",
                "sales-books: no database",
                "2 dead letters in persistent://a/b/c-sales-dlq",
            ]
        );
        assert_eq!(of(&all)[2].to, "/relay?of=sales");
        assert_eq!(of(&all)[4].to, "/letters?topic=persistent%3A%2F%2Fa%2Fb%2Fc-sales-dlq");
        let late = json!({"running": true, "standby": null, "lagSeconds": 31, "lagRows": 5, "alarm": null});
        let late = sales(json!({"status": "ok"}), late, vec![]);
        assert_eq!(told(&seen(vec![late])), ["The relay of sales is 31 seconds and 5 rows behind"]);
    }
}
