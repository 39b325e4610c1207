//! The program from outside, without a host: exit codes, what it refuses and what it then says, secrets, terminals.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use super::ground::{Answer, Ground, flat};
use super::outside::Mailbox;
use crate::smtp::server::Script;

const CANARY: &str = "s3cr3t-canary";

#[test]
fn all_up_is_0_degraded_1_down_2() {
    let ground = Ground::start();
    ground.probe(&["once"]).expect(0, &["up shop", "1 up"]);
    let slow = ground.yaml("", None).replace(
        &format!("urls: [\"{}\"]", ground.site.url()),
        &format!("urls: [\"{}slow\"], slow: 100ms", ground.site.url()),
    );
    ground.configure(&slow);
    ground
        .probe(&["once", "shop"])
        .expect(1, &["slow", "1 degraded"]);
    ground.configure(&ground.yaml("", None));
    ground.site.set(false);
    ground
        .probe(&["once", "shop"])
        .expect(2, &["DOWN shop", "connection refused", "1 down"]);
    ground.probe(&["status"]).expect(2, &["DOWN shop"]);
    // Watched only: nothing speaks of a restart.
    let both = ground.probe(&["status"]).stdout;
    assert!(!both.contains("restart"), "{both}");
}

#[test]
fn usage_errors_are_3_and_say_what_to_write() {
    let ground = Ground::start();
    let table: &[(&[&str], &[&str])] = &[
        (
            &["bogus"],
            &["unrecognized subcommand 'bogus'", "Usage: probe"],
        ),
        (&["once", "--bogus"], &["unexpected argument '--bogus'"]),
        (
            &["once", "nope"],
            &["no profile is called nope", "there are: shop"],
        ),
        (&["status", "nope"], &["no profile is called nope"]),
        (&["pause", "nope"], &["no profile or host is called nope"]),
        (&["once", "shop", "http://a.test/"], &["cannot be mixed"]),
        (&["once", "a.test/x"], &["write `https://a.test/x`"]),
        (
            &["once", "--max-time", "5"],
            &["a bare number; write `5m` for minutes"],
        ),
        (&["pause", "all", "--for", "2"], &["a bare number"]),
        (&["drill"], &["no host is configured"]),
        (&["drill", "web9"], &["no host is called web9"]),
        (
            &["drill", "--mail"],
            &["no mail is configured; add `alerts.email`"],
        ),
        (&[], &["Usage: probe", "Exit codes"]),
    ];
    for (words, parts) in table {
        let answer = ground.probe(words);
        answer.expect(3, parts);
        assert_eq!(answer.stdout, "", "{words:?}");
        assert!(!ground.path("state").exists(), "{words:?}");
    }
}

#[test]
fn a_bad_configuration_is_3_for_every_command_that_reads_it() {
    let ground = Ground::start();
    let table: &[(&str, &[&str])] = &[
        (
            "profiles: {a: {urls: https://a.test/, intervall: 5s}}",
            &["unknown key, did you mean `interval`?"],
        ),
        (
            "profiles: {a: {urls: https://a.test/, timeout: [1s]}}",
            &["expected a duration, found a list"],
        ),
        (
            "profiles: {a: {urls: https://a.test/, interval: 60}}",
            &["a bare number; write `60s`"],
        ),
        (
            "profiles: {a: {urls: https://a.test/, host: web1}}",
            &["no host `web1`"],
        ),
        ("profiles: {}", &["nothing to watch"]),
        ("", &["probes.yaml"]),
        (
            "profiles: {a: {urls: 5, host: web1, interval: 60}}",
            &["profiles.a.urls", "profiles.a.host", "profiles.a.interval"],
        ),
    ];
    for (yaml, parts) in table {
        ground.configure(yaml);
        for words in [
            &["check"][..],
            &["once"],
            &["once", "-n"],
            &["run"],
            &["status"],
            &["pause", "all"],
        ] {
            let answer = ground.probe(words);
            answer.expect(3, parts).expect(3, &["probes.yaml"]);
            assert_eq!(answer.stdout, "", "{yaml} {words:?}");
            hides_secrets(&ground, &answer);
        }
    }
    fs::remove_file(ground.path("probes.yaml")).unwrap();
    ground
        .probe(&["once"])
        .expect(3, &["no such file", "--config"]);
    let unnamed = ground.run(ground.command(&["once"]).env_remove("PROBE_CONFIG"));
    // Unless this machine has one of its own.
    if !std::path::Path::new("/etc/probe/probes.yaml").exists() {
        unnamed.expect(
            3,
            &["no configuration found", "probe once https://your.site/"],
        );
    }
    assert!(!ground.path("state").exists());
}

#[test]
fn a_key_that_others_may_read_is_refused_with_the_command_that_mends_it() {
    let ground = Ground::start();
    let key = ground.path("key");
    fs::write(&key, "-----BEGIN OPENSSH PRIVATE KEY-----\n").unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let host = format!(
        "hosts:\n  web1: {{ssh: web1.test, identity_file: {}, restart: {{commands: \"true\"}}}}\n",
        key.display()
    );
    ground.configure(&ground.yaml(&host, None));
    let chmod = format!("chmod 600 {}", key.display());
    ground
        .probe(&["check"])
        .expect(3, &["hosts.web1.identity_file", &chmod]);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    ground.probe(&["check"]).expect(0, &["1 profile, 1 host"]);
}

#[test]
fn a_state_directory_that_cannot_be_used_is_3() {
    let ground = Ground::start();
    fs::write(ground.path("state"), "a file").unwrap();
    for words in [
        &["once"][..],
        &["run"],
        &["status"],
        &["pause", "all"],
        &["once", "-n"],
    ] {
        let path = ground.path("state");
        let answer = ground.probe(words);
        answer.expect(3, &[&path.display().to_string(), "--state-dir"]);
        assert_eq!(answer.stdout, "", "{words:?}");
    }
    fs::remove_file(ground.path("state")).unwrap();
    // No file may grow beyond nothing: a disk that is full, for every user.
    let mut limited = Command::new("sh");
    ground.surround(&mut limited);
    limited.args([
        "-c",
        "trap '' XFSZ; ulimit -f 0; exec \"$0\" once 2>&1 | cat",
    ]);
    limited.arg(env!("CARGO_BIN_EXE_probe"));
    let seen = limited.stdout(Stdio::piped()).output().unwrap();
    let said = flat(&String::from_utf8_lossy(&seen.stdout));
    assert!(said.contains("state"), "{said}");
    assert!(!said.contains("panic"), "{said}");
}

#[test]
fn a_url_needs_no_file_and_leaves_nothing_behind() {
    let ground = Ground::start();
    fs::remove_file(ground.path("probes.yaml")).unwrap();
    let url = ground
        .site
        .url()
        .replace("://", &format!("://user:{CANARY}@"));
    for words in [
        &["once", &url][..],
        &["once", &url, "--json"],
        &["once", "-vvv", &url],
    ] {
        let answer = ground.probe(words);
        answer.expect(0, &["up"]);
        hides_secrets(&ground, &answer);
    }
    ground.site.set(false);
    let answer = ground.probe(&["once", &url]);
    answer.expect(2, &["connection refused", "would count as down"]);
    hides_secrets(&ground, &answer);
    let broken = ground.probe(&["once", &format!("http://user:{CANARY}@[/")]);
    broken.expect(3, &[]);
    hides_secrets(&ground, &broken);
    assert!(!ground.path("state").exists());
}

#[track_caller]
fn hides_secrets(ground: &Ground, answer: &Answer) {
    for place in [&answer.stdout, &answer.stderr] {
        assert!(!place.contains(CANARY), "{answer:#?}");
    }
    for file in fs::read_dir(ground.path("state")).into_iter().flatten() {
        let file = file.unwrap().path();
        let bytes = fs::read(&file).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(CANARY), "{} holds it", file.display());
    }
}

#[test]
fn a_header_with_a_password_is_told_to_nobody() {
    let ground = Ground::start();
    let yaml = ground.yaml("", None).replace(
        "urls:",
        &format!("headers: {{Authorization: \"Bearer {CANARY}\"}}, urls:"),
    );
    ground.configure(&yaml);
    for words in [
        &["once", "shop", "-vv"][..],
        &["once", "shop", "--json"],
        &["status", "--json"],
        &["check", "--effective"],
        &["check", "--effective", "--json"],
    ] {
        let answer = ground.probe(words);
        // Printed as it is or refused: never with the word.
        hides_secrets(&ground, &answer);
    }
    ground.site.set(false);
    let answer = ground.probe(&["once", "shop", "-vvv"]);
    hides_secrets(&ground, &answer);
}

#[test]
fn the_effective_configuration_reads_back_to_itself() {
    let ground = Ground::start();
    let host = "hosts:\n  web1: {ssh: web1.test, restart: {commands: [one, two], settle: 7s}}\n";
    ground.configure(&ground.yaml(host, Some("smtp+plain://127.0.0.1:25")));
    let first = ground.probe(&["check", "--effective"]);
    first.expect(0, &["settle: 7s"]);
    ground.configure(&first.stdout);
    let second = ground.probe(&["check", "--effective"]);
    assert_eq!(second.stdout, first.stdout);
    let json = ground.probe(&["check", "--effective", "--json"]).json();
    assert_eq!(json["profiles"], 1);
    assert!(
        json["effective"]["profiles"]["shop"].is_object(),
        "{json:#}"
    );
    assert_eq!(ground.probe(&["version", "--json"]).json()["name"], "probe");
    ground.probe(&["version"]).expect(0, &["probe "]);
    ground.probe(&["--version"]).expect(0, &["probe "]);
    ground.probe(&["once", "--help"]).expect(0, &["Exit codes"]);
}

#[test]
fn proxies_of_the_environment_change_nothing() {
    let ground = Ground::start();
    let mut command = ground.command(&["once"]);
    for name in [
        "http_proxy",
        "HTTP_PROXY",
        "https_proxy",
        "all_proxy",
        "ALL_PROXY",
    ] {
        command.env(name, "http://127.0.0.1:1");
    }
    ground.run(&mut command).expect(0, &["1 up"]);
}

#[test]
fn a_password_in_a_url_of_the_file_is_told_to_nobody() {
    let ground = Ground::start();
    let mailbox = Mailbox::start(Script::default());
    let yaml = ground.yaml("", Some(&mailbox.url()));
    let url = ground.site.url();
    ground.configure(&yaml.replace(&url, &url.replace("://", &format!("://user:{CANARY}@"))));
    let look = |code: i32| {
        for words in [
            &["once", "shop", "-vvv"][..],
            &["once", "shop", "--json"],
            &["status", "-v"],
            &["status", "--json"],
            &["once", "-n", "shop"],
        ] {
            let answer = ground.probe(words);
            answer.expect(code, &["shop"]);
            hides_secrets(&ground, &answer);
        }
    };
    look(0);
    ground.site.set(false);
    look(2);
    let texts = mailbox.texts();
    assert_eq!(texts.len(), 1);
    assert!(
        !texts[0].replace("=\r\n", "").contains(CANARY),
        "{}",
        texts[0]
    );
}
