//! Debezium's connectors for Pulsar, and Pulsar's settings for sources.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::cache::{Lock, cache_folder};
use crate::pulsar::{PULSAR_VERSION, configure, copied_by_maven};

const CONNECTORS: [&str; 2] = ["pulsar-io-debezium-mysql", "pulsar-io-debezium-postgres"];

/// The folder of the connectors' archives. What is published as a jar is the archive.
pub(crate) fn connectors() -> Result<PathBuf> {
    let cache = cache_folder("debezium")?;
    let folder = cache.join(PULSAR_VERSION);
    fs::create_dir_all(&folder).context("the connectors' folder cannot be made")?;
    let _lock = Lock::of(&cache)?;
    for connector in CONNECTORS {
        let archive = folder.join(format!("{connector}-{PULSAR_VERSION}.nar"));
        if !archive.is_file() {
            let artifact = format!("org.apache.pulsar:{connector}:{PULSAR_VERSION}:jar");
            let name = format!("{connector}-{PULSAR_VERSION}.jar");
            copied_by_maven(&cache, &artifact, &name, &archive)?;
        }
    }
    Ok(folder)
}

/// Writes what runs sources is told, and says where. It takes the broker's addresses from the broker's own settings.
pub(crate) fn worker(home: &Path, folder: &Path, connectors: &Path) -> Result<PathBuf> {
    let within = |name: &str| folder.join(name).display().to_string();
    let settings = [
        ("connectorsDirectory", connectors.display().to_string()),
        ("downloadDirectory", within("download")),
        ("logDirectory", within("logs")),
    ];
    let configuration = folder.join("functions_worker.yml");
    configure(&home.join("conf/functions_worker.yml"), ": ", &settings, &configuration)?;
    Ok(configuration)
}
