//! Whether a host's SSH port answers: asked for a silent site of the host, and for a host whose port did not answer
//! before.

use crate::model::{Away, Effect, HostName, HostTrack, Reach, Timestamp};

use crate::policy::draft::Draft;

/// Remembers what the SSH port said.
pub(in crate::policy) fn reached(track: &mut HostTrack, reach: Reach, now: Timestamp) {
    match reach {
        Reach::Silent | Reach::Refused => {
            track.away = Some(Away {
                seen: now,
                reach,
                back: None,
            });
        }
        Reach::Answered => {
            if let Some(away) = &mut track.away {
                away.back.get_or_insert(now);
            }
        }
        Reach::Unknown => {}
    }
}

/// Our own network had been down since then: ports that were silent meanwhile may have been silent only to us.
pub(in crate::policy) fn saw_nothing(draft: &mut Draft<'_>, since: Timestamp) {
    let silent = |track: &HostTrack| {
        let away = track.away.filter(|away| away.reach == Reach::Silent);
        away.is_some_and(|away| away.seen >= since)
    };
    let tracks = draft.fleet.hosts.iter();
    let names = tracks.filter(|(_, track)| silent(track));
    let names: Vec<HostName> = names.map(|(name, _)| name.clone()).collect();
    for name in names {
        draft.fleet.host_mut(&name).away = None;
    }
}

/// Tries a host's SSH port, unless that is under way.
pub(in crate::policy) fn ask(draft: &mut Draft<'_>, host: HostName) {
    let track = draft.fleet.hosts.get(&host);
    if track.is_some_and(|track| track.reaching.is_some()) {
        return;
    }
    let probe = draft.fleet.next_probe();
    draft.fleet.host_mut(&host).reaching = Some((probe, draft.now));
    draft.effects.push(Effect::Reach { probe, host });
}
