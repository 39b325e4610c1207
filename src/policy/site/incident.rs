//! Streaks, thresholds, incidents.
//!
//! `failure_threshold` failures in a row make a profile down and open an incident. `success_threshold` successes in a
//! row close it, whoever or whatever repaired the site, except while this process is restarting the host.
//!
//! - An unknown verdict neither counts nor resets.
//! - Maintenance clears the evidence for a restart and the failures of a profile that is not down. It is no success: a
//!   profile that is down stays down until it really answers.
//! - A failure that began before the host's last restart had settled does not count: a restart breaks connections, and
//!   counting them would cause the next restart.
//! - In a maintenance window of the profile a failure is shown but does not count, no incident opens and nobody is
//!   reminded. An incident that is open before is closed and told as usual.
//!
//! What a restart may rest on is counted separately, as [`Evidence`](crate::model::Evidence): failures in a row whose
//! causes are all in the host's `restart.causes` and which show that its own server is at fault ([`evidence`]).

use crate::model::{
    Attempt, Blame, Cause, CheckResult, Finding, Happened, Incident, IncidentId, Observation,
    ProbeId, Profile, ProfileName, ProfileState, ProfileTrack, Reach, Standing, Suspicion,
    Timestamp,
};

use crate::policy::draft::Draft;
use crate::policy::site::evidence::Worth;
use crate::policy::site::judge::{self, Verdict, judge, seen};
use crate::policy::site::{browser, canary, course, evidence, maintenance, schedule, unjudged};

/// A profile was probed.
pub(in crate::policy) fn probed(
    draft: &mut Draft<'_>,
    probe: ProbeId,
    name: &ProfileName,
    checks: Vec<CheckResult>,
) {
    schedule::landed(draft, probe);
    let Some(track) = draft.fleet.profiles.get(name) else {
        return;
    };
    let began = match track.in_flight {
        Some((id, began)) if id == probe => began,
        Some(_) | None => return,
    };
    let (now, settings) = (draft.now, draft.settings);
    let Some(profile) = settings.profiles.get(name) else {
        draft.fleet.profile_mut(name).in_flight = None;
        return;
    };
    let name = &profile.name;
    let paced = schedule::pace(track, profile);
    let checks = judge::gathered(profile, checks);
    let mut checks = maintenance::weigh(draft, name, checks);
    let verdict = judge(profile, &checks, now.since(began));
    let track = draft.fleet.profile_mut(name);
    let (before, last) = (track.state(), track.probed);
    course::passed(draft, profile, last, before);
    let track = draft.fleet.profile_mut(name);
    track.in_flight = None;
    track.probed = Some(now);
    track.probed_in_run = true;
    judge::compare_certificates(&track.last, &mut checks);
    if let Some(known) = judge::known(profile, &checks, &track.known) {
        track.known = known;
    }
    track.last = checks;
    // Whether later failures count depends on it.
    draft.durable |= evidence::learn(track, profile);
    let well = match verdict {
        Verdict::Up | Verdict::Degraded(_) => Some(true),
        Verdict::Failed(_) => Some(false),
        Verdict::Maintenance | Verdict::Unknown(_) => None,
    };
    match verdict {
        Verdict::Up => succeeded(draft, profile, None),
        Verdict::Degraded(remark) => succeeded(draft, profile, Some(remark)),
        Verdict::Maintenance => maintenance::says(draft, name),
        Verdict::Unknown(reason) => unknown(draft, name, reason),
        Verdict::Failed(cause) if canary::asks(draft, profile, cause) => {
            suspect(draft, name, cause, began);
        }
        Verdict::Failed(cause) => failed(draft, profile, cause, began),
    }
    unjudged::probed(draft, profile, began, well == Some(false));
    judged(draft, profile, before, well);
    schedule::next(draft, profile, began, paced);
}

/// A failure waits for a canary, and after a silent connect also for the host's SSH port. Both are asked after this.
fn suspect(draft: &mut Draft<'_>, name: &ProfileName, cause: Cause, began: Timestamp) {
    draft.fleet.profile_mut(name).suspicion = Some(Suspicion {
        began,
        ended: draft.now,
        proven: false,
        silent: cause == Cause::ConnectTimeout,
        reach: None,
    });
    draft.fleet.suspects.insert(name.clone());
}

/// The awaited answers are in: the last failure is a fault of the site, or of the way to its host.
pub(in crate::policy) fn confirmed(draft: &mut Draft<'_>, name: &ProfileName) {
    let Some(suspicion) = release(draft, name) else {
        return;
    };
    let Some(profile) = draft.profile(name) else {
        return;
    };
    let track = draft.fleet.profile_mut(name);
    let (before, paced) = (track.state(), schedule::pace(track, &profile));
    if suspicion.reach == Some(Reach::Silent) {
        judge::unreachable(&mut track.last);
    }
    let elapsed = suspicion.ended.since(suspicion.began);
    let verdict = judge(&profile, &track.last, elapsed);
    let mut well = None;
    if let Verdict::Failed(cause) = verdict {
        failed(draft, &profile, cause, suspicion.began);
        well = Some(false);
    }
    unjudged::probed(draft, &profile, suspicion.began, true);
    judged(draft, &profile, before, well);
    schedule::next(draft, &profile, suspicion.began, paced);
}

/// No canary answered: the last failure may be our own fault.
pub(in crate::policy) fn blinded(draft: &mut Draft<'_>, name: &ProfileName) {
    let Some(suspicion) = release(draft, name) else {
        return;
    };
    let Some(profile) = draft.profile(name) else {
        return;
    };
    let track = draft.fleet.profile_mut(name);
    let (before, paced) = (track.state(), schedule::pace(track, &profile));
    unknown(draft, name, Finding::NoCanaryAnswers);
    judged(draft, &profile, before, None);
    schedule::next(draft, &profile, suspicion.began, paced);
}

fn release(draft: &mut Draft<'_>, name: &ProfileName) -> Option<Suspicion> {
    let suspicion = draft.fleet.profile_mut(name).suspicion.take()?;
    draft.fleet.suspects.remove(name);
    Some(suspicion)
}

fn unknown(draft: &mut Draft<'_>, name: &ProfileName, reason: Finding) {
    draft.fleet.profile_mut(name).unknown = Some(Box::new(reason));
}

fn succeeded(draft: &mut Draft<'_>, profile: &Profile, remark: Option<Cause>) {
    let (name, now) = (&profile.name, draft.now);
    course::probed(draft, name, true);
    let host = profile.host.as_ref();
    let acting = host.is_some_and(|host| draft.is_acting(host));
    let track = draft.fleet.profile_mut(name);
    track.unknown = None;
    let held = track.maintenance.take().is_some();
    let had_evidence = held || !track.evidence.began.is_empty();
    track.failures = 0;
    track.successes = track.successes.saturating_add(1);
    track.evidence.began.clear();
    (track.evidence.cause, track.evidence.not) = (None, None);
    browser::forget(track);
    track.evidence.network = false;
    let well = if remark.is_some() {
        Standing::Degraded
    } else {
        Standing::Up
    };
    let proven = track.successes >= profile.success_threshold && !acting;
    let stays_down = track.standing == Standing::Down && !proven;
    if !stays_down && track.standing != well {
        (track.standing, track.since) = (well, now);
    }
    if !stays_down {
        track.failing_since = None;
        if track.incident.is_some() {
            close(draft, name);
        }
    }
    // A success that clears evidence must survive a crash: without it, failures before and after would look like one
    // row.
    draft.durable |= had_evidence;
}

fn failed(draft: &mut Draft<'_>, profile: &Profile, cause: Cause, began: Timestamp) {
    let (name, now) = (&profile.name, draft.now);
    course::probed(draft, name, false);
    let host = profile.host.as_ref().and_then(|host| draft.host(host));
    let from = host
        .as_ref()
        .and_then(|host| draft.fleet.hosts.get(&host.name))
        .map(|track| track.evidence_from);
    let mut durable = false;
    let at_work = draft.window(name, began).is_some() || draft.window(name, now).is_some();
    let track = draft.fleet.profile_mut(name);
    track.unknown = None;
    track.successes = 0;
    if from.is_some_and(|from| began < from) {
        return; // the host is in restart, or was when this probe began
    }
    if at_work {
        maintenance::windowed(draft, name, cause);
        return;
    }
    let causes = host.as_ref().map_or(&[][..], |host| &host.restart.causes);
    let checks = draft.fleet.profiles.get(name).map(|track| &track.last[..]);
    let worth = evidence::weigh(draft, profile, checks.unwrap_or_default(), causes);
    let track = draft.fleet.profile_mut(name);
    let worth = browser::weigh(track, profile, worth, began);
    durable |= browser::disprove(track, &worth);
    track.failures = track.failures.saturating_add(1);
    track.failing_since.get_or_insert(began);
    // Whether a host is silent is asked for every failure; ICMP errors come only when a router happens to send them.
    track.evidence.network |= cause == Cause::Unreachable;
    let (shown, not) = match worth {
        Worth::Evidence(own) => (own, None),
        Worth::Not(ref why) => (cause, Some(Box::new(why.clone()))),
        Worth::Unlisted => (cause, None),
    };
    let silence = shown == Cause::ConnectTimeout && track.evidence.network;
    if matches!(worth, Worth::Evidence(_)) && !silence {
        track.evidence.began.push(began);
        let surplus = track
            .evidence
            .began
            .len()
            .saturating_sub(profile.failure_threshold as usize);
        track.evidence.began.drain(..surplus);
    } else if !track.evidence.began.is_empty() {
        track.evidence.began.clear();
        durable = true;
    }
    let counted = track.evidence.not.is_none();
    track.evidence.not = not;
    let cause_seen = if silence { Cause::Unreachable } else { shown };
    let before = track.evidence.cause.replace(cause_seen);
    let alike = before.is_some_and(|before| before.server_gone() == cause_seen.server_gone());
    let turns = !alike || counted != track.evidence.not.is_none();
    if turns {
        track.evidence.alike_from = Some(began);
    }
    let standing = match track.standing {
        Standing::Down => Standing::Down,
        Standing::New | Standing::Up | Standing::Degraded | Standing::Failing
            if track.failures >= profile.failure_threshold =>
        {
            Standing::Down
        }
        Standing::New | Standing::Up | Standing::Degraded | Standing::Failing => Standing::Failing,
    };
    if standing != track.standing {
        (track.standing, track.since) = (standing, now);
    }
    let begins = turns && fails_by_host(track);
    let opens = standing == Standing::Down && track.incident.is_none();
    draft.durable |= durable;
    browser::ask(draft, profile);
    if begins && let Some(host) = &profile.host {
        schedule::look_around(draft, host, began);
    }
    if opens {
        open(draft, name, cause);
    }
}

fn open(draft: &mut Draft<'_>, name: &ProfileName, cause: Cause) {
    let now = draft.now;
    let track = draft.fleet.profile_mut(name);
    let since = track.failing_since.unwrap_or(now);
    let id = IncidentId::new(name.as_str(), &now.stamp());
    draft.happened.push(Happened::Opened {
        incident: id.clone(),
        profile: name.clone(),
        since: Some(since),
        cause,
    });
    track.incident = Some(Box::new(Incident::new(id, since, now, cause)));
    draft.durable = true;
}

/// The profile is well again, or no longer watched.
pub(in crate::policy) fn close(draft: &mut Draft<'_>, name: &ProfileName) {
    let Some(incident) = draft.fleet.profile_mut(name).incident.take() else {
        return;
    };
    course::over(draft, name, incident.since);
    draft.happened.push(Happened::Closed {
        incident: incident.id,
        profile: name.clone(),
        since: incident.since,
        restarts: Attempt::restarts(&incident.attempts),
        attempts: incident.attempts,
    });
    draft.durable = true;
}

/// Reports the verdict on a profile, and its new state if that changed.
fn judged(draft: &mut Draft<'_>, profile: &Profile, before: ProfileState, well: Option<bool>) {
    let name = &profile.name;
    let Some(track) = draft.fleet.profiles.get(name) else {
        return;
    };
    if track.suspicion.is_some() {
        return; // not judged yet
    }
    let state = track.state();
    let cause = judge::told(profile, &track.last);
    let failures = track.failures;
    let seen = (state != before).then(|| match &track.unknown {
        Some(why) => vec![Observation::Alone(Finding::clone(why))],
        None => seen(&track.last),
    });
    draft.happened.push(Happened::Judged {
        profile: name.clone(),
        state,
        failures,
        cause,
        well,
    });
    if let Some(seen) = seen {
        draft.happened.push(Happened::Changed {
            profile: name.clone(),
            from: before,
            to: state,
            cause,
            seen,
        });
    }
}

/// Whether a profile fails by a fault of its host or of the way to it.
pub(in crate::policy) fn fails_by_host(track: &ProfileTrack) -> bool {
    track.evidence.not.is_none() && ails_host(track.evidence.cause)
}

/// Whether a cause is a fault of the host or of the way to it.
pub(in crate::policy) fn ails_host(cause: Option<Cause>) -> bool {
    cause.is_some_and(|cause| matches!(cause.blame(), Blame::Server | Blame::Network))
}
