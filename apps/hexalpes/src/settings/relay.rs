//! By what names relays read the logs of servers.

use anyhow::{Result, bail};

use super::{Given, Key, Settings};

/// With a service's name and a number it is a slot's, of which PostgreSQL takes 63 bytes.
const PREFIX_BYTES_MAX: usize = 24;
/// Each service has one of the numbers after the first.
const SERVER_ID_MAX: u32 = u32::MAX - 100;

impl Settings {
    /// What the names of replication slots begin with.
    pub(crate) fn relay_slot(&self) -> Result<String> {
        let Given { value, origin } = &self.given[&Key::RelaySlot];
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if value.is_empty() || value.len() > PREFIX_BYTES_MAX || !value.bytes().all(fits) {
            bail!(
                "relay_slot ({origin}) is {value:?}: write up to {PREFIX_BYTES_MAX} lower-case letters, digits and _"
            );
        }
        Ok(value.clone())
    }

    /// The first of the numbers under which logs are read.
    pub(crate) fn relay_server_id(&self) -> Result<Option<u32>> {
        let Some(Given { value, origin }) = self.given.get(&Key::RelayServerId) else { return Ok(None) };
        match value.parse() {
            Ok(first @ 1..=SERVER_ID_MAX) => Ok(Some(first)),
            _ => bail!(
                "relay_server_id ({origin}) is {value:?}: write a number from 1 to {SERVER_ID_MAX} that no server and no \
                 other reader of its log has"
            ),
        }
    }
}
