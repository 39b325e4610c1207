//! Configurations for simulated worlds, in code.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use probe::model::{
    Backoff, Budget, Canary, Cause, Certificate, Email, Fleet, Guards, Host, HostName,
    NetworkSettings, Profile, ProfileName, Relay, RelaySecurity, Restart, Route, Rung, Settings,
    Timestamp, When,
};

use super::world::BEGIN;

pub fn profile(name: &str) -> ProfileName {
    ProfileName::try_new(name).unwrap()
}

pub fn host(name: &str) -> HostName {
    HostName::try_new(name).unwrap()
}

pub const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub fn site(name: &str, on: Option<&str>) -> Profile {
    let url = format!("https://{name}.example.com/").parse().unwrap();
    Profile {
        name: profile(name),
        host: on.map(host),
        failure_threshold: 3,
        success_threshold: 2,
        fingerprint: 1,
        ..Profile::of_urls(vec![url], secs(10))
    }
}

/// A certificate of ninety days that ends then.
pub fn certificate(name: &str, ends: i64) -> Certificate {
    Certificate {
        not_before: Timestamp(ends - 90 * 86_400_000),
        not_after: Timestamp(ends),
        days_left: 0,
        subject: format!("CN={name}.example.com"),
        issuer: "CN=Authority".to_owned(),
        names: vec![format!("{name}.example.com")],
        fingerprint: format!("{name}-{ends}"),
        chain: vec![],
    }
}

pub fn machine(name: &str) -> Host {
    Host {
        name: host(name),
        ssh: format!("probe@{name}.example.com"),
        identity_file: None,
        operator_ssh: None,
        known_hosts_file: None,
        agent: false,
        diagnose: false,
        guards: Guards::by_default(),
        restart: Restart {
            commands: vec![Rung::Remote("sudo -n kusanagi restart".into())],
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
            causes: Cause::ALL
                .iter()
                .copied()
                .filter(|cause| cause.restarts_by_default())
                .collect(),
            when: When::Auto,
            mode: probe::model::Mode::Auto,
        },
        fingerprint: 1,
    }
}

pub fn email() -> Email {
    Email {
        from: "Probe <probe@monitor.example.com>".into(),
        to: vec!["ops@example.com".into()],
        routes: vec![Route::Relay(Relay {
            host: "mail.example.com".into(),
            port: 465,
            security: RelaySecurity::Implicit,
            user: None,
            password: None,
            ca_file: None,
        })],
        report: false,
        hello: None,
        reminder_interval: None,
    }
}

/// Sites as `name@host` or `name`, every host named once, one canary.
pub fn settings(sites: &[&str]) -> Settings {
    let mut profiles = BTreeMap::new();
    let mut hosts = BTreeMap::new();
    for text in sites {
        let (name, on) = text
            .split_once('@')
            .map_or((*text, None), |(name, on)| (name, Some(on)));
        profiles.insert(profile(name), Arc::new(site(name, on)));
        if let Some(on) = on {
            hosts.insert(host(on), Arc::new(machine(on)));
        }
    }
    Settings {
        wording: Arc::default(),
        profiles,
        hosts,
        network: NetworkSettings {
            canaries: vec![Canary::Tcp {
                host: "192.0.2.1".into(),
                port: 53,
            }],
        },
        email: Some(Arc::new(email())),
        command: None,
        webhooks: Vec::new(),
        heartbeat: None,
        status_page: None,
    }
}

/// What a run of an earlier version left, in which every site was up.
pub fn seen_up(settings: &Settings) -> Fleet {
    let mut fleet = Fleet::default();
    for (name, profile) in &settings.profiles {
        let track = fleet.profile_mut(name);
        track.fingerprint = profile.fingerprint;
        (track.since, track.due) = (Timestamp(BEGIN), Timestamp(BEGIN));
    }
    fleet
}

/// Changes every profile.
pub fn each_profile(settings: &mut Settings, change: impl Fn(&mut Profile)) {
    for profile in settings.profiles.values_mut() {
        change(Arc::make_mut(profile));
    }
}

/// Changes every host.
pub fn each_host(settings: &mut Settings, change: impl Fn(&mut Host)) {
    for host in settings.hosts.values_mut() {
        change(Arc::make_mut(host));
    }
}
