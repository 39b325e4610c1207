//! A small fleet in one fixed moment.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use probe::model::{
    Addresses, Attempt, AttemptId, Backoff, Budget, CacheBypass, Cause, Certificate, Channel,
    CheckOutcome, CheckResult, Entry, EntryId, EventKind, Expect, Finding, Fleet, Guards, Happened,
    Host, HostName, HttpVersion, Incident, IncidentId, NetworkSettings, Notification, Profile,
    ProfileName, ProfileTrack, RecoveryOutcome, RecoveryReport, Restart, Rung, Seconds, Settings,
    Shared, Standing, Telling, Timestamp, Timings, Tls, When,
};
use probe::render::record::Record;
use probe::render::terminal::Layout;

pub(super) fn at(text: &str) -> Timestamp {
    let instant: jiff::Timestamp = text.parse().unwrap();
    Timestamp(instant.as_millisecond())
}

/// The moment in which all is looked at.
pub(super) fn now() -> Timestamp {
    at("2026-11-22T06:00:41.120Z")
}

pub(super) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(super) fn name(text: &str) -> ProfileName {
    ProfileName::try_new(text).unwrap()
}

pub(super) fn host(text: &str) -> HostName {
    HostName::try_new(text).unwrap()
}

pub(super) fn look(width: usize) -> Layout {
    Layout {
        color: false,
        width,
        verbose: false,
        dry_run: false,
        unicode: true,
    }
}

/// A fleet under construction.
pub(super) struct World {
    pub(super) settings: Settings,
    pub(super) fleet: Fleet,
    pub(super) record: Record,
}

pub(super) fn subject(notification: &Notification) -> String {
    let name = notification
        .profile
        .as_ref()
        .map_or("", |name| name.as_str());
    format!("[{}] {name}", notification.event.word().to_uppercase())
}

impl World {
    pub(super) fn new() -> Self {
        let mut fleet = Fleet::default();
        fleet.core.clock.now = now();
        Self {
            settings: Settings {
                wording: Arc::default(),
                profiles: BTreeMap::new(),
                hosts: BTreeMap::new(),
                network: NetworkSettings {
                    canaries: Vec::new(),
                },
                email: None,
                command: None,
                webhooks: Vec::new(),
                heartbeat: None,
                status_page: None,
            },
            fleet,
            record: Record::default(),
        }
    }

    pub(super) fn selection(&self) -> BTreeSet<ProfileName> {
        self.settings.profiles.keys().cloned().collect()
    }

    pub(super) fn host(&mut self, text: &str) {
        let made = Host {
            name: host(text),
            ssh: format!("probe@{text}.example.com"),
            operator_ssh: Some(format!("admin@{text}.example.com")),
            identity_file: None,
            known_hosts_file: None,
            agent: false,
            diagnose: false,
            guards: Guards::by_default(),
            restart: Restart {
                commands: vec![Rung::Remote("sudo -n kusanagi restart".to_owned())],
                allow_reboot: false,
                timeout: secs(120),
                settle: secs(45),
                backoff: Backoff {
                    initial: secs(60),
                    factor: 2.0,
                    max: secs(1800),
                },
                budget: Budget {
                    restarts: 3,
                    per: secs(3600),
                },
                give_up_after: 3,
                causes: vec![Cause::Refused],
                when: When::Auto,
                mode: probe::model::Mode::Auto,
            },
            fingerprint: 1,
        };
        self.settings.hosts.insert(host(text), Arc::new(made));
    }

    /// A profile with what its last probe found, in this standing since an hour.
    pub(super) fn profile(
        &mut self,
        text: &str,
        on: Option<&str>,
        standing: Standing,
        checks: Vec<CheckResult>,
    ) -> &mut ProfileTrack {
        let urls = checks.iter().map(|check| check.url.parse().unwrap());
        let made = Profile {
            name: name(text),
            host: on.map(host),
            elsewhere: false,
            urls: urls.collect(),
            method: "GET".to_owned(),
            headers: Vec::new(),
            interval: secs(60),
            retry_interval: secs(10),
            timeout: secs(10),
            connect_timeout: secs(5),
            failure_threshold: 3,
            success_threshold: 2,
            contact: None,
            maintenance: Vec::new(),
            expect: Expect::by_default().into(),
            slow: None,
            redirects: 5,
            max_body: 1024 * 1024,
            addresses: Addresses::Any,
            tls: Tls {
                warn_before: Vec::new(),
                ..Tls::by_default()
            }
            .into(),
            cache_bypass: CacheBypass::Off,
            expectation: 1,
            fingerprint: 1,
        };
        self.settings.profiles.insert(name(text), Arc::new(made));
        let track = self.fleet.profile_mut(&name(text));
        track.standing = standing;
        track.since = now() - secs(3600);
        track.probed = Some(now() - secs(12));
        track.last = checks;
        track
    }

    /// Opens an incident 80 s ago.
    pub(super) fn down(&mut self, text: &str, on: &str, checks: Vec<CheckResult>) {
        let begun = now() - secs(80);
        let track = self.profile(text, Some(on), Standing::Down, checks);
        track.failures = 3;
        track.since = begun + secs(20);
        track.failing_since = Some(begun);
        let opened = begun + secs(20);
        let id = IncidentId::new(text, &opened.stamp());
        let incident = Incident::new(id, begun, opened, Cause::Refused);
        let telling = Telling {
            sequence: 1,
            ..Telling::of(&incident)
        };
        track.incident = Some(Box::new(incident));
        track.telling = Some(Box::new(telling));
    }

    pub(super) fn note(&mut self, note: &Happened) {
        self.record.note(note, &self.settings, &self.fleet, subject);
    }

    /// A message in the outbox.
    pub(super) fn queue(&mut self, event: EventKind, profile: &str, on: &str) -> EntryId {
        let id = self.fleet.next_entry();
        self.fleet.queue(Entry {
            id,
            notification: Notification {
                incident: Some(IncidentId::new(profile, "20261122T055941Z")),
                profile: Some(name(profile)),
                host: Some(host(on)),
                cause: Some(Cause::Refused),
                ..Notification::blank(event, now())
            },
            channel: Channel::Mail,
            from: "probe@monitor.example.com".to_owned(),
            to: "ops@example.com".to_owned(),
            queued: now(),
            tries: 0,
            due: now(),
            last: None,
            open: false,
            unclear: false,
            outlived: false,
        });
        self.note(&Happened::Queued {
            entry: id,
            event,
            to: "ops@example.com".to_owned(),
        });
        id
    }
}

pub(super) fn attempt(number: u32, outcome: RecoveryOutcome) -> Attempt {
    let failed = outcome != RecoveryOutcome::Succeeded;
    Attempt {
        id: AttemptId(u64::from(number)),
        number,
        command: "sudo -n kusanagi restart".to_owned(),
        ailment: None,
        drill: false,
        braked: false,
        began: now() - secs(15),
        ended: Some(now() - secs(12)),
        report: Some(RecoveryReport {
            outcome,
            exit_status: match outcome {
                RecoveryOutcome::Succeeded => Some(0),
                RecoveryOutcome::Failed => Some(1),
                RecoveryOutcome::Declined => Some(72),
                RecoveryOutcome::TimedOut
                | RecoveryOutcome::NotExecuted
                | RecoveryOutcome::Unknown
                | RecoveryOutcome::Refused => None,
            },
            duration: Duration::from_millis(2310),
            reason: None,
            config_broken: false,
            output: if failed {
                "restarting nginx\nnginx: [emerg] bind() to 0.0.0.0:80 failed\n\u{1b}[31mJob failed\u{1b}[0m\n"
                    .to_owned()
            } else {
                "done\n".to_owned()
            },
        }),
    }
}

fn millis(ms: u64) -> Option<Duration> {
    Some(Duration::from_millis(ms))
}

/// A page that is as it should be.
pub(super) fn good(url: &str, address: &str) -> CheckResult {
    let tls = url.starts_with("https:");
    CheckResult {
        address: Some(address.parse().unwrap()),
        http_status: Some(200),
        http_version: Some(HttpVersion::Http11),
        body_bytes: 34_211,
        timings: Timings {
            dns: Some(Duration::from_micros(1240)),
            connect: millis(0),
            tls: tls.then_some(Duration::from_millis(3)),
            first_byte: millis(12),
            transfer: millis(1),
            total: Duration::from_millis(17),
        },
        certificate: tls.then(|| certificate(61)),
        ..CheckResult::new(url, CheckOutcome::Ok)
    }
}

pub(super) fn certificate(days_left: i64) -> Shared<Certificate> {
    let days = secs(days_left.unsigned_abs() * 86_400 + 3600);
    Shared::from(Certificate {
        not_before: now() - secs(29 * 86_400),
        not_after: now() + days,
        days_left,
        subject: "CN=shop.example.com".to_owned(),
        issuer: "CN=R11, O=Let's Encrypt, C=US".to_owned(),
        names: vec!["shop.example.com".to_owned()],
        fingerprint: "00".repeat(32),
        chain: Vec::new(),
    })
}

/// Nobody listens.
pub(super) fn refused(url: &str, address: &str) -> CheckResult {
    CheckResult {
        address: Some(address.parse().unwrap()),
        timings: Timings {
            dns: Some(Duration::from_micros(1240)),
            connect: Some(Duration::from_micros(430)),
            total: Duration::from_micros(1670),
            ..Timings::default()
        },
        ..CheckResult::new(
            url,
            CheckOutcome::found(Cause::Refused, Finding::bare(Cause::Refused)),
        )
    }
}

/// An answer that took some seconds, and more than the limit.
pub(super) fn took_longer(total: u64, limit: u64) -> Finding {
    Finding::TookLonger {
        total: Seconds(secs(total)),
        limit: Seconds(secs(limit)),
    }
}

/// An answer with a finding.
pub(super) fn judged(url: &str, address: &str, cause: Cause, finding: Finding) -> CheckResult {
    CheckResult {
        outcome: CheckOutcome::found(cause, finding),
        ..good(url, address)
    }
}
