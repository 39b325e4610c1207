//! What the journal says of the past: incidents, restarts and how long they held, uptime.
//!
//! Times are wall-clock times. A profile was down from the first failure of an incident to its end; failures that were
//! never confirmed count as up. Time in which it was not judged, and no incident was open, counts neither as up nor as
//! down, and of a profile that was never judged no uptime is said. How restarts held, what they count and the share of
//! uptime follow from the arithmetic of the weekly report ([`crate::model::Past`], [`uptime`]); an order that was not
//! carried out is listed and is no restart.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::why::Recorded;
use crate::model::{
    Ailment, Attempt, Cause, Fleet, Happened, Held, HostName, Past, ProfileName, ProfileState,
    ProfileTrack, RecoveryOutcome, Rollups, Settings, Span, Timestamp, uptime,
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

/// One restart that was ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastRestart {
    /// Of which host.
    pub host: HostName,
    /// When, on which facts, and how it held.
    pub past: Past,
    /// The command.
    pub command: String,
    /// On whose evidence.
    pub profile: ProfileName,
    /// How the command ended; `None`: not known, or still under way.
    pub outcome: Option<RecoveryOutcome>,
    /// A person ordered it while the host was well (`probe drill --restart`): it had nothing to mend.
    pub drill: bool,
}

impl PastRestart {
    /// Whether something may have happened on the host: what was not carried out is no restart.
    #[must_use]
    pub fn took_place(&self) -> bool {
        self.outcome.is_none_or(RecoveryOutcome::touched_host)
    }

    /// Whether it was needed; `None` where nobody can say.
    #[must_use]
    pub fn needed(&self, now: Timestamp) -> Option<bool> {
        self.outcome.filter(|_| self.took_place() && !self.drill)?;
        self.past.needed(now)
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
        let of_profile = |outage: &&Outage| outage.profile == *profile;
        let outages = self.outages.iter().filter(of_profile);
        let down = outages.map(|outage| {
            let end = outage.until.unwrap_or(self.until);
            end.since(outage.since.max(self.from))
        });
        let judged = self.until.since(self.from);
        uptime(judged.saturating_sub(self.unjudged(profile)), down.sum())
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
    let mut reading = Reading::of(settings);
    for (at, note) in recorded {
        reading.take(*at, note);
    }
    let mut outages: Vec<Outage> = reading.over;
    for (profile, (began, cause)) in reading.open {
        let incident = fleet
            .profiles
            .get(&profile)
            .and_then(|t| t.incident.as_ref());
        // An incident the journal saw opened and the state no longer has was ended by a damaged state.
        if let Some(incident) = incident {
            outages.push(Outage {
                profile,
                since: fleet.wall(incident.since).min(began),
                until: None,
                cause: Some(cause),
                restarts: Attempt::restarts(&incident.attempts),
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
                restarts: Attempt::restarts(&incident.attempts),
            });
        }
    }
    let mut restarts: Vec<PastRestart> = reading.restarts;
    restarts.retain(|restart| hosts.contains(&restart.host));
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

struct Reading<'a> {
    settings: &'a Settings,
    /// Since when each incident that is open was failing, and by what.
    open: BTreeMap<ProfileName, (Timestamp, Cause)>,
    over: Vec<Outage>,
    restarts: Vec<PastRestart>,
    turns: BTreeMap<ProfileName, Vec<Turn>>,
}

impl<'a> Reading<'a> {
    const fn of(settings: &'a Settings) -> Self {
        Self {
            settings,
            open: BTreeMap::new(),
            over: Vec::new(),
            restarts: Vec::new(),
            turns: BTreeMap::new(),
        }
    }

    /// The last restart of a profile's host.
    fn last(&mut self, profile: &ProfileName) -> Option<&mut Past> {
        let host = self.settings.profiles.get(profile)?.host.as_ref()?;
        let mut newest = self.restarts.iter_mut().rev();
        let last = newest
            .find(|restart| restart.host == *host && restart.took_place() && !restart.drill)?;
        Some(&mut last.past)
    }

    fn take(&mut self, at: Timestamp, note: &Happened) {
        match note {
            Happened::Changed {
                profile, from, to, ..
            } => {
                let turns = self.turns.entry(profile.clone()).or_default();
                turns.push((at, *from, *to));
            }
            Happened::Opened {
                profile,
                since,
                cause,
                ..
            } => {
                let since = since.unwrap_or(at);
                self.open.insert(profile.clone(), (since, *cause));
                if let Some(last) = self.last(profile) {
                    last.relapsed(since);
                }
            }
            Happened::Closed {
                profile,
                since,
                restarts,
                ..
            } => {
                let opened = self.open.remove(profile);
                if let Some(last) = self.last(profile) {
                    last.ended(at);
                }
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
                past: Past::new(at, None),
                command: command.clone(),
                profile: profile.clone(),
                outcome: None,
                drill: false,
            }),
            Happened::RestartEnded { host, attempt, .. } => {
                let last = self.restarts.iter_mut().rev().find(|r| r.host == *host);
                if let Some(restart) = last {
                    restart.outcome = attempt.report.as_ref().map(|report| report.outcome);
                    restart.past.ailment = attempt.ailment;
                    restart.drill = attempt.drill;
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

/// Uptime over the last day, week, month, quarter and year, from hours and days that are kept.
fn spans(rollups: &Rollups, wall: Timestamp, zone: &TimeZone) -> Value {
    let spans = Span::ALL.map(|span| {
        let sum = rollups.over(span, wall, zone);
        let row = json!({
            "uptime": sum.uptime().map(|share| f64::from(share) / 10_000.0),
            "judged_seconds": sum.judged.as_secs(),
            "unjudged_seconds": sum.unjudged.as_secs(),
            "down_seconds": sum.down.as_secs(),
            "incidents": sum.outages,
            "mean_response_ms": sum.mean().map(|mean| mean.as_millis()),
        });
        (span.word().to_owned(), row)
    });
    Value::Object(spans.into_iter().collect())
}

/// The JSON document of `probe history`. `rollups` are the hours and days of its profiles, by the calendar of `zone`.
#[must_use]
pub fn document(
    past: &PastView,
    rollups: &BTreeMap<ProfileName, Rollups>,
    zone: &TimeZone,
) -> Value {
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
            "uptimes": rollups.get(profile).map(|of| spans(of, past.until, zone)),
            "incidents": outages.iter().map(|o| json!({
                "since": o.since.to_string(),
                "until": o.until.map(|at| at.to_string()),
                "cause": o.cause.map(Cause::word),
                "restarts": o.restarts,
            })).collect::<Vec<_>>(),
        })
    });
    let restarts = past.restarts.iter().map(|restart| {
        let (helped, held) = match restart.past.held(past.until) {
            Held::Still(span) => (true, Some((span, true))),
            Held::For(span) => (true, Some((span, false))),
            Held::No => (false, None),
        };
        json!({
            "host": restart.host,
            "at": restart.past.began.to_string(),
            "command": restart.command,
            "profile": restart.profile,
            "outcome": restart.outcome.map(RecoveryOutcome::word),
            "ailment": restart.past.ailment.map(Ailment::word),
            "needed": restart.needed(past.until),
            "drill": restart.drill,
            "helped": helped && !restart.drill,
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
