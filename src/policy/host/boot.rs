//! A host that did not answer at all and answers again has most likely booted, and starts its services by itself.
//!
//! If a look finds facts, they tell the uptime, and the rule table decides ([`triage`](crate::policy::host::triage)).
//! Without facts only the SSH port can tell: if it was closed or silent while a site failed, nothing is restarted
//! before it has answered for [`limits::BOOT_WINDOW`].
//!
//! While the port does not answer, nothing can be sent. It is tried every [`limits::REACH_AGAIN`], and what it said holds
//! for [`limits::REACH_FRESH`].

use crate::model::{Ailment, Away, Hold, HostName, HostTrack, Reach, Reason, Timestamp, limits};

use crate::policy::draft::Draft;
use crate::policy::site::port;

/// The hold on a host whose SSH port does not answer, or answers again only since a short time.
pub(in crate::policy) fn refusal(draft: &Draft<'_>, track: &HostTrack) -> Option<Hold> {
    let away = track.away.filter(|_| !tells_uptime(track))?;
    let silent = away.reach == Reach::Silent;
    let Some(back) = away.back else {
        return is_fresh(draft, &away).then_some(Hold::SshUnreachable {
            reason: if silent {
                Reason::PortSilent
            } else {
                Reason::PortRefuses
            },
            until: tried(track, &away) + limits::REACH_AGAIN,
        });
    };
    let until = back + limits::BOOT_WINDOW;
    let said = if silent {
        "ssh_port=silent"
    } else {
        "ssh_port=refused"
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

/// When the port was tried last; that try may be under way.
fn tried(track: &HostTrack, away: &Away) -> Timestamp {
    track.reaching.map_or(away.seen, |(_, asked)| asked)
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

/// Tries the ports that a restart waits for.
pub(in crate::policy) fn move_on(draft: &mut Draft<'_>) {
    let waits = |name: &&HostName| {
        let Some(track) = draft.fleet.hosts.get(*name) else {
            return false;
        };
        let away = track.away.filter(|away| away.back.is_none());
        away.is_some_and(|away| match track.hold {
            Some(Hold::AwaitingFacts) => track.looking.is_none() && !is_fresh(draft, &away),
            Some(Hold::SshUnreachable { .. }) => draft.now.since(away.seen) >= limits::REACH_AGAIN,
            Some(_) | None => false,
        })
    };
    let held = draft.fleet.index.held.iter();
    let names: Vec<HostName> = held.filter(waits).cloned().collect();
    for name in names {
        port::ask(draft, name);
    }
}
