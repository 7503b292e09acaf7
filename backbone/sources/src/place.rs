//! Where sources are kept: the list of them, and of each how far it has come.

use std::path::{Path, PathBuf};

use hexalpes_db::{DatabaseUrl, Db, DbOptions};
use hexalpes_files::{DirLock, Files as _, RealFiles};
use sha2::{Digest as _, Sha256};

use super::SourcesError;
use crate::{config::SourceConfig, store, value::hex};

/// A relay's own writing, its keeper's, what an operator does, and one to spare: servers count their connections.
const CONNECTIONS_OF_ONE: u32 = 4;

/// Where sources are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourcesPlace {
    /// The file of the list, with those of the sources beside it; their folder is made if it is not there. Of one process.
    Files(PathBuf),
    /// Parts of a server's database. Processes that share it share the sources: of each one works, the others stand by, and
    /// go on where it was.
    Server(DatabaseUrl),
}

impl SourcesPlace {
    /// Whether other processes may have the same sources.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self, Self::Server(_))
    }

    /// The full names of the sources that are listed there; none where no list is.
    pub async fn names(&self) -> Result<Vec<String>, SourcesError> {
        if matches!(self, Self::Files(list) if !list.exists()) {
            return Ok(Vec::new());
        }
        let list = open(&self.list_url()).await?;
        let names = store::names(&list).await;
        list.close().await;
        Ok(names?)
    }

    /// Makes the list, or brings it up to date.
    pub async fn migrate(&self) -> Result<(), SourcesError> {
        self.list().await?.close().await;
        Ok(())
    }

    /// Files, for this process alone.
    pub(crate) fn claim(&self) -> Result<Option<DirLock>, SourcesError> {
        let Self::Files(list) = self else { return Ok(None) };
        let folder = folder_of(list);
        RealFiles
            .create_dir_all(folder)
            .map_err(|why| SourcesError::Folder { path: folder.to_owned(), why })?;
        let claimed = RealFiles.lock_dir(folder);
        claimed.map(Some).map_err(|why| SourcesError::Claim { path: list.clone(), why })
    }

    fn list_url(&self) -> DatabaseUrl {
        match self {
            Self::Files(list) => DatabaseUrl::file(list),
            Self::Server(whole) => part(whole, "sources"),
        }
    }

    pub(crate) async fn list(&self) -> Result<Db, SourcesError> {
        let list = open(&self.list_url()).await?;
        list.migrate(store::MIGRATIONS).await?;
        Ok(list)
    }

    /// What lies there is of that table and for those topics.
    pub(crate) async fn of(&self, config: &SourceConfig) -> Result<Db, SourcesError> {
        let identity = identity(config);
        let url = match self {
            Self::Files(list) => {
                let name = config.name.replace([':', '='], "_");
                DatabaseUrl::file(folder_of(list).join(format!("{name}-{identity}.db")))
            }
            // Databases have no more than 64 letters there, and a source's name may be as long.
            Self::Server(whole) => part(whole, &format!("source_{identity}")),
        };
        let db = open(&url).await?;
        db.migrate(hexalpes_outbox::MIGRATIONS).await?;
        Ok(db)
    }
}

/// Says who reads what, and where it goes.
fn identity(config: &SourceConfig) -> String {
    let SourceConfig { host, port, database, table, .. } = config;
    let identity = format!(
        "{}\n{:?}\n{host}\n{port}\n{database}\n{}\n{}\n{}\n{}",
        config.full_name(),
        config.connector,
        table.schema,
        table.name,
        table.raw,
        table.events
    );
    hex(&Sha256::digest(identity.as_bytes())[..8])
}

fn folder_of(list: &Path) -> &Path {
    list.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn part(whole: &DatabaseUrl, name: &str) -> DatabaseUrl {
    whole.part(name).unwrap_or_else(|| whole.clone())
}

async fn open(url: &DatabaseUrl) -> Result<Db, SourcesError> {
    let options = DbOptions { connections_max: CONNECTIONS_OF_ONE, ..DbOptions::default() };
    Ok(Db::open(url, options).await?)
}
