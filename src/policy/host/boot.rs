//! A host that did not answer at all and answers again has most likely booted, and starts its services by itself.
//!
//! If a look finds facts, they tell the uptime, and the rule table decides ([`triage`](crate::policy::host::triage)).
//! Without facts only the SSH port can tell: if it was closed or silent while a site failed, nothing is restarted
//! before it has answered for [`limits::BOOT_WINDOW`].
//!
//! While the port does not answer, it is tried before each attempt, unless the last try is younger than
//! [`limits::REACH_FRESH`], and during a backoff every [`limits::REACH_AGAIN`]. An attempt then ends at once and counts
//! as one that did not reach the host.

use crate::model::{Ailment, Away, Hold, HostName, HostTrack, Reach, Reason, limits};

use crate::policy::draft::Draft;
use crate::policy::site::port;

/// The hold on a host whose SSH port answers again only since a short time.
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

/// Whether the SSH port of a host that did not answer must be tried first.
pub(in crate::policy) fn rule(draft: &Draft<'_>, track: &HostTrack) -> Option<Hold> {
    let away = track.away.filter(|_| !tells_uptime(track))?;
    (away.back.is_none() && !is_fresh(draft, &away)).then_some(Hold::AwaitingFacts)
}

/// Why an attempt ends before it begins: the host's SSH port was tried a moment ago and did not answer.
pub(in crate::policy) fn shut(draft: &Draft<'_>, name: &HostName) -> Option<Reason> {
    let track = draft.fleet.hosts.get(name)?;
    let away = track.away.filter(|_| !tells_uptime(track))?;
    // If the last try is too old, [`rule`] has the port tried first.
    away.back.is_none().then_some(match away.reach {
        Reach::Silent => Reason::PortSilent,
        Reach::Refused | Reach::Answered | Reach::Unknown => Reason::PortRefuses,
    })
}

/// Whether the last try of the port is young enough to count for now.
fn is_fresh(draft: &Draft<'_>, away: &Away) -> bool {
    draft.now.since(away.seen) < limits::REACH_FRESH
}

/// Whether a look after the port did not answer knows the host's uptime.
fn tells_uptime(track: &HostTrack) -> bool {
    let look = track.look.as_ref().zip(track.away);
    let facts = look
        .filter(|(look, away)| look.began > away.seen)
        .and_then(|(look, _)| look.diagnosis.facts());
    facts.is_some_and(|facts| facts.uptime_s.is_some())
}

/// Tries the ports that a restart waits for; also during a backoff, so that the window begins when the host is back.
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
