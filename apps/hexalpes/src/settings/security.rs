//! Who is let in, what they may do, and where it listens.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
};

use anyhow::{Context as _, Result, bail, ensure};
use hexalpes_auth::{Authentication, Authorization, Passwords, SecretKey, TokenKey, key_bytes};
use hexalpes_tls::TlsFiles;

use super::{Given, Key, Origin, Settings};

impl Settings {
    /// What can be seen without the files that are named: a token or a key may still be to be made.
    pub(super) fn check_security(&self) -> Result<()> {
        let host = self.host()?;
        self.tls_files()?;
        for key in [Key::TlsClientRoles, Key::TlsClientRequired] {
            ensure!(
                !self.is_on(key)?.unwrap_or(false) || self.given.contains_key(&Key::TlsTrustCertsFile),
                "{} ({}) needs tls_trust_certs_file beside it: the authorities of clients' certificates",
                key.name(),
                self.origin(key)
            );
        }
        self.is_on(Key::AuthorizationEnabled)?;
        ensure!(
            !self.given.contains_key(&Key::AnonymousUserRole) || self.asks_who_they_are()?,
            "anonymous_user_role ({}) needs token_secret_key, token_public_key, basic_auth_conf or tls_client_roles \
             beside it: without, nobody is asked who they are",
            self.origin(Key::AnonymousUserRole)
        );
        ensure!(
            host.is_loopback() || self.is_insecure()? || self.asks_who_they_are()?,
            "host ({}) is {host}, beyond this machine, and nobody is asked who they are: set token_secret_key, \
             token_public_key, basic_auth_conf or tls_client_roles (`hexalpes token secret-key` makes a key), or say \
             --insecure, if whoever reaches it may do everything",
            self.origin(Key::Host)
        );
        let advertised = self.advertised_address()?;
        ensure!(
            url::Host::parse(&advertised).is_ok(),
            "advertised_address ({}) is {advertised:?}: write a host alone, without a scheme and a port; IPv6 in brackets",
            self.origin(Key::AdvertisedAddress)
        );
        Ok(())
    }

    /// Where the backbone listens.
    pub(crate) fn host(&self) -> Result<IpAddr> {
        match self.text(Key::Host) {
            "localhost" => Ok(Ipv4Addr::LOCALHOST.into()),
            host => host.trim_matches(['[', ']']).parse().with_context(|| {
                format!(
                    "host ({}) is {host:?}, which is no address: write one of this machine, or 0.0.0.0 for all",
                    self.origin(Key::Host)
                )
            }),
        }
    }

    /// Where the services' own APIs listen, which ask nobody who they are.
    pub(crate) fn api_host(&self) -> Result<IpAddr> {
        if self.is_insecure()? { self.host() } else { Ok(Ipv4Addr::LOCALHOST.into()) }
    }

    fn is_insecure(&self) -> Result<bool> {
        Ok(self.is_on(Key::Insecure)?.unwrap_or(false))
    }

    pub(crate) fn is_on(&self, key: Key) -> Result<Option<bool>> {
        let Some(Given { value, origin }) = self.given.get(&key) else { return Ok(None) };
        match value.as_str() {
            "true" => Ok(Some(true)),
            "false" => Ok(Some(false)),
            _ => bail!("{} ({origin}) is {value:?}: write true or false", key.name()),
        }
    }

    /// Whether clients have to prove who they are, whatever the files hold.
    fn asks_who_they_are(&self) -> Result<bool> {
        let is_given = |key| self.given.contains_key(&key);
        Ok([Key::TokenSecret, Key::TokenPublic, Key::BasicAuthConf].into_iter().any(is_given)
            || self.is_on(Key::TlsClientRoles)?.unwrap_or(false))
    }

    /// What signs tokens, and checks them.
    pub(crate) fn secret_key(&self) -> Result<Option<SecretKey>> {
        let Some(Given { value, origin }) = self.given.get(&Key::TokenSecret) else { return Ok(None) };
        let key = key_bytes(value).map_err(anyhow::Error::from).and_then(|bytes| Ok(SecretKey::new(bytes)?));
        key.map(Some).with_context(|| format!("token_secret_key ({origin})"))
    }

    fn token_key(&self) -> Result<Option<TokenKey>> {
        match (self.secret_key()?, self.given.get(&Key::TokenPublic)) {
            (Some(secret), None) => Ok(Some(TokenKey::secret(secret))),
            (None, Some(Given { value, origin })) => {
                let bytes = key_bytes(value).map_err(anyhow::Error::from);
                let key = bytes.and_then(|bytes| Ok(TokenKey::public(&bytes)?));
                key.map(Some).with_context(|| format!("token_public_key ({origin})"))
            }
            (Some(_), Some(Given { origin, .. })) => bail!(
                "token_public_key ({origin}) stands beside token_secret_key: tokens are signed with one of them, \
                 leave the other out"
            ),
            (None, None) => Ok(None),
        }
    }

    fn passwords(&self) -> Result<Option<Passwords>> {
        let Some(Given { value, origin }) = self.given.get(&Key::BasicAuthConf) else { return Ok(None) };
        let bytes = key_bytes(value).map_err(anyhow::Error::from);
        let passwords = bytes.and_then(|bytes| Ok(Passwords::parse(&bytes)?));
        passwords.map(Some).with_context(|| format!("basic_auth_conf ({origin})"))
    }

    /// How clients of the backbone prove who they are; none if nobody asks them.
    pub(crate) fn authentication(&self) -> Result<Option<Authentication>> {
        if !self.asks_who_they_are()? {
            return Ok(None);
        }
        Ok(Some(Authentication {
            token: self.token_key()?,
            passwords: self.passwords()?,
            by_certificate: self.is_on(Key::TlsClientRoles)?.unwrap_or(false),
            anonymous_role: self.given.get(&Key::AnonymousUserRole).map(|given| given.value.clone()),
        }))
    }

    /// Who may do everything; none if whoever is let in may. Rights are asked for where clients are asked who they are,
    /// unless somebody says otherwise: a token that opens everything is a surprise to nobody then.
    pub(crate) fn authorization(&self) -> Result<Option<Authorization>> {
        let asked = self.asks_who_they_are()?;
        match self.is_on(Key::AuthorizationEnabled)? {
            Some(false) => return Ok(None),
            None if !asked => return Ok(None),
            Some(true) if !asked => bail!(
                "authorization_enabled ({}) is true, and nobody is asked who they are: set token_secret_key, \
                 token_public_key, basic_auth_conf or tls_client_roles",
                self.origin(Key::AuthorizationEnabled)
            ),
            Some(true) | None => {}
        }
        let superusers = self.roles(Key::SuperUserRoles);
        ensure!(
            !superusers.is_empty() || self.is_of_conf(Key::AuthorizationEnabled),
            "rights are asked for, and nobody has any: name who may do everything with --super-user-roles, or let \
             everybody who is let in do everything with --authorization-enabled false"
        );
        Ok(Some(Authorization::new(superusers, self.roles(Key::ProxyRoles))))
    }

    fn roles(&self, key: Key) -> Vec<String> {
        let given = self.given.get(&key).map_or("", |given| &given.value);
        given.split(',').map(str::trim).filter(|role| !role.is_empty()).map(str::to_owned).collect()
    }

    /// Pulsar starts without superusers, and so does what is configured as it.
    fn is_of_conf(&self, key: Key) -> bool {
        self.given.get(&key).is_some_and(|given| matches!(given.origin, Origin::Conf(_)))
    }

    /// Who starts a backbone that asks for tokens, and services beside it, has one for them.
    pub(crate) fn own_token_is_there(&self) -> Result<()> {
        ensure!(
            self.authentication()?.is_none()
                || self.given.contains_key(&Key::PulsarTokenFile)
                || self.given.contains_key(&Key::AnonymousUserRole),
            "the backbone asks for tokens, and the services beside it have none: make one (`hexalpes token create \
             --subject hexalpes`), and name its file with --pulsar-token-file"
        );
        Ok(())
    }

    /// The files of the backbone's TLS; none if it has no certificate.
    pub(crate) fn tls_files(&self) -> Result<Option<TlsFiles>> {
        let path = |key| self.given.get(&key).map(|given: &Given| PathBuf::from(&given.value));
        match (path(Key::TlsCertificateFile), path(Key::TlsKeyFile)) {
            (None, None) => Ok(None),
            (Some(certificate), Some(key)) => {
                let must_show = self.is_on(Key::TlsClientRequired)?.unwrap_or(false);
                Ok(Some(TlsFiles { certificate, key, trust: path(Key::TlsTrustCertsFile), must_show }))
            }
            (Some(_), None) => bail!(
                "tls_certificate_file ({}) needs tls_key_file beside it: the private key of the certificate",
                self.origin(Key::TlsCertificateFile)
            ),
            (None, Some(_)) => bail!(
                "tls_key_file ({}) needs tls_certificate_file beside it: the certificate of the key",
                self.origin(Key::TlsKeyFile)
            ),
        }
    }

    /// The host in the addresses that the backbone tells its clients.
    pub(crate) fn advertised_address(&self) -> Result<String> {
        if let Some(given) = self.given.get(&Key::AdvertisedAddress) {
            return Ok(given.value.clone());
        }
        match self.host()? {
            host if host.is_unspecified() => bail!(
                "advertised_address is not set: host ({}) is every address of this machine, so say under which name \
                 clients reach it",
                self.origin(Key::Host)
            ),
            IpAddr::V4(host) => Ok(host.to_string()),
            IpAddr::V6(host) => Ok(format!("[{host}]")),
        }
    }

    /// What is asked of clients, and where they may be, in the words of a banner.
    pub(crate) fn guard(&self) -> Result<String> {
        let who = match (self.asks_who_they_are()?, self.authorization()?) {
            (false, _) => "Authentication is off",
            (true, None) => "The backbone lets in who proves who it is, and then everything may be done",
            (true, Some(_)) => "The backbone lets in who proves who it is, and asks for rights",
        };
        Ok(format!("{who}: it listens on {}", place(self.host()?)))
    }

    /// Where the services' own APIs may be reached, in the words of a banner.
    pub(crate) fn api_place(&self) -> Result<String> {
        self.api_host().map(place)
    }
}

fn place(host: IpAddr) -> String {
    if host.is_loopback() { "loopback only".to_owned() } else { host.to_string() }
}
