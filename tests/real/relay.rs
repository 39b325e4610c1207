//! Postfix as a provider runs it: STARTTLS on one port, TLS from the first byte on another, both only after a login against
//! Cyrus SASL; and one port that takes logins in clear, as one finds them.

use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use crate::ground::{HOME, port, program, room, run, wait_for};
use crate::post::{Postfix, as_root};

const PASSWORD: &str = "right & proper";
const WRONG: &str = "wrong-and-secret";
/// `\0watch@mail.test\0` before the password, in base64.
const WRONG_ON_THE_WIRE: &str = "AHdhdGNoQG1haWwudGVzdAB3cm9uZy1hbmQtc2VjcmV0";

/// Postfix and where a `probe` with its own files calls it.
struct Provider {
    post: Postfix,
    starttls: u16,
    implicit: u16,
    clear: u16,
    room: tempfile::TempDir,
}

impl Provider {
    fn start() -> Self {
        let room = room();
        let [starttls, implicit, clear] = [(); 3].map(|()| port(HOME));
        let ca = room.path().join("ca.pem");
        let post = Postfix::start_with(|folder| {
            certificate(folder, &ca);
            logins(folder);
            (main_cf(folder), master_cf(starttls, implicit, clear))
        });
        for port in [starttls, implicit, clear] {
            wait_for("the port answers", Duration::from_secs(20), || {
                TcpStream::connect((HOME, port)).is_ok()
            });
        }
        Self {
            post,
            starttls,
            implicit,
            clear,
            room,
        }
    }

    /// What Postfix says.
    fn log(&self) -> String {
        run(as_root("cat").arg(self.post.folder().join("mail.log")))
    }

    /// Calls `probe` with these relays, URLs before `@`, and this password; what it says, its exit code first.
    fn probe(&self, relays: &[(&str, u16)], password: &str, words: &[&str]) -> (i32, String) {
        let file = |name: &str| -> PathBuf { self.room.path().join(name) };
        fs::write(file("password"), format!("{password}\n")).unwrap();
        fs::set_permissions(file("password"), fs::Permissions::from_mode(0o600)).unwrap();
        let nobody = port(HOME);
        let mut yaml = format!(
            "profiles:\n  shop: {{urls: [\"http://{HOME}:{nobody}/\"], failure_threshold: 1}}\nalerts:\n  email:\n    \
             from: probe@monitor.test\n    to: [ops@probe.test]\n    smtp:\n"
        );
        for (scheme, port) in relays {
            let ca = match *scheme {
                "smtp+plain" => String::new(),
                _ => format!(", ca_file: {}", file("ca.pem").display()),
            };
            yaml += &format!(
                "      - {{url: \"{scheme}://watch%40mail.test@{HOME}:{port}\", password_file: {}{ca}}}\n",
                file("password").display()
            );
        }
        fs::write(file("probes.yaml"), yaml).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_probe"))
            .env_remove("CREDENTIALS_DIRECTORY")
            .arg("--config")
            .arg(file("probes.yaml"))
            .arg("--state-dir")
            .arg(file("state"))
            .args(words)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        for secret in [PASSWORD, WRONG, WRONG_ON_THE_WIRE] {
            assert!(!said.contains(secret), "{secret} stands in {said}");
        }
        (output.status.code().unwrap(), said)
    }
}

/// A certificate for the address, readable for Postfix; its authority for `probe`.
fn certificate(folder: &Path, ca: &Path) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![HOME.to_owned()])
        .unwrap()
        .signed_by(&key, &authority)
        .unwrap();
    fs::write(ca, authority.pem()).unwrap();
    fs::write(folder.join("config/key.pem"), key.serialize_pem()).unwrap();
    fs::write(folder.join("config/certificate.pem"), certificate.pem()).unwrap();
}

/// One user in a database of Cyrus SASL. Debian's Postfix looks for its SASL configuration in `sasl` beside its own files.
fn logins(folder: &Path) {
    let (sasl, users) = (folder.join("config/sasl"), folder.join("users"));
    fs::create_dir(&sasl).unwrap();
    let conf = "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN LOGIN\n";
    let conf = format!("{conf}sasldb_path: {}\n", users.display());
    fs::write(sasl.join("smtpd.conf"), conf).unwrap();
    let mut child = Command::new(program("saslpasswd2", "sasl2-bin"))
        .args(["-p", "-c", "-u", "mail.test", "-f"])
        .arg(&users)
        .arg("watch")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(PASSWORD.as_bytes())
        .unwrap();
    assert!(child.wait().unwrap().success(), "saslpasswd2");
    run(as_root("chown").arg("postfix").arg(&users));
}

fn main_cf(folder: &Path) -> String {
    format!(
        "smtpd_tls_cert_file = {0}/config/certificate.pem\nsmtpd_tls_key_file = {0}/config/key.pem\n\
         smtpd_sasl_local_domain = mail.test\n",
        folder.display()
    )
}

fn master_cf(starttls: u16, implicit: u16, clear: u16) -> String {
    let login = "-o smtpd_sasl_auth_enable=yes -o mynetworks= \
                 -o smtpd_relay_restrictions=permit_sasl_authenticated,reject \
                 -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject";
    format!(
        "tlsmgr unix - - n 1000? 1 tlsmgr\n\
         {HOME}:{starttls} inet n - n - - smtpd -o smtpd_tls_security_level=encrypt -o smtpd_tls_auth_only=yes {login}\n\
         {HOME}:{implicit} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes {login}\n\
         {HOME}:{clear} inet n - n - - smtpd -o smtpd_tls_security_level=none {login}\n"
    )
}

#[test]
fn postfix_takes_mail_over_tls_after_a_login_and_not_otherwise() {
    let provider = Provider::start();
    let (starttls, implicit, clear) = (provider.starttls, provider.implicit, provider.clear);
    let drill = ["drill", "--mail"];

    // Both ways of TLS, each with its login; the first has the mail.
    for (first, second) in [
        (("smtp+starttls", starttls), ("smtps", implicit)),
        (("smtps", implicit), ("smtp+starttls", starttls)),
    ] {
        let (code, said) = provider.probe(&[first, second], PASSWORD, &drill);
        assert_eq!(code, 0, "{said}\n{}", provider.log());
        for words in [
            &*format!("ops@probe.test: taken by {HOME}:{}", first.1),
            &*format!("ops@probe.test: {HOME}:{} would take it as well", second.1),
            "  * TLS 1.3, certificate for 127.0.0.1, issued by",
            "  > AUTH PLAIN ****\n  < 235 2.7.0 Authentication successful",
            "  < 250 2.0.0 Ok: queued as ",
        ] {
            assert!(said.contains(words), "`{words}` is not in\n{said}");
        }
    }
    wait_for("both are delivered", Duration::from_secs(20), || {
        provider.post.letters_to("ops@probe.test").len() == 2
    });

    // TLS is wanted and not to be had: no login and no mail over plain.
    let (code, said) = provider.probe(&[("smtp+starttls", clear)], PASSWORD, &drill);
    assert_eq!(code, 2, "{said}");
    assert!(
        said.contains("STARTTLS: the relay does not offer it, so nothing was sent"),
        "{said}"
    );
    assert!(
        !said.contains("> AUTH") && !said.contains("> MAIL"),
        "{said}"
    );
    // And the other way round: Postfix wants TLS where we were told to go without.
    let (code, said) = provider.probe(&[("smtp+plain", starttls)], PASSWORD, &drill);
    assert_eq!(code, 2, "{said}");
    assert!(
        said.contains("AUTH: the relay offers neither PLAIN nor LOGIN"),
        "{said}"
    );

    // A wrong password is named, by the drill and where a mail waits.
    for relay in [("smtp+starttls", starttls), ("smtps", implicit)] {
        let (code, said) = provider.probe(&[relay], WRONG, &drill);
        assert_eq!(code, 2, "{said}");
        assert!(said.contains("not taken: relay 127.0.0.1:"), "{said}");
        assert!(
            said.contains("AUTH: 535 5.7.8 Error: authentication failed"),
            "{said}"
        );
    }
    let wrong = [("smtp+starttls", starttls)];
    for words in [&["once", "-q"][..], &["status"]] {
        let (code, said) = provider.probe(&wrong, WRONG, words);
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(code, 2, "{said}");
        let named = "AUTH: 535 5.7.8 Error: authentication failed";
        assert!(
            said.contains("mail queued") && said.contains(named),
            "{said}"
        );
    }
    assert_eq!(provider.post.letters_to("ops@probe.test").len(), 2);
}
