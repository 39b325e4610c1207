//! `effective` reads back to the same settings, without secrets.

use std::path::Path;

use probe::config::{effective, to_json};

use super::{CASES, entries, load_told, told};

#[test]
fn what_is_printed_loads_to_the_same() {
    let base = Path::new(CASES);
    let mut cases = entries(&base.join("good"));
    cases.retain(|case| case.is_dir() || case.extension().is_some_and(|kind| kind == "yaml"));
    cases.push("probes.yaml".into());
    assert!(cases.len() >= 6);
    for case in cases {
        let first = load_told(&case, base).unwrap().settings;
        let text = effective(&first);
        let second = match told(&text) {
            Ok(loaded) => loaded.settings,
            Err(faults) => panic!("{}\n{text}\n{faults}", case.display()),
        };
        assert_eq!(format!("{first:?}"), format!("{second:?}"), "{text}");
        assert_eq!(text, effective(&second));
        assert_eq!(to_json(&first), to_json(&second));
    }
}

/// Secrets stay where they are: only the names of their files are printed, as whole paths.
#[test]
fn files_are_printed_as_whole_paths() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    for name in ["key", "hosts", "cert"] {
        let path = dir.path().join(name);
        std::fs::write(&path, "hunter2").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    let file = dir.path().join("probes.yaml");
    let written = "network: {canaries: []}
hosts: {web1: {ssh: web1, identity_file: key, known_hosts_file: hosts, restart: {commands: r}}}
profiles: {a: {urls: https://a.example.com/, host: web1, tls: {ca_file: cert, client_cert_file: cert, client_key_file: key}}}
alerts: {email: {from: a@example.com, to: b@example.com, smtp: [{url: \"smtps://u@mail.example.com\", password_file: key}]}}
";
    std::fs::write(&file, written).unwrap();
    let first = load_told(&file, dir.path()).unwrap().settings;
    let text = effective(&first);
    assert!(!text.contains("hunter2"), "{text}");
    let second = told(&text).unwrap().settings;
    assert_eq!(format!("{first:?}"), format!("{second:?}"), "{text}");
}

#[test]
fn credentials_are_not_printed() {
    let settings = told(
        "profiles:\n  a:\n    urls: [\"https://alice:hunter2@a.example.com/\"]\n    headers: {Authorization: Bearer hunter2, Cookie: sid=hunter2, X-Api-Key: hunter2, Accept: text/html}\n",
    )
    .unwrap()
    .settings;
    for text in [effective(&settings), to_json(&settings).to_string()] {
        assert!(
            !text.contains("hunter2") && !text.contains("alice"),
            "{text}"
        );
        assert!(text.contains("https://***:***@a.example.com/"), "{text}");
        assert!(text.contains("text/html"), "{text}");
    }
    let settings = told(
        "profiles: {a: {urls: [\"https://a.example.com/\"]}}\nheartbeat: {url: \"https://hc.example.com/hunter2?token=hunter2#hunter2\"}\n",
    )
    .unwrap()
    .settings;
    for text in [effective(&settings), to_json(&settings).to_string()] {
        assert!(!text.contains("hunter2"), "{text}");
        assert!(text.contains("https://hc.example.com/***"), "{text}");
        assert!(text.contains("5m"), "{text}");
    }
}

#[test]
fn the_example_in_full() {
    let loaded = load_told(Path::new("probes.yaml"), Path::new(".")).unwrap();
    let text = effective(&loaded.settings);
    let wanted = "\
network:
  canaries: [\"https://www.example.org/\", \"tcp://192.0.2.1:53\"]
hosts:
  web1:
    ssh: probe@web1.example.com
    diagnose: true
    guards:
      disk_free: 3%
      inodes_free: 3%
      memory_available: 5%
      config_test: true
    restart:
      commands: [sudo -n kusanagi restart]
      allow_reboot: false
      timeout: 2m
      settle: 45s
      backoff:
        initial: 1m
        factor: 2
        max: 30m
      budget:
        restarts: 3
        per: 1h
      give_up_after: 3
      causes:
        - refused
        - connect_timeout
        - reset
        - closed
        - response_timeout
        - truncated
        - tls_timeout
        - server_error
      mode: auto
      when: auto
profiles:
  shop:
    host: web1
    urls: [\"http://shop.example.com/\", \"https://shop.example.com/\"]
    method: GET
    headers: {}
    interval: 1m
    retry_interval: 10s
    timeout: 10s
    connect_timeout: 5s
    failure_threshold: 3
    success_threshold: 2
    expect:
      status: [200-399]
      contains: [\"</html>\"]
      not_contains: [Error establishing a database connection]
      header: {}
    slow: 3s
    redirects: 5
    max_body: 1MiB
    addresses: any
    tls:
      verify: true
      warn_before: [21d, 7d, 1d]
    cache_bypass: off
alerts:
  email:
    from: \"Probe <probe@monitor.example.com>\"
    to: [ops@example.com]
    smtp:
      - {url: \"smtp+plain://127.0.0.1:25\"}
    language: en
    reminder_interval: 4h
  timezone: UTC
";
    assert_eq!(text, wanted);
}
