//! One attempt: what a permit starts, and what its end leaves behind.
//!
//! The rung is run with a deadline of `restart.timeout` plus [`limits::SSH_OVERHEAD`]. When it ends, the outcome
//! decides:
//!
//! - It may have done something (`succeeded`, `failed`, `timed_out`, `unknown`): it counts for the budget, and the host
//!   settles for `restart.settle` before probes count again. Nothing is repeated at once: the probes decide.
//! - Its end was not seen (crash, connection lost, deadline passed): the outcome is `unknown`, and the host settles
//!   only after the time that the command may still run.
//! - It did nothing on the host, because the command cannot be run there or the agent declined: it leaves the budget,
//!   and counts towards giving up.
//! - It could not be sent (no login, too old before it could begin, paused in the last moment): it leaves the budget, and
//!   does not count towards giving up ([`login`], [`release`](crate::policy::host::release)).
//! - It could not be made durable: it is taken back as if it had never been ordered.
//!
//! A restart of a host that is well, for a rehearsal, ends in the same way, and is no attempt to mend anything: it does not count towards
//! giving up, and teaches nothing.
//!
//! A command begins within [`limits::SSH_OVERHEAD`] of its decision or never, and for the budget it counts from the end
//! of that time. After every attempt the backoff must pass before the next one.

use std::time::Duration;

use crate::model::{
    Attempt, AttemptId, Effect, Happened, Hold, HostName, ProfileName, Reason, RecoverOrder,
    RecoveryOutcome, RecoveryReport, Stage, Timestamp, limits,
};

use crate::policy::draft::Draft;
use crate::policy::host::{brake, lesson, login, sight};
use crate::policy::site::{evidence, port};

/// Orders a restart that rests on this profile's evidence.
pub(in crate::policy) fn begin(draft: &mut Draft<'_>, name: &HostName, profile: &ProfileName) {
    order(draft, name, profile, false);
}

/// Orders a restart of a host that is well; this profile will show that it comes back.
pub(in crate::policy) fn rehearse(draft: &mut Draft<'_>, name: &HostName, profile: &ProfileName) {
    order(draft, name, profile, true);
}

fn order(draft: &mut Draft<'_>, name: &HostName, profile: &ProfileName, drill: bool) {
    let Some(host) = draft.host(name) else { return };
    let now = draft.now;
    let id = draft.fleet.next_attempt();
    let longest = host.restart.budget.per.max(limits::FLEET_BUDGET_WINDOW);
    let deadline = now + host.restart.timeout + limits::SSH_OVERHEAD;
    let number = draft.fleet.host_mut(name).attempts + 1;
    let rung = host.restart.rung(number);
    let command = rung.to_string();
    let ailment = host
        .diagnose
        .then_some(())
        .filter(|()| !drill)
        .and_then(|()| sight::finding(draft, name, profile))
        .map(|found| found.ailment);
    let attempt = Attempt {
        id,
        number,
        command: command.clone(),
        ailment,
        drill,
        braked: draft
            .fleet
            .hosts
            .get(name)
            .is_some_and(|track| brake::mass_failure(draft, track, profile).is_some()),
        began: now,
        ended: None,
        report: None,
    };
    let period = draft.fleet.core.week.as_ref().map(|week| week.began);
    let track = draft.fleet.host_mut(name);
    track.attempts = number;
    track.stage = Stage::Restarting {
        attempt: id,
        deadline,
    };
    track.acting = true;
    track.proposal = None;
    track.hold = Some(Hold::Restarting);
    track.starts.retain(|start| now.since(*start) < longest);
    track.starts.push(counted(now));
    if !drill {
        lesson::began(track, now, period, ailment);
    }
    // While its end is not known, no failure counts that began before it could have settled.
    track.evidence_from = deadline + host.restart.settle;
    track.last = Some(attempt.clone());
    evidence::forget(draft, name);
    for profile in draft.down_profiles(name) {
        if let Some(incident) = &mut draft.fleet.profile_mut(&profile).incident {
            incident.attempts.push(attempt.clone());
            Attempt::keep_within_limits(&mut incident.attempts);
        }
    }
    draft.durable = true;
    draft.happened.push(Happened::RestartBegan {
        host: name.clone(),
        attempt: id,
        number,
        command: command.clone(),
        profile: profile.clone(),
    });
    draft.effects.push(Effect::Recover(RecoverOrder {
        host: name.clone(),
        attempt: id,
        rung,
    }));
}

/// When a restart counts from: the last moment at which its command may begin.
fn counted(decided: Timestamp) -> Timestamp {
    decided + limits::SSH_OVERHEAD
}

/// The report of an attempt whose end was not seen.
pub(in crate::policy) fn lost(reason: Reason) -> RecoveryReport {
    RecoveryReport {
        outcome: RecoveryOutcome::Unknown,
        exit_status: None,
        duration: Duration::ZERO,
        reason: Some(reason),
        output: String::new(),
        config_broken: false,
    }
}

/// An attempt ended. A late answer to an attempt that the host no longer waits for changes nothing.
pub(in crate::policy) fn ended(
    draft: &mut Draft<'_>,
    name: &HostName,
    attempt: AttemptId,
    report: RecoveryReport,
) {
    let current = draft.fleet.hosts.get(name).map(|track| &track.stage);
    if matches!(current, Some(Stage::Restarting { attempt: id, .. }) if *id == attempt) {
        let now = draft.now;
        finish(draft, name, attempt, report, now);
    }
}

/// Ends an attempt that ended at `at`.
pub(in crate::policy) fn finish(
    draft: &mut Draft<'_>,
    name: &HostName,
    id: AttemptId,
    report: RecoveryReport,
    at: Timestamp,
) {
    let Some(track) = draft.fleet.hosts.get(name) else {
        return;
    };
    let Some(mut attempt) = track.last.clone().filter(|attempt| attempt.id == id) else {
        return;
    };
    let (attempts, outcome) = (track.attempts, report.outcome);
    let (unsent, no_login) = (report.is_unsent(), report.no_login());
    let host = draft.host(name);
    let (limit, settle) = host
        .as_ref()
        .map_or((Duration::ZERO, Duration::ZERO), |host| {
            (host.restart.timeout, host.restart.settle)
        });
    // A command whose end was not seen may run until its own limit, counted from the last moment it could begin.
    let end = match outcome {
        RecoveryOutcome::Unknown => at.max(counted(attempt.began) + limit),
        RecoveryOutcome::TimedOut => at.max(attempt.began + limit),
        RecoveryOutcome::Succeeded
        | RecoveryOutcome::Failed
        | RecoveryOutcome::NotExecuted
        | RecoveryOutcome::Declined
        | RecoveryOutcome::Refused => at,
    };
    let broken = report.config_broken;
    attempt.ended = Some(at);
    attempt.report = Some(report);
    let drill = attempt.drill;
    let touched = outcome.touched_host();
    let counts_from = match &host {
        Some(_) if touched => end + settle,
        // The host was removed from the configuration meanwhile and may come back: it settles as set at the start.
        None if touched => track.evidence_from.max(end),
        Some(_) | None => at,
    };
    let track = draft.fleet.host_mut(name);
    track.acting = false;
    track.broken = match (broken, outcome) {
        (true, _) => track.broken + 1,
        (false, RecoveryOutcome::Succeeded) => 0,
        (false, _) => track.broken,
    };
    track.evidence_from = counts_from;
    track.last = Some(attempt.clone());
    if touched {
        track.stage = Stage::Settling {
            attempt: id,
            until: counts_from,
        };
    } else {
        track.stage = Stage::Idle;
        track
            .starts
            .retain(|start| *start != counted(attempt.began));
        track.attempts -= u32::from(unsent && !drill && track.attempts > 0);
        lesson::undone(track, attempt.began);
    }
    track.attempts -= u32::from(drill && track.attempts > 0);
    // A host that was removed from the configuration meanwhile may come back: the least wait holds for it, too.
    let wait = host.as_ref().map_or(limits::RESTART_FLOOR, |host| {
        host.restart.backoff.wait(name, id, attempts)
    });
    if no_login.is_none() {
        track.not_before = Some(end + wait);
    }
    draft.durable = true;
    record(draft, name, &attempt);
    draft.happened.push(Happened::RestartEnded {
        host: name.clone(),
        attempt,
        counts_from: touched.then_some(counts_from),
    });
    match no_login {
        Some(reason) => {
            login::failed(draft, name, reason, outcome == RecoveryOutcome::Refused);
            let hold = draft.fleet.hosts.get(name);
            if let Some(hold) = hold.and_then(|track| login::refusal(draft.now, track)) {
                held(draft, name, hold);
            }
            // The port tells whether only the login failed or the whole machine does not answer, as when it boots.
            if draft.settings.hosts.contains_key(name) {
                port::ask(draft, name.clone());
            }
        }
        None => {
            if touched || outcome == RecoveryOutcome::Declined {
                login::worked(draft, name);
            }
            if !touched {
                held(draft, name, Hold::Backoff { until: end + wait });
            }
        }
    }
}

/// No restart is under way any more, and the next one is held. Unless we gave up, which was reported.
fn held(draft: &mut Draft<'_>, name: &HostName, hold: Hold) {
    let track = draft.fleet.host_mut(name);
    if matches!(track.stage, Stage::GaveUp { .. }) {
        return;
    }
    track.hold = Some(hold.clone());
    draft.happened.push(Happened::Held {
        host: name.clone(),
        hold,
        again: false,
        lasts: false,
    });
}

/// Writes an attempt's end into the incidents it belongs to.
fn record(draft: &mut Draft<'_>, host: &HostName, attempt: &Attempt) {
    for name in draft.down_profiles(host) {
        let Some(incident) = &mut draft.fleet.profile_mut(&name).incident else {
            continue;
        };
        match incident
            .attempts
            .iter_mut()
            .find(|known| known.id == attempt.id)
        {
            Some(known) => known.clone_from(attempt),
            None => incident.remember(attempt.clone()),
        }
    }
}

/// Takes back orders that were not carried out, as if they had not been given.
pub(in crate::policy) fn taken_back(
    draft: &mut Draft<'_>,
    attempts: &[(HostName, AttemptId)],
    unwritable: bool,
) {
    for (name, id) in attempts {
        let began = draft
            .fleet
            .hosts
            .get(name)
            .and_then(|track| track.last.as_ref())
            .filter(|a| a.id == *id)
            .map(|a| a.began);
        let now = draft.now;
        let track = draft.fleet.host_mut(name);
        track.stage = Stage::Idle;
        track.acting = false;
        track.attempts = track.attempts.saturating_sub(1);
        if let Some(began) = began {
            track.starts.retain(|start| *start != counted(began));
            lesson::undone(track, began);
        }
        track.evidence_from = now;
        track.last = None;
        for profile in draft.down_profiles(name) {
            if let Some(incident) = &mut draft.fleet.profile_mut(&profile).incident {
                incident.attempts.retain(|attempt| attempt.id != *id);
            }
        }
    }
    if unwritable && !draft.fleet.unwritable {
        draft.fleet.unwritable = true;
        draft.happened.push(Happened::Unrecorded);
    }
}

/// A write succeeded again.
pub(in crate::policy) fn recorded(draft: &mut Draft<'_>) {
    if draft.fleet.unwritable {
        draft.fleet.unwritable = false;
        draft.happened.push(Happened::Recorded);
    }
}
