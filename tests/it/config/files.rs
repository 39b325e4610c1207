//! Files that are not there, not readable, or open to others.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::load_told;

/// What is told of a configuration in `dir`.
fn refused(dir: &Path, text: &str) -> String {
    let file = dir.join("probes.yaml");
    std::fs::write(&file, text).unwrap();
    match load_told(&file, dir) {
        Ok(_) => "accepted".to_owned(),
        Err(told) => told,
    }
}

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

const IDENTITY: &str = "network: {canaries: []}\nhosts: {web1: {ssh: web1, identity_file: key, restart: {commands: r}}}\nprofiles: {a: {urls: https://a.example.com/, host: web1}}\n";
const PASSWORD: &str = "profiles: {a: {urls: https://a.example.com/}}\nalerts: {email: {from: a@example.com, to: b@example.com, smtp: [{url: \"smtps://u@mail.example.com\", password_file: key}]}}\n";
const CLIENT_KEY: &str = "profiles: {a: {urls: https://a.example.com/, tls: {client_cert_file: cert, client_key_file: key}}}\n";

#[test]
fn a_secret_must_be_closed_to_others() {
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("key");
    std::fs::write(&key, "secret").unwrap();
    std::fs::write(dir.path().join("cert"), "public").unwrap();
    let cases = [
        (
            IDENTITY,
            0o644,
            "probes.yaml:2:42: hosts.web1.identity_file: key is open to others than its owner (mode 0644); run `chmod 600 key`",
        ),
        (
            IDENTITY,
            0o640,
            "probes.yaml:2:42: hosts.web1.identity_file: key is open to others than its owner (mode 0640); run `chmod 600 key`",
        ),
        (IDENTITY, 0o600, "accepted"),
        (IDENTITY, 0o400, "accepted"),
        (
            PASSWORD,
            0o604,
            "probes.yaml:2:116: alerts.email.smtp[0].password_file: key is open to others than its owner (mode 0604); run `chmod 600 key`",
        ),
        (PASSWORD, 0o600, "accepted"),
        (
            CLIENT_KEY,
            0o644,
            "probes.yaml:1:93: profiles.a.tls.client_key_file: key is open to everybody (mode 0644); run `chmod 640 key`",
        ),
        (CLIENT_KEY, 0o640, "accepted"),
    ];
    for (text, bits, wanted) in cases {
        mode(&key, bits);
        assert_eq!(refused(dir.path(), text), wanted, "{bits:o} {text}");
    }
}

#[test]
fn a_missing_configuration_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let told = load_told(&dir.path().join("probes.yaml"), dir.path()).unwrap_err();
    assert_eq!(
        told,
        "probes.yaml: no such file or directory; write one after the example `probes.yaml`, or name another with `--config`"
    );
}

#[test]
fn only_files_and_directories_are_read() {
    let told = load_told(Path::new("/dev/null"), Path::new("/dev")).unwrap_err();
    assert_eq!(
        told,
        "null: neither a file nor a directory; name a file with `--config`"
    );
}

#[test]
fn files_are_told_in_the_order_they_were_read() {
    let dir = Path::new("tests/it/config/good/directory");
    let loaded = load_told(dir, dir).unwrap();
    let names: Vec<String> = loaded
        .files
        .iter()
        .map(|file| file.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(
        names,
        [
            "10-base.yaml",
            "20-shop.yaml",
            "30-blog.yaml",
            "40-later.yaml"
        ]
    );
}
