//! `probe` in the monitoring namespace, called again and again as cron would, with time that passes when it is told to.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::bench::{AUX4, Bench, WEB4};
use crate::ground::text;
use crate::post::Letter;

/// One configuration and its state.
pub(super) struct Watch<'a> {
    /// Who gets the mail.
    pub(super) recipient: String,
    bench: &'a Bench,
    folder: PathBuf,
    /// Seconds that have passed since boot beyond those that really have.
    later: u64,
}

/// What one run of `probe once` said, and what `probe why` said afterwards.
pub(super) struct Cycle {
    /// Its exit code.
    pub(super) code: Option<i32>,
    document: Value,
    why: Value,
}

impl<'a> Watch<'a> {
    /// A configuration with both sites, the host `web1` behind them, and short times; `change` replaces words of it,
    /// `old => new; …`.
    pub(super) fn begin(bench: &'a Bench, name: &str, change: &str) -> Self {
        let folder = bench.room(&format!("watch-{name}"));
        let recipient = format!("{name}@probe.test");
        let mut yaml = yaml(bench, &recipient);
        for (old, new) in change.split("; ").filter_map(|one| one.split_once(" => ")) {
            assert!(yaml.contains(old), "`{old}` is not in\n{yaml}");
            yaml = yaml.replace(old, new);
        }
        fs::write(folder.join("probes.yaml"), yaml).unwrap();
        Self {
            recipient,
            bench,
            folder,
            later: 0,
        }
    }

    /// Lets time pass on the prober's machine, at once.
    pub(super) fn pass(&mut self, seconds: u64) {
        self.later += seconds;
    }

    /// `probe` in the monitoring namespace, its log in a file of the watch.
    pub(super) fn command(&self, words: &[&str]) -> Command {
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder.join("log"))
            .unwrap();
        let mut command = self.bench.later(self.later);
        command
            .args(["env", "-i", "PATH=/usr/bin:/bin", "HOME=/nonexistent"])
            .arg(env!("CARGO_BIN_EXE_probe"))
            .arg("--config")
            .arg(self.folder.join("probes.yaml"))
            .arg("--state-dir")
            .arg(self.folder.join("state"))
            .args(words)
            .stdin(Stdio::null())
            .stderr(log);
        command
    }

    /// `probe …` to its end: its exit code and what it answered.
    pub(super) fn probe(&self, words: &[&str]) -> (Option<i32>, String) {
        let output = self.command(words).output().unwrap();
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
        )
    }

    /// `probe once`, every profile now.
    pub(super) fn once(&self) -> Cycle {
        let (code, words) = self.probe(&["once", "--json", "--max-time", "40s", "a", "b"]);
        Cycle {
            code,
            document: self.json(&words),
            why: self.json(&self.probe(&["why", "a", "--json"]).1),
        }
    }

    fn json(&self, words: &str) -> Value {
        serde_json::from_str(words)
            .unwrap_or_else(|error| panic!("{error}: `{words}` {}", self.story()))
    }

    /// Events of the mails so far about the profile that was down first, each message once.
    pub(super) fn told(&self) -> Vec<String> {
        let letters = self.bench.letters_to(&self.recipient);
        let about = |letter: &Letter| {
            let incident = "X-Probe-Incident";
            let thread = letter.has(incident).then(|| letter.header(incident));
            thread.unwrap_or_default().to_owned()
        };
        let first = letters.first().map(about);
        let mut seen = Vec::new();
        let mut events = Vec::new();
        for letter in letters.iter().filter(|letter| Some(about(letter)) == first) {
            let id = letter.header("Message-ID");
            if !seen.contains(&id) {
                events.push(letter.event().to_owned());
                seen.push(id);
            }
        }
        events
    }

    /// What a failed assertion needs to be understood.
    pub(super) fn story(&self) -> String {
        let log = text(&self.folder.join("log"));
        let lines: Vec<_> = log.lines().collect();
        let from = lines.len().saturating_sub(30);
        let why = self.probe(&["why", "web1"]).1;
        format!(
            "\n-- log --\n{}\n-- why --\n{why}\n",
            lines.get(from..).unwrap_or_default().join("\n")
        )
    }
}

impl Cycle {
    /// What is wrong with profile `a`, or its state when nothing is known to be.
    pub(super) fn found(&self) -> &str {
        let (judged, probed) = (profile_a(&self.why), profile_a(&self.document));
        let checks = probed["checks"].as_array().into_iter().flatten();
        let seen = checks.filter_map(|check| check["cause"].as_str()).next();
        let seen = seen.filter(|_| judged["state"] == "degraded");
        let cause = judged["cause"].as_str().or(seen);
        cause.or(judged["state"].as_str()).unwrap_or_default()
    }

    /// Outcomes of what was carried out, then the host's state and its reason.
    pub(super) fn decision(&self) -> String {
        let actions = self.document["actions"].as_array().unwrap();
        let outcomes = actions
            .iter()
            .filter_map(|action| action["outcome"].as_str());
        // A refusal that was over within the run is a step of the way; one that holds is the host's reason.
        let mut words: Vec<&str> = outcomes.filter(|outcome| *outcome != "refused").collect();
        let host = &self.document["hosts"][0];
        words.extend(host["state"].as_str());
        words.extend(host["reason"].as_str());
        words.join(" ")
    }
}

/// Profile `a` of a document.
fn profile_a(document: &Value) -> &Value {
    let profiles = document["profiles"].as_array().unwrap();
    profiles.iter().find(|found| found["name"] == "a").unwrap()
}

fn yaml(bench: &Bench, recipient: &str) -> String {
    let folder = bench.folder.display();
    let site = |name: &str, url: &str| {
        format!(
            "  {name}:\n    host: web1\n    urls: [\"{url}\"]\n    addresses: [{WEB4}]\n    tls: {{ca_file: {folder}/ca.pem}}\n    \
             expect: {{contains: \"is up\"}}\n"
        )
    };
    format!(
        "defaults:\n  interval: 30s\n  retry_interval: 300ms\n  timeout: 2s\n  failure_threshold: 3\n  success_threshold: 2\n\
         network: {{canaries: [\"tcp://{AUX4}:25\"]}}\n\
         hosts:\n  web1:\n    ssh: ops@{WEB4}\n    identity_file: {folder}/keys/ops\n    \
         known_hosts_file: {folder}/known_hosts\n    restart:\n      commands: [sudo -n kusanagi restart]\n      \
         timeout: 20s\n      settle: 1s\n      backoff: {{initial: 30s, factor: 2, max: 60s}}\n\
         profiles:\n{}{}\
         alerts:\n  email:\n    from: \"Probe <probe@monitor.test>\"\n    to: [{recipient}]\n    \
         smtp: [{{url: \"smtp+plain://{AUX4}:25\", insecure: true}}]\n",
        site("a", "http://site-a.test/"),
        site("b", "https://site-b.test/"),
    )
}
