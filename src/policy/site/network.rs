//! Whether our own network works, and whether the host behind a silent site is silent as well.
//!
//! A failure counts only after a canary has answered that was asked *after* the failing probe began. While no canary
//! answers, our own network is down: every waiting failure becomes `unknown`, no counter changes, nothing is restarted,
//! and canaries are asked every [`RETRY`]. When one answers again, people get one `blind` mail that says from when to
//! when nothing could be judged, if anything could not. With an empty list of canaries every failure counts at once.
//!
//! If a site with a host gave no answer to the connect, the host's SSH port is tried as well: after the failing probe
//! began, and once at a time for each host. If that is silent, too, the host or the way to it is down
//! (`host_unreachable`): restarting a web server does not help, and could not be ordered. Any other answer leaves the
//! failure as it is.

use std::time::Duration;

use crate::model::{
    Effect, Finding, Happened, Hold, HostName, ProbeId, ProfileName, Reach, Suspicion, Timestamp,
};

use crate::policy::draft::Draft;
use crate::policy::site::canary::has_canaries;
use crate::policy::site::{incident, port, unjudged};

/// How often canaries are asked while none answers.
const RETRY: Duration = Duration::from_secs(10);

/// The canaries were asked.
pub(in crate::policy) fn probed(
    draft: &mut Draft<'_>,
    probe: ProbeId,
    answered: bool,
    detail: Finding,
) {
    let network = &mut draft.fleet.core.network;
    let Some((_, asked)) = network.in_flight.take_if(|(id, _)| *id == probe) else {
        return;
    };
    network.detail = detail.clone();
    network.due = None;
    if answered {
        network.answered = Some(asked);
        if let Some(since) = network.down_since.take() {
            back(draft, since);
        }
    } else {
        network.due = Some(draft.now + RETRY);
        if network.down_since.is_none() {
            network.down_since = Some(asked);
            network.blinded = false;
            draft.happened.push(Happened::NetworkDown { detail });
        }
        if unjudged::blinded(draft) {
            draft.fleet.core.network.blinded = true;
        }
    }
    for name in suspects(draft, |suspicion| suspicion.began <= asked) {
        if !answered {
            draft.fleet.core.network.blinded = true;
            incident::blinded(draft, &name);
            continue;
        }
        if let Some(suspicion) = &mut draft.fleet.profile_mut(&name).suspicion {
            suspicion.proven = true;
        }
    }
    let_go(draft);
}

/// A host's SSH port was tried.
pub(in crate::policy) fn reached(
    draft: &mut Draft<'_>,
    probe: ProbeId,
    host: &HostName,
    reach: Reach,
) {
    let Some(track) = draft.fleet.hosts.get_mut(host) else {
        return;
    };
    let Some((_, asked)) = track.reaching.take_if(|(id, _)| *id == probe) else {
        return;
    };
    // A port that was tried while our own network was down was perhaps silent only to us.
    let blind = draft
        .fleet
        .core
        .network
        .back
        .is_some_and(|back| asked <= back);
    if !blind || reach != Reach::Silent {
        port::reached(draft.fleet.host_mut(host), reach, draft.now);
    }
    for name in suspects(draft, |suspicion| suspicion.began <= asked) {
        if host_of(draft, &name).as_ref() == Some(host)
            && let Some(suspicion) = &mut draft.fleet.profile_mut(&name).suspicion
        {
            suspicion.reach = Some(reach);
        }
    }
    let_go(draft);
}

/// The configured host of a profile.
fn host_of(draft: &Draft<'_>, name: &ProfileName) -> Option<HostName> {
    let host = draft.settings.profiles.get(name)?.host.clone()?;
    draft.settings.hosts.contains_key(&host).then_some(host)
}

fn back(draft: &mut Draft<'_>, since: Timestamp) {
    draft.fleet.core.network.back = Some(draft.now);
    port::saw_nothing(draft, since);
    let blinded = std::mem::take(&mut draft.fleet.core.network.blinded);
    draft
        .happened
        .push(Happened::NetworkBack { since, blinded });
}

/// Profiles with a suspicion of this kind.
fn suspects(draft: &Draft<'_>, wanted: impl Fn(&Suspicion) -> bool) -> Vec<ProfileName> {
    let names = draft.fleet.suspects.iter();
    let has = |name: &&ProfileName| {
        let track = draft.fleet.profiles.get(*name);
        track
            .and_then(|track| track.suspicion.as_ref())
            .is_some_and(&wanted)
    };
    names.filter(has).cloned().collect()
}

/// Tries the SSH ports of the hosts behind silent sites.
pub(in crate::policy) fn ask_ports(draft: &mut Draft<'_>) {
    for name in suspects(draft, |suspicion| {
        suspicion.silent && suspicion.reach.is_none()
    }) {
        if let Some(host) = host_of(draft, &name) {
            port::ask(draft, host);
        }
    }
}

/// Confirms the failures that need not wait any more.
pub(in crate::policy) fn let_go(draft: &mut Draft<'_>) {
    // Canaries or a host may have been removed from the configuration while a failure waited for them.
    let alone = !has_canaries(draft);
    for name in suspects(draft, |suspicion| alone || suspicion.proven) {
        let host = host_of(draft, &name);
        let waits = |suspicion: &Suspicion| suspicion.silent && suspicion.reach.is_none();
        let track = draft.fleet.profiles.get(&name);
        let waits = track
            .and_then(|track| track.suspicion.as_ref())
            .is_some_and(waits);
        if !waits || host.is_none() {
            incident::confirmed(draft, &name);
        }
    }
}

/// Asks the canaries if something waits for them.
pub(in crate::policy) fn ask_canaries(draft: &mut Draft<'_>) {
    if !has_canaries(draft) {
        return;
    }
    if draft.fleet.core.network.in_flight.is_some() {
        return;
    }
    let suspected = !suspects(draft, |suspicion| !suspicion.proven).is_empty();
    let retry = draft
        .fleet
        .core
        .network
        .due
        .is_some_and(|due| due <= draft.now);
    draft.fleet.reindex();
    let mut blind = draft.fleet.index.blind.iter();
    let awaited = |name: &HostName| {
        let host = draft.fleet.hosts.get(name);
        host.is_some_and(|host| host.hold == Some(Hold::AwaitingCanary))
    };
    // People are told of a site that cannot be judged only if our own network is not the reason.
    let unjudged = unjudged::waits(draft);
    if suspected || retry || unjudged || blind.any(awaited) {
        let probe = draft.fleet.next_probe();
        draft.fleet.core.network.in_flight = Some((probe, draft.now));
        draft.effects.push(Effect::ProbeCanary { probe });
    }
}
