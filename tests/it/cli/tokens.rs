//! A URL of the configuration may hold a password and tokens. Whatever the program says, wherever it says it, none of them is in it.

use std::fs;

use mail_parser::MessageParser;

use super::ground::{Ground, eventually};
use super::outside::Mailbox;
use super::page::{address, get};
use crate::smtp::server::Script;

/// What stands in the URL and nowhere else.
const SECRETS: [&str; 6] = [
    "user-of-ours",
    "pa55-word",
    "t0k3n",
    "signature%2Fof%2Fours",
    "signature/of/ours",
    "bare-token-of-ours",
];

const QUERY: &str = "?n=7&token=t0k3n&x=signature%2Fof%2Fours&bare-token-of-ours";

const SHOWN: &str = "?n=7&token=***&x=***&***";

/// Everything that was said, and where.
#[derive(Default)]
struct Said(Vec<(String, String)>);

impl Said {
    fn heard(&mut self, place: impl Into<String>, text: impl Into<String>) {
        self.0.push((place.into(), text.into()));
    }

    #[track_caller]
    fn hides_all(&self) {
        for (place, text) in &self.0 {
            for secret in SECRETS {
                assert!(!text.contains(secret), "{place} says {secret}: {text}");
            }
        }
    }

    /// How many places show the URL as it may be shown.
    fn show_it(&self) -> usize {
        self.0
            .iter()
            .filter(|(_, text)| text.contains(SHOWN))
            .count()
    }
}

fn run(ground: &Ground, said: &mut Said, commands: &[&[&str]]) {
    for words in commands {
        let answer = ground.probe(words);
        said.heard(
            format!("{words:?}"),
            format!("{}\n{}", answer.stdout, answer.stderr),
        );
    }
}

#[test]
fn no_token_of_a_url_is_said_anywhere() {
    let ground = Ground::start();
    let sshd = ground.sshd();
    let mailbox = Mailbox::start(Script::default());
    // Not looked at: a package manager may be running on this machine, and would hold the restart.
    let host = ground.host(&sshd, &ground.cure());
    let yaml = ground.yaml(&host, Some(&mailbox.url()));
    let (plain, secret) = (
        ground.site.url(),
        format!(
            "http://user-of-ours:pa55-word@{}/{QUERY}",
            ground.site.address
        ),
    );
    let hook = format!(
        "  command: [/bin/sh, -c, \"cat >> {}\"]\nstatus_page: {{listen: \"127.0.0.1:0\"}}\n",
        ground.path("events").display()
    );
    // In its own place and as a second URL that looks the same.
    let twin = secret.replace("signature", "something");
    let urls = format!("urls: [\"{secret}\", \"{twin}\"]");
    ground.configure(&format!(
        "{}{hook}",
        yaml.replace(&format!("urls: [\"{plain}\"]"), &urls)
    ));

    let mut said = Said::default();
    run(
        &ground,
        &mut said,
        &[
            &["check"],
            &["check", "--json"],
            &["check", "--effective"],
            &["check", "--effective", "--json"],
            &["status"],
            &["once", "-vvv", "--log", "json"],
            &["once", &secret],
            &["once", &secret, "--json"],
            &["once", &secret, "-q"],
            &["drill"],
            &["drill", "--mail"],
        ],
    );
    ground.falls();
    run(
        &ground,
        &mut said,
        &[
            &["once", "--dry-run", "-vvv"],
            &["once", "shop", "--json", "-vvv"],
            &["once", "shop", "-vvv"],
            &["status"],
            &["status", "--json"],
            &["why", "shop"],
            &["why", "shop", "--json"],
            &["why", "web1"],
            &["why", "web1", "--json"],
            &["history"],
            &["history", "--json"],
        ],
    );
    assert!(
        ground.restarts() > 0,
        "the host was restarted, which is told"
    );

    let mut daemon = ground.begin(&mut ground.command(&["run", "-vvv"]));
    let at = address(&mut daemon, 0);
    eventually("ready", || (get(at, "/readyz").status == 200).then_some(()));
    eventually("a check is shown", || {
        get(at, "/metrics")
            .body
            .contains("probe_success{")
            .then_some(())
    });
    for path in ["/", "/metrics", "/api/v1/status", "/healthz"] {
        said.heard(path, get(at, path).body);
    }
    daemon.signal("TERM");
    let ended = daemon.end();
    said.heard("the log", format!("{}\n{}", ended.stdout, ended.stderr));

    for text in mailbox.texts() {
        let mail = MessageParser::default().parse(text.as_bytes()).unwrap();
        for place in 0..3 {
            let parts = [mail.body_text(place), mail.body_html(place)];
            said.heard(
                "a mail",
                parts.into_iter().flatten().collect::<Vec<_>>().join("\n"),
            );
        }
        said.heard("a mail as it came", text);
    }
    let events = fs::read_to_string(ground.path("events")).unwrap();
    assert!(events.contains("\"down\""), "{events}");
    said.heard("events", events);

    said.hides_all();
    assert!(said.show_it() > 10, "{} places show it", said.show_it());
    // Both of the twins are told apart.
    let status = ground.probe(&["status", "--json"]).json();
    let checks = status["profiles"][0]["checks"].as_array().unwrap().clone();
    let shown = format!("{plain}{SHOWN}");
    assert_eq!(checks[0]["url"], shown);
    assert_eq!(checks[1]["url"], format!("{shown}#2"));
}
