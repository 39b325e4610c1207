//! May this host be restarted now, and if not, why not.
//!
//! The rules are one list. The first that applies gives the reason that is shown:
//!
//! 1. A restart is under way or settling, or we gave up on the host; or a maintenance window of one of its sites is
//!    open.
//! 2. No profile has complete evidence: its failures are too few or too old, are no evidence, or have a cause that is
//!    not listed; or the profile is paused. Or fewer profiles have it than `restart.when` needs.
//! 3. All attempts are spent, or the server rejected its own configuration too often: we give up.
//! 4. The host is paused; the state was damaged lately, or cannot be written or used.
//! 5. Most hosts fail together ([`brake`](crate::policy::host::brake)); or other hosts are in restart.
//! 6. The host's budget is spent; that of all hosts is spent; the backoff is not over.
//! 7. The last look speaks against a restart; or the host's SSH port does not answer, or answers again only for a short
//!    time; or the last login failed.
//! 8. A person must approve it, and has not ([`approval`]).
//! 9. An answer comes first: a probe of this site or of the host's other sites, or what a browser gets.
//! 10. Our own network is down; the host must be looked at; its SSH port must be tried; a canary must answer now.
//!
//! With `when: auto` one profile is enough if its cause says that the server itself is gone, and since that began no
//! other profile of the host is answered at the same address. Otherwise all profiles with a vote must be down. A
//! profile has no vote if it fails by something that is not the server's fault, or if it could not be judged.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use crate::model::{
    Blame, Cause, CheckResult, GivenUp, Hold, Host, HostName, HostTrack, NotEvidence, ProfileName,
    ProfileTrack, Stage, Standing, Timestamp, When, limits,
};

use crate::policy::draft::Draft;
use crate::policy::host::approval;
use crate::policy::host::boot;
use crate::policy::host::brake;
use crate::policy::host::login;
use crate::policy::host::sight;
use crate::policy::site::browser;
use crate::policy::site::canary;
use crate::policy::site::judge::longest;
use crate::policy::site::schedule;

/// A ruling on a host.
#[derive(Debug)]
pub(in crate::policy) enum Ruling {
    /// Nothing is down.
    Nothing,
    /// A restart is not called for, or not allowed.
    Hold(Hold),
    /// Give up: a person must look, for this reason.
    GiveUp(GivenUp),
    /// Restart, on this profile's evidence.
    Permit(ProfileName),
    /// All speaks for it, and a person must approve it.
    Propose,
}

/// What the rules say of a host.
pub(in crate::policy) fn rule(draft: &Draft<'_>, name: &HostName) -> Ruling {
    let (Some(host), Some(track)) = (draft.settings.hosts.get(name), draft.fleet.hosts.get(name))
    else {
        return Ruling::Nothing;
    };
    let case = Case::gather(draft, name);
    if !case.down && case.streak == 0 {
        return Ruling::Nothing;
    }
    if let Some(hold) = underway(track) {
        return Ruling::Hold(hold);
    }
    if let Some(hold) = at_work(draft, name) {
        return Ruling::Hold(hold);
    }
    let Some((profile, cause)) = case.candidate.clone() else {
        return Ruling::Hold(case.unproven());
    };
    let others = Others::of(draft, name, &profile, cause);
    let needed = host.restart.when.needed(case.watched, others.needed());
    if case.proven < needed {
        return Ruling::Hold(Hold::NotEnoughDown {
            down: case.proven,
            needed,
            watched: case.watched,
        });
    }
    if track.attempts >= host.restart.give_up_after {
        return Ruling::GiveUp(given_up(draft, name, track));
    }
    if track.broken >= limits::BROKEN_STARTS {
        return Ruling::GiveUp(GivenUp::ConfigBroken {
            asked: track.broken,
        });
    }
    let held = forbidden(draft, name)
        .or_else(|| together(draft, host, track, &profile))
        .or_else(|| too_often(draft, name, track))
        .or_else(|| sight::refusal(draft, host, track, &profile))
        .or_else(|| boot::refusal(draft, track))
        .or_else(|| login::refusal(draft.now, track))
        .or_else(|| approval::awaited(draft, host, track))
        .or_else(|| looking(draft, &profile))
        .or_else(|| others.awaited(host.restart.when))
        .or_else(|| {
            case.rests_on
                .iter()
                .find_map(|one| browser::awaited(draft, one))
        })
        .or_else(|| sightless(draft))
        .or_else(|| sight::rule(draft, host, track, &profile))
        .or_else(|| boot::rule(draft, track))
        .or_else(|| blind(draft, case.last_failure));
    match held {
        Some(hold) => Ruling::Hold(hold),
        None if approval::is_needed(draft, host, track) => Ruling::Propose,
        None => Ruling::Permit(profile),
    }
}

/// What holds the restart of a host that is well, which a person ordered; one that is not well is left to the rules.
pub(in crate::policy) fn rehearsal(
    draft: &Draft<'_>,
    name: &HostName,
    site: &ProfileName,
) -> Option<Hold> {
    let host = draft.settings.hosts.get(name)?;
    let fresh = HostTrack::default();
    let track = draft.fleet.hosts.get(name).unwrap_or(&fresh);
    let sites = || draft.watched(name);
    let ails = match rule(draft, name) {
        Ruling::Nothing => None,
        Ruling::Hold(hold) => Some(hold),
        Ruling::GiveUp(reason) => Some(Hold::GaveUp { reason }),
        Ruling::Permit(_) | Ruling::Propose => Some(Hold::AwaitingProbe),
    };
    let spent = track.attempts >= host.restart.give_up_after;
    ails.or_else(|| underway(track))
        .or_else(|| {
            spent.then(|| Hold::GaveUp {
                reason: given_up(draft, name, track),
            })
        })
        .or_else(|| at_work(draft, name))
        .or_else(|| forbidden(draft, name))
        .or_else(|| sites().find_map(|(site, _)| pause_of(draft, site.as_str())))
        .or_else(|| together(draft, host, track, site))
        .or_else(|| too_often(draft, name, track))
        .or_else(|| login::refusal(draft.now, track))
        .or_else(|| sightless(draft))
}

/// Why a person must look: restarts that did not help, or a host that could not be reached.
fn given_up(draft: &Draft<'_>, name: &HostName, track: &HostTrack) -> GivenUp {
    let tries = track.attempts;
    let report = track
        .last
        .as_ref()
        .and_then(|attempt| attempt.report.as_ref());
    match report.filter(|report| !report.outcome.touched_host()) {
        Some(report) => GivenUp::Unreached {
            tries,
            said: report.reason.clone(),
        },
        None if in_incident(draft, name) < tries as usize => GivenUp::Relapsed { tries },
        None => GivenUp::Spent { tries },
    }
}

/// Attempts within one incident that is open now.
fn in_incident(draft: &Draft<'_>, host: &HostName) -> usize {
    let tracks = draft.watched(host);
    let incidents =
        tracks.filter_map(|(name, _)| draft.fleet.profiles.get(name)?.incident.as_ref());
    incidents
        .map(|incident| incident.attempts.len())
        .max()
        .unwrap_or(0)
}

/// How many of the host's profiles must be down with complete evidence.
pub(in crate::policy) fn needed(draft: &Draft<'_>, name: &HostName) -> usize {
    let case = Case::gather(draft, name);
    let auto = match &case.candidate {
        Some((profile, cause)) => Others::of(draft, name, profile, *cause).needed(),
        None => draft
            .watched(name)
            .filter(|(one, _)| has_vote(draft, one))
            .count(),
    };
    let host = draft.settings.hosts.get(name);
    host.map_or(auto, |host| host.restart.when.needed(case.watched, auto))
}

/// What the host's profiles say about whether its server still answers, besides the one on whose evidence it would be
/// restarted.
#[derive(Debug, Default)]
struct Others {
    /// The server itself is gone, by the cause of that one.
    gone: bool,
    /// Profiles that have a vote, that one included.
    votes: usize,
    /// Others that were answered at the same address since that one began to fail.
    answered: usize,
    /// Others whose result since then is still awaited.
    awaited: usize,
}

impl Others {
    fn of(draft: &Draft<'_>, host: &HostName, profile: &ProfileName, cause: Cause) -> Self {
        let mut others = Self {
            gone: cause.server_gone(),
            votes: 1,
            ..Self::default()
        };
        let Some(own) = draft.fleet.profiles.get(profile) else {
            return others;
        };
        let since = own.evidence.alike_from.or(own.failing_since);
        let since = since.unwrap_or(draft.now);
        let settings = draft.settings.profiles.get(profile);
        let slack = settings.map_or(Duration::ZERO, |site| site.timeout) + limits::CANARY_TIMEOUT;
        let gone = |check: &&CheckResult| check.cause().is_some_and(Cause::server_gone);
        let at: Vec<Option<IpAddr>> = own.last.iter().filter(gone).map(address).collect();
        let alike = |one: Option<IpAddr>, other: Option<IpAddr>| {
            one.zip(other).is_none_or(|(one, other)| one == other)
        };
        for (name, _) in draft.watched(host).filter(|(name, _)| *name != profile) {
            let Some(track) = draft
                .fleet
                .profiles
                .get(name)
                .filter(|_| has_vote(draft, name))
            else {
                continue;
            };
            others.votes += 1;
            if track.suspicion.is_some() {
                others.awaited += 1;
                continue;
            }
            // All were probed when this one began to fail. One that began to fail much later was well then, and its own
            // failure is not confirmed yet.
            let began_later = track
                .failing_since
                .is_some_and(|began| began > since + slack);
            if track.standing == Standing::Failing && began_later {
                others.answered += 1;
                continue;
            }
            let here = |check: &&CheckResult| at.iter().any(|at| alike(*at, address(check)));
            let answers = |check: &CheckResult| check.is_ok() || check.http_status.is_some();
            if track.probed.is_some_and(|probed| probed > since) {
                let answered = track.last.iter().filter(here).any(answers);
                others.answered += usize::from(answered);
            } else if matches!(track.standing, Standing::Up | Standing::Degraded) {
                others.awaited += usize::from(schedule::asked(track).is_none());
            }
        }
        others
    }

    /// How many must be down with `when: auto`.
    const fn needed(&self) -> usize {
        if self.gone && self.answered == 0 {
            1
        } else {
            self.votes
        }
    }

    /// The hold while the answer of another profile is awaited that could forbid the restart.
    fn awaited(&self, when: When) -> Option<Hold> {
        let matters = when == When::Auto && self.gone && self.answered == 0;
        (matters && self.awaited > 0).then_some(Hold::AwaitingProbe)
    }
}

/// The address at which a check was made; of several hops, the first.
fn address(check: &CheckResult) -> Option<IpAddr> {
    let first = check.hops.first().map_or(check.address, |hop| hop.address);
    first.map(|address| address.ip())
}

/// Whether a profile has a vote on whether the server still answers: it is well, or fails by a fault of the server.
fn has_vote(draft: &Draft<'_>, name: &ProfileName) -> bool {
    let Some(track) = draft.fleet.profiles.get(name) else {
        return false;
    };
    let servers = |cause: Cause| cause.blame() == Blame::Server;
    match track.standing {
        Standing::New => false,
        Standing::Up | Standing::Degraded => track.unknown.is_none(),
        Standing::Failing | Standing::Down => {
            let its_own = track.evidence.not.is_none();
            track.unknown.is_none() && its_own && track.evidence.cause.is_none_or(servers)
        }
    }
}

/// The evidence of the host's profiles, taken together.
#[derive(Debug, Default)]
struct Case {
    watched: usize,
    /// Some profile is down.
    down: bool,
    /// How many are down with complete evidence.
    proven: usize,
    /// The names of those.
    rests_on: Vec<ProfileName>,
    /// The longest evidence, and how much is needed.
    streak: u32,
    threshold: u32,
    /// The profile on whose evidence a restart would rest: preferably one whose server is gone.
    candidate: Option<(ProfileName, Cause)>,
    /// The cause of a profile that is down, if the host is not restarted for it.
    excluded: Option<Cause>,
    /// A profile whose failure is no evidence, and why not.
    not_evidence: Option<(ProfileName, NotEvidence)>,
    /// The pause of a profile with complete evidence.
    paused: Option<Hold>,
    last_failure: Timestamp,
}

impl Case {
    fn gather(draft: &Draft<'_>, host: &HostName) -> Self {
        let mut case = Self::default();
        let causes = draft
            .settings
            .hosts
            .get(host)
            .map_or(&[][..], |host| &host.restart.causes);
        for (name, profile) in draft.watched(host) {
            case.watched += 1;
            let Some(track) = draft.fleet.profiles.get(name) else {
                continue;
            };
            let failing = match track.standing {
                Standing::Down => {
                    case.down = true;
                    true
                }
                Standing::Failing => true,
                Standing::New | Standing::Up | Standing::Degraded => false,
            };
            if !failing {
                continue;
            }
            let streak = u32::try_from(track.evidence.began.len()).unwrap_or(u32::MAX);
            if streak >= case.streak {
                (case.streak, case.threshold) = (streak, profile.failure_threshold);
            }
            if track.standing == Standing::Down {
                let foreign = |cause: &Cause| !causes.contains(cause);
                case.excluded = case.excluded.or(track.evidence.cause.filter(foreign));
            }
            if let (None, Some(not)) = (&case.not_evidence, &track.evidence.not) {
                case.not_evidence = Some((name.clone(), (**not).clone()));
            }
            if let Some(last) = track.evidence.began.last() {
                case.last_failure = case.last_failure.max(*last);
            }
            let Some(cause) = track.evidence.cause else {
                continue;
            };
            if !is_proven(draft.now, profile, track) {
                continue;
            }
            if let Some(pause) = pause_of(draft, name.as_str()) {
                case.paused = Some(pause);
            } else {
                case.proven += 1;
                case.rests_on.push(name.clone());
                if case
                    .candidate
                    .as_ref()
                    .is_none_or(|(_, best)| cause.server_gone() && !best.server_gone())
                {
                    case.candidate = Some((name.clone(), cause));
                }
            }
        }
        case
    }

    /// The hold if no profile has complete evidence.
    fn unproven(&self) -> Hold {
        if let Some(pause) = &self.paused {
            return pause.clone();
        }
        match (&self.not_evidence, self.excluded) {
            (Some((profile, why)), _) if self.streak == 0 => Hold::NotEvidence {
                profile: profile.clone(),
                why: why.clone(),
            },
            (None, Some(cause)) if self.streak == 0 => Hold::CauseExcluded { cause },
            (Some(_) | None, _) => Hold::NotConfirmed {
                failures: self.streak,
                threshold: self.threshold.max(1),
            },
        }
    }
}

/// Whether a profile's evidence is complete: it is down with `failure_threshold` (N) failures in a row that a restart
/// may rest on, and the oldest is younger than N·interval + N·D + interval, where D is the time one probe may take.
pub(in crate::policy) fn is_proven(
    now: Timestamp,
    profile: &crate::model::Profile,
    track: &ProfileTrack,
) -> bool {
    let threshold = profile.failure_threshold;
    let span = profile.interval * (threshold + 1) + longest(profile) * threshold;
    let complete = track.evidence.began.len() >= threshold as usize;
    let fresh = track
        .evidence
        .began
        .first()
        .is_some_and(|oldest| now.since(*oldest) < span);
    track.standing == Standing::Down && track.unknown.is_none() && complete && fresh
}

fn underway(track: &HostTrack) -> Option<Hold> {
    match &track.stage {
        Stage::Idle => None,
        Stage::Restarting { .. } => Some(Hold::Restarting),
        Stage::Settling { until, .. } => Some(Hold::Settling { until: *until }),
        Stage::GaveUp { reason, .. } => Some(Hold::GaveUp {
            reason: reason.clone(),
        }),
    }
}

/// A maintenance window of one of the host's sites is open: a restart would disturb that work, whichever site it is
/// for.
fn at_work(draft: &Draft<'_>, name: &HostName) -> Option<Hold> {
    let windows = draft
        .settings
        .profiles_of(name)
        .filter_map(|(profile, _)| Some((draft.window(profile, draft.now)?, profile.clone())));
    let (until, profile) = windows.max()?;
    Some(Hold::Window { profile, until })
}

/// The hold by a person's pause or by our own state.
fn forbidden(draft: &Draft<'_>, name: &HostName) -> Option<Hold> {
    if let Some(pause) = pause_of(draft, name.as_str()) {
        return Some(pause);
    }
    if let Some(until) = draft
        .fleet
        .core
        .quarantine
        .filter(|until| *until > draft.now)
    {
        return Some(Hold::Quarantine { until });
    }
    draft.fleet.may_forget().then_some(Hold::StateUnwritable)
}

/// The hold if many hosts fail together, which points at something they share; or if another host is in restart.
fn together(
    draft: &Draft<'_>,
    host: &Host,
    track: &HostTrack,
    profile: &ProfileName,
) -> Option<Hold> {
    let busy = |other: &HostName| Hold::FleetBusy {
        host: other.clone(),
    };
    if let Some(hold) = brake::latched(draft) {
        return Some(hold);
    }
    if let Some(hold) = brake::mass_failure(draft, track, profile) {
        let first = brake::other(draft, &host.name);
        return match sight::shows_stopped(draft, host, track, profile, first.is_some()) {
            Some(true) => first.map(busy),
            Some(false) => Some(hold),
            None => Some(Hold::AwaitingFacts),
        };
    }
    // A host that was removed from the configuration and whose process died is in restart until its deadline.
    let acting = draft.fleet.hosts_in_restart(draft.now);
    let acting: BTreeSet<&HostName> = acting.filter(|other| **other != host.name).collect();
    let at_once = limits::restarts_at_once(draft.fleet.index.members.len());
    acting
        .first()
        .filter(|_| acting.len() >= at_once)
        .map(|other| busy(other))
}

fn too_often(draft: &Draft<'_>, name: &HostName, track: &HostTrack) -> Option<Hold> {
    let budget = draft.settings.hosts.get(name)?.restart.budget;
    if let Some(until) = budget.free_at(&track.starts, draft.now) {
        return Some(Hold::Budget {
            restarts: budget.restarts,
            per: budget.per,
            until,
        });
    }
    let window = limits::FLEET_BUDGET_WINDOW;
    let latest = draft.fleet.index.started.iter().rev();
    let latest = latest.take_while(|(start, _)| draft.now.since(*start) < window);
    let starts = latest
        .filter_map(|(_, host)| draft.fleet.hosts.get(host))
        .flat_map(|host| host.starts.iter().copied());
    let mut recent: Vec<Timestamp> = starts
        .filter(|start| draft.now.since(*start) < window)
        .collect();
    recent.sort_unstable();
    let restarts = limits::fleet_restarts(draft.fleet.index.members.len());
    if let Some(oldest) = recent
        .len()
        .checked_sub(restarts)
        .and_then(|surplus| recent.get(surplus))
    {
        return Some(Hold::FleetBudget {
            restarts,
            until: *oldest + window,
        });
    }
    track
        .not_before
        .filter(|until| *until > draft.now)
        .map(|until| Hold::Backoff { until })
}

/// If a timer, not a probe, triggered this, the evidence may be a whole retry interval old: wait for the probe in
/// flight. What an earlier run saw may be minutes old, and a person may have repaired the site since: this run probes
/// it first.
fn looking(draft: &Draft<'_>, profile: &ProfileName) -> Option<Hold> {
    let track = draft.fleet.profiles.get(profile)?;
    let asked = track.in_flight.is_some() || track.suspicion.is_some();
    (asked || !track.probed_in_run).then_some(Hold::AwaitingProbe)
}

/// The hold while our own network is down.
fn sightless(draft: &Draft<'_>) -> Option<Hold> {
    canary::is_down(draft).then_some(Hold::NetworkDown)
}

/// A restart needs a canary that was asked after the last failure began, within [`limits::CANARY_FRESH`], and answered.
fn blind(draft: &Draft<'_>, last_failure: Timestamp) -> Option<Hold> {
    (!canary::is_proven(draft, last_failure)).then_some(Hold::AwaitingCanary)
}

/// The pause that covers a name now.
pub(in crate::policy) fn pause_of(draft: &Draft<'_>, name: &str) -> Option<Hold> {
    let wall = draft.wall(draft.now);
    let holds = |target: &str| {
        draft
            .fleet
            .pauses
            .get(target)
            .filter(|pause| pause.until.is_none_or(|until| until > wall))
    };
    let pause = holds("all").or_else(|| holds(name))?;
    Some(Hold::Paused {
        until: pause.until,
        reason: pause.reason.clone(),
    })
}
