//! The JSON documents of `once --json` and `status --json`, version 1. Keys, their order and their types are fixed: scripts
//! read them. A new key may be added; none is renamed or re-typed.
//!
//! Times are RFC 3339 in UTC with milliseconds, on the wall clock; an instant on the fleet's line of time is converted
//! here. What does not apply is `null`, never left out.

mod check;

use std::collections::BTreeSet;

use serde::Serialize;

use self::check::{CheckReport, check_report};
use super::record::{Action, Record, Told};
use super::standing::HostStanding;
use crate::model::{
    Blame, CheckResult, Finding, Fleet, Host, HostName, HostTrack, ProfileName, ProfileState,
    ProfileTrack, Settings, Stage, Timestamp,
};

/// How well all is, in the plugin convention's words. A greater one is worse: critical, then unknown, then warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// All well.
    Ok,
    /// Degraded, or a message that nobody will get.
    Warning,
    /// We could not tell.
    Unknown,
    /// Down, failing, or given up.
    Critical,
}

impl From<ProfileState> for Severity {
    fn from(state: ProfileState) -> Self {
        match state {
            ProfileState::Up => Self::Ok,
            ProfileState::Degraded => Self::Warning,
            ProfileState::Unknown => Self::Unknown,
            ProfileState::Failing | ProfileState::Down => Self::Critical,
        }
    }
}

/// How well the selected profiles are: their states, the hosts that gave up on them, whether people hear of us at all, and the
/// messages about them that were refused for good; while our own network is down, the state cannot be written, or what was
/// restarted is not known because it was damaged, at least `Unknown`. A pause changes nothing: what is down stays critical.
#[must_use]
pub fn severity(settings: &Settings, fleet: &Fleet, selection: &BTreeSet<ProfileName>) -> Severity {
    let states = selection.iter().map(|name| {
        let track = fleet.profiles.get(name);
        let state = track.map_or(ProfileState::Unknown, ProfileTrack::state);
        let profile = settings.profiles.get(name);
        let at_work = profile.and_then(|profile| profile.window(fleet.wall(fleet.now())));
        // What fails while people work on it is expected; what failed before is not.
        if state == ProfileState::Failing && at_work.is_some() {
            return Severity::Warning;
        }
        Severity::from(state)
    });
    let hosts = hosts_of(settings, selection).into_iter().map(|host| {
        match fleet.hosts.get(&host.name).map(|track| &track.stage) {
            Some(Stage::GaveUp { .. }) => Severity::Critical,
            Some(Stage::Idle | Stage::Restarting { .. } | Stage::Settling { .. }) | None => {
                Severity::Ok
            }
        }
    });
    let letters = fleet.outbox.values().map(|entry| {
        let concerns = entry.notification.profile.as_ref();
        // Who hears nothing of us hears nothing of the next outage either, whatever the message was about.
        if entry.is_unheard() {
            Severity::Critical
        } else if entry.is_dead() && concerns.is_none_or(|name| selection.contains(name)) {
            Severity::Warning
        } else {
            Severity::Ok
        }
    });
    // Each means that we cannot do our work, whatever the profiles were the last time we could.
    let quarantine = fleet.core.quarantine;
    let is_shut = quarantine.is_some_and(|until| until > fleet.now());
    let own = if fleet.may_forget() || is_shut || fleet.core.network.down_since.is_some() {
        Severity::Unknown
    } else {
        Severity::Ok
    };
    states.chain(hosts).chain(letters).fold(own, Severity::max)
}

/// The document.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Document {
    schema: u32,
    at: String,
    /// The worst of all; the exit code says the same.
    pub status: Severity,
    /// Only in a dry run: what is said of hosts and messages is what would have been.
    #[serde(skip_serializing_if = "is_false")]
    dry_run: bool,
    profiles: Vec<ProfileReport>,
    hosts: Vec<HostReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actions: Option<Vec<Action>>,
    notifications: Vec<Told>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form serde calls")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

impl Document {
    /// The document of a dry run.
    #[must_use]
    pub fn rehearsed(mut self) -> Self {
        self.dry_run = true;
        self
    }

    /// As it is printed, without a newline at its end.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Plain data with text keys cannot fail to be written; should it ever, a reader must not take it for well.
        serde_json::to_string_pretty(self)
            .unwrap_or_else(|_| r#"{"schema":1,"status":"unknown"}"#.to_owned())
    }
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct ProfileReport {
    name: String,
    host: Option<HostName>,
    state: ProfileState,
    failures: u32,
    since: Option<String>,
    checks: Vec<CheckReport>,
    unjudged: Option<UnjudgedReport>,
    acknowledged: Option<AckReport>,
}

/// Somebody has the outage.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct AckReport {
    at: String,
    until: Option<String>,
    reason: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct UnjudgedReport {
    since: String,
    reason: Option<String>,
    told: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct HostReport {
    name: HostName,
    state: &'static str,
    reason: Option<&'static str>,
    restarts_in_window: u32,
    budget_left: u32,
    next_action_at: Option<String>,
}

/// The document of `once`: the selected profiles, their hosts, and what the run did.
#[must_use]
pub fn document(
    settings: &Settings,
    fleet: &Fleet,
    selection: &BTreeSet<ProfileName>,
    record: &Record,
) -> Document {
    Document {
        actions: Some(record.actions().to_vec()),
        notifications: record.told().cloned().collect(),
        ..status_document(settings, fleet, selection, &[])
    }
}

/// The document of `status`: the same without `actions`; `outbox` is what waits or was refused
/// ([`super::record::waiting`]).
#[must_use]
pub fn status_document(
    settings: &Settings,
    fleet: &Fleet,
    selection: &BTreeSet<ProfileName>,
    outbox: &[Told],
) -> Document {
    let profiles = selection.iter().map(|name| {
        let host = settings.profiles.get(name).and_then(|p| p.host.clone());
        profile_report(name, host, fleet)
    });
    let hosts = hosts_of(settings, selection)
        .into_iter()
        .map(|host| host_report(host, fleet));
    Document {
        schema: 1,
        at: fleet.wall(fleet.now()).to_string(),
        status: severity(settings, fleet, selection),
        dry_run: false,
        profiles: profiles.collect(),
        hosts: hosts.collect(),
        actions: None,
        notifications: outbox.to_vec(),
    }
}

/// The document of `once URL…`: one profile per URL's host, in the order of their first URL, each seen once; no machine, no
/// action, no mail.
#[must_use]
pub fn url_document(checks: &[CheckResult], now: Timestamp) -> Document {
    let mut profiles: Vec<ProfileReport> = Vec::new();
    for check in checks {
        let name = url::Url::parse(&check.url)
            .ok()
            .and_then(|url| url.host_str().map(str::to_owned))
            .unwrap_or_else(|| check.url.clone());
        let state = state_of_check(check);
        let report = check_report(check);
        if let Some(profile) = profiles.iter_mut().find(|profile| profile.name == name) {
            profile.checks.push(report);
            if Severity::from(state) > Severity::from(profile.state) {
                profile.state = state;
            }
        } else {
            profiles.push(ProfileReport {
                name,
                host: None,
                state,
                failures: 0,
                since: None,
                checks: vec![report],
                unjudged: None,
                acknowledged: None,
            });
        }
    }
    for profile in &mut profiles {
        profile.failures = u32::from(profile.state == ProfileState::Failing);
    }
    Document {
        schema: 1,
        at: now.to_string(),
        status: url_severity(checks),
        dry_run: false,
        profiles,
        hosts: Vec::new(),
        actions: Some(Vec::new()),
        notifications: Vec::new(),
    }
}

/// How well the URLs of `once URL…` are.
#[must_use]
pub fn url_severity(checks: &[CheckResult]) -> Severity {
    checks
        .iter()
        .map(|check| Severity::from(state_of_check(check)))
        .fold(Severity::Ok, Severity::max)
}

/// The state that one check by itself means. A single failure is `failing`: nothing has confirmed it.
#[must_use]
pub fn state_of_check(check: &CheckResult) -> ProfileState {
    match check.cause().map(crate::model::Cause::blame) {
        None => ProfileState::Up,
        Some(Blame::Nobody) => ProfileState::Degraded,
        Some(Blame::Ourselves) => ProfileState::Unknown,
        Some(
            Blame::Server | Blame::Network | Blame::Name | Blame::Certificate | Blame::Application,
        ) => ProfileState::Failing,
    }
}

/// The machines of the selected profiles, in name order.
pub(super) fn hosts_of<'a>(
    settings: &'a Settings,
    selection: &BTreeSet<ProfileName>,
) -> Vec<&'a Host> {
    let names: BTreeSet<&HostName> = selection
        .iter()
        .filter_map(|name| settings.profiles.get(name)?.host.as_ref())
        .collect();
    names
        .into_iter()
        .filter_map(|name| settings.hosts.get(name).map(AsRef::as_ref))
        .collect()
}

fn profile_report(name: &ProfileName, host: Option<HostName>, fleet: &Fleet) -> ProfileReport {
    let unseen = ProfileTrack::default();
    let track = fleet.profiles.get(name).unwrap_or(&unseen);
    let since = Some(track.since).filter(|since| since.0 > 0);
    ProfileReport {
        name: name.to_string(),
        host,
        state: track.state(),
        failures: track.failures,
        since: since.map(|since| fleet.wall(since).to_string()),
        checks: track.last.iter().map(check_report).collect(),
        unjudged: track.blank_since().map(|since| UnjudgedReport {
            since: fleet.wall(since).to_string(),
            reason: track.unknown.as_deref().map(Finding::detail),
            told: track.is_blank(),
        }),
        acknowledged: acknowledged(track, fleet),
    }
}

fn acknowledged(track: &ProfileTrack, fleet: &Fleet) -> Option<AckReport> {
    let thread = &track.telling.as_deref()?.thread;
    let ack = fleet.acks.get(thread.as_str())?;
    ack.holds(fleet, thread).then(|| AckReport {
        at: ack.at.to_string(),
        until: ack.until.map(|until| until.to_string()),
        reason: ack.reason.clone(),
    })
}

fn host_report(host: &Host, fleet: &Fleet) -> HostReport {
    let unseen = HostTrack::default();
    let track = fleet.hosts.get(&host.name).unwrap_or(&unseen);
    let spent = host.restart.budget.spent(&track.starts, fleet.now());
    let standing = HostStanding::of(&host.name, track, fleet);
    HostReport {
        name: host.name.clone(),
        state: standing.word,
        reason: standing.reason,
        restarts_in_window: spent,
        budget_left: host.restart.budget.restarts.saturating_sub(spent),
        next_action_at: standing.next.map(|at| at.to_string()),
    }
}
