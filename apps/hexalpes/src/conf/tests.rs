use serde_json::json;

use super::*;

/// What a file with these lines comes to, beside these variables.
fn read(lines: &str, variables: &[(&str, &str)]) -> Result<Conf> {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join("standalone.conf");
    fs::write(&path, lines).expect("it can be written");
    let variables: Vec<_> = variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
    Conf::read(&path, &variables, false)
}

fn conf(lines: &str) -> Conf {
    read(lines, &[]).expect("all is well")
}

fn error_of(lines: &str) -> String {
    read(lines, &[]).err().expect("it is wrong").to_string()
}

fn given(conf: &Conf, key: Key) -> Option<&str> {
    conf.given.iter().find(|(other, ..)| *other == key).map(|(_, value, _)| value.as_str())
}

/// Accepts S0-INI-2.
#[test]
fn names_become_ours_and_the_environment_wins() {
    let lines = "brokerServicePort=1\nwebServicePort=2\nbindAddress=127.0.0.1\nmaxMessageSize=1024000\n";
    let variables = [
        ("webServicePort", "3"),
        ("PULSAR_PREFIX_keepAliveIntervalSeconds", "7"),
        ("PULSAR_PREFIX_somethingNew", "x"),
        ("HOME", "/root"),
    ];
    let conf = read(lines, &variables).expect("all is well");
    assert_eq!(given(&conf, Key::BackbonePort), Some("1"));
    assert_eq!(given(&conf, Key::AdminPort), Some("3"));
    assert_eq!(given(&conf, Key::Host), Some("127.0.0.1"));
    assert_eq!(given(&conf, Key::AdvertisedAddress), Some("localhost"));
    assert_eq!(conf.broker.max_message_bytes, Some(1_024_000));
    assert_eq!(conf.broker.keep_alive, Some(Duration::from_secs(7)));
    assert_eq!(conf.notes, ["of the configuration 1 names are not known:\n    somethingNew"]);
    let origin = conf.given.iter().find(|(key, ..)| *key == Key::AdminPort).map(|(_, _, origin)| origin);
    assert_eq!(origin, Some(&Origin::Conf("environment webServicePort".to_owned())));
}

/// Accepts S0-ENV-17.
#[test]
fn what_a_namespace_does_not_say_the_configuration_does() {
    let conf = conf(
        "isSchemaValidationEnforced=true\nallowAutoTopicCreationType=partitioned\ndefaultNumPartitions=3\ndefaultRetentionTimeInMinutes=5\n\
         defaultRetentionSizeInMB=-1\nbrokerDeduplicationEnabled=true\nschemaCompatibilityStrategy=BACKWARD\n",
    );
    let expected = json!({
        "autoTopicCreationOverride":
            { "allowAutoTopicCreation": true, "topicType": "partitioned", "defaultNumPartitions": 3 },
        "retention_policies": { "retentionTimeInMinutes": 5, "retentionSizeInMB": -1 },
        "deduplicationEnabled": true,
        "schema_compatibility_strategy": "BACKWARD",
        "schema_validation_enforced": true,
    });
    assert_eq!(Value::Object(conf.broker.defaults), expected);
}

#[test]
fn what_ends_by_itself_is_as_the_configuration_says() {
    let conf = conf(
        "bindAddress=127.0.0.1\nttlDurationDefaultInSeconds=30\nmaxProducersPerTopic=0\nmaxConsumersPerTopic=7\n\
         backlogQuotaDefaultLimitBytes=-1\nbacklogQuotaDefaultLimitGB=2\nbacklogQuotaDefaultLimitSecond=60\n\
         backlogQuotaDefaultRetentionPolicy=consumer_backlog_eviction\nbacklogQuotaCheckIntervalInSeconds=5\n\
         backlogQuotaCheckEnabled=false\nbrokerDeleteInactiveTopicsEnabled=false\n\
         brokerDeleteInactiveTopicsMode=delete_when_subscriptions_caught_up\n\
         brokerDeleteInactiveTopicsFrequencySeconds=60\nmessageExpiryCheckIntervalInMinutes=5\n\
         maxUnackedMessagesPerConsumer=9\nmaxUnackedMessagesPerSubscription=0\ndispatchThrottlingRatePerTopicInMsg=8\n\
         maxPublishRatePerTopicInBytes=7\nsubscribeThrottlingRatePerConsumer=0\n\
         allowAutoSubscriptionCreation=false\nbrokerDeduplicationProducerInactivityTimeoutMinutes=10\n",
    );
    let quota = |size: i64, time: i64| json!({ "limitSize": size, "limitTime": time, "policy": "consumer_backlog_eviction" });
    let expected = json!({
        "autoTopicCreationOverride": { "allowAutoTopicCreation": true, "topicType": "non-partitioned" },
        "message_ttl_in_seconds": 30,
        "max_consumers_per_topic": 7,
        "backlog_quota_map": { "destination_storage": quota(2 << 30, -1), "message_age": quota(-1, 60) },
        "inactive_topic_policies": {
            "inactiveTopicDeleteMode": "delete_when_subscriptions_caught_up",
            "maxInactiveDurationSeconds": 60,
            "deleteWhileInactive": true,
        },
        "max_unacked_messages_per_consumer": 9,
        "max_unacked_messages_per_subscription": 0,
        "topicDispatchRate": {
            "dispatchThrottlingRateInMsg": 8, "dispatchThrottlingRateInByte": 0,
            "relativeToPublishRate": false, "ratePeriodInSecond": 1,
        },
        "publishMaxMessageRate": { "publishThrottlingRateInMsg": 0, "publishThrottlingRateInByte": 7 },
        "autoSubscriptionCreationOverride": { "allowAutoSubscriptionCreation": false },
    });
    assert_eq!(Value::Object(conf.broker.defaults), expected);
    assert_eq!(conf.broker.trim_every, Some(Duration::from_secs(5)));
    assert_eq!(conf.broker.producer_absent_max, Some(Duration::from_mins(10)));
    assert!(conf.broker.keeps_inactive_topics && conf.broker.ignores_quotas);
    assert_eq!(conf.notes, [""; 0]);
}

#[test]
fn a_wrong_value_is_told_with_file_line_and_name() {
    for (line, wanted) in [
        ("maxMessageSize=5MB", "is not a number of bytes"),
        ("brokerDeduplicationEnabled=yes", "is not true or false"),
        ("backlogQuotaDefaultRetentionPolicy=drop", "is none of producer_request_hold"),
        ("ttlDurationDefaultInSeconds=soon", "is not a number"),
        ("authorizationEnabled=maybe", "is not true or false"),
        ("allowAutoTopicCreationType=round", "is neither partitioned nor"),
        ("schemaCompatibilityStrategy=SIDEWAYS", "FULL_TRANSITIVE"),
        ("authenticationProviders=org.example.AuthenticationProviderSasl", "is not supported, only"),
        ("tlsAllowInsecureConnection=true", "cannot be true here"),
        ("authenticateOriginalAuthData=true", "cannot be true here"),
        ("tokenAuthClaim=name", "subject"),
    ] {
        let error = error_of(&format!("# first\n{line}\n"));
        let name = line.split('=').next().expect("it has a name");
        assert!(error.contains(&format!("standalone.conf line 2, {name}: ")), "{error}");
        assert!(error.contains(wanted), "{error}");
    }
}

#[test]
fn authentication_that_would_let_in_everybody_or_nobody_is_refused() {
    let on = "authenticationEnabled=true\n";
    assert!(error_of(on).contains("names none"));
    let of = |provider: &str| format!("{on}authenticationProviders=o.a.p.{provider}\n");
    assert!(
        error_of(&of("AuthenticationProviderToken")).contains("neither tokenSecretKey nor tokenPublicKey")
    );
    assert!(error_of(&of("AuthenticationProviderBasic")).contains("there is no basicAuthConf"));
    // A key that no provider uses opens nothing, and closes nothing.
    let off = conf("tokenSecretKey=file:///k\nbindAddress=127.0.0.1\n");
    assert_eq!(given(&off, Key::TokenSecret), None);
    let jvm = [("PULSAR_EXTRA_OPTS", "-Xmx1g -Dpulsar.auth.basic.conf=conf/.htpasswd")];
    let basic = read(&of("AuthenticationProviderBasic"), &jvm).expect("all is well");
    assert_eq!(given(&basic, Key::BasicAuthConf), Some("conf/.htpasswd"));
}

#[test]
fn every_address_becomes_loopback_while_nobody_is_asked_who_they_are() {
    let open = conf("bindAddress=0.0.0.0\n");
    assert_eq!(given(&open, Key::Host), Some("127.0.0.1"));
    assert!(open.notes[0].contains("--insecure"), "{:?}", open.notes);
    let guarded = conf(
        "authenticationEnabled=true\nauthenticationProviders=AuthenticationProviderToken\ntokenSecretKey=k\n",
    );
    assert_eq!((given(&guarded, Key::Host), guarded.notes.len()), (Some("0.0.0.0"), 0));
}

/// As with Pulsar, whose setup makes it through its own REST.
#[test]
fn public_is_not_made_by_a_broker_that_may_not_do_so() {
    let guarded = "authenticationEnabled=true\nauthenticationProviders=AuthenticationProviderToken\n\
                   tokenSecretKey=k\nanonymousUserRole=anonymous\nauthorizationEnabled=true\n";
    assert!(conf(&format!("{guarded}superUserRoles=admin\n")).broker.lacks_public);
    assert!(!conf(&format!("{guarded}superUserRoles=admin, anonymous\n")).broker.lacks_public);
    assert!(!conf(&format!("{guarded}brokerClientAuthenticationPlugin=x\n")).broker.lacks_public);
    assert!(!conf("").broker.lacks_public);
}

/// Accepts S0-SEC-4, S0-SEC-5.
#[test]
fn tls_is_served_where_it_has_a_port_and_then_needs_its_files() {
    let files = "tlsCertificateFilePath=c.pem\ntlsKeyFilePath=k.pem\n";
    assert_eq!(given(&conf(files), Key::TlsCertificateFile), None);
    let served = conf(&format!("{files}brokerServicePortTls=6651\nwebServicePortTls=8443\n"));
    assert_eq!(given(&served, Key::TlsKeyFile), Some("k.pem"));
    assert_eq!(given(&served, Key::AdminTlsPort), Some("8443"));
    assert!(error_of("brokerServicePortTls=6651\n").contains("tlsKeyFilePath is not"));
}

#[test]
fn an_empty_port_is_none_where_tls_has_one() {
    let files = "tlsCertificateFilePath=c.pem\ntlsKeyFilePath=k.pem\n";
    let only =
        conf(&format!("{files}brokerServicePort=\nbrokerServicePortTls=6651\nwebServicePortTls=8443\n"));
    assert!(only.broker.speaks_only_tls && !only.broker.admin_only_tls);
    let plain = error_of("webServicePort=\n");
    assert!(plain.contains("webServicePort is empty, and so is webServicePortTls"), "{plain}");
    assert!(!conf("brokerServicePortTls=\n").broker.speaks_only_tls);
}

#[test]
fn names_without_effect_are_told_at_once_and_empty_ones_not_at_all() {
    let lines = NAMES.lines().filter(|name| name.starts_with("loadBalancer"));
    let lines: Vec<_> =
        lines.map(|name| format!("{name}=1\n")).chain(["zookeeperServers=\n".to_owned()]).collect();
    let conf = conf(&format!("{}bindAddress=127.0.0.1\n", lines.concat()));
    assert_eq!(conf.notes.len(), 1, "{:?}", conf.notes);
    assert!(
        conf.notes[0].contains(&format!("{} names have no effect here", lines.len() - 1)),
        "{:?}",
        conf.notes
    );
    assert!(conf.notes[0].lines().count() > 5 && conf.notes[0].lines().all(|line| line.len() <= 120));
}
