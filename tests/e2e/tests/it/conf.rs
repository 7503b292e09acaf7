//! The backbone by a configuration of Pulsar's, with TLS, tokens and passwords, set up as the official clients set up a
//! Pulsar for their own tests.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
};

use hexalpes_e2e::Backbone;
use hexalpes_engines::{free_port, program};

use crate::command::{hexalpes, refusal};

const PEMS: [(&str, &str); 5] = [
    ("broker-cert.pem", include_str!("../../../../foundation/tls/tests/it/pems/one.certificate.pem")),
    ("broker-key.pem", include_str!("../../../../foundation/tls/tests/it/pems/one.key.pem")),
    ("cacert.pem", include_str!("../../../../foundation/tls/tests/it/pems/authority.certificate.pem")),
    ("client-cert.pem", include_str!("../../../../foundation/tls/tests/it/pems/client-old.certificate.pem")),
    ("client-key.pem", include_str!("../../../../foundation/tls/tests/it/pems/client-old.key.pem")),
];

/// Of `admin`, whose password is `123456`.
const HTPASSWD: &str = "admin:$apr1$FG4AO6aX$KGYPuMoLUou3i6vUkPUUf.\n";

/// Sends a message to a topic by each way of proving who one is, and says what came of it.
const PYTHON: &str = r"
import pulsar, sys
url, tls_url, folder, token = sys.argv[1:]
def attempt(what, url, topic, **more):
    client = pulsar.Client(url, operation_timeout_seconds=10, logger=pulsar.FileLogger(pulsar.LoggerLevel.Error, folder + '/log'), **more)
    try:
        client.create_producer(topic).send(b'hello')
        print(what, 'sent')
    except pulsar.PulsarException as error:
        print(what, type(error).__name__)
    client.close()
own, public = 'persistent://private/auth/t', 'persistent://public/default/t'
tls = dict(tls_trust_certs_file_path=folder + '/broker-cert.pem')
attempt('anonymous', url, public)
attempt('anonymous', url, own)
attempt('token', url, own, authentication=pulsar.AuthenticationToken(token))
attempt('token', url, public, authentication=pulsar.AuthenticationToken(token))
attempt('basic', url, own, authentication=pulsar.AuthenticationBasic('admin', '123456'))
attempt('basic over tls', tls_url, own, authentication=pulsar.AuthenticationBasic('admin', '123456'), **tls)
attempt('certificate', tls_url, own, authentication=pulsar.AuthenticationTLS(folder + '/client-cert.pem', folder + '/client-key.pem'), **tls)
";

fn put(port: u16, token: &str, path: &str, body: &str) -> u16 {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).expect("somebody listens");
    let length = body.len();
    let head = format!("PUT /admin/v2/{path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n");
    let whole = format!("{head}authorization: Bearer {token}\r\nconnection: close\r\n\r\n{body}");
    socket.write_all(whole.as_bytes()).expect("it takes it");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).expect("it answers");
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("an answer has a status")
}

fn token(folder: &Path, subject: &str) -> String {
    let key = format!("file://{}", folder.join("secret.key").display());
    let output = hexalpes(folder, &["token", "create", "--subject", subject, "--token-secret-key", &key]);
    String::from_utf8(output.stdout).expect("a token is text").trim().to_owned()
}

/// Accepts S0-SEC-1, S0-SEC-2, S0-SEC-6, S0-ENV-9, S0-ENV-18, S0-ENV-19, S0-ENV-20.
#[test]
fn a_configuration_with_tls_tokens_and_passwords_is_served_as_pulsar_serves_it() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path();
    for (name, text) in PEMS.into_iter().chain([(".htpasswd", HTPASSWD)]) {
        fs::write(path.join(name), text).expect("it can be written");
    }
    hexalpes(path, &["token", "secret-key", "--output", "secret.key"]);
    let [tls_port, admin_tls_port] = [free_port(), free_port()];
    let at = path.display();
    let conf = format!(
        "zookeeperServers=\nbindAddress=127.0.0.1\nadvertisedAddress=localhost\nclusterName=standalone\n\
         brokerServicePort=6650\nbrokerServicePortTls={tls_port}\nwebServicePortTls={admin_tls_port}\n\
         tlsEnabled=true\ntlsCertificateFilePath={at}/broker-cert.pem\ntlsKeyFilePath={at}/broker-key.pem\n\
         tlsTrustCertsFilePath={at}/cacert.pem\ntlsAllowInsecureConnection=false\n\
         anonymousUserRole=anonymous\nauthenticationEnabled=true\nauthorizationEnabled=true\n\
         authenticationProviders=org.apache.pulsar.broker.authentication.AuthenticationProviderTls,\
         org.apache.pulsar.broker.authentication.AuthenticationProviderToken,\\\n  \
         org.apache.pulsar.broker.authentication.AuthenticationProviderBasic\n\
         tokenSecretKey=file://{at}/secret.key\nbasicAuthConf={at}/.htpasswd\n\
         superUserRoles=localhost,superUser,admin,robot\nmaxMessageSize=1024000\n\
         managedLedgerDefaultEnsembleSize=1\nnoSuchName=1\n"
    );
    let file = path.join("standalone.conf").display().to_string();
    fs::write(&file, conf).expect("it can be written");
    let backbone = Backbone::start_guarded(&["--conf", &file]);
    let log = backbone.log();
    assert!(log.contains("1 names have no effect here:\n    managedLedgerDefaultEnsembleSize"), "{log}");
    assert!(log.contains("1 names are not known:\n    noSuchName"), "{log}");

    let urls = backbone.urls();
    let port = urls.admin.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a URL has a port");
    let admin = token(path, "superUser");
    let grants = |role: &str| {
        format!(
            r#"{{"auth_policies":{{"namespace_auth":{{"{role}":["produce","consume"]}}}},"replication_clusters":["standalone"]}}"#
        )
    };
    for (path, body) in [
        ("tenants/public", r#"{"adminRoles":["anonymous"],"allowedClusters":["standalone"]}"#.to_owned()),
        ("namespaces/public/default", grants("anonymous")),
        ("tenants/private", r#"{"adminRoles":[],"allowedClusters":["standalone"]}"#.to_owned()),
        ("namespaces/private/auth", grants("token-principal")),
    ] {
        assert_eq!(put(port, &admin, path, &body), 204, "{path}");
    }
    let Some(python) = hexalpes_engines::python() else { return };
    let tls_url = format!("pulsar+ssl://localhost:{tls_port}");
    let own = token(path, "token-principal");
    let folder = path.display().to_string();
    let output = Command::new(python).args(["-c", PYTHON, &urls.service, &tls_url, &folder, &own]).output();
    let output = output.expect("Python starts");
    let said = String::from_utf8_lossy(&output.stdout);
    let expected = [
        "anonymous sent",
        "anonymous AuthorizationError",
        "token sent",
        "token AuthorizationError",
        "basic sent",
        "basic over tls sent",
        "certificate sent",
    ];
    assert_eq!(said.lines().collect::<Vec<_>>(), expected, "{}", String::from_utf8_lossy(&output.stderr));
}

/// Ended with the test, however that comes.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_configuration_with_empty_ports_is_served_over_tls_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path();
    for (name, text) in PEMS {
        fs::write(path.join(name), text).expect("it can be written");
    }
    let [port, admin_port] = [free_port(), free_port()];
    let at = path.display();
    let conf = format!(
        "brokerServicePort=\nwebServicePort=\nbrokerServicePortTls={port}\nwebServicePortTls={admin_port}\n\
         tlsCertificateFilePath={at}/broker-cert.pem\ntlsKeyFilePath={at}/broker-key.pem\n"
    );
    fs::write(path.join("standalone.conf"), conf).expect("it can be written");
    let mut command = Command::new(program("hexalpes"));
    command.args(["backbone", "--conf", "standalone.conf"]).current_dir(path).stdout(Stdio::piped());
    let mut started = Started(command.spawn().expect("it starts"));
    let said = BufReader::new(started.0.stdout.take().expect("it is read"));
    let first = said.lines().next().expect("it says where it listens").expect("that is text");
    let expected = format!("pulsar+ssl://localhost:{port}, REST https://localhost:{admin_port}");
    assert!(first.contains(&expected), "{first}");
    for port in [port, admin_port] {
        TcpStream::connect(("127.0.0.1", port)).expect("somebody listens");
    }
}

#[test]
fn a_configuration_with_a_wrong_value_is_refused_by_file_line_and_name() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let conf = |text: &str| fs::write(folder.path().join("broker.conf"), text).expect("it can be written");
    conf("# ports\nbrokerServicePort=many\n");
    let said = refusal(folder.path(), &["backbone", "--conf", "broker.conf"], 2);
    assert!(said.contains("broker.conf line 2, brokerServicePort"), "{said}");
    conf(
        "authenticationEnabled=true\nauthenticationProviders=AuthenticationProviderToken\ntokenSecretKey=file:///no.key\n",
    );
    let said = refusal(folder.path(), &["backbone", "--conf", "broker.conf"], 1);
    assert!(
        said.contains("broker.conf line 3, tokenSecretKey") && said.contains("/no.key cannot be read"),
        "{said}"
    );
    let said = refusal(folder.path(), &["backbone", "--conf", "none.conf"], 2);
    assert!(said.contains("none.conf cannot be read"), "{said}");
    assert!(!folder.path().join("data/backbone").exists(), "nothing was opened");
}
