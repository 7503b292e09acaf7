//! The table of settings: one name in the file, one variable, one flag.

/// One setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    Data,
    Log,
    Host,
    BackbonePort,
    AdminPort,
    ConsolePort,
    ConsoleServices,
    CommissionsPort,
    OnboardingPort,
    PartnersPort,
    AffiliatesPort,
    ConversionsPort,
    MarketingPort,
    CampaignsPort,
    RecruitmentPort,
    AnalyticsPort,
    NotificationsPort,
    ServiceName,
    ServicePort,
    BackboneTlsPort,
    AdminTlsPort,
    TlsCertificateFile,
    TlsKeyFile,
    TlsTrustCertsFile,
    AdvertisedAddress,
    TokenSecret,
    TokenPublic,
    AnonymousUserRole,
    BasicAuthConf,
    TlsClientRoles,
    TlsClientRequired,
    AuthorizationEnabled,
    SuperUserRoles,
    ProxyRoles,
    Insecure,
    PulsarTokenFile,
    PulsarBrokerUrl,
    PulsarAdminUrl,
    DatabaseUrl,
    CommissionsDatabaseUrl,
    OnboardingDatabaseUrl,
    PartnersDatabaseUrl,
    AffiliatesDatabaseUrl,
    ConversionsDatabaseUrl,
    CampaignsDatabaseUrl,
    RecruitmentDatabaseUrl,
    AnalyticsDatabaseUrl,
    NotificationsDatabaseUrl,
    SourcesDatabaseUrl,
    RelaySlot,
    RelayServerId,
    OutboxKeptDays,
    SecretKeyFile,
    PayoutSecretFile,
    SmtpUrl,
    SmtpFrom,
    LinksUrl,
    TopologyFile,
    EventsFileBytesMax,
    EventsFilesAsideMax,
    EventIdsKeptHours,
    NotificationsKeep,
    HealthLagMax,
    HealthErrorPercentMax,
    HealthDeadLettersMax,
    SeedMetricNames,
}

/// All of them, in the order in which they are shown.
pub(crate) const KEYS: &[Key] = &[
    Key::Data,
    Key::Log,
    Key::Host,
    Key::BackbonePort,
    Key::AdminPort,
    Key::ConsolePort,
    Key::ConsoleServices,
    Key::CommissionsPort,
    Key::OnboardingPort,
    Key::PartnersPort,
    Key::AffiliatesPort,
    Key::ConversionsPort,
    Key::MarketingPort,
    Key::CampaignsPort,
    Key::RecruitmentPort,
    Key::AnalyticsPort,
    Key::NotificationsPort,
    Key::ServiceName,
    Key::ServicePort,
    Key::BackboneTlsPort,
    Key::AdminTlsPort,
    Key::TlsCertificateFile,
    Key::TlsKeyFile,
    Key::TlsTrustCertsFile,
    Key::AdvertisedAddress,
    Key::TokenSecret,
    Key::TokenPublic,
    Key::AnonymousUserRole,
    Key::BasicAuthConf,
    Key::TlsClientRoles,
    Key::TlsClientRequired,
    Key::AuthorizationEnabled,
    Key::SuperUserRoles,
    Key::ProxyRoles,
    Key::Insecure,
    Key::PulsarTokenFile,
    Key::PulsarBrokerUrl,
    Key::PulsarAdminUrl,
    Key::DatabaseUrl,
    Key::CommissionsDatabaseUrl,
    Key::OnboardingDatabaseUrl,
    Key::PartnersDatabaseUrl,
    Key::AffiliatesDatabaseUrl,
    Key::ConversionsDatabaseUrl,
    Key::CampaignsDatabaseUrl,
    Key::RecruitmentDatabaseUrl,
    Key::AnalyticsDatabaseUrl,
    Key::NotificationsDatabaseUrl,
    Key::SourcesDatabaseUrl,
    Key::RelaySlot,
    Key::RelayServerId,
    Key::OutboxKeptDays,
    Key::SecretKeyFile,
    Key::PayoutSecretFile,
    Key::SmtpUrl,
    Key::SmtpFrom,
    Key::LinksUrl,
    Key::TopologyFile,
    Key::EventsFileBytesMax,
    Key::EventsFilesAsideMax,
    Key::EventIdsKeptHours,
    Key::NotificationsKeep,
    Key::HealthLagMax,
    Key::HealthErrorPercentMax,
    Key::HealthDeadLettersMax,
    Key::SeedMetricNames,
];

impl Key {
    /// As in the file.
    pub(crate) fn name(self) -> String {
        self.flag().replace('-', "_")
    }

    /// Flag and variable.
    const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Data => ("data", "HEXALPES_DATA"),
            Self::Log => ("log", "HEXALPES_LOG"),
            Self::Host => ("host", "HEXALPES_HOST"),
            Self::BackbonePort => ("backbone-port", "HEXALPES_BACKBONE_PORT"),
            Self::AdminPort => ("admin-port", "HEXALPES_ADMIN_PORT"),
            Self::ConsolePort => ("console-port", "HEXALPES_CONSOLE_PORT"),
            Self::ConsoleServices => ("console-services", "HEXALPES_CONSOLE_SERVICES"),
            Self::CommissionsPort => ("commissions-port", "COMMISSIONS_PORT"),
            Self::OnboardingPort => ("onboarding-port", "ONBOARDING_PORT"),
            Self::PartnersPort => ("partners-port", "PARTNERS_PORT"),
            Self::AffiliatesPort => ("affiliates-port", "AFFILIATES_PORT"),
            Self::ConversionsPort => ("conversions-port", "CONVERSIONS_PORT"),
            Self::MarketingPort => ("marketing-port", "MARKETING_PORT"),
            Self::CampaignsPort => ("campaigns-port", "CAMPAIGNS_PORT"),
            Self::RecruitmentPort => ("recruitment-port", "RECRUITMENT_PORT"),
            Self::AnalyticsPort => ("analytics-port", "ANALYTICS_PORT"),
            Self::NotificationsPort => ("notifications-port", "NOTIFICATIONS_PORT"),
            Self::ServiceName => ("service-name", "SERVICE_NAME"),
            Self::ServicePort => ("service-port", "SERVICE_PORT"),
            Self::BackboneTlsPort => ("backbone-tls-port", "HEXALPES_BACKBONE_TLS_PORT"),
            Self::AdminTlsPort => ("admin-tls-port", "HEXALPES_ADMIN_TLS_PORT"),
            Self::TlsCertificateFile => ("tls-certificate-file", "HEXALPES_TLS_CERTIFICATE_FILE"),
            Self::TlsKeyFile => ("tls-key-file", "HEXALPES_TLS_KEY_FILE"),
            Self::TlsTrustCertsFile => ("tls-trust-certs-file", "HEXALPES_TLS_TRUST_CERTS_FILE"),
            Self::AdvertisedAddress => ("advertised-address", "HEXALPES_ADVERTISED_ADDRESS"),
            Self::TokenSecret => ("token-secret-key", "HEXALPES_TOKEN_SECRET_KEY"),
            Self::TokenPublic => ("token-public-key", "HEXALPES_TOKEN_PUBLIC_KEY"),
            Self::AnonymousUserRole => ("anonymous-user-role", "HEXALPES_ANONYMOUS_USER_ROLE"),
            Self::BasicAuthConf => ("basic-auth-conf", "HEXALPES_BASIC_AUTH_CONF"),
            Self::TlsClientRoles => ("tls-client-roles", "HEXALPES_TLS_CLIENT_ROLES"),
            Self::TlsClientRequired => ("tls-client-required", "HEXALPES_TLS_CLIENT_REQUIRED"),
            Self::AuthorizationEnabled => ("authorization-enabled", "HEXALPES_AUTHORIZATION_ENABLED"),
            Self::SuperUserRoles => ("super-user-roles", "HEXALPES_SUPER_USER_ROLES"),
            Self::ProxyRoles => ("proxy-roles", "HEXALPES_PROXY_ROLES"),
            Self::Insecure => ("insecure", "HEXALPES_INSECURE"),
            Self::PulsarTokenFile => ("pulsar-token-file", "PULSAR_TOKEN_FILE"),
            Self::PulsarBrokerUrl => ("pulsar-broker-url", "PULSAR_BROKER_URL"),
            Self::PulsarAdminUrl => ("pulsar-admin-url", "PULSAR_ADMIN_URL"),
            Self::DatabaseUrl => ("database-url", "DATABASE_URL"),
            Self::CommissionsDatabaseUrl => ("commissions-database-url", "COMMISSIONS_DATABASE_URL"),
            Self::OnboardingDatabaseUrl => ("onboarding-database-url", "ONBOARDING_DATABASE_URL"),
            Self::PartnersDatabaseUrl => ("partners-database-url", "PARTNERS_DATABASE_URL"),
            Self::AffiliatesDatabaseUrl => ("affiliates-database-url", "AFFILIATES_DATABASE_URL"),
            Self::ConversionsDatabaseUrl => ("conversions-database-url", "CONVERSIONS_DATABASE_URL"),
            Self::CampaignsDatabaseUrl => ("campaigns-database-url", "CAMPAIGNS_DATABASE_URL"),
            Self::RecruitmentDatabaseUrl => ("recruitment-database-url", "RECRUITMENT_DATABASE_URL"),
            Self::AnalyticsDatabaseUrl => ("analytics-database-url", "ANALYTICS_DATABASE_URL"),
            Self::NotificationsDatabaseUrl => ("notifications-database-url", "NOTIFICATIONS_DATABASE_URL"),
            Self::SourcesDatabaseUrl => ("sources-database-url", "SOURCES_DATABASE_URL"),
            Self::RelaySlot => ("relay-slot", "HEXALPES_RELAY_SLOT"),
            Self::RelayServerId => ("relay-server-id", "HEXALPES_RELAY_SERVER_ID"),
            Self::OutboxKeptDays => ("outbox-kept-days", "HEXALPES_OUTBOX_KEPT_DAYS"),
            Self::SecretKeyFile => ("secret-key-file", "HEXALPES_SECRET_KEY_FILE"),
            Self::PayoutSecretFile => ("payout-secret-file", "HEXALPES_PAYOUT_SECRET_FILE"),
            Self::SmtpUrl => ("smtp-url", "HEXALPES_SMTP_URL"),
            Self::SmtpFrom => ("smtp-from", "HEXALPES_SMTP_FROM"),
            Self::LinksUrl => ("links-url", "HEXALPES_LINKS_URL"),
            Self::TopologyFile => ("topology-file", "HEXALPES_TOPOLOGY_FILE"),
            Self::EventsFileBytesMax => ("events-file-bytes-max", "HEXALPES_EVENTS_FILE_BYTES_MAX"),
            Self::EventsFilesAsideMax => ("events-files-aside-max", "HEXALPES_EVENTS_FILES_ASIDE_MAX"),
            Self::EventIdsKeptHours => ("event-ids-kept-hours", "HEXALPES_EVENT_IDS_KEPT_HOURS"),
            Self::NotificationsKeep => ("notifications-keep", "NOTIFICATIONS_KEEP"),
            Self::HealthLagMax => ("health-lag-max", "HEXALPES_HEALTH_LAG_MAX"),
            Self::HealthErrorPercentMax => ("health-error-percent-max", "HEXALPES_HEALTH_ERROR_PERCENT_MAX"),
            Self::HealthDeadLettersMax => ("health-dead-letters-max", "HEXALPES_HEALTH_DEAD_LETTERS_MAX"),
            Self::SeedMetricNames => ("seed-metric-names", "HEXALPES_SEED_METRIC_NAMES"),
        }
    }

    pub(crate) const fn flag(self) -> &'static str {
        self.names().0
    }

    pub(crate) const fn variable(self) -> &'static str {
        self.names().1
    }

    pub(crate) const fn built_in(self) -> Option<&'static str> {
        match self {
            Self::Data => Some("data"),
            Self::Log => Some("warn"),
            Self::Host => Some("127.0.0.1"),
            Self::BackbonePort => Some("6650"),
            Self::AdminPort => Some("8080"),
            Self::ConsolePort => Some("9527"),
            Self::CommissionsPort => Some("5001"),
            Self::PartnersPort => Some("5000"),
            Self::AffiliatesPort => Some("8001"),
            Self::ConversionsPort => Some("8002"),
            Self::MarketingPort => Some("8003"),
            Self::CampaignsPort => Some("5003"),
            Self::RecruitmentPort => Some("5002"),
            Self::AnalyticsPort => Some("5004"),
            Self::NotificationsPort => Some("5005"),
            Self::BackboneTlsPort => Some("6651"),
            Self::AdminTlsPort => Some("8443"),
            Self::NotificationsKeep => Some("90"),
            Self::RelaySlot => Some("hexalpes"),
            Self::HealthLagMax => Some("10000"),
            Self::HealthErrorPercentMax => Some("5"),
            Self::HealthDeadLettersMax => Some("100"),
            Self::TlsClientRoles | Self::TlsClientRequired | Self::Insecure | Self::SeedMetricNames => {
                Some("false")
            }
            // It shares the commissions' port (C-1).
            Self::OnboardingPort
            | Self::ConsoleServices
            | Self::ServiceName
            | Self::ServicePort
            | Self::TlsCertificateFile
            | Self::TlsKeyFile
            | Self::TlsTrustCertsFile
            | Self::AdvertisedAddress
            | Self::TokenSecret
            | Self::TokenPublic
            | Self::AnonymousUserRole
            | Self::BasicAuthConf
            | Self::AuthorizationEnabled
            | Self::SuperUserRoles
            | Self::ProxyRoles
            | Self::PulsarTokenFile
            | Self::PulsarBrokerUrl
            | Self::PulsarAdminUrl
            | Self::DatabaseUrl
            | Self::CommissionsDatabaseUrl
            | Self::OnboardingDatabaseUrl
            | Self::PartnersDatabaseUrl
            | Self::AffiliatesDatabaseUrl
            | Self::ConversionsDatabaseUrl
            | Self::CampaignsDatabaseUrl
            | Self::RecruitmentDatabaseUrl
            | Self::AnalyticsDatabaseUrl
            | Self::NotificationsDatabaseUrl
            | Self::SourcesDatabaseUrl
            | Self::RelayServerId
            | Self::OutboxKeptDays
            | Self::SecretKeyFile
            | Self::PayoutSecretFile
            | Self::SmtpUrl
            | Self::SmtpFrom
            | Self::LinksUrl
            | Self::TopologyFile
            | Self::EventsFileBytesMax
            | Self::EventsFilesAsideMax
            | Self::EventIdsKeptHours => None,
        }
    }

    /// What a value is, in one word.
    pub(crate) const fn value_name(self) -> &'static str {
        match self {
            Self::Data => "FOLDER",
            Self::Log => "LEVEL",
            Self::Host | Self::AdvertisedAddress | Self::SmtpFrom => "ADDRESS",
            Self::TlsCertificateFile
            | Self::TlsKeyFile
            | Self::TlsTrustCertsFile
            | Self::BasicAuthConf
            | Self::SecretKeyFile
            | Self::PayoutSecretFile
            | Self::TopologyFile
            | Self::PulsarTokenFile => "FILE",
            Self::TokenSecret | Self::TokenPublic => "KEY",
            Self::AnonymousUserRole => "ROLE",
            Self::SuperUserRoles | Self::ProxyRoles => "ROLES",
            Self::TlsClientRoles
            | Self::TlsClientRequired
            | Self::AuthorizationEnabled
            | Self::Insecure
            | Self::SeedMetricNames => "true|false",
            Self::ConsolePort => "PORT|off",
            Self::ConsoleServices => "NAME=URL,…",
            Self::BackbonePort
            | Self::AdminPort
            | Self::CommissionsPort
            | Self::OnboardingPort
            | Self::PartnersPort
            | Self::AffiliatesPort
            | Self::ConversionsPort
            | Self::MarketingPort
            | Self::CampaignsPort
            | Self::RecruitmentPort
            | Self::AnalyticsPort
            | Self::NotificationsPort
            | Self::ServicePort
            | Self::BackboneTlsPort
            | Self::AdminTlsPort => "PORT",
            Self::PulsarBrokerUrl
            | Self::PulsarAdminUrl
            | Self::DatabaseUrl
            | Self::CommissionsDatabaseUrl
            | Self::OnboardingDatabaseUrl
            | Self::PartnersDatabaseUrl
            | Self::AffiliatesDatabaseUrl
            | Self::ConversionsDatabaseUrl
            | Self::CampaignsDatabaseUrl
            | Self::RecruitmentDatabaseUrl
            | Self::AnalyticsDatabaseUrl
            | Self::NotificationsDatabaseUrl
            | Self::SourcesDatabaseUrl
            | Self::SmtpUrl
            | Self::LinksUrl => "URL",
            Self::RelaySlot => "NAME",
            Self::ServiceName => "SERVICE",
            Self::RelayServerId => "NUMBER",
            Self::EventsFileBytesMax => "BYTES",
            Self::EventsFilesAsideMax => "FILES",
            Self::EventIdsKeptHours => "HOURS",
            Self::NotificationsKeep | Self::OutboxKeptDays => "DAYS",
            Self::HealthLagMax | Self::HealthDeadLettersMax => "MESSAGES",
            Self::HealthErrorPercentMax => "PERCENT",
        }
    }

    /// What it is, in a line of the help.
    pub(crate) const fn about(self) -> &'static str {
        match self {
            Self::Data => "The folder of everything that is kept; made at the first start",
            Self::Log => "What is logged: a level, or directives such as `warn,hexalpes_broker=debug`",
            Self::Host => {
                "Where the backbone listens: an address, such as 0.0.0.0 for all that the machine has; beyond loopback \
                 it has to ask clients who they are. The services' own APIs stay on loopback, unless --insecure"
            }
            Self::BackbonePort => "Where the backbone speaks Pulsar's binary protocol",
            Self::AdminPort => "Where the backbone serves Pulsar's Admin REST",
            Self::CommissionsPort => "Where the commission API of seed 3 is served",
            Self::OnboardingPort => "Where contracts are served; unset: on the port of the commission API",
            Self::PartnersPort => "Where partners and their figures are served",
            Self::AffiliatesPort => "Where affiliates and programs are served",
            Self::ConversionsPort => "Where conversions are served, and links are followed",
            Self::MarketingPort => "Where commissions, books and payouts are served",
            Self::CampaignsPort => "Where campaigns, budgets and reports are served",
            Self::RecruitmentPort => "Where jobs, candidates and hires are served",
            Self::AnalyticsPort => "Where it is served how campaigns and partners did",
            Self::NotificationsPort => "Where inboxes, webhooks and templates of notifications are served",
            Self::ConsolePort | Self::ConsoleServices | Self::ServiceName | Self::ServicePort => {
                self.about_one_alone()
            }
            Self::BackboneTlsPort => {
                "Where the backbone speaks Pulsar's binary protocol over TLS, once it has a certificate"
            }
            Self::AdminTlsPort => {
                "Where the backbone serves Pulsar's Admin REST over TLS, once it has a certificate"
            }
            Self::TlsCertificateFile
            | Self::TlsKeyFile
            | Self::TlsTrustCertsFile
            | Self::AdvertisedAddress
            | Self::TokenSecret
            | Self::TokenPublic
            | Self::AnonymousUserRole
            | Self::BasicAuthConf
            | Self::TlsClientRoles
            | Self::TlsClientRequired
            | Self::AuthorizationEnabled
            | Self::SuperUserRoles
            | Self::ProxyRoles
            | Self::Insecure
            | Self::PulsarTokenFile => self.about_security(),
            Self::PulsarBrokerUrl => {
                "A Pulsar cluster to use instead of the backbone, such as pulsar://HOST:6650"
            }
            Self::PulsarAdminUrl => "The cluster's Admin REST, such as http://HOST:8080",
            Self::DatabaseUrl => {
                "Where the databases of all services are made: PostgreSQL, MySQL or MariaDB; unset: SQLite files in the data folder"
            }
            Self::CommissionsDatabaseUrl => "The database of the commissions; wins over DATABASE_URL",
            Self::OnboardingDatabaseUrl => "The database of the onboarding; wins over DATABASE_URL",
            Self::PartnersDatabaseUrl => "The database of the partners; wins over DATABASE_URL",
            Self::AffiliatesDatabaseUrl => "The database of the affiliates; wins over DATABASE_URL",
            Self::ConversionsDatabaseUrl => "The database of the conversions; wins over DATABASE_URL",
            Self::CampaignsDatabaseUrl => "The database of the campaigns; wins over DATABASE_URL",
            Self::RecruitmentDatabaseUrl => "The database of the recruitment; wins over DATABASE_URL",
            Self::AnalyticsDatabaseUrl => "The database of the analytics; wins over DATABASE_URL",
            Self::NotificationsDatabaseUrl => "The database of the notifications; wins over DATABASE_URL",
            Self::SourcesDatabaseUrl => {
                "Where the sources of others' outboxes and their progress are kept, if not where DATABASE_URL says; whoever has the same shares them"
            }
            Self::RelaySlot | Self::RelayServerId => self.about_relays(),
            Self::SecretKeyFile => {
                "The key that payout details are sealed with; unset: secret.key in the data folder, made at the first start"
            }
            Self::PayoutSecretFile => "The whsec_ secret that signs payouts' webhooks; unset: none are sent",
            Self::SmtpUrl => {
                "Where mails of notifications go out, such as smtp://user:password@host:587?tls=required; unset: none do"
            }
            Self::SmtpFrom => "Who writes the mails, such as \"Hexalpes <noreply@example.com>\"",
            Self::LinksUrl => {
                "Where customers follow affiliates' links; unset: the conversions' address on this machine"
            }
            Self::TopologyFile => {
                "Topics of your own, made ready at each start, and rules by which rows of outboxes go to them (see `topology`)"
            }
            Self::EventsFileBytesMax
            | Self::EventsFilesAsideMax
            | Self::EventIdsKeptHours
            | Self::OutboxKeptDays
            | Self::NotificationsKeep => self.about_keeping(),
            Self::HealthLagMax | Self::HealthErrorPercentMax | Self::HealthDeadLettersMax => {
                self.about_health()
            }
            Self::SeedMetricNames => {
                "Whether /metrics has the metrics of events a second time, without the prefix pulsar_ and their units"
            }
        }
    }

    /// The same of what is still well.
    const fn about_health(self) -> &'static str {
        match self {
            Self::HealthLagMax => {
                "How many messages may wait for a service's handlers; beyond, /health/events says 503"
            }
            Self::HealthErrorPercentMax => {
                "How many of a hundred runs of a service's handlers may fail; beyond, /health/events says 503"
            }
            Self::HealthDeadLettersMax => {
                "How many dead letters of a service may wait; beyond, /health/events says 503"
            }
            _ => "",
        }
    }

    /// The same of the console, and of what runs alone.
    const fn about_one_alone(self) -> &'static str {
        match self {
            Self::ConsolePort => "Where the admin UI is served; `off`: nowhere",
            Self::ConsoleServices => {
                "The services that the admin UI shows where it runs alone, such as onboarding=http://HOST:5001; unset: those of \
                 this machine"
            }
            Self::ServiceName => {
                "The service that `up` starts, as `serve` does, or `console`; unset or `all`: everything"
            }
            Self::ServicePort => {
                "The port of one service that runs alone, unless the service's own port is set"
            }
            _ => "",
        }
    }

    /// The same of how relays read the logs of servers.
    const fn about_relays(self) -> &'static str {
        match self {
            Self::RelaySlot => {
                "What the names of the relays' replication slots and publications on PostgreSQL begin with"
            }
            Self::RelayServerId => {
                "The first of the server ids under which relays read MySQL's log, one for each service; unset: numbers from \
                 1000000000 on, by the names of database and service"
            }
            _ => "",
        }
    }

    /// The same of what is kept of events, and for how long.
    const fn about_keeping(self) -> &'static str {
        match self {
            Self::EventsFileBytesMax => {
                "An events.jsonl of this size is put aside as events-000001.jsonl and so on; unset: never"
            }
            Self::EventsFilesAsideMax => "How many of the files put aside stay, the newest; unset: all",
            Self::EventIdsKeptHours => {
                "How long an event that comes again is known, and gets no second line; unset: for ever"
            }
            Self::OutboxKeptDays => {
                "For how many days a row of an outbox stays that is published, by when its event happened; unset: for ever"
            }
            Self::NotificationsKeep => {
                "For how many days a notification stays that has arrived or was read; 0: for ever. What waits stays"
            }
            _ => "",
        }
    }

    /// The same of those by which clients and brokers prove who they are.
    const fn about_security(self) -> &'static str {
        match self {
            Self::TlsCertificateFile => {
                "The backbone's certificate (PEM), read again when it changes; with it there is TLS"
            }
            Self::TlsKeyFile => "The certificate's private key (PEM, without a password)",
            Self::TlsTrustCertsFile => {
                "Whom to trust (PEM): a broker of pulsar+ssl:// and https://, unset: as browsers do; and \
                 clients that show the backbone a certificate"
            }
            Self::AdvertisedAddress => {
                "The name under which clients reach the backbone, as its certificate has it; unset: 127.0.0.1"
            }
            Self::TokenSecret => {
                "The secret that the backbone checks tokens with (file:///PATH or data:;base64,…); with it, or with \
                 a public key, clients must show a token"
            }
            Self::TokenPublic => {
                "The same with a public key of RSA or of a curve, PEM or DER (file:///PATH or data:;base64,…)"
            }
            Self::AnonymousUserRole => "The role of clients that show no token; unset: they are not let in",
            Self::BasicAuthConf => {
                "Users and passwords of clients, as `htpasswd -m` makes them (FILE, file:///PATH or data:;base64,…); the \
                 user is the role"
            }
            Self::TlsClientRoles => {
                "Whether the common name in a client's certificate is its role (method tls); with tls_trust_certs_file"
            }
            Self::TlsClientRequired => "Whether clients that speak TLS must show a certificate",
            Self::AuthorizationEnabled => {
                "Whether rights are asked for; unset: where clients are asked who they are. It takes super_user_roles"
            }
            Self::SuperUserRoles => "Who may do everything on the backbone: roles, with commas between",
            Self::ProxyRoles => "Who speaks for others, as Pulsar's proxy does: roles, with commas between",
            Self::Insecure => {
                "Listens on host also where nobody is asked who they are: whoever reaches it may do everything"
            }
            Self::PulsarTokenFile => {
                "The token that services and commands show the broker, in a file; `hexalpes token` makes one"
            }
            _ => "",
        }
    }
}
