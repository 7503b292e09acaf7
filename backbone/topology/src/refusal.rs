//! Why a broker cannot be made as the file says.

use hexalpes_client::admin::AdminError;

#[derive(Debug, thiserror::Error)]
pub enum TopologyError {
    #[error(
        "{file}: topics.{topic:?}.partitions is {wanted}, and the topic has {has}: partitions cannot be taken away; write \
         {has}, or delete the topic and all it holds first"
    )]
    FewerPartitions { file: String, topic: String, has: u32, wanted: u32 },
    #[error(
        "{file}: topics.{topic:?}.partitions is {wanted}, and the topic was made without partitions, which it stays; \
         write \"none\", or delete it and all it holds first"
    )]
    NeverPartitioned { file: String, topic: String, wanted: u32 },
    #[error("{what} cannot be {deed}: {why}")]
    Admin { what: String, deed: &'static str, why: AdminError },
}

impl TopologyError {
    pub(crate) fn reading(what: impl ToString) -> impl FnOnce(AdminError) -> Self {
        Self::of(what, "read")
    }

    pub(crate) fn of(what: impl ToString, deed: &'static str) -> impl FnOnce(AdminError) -> Self {
        move |why| Self::Admin { what: what.to_string(), deed, why }
    }
}
