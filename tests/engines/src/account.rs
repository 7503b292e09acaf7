//! The account that a database server runs under: PostgreSQL and MariaDB refuse to run as root.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

/// Who runs a server, when that is somebody else than we.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Account {
    uid: u32,
    gid: u32,
}

impl Account {
    /// The `preferred` account, or `nobody`, when we are root; `None` when we are an ordinary user already.
    pub(crate) fn unprivileged(preferred: &str) -> Result<Option<Self>> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let accounts = fs::read_to_string("/etc/passwd").context("the list of accounts cannot be read")?;
        let account = find(&accounts, preferred).or_else(|| find(&accounts, "nobody"));
        account.map(Some).with_context(|| format!("there is neither a user {preferred} nor nobody"))
    }
}

/// Makes `command` run as `account`. Supplementary groups of root go with it.
pub(crate) fn run_as(command: &mut Command, account: Option<Account>) {
    if let Some(account) = account {
        command.uid(account.uid).gid(account.gid);
    }
}

/// Gives a folder or file to `account`.
pub(crate) fn give(path: &Path, account: Option<Account>) -> Result<()> {
    if let Some(account) = account {
        chown(path, Some(account.uid), Some(account.gid))
            .with_context(|| format!("{} cannot be given away", path.display()))?;
    }
    Ok(())
}

/// A line of the list is `name:password:uid:gid:…`.
fn find(accounts: &str, name: &str) -> Option<Account> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next() != Some(name) {
            return None;
        }
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(Account { uid, gid })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNTS: &str = "root:x:0:0:root:/root:/bin/bash\npostgres:x:101:104:,,,:/nowhere:/bin/sh\n";

    #[test]
    fn an_account_is_found_by_its_whole_name() {
        assert_eq!(find(ACCOUNTS, "postgres"), Some(Account { uid: 101, gid: 104 }));
        assert_eq!(find(ACCOUNTS, "post"), None);
    }
}
