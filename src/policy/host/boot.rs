//! A host that was away as a whole and answers again: most likely it was started anew, and starts its services by itself.
//!
//! Whoever gets in and finds facts knows the uptime, and the rule table decides ([`triage`](crate::policy::host::triage)). Without facts
//! the SSH port is the only witness: where it was closed or silent while a site failed, nothing is restarted before it has
//! answered for [`limits::BOOT_WINDOW`]. Until it answers it is tried before each attempt; an attempt is then over at once,
//! and counts as one that did not reach the host.

use crate::model::{Ailment, Away, Hold, HostName, HostTrack, Reach, Reason, limits};

use crate::policy::draft::Draft;
use crate::policy::site::port;

/// Why a host that was away and is back is not restarted yet.
pub(in crate::policy) fn refusal(draft: &Draft<'_>, track: &HostTrack) -> Option<Hold> {
    let away = track.away.filter(|_| !tells_uptime(track))?;
    let until = away.back? + limits::BOOT_WINDOW;
    let said = match away.reach {
        Reach::Silent => "ssh_port=silent",
        Reach::Refused | Reach::Answered | Reach::Unknown => "ssh_port=refused",
    };
    (until > draft.now).then(|| Hold::Ailing {
        ailment: Ailment::HostBooting,
        because: vec![said.to_owned()],
        until,
    })
}

/// Whether the port of a host that was away must be tried first.
pub(in crate::policy) fn rule(draft: &Draft<'_>, track: &HostTrack) -> Option<Hold> {
    let away = track.away.filter(|_| !tells_uptime(track))?;
    (away.back.is_none() && !is_fresh(draft, &away)).then_some(Hold::AwaitingFacts)
}

/// Why nobody is sent there: its port was tried just now.
pub(in crate::policy) fn shut(draft: &Draft<'_>, name: &HostName) -> Option<Reason> {
    let track = draft.fleet.hosts.get(name)?;
    let away = track.away.filter(|_| !tells_uptime(track))?;
    // One that is not fresh was tried first ([`rule`]).
    away.back.is_none().then_some(match away.reach {
        Reach::Silent => Reason::PortSilent,
        Reach::Refused | Reach::Answered | Reach::Unknown => Reason::PortRefuses,
    })
}

/// The port was tried so short a time ago that it counts as now.
fn is_fresh(draft: &Draft<'_>, away: &Away) -> bool {
    draft.now.since(away.seen) < limits::REACH_FRESH
}

/// The last look came after the host was away and knows since when it is up.
fn tells_uptime(track: &HostTrack) -> bool {
    let look = track.look.as_ref().zip(track.away);
    let facts = look
        .filter(|(look, away)| look.began > away.seen)
        .and_then(|(look, _)| look.diagnosis.facts());
    facts.is_some_and(|facts| facts.uptime_s.is_some())
}

/// Tries the ports that somebody waits for; during a backoff now and then, so that the window begins when the host is back.
pub(in crate::policy) fn move_on(draft: &mut Draft<'_>) {
    let waits = |name: &&HostName| {
        let Some(track) = draft.fleet.hosts.get(*name) else {
            return false;
        };
        let away = track.away.filter(|away| away.back.is_none());
        away.is_some_and(|away| match track.hold {
            Some(Hold::AwaitingFacts) => track.looking.is_none() && !is_fresh(draft, &away),
            Some(Hold::Backoff { .. }) => draft.now.since(away.seen) >= limits::REACH_AGAIN,
            Some(_) | None => false,
        })
    };
    let held = draft.fleet.index.held.iter();
    let names: Vec<HostName> = held.filter(waits).cloned().collect();
    for name in names {
        port::ask(draft, name);
    }
}
