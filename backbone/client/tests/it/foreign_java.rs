//! The programs of Pulsar's own distribution, on both engines alike: what an operator says to `pulsar-admin` and
//! `pulsar-client`, in one `pulsar-shell`, as each start of a JVM takes seconds. Then each by itself, and `pulsar-perf`.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use hexalpes_client::TopicName;
use tokio::process::Command;

use crate::engine::{Engine, on_every_engine, on_the_backbone};

/// Commands, each with lines that must be among what it prints; one without must print nothing. `NS` is a namespace
/// of a tenant `TENANT`, both new.
const COMMANDS: &[(&str, &[&str])] = &[
    ("admin brokers healthcheck", &["ok"]),
    ("admin brokers list standalone", &["ADMIN"]),
    ("admin clusters list", &["standalone"]),
    ("admin clusters get standalone", &[r#""brokerServiceUrl" : "URL","#]),
    ("admin tenants create TENANT -r admin -c standalone", &[]),
    (
        "admin tenants get TENANT",
        &[r#""adminRoles" : [ "admin" ],"#, r#""allowedClusters" : [ "standalone" ]"#],
    ),
    ("admin tenants update TENANT -r admin,other -c standalone", &[]),
    ("admin tenants list", &["TENANT", "public"]),
    ("admin namespaces create NS", &[]),
    ("admin namespaces list TENANT", &["NS"]),
    ("admin namespaces set-retention NS -s 100M -t 3h", &[]),
    (
        "admin namespaces get-retention NS",
        &[r#""retentionTimeInMinutes" : 180,"#, r#""retentionSizeInMB" : 100"#],
    ),
    ("admin namespaces grant-permission NS --role me --actions produce", &[]),
    ("admin namespaces permissions NS", &["me    [produce]"]),
    ("admin namespaces revoke-permission NS --role me", &[]),
    ("admin namespaces policies NS", &[r#""replication_clusters" : [ "standalone" ],"#]),
    ("admin namespaces set-deduplication NS -e", &[]),
    ("admin namespaces get-deduplication NS", &["true"]),
    ("admin namespaces set-schema-compatibility-strategy NS -c BACKWARD", &[]),
    ("admin namespaces get-schema-compatibility-strategy NS", &["BACKWARD"]),
    ("admin namespaces set-auto-topic-creation NS -e -t partitioned -n 2", &[]),
    (
        "admin namespaces get-auto-topic-creation NS",
        &[r#""topicType" : "partitioned","#, r#""defaultNumPartitions" : 2"#],
    ),
    ("admin namespaces remove-auto-topic-creation NS", &[]),
    ("admin namespaces set-properties -p a=b,c=d NS", &[]),
    ("admin namespaces get-property -k a NS", &["b"]),
    ("admin namespaces clear-properties NS", &[]),
    ("admin namespaces set-message-ttl -ttl 86400 NS", &[]),
    ("admin namespaces get-message-ttl NS", &["86400"]),
    ("admin namespaces remove-message-ttl NS", &[]),
    ("admin namespaces set-backlog-quota -l 10M -p producer_exception NS", &[]),
    ("admin namespaces get-backlog-quotas NS", &["producer_exception"]),
    ("admin namespaces remove-backlog-quota NS", &[]),
    ("admin namespaces set-compaction-threshold -t 10M NS", &[]),
    ("admin namespaces get-compaction-threshold NS", &["10485760"]),
    ("admin namespaces remove-compaction-threshold NS", &[]),
    ("admin namespaces set-publish-rate -m 10000 -b -1 NS", &[]),
    ("admin namespaces get-publish-rate NS", &[r#""publishThrottlingRateInMsg" : 10000,"#]),
    ("admin namespaces set-dispatch-rate -md 10000 -bd -1 -dt 1 NS", &[]),
    ("admin namespaces get-dispatch-rate NS", &[r#""dispatchThrottlingRateInMsg" : 10000,"#]),
    ("admin namespaces set-subscribe-rate -sr 100 -st 30 NS", &[]),
    ("admin namespaces get-subscribe-rate NS", &[r#""subscribeThrottlingRatePerConsumer" : 100,"#]),
    ("admin namespaces set-max-unacked-messages-per-subscription -c 100 NS", &[]),
    ("admin namespaces get-max-unacked-messages-per-subscription NS", &["100"]),
    ("admin namespaces get-encryption-required NS", &["false"]),
    ("admin namespaces set-subscription-auth-mode -m Prefix NS", &[]),
    ("admin namespaces get-subscription-auth-mode NS", &["Prefix"]),
    ("admin namespaces set-subscription-auth-mode -m None NS", &[]),
    ("admin namespaces grant-subscription-permission -s sub --roles a NS", &[]),
    ("admin namespaces subscription-permission NS", &["sub    [a]"]),
    ("admin namespaces revoke-subscription-permission -s sub -r a NS", &[]),
    ("admin namespaces get-offload-threshold NS", &["offloadThresholdInBytes: -1"]),
    ("admin namespaces set-allowed-clusters -c standalone NS", &[]),
    ("admin namespaces get-allowed-clusters NS", &["standalone"]),
    ("admin clusters create OTHER --url http://other.test:8080", &[]),
    ("admin clusters get OTHER", &[r#""serviceUrl" : "http://other.test:8080","#]),
    ("admin clusters delete OTHER", &[]),
    ("admin brokers namespaces standalone -u ADMIN", &["is_active=true"]),
    ("admin brokers backlog-quota-check", &["ok"]),
    ("admin topics create NS/one", &[]),
    ("admin topics create-partitioned-topic NS/parts -p 3", &[]),
    ("admin topics update-partitioned-topic NS/parts -p 4", &[]),
    ("admin topics get-partitioned-topic-metadata NS/parts", &[r#""partitions" : 4,"#]),
    ("admin topics list NS", &["persistent://NS/one", "persistent://NS/parts-partition-3"]),
    ("admin topics list-partitioned-topics NS", &["persistent://NS/parts"]),
    ("admin topics lookup NS/one", &["URL"]),
    ("admin topics create-subscription -s sub NS/one", &[]),
    ("admin topics subscriptions NS/one", &["sub"]),
    ("client produce -m hello,world -k key -p a=b NS/one", &[]),
    ("admin topics peek-messages -s sub -n 1 NS/one", &["Event time: 0"]),
    ("admin topics skip -s sub -n 1 NS/one", &[]),
    ("admin topics last-message-id NS/one", &[r#""entryId" : 1,"#]),
    ("admin topics stats NS/one", &[r#""msgInCounter" : 2,"#, r#""msgBacklog" : 1,"#]),
    ("admin topics stats-internal NS/one", &[r#""numberOfEntries" : 2,"#]),
    ("admin topics partitioned-stats NS/parts", &[r#""msgInCounter" : 0,"#]),
    ("admin topics reset-cursor -s sub -t 1h NS/one", &[]),
    (
        "client consume -n 2 -s sub NS/one",
        &["key:[key], properties:[a=b], content:hello", "key:[key], properties:[a=b], content:world"],
    ),
    ("client read -n 2 -m earliest NS/one", &["key:[key], properties:[a=b], content:hello"]),
    (
        "client consume -n 2 -s other -p Earliest -t Key_Shared NS/one",
        &["key:[key], properties:[a=b], content:world"],
    ),
    ("admin topics examine-messages NS/one -i earliest -m 1", &["Event time: 0"]),
    ("admin topics grant-permission NS/one --role me --actions consume", &[]),
    ("admin topics permissions NS/one", &["me    [consume]"]),
    ("admin topics revoke-permission NS/one --role me", &[]),
    ("admin topics analyze-backlog -s sub NS/one", &[r#""entries" : 0,"#]),
    ("admin topics get-message-id NS/one -d 2024-01-01T00:00:00Z", &[r#""entryId" : 0,"#]),
    ("admin topics info-internal NS/one", &[r#""isOffloaded": false"#]),
    ("admin topics get-replicated-subscription-status -s sub NS/one", &["persistent://NS/one    false"]),
    (
        "admin topics offload-status NS/one",
        &["Offload has not been run for persistent://NS/one since broker startup"],
    ),
    ("admin topics update-properties NS/one -p c=d", &[]),
    ("admin topics get-properties NS/one", &["c    d"]),
    ("admin topics remove-properties NS/one -k c", &[]),
    ("admin topics update-subscription-properties -s sub -p x=z NS/one", &[]),
    ("admin topics get-subscription-properties -s sub NS/one", &[r#"{"x":"z"}"#]),
    ("admin topics compact NS/one", &["Topic compaction requested for persistent://NS/one"]),
    ("admin topics compaction-status -w NS/one", &["Compaction was a success"]),
    ("admin topics create-missed-partitions NS/parts", &[]),
    ("admin topics trim-topic NS/one", &[]),
    ("admin topicPolicies set-message-ttl -t 10 NS/one", &[]),
    ("admin topicPolicies set-publish-rate -m 10 -b 100 NS/one", &[]),
    ("admin topicPolicies set-dispatch-rate -md 10 -bd 100 -dt 1 NS/one", &[]),
    ("admin topicPolicies set-max-unacked-messages-per-consumer -m 10 NS/one", &[]),
    ("admin topicPolicies set-max-message-size -m 1000 NS/one", &[]),
    ("admin topicPolicies set-compaction-threshold -t 10M NS/one", &[]),
    ("admin topicPolicies set-backlog-quota -l 10M -p producer_exception NS/one", &[]),
    ("admin topicPolicies get-offload-policies NS/one", &["null"]),
    ("admin topicPolicies delete NS/one", &[]),
    ("admin topics truncate NS/one", &[]),
    ("admin topics unload NS/one", &[]),
    ("admin topics clear-backlog -s sub NS/one", &[]),
    ("admin topics unsubscribe -s sub NS/one", &[]),
    ("admin schemas upload NS/typed -f SCHEMA", &[]),
    ("admin schemas get NS/typed", &[r#""version": 0,"#]),
    ("admin schemas compatibility NS/typed -f SCHEMA", &[]),
    ("admin schemas delete NS/typed", &[]),
    ("admin topics delete NS/one", &[]),
    ("admin topics delete-partitioned-topic NS/parts", &[]),
    ("admin namespaces delete NS", &[]),
    ("admin tenants delete TENANT", &[]),
];

const SCHEMA: &str =
    r#"{"type":"AVRO","schema":"{\"type\":\"record\",\"name\":\"O\",\"fields\":[]}","properties":{}}"#;

/// One of the distribution's programs, with the arguments still to come, which keeps what it writes to this folder and logs what went wrong alone.
fn program(name: &str, folder: &Path) -> Option<Command> {
    let program = hexalpes_engines::pulsar_program(name)?;
    // Its errors in their place among what it says.
    let mut command = Command::new("sh");
    command.args(["-c", r#"exec "$0" "$@" 2>&1"#]).arg(program.get_program());
    command.env("PULSAR_LOG_LEVEL", "error").env("PULSAR_LOG_DIR", folder);
    let options = format!("{} -Duser.home={}", hexalpes_engines::BRIEF_JVM, folder.display());
    command.env("PULSAR_EXTRA_OPTS", options);
    command.kill_on_drop(true);
    Some(command)
}

/// What a program says when all is well.
async fn said(mut command: Command, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> String {
    let output = command.args(arguments).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?}\n{said}");
    said
}

/// Where the programs find an engine, in a file.
fn configuration(engine: &Engine, folder: &Path) -> String {
    let path = folder.join("client.conf");
    let text = format!("webServiceUrl={}/\nbrokerServiceUrl={}/\n", engine.admin_url, engine.url);
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// Accepts S0-CLI-8, S0-CLI-9.
#[tokio::test]
async fn what_an_operator_says_to_the_distributions_programs_does_the_same() {
    on_every_engine(async |engine| {
        let folder = tempfile::tempdir().unwrap();
        let Some(shell) = program("pulsar-shell", folder.path()) else { return };
        let tenant = format!("shell-{}", std::process::id());
        let schema = folder.path().join("schema.json");
        fs::write(&schema, SCHEMA).unwrap();
        let own = |text: &str| {
            text.replace("TENANT", &tenant)
                .replace("NS", &format!("{tenant}/orders"))
                .replace("OTHER", &format!("other-{tenant}"))
                .replace("SCHEMA", &schema.display().to_string())
                .replace("ADMIN", engine.admin_url.trim_start_matches("http://"))
                .replace("URL", &engine.url)
        };
        let script = folder.path().join("commands");
        let commands: Vec<_> = COMMANDS.iter().map(|(command, _)| own(command)).collect();
        fs::write(&script, commands.join("\n")).unwrap();
        let configuration = configuration(engine, folder.path());
        let script = script.display().to_string();
        let arguments = ["--config", &*configuration, "-f", &*script, "-np"];
        let said = said(shell, arguments).await;
        for (command, expected) in COMMANDS {
            let command = own(command);
            let printed = printed(&said, &command);
            for line in expected.iter().map(|line| own(line)) {
                let is_there = printed.iter().any(|printed| printed.contains(&line));
                assert!(is_there, "{command} does not print {line}, but {printed:?}");
            }
            assert!(!expected.is_empty() || printed.is_empty(), "{command} prints {printed:?}");
        }
    })
    .await;
}

/// What the shell prints between a command and the next.
fn printed<'a>(said: &'a str, command: &str) -> Vec<&'a str> {
    let is_header = |line: &&str| line.starts_with('[') && line.contains("] Executing ");
    let mut lines = said.lines().skip_while(|line| !(is_header(line) && line.ends_with(command)));
    assert!(lines.next().is_some(), "{command} was not reached:\n{said}");
    let own = lines.take_while(|line| !is_header(line) && !line.starts_with("Goodbye"));
    // A library's notice, of two lines.
    let own = own.filter(|line| !line.contains("elemetry"));
    own.map(str::trim).filter(|line| !line.is_empty()).collect()
}

#[tokio::test]
async fn the_distributions_programs_work_each_by_itself() {
    on_the_backbone(async |engine| {
        let folder = tempfile::tempdir().unwrap();
        let program = |name: &str| program(name, folder.path());
        let Some(client) = program("pulsar-client") else { return };
        let topic = engine.topic("java");
        said(client, ["--url", &*engine.url, "produce", "-m", "hello", "-n", "3", &*topic]).await;
        let client = program("pulsar-client").unwrap();
        let consume = ["consume", "-n", "3", "-s", "sub", "-p", "Earliest", &*topic];
        let consumed = said(client, ["--url", &*engine.url].into_iter().chain(consume)).await;
        assert_eq!(consumed.matches("content:hello").count(), 3, "{consumed}");
        let admin = program("pulsar-admin").unwrap();
        let stats = said(admin, ["--admin-url", &*engine.admin_url, "topics", "stats", &*topic]).await;
        assert!(stats.contains(r#""msgInCounter" : 3"#), "{stats}");
    })
    .await;
}

#[tokio::test]
async fn the_distributions_load_is_produced_consumed_and_read() {
    on_the_backbone(async |engine| {
        let folder = tempfile::tempdir().unwrap();
        let perf = || program("pulsar-perf", folder.path());
        if perf().is_none() {
            return;
        }
        let topic = engine.topic("perf");
        let url = ["-u", &*engine.url];
        let run = async |kind: &[&str]| {
            let arguments = [&kind[..1], &url, &kind[1..], &[&*topic]].concat();
            said(perf().unwrap(), arguments).await
        };
        run(&["produce", "-m", "1000", "-r", "10000", "-s", "100"]).await;
        run(&["consume", "-m", "1000", "-sp", "Earliest", "-ss", "sub"]).await;
        run(&["read", "-n", "1000"]).await;
        let stats = engine.admin.stats(&TopicName::parse(&topic).unwrap()).await.unwrap();
        assert!(stats["msgInCounter"].as_u64() >= Some(1000), "{stats}");
        assert!(stats["subscriptions"]["sub"]["msgOutCounter"].as_u64() >= Some(1000), "{stats}");
    })
    .await;
}
