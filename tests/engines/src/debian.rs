//! Programs from Debian's unstable release, beside those of the system.
//!
//! Its packages are newer than the system's, and so are the libraries that they want. So a package comes with all that
//! it depends on, down to the C library and its loader, is unpacked into the cache folder, and its programs
//! are run by that loader. Nothing is installed: apt works in folders of ours and takes the system as empty.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::cache::{Lock, appear, cache_folder};
use crate::tool;

/// Signs every release of Debian's, its unstable one too.
const KEYS: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// A package and everything it depends on, unpacked.
#[derive(Debug)]
pub(crate) struct Unpacked {
    root: PathBuf,
    /// Where its libraries lie, and their loader.
    libraries: PathBuf,
    loader: PathBuf,
}

impl Unpacked {
    /// Downloads and unpacks the package, if it is not there yet. What is there stays, also when a newer one is out.
    pub(crate) fn package(name: &str) -> Result<Self> {
        let cache = cache_folder("debian")?;
        let root = cache.join(name);
        let _lock = Lock::of(&cache)?;
        if !root.is_dir() {
            appear(&root, |arriving| {
                let unpacked = arriving.join("root");
                Apt::beside_the_system(arriving)?.bring(name, &unpacked)?;
                Ok(unpacked)
            })?;
        }
        let (libraries, loader) = loader(&root)?;
        Ok(Self { root, libraries, loader })
    }

    /// A file or folder of the package.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// One of its programs, without arguments yet.
    pub(crate) fn program(&self, path: &str) -> Command {
        let mut command = Command::new(&self.loader);
        command.arg("--library-path").arg(&self.libraries).arg(self.path(path));
        command
    }
}

/// The folder of the libraries, which bears the architecture's name, and the loader in it.
fn loader(root: &Path) -> Result<(PathBuf, PathBuf)> {
    let entries = |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten();
    let is_loader = |name: &OsStr| name.to_str().is_some_and(|name| name.starts_with("ld-linux"));
    entries(&root.join("usr/lib"))
        .map(|folder| folder.path())
        .find_map(|folder| {
            let loader = entries(&folder).find(|entry| is_loader(&entry.file_name()))?;
            Some((folder, loader.path()))
        })
        .context("the packages hold no loader")
}

/// Debian's package tool, in a folder of ours.
struct Apt {
    folder: PathBuf,
}

impl Apt {
    /// It asks where the system's own packages come from.
    fn beside_the_system(folder: &Path) -> Result<Self> {
        let apt = tool::find(&["apt-get"])?;
        let addresses = tool::run(Command::new(apt).args(["update", "--print-uris"]))?;
        let repository = repository(&addresses).context("apt brings nothing from Debian's own repository")?;
        ensure!(Path::new(KEYS).is_file(), "there is no {KEYS}");
        for part in ["lists/partial", "archives/partial"] {
            fs::create_dir_all(folder.join(part)).context("apt's folders cannot be made")?;
        }
        fs::write(folder.join("installed"), "").context("the list of what is installed cannot be made")?;
        let source = format!("deb [signed-by={KEYS}] {repository} unstable main\n");
        fs::write(folder.join("sources.list"), source).context("the list of sources cannot be written")?;
        Ok(Self { folder: folder.to_path_buf() })
    }

    fn bring(&self, package: &str, unpacked: &Path) -> Result<()> {
        self.run(&["update"])?;
        self.run(&["install", "--yes", "--download-only", "--no-install-recommends", package])?;
        fs::create_dir(unpacked).context("the folder cannot be made")?;
        for archive in fs::read_dir(self.folder.join("archives"))? {
            let archive = archive?.path();
            if archive.extension().is_some_and(|extension| extension == "deb") {
                tool::run(Command::new("dpkg-deb").arg("--extract").arg(&archive).arg(unpacked))?;
            }
        }
        Ok(())
    }

    fn run(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(tool::find(&["apt-get"])?);
        command.arg("-qq").env("DEBIAN_FRONTEND", "noninteractive");
        for (setting, value) in [
            ("Dir::Etc::sourcelist", "sources.list"),
            ("Dir::Etc::sourceparts", "none"),
            ("Dir::State::lists", "lists"),
            ("Dir::State::status", "installed"),
            ("Dir::State::extended_states", "extended"),
            ("Dir::Cache", "."),
            ("Dir::Cache::archives", "archives"),
        ] {
            command.arg("-o").arg(format!("{setting}={}", self.folder.join(value).display()));
        }
        // As ourselves: its own account may not write into our cache.
        command.args(["-o", "APT::Sandbox::User=", "-o", "Acquire::Languages=none"]);
        command.args(["-o", "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false"]);
        tool::run(command.args(arguments)).context("Debian's packages cannot be had")
    }
}

/// The address of Debian's repository among those that apt would ask for its lists. The updates and the security
/// team's releases have a suffix.
fn repository(addresses: &str) -> Option<&str> {
    addresses.lines().find_map(|line| {
        let address = line.strip_prefix('\'')?.split('\'').next()?;
        let (repository, release) = address.strip_suffix("/InRelease")?.split_once("/dists/")?;
        let is_whole = !release.contains(['-', '/']);
        (repository.ends_with("/debian") && is_whole).then_some(repository)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debian_s_own_repository_is_told_from_its_security_team_s_and_from_others() {
        let addresses = "\
'http://example.org/node/dists/stable/InRelease' example.org_node_dists_stable_InRelease 0
'http://debian.example.org/debian-security/dists/stable-security/InRelease' debian.example.org_a_InRelease 0
'http://debian.example.org/debian/dists/stable-updates/InRelease' debian.example.org_b_InRelease 0
'http://debian.example.org/debian/dists/stable/InRelease' debian.example.org_c_InRelease 0
'http://debian.example.org/debian/dists/stable/main/binary-amd64/Packages.xz' debian.example.org_d_Packages 0
";
        assert_eq!(repository(addresses), Some("http://debian.example.org/debian"));
        assert_eq!(
            repository("'http://example.org/ubuntu/dists/noble/InRelease' example.org_InRelease 0"),
            None
        );
    }
}
