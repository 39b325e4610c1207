//! What the journal says of the past: incidents, restarts and how long they held, uptime.
//!
//! Times are wall-clock times. A profile was down from the first failure of an incident to its end; failures that were
//! never confirmed count as up. Time in which it was not judged, and no incident was open, counts neither as up nor as
//! down, and of a profile that was never judged no uptime is said. A restart held from the end of the incident it was made in to the next incident on its
//! host, or until now; one that was followed by another restart before any site was back did not help.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use super::why::Recorded;
use crate::model::{
    Ailment, Cause, Fleet, Happened, HostName, ProfileName, ProfileState, ProfileTrack,
    RecoveryOutcome, Settings, Timestamp,
};

/// One time a profile was down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    /// Of which profile.
    pub profile: ProfileName,
    /// The first failure; where the journal does not say, the moment it was confirmed.
    pub since: Timestamp,
    /// Its end; `None`: still down.
    pub until: Option<Timestamp>,
    /// What was found first; not known of one that was opened before the journal begins.
    pub cause: Option<Cause>,
    /// Restarts in it.
    pub restarts: u32,
}

impl Outage {
    /// How long it lasted, up to now.
    #[must_use]
    pub fn lasted(&self, now: Timestamp) -> Duration {
        self.until.unwrap_or(now).since(self.since)
    }
}

/// How a restart held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeldFor {
    /// All has been well since, for so long.
    Still(Duration),
    /// For so long; then something on the host was down again.
    For(Duration),
    /// The site was not back before the next restart, or is not yet.
    No,
}

/// One restart that was ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastRestart {
    /// Of which host.
    pub host: HostName,
    /// When.
    pub began: Timestamp,
    /// The command.
    pub command: String,
    /// On whose evidence.
    pub profile: ProfileName,
    /// How the command ended; `None`: not known, or still under way.
    pub outcome: Option<RecoveryOutcome>,
    /// What the facts said was wrong; `None` where it was made without facts.
    pub ailment: Option<Ailment>,
    /// How it held.
    pub held: HeldFor,
}

impl PastRestart {
    /// Whether it was needed, by the facts and by what came of it; `None` where nobody can say. What did not touch the
    /// host was no restart.
    #[must_use]
    pub fn needed(&self) -> Option<bool> {
        self.outcome.filter(|outcome| outcome.touched_host())?;
        self.ailment?.needed_restart(self.held != HeldFor::No)
    }
}

/// The past of some profiles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastView {
    /// From here on something is recorded.
    pub from: Timestamp,
    /// Until now.
    pub until: Timestamp,
    /// Whose.
    pub profiles: BTreeSet<ProfileName>,
    /// In the order in which they began.
    pub outages: Vec<Outage>,
    /// In order.
    pub restarts: Vec<PastRestart>,
    /// From when to when each profile was not judged, in order.
    pub unjudged: BTreeMap<ProfileName, Vec<(Timestamp, Timestamp)>>,
}

impl PastView {
    /// How long a profile was neither judged nor down.
    #[must_use]
    pub fn unjudged(&self, profile: &ProfileName) -> Duration {
        let spans = self.unjudged.get(profile).into_iter().flatten();
        let within = |(from, until): &(Timestamp, Timestamp)| {
            let down = self
                .outages
                .iter()
                .filter(|outage| outage.profile == *profile);
            let down = down.map(|outage| {
                let end = outage.until.unwrap_or(self.until).min(*until);
                end.since(outage.since.max(*from))
            });
            until.since(*from).saturating_sub(down.sum())
        };
        spans.map(within).sum()
    }

    /// Share of the judged time in which a profile was not down, in hundredths of a per cent; `None` where nothing is
    /// recorded or it was never judged.
    #[must_use]
    pub fn uptime(&self, profile: &ProfileName) -> Option<u32> {
        let whole = self
            .until
            .since(self.from)
            .saturating_sub(self.unjudged(profile));
        let whole = whole.as_millis();
        let down: u128 = self
            .outages
            .iter()
            .filter(|outage| outage.profile == *profile)
            .map(|outage| {
                let end = outage.until.unwrap_or(self.until);
                end.since(outage.since.max(self.from)).as_millis()
            })
            .sum();
        let up = whole.checked_sub(down).filter(|_| whole > 0)?;
        u32::try_from(up * 10_000 / whole).ok()
    }
}

/// Reads the past of `profiles` out of the journal, which begins at `from`, oldest first.
#[must_use]
pub fn past(
    settings: &Settings,
    fleet: &Fleet,
    profiles: &BTreeSet<ProfileName>,
    from: Timestamp,
    recorded: &[Recorded],
) -> PastView {
    let now = fleet.wall(fleet.now());
    let first = recorded.first().map_or(now, |(at, _)| *at);
    let hosts: BTreeSet<&HostName> = profiles
        .iter()
        .filter_map(|name| settings.profiles.get(name)?.host.as_ref())
        .collect();
    let mut reading = Reading::default();
    for (at, note) in recorded {
        reading.take(*at, note);
    }
    let mut outages: Vec<Outage> = reading.over;
    for (profile, (opened, cause)) in reading.open {
        let incident = fleet
            .profiles
            .get(&profile)
            .and_then(|t| t.incident.as_ref());
        // An incident the journal saw opened and the state no longer has was ended by a damaged state.
        if let Some(incident) = incident {
            outages.push(Outage {
                profile,
                since: fleet.wall(incident.since).min(opened),
                until: None,
                cause: Some(cause),
                restarts: u32::try_from(incident.attempts.len()).unwrap_or(u32::MAX),
            });
        }
    }
    // Opened before the journal's part that was read, and still open.
    for (profile, incident) in fleet.open_incidents() {
        if !outages
            .iter()
            .any(|o| o.profile == *profile && o.until.is_none())
        {
            outages.push(Outage {
                profile: profile.clone(),
                since: fleet.wall(incident.since),
                until: None,
                cause: Some(incident.cause),
                restarts: u32::try_from(incident.attempts.len()).unwrap_or(u32::MAX),
            });
        }
    }
    let mut restarts: Vec<PastRestart> = reading.restarts;
    restarts.retain(|restart| hosts.contains(&restart.host));
    let on_host = |host: &HostName| -> Vec<&Outage> {
        let of = |o: &&Outage| {
            let profile = settings.profiles.get(&o.profile);
            profile.and_then(|p| p.host.as_ref()) == Some(host)
        };
        outages.iter().filter(of).collect()
    };
    let began: Vec<(HostName, Timestamp)> =
        restarts.iter().map(|r| (r.host.clone(), r.began)).collect();
    for restart in &mut restarts {
        let next = began
            .iter()
            .filter(|(host, at)| *host == restart.host && *at > restart.began)
            .map(|(_, at)| *at)
            .min();
        restart.held = held(restart.began, next, &on_host(&restart.host), now);
    }
    let begins = from.max(first).min(now);
    let state = |name: &ProfileName| {
        let track = fleet.profiles.get(name);
        track.map_or(ProfileState::Unknown, ProfileTrack::state)
    };
    let unjudged = profiles.iter().map(|name| {
        let turns = reading.turns.get(name).map_or(&[][..], Vec::as_slice);
        (name.clone(), blanks(turns, state(name), begins, now))
    });
    let unjudged = unjudged.collect();
    outages.retain(|outage| profiles.contains(&outage.profile));
    outages.sort_by(|a, b| (a.since, &a.profile).cmp(&(b.since, &b.profile)));
    PastView {
        from: begins,
        until: now,
        unjudged,
        profiles: profiles.clone(),
        outages,
        restarts,
    }
}

/// A change of state: when, from which, to which.
type Turn = (Timestamp, ProfileState, ProfileState);

/// When a profile was not judged, by its changes of state and by what it is now.
fn blanks(
    turns: &[Turn],
    now: ProfileState,
    begins: Timestamp,
    ends: Timestamp,
) -> Vec<(Timestamp, Timestamp)> {
    let blank = |state: ProfileState| state == ProfileState::Unknown;
    let at_first = turns.first().map_or(now, |(_, from, _)| *from);
    let mut since = blank(at_first).then_some(begins);
    let mut spans = Vec::new();
    for (at, _, to) in turns {
        if blank(*to) {
            since.get_or_insert(*at);
        } else if let Some(since) = since.take() {
            spans.push((since, *at));
        }
    }
    spans.extend(since.map(|since| (since, ends)));
    spans
}

/// How a restart that began at `began` held, given when the host's next one began and what was down on it.
fn held(began: Timestamp, next: Option<Timestamp>, outages: &[&Outage], now: Timestamp) -> HeldFor {
    let back = outages
        .iter()
        .filter(|o| o.since <= began)
        .filter_map(|o| o.until)
        .filter(|until| *until >= began)
        .min();
    let Some(back) = back.filter(|back| next.is_none_or(|next| next > *back)) else {
        return HeldFor::No;
    };
    let again = outages
        .iter()
        .map(|o| o.since)
        .filter(|at| *at >= back)
        .min();
    again.map_or_else(
        || HeldFor::Still(now.since(back)),
        |at| HeldFor::For(at.since(back)),
    )
}

#[derive(Default)]
struct Reading {
    open: BTreeMap<ProfileName, (Timestamp, Cause)>,
    over: Vec<Outage>,
    restarts: Vec<PastRestart>,
    turns: BTreeMap<ProfileName, Vec<Turn>>,
}

impl Reading {
    fn take(&mut self, at: Timestamp, note: &Happened) {
        match note {
            Happened::Changed {
                profile, from, to, ..
            } => {
                let turns = self.turns.entry(profile.clone()).or_default();
                turns.push((at, *from, *to));
            }
            Happened::Opened { profile, cause, .. } => {
                self.open.insert(profile.clone(), (at, *cause));
            }
            Happened::Closed {
                profile,
                since,
                restarts,
                ..
            } => {
                let opened = self.open.remove(profile);
                self.over.push(Outage {
                    profile: profile.clone(),
                    since: *since,
                    until: Some(at),
                    cause: opened.map(|(_, cause)| cause),
                    restarts: *restarts,
                });
            }
            Happened::RestartBegan {
                host,
                command,
                profile,
                ..
            } => self.restarts.push(PastRestart {
                host: host.clone(),
                began: at,
                command: command.clone(),
                profile: profile.clone(),
                outcome: None,
                ailment: None,
                held: HeldFor::No,
            }),
            Happened::RestartEnded { host, attempt, .. } => {
                let last = self.restarts.iter_mut().rev().find(|r| r.host == *host);
                if let Some(restart) = last {
                    restart.outcome = attempt.report.as_ref().map(|report| report.outcome);
                    restart.ailment = attempt.ailment;
                }
            }
            Happened::Judged { .. }
            | Happened::Skipped { .. }
            | Happened::Diagnosed { .. }
            | Happened::Held { .. }
            | Happened::GaveUp { .. }
            | Happened::Rearmed { .. }
            | Happened::Queued { .. }
            | Happened::Merged { .. }
            | Happened::Delivered { .. }
            | Happened::Unjudged { .. }
            | Happened::JudgedAgain { .. }
            | Happened::NetworkDown { .. }
            | Happened::NetworkBack { .. }
            | Happened::Damaged { .. }
            | Happened::Heartbeat { .. }
            | Happened::Unrecorded
            | Happened::Recorded => {}
        }
    }
}

/// The JSON document of `probe history`.
#[must_use]
pub fn document(past: &PastView) -> Value {
    let profiles = past.profiles.iter().map(|profile| {
        let outages: Vec<&Outage> = past
            .outages
            .iter()
            .filter(|outage| outage.profile == *profile)
            .collect();
        let down: Duration = outages.iter().map(|o| o.lasted(past.until)).sum();
        json!({
            "name": profile,
            "uptime": past.uptime(profile).map(|share| f64::from(share) / 10_000.0),
            "down_seconds": down.as_secs(),
            "unjudged_seconds": past.unjudged(profile).as_secs(),
            "incidents": outages.iter().map(|o| json!({
                "since": o.since.to_string(),
                "until": o.until.map(|at| at.to_string()),
                "cause": o.cause.map(Cause::word),
                "restarts": o.restarts,
            })).collect::<Vec<_>>(),
        })
    });
    let restarts = past.restarts.iter().map(|restart| {
        let (helped, held) = match restart.held {
            HeldFor::Still(span) => (true, Some((span, true))),
            HeldFor::For(span) => (true, Some((span, false))),
            HeldFor::No => (false, None),
        };
        json!({
            "host": restart.host,
            "at": restart.began.to_string(),
            "command": restart.command,
            "profile": restart.profile,
            "outcome": restart.outcome.map(RecoveryOutcome::word),
            "ailment": restart.ailment.map(Ailment::word),
            "needed": restart.needed(),
            "helped": helped,
            "held_seconds": held.map(|(span, _)| span.as_secs()),
            "still_holds": held.is_some_and(|(_, still)| still),
        })
    });
    json!({
        "schema": 1,
        "from": past.from.to_string(),
        "until": past.until.to_string(),
        "profiles": profiles.collect::<Vec<_>>(),
        "restarts": restarts.collect::<Vec<_>>(),
    })
}
