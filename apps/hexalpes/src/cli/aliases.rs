//! Other names that the seeds and Pulsar itself have for subscriptions and topics of dead letters. They are ours to resolve:
//! a broker knows none of them.

use anyhow::Result;
use hexalpes_client::{AdminClient, TopicName};

use crate::services::Service;

/// `onboarding-service-subscription` is the one subscription that onboarding has on the topic, and
/// `onboarding-service-x` is `onboarding-x`. A subscription of that very name is itself.
pub(super) async fn subscription(admin: &AdminClient, topic: &TopicName, name: &str) -> Result<String> {
    let Some((service, rest)) = of_service(name) else { return Ok(name.to_owned()) };
    let known = admin.subscriptions(topic).await.unwrap_or_default();
    if known.iter().any(|known| known == name) {
        return Ok(name.to_owned());
    }
    if rest != "subscription" {
        return Ok(format!("{service}-{rest}"));
    }
    let prefix = format!("{service}-");
    let mut own = known.into_iter().filter(|known| known.starts_with(&prefix));
    Ok(match (own.next(), own.next()) {
        (Some(only), None) => only,
        _ => name.to_owned(),
    })
}

fn of_service(name: &str) -> Option<(&'static str, &str)> {
    Service::ALL.map(Service::name).into_iter().find_map(|service| {
        let rest = name.strip_prefix(service)?.strip_prefix("-service-")?;
        Some((service, rest))
    })
}

/// `{topic}-{subscription}-DLQ`, as Pulsar's clients call it, is `{topic}-{service}-dlq`.
pub(super) fn dead_letters(topic: TopicName) -> TopicName {
    let name = topic.to_string();
    let Some(base) = name.strip_suffix("-DLQ") else { return topic };
    let found = Service::ALL.map(Service::name).into_iter().find_map(|service| {
        let at = base.rfind(&format!("-{service}-"))?;
        TopicName::parse(&format!("{}-{service}-dlq", &base[..at])).ok()
    });
    found.unwrap_or(topic)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Accepts C-3, C-4, S2-SUB-1.
    #[test]
    fn the_names_of_the_seeds_and_of_pulsar_are_ours_by_another_name() {
        assert_eq!(of_service("onboarding-service-subscription"), Some(("onboarding", "subscription")));
        assert_eq!(of_service("onboarding-partners"), None);
        let topic = |name: &str| TopicName::parse(name).expect("it is one");
        for (alias, ours) in [
            ("hexabuilders/onboarding/x-recruitment-jobs-DLQ", "hexabuilders/onboarding/x-recruitment-dlq"),
            ("a-onboarding-service-subscription-DLQ", "a-onboarding-dlq"),
            ("a-else-DLQ", "a-else-DLQ"),
            ("a-onboarding-dlq", "a-onboarding-dlq"),
        ] {
            assert_eq!(dead_letters(topic(alias)), topic(ours));
        }
    }
}
