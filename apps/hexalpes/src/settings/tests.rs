use super::*;

fn variables(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    pairs.iter().map(|(name, value)| (name.into(), value.into())).collect()
}

fn error_of(flags: &Flags, environment: &[(&str, &str)]) -> String {
    Settings::read(flags, &variables(environment)).expect_err("it is wrong").to_string()
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let config = folder.path().join("mine.toml");
    fs::write(&config, "data = \"f\"\nbackbone_port = 1\nadmin_port = 1\n").expect("it can be written");
    let flags = Flags { given: vec![(Key::AdminPort, "3".to_owned())], config: Some(config.clone()) };
    let environment = variables(&[("HEXALPES_BACKBONE_PORT", "2"), ("HEXALPES_ADMIN_PORT", "2")]);

    let settings = Settings::read(&flags, &environment).expect("all is well");

    assert_eq!(settings.data(), Path::new("f"));
    assert_eq!(settings.origin(Key::Data), &Origin::File(config));
    assert_eq!(settings.port(Key::BackbonePort).expect("a port"), 2);
    assert_eq!(settings.port(Key::AdminPort).expect("a port"), 3);
    assert_eq!(settings.port(Key::CommissionsPort).expect("a port"), 5001);
}

#[test]
fn an_unknown_key_is_named_with_the_nearest_known_one() {
    let error = file::parse("backbon_port = 1", Path::new("h.toml")).expect_err("it is wrong").to_string();
    assert_eq!(error, "h.toml: there is no setting backbon_port; did you mean backbone_port?");
}

#[test]
fn a_file_that_is_no_toml_is_one_line_with_its_number() {
    let error = file::parse("data = \"d\"\nport = = 1", Path::new("h.toml")).expect_err("it is wrong");
    let error = error.to_string();
    assert!(error.contains("(line 2)") && !error.contains('\n'), "{error}");
}

#[test]
fn a_wrong_port_is_told_with_its_origin() {
    let error = error_of(&Flags::default(), &[("COMMISSIONS_PORT", "0.0.0.0:5001")]);
    assert!(error.starts_with("commissions_port (environment COMMISSIONS_PORT) is"), "{error}");
}

#[test]
fn another_host_than_loopback_is_refused_while_nobody_is_asked_who_they_are_with_both_ways_out() {
    let host = ("HEXALPES_HOST", "10.0.0.7");
    let error = error_of(&Flags::default(), &[host]);
    assert!(error.contains("set token_secret_key") && error.contains("--insecure"), "{error}");
    let read = |more: (&str, &str)| Settings::read(&Flags::default(), &variables(&[host, more, SUPER]));
    let insecure = read(("HEXALPES_INSECURE", "true")).expect("it was said");
    assert_eq!(insecure.api_host().expect("an address").to_string(), "10.0.0.7");
    assert_eq!(insecure.api_place().expect("an address"), "10.0.0.7");
    let asking = read(("HEXALPES_TOKEN_SECRET_KEY", "file:///secret.key")).expect("clients are asked");
    assert_eq!(asking.host().expect("an address").to_string(), "10.0.0.7");
    assert_eq!(asking.advertised_address().expect("a host"), "10.0.0.7");
    assert!(asking.api_host().expect("an address").is_loopback(), "who asks nobody stays at home");
    assert_eq!(asking.api_place().expect("an address"), "loopback only");
    let error = error_of(&Flags::default(), &[("HEXALPES_HOST", "0.0.0.0"), ("HEXALPES_INSECURE", "true")]);
    assert!(error.starts_with("advertised_address is not set"), "{error}");
    let error = error_of(&Flags::default(), &[("HEXALPES_HOST", "broker.example")]);
    assert!(error.contains("no address"), "{error}");
}

const SUPER: (&str, &str) = ("HEXALPES_SUPER_USER_ROLES", "root, admin");

#[test]
fn rights_are_asked_for_where_clients_are_and_somebody_must_have_them() {
    let token = ("HEXALPES_TOKEN_SECRET_KEY", "file:///secret.key");
    let rights = |names: &[(&str, &str)]| {
        let settings = Settings::read(&Flags::default(), &variables(names));
        settings.and_then(|settings| settings.authorization())
    };
    assert!(rights(&[]).expect("all is well").is_none());
    let found = rights(&[token, SUPER]).expect("all is well").expect("rights are asked for");
    assert!(found.is_superuser("root") && found.is_superuser("admin") && !found.is_superuser("me"));
    let off = ("HEXALPES_AUTHORIZATION_ENABLED", "false");
    assert!(rights(&[token, off]).expect("all is well").is_none());
    let error = rights(&[token]).expect_err("nobody could do anything").to_string();
    assert!(
        error.contains("--super-user-roles") && error.contains("--authorization-enabled false"),
        "{error}"
    );
    let on = ("HEXALPES_AUTHORIZATION_ENABLED", "true");
    let error = rights(&[on, SUPER]).expect_err("nobody is asked").to_string();
    assert!(error.contains("nobody is asked who they are"), "{error}");
    let error =
        rights(&[token, SUPER, ("HEXALPES_AUTHORIZATION_ENABLED", "yes")]).expect_err("a slip").to_string();
    assert!(error.ends_with("write true or false"), "{error}");
    let roles = ("HEXALPES_TLS_CLIENT_ROLES", "true");
    let error = rights(&[roles, SUPER]).expect_err("whom to trust?").to_string();
    assert!(error.contains("needs tls_trust_certs_file"), "{error}");
}

#[test]
fn a_certificate_needs_its_key_and_a_key_its_certificate() {
    let error = error_of(&Flags::default(), &[("HEXALPES_TLS_CERTIFICATE_FILE", "c.pem")]);
    assert!(error.contains("needs tls_key_file"), "{error}");
    let error = error_of(&Flags::default(), &[("HEXALPES_TLS_KEY_FILE", "k.pem")]);
    assert!(error.contains("needs tls_certificate_file"), "{error}");
}

#[test]
fn the_advertised_address_is_a_host_alone() {
    let given = |value: &str| Flags { given: vec![(Key::AdvertisedAddress, value.to_owned())], config: None };
    for wrong in ["", "h:6650", "pulsar://h", "a b", "::1"] {
        let error = error_of(&given(wrong), &[]);
        assert!(error.starts_with("advertised_address (flag --advertised-address) is"), "{error}");
    }
    for right in ["broker.example", "127.0.0.1", "[::1]"] {
        let settings = Settings::read(&given(right), &[]).expect("all is well");
        assert_eq!(settings.advertised_address().expect("a host"), right);
    }
}

#[test]
fn a_token_is_checked_with_one_key_and_an_anonymous_role_needs_one() {
    let error = |names: &[(&str, &str)]| {
        let settings = Settings::read(&Flags::default(), &variables(names));
        settings.and_then(|settings| settings.authentication()).expect_err("it is wrong").to_string()
    };
    let secret = ("HEXALPES_TOKEN_SECRET_KEY", "data:;base64,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    let both = error(&[secret, SUPER, ("HEXALPES_TOKEN_PUBLIC_KEY", "file:///key.pem")]);
    assert!(both.contains("leave the other out"), "{both}");
    let role = error(&[("HEXALPES_ANONYMOUS_USER_ROLE", "guest")]);
    assert!(role.contains("needs token_secret_key, token_public_key"), "{role}");
    let settings = Settings::read(&Flags::default(), &variables(&[secret, SUPER])).expect("it can be read");
    assert!(!format!("{:?}", settings.shown()).contains("AAAA"), "a secret is not shown");
}

#[test]
fn a_cluster_needs_both_addresses() {
    let error = error_of(&Flags::default(), &[("PULSAR_BROKER_URL", "pulsar://h:6650")]);
    assert!(error.contains("set PULSAR_ADMIN_URL"), "{error}");
}

#[test]
fn a_contexts_own_database_wins_and_its_password_is_not_shown() {
    let environment = variables(&[
        ("DATABASE_URL", "sqlite:all.db"),
        ("COMMISSIONS_DATABASE_URL", "postgresql://me:hunter2@h/c"),
    ]);
    let settings = Settings::read(&Flags::default(), &environment).expect("all is well");
    let url = |service| settings.database(service).expect("a URL").to_string();
    assert_eq!(url(Service::Commissions), "postgresql://me@h/c");
    assert_eq!(url(Service::Notifications), "sqlite:all.db");
    assert!(!format!("{:?}", settings.shown()).contains("hunter2"));
}

/// Accepts C-18, S0-ENV-24.
#[test]
fn each_service_has_a_part_of_a_server_that_is_named_for_all() {
    let url = |server: &str, service| {
        let settings = Settings::read(&Flags::default(), &variables(&[("DATABASE_URL", server)]));
        settings.expect("all is well").database(service).expect("a URL").to_string()
    };
    let postgres = "postgresql://me:hunter2@h/hexabuilders";
    assert_eq!(url(postgres, Service::Commissions), "postgresql://me@h/hexabuilders (schema commissions)");
    let partners = "postgresql://me@h/hexabuilders (schema partner_management)";
    assert_eq!(url(postgres, Service::PartnerManagement), partners);
    let mysql = "mysql://alpes:alpes@h/alpes";
    assert_eq!(url(mysql, Service::Commissions), "mysql://alpes@h/alpes");
    assert_eq!(url(mysql, Service::Notifications), "mysql://alpes@h/alpes_notifications");
}

#[test]
fn sources_are_kept_with_the_databases_of_a_server_or_where_it_is_said_for_them_alone() {
    let place = |given: &[(&str, &str)]| {
        let settings = Settings::read(&Flags::default(), &variables(given)).expect("all is well");
        settings.sources().expect("a place")
    };
    let server = |url| SourcesPlace::Server(DatabaseUrl::parse(url).expect("a URL"));
    let (postgres, mysql) = ("postgresql://me:hunter2@h/all", "mysql://me@h/alpes");
    assert_eq!(place(&[]), SourcesPlace::Files("data/sources/sources.db".into()));
    assert_eq!(place(&[("DATABASE_URL", "sqlite:all.db")]), place(&[]));
    assert_eq!(place(&[("COMMISSIONS_DATABASE_URL", postgres)]), place(&[]));
    assert_eq!(place(&[("DATABASE_URL", postgres)]), server(postgres));
    assert_eq!(place(&[("DATABASE_URL", postgres), ("SOURCES_DATABASE_URL", mysql)]), server(mysql));
    let file = [("DATABASE_URL", postgres), ("SOURCES_DATABASE_URL", "sqlite:mine/list.db")];
    assert_eq!(place(&file), SourcesPlace::Files("mine/list.db".into()));
}

/// Accepts S0-SVC-7, S0-SVC-8, S0-SVC-9, S0-SVC-10, S4-SVC-1, S4-SVC-2, S4-SVC-3, S4-SVC-5.
#[test]
fn each_api_is_on_the_port_that_the_seeds_say() {
    let settings = Settings::read(&Flags::default(), &[]).expect("all is well");
    for (key, port) in [
        (Key::PartnersPort, 5000),
        (Key::OnboardingPort, 5001),
        (Key::CommissionsPort, 5001),
        (Key::RecruitmentPort, 5002),
        (Key::CampaignsPort, 5003),
        (Key::AffiliatesPort, 8001),
        (Key::ConversionsPort, 8002),
        (Key::MarketingPort, 8003),
    ] {
        assert_eq!(settings.port(key).expect("a port"), port, "{key:?}");
    }
}

/// Accepts S0-ENV-27.
#[test]
fn service_port_is_for_a_service_alone_whose_own_port_is_not_set() {
    let alone = variables(&[("SERVICE_PORT", "7000")]);
    let settings = Settings::read(&Flags::default(), &alone).expect("all is well");
    assert_eq!(settings.service_port(Service::Commissions, true).expect("a port"), 7000);
    assert_eq!(settings.service_port(Service::Commissions, false).expect("a port"), 5001);

    let both = variables(&[("SERVICE_PORT", "7000"), ("COMMISSIONS_PORT", "7001")]);
    let settings = Settings::read(&Flags::default(), &both).expect("all is well");
    assert_eq!(settings.service_port(Service::Commissions, true).expect("a port"), 7001);
}

/// Accepts C-31, C-4, C-28, S0-ENV-26.
#[test]
fn a_service_is_named_as_in_the_seeds_and_all_of_them_by_nobody() {
    let named = |name: &str| {
        let settings = Settings::read(&Flags::default(), &variables(&[("SERVICE_NAME", name)]));
        settings.expect("all is well").service_name().expect("a service")
    };
    for name in [
        "partner-management",
        "onboarding",
        "recruitment",
        "campaign-management",
        "analytics",
        "notifications",
    ] {
        assert_eq!(named(name).map(Service::name), Some(name));
        assert_eq!(named(&format!("{name}-service")).map(Service::name), Some(name));
    }
    assert_eq!((named("all"), named("")), (None, None));
    let error = error_of(&Flags::default(), &[("SERVICE_NAME", "billing")]);
    let expected = "service_name (environment SERVICE_NAME) is \"billing\", which is no service: write one of partner-management, ";
    assert!(error.starts_with(expected) && error.ends_with("notifications, or all"), "{error}");
}

/// Accepts S0-SVC-6.
#[test]
fn the_console_is_a_name_too_and_shows_what_it_is_told_or_what_is_here() {
    let read =
        |pairs: &[(&str, &str)]| Settings::read(&Flags::default(), &variables(pairs)).expect("all is well");
    for name in ["console", "pulsar-manager"] {
        let settings = read(&[("SERVICE_NAME", name), ("SERVICE_PORT", "7000")]);
        assert!(settings.names_console());
        assert_eq!(settings.service_name().expect("it is known"), None);
        assert_eq!(settings.console_port(true).expect("a port"), Some(7000));
        assert_eq!(settings.console_port(false).expect("a port"), Some(9527));
    }
    assert!(!read(&[]).names_console());
    assert_eq!(read(&[("HEXALPES_CONSOLE_PORT", "off")]).console_port(false).expect("it is off"), None);
    let here = read(&[("PARTNERS_PORT", "7001")]).console_services().expect("they are known");
    assert_eq!(here.len(), Service::ALL.len());
    assert_eq!(here[0], (Service::PartnerManagement, "http://127.0.0.1:7001".to_owned()));
    let told = "onboarding=http://onboarding:5001/, recruitment = http://[::1]:5002";
    let told = read(&[("HEXALPES_CONSOLE_SERVICES", told)]).console_services().expect("they are known");
    let expected =
        [(Service::Onboarding, "http://onboarding:5001"), (Service::Recruitment, "http://[::1]:5002")];
    assert_eq!(told, expected.map(|(service, url)| (service, url.to_owned())));
    for wrong in ["onboarding", "nobody=http://x:1", "onboarding=https://x:1", "onboarding=http://x:1/path"] {
        let error = error_of(&Flags::default(), &[("HEXALPES_CONSOLE_SERVICES", wrong)]);
        assert!(error.starts_with("console_services (environment HEXALPES_CONSOLE_SERVICES) has"), "{error}");
    }
}

#[test]
fn an_empty_variable_is_none() {
    let environment = variables(&[("HEXALPES_DATA", ""), ("PULSAR_BROKER_URL", "")]);
    let settings = Settings::read(&Flags::default(), &environment).expect("all is well");
    assert_eq!(settings.data(), Path::new("data"));
}

#[test]
fn a_variable_that_only_looks_like_ours_is_told() {
    let strange = strange_variables(&variables(&[("HEXALPES_DATE", "x"), ("HEXALPES_TEST_PYTHON", "x")]));
    assert_eq!(strange, ["the variable HEXALPES_DATE is none of ours; did you mean HEXALPES_DATA?"]);
}

#[test]
fn a_limit_is_a_whole_number_from_1_on() {
    for wrong in ["0", "-1", "1.5", "10MB", "1e6", "99999999999999999999"] {
        let error = error_of(&Flags::default(), &[("HEXALPES_EVENT_IDS_KEPT_HOURS", wrong)]);
        assert!(
            error.starts_with("event_ids_kept_hours (environment HEXALPES_EVENT_IDS_KEPT_HOURS)"),
            "{error}"
        );
        assert!(error.contains("no limit"), "{error}");
    }
}

#[test]
fn files_that_are_never_put_aside_cannot_be_limited() {
    let flags = Flags { given: vec![(Key::EventsFilesAsideMax, "3".to_owned())], config: None };
    let error = error_of(&flags, &[]);
    assert!(error.starts_with("events_files_aside_max (flag --events-files-aside-max) needs"), "{error}");
    let environment = variables(&[("HEXALPES_EVENTS_FILE_BYTES_MAX", "1000")]);
    let settings = Settings::read(&flags, &environment).expect("all is well");
    let shown = settings.shown();
    let row = shown.iter().find(|[name, ..]| name == "events_files_aside_max");
    assert_eq!(
        row.map(|[_, value, origin]| (value.as_str(), origin.as_str())),
        Some(("3", "flag --events-files-aside-max"))
    );
    assert!(shown.contains(&["event_ids_kept_hours", "", "not set"].map(str::to_owned)));
}

#[test]
fn a_level_that_is_misspelt_is_told_with_the_nearest() {
    let flags = Flags { given: vec![(Key::Log, "wran".to_owned())], config: None };
    assert_eq!(error_of(&flags, &[]), "log (flag --log): \"wran\" is no level; did you mean warn?");
    let error = error_of(&Flags::default(), &[("HEXALPES_LOG", "loudest")]);
    assert!(error.contains("write one of off, error, warn"), "{error}");
}

#[test]
fn a_flag_wins_over_the_configuration() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join("standalone.conf");
    fs::write(&path, "brokerServicePort=1\nwebServicePort=2\n").expect("it can be written");
    let flags = Flags { given: vec![(Key::AdminPort, "3".to_owned())], config: None };
    let settings = Settings::read_with(&flags, &[], Some(&path)).expect("all is well");
    assert_eq!(settings.port(Key::BackbonePort).expect("a port"), 1);
    assert_eq!(settings.port(Key::AdminPort).expect("a port"), 3);
}
