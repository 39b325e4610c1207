//! What a configuration names is looked into: a key that fits, a secret that is there.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rcgen::{CertificateParams, KeyPair};

use super::{load_opened, load_told, strip};

fn write(dir: &Path, name: &str, text: &str) {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// The fault, or the warnings.
fn told(dir: &Path, text: &str) -> String {
    write(dir, "probes.yaml", text);
    match load_opened(&dir.join("probes.yaml"), dir) {
        Err(told) => told,
        Ok(loaded) => {
            let warnings: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
            format!("taken: {}", strip(&warnings.join("\n"), dir))
        }
    }
}

#[test]
fn a_certificate_and_its_key_belong_together() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let text = "profiles: {a: {urls: https://a.site.test/, tls: {client_cert_file: cert, client_key_file: key}}}\nalerts: {}\n";
    let params = || CertificateParams::new(vec!["client".to_owned()]).unwrap();
    let (own, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    write(dir, "cert", &params().self_signed(&own).unwrap().pem());
    let place = "probes.yaml:1:68: profiles.a.tls.client_cert_file: ";
    let act = "; name the certificate and the key it was made for, both as PEM and the key without a passphrase";
    for (key, wanted) in [
        (own.serialize_pem(), "taken: ".to_owned()),
        (
            other.serialize_pem(),
            format!(
                "{place}cert does not belong to the key in key (keys may not be consistent: KeyMismatch){act}"
            ),
        ),
        (
            "s3cr3t-canary".to_owned(),
            format!("{place}key cannot be read: nothing of its kind in it{act}"),
        ),
    ] {
        write(dir, "key", &key);
        assert_eq!(told(dir, text), wanted);
    }
    write(dir, "cert", "no certificate");
    assert_eq!(
        told(dir, text),
        format!("{place}cert holds no PEM certificate{act}")
    );
    // Who only reads what is remembered is not kept from it.
    assert!(load_told(&dir.join("probes.yaml"), dir).is_ok());
}

#[test]
fn a_secret_is_there_and_one_that_may_be_elsewhere_is_a_warning() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let heartbeat = |form: &str| {
        format!(
            "profiles: {{a: {{urls: https://a.site.test/}}}}\nheartbeat: {{{form}}}\nalerts: {{}}\n"
        )
    };
    write(dir, "url", "");
    let place = "probes.yaml:2:13: heartbeat";
    for (form, wanted) in [
        (
            "url_file: url",
            format!("{place}.url_file: url is empty; write the secret into it"),
        ),
        (
            "url_env: PROBE_TEST_NEVER_SET",
            format!(
                "taken: {place}.url_env: the environment variable `PROBE_TEST_NEVER_SET` is not set here; it must be where probe runs: `EnvironmentFile=` in its systemd unit, or a line `PROBE_TEST_NEVER_SET=…` in the crontab"
            ),
        ),
        (
            "url_credential: heartbeat",
            format!(
                "taken: {place}.url_credential: the credential `heartbeat` is not to be seen here; it must be where probe runs: `LoadCredential=heartbeat:FILE` in its systemd unit"
            ),
        ),
    ] {
        assert_eq!(told(dir, &heartbeat(form)), wanted);
    }
    write(dir, "url", "https://hc.site.test/s3cr3t-canary\n");
    assert_eq!(told(dir, &heartbeat("url_file: url")), "taken: ");
    // Whatever else stands in it is not repeated.
    for other in [
        "hc.example.com/s3cr3t-canary",
        "url = \"https://x/s3cr3t-canary\"",
    ] {
        write(dir, "url", other);
        let act = "write the address alone into it, as the service gave it to you";
        let wanted = format!("url holds no http or https address; {act}");
        assert_eq!(
            told(dir, &heartbeat("url_file: url")),
            format!("{place}.url_file: {wanted}")
        );
        let hooks = "profiles: {a: {urls: https://a.example.com/}}\nalerts: {webhooks: {preset: slack, url_file: url}}\n";
        assert_eq!(
            told(dir, hooks),
            format!("probes.yaml:2:36: alerts.webhooks.url_file: {wanted}")
        );
    }
}
