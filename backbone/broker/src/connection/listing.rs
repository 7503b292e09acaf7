//! What the commands do that list topics and watch the lists.

use hexalpes_wire::proto::{
    Command, CommandGetTopicsOfNamespace, CommandGetTopicsOfNamespaceResponse, CommandWatchTopicList,
    TopicsMode,
};

use super::{
    Connection,
    commands::{Refusal, not_allowed},
};
use crate::{
    lists::{self, Pattern},
    rights::Right,
};

impl Connection {
    /// A pattern that cannot be applied here is left to the client, which is told so.
    pub(super) fn topics_of_namespace(&self, asked: &CommandGetTopicsOfNamespace) {
        let mode = asked.mode();
        let pattern = asked.topics_pattern.as_deref().and_then(|pattern| Pattern::parse(pattern).ok());
        let names = self.shared.topics.read();
        let there = names.keys().filter(|name| match mode {
            TopicsMode::All => true,
            TopicsMode::Persistent => name.is_persistent(),
            TopicsMode::NonPersistent => !name.is_persistent(),
        });
        let there = there.filter(|name| name.full_namespace() == asked.namespace);
        let there = there.filter(|name| pattern.as_ref().is_none_or(|pattern| pattern.matches(name)));
        let mut topics: Vec<String> = there.map(ToString::to_string).collect();
        drop(names);
        let topics_hash = lists::hash(topics.clone());
        let changed = asked.topics_hash.as_ref() != Some(&topics_hash);
        if !changed {
            topics.clear();
        }
        self.outbox.push(&Command::GetTopicsOfNamespaceResponse(CommandGetTopicsOfNamespaceResponse {
            request_id: asked.request_id,
            topics,
            filtered: Some(pattern.is_some()),
            topics_hash: Some(topics_hash),
            changed: Some(changed),
        }));
    }

    pub(super) fn watch_topics(&mut self, asked: &CommandWatchTopicList) -> Result<(), Refusal> {
        let pattern =
            Pattern::parse(&asked.topics_pattern).map_err(|error| not_allowed(error.to_string()))?;
        let ids = (asked.request_id, asked.watcher_id);
        self.is_watching = true;
        self.shared.watch(&self.outbox, ids, &asked.namespace, pattern, asked.topics_hash.as_deref());
        // It may have been taken back just when it was asked for.
        let right = Right::UseNamespace { namespace: &asked.namespace };
        if self.shared.allow(self.outbox.caller(), right).is_err() {
            self.shared.watchers.end(&self.outbox, asked.watcher_id);
        }
        Ok(())
    }
}
