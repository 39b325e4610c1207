//! What a host does next: hold, restart, give up, and be re-armed.
//!
//! The stages are `Idle → Restarting → Settling → Idle`, and `GaveUp`, which only a person, a changed configuration of
//! the host or proven health ends. The attempts of a host survive incidents, crashes and reloads. They climb the
//! ladder, make the backoff grow and lead to giving up. They are forgotten only after [`limits::PROVEN_HEALTH`] in
//! which no profile of the host failed by a cause that it is restarted for: one good probe proves nothing, and a host
//! that relapses is restarted less and less often. What counts for the budget is never forgotten before its window has
//! passed.

use std::collections::BTreeSet;

use crate::model::{
    Cause, Happened, Hold, Host, HostName, LastingHold, Orders, ProfileTrack, Reason, Stage,
    Standing, Timestamp, limits,
};

use crate::policy::draft::Draft;
use crate::policy::host::guard::{Ruling, rule};
use crate::policy::host::{approval, attempt, giving_up, login, rehearsal, rounds};
use crate::policy::site::evidence;
use crate::policy::site::incident::fails_by_host;

/// A profile of this host was judged: updates whether and since when the host is well or failing.
pub(in crate::policy) fn update_health(draft: &mut Draft<'_>, host: &HostName) {
    let (mut well, mut mended) = (true, true);
    let mut ailing: Option<Timestamp> = None;
    for (name, _) in draft.watched(host) {
        let Some(track) = draft.fleet.profiles.get(name) else {
            continue;
        };
        match track.standing {
            Standing::Up | Standing::Degraded => {}
            // A profile that was not probed yet proves nothing.
            Standing::New => (well, mended) = (false, false),
            Standing::Failing | Standing::Down => {
                well = false;
                mended &= !is_healable(draft, host, track);
                let since = track.failing_since.filter(|_| fails_by_host(track));
                ailing = [ailing, since].into_iter().flatten().min();
            }
        }
    }
    let now = draft.now;
    let before = draft.fleet.hosts.get(host);
    let healthy = well.then(|| before.and_then(|track| track.healthy_since).unwrap_or(now));
    let mended = mended.then(|| before.and_then(|track| track.mended_since).unwrap_or(now));
    let health = (healthy, mended, ailing);
    if before.is_none_or(|track| {
        (track.healthy_since, track.mended_since, track.failing_since) != health
    }) {
        let track = draft.fleet.host_mut(host);
        (track.healthy_since, track.mended_since, track.failing_since) = health;
        track.forced &= healthy.is_none();
    }
}

/// Whether a profile that is not well fails, or began its incident, by a cause that the host is restarted for.
fn is_healable(draft: &Draft<'_>, host: &HostName, track: &ProfileTrack) -> bool {
    let causes = draft
        .settings
        .hosts
        .get(host)
        .map(|host| &host.restart.causes);
    let listed = |cause: Cause| causes.is_some_and(|causes| causes.contains(&cause));
    let first = track.incident.as_ref().map(|incident| incident.cause);
    track.evidence.not.is_none()
        && (first.is_some_and(listed) || track.evidence.cause.is_some_and(listed))
}

/// Ends restarts and settling whose time has passed, and asks the guard about hosts that are not well.
pub(in crate::policy) fn move_on(draft: &mut Draft<'_>) {
    let names = rounds::due(draft);
    look_at(draft, names);
    draft.fleet.reindex();
    // Only one restart at a time: if none is under way any more, the next host that waits may be restarted.
    let idle = rounds::restarting_until(&draft.fleet).is_none();
    if idle && !draft.fleet.index.queued.is_empty() {
        let queued = draft.fleet.index.queued.clone();
        look_at(draft, queued);
    }
}

fn look_at(draft: &mut Draft<'_>, names: BTreeSet<HostName>) {
    for name in names {
        // A restart that was just ordered for the host before holds this one.
        draft.fleet.reindex();
        if !draft.settings.hosts.contains_key(&name) {
            continue;
        }
        let Some(track) = draft.fleet.hosts.get(&name) else {
            continue;
        };
        match track.stage {
            Stage::Restarting { attempt, deadline } if deadline <= draft.now => {
                let report = attempt::lost(Reason::NoWord);
                attempt::finish(draft, &name, attempt, report, deadline);
            }
            Stage::Settling { until, .. } if until <= draft.now => {
                draft.fleet.host_mut(&name).stage = Stage::Idle
            }
            Stage::Idle
            | Stage::Restarting { .. }
            | Stage::Settling { .. }
            | Stage::GaveUp { .. } => {}
        }
        prove_health(draft, &name);
        if draft
            .fleet
            .hosts
            .get(&name)
            .is_some_and(|track| track.healthy_since.is_none() || track.hold.is_some())
        {
            apply_rules(draft, &name);
        }
    }
}

fn prove_health(draft: &mut Draft<'_>, name: &HostName) {
    let Some(track) = draft.fleet.hosts.get(name) else {
        return;
    };
    let proven = track
        .mended_since
        .is_some_and(|since| draft.now.since(since) >= limits::PROVEN_HEALTH);
    if proven && track.may_rearm() {
        giving_up::rearm(draft, name);
    }
}

fn apply_rules(draft: &mut Draft<'_>, name: &HostName) {
    match rule(draft, name) {
        Ruling::Nothing => hold(draft, name, None),
        Ruling::Hold(reason) => {
            // Failures during a maintenance window come from that work; after it, new failures are needed.
            if matches!(reason, Hold::Window { .. }) {
                evidence::forget(draft, name);
            }
            if reason == Hold::BrakeLatched && draft.fleet.core.latched.is_none() {
                draft.fleet.core.latched = Some(draft.now);
                draft.durable = true;
            }
            hold(draft, name, Some(reason));
        }
        Ruling::GiveUp(reason) => giving_up::give_up(draft, name, reason),
        Ruling::Permit(profile) => attempt::begin(draft, name, &profile),
        Ruling::Propose => {
            let proposed = approval::propose(draft, name);
            hold(draft, name, proposed);
        }
    }
}

fn hold(draft: &mut Draft<'_>, name: &HostName, reason: Option<Hold>) {
    let before = draft
        .fleet
        .hosts
        .get(name)
        .and_then(|track| track.hold.clone());
    let lasts = lasts(draft, name, reason.as_ref());
    if before == reason && !lasts {
        return;
    }
    draft.fleet.host_mut(name).hold.clone_from(&reason);
    let Some(hold) = reason else { return };
    let again = before.is_some_and(|before| before.word() == hold.word());
    draft.happened.push(Happened::Held {
        host: name.clone(),
        hold,
        again,
        lasts,
    });
}

/// Remembers since when one kind of hold keeps a host from being restarted. Whether it has now lasted for
/// [`limits::HOLD_LASTS`], and was not reported yet.
fn lasts(draft: &mut Draft<'_>, name: &HostName, reason: Option<&Hold>) -> bool {
    let known = draft
        .fleet
        .hosts
        .get(name)
        .and_then(|track| track.lasting.clone());
    let mut lasting = known.clone();
    match (reason, &mut lasting) {
        (None, lasting) => *lasting = None,
        (Some(hold), _) if hold.is_question() => return false,
        (Some(hold), Some(lasting)) if lasting.word == hold.word() => {
            lasting.reported |= draft.now.since(lasting.since) >= limits::HOLD_LASTS;
        }
        (Some(hold), lasting) => {
            *lasting = Some(LastingHold {
                word: hold.word().to_owned(),
                since: draft.now,
                reported: false,
            });
        }
    }
    let reported = |lasting: &Option<LastingHold>| lasting.as_ref().is_some_and(|l| l.reported);
    let is_new = reported(&lasting) && !reported(&known);
    if lasting != known {
        draft.fleet.host_mut(name).lasting = lasting;
    }
    is_new
}

/// People ordered pauses, or hosts to be re-armed.
pub(in crate::policy) fn ordered(draft: &mut Draft<'_>, orders: Orders) {
    draft.fleet.pauses = orders.pauses;
    draft.fleet.drills = orders.drills;
    draft.fleet.approvals = orders.approvals;
    draft.fleet.rehearsals = orders.rehearsals;
    draft.fleet.acks = orders.acks;
    for target in orders.rearm {
        if target == "all" {
            draft.fleet.core.latched = None;
        }
        let names: Vec<HostName> = draft
            .settings
            .hosts
            .keys()
            .filter(|host| concerns(draft, &target, host))
            .cloned()
            .collect();
        for name in names {
            login::worked(draft, &name);
            if draft
                .fleet
                .hosts
                .get(&name)
                .is_some_and(|track| track.healthy_since.is_none())
            {
                draft.fleet.host_mut(&name).forced = true;
            }
            if draft
                .fleet
                .hosts
                .get(&name)
                .is_some_and(|track| matches!(track.stage, Stage::GaveUp { .. }))
            {
                giving_up::rearm(draft, &name);
                evidence::forget(draft, &name);
            }
        }
        trust(draft, &target);
        draft.durable = true;
    }
    rehearsal::answer(draft);
}

/// The checks of a site that a person resumes by its name or its host's count from now on, even if they were never
/// well. `all` does not make checks count.
fn trust(draft: &mut Draft<'_>, target: &str) {
    let settings = draft.settings;
    let meant = settings.profiles.iter().filter(|(name, profile)| {
        name.as_str() == target
            || profile
                .host
                .as_ref()
                .is_some_and(|host| host.as_str() == target)
    });
    for (name, _) in meant {
        if draft.fleet.profiles.contains_key(name) {
            evidence::trust(draft.fleet.profile_mut(name));
        }
    }
}

fn concerns(draft: &Draft<'_>, target: &str, host: &HostName) -> bool {
    target == "all"
        || target == host.as_str()
        || draft
            .watched(host)
            .any(|(profile, _)| profile.as_str() == target)
}

/// The configuration of a host changed: its evidence is cleared, and it is re-armed if we gave up on it. What counts
/// for the budget stays.
pub(in crate::policy) fn reconfigured(draft: &mut Draft<'_>, host: &Host) {
    let known = draft
        .fleet
        .hosts
        .get(&host.name)
        .map(|track| track.fingerprint);
    if known == Some(host.fingerprint) {
        return;
    }
    draft.fleet.host_mut(&host.name).fingerprint = host.fingerprint;
    if known.is_some_and(|known| known != 0) {
        login::worked(draft, &host.name);
        evidence::forget(draft, &host.name);
        if draft
            .fleet
            .hosts
            .get(&host.name)
            .is_some_and(|track| matches!(track.stage, Stage::GaveUp { .. }))
        {
            giving_up::rearm(draft, &host.name);
        }
    }
}
