//! Lists of topics as clients ask for them: by a pattern, with a hash that tells whether a list still holds; and who
//! is told when one changes.
//!
//! A watcher keeps no list of its own: what it was told is what its namespace and its pattern have it told. Its hash
//! is of the whole list as it is after the change.

use std::{collections::BTreeMap, sync::Arc};

use hexalpes_wire::{
    TopicName,
    proto::{Command, CommandWatchTopicListSuccess, CommandWatchTopicUpdate},
};
use parking_lot::Mutex;
use regex::{Regex, RegexBuilder};

use crate::{broker::Shared, connection::outbox::Outbox, topic::Topic};

/// As Pulsar's `subscriptionPatternMaxLength`: clients apply longer ones themselves.
pub(crate) const PATTERN_LENGTH_MAX: usize = 50;

/// What a compiled pattern may take. A short one can be large: `(\w{99}){99}`.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// Why a pattern cannot be applied here.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PatternError {
    #[error("topic pattern is longer than {PATTERN_LENGTH_MAX} characters")]
    TooLong,
    #[error("topic pattern cannot be applied: {}", last_line(.0))]
    Regex(#[from] regex::Error),
}

/// Of a syntax error, which draws a picture of the place before it names what is wrong.
fn last_line(error: &regex::Error) -> String {
    error.to_string().lines().last().unwrap_or_default().to_owned()
}

/// A regular expression that the names of topics match as a whole, without their domain and their partition.
#[derive(Debug)]
pub(crate) struct Pattern(Regex);

impl Pattern {
    /// The pattern may begin with a domain, which says nothing: domains are chosen beside it.
    pub(crate) fn parse(pattern: &str) -> Result<Self, PatternError> {
        if pattern.chars().count() > PATTERN_LENGTH_MAX {
            return Err(PatternError::TooLong);
        }
        let without = match pattern.split_once("://") {
            None => pattern.to_owned(),
            Some((domain, rest)) => {
                let before = domain.strip_suffix("persistent").unwrap_or(domain);
                format!("{}{rest}", before.strip_suffix("non-").unwrap_or(before))
            }
        };
        let whole = format!("^(?:{without})$");
        Ok(Self(RegexBuilder::new(&whole).size_limit(PATTERN_BYTES_MAX).build()?))
    }

    pub(crate) fn matches(&self, topic: &TopicName) -> bool {
        let whole = topic.without_partition();
        self.0.is_match(&format!("{}/{}/{}", whole.tenant(), whole.namespace(), whole.local()))
    }
}

/// What two ends compare whether they have the same list: CRC32C over the names in order, a comma between two, its
/// bytes from the lowest on, in hexadecimal.
pub(crate) fn hash(mut names: Vec<String>) -> String {
    names.sort_unstable();
    let sum = crc32c::crc32c(names.join(",").as_bytes());
    format!("{:08x}", sum.swap_bytes())
}

/// Those who are told when the topics of a namespace change, by connection and number.
#[derive(Debug, Default)]
pub(crate) struct Watchers(Mutex<BTreeMap<(usize, u64), Watcher>>);

#[derive(Debug)]
struct Watcher {
    outbox: Arc<Outbox>,
    /// `tenant/namespace`.
    namespace: String,
    pattern: Pattern,
}

impl Watcher {
    fn watches(&self, topic: &TopicName) -> bool {
        topic.is_persistent() && topic.full_namespace() == self.namespace && self.pattern.matches(topic)
    }
}

/// Connections are told apart by where their outbox lies: it is held as long as one of its watchers is there.
fn key(outbox: &Arc<Outbox>, watcher_id: u64) -> (usize, u64) {
    (Arc::as_ptr(outbox).addr(), watcher_id)
}

impl Watchers {
    /// Ends a watch; nothing, if there is none.
    pub(crate) fn end(&self, outbox: &Arc<Outbox>, watcher_id: u64) {
        self.0.lock().remove(&key(outbox, watcher_id));
    }

    /// Ends all watches of a connection that is gone.
    pub(crate) fn leave(&self, outbox: &Arc<Outbox>) {
        self.0.lock().retain(|_, watcher| !Arc::ptr_eq(&watcher.outbox, outbox));
    }

    /// Ends the watches that are not to go on, of whom and in which namespace.
    pub(crate) fn keep(&self, goes_on: impl Fn(&Arc<Outbox>, &str) -> bool) {
        let all: Vec<_> = {
            let watchers = self.0.lock();
            watchers.iter().map(|(key, one)| (*key, Arc::clone(&one.outbox), one.namespace.clone())).collect()
        };
        // Asked without the lock, as whoever is asked has locks of its own.
        let ended = all.iter().filter(|(_, outbox, namespace)| !goes_on(outbox, namespace));
        let ended: Vec<_> = ended.map(|(key, ..)| *key).collect();
        self.0.lock().retain(|key, _| !ended.contains(key));
    }

    /// Says which topics came or went, of those that there are now.
    fn tell(&self, topics: &BTreeMap<TopicName, Arc<Topic>>, came: &[TopicName], went: &[TopicName]) {
        for ((_, watcher_id), watcher) in self.0.lock().iter() {
            let matching = |changed: &[TopicName]| -> Vec<String> {
                changed.iter().filter(|name| watcher.watches(name)).map(ToString::to_string).collect()
            };
            let (new_topics, deleted_topics) = (matching(came), matching(went));
            if new_topics.is_empty() && deleted_topics.is_empty() {
                continue;
            }
            let there = topics.keys().filter(|name| watcher.watches(name)).map(ToString::to_string);
            watcher.outbox.push(&Command::WatchTopicUpdate(CommandWatchTopicUpdate {
                watcher_id: *watcher_id,
                new_topics,
                deleted_topics,
                topics_hash: hash(there.collect()),
            }));
        }
    }
}

impl Shared {
    /// Tells a connection of the persistent topics of a namespace that match, and from now on of those that come and
    /// go. The list is left out if its hash is the one that the client has. A number that is there already is asked
    /// for its list again.
    pub(crate) fn watch(
        &self,
        outbox: &Arc<Outbox>,
        (request_id, watcher_id): (u64, u64),
        namespace: &str,
        pattern: Pattern,
        known_hash: Option<&str>,
    ) {
        // Whoever changes the topics holds this lock until the watchers were told: nothing falls in between.
        let topics = self.topics.read();
        let mut watchers = self.watchers.0.lock();
        let watcher = watchers.entry(key(outbox, watcher_id)).or_insert_with(|| Watcher {
            outbox: Arc::clone(outbox),
            namespace: namespace.to_owned(),
            pattern,
        });
        let there = topics.keys().filter(|name| watcher.watches(name)).map(ToString::to_string);
        let mut topic: Vec<_> = there.collect();
        let topics_hash = hash(topic.clone());
        if known_hash == Some(topics_hash.as_str()) {
            topic.clear();
        }
        outbox.push(&Command::WatchTopicListSuccess(CommandWatchTopicListSuccess {
            request_id,
            watcher_id,
            topic,
            topics_hash,
        }));
    }

    /// Makes topics known, also to those who watch.
    pub(crate) fn add_topics(&self, new: Vec<Arc<Topic>>) {
        let mut topics = self.topics.write();
        let names: Vec<_> = new.iter().map(|topic| topic.name.clone()).collect();
        topics.extend(new.into_iter().map(|topic| (topic.name.clone(), topic)));
        self.watchers.tell(&topics, &names, &[]);
    }

    /// Forgets topics, also for those who watch.
    pub(crate) fn remove_topics(&self, names: &[TopicName]) {
        let mut topics = self.topics.write();
        for name in names {
            topics.remove(name);
            self.settings.write().remove(name);
        }
        self.watchers.tell(&topics, &[], names);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, topic: &str) -> bool {
        Pattern::parse(pattern).unwrap().matches(&TopicName::parse(topic).unwrap())
    }

    #[test]
    fn a_pattern_is_of_whole_names_without_domain_and_partition() {
        let topic = "persistent://public/default/orders-partition-3";
        for pattern in
            ["public/default/ord.*", "persistent://public/default/orders", ".*", "public/.*/orders"]
        {
            assert!(matches(pattern, topic), "{pattern}");
        }
        for pattern in ["orders", "public/default/ord", "public/default/orders-p.*", "other|public"] {
            assert!(!matches(pattern, topic), "{pattern}");
        }
    }

    #[test]
    fn what_takes_too_long_or_too_much_is_refused() {
        assert!(matches!(Pattern::parse(&"a".repeat(51)), Err(PatternError::TooLong)));
        assert!(matches!(Pattern::parse(r"(\w{99}){99}"), Err(PatternError::Regex(_))));
        let refused = Pattern::parse("(?!x).*").unwrap_err().to_string();
        assert_eq!(refused.lines().count(), 1, "{refused}");
    }
}
