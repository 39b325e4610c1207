//! Whether we can see at all.
//!
//! No failure counts before a canary that was asked *after* the failing probe began has answered. While none answers,
//! our own network is down: every suspicion becomes `unknown`, every counter stays where it is, nothing is restarted,
//! and when it is back people get one `blind` mail saying from when to when we could not see. With an empty list of
//! canaries people chose to do without: every failure counts at once.

use std::time::Duration;

use crate::model::{Effect, EventKind, Hold, Note, ProbeId, ProfileName, Timestamp, limits};

use super::draft::Draft;
use super::{incident, outbox};

/// How often canaries are asked while none answers.
const RETRY: Duration = Duration::from_secs(10);

/// Canaries are configured.
pub(super) fn has_canaries(draft: &Draft<'_>) -> bool {
    !draft.settings.network.canaries.is_empty()
}

/// Our own network is known to be down.
pub(super) fn is_down(draft: &Draft<'_>) -> bool {
    has_canaries(draft) && draft.fleet.core.network.down_since.is_some()
}

/// A canary answered that was asked at or after `began`, and not long ago.
pub(super) fn is_proven(draft: &Draft<'_>, began: Timestamp) -> bool {
    let proven = |asked: Timestamp| asked >= began && draft.now.since(asked) < limits::CANARY_FRESH;
    !has_canaries(draft) || draft.fleet.core.network.answered.is_some_and(proven)
}

/// A canary run ended.
pub(super) fn probed(draft: &mut Draft<'_>, probe: ProbeId, answered: bool, detail: String) {
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
            draft.notes.push(Note::NetworkDown { detail });
        }
    }
    for name in suspects(draft, asked) {
        if answered {
            incident::confirmed(draft, &name);
        } else {
            draft.fleet.core.network.blinded = true;
            incident::blinded(draft, &name);
        }
    }
}

fn back(draft: &mut Draft<'_>, since: Timestamp) {
    draft.notes.push(Note::NetworkBack {
        since: draft.wall(since),
    });
    if draft.fleet.core.network.blinded {
        draft.fleet.core.network.blinded = false;
        let mut blind = outbox::blank(draft, EventKind::Blind);
        blind.since = Some(draft.wall(since));
        blind.until = Some(draft.wall(draft.now));
        blind.remark = Some(draft.fleet.core.network.detail.clone());
        outbox::queue(draft, &blind);
    }
}

/// Profiles whose suspicion a canary asked at `asked` can settle.
fn suspects(draft: &Draft<'_>, asked: Timestamp) -> Vec<ProfileName> {
    let waits = |began: Timestamp| began <= asked;
    let tracks = draft.fleet.profiles.iter();
    tracks
        .filter(|(_, track)| track.suspicion.as_ref().is_some_and(|s| waits(s.began)))
        .map(|(name, _)| name.clone())
        .collect()
}

/// Asks the canaries when somebody waits for them.
pub(super) fn move_on(draft: &mut Draft<'_>) {
    if !has_canaries(draft) {
        // They were taken out of the configuration while somebody waited for one.
        if draft.fleet.suspects > 0 {
            for name in suspects(draft, draft.now) {
                incident::confirmed(draft, &name);
            }
        }
        return;
    }
    if draft.fleet.core.network.in_flight.is_some() {
        return;
    }
    let suspected = draft.fleet.suspects > 0;
    let retry = draft
        .fleet
        .core
        .network
        .due
        .is_some_and(|due| due <= draft.now);
    let awaited = || {
        draft
            .fleet
            .hosts
            .values()
            .any(|host| host.hold == Some(Hold::AwaitingCanary))
    };
    if suspected || retry || awaited() {
        let probe = draft.fleet.next_probe();
        draft.fleet.core.network.in_flight = Some((probe, draft.now));
        draft.effects.push(Effect::ProbeCanary { probe });
    }
}
