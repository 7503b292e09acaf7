//! A configuration of Pulsar's, such as its `standalone.conf`: what of it counts here, and what does not.
//!
//! Names that [`Settings`](crate::settings::Settings) know under others become those, with where they stand; what only
//! the broker knows is in [`BrokerConf`]. The environment wins over the file, as in the official image: by
//! `PULSAR_PREFIX_name`, and by `name` alone where Pulsar has such a name.

mod policies;
mod properties;

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fs,
    net::IpAddr,
    path::Path,
    str::FromStr,
    time::Duration,
};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use serde_json::{Map, Value};

use crate::settings::{Key, Origin};

/// Every name that stands in the files of Pulsar 4.0.8.
const NAMES: &str = include_str!("names.txt");
const PREFIX: &str = "PULSAR_PREFIX_";
/// Where the official image takes options of the JVM from; one of them names the file of passwords.
const JVM_OPTIONS: &str = "PULSAR_EXTRA_OPTS";
const PASSWORDS: &str = "-Dpulsar.auth.basic.conf=";

/// Names that are as here whatever they say, or say nothing of their own.
const AS_HERE: [&str; 6] = [
    "acknowledgmentAtBatchIndexLevelEnabled",
    "authorizationProvider",
    "brokerClientAuthenticationParameters",
    "clusterName",
    "systemTopicEnabled",
    "tlsEnabled",
];

/// How long a line of names is.
const LINE_LETTERS: usize = 110;

/// Names that are made out of Java's classes.
const PROVIDERS: [(&str, Provider); 3] = [
    ("AuthenticationProviderToken", Provider::Token),
    ("AuthenticationProviderBasic", Provider::Basic),
    ("AuthenticationProviderTls", Provider::Tls),
];

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Provider {
    Token,
    Basic,
    Tls,
}

/// What the broker is opened with besides.
#[derive(Clone, Debug, Default)]
pub(crate) struct BrokerConf {
    pub(crate) max_message_bytes: Option<usize>,
    pub(crate) keep_alive: Option<Duration>,
    /// What holds for a namespace that says nothing of its own.
    pub(crate) defaults: Map<String, Value>,
    /// How often it is looked what is not to be kept any more, and what has expired or is over its quota.
    pub(crate) trim_every: Option<Duration>,
    pub(crate) producer_absent_max: Option<Duration>,
    pub(crate) keeps_inactive_topics: bool,
    pub(crate) ignores_quotas: bool,
    /// It listens for TLS alone, with the protocol, or with REST.
    pub(crate) speaks_only_tls: bool,
    pub(crate) admin_only_tls: bool,
    /// A Pulsar that may not do anything on itself makes no `public/default`.
    pub(crate) lacks_public: bool,
}

/// What a configuration comes to.
#[derive(Default)]
pub(crate) struct Conf {
    pub(crate) given: Vec<(Key, String, Origin)>,
    pub(crate) broker: BrokerConf,
    /// What whoever starts it is to be told.
    pub(crate) notes: Vec<String>,
}

/// A value, and where it stands.
struct Entry {
    value: String,
    place: String,
}

/// What there is, each name gone once it was asked for.
struct Entries {
    left: BTreeMap<String, Entry>,
    given: Vec<(Key, String, Origin)>,
}

impl Conf {
    /// Reads a file, which must be there, and what the environment says besides.
    pub(crate) fn read(path: &Path, environment: &[(OsString, OsString)], insecure: bool) -> Result<Self> {
        let shown = path.display();
        let bytes = fs::read(path).with_context(|| format!("the configuration {shown} cannot be read"))?;
        let text = String::from_utf8_lossy(&bytes);
        let mut left = BTreeMap::new();
        for property in properties::parse(&text) {
            let place = format!("{shown} line {}, {}", property.line, property.name);
            left.insert(property.name, Entry { value: property.value, place });
        }
        let variables: Vec<(&str, &str)> =
            environment.iter().filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?))).collect();
        let known: BTreeSet<String> =
            NAMES.lines().chain(left.keys().map(String::as_str)).map(str::to_owned).collect();
        for prefix in ["", PREFIX] {
            for (variable, value) in &variables {
                let Some(name) = variable.strip_prefix(prefix) else { continue };
                if prefix.is_empty() && !known.contains(name) {
                    continue;
                }
                let entry = Entry { value: (*value).to_owned(), place: format!("environment {variable}") };
                left.insert(name.to_owned(), entry);
            }
        }
        let jvm = variables.iter().find(|(name, _)| *name == JVM_OPTIONS).map_or("", |(_, options)| options);
        if let Some(file) = jvm.split_whitespace().find_map(|option| option.strip_prefix(PASSWORDS)) {
            let is_set = left.get("basicAuthConf").is_some_and(|entry| !entry.value.is_empty());
            if !is_set {
                let entry = Entry { value: file.to_owned(), place: format!("environment {JVM_OPTIONS}") };
                left.insert("basicAuthConf".to_owned(), entry);
            }
        }
        let only_tls = |plain: &str| {
            let is_off = left.get(plain).is_some_and(|entry| entry.value.trim().is_empty());
            let over_tls =
                left.get(&*format!("{plain}Tls")).is_some_and(|entry| !entry.value.trim().is_empty());
            ensure!(
                !is_off || over_tls,
                "{shown}: {plain} is empty, and so is {plain}Tls: nobody could connect; give one of both a port"
            );
            Ok::<_, anyhow::Error>(is_off)
        };
        let (speaks_only_tls, admin_only_tls) = (only_tls("brokerServicePort")?, only_tls("webServicePort")?);
        // An empty value is that of the broker.
        left.retain(|_, entry| !entry.value.is_empty());
        let mut entries = Entries { left, given: Vec::new() };
        let mut notes = Vec::new();
        let is_guarded = entries.authentication()?;
        let lacks_public = entries.authorization()?;
        entries.addresses(is_guarded, insecure, &mut notes)?;
        let broker = BrokerConf { speaks_only_tls, admin_only_tls, lacks_public, ..entries.broker()? };
        notes.extend(entries.unused());
        Ok(Self { given: entries.given, broker, notes })
    }
}

impl Entries {
    fn take(&mut self, name: &str) -> Option<Entry> {
        self.left.remove(name)
    }

    /// A value of some type; `kind` is what it has to be, in words.
    fn parsed<T: FromStr>(&mut self, name: &str, kind: &str) -> Result<Option<T>> {
        let Some(Entry { value, place }) = self.take(name) else { return Ok(None) };
        let parsed = value.trim().parse();
        parsed.map(Some).map_err(|_| anyhow!("{place}: {value:?} is not {kind}"))
    }

    fn is_on(&mut self, name: &str) -> Result<Option<bool>> {
        let Some(Entry { value, place }) = self.take(name) else { return Ok(None) };
        match value.trim().to_ascii_lowercase().as_str() {
            "true" => Ok(Some(true)),
            "false" => Ok(Some(false)),
            _ => bail!("{place}: {value:?} is not true or false"),
        }
    }

    /// What would open more than anybody should want: it has to be off.
    fn is_off(&mut self, name: &str, because: &str) -> Result<()> {
        let place = self.left.get(name).map(|entry| entry.place.clone()).unwrap_or_default();
        ensure!(!self.is_on(name)?.unwrap_or(false), "{place}: it cannot be true here: {because}");
        Ok(())
    }

    fn give(&mut self, key: Key, entry: Entry) {
        self.given.push((key, entry.value, Origin::Conf(entry.place)));
    }

    /// The same setting under our name, if it is there.
    fn pass(&mut self, name: &str, key: Key) {
        if let Some(entry) = self.take(name) {
            self.give(key, entry);
        }
    }

    /// Who clients prove to be; whether they have to.
    fn authentication(&mut self) -> Result<bool> {
        let is_on = self.is_on("authenticationEnabled")?.unwrap_or(false);
        self.is_off("authenticateOriginalAuthData", "who a proxy speaks for is taken from the proxy")?;
        if let Some(claim) = self.take("tokenAuthClaim") {
            ensure!(claim.value == "sub", "{}: the role is the subject of a token, sub", claim.place);
        }
        let providers = self.providers()?;
        let mut take = |name: &str, counts: bool| self.take(name).filter(|_| is_on && counts);
        let has = |provider| providers.contains(&provider);
        let secret = take("tokenSecretKey", has(Provider::Token));
        let public = take("tokenPublicKey", has(Provider::Token));
        let passwords = take("basicAuthConf", has(Provider::Basic));
        let anonymous = take("anonymousUserRole", true);
        if !is_on {
            return Ok(false);
        }
        ensure!(
            !providers.is_empty(),
            "authenticationEnabled is true, and authenticationProviders names none"
        );
        ensure!(
            !has(Provider::Token) || secret.is_some() || public.is_some(),
            "authenticationProviders has tokens, and there is neither tokenSecretKey nor tokenPublicKey"
        );
        ensure!(
            !has(Provider::Basic) || passwords.is_some(),
            "authenticationProviders has passwords, and there is no basicAuthConf that names their file"
        );
        for (key, entry) in [
            (Key::TokenSecret, secret),
            (Key::TokenPublic, public),
            (Key::BasicAuthConf, passwords),
            (Key::AnonymousUserRole, anonymous),
        ] {
            if let Some(entry) = entry {
                self.give(key, entry);
            }
        }
        if has(Provider::Tls) {
            let place = "authenticationProviders".to_owned();
            self.give(Key::TlsClientRoles, Entry { value: "true".to_owned(), place });
        }
        Ok(true)
    }

    fn providers(&mut self) -> Result<BTreeSet<Provider>> {
        let Some(Entry { value, place }) = self.take("authenticationProviders") else {
            return Ok(BTreeSet::new());
        };
        let classes = value.split(',').map(str::trim).filter(|class| !class.is_empty());
        classes
            .map(|class| {
                let name = class.rsplit('.').next().unwrap_or(class);
                let found = PROVIDERS.iter().find(|(known, _)| *known == name);
                found.map(|(_, provider)| *provider).ok_or_else(|| {
                    let known = PROVIDERS.map(|(known, _)| known).join(", ");
                    anyhow!("{place}: {class} is not supported, only {known}")
                })
            })
            .collect()
    }

    /// Who may do what; whether nobody makes `public/default`.
    fn authorization(&mut self) -> Result<bool> {
        let entry = self.take("authorizationEnabled");
        let place = entry.as_ref().map_or("authorizationEnabled", |entry| &entry.place).to_owned();
        let value = entry.map_or("false".to_owned(), |entry| entry.value.trim().to_ascii_lowercase());
        ensure!(value == "true" || value == "false", "{place}: {value:?} is not true or false");
        let is_on = value == "true";
        self.give(Key::AuthorizationEnabled, Entry { value, place });
        let superusers = self.left.get("superUserRoles").map(|entry| entry.value.clone()).unwrap_or_default();
        self.pass("superUserRoles", Key::SuperUserRoles);
        self.pass("proxyRoles", Key::ProxyRoles);
        let has_own_role = self.take("brokerClientAuthenticationPlugin").is_some();
        let anonymous = self.given.iter().find(|(key, ..)| *key == Key::AnonymousUserRole);
        let is_super =
            anonymous.is_some_and(|(_, role, _)| superusers.split(',').any(|one| one.trim() == role));
        Ok(is_on && !has_own_role && !is_super)
    }

    fn addresses(&mut self, is_guarded: bool, insecure: bool, notes: &mut Vec<String>) -> Result<()> {
        for (name, key) in [("brokerServicePort", Key::BackbonePort), ("webServicePort", Key::AdminPort)] {
            self.pass(name, key);
        }
        self.is_off("tlsAllowInsecureConnection", "a certificate that is shown has to be good")?;
        self.pass("tlsTrustCertsFilePath", Key::TlsTrustCertsFile);
        let required = self.take("tlsRequireTrustedClientCertOnConnect");
        let ports = [self.take("brokerServicePortTls"), self.take("webServicePortTls")];
        let files = [self.take("tlsCertificateFilePath"), self.take("tlsKeyFilePath")];
        if ports.iter().any(Option::is_some) {
            let [protocol, admin] = ports;
            let any = || Entry { value: "0".to_owned(), place: "any port".to_owned() };
            self.give(Key::BackboneTlsPort, protocol.unwrap_or_else(any));
            self.give(Key::AdminTlsPort, admin.unwrap_or_else(any));
            ensure!(
                files.iter().all(Option::is_some),
                "brokerServicePortTls or webServicePortTls is set, and tlsCertificateFilePath or tlsKeyFilePath is not"
            );
            for (key, entry) in [Key::TlsCertificateFile, Key::TlsKeyFile].into_iter().zip(files) {
                if let Some(entry) = entry {
                    self.give(key, entry);
                }
            }
            if let Some(entry) = required {
                self.give(Key::TlsClientRequired, entry);
            }
        }
        let bound = self.take("bindAddress");
        let bound =
            bound.unwrap_or_else(|| Entry { value: "0.0.0.0".to_owned(), place: "built in".to_owned() });
        let is_local = bound.value == "localhost"
            || bound.value.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        if !is_local && !is_guarded && !insecure {
            notes.push(format!(
                "bindAddress is {}, and authenticationEnabled is not true: it listens on 127.0.0.1 only, and with \
                 --insecure there",
                bound.value
            ));
            self.give(Key::Host, Entry { value: "127.0.0.1".to_owned(), place: bound.place });
        } else {
            self.give(Key::Host, bound);
        }
        let advertised = self.take("advertisedAddress");
        let local = || Entry { value: "localhost".to_owned(), place: "built in".to_owned() };
        self.give(Key::AdvertisedAddress, advertised.unwrap_or_else(local));
        Ok(())
    }

    fn broker(&mut self) -> Result<BrokerConf> {
        let max_message_bytes = self.parsed::<usize>("maxMessageSize", "a number of bytes")?;
        let keep_alive = self.seconds("keepAliveIntervalSeconds")?;
        let trim_every = self.trim_every()?;
        let name = "brokerDeduplicationProducerInactivityTimeoutMinutes";
        let absent = self.parsed::<u32>(name, "a number of minutes")?;
        Ok(BrokerConf {
            max_message_bytes,
            keep_alive,
            trim_every,
            producer_absent_max: absent.map(|minutes| Duration::from_mins(u64::from(minutes))),
            keeps_inactive_topics: !self.is_on("brokerDeleteInactiveTopicsEnabled")?.unwrap_or(true),
            ignores_quotas: !self.is_on("backlogQuotaCheckEnabled")?.unwrap_or(true),
            defaults: self.policies()?,
            ..BrokerConf::default()
        })
    }

    /// There is one round for all of these here: it comes as often as that which is to come most often.
    fn trim_every(&mut self) -> Result<Option<Duration>> {
        let quotas = self.seconds("backlogQuotaCheckIntervalInSeconds")?;
        let inactive = self.seconds("brokerDeleteInactiveTopicsFrequencySeconds")?;
        let expiry = self.parsed::<u32>("messageExpiryCheckIntervalInMinutes", "a number of minutes")?;
        let expiry = expiry.map(|minutes| Duration::from_mins(u64::from(minutes.max(1))));
        Ok([quotas, inactive, expiry].into_iter().flatten().min())
    }

    fn seconds(&mut self, name: &str) -> Result<Option<Duration>> {
        let seconds = self.parsed::<u32>(name, "a number of seconds")?;
        Ok(seconds.map(|seconds| Duration::from_secs(u64::from(seconds.max(1)))))
    }

    /// What nobody asked for: a line for each kind, and below it the names, of which Pulsar's own files have hundreds.
    fn unused(&self) -> Vec<String> {
        let known: BTreeSet<&str> = NAMES.lines().collect();
        let left = self.left.keys().map(String::as_str).filter(|name| !AS_HERE.contains(name));
        let (without_effect, unknown): (Vec<_>, Vec<_>) = left.partition(|name| known.contains(name));
        let mut notes = Vec::new();
        for (names, what) in [(without_effect, "have no effect here"), (unknown, "are not known")] {
            if !names.is_empty() {
                notes.push(format!("of the configuration {} names {what}:{}", names.len(), wrapped(&names)));
            }
        }
        notes
    }
}

/// Names in lines that are easily read.
fn wrapped(names: &[&str]) -> String {
    let (mut lines, mut length) = (String::new(), LINE_LETTERS);
    for (index, name) in names.iter().enumerate() {
        if index > 0 {
            lines.push(',');
        }
        if length + name.len() + 2 > LINE_LETTERS {
            lines.push_str("\n    ");
            length = 4;
        } else {
            lines.push(' ');
        }
        lines.push_str(name);
        length += name.len() + 2;
    }
    lines
}

#[cfg(test)]
mod tests;
