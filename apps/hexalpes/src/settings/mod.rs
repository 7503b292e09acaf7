//! What can be set, where each value came from, and what it is.
//!
//! Four places, in rising order: what is built in, the file `hexalpes.toml`, the environment, flags. All
//! of them know the same names, which stand in one table ([`keys`]).

mod console;
mod engine;
mod file;
mod flags;
mod keys;
mod nearest;
mod relay;
mod security;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt, fs,
    num::NonZeroU64,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use hexalpes_client::Token;
use hexalpes_db::{Backend, DatabaseUrl};
use hexalpes_sources::SourcesPlace;
use hexalpes_telemetry::{LEVELS, LogError, LogFilter};

use crate::{
    conf::{BrokerConf, Conf},
    services::{SOURCES, Service},
};

pub(crate) use engine::Engine;
pub(crate) use flags::Flags;
#[cfg(test)]
pub(crate) use flags::HEADING;
pub(crate) use keys::{KEYS, Key};

/// So many days, as settings count how long something is kept.
pub(crate) const fn whole_days(days: u64) -> Duration {
    Duration::from_secs(days.saturating_mul(24 * 60 * 60))
}

/// It was wrong to ask: what the command line or a setting says cannot be done, whatever there is.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Where a value came from, in rising order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    BuiltIn,
    File(PathBuf),
    /// A configuration of Pulsar's: where in it, and under which name.
    Conf(String),
    Environment(&'static str),
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("built in"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Conf(place) => f.write_str(place),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(name) => write!(f, "flag --{name}"),
        }
    }
}

/// A port that is not to be.
const OFF: &str = "off";

/// A value as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Given {
    value: String,
    origin: Origin,
}

/// Every setting that has a value.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    given: BTreeMap<Key, Given>,
    /// What a configuration of Pulsar's says besides.
    broker: BrokerConf,
    notes: Vec<String>,
}

impl Settings {
    /// Without a configuration of Pulsar's.
    #[cfg(test)]
    pub(crate) fn read(flags: &Flags, environment: &[(OsString, OsString)]) -> Result<Self> {
        Self::read_with(flags, environment, None)
    }

    /// Reads all four places, and a configuration of Pulsar's, which wins over our own file. An empty variable counts as
    /// none: that is how a shell takes one back.
    pub(crate) fn read_with(
        flags: &Flags,
        environment: &[(OsString, OsString)],
        conf: Option<&Path>,
    ) -> Result<Self> {
        let mut given = BTreeMap::new();
        for key in KEYS {
            if let Some(value) = key.built_in() {
                given.insert(*key, Given { value: value.to_owned(), origin: Origin::BuiltIn });
            }
        }
        for (key, value, origin) in file::read(flags, environment)? {
            given.insert(key, Given { value, origin });
        }
        let conf = conf.map(|path| Conf::read(path, environment, flags.is_insecure()));
        let Conf { given: of_conf, broker, notes } = conf.transpose()?.unwrap_or_default();
        for (key, value, origin) in of_conf {
            given.insert(key, Given { value, origin });
        }
        for (name, value) in environment {
            let Some(key) = KEYS.iter().find(|key| name.to_str() == Some(key.variable())) else { continue };
            let Some(value) = value.to_str() else { bail!("{}: it is not UTF-8", key.variable()) };
            if !value.is_empty() {
                let origin = Origin::Environment(key.variable());
                given.insert(*key, Given { value: value.to_owned(), origin });
            }
        }
        for (key, value) in &flags.given {
            given.insert(*key, Given { value: value.clone(), origin: Origin::Flag(key.flag()) });
        }
        let settings = Self { given, broker, notes };
        settings.check()?;
        Ok(settings)
    }

    /// Everything is read once at the start, so that a wrong value is found before it matters.
    fn check(&self) -> Result<()> {
        for key in KEYS.iter().filter(|key| key.flag().ends_with("port")) {
            self.optional_port(*key)?;
        }
        self.service_name()?;
        self.console_services()?;
        for service in Service::ALL {
            self.database(service)?;
        }
        for key in [Key::EventsFileBytesMax, Key::EventIdsKeptHours, Key::OutboxKeptDays] {
            self.limit(key)?;
        }
        for key in
            [Key::NotificationsKeep, Key::HealthLagMax, Key::HealthErrorPercentMax, Key::HealthDeadLettersMax]
        {
            self.number(key)?;
        }
        ensure!(
            self.limit(Key::EventsFilesAsideMax)?.is_none()
                || self.given.contains_key(&Key::EventsFileBytesMax),
            "events_files_aside_max ({}) needs events_file_bytes_max beside it: without it no file is ever put \
             aside",
            self.origin(Key::EventsFilesAsideMax)
        );
        self.log()?;
        self.check_security()?;
        // Not what lies in the files that it names: a token may still be to be made.
        self.addresses().map(drop)
    }

    /// What a configuration of Pulsar's says of the broker that is none of the settings.
    pub(crate) fn broker(&self) -> &BrokerConf {
        &self.broker
    }

    /// What of such a configuration does not count.
    pub(crate) fn notes(&self) -> &[String] {
        &self.notes
    }

    pub(crate) fn data(&self) -> PathBuf {
        PathBuf::from(self.text(Key::Data))
    }

    pub(crate) fn log(&self) -> Result<LogFilter> {
        LogFilter::parse(self.text(Key::Log)).map_err(|error| {
            let meant = match &error {
                LogError::NoLevel { directive } => nearest::nearest(directive, LEVELS.into_iter()),
                LogError::Filter { .. } | LogError::Twice => None,
            };
            let way_out = match meant {
                Some(meant) => format!("did you mean {meant}?"),
                None => format!(
                    "write one of {}, or directives such as warn,hexalpes_broker=debug",
                    LEVELS.join(", ")
                ),
            };
            anyhow!("log ({}): {error}; {way_out}", self.origin(Key::Log))
        })
    }

    pub(crate) fn port(&self, key: Key) -> Result<u16> {
        Ok(self.optional_port(self.shared(key))?.expect("every port but SERVICE_PORT has a built-in value"))
    }

    /// Whose port one is that nobody set: contracts are served where the commission API is (C-1).
    fn shared(&self, key: Key) -> Key {
        match key {
            Key::OnboardingPort if !self.given.contains_key(&key) => Key::CommissionsPort,
            key => key,
        }
    }

    /// Whether contracts are served on the port of the commission API, where both run.
    pub(crate) fn shares_port(&self) -> Result<bool> {
        let (own, other) = (self.port(Key::OnboardingPort)?, self.port(Key::CommissionsPort)?);
        // Port 0 is another one each time.
        Ok(!self.given.contains_key(&Key::OnboardingPort) || (own == other && own != 0))
    }

    /// The port without TLS, unless a configuration of Pulsar's has it empty and none of our settings says more.
    pub(crate) fn plain_port(&self, key: Key) -> Result<Option<u16>> {
        let only_tls = match key {
            Key::AdminPort => self.broker.admin_only_tls,
            _ => self.broker.speaks_only_tls,
        };
        if only_tls && self.given[&key].origin == Origin::BuiltIn {
            Ok(None)
        } else {
            self.port(key).map(Some)
        }
    }

    /// The one service that is to run, by the names of the seeds too; `None`: all of them (C-31).
    pub(crate) fn service_name(&self) -> Result<Option<Service>> {
        let Some(Given { value, origin }) = self.given.get(&Key::ServiceName) else { return Ok(None) };
        if self.names_console() {
            return Ok(None);
        }
        let name = value.strip_suffix("-service").unwrap_or(value);
        let found = Service::ALL.into_iter().find(|service| service.name() == name);
        ensure!(
            found.is_some() || name == "all",
            "service_name ({origin}) is {value:?}, which is no service: write one of {}, or all",
            Service::ALL.map(Service::name).join(", ")
        );
        Ok(found)
    }

    /// The port of a service: with `SERVICE_PORT`, which is for one service that runs alone, unless its own
    /// port was set as well.
    pub(crate) fn service_port(&self, service: Service, alone: bool) -> Result<u16> {
        let own = self.shared(service.port_key());
        match self.optional_port(Key::ServicePort)? {
            Some(port) if alone && self.given[&own].origin == Origin::BuiltIn => Ok(port),
            _ => self.port(own),
        }
    }

    fn optional_port(&self, key: Key) -> Result<Option<u16>> {
        let Some(Given { value, origin }) = self.given.get(&key) else { return Ok(None) };
        if key == Key::ConsolePort && value == OFF {
            return Ok(None);
        }
        match value.parse() {
            Ok(port) => Ok(Some(port)),
            Err(_) => bail!(
                "{} ({origin}) is {value:?}, which is no port: write a number from 0 to 65535, without a host",
                key.name()
            ),
        }
    }

    /// How much there may be of something; `None` is without limit.
    pub(crate) fn limit(&self, key: Key) -> Result<Option<NonZeroU64>> {
        let Some(Given { value, origin }) = self.given.get(&key) else { return Ok(None) };
        match value.parse() {
            Ok(limit) => Ok(Some(limit)),
            Err(_) => bail!(
                "{} ({origin}) is {value:?}: write a whole number from 1 on, or leave it out for no limit",
                key.name()
            ),
        }
    }

    /// A number that has a built-in value; 0 is one, too.
    pub(crate) fn number(&self, key: Key) -> Result<u64> {
        let Given { value, origin } = self.given.get(&key).expect("it has a built-in value");
        let way_out = || format!("{} ({origin}) is {value:?}: write a whole number from 0 on", key.name());
        value.parse().with_context(way_out)
    }

    /// A service's own database: `{CONTEXT}_DATABASE_URL`, else one in the place that `DATABASE_URL` names, else a file
    /// in the data folder. In a server's place each has its part; what is named for `MySQL` is itself the commissions'.
    pub(crate) fn database(&self, service: Service) -> Result<DatabaseUrl> {
        let own = service.database_key();
        for key in [own, Key::DatabaseUrl] {
            if let Some(url) = self.database_url(key)? {
                let is_whole = url.backend() == Backend::MySql && service == Service::Commissions;
                let part = match key {
                    Key::DatabaseUrl if !is_whole => url.part(&service.name().replace('-', "_")),
                    _ => None,
                };
                return Ok(part.unwrap_or(url));
            }
        }
        Ok(DatabaseUrl::file(self.data().join(format!("{}.db", service.name()))))
    }

    fn database_url(&self, key: Key) -> Result<Option<DatabaseUrl>> {
        let Some(Given { value, origin }) = self.given.get(&key) else { return Ok(None) };
        let url = DatabaseUrl::parse(value).map_err(|error| anyhow!("{} ({origin}): {error}", key.name()))?;
        Ok(Some(url))
    }

    /// Where sources are kept: what `SOURCES_DATABASE_URL` names, else the server that `DATABASE_URL` names, else files in the
    /// data folder.
    pub(crate) fn sources(&self) -> Result<SourcesPlace> {
        let own = Key::SourcesDatabaseUrl;
        for key in [own, Key::DatabaseUrl] {
            let Some(url) = self.database_url(key)? else { continue };
            match url.path() {
                None => return Ok(SourcesPlace::Server(url)),
                // Of the services, it has all that a single file can have.
                Some(list) if key == own => return Ok(SourcesPlace::Files(list.to_owned())),
                Some(_) => {}
            }
        }
        Ok(self.sources_beside_the_data())
    }

    /// Where they are if no server is named.
    pub(crate) fn sources_beside_the_data(&self) -> SourcesPlace {
        SourcesPlace::Files(self.data().join(SOURCES).join("sources.db"))
    }

    /// The cluster that was named, else none: then it is the backbone of this machine.
    pub(crate) fn cluster(&self) -> Result<Option<Engine>> {
        let Some(engine) = self.addresses()? else { return Ok(None) };
        Ok(Some(Engine { trust: self.trust()?, token: self.token()?, ..engine }))
    }

    fn addresses(&self) -> Result<Option<Engine>> {
        let [broker, admin] = [Key::PulsarBrokerUrl, Key::PulsarAdminUrl].map(|key| self.given.get(&key));
        match (broker, admin) {
            (None, None) => Ok(None),
            (Some(broker), Some(admin)) => {
                Engine::parse(&broker.value, &admin.value, &broker.origin, &admin.origin).map(Some)
            }
            (Some(broker), None) => bail!(
                "pulsar_broker_url ({}) needs pulsar_admin_url beside it: set PULSAR_ADMIN_URL, such as \
                 http://HOST:8080",
                broker.origin
            ),
            (None, Some(admin)) => bail!(
                "pulsar_admin_url ({}) needs pulsar_broker_url beside it: set PULSAR_BROKER_URL, such as \
                 pulsar://HOST:6650",
                admin.origin
            ),
        }
    }

    /// Whom a service or a command speaks to.
    pub(crate) fn engine(&self) -> Result<Engine> {
        if let Some(cluster) = self.cluster()? {
            return Ok(cluster);
        }
        let engine = Engine::at(self.host()?, self.port(Key::BackbonePort)?, self.port(Key::AdminPort)?);
        Ok(Engine { token: self.token()?, ..engine })
    }

    /// The authorities in the file that was named.
    fn trust(&self) -> Result<Option<Vec<u8>>> {
        let Some(Given { value, origin }) = self.given.get(&Key::TlsTrustCertsFile) else { return Ok(None) };
        let read = fs::read(value);
        read.map(Some).with_context(|| format!("tls_trust_certs_file ({origin}): {value} cannot be read"))
    }

    /// What we show the broker.
    pub(crate) fn token(&self) -> Result<Option<Token>> {
        let Some(Given { value, origin }) = self.given.get(&Key::PulsarTokenFile) else { return Ok(None) };
        let read = fs::read_to_string(value);
        let token = read.with_context(|| format!("pulsar_token_file ({origin}): {value} cannot be read"))?;
        ensure!(!token.trim().is_empty(), "pulsar_token_file ({origin}): {value} is empty");
        Ok(Some(Token::new(token.trim())))
    }

    /// Name, value and origin of each setting; a password is not shown.
    pub(crate) fn shown(&self) -> Vec<[String; 3]> {
        let row = |key: &Key| {
            let (value, origin) = match self.given.get(key) {
                Some(Given { value, origin }) if key.flag().ends_with("database-url") => {
                    let shown = DatabaseUrl::parse(value).map(|url| url.to_string());
                    (shown.unwrap_or_default(), origin.to_string())
                }
                Some(Given { value, origin }) if value.starts_with("data:") => {
                    ("data:…".to_owned(), origin.to_string())
                }
                Some(Given { value, origin }) => (value.clone(), origin.to_string()),
                None => (String::new(), "not set".to_owned()),
            };
            [key.name(), value, origin]
        };
        KEYS.iter().map(row).collect()
    }

    /// What was said of a setting that has no value of its own.
    pub(crate) fn given(&self, key: Key) -> Option<&str> {
        self.given.get(&key).map(|given| given.value.as_str())
    }

    fn text(&self, key: Key) -> &str {
        &self.given.get(&key).expect("it has a built-in value").value
    }

    fn origin(&self, key: Key) -> &Origin {
        &self.given.get(&key).expect("it has a value").origin
    }
}

/// Variables that look like ours and are not: most likely a slip of the pen.
///
/// They are a warning and no error, for not all of them are somebody's: Kubernetes gives every container
/// `HEXALPES_SERVICE_HOST` and its like once a service has our name.
pub(crate) fn strange_variables(environment: &[(OsString, OsString)]) -> Vec<String> {
    let known: Vec<&str> = KEYS.iter().map(|key| key.variable()).chain([file::VARIABLE]).collect();
    let is_strange = |name: &str| {
        name.starts_with("HEXALPES_") && !name.starts_with("HEXALPES_TEST_") && !known.contains(&name)
    };
    let names = environment.iter().filter_map(|(name, _)| name.to_str()).filter(|name| is_strange(name));
    names
        .map(|name| match nearest::nearest(name, known.iter().copied()) {
            Some(meant) => format!("the variable {name} is none of ours; did you mean {meant}?"),
            None => format!("the variable {name} is none of ours"),
        })
        .collect()
}

#[cfg(test)]
mod tests;
