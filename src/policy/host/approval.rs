//! Restarts that a person must approve (`mode: ask`).
//!
//! When all speaks for a restart, it is proposed. The proposal stands for [`limits::PROPOSAL`] from the look that it rests
//! on; then the host is looked at anew, and if nothing has changed, the restart is proposed anew. An approval allows the
//! one restart whose proposal it names. Before that begins all is asked once more, the host itself included: what a person
//! saw may have changed while they read.

use crate::model::{Hold, Host, HostName, HostTrack, Mode, Proposal, Timestamp, limits};

use crate::policy::draft::Draft;

/// The hold while a proposal waits for a person.
pub(in crate::policy) fn awaited(
    draft: &Draft<'_>,
    host: &Host,
    track: &HostTrack,
) -> Option<Hold> {
    let proposal = standing(draft, host, track)?;
    is_needed(draft, host, track).then(|| hold(host, track, proposal.until))
}

/// The hold of a restart that may be approved until then.
pub(in crate::policy) fn hold(host: &Host, track: &HostTrack, until: Timestamp) -> Hold {
    Hold::Proposed {
        command: host.restart.rung(track.attempts + 1).to_string(),
        until,
    }
}

/// The proposal that a person may approve now.
fn standing(draft: &Draft<'_>, host: &Host, track: &HostTrack) -> Option<Proposal> {
    let asks = host.restart.mode == Mode::Ask;
    track
        .proposal
        .filter(|proposal| asks && proposal.until > draft.now)
}

/// Whether a restart that nothing else holds must be approved by a person, and is not.
pub(in crate::policy) fn is_needed(draft: &Draft<'_>, host: &Host, track: &HostTrack) -> bool {
    if host.restart.mode == Mode::Auto {
        return false;
    }
    let approval = draft.fleet.approvals.get(host.name.as_str());
    let given = approval.filter(|approval| {
        let age = draft.wall(draft.now).0.abs_diff(approval.at.0);
        u128::from(age) < limits::PROPOSAL.as_millis()
    });
    let proposal = standing(draft, host, track);
    proposal.is_none_or(|proposal| given.is_none_or(|given| given.id != proposal.id))
}

/// Proposes a restart.
pub(in crate::policy) fn propose(draft: &mut Draft<'_>, name: &HostName) -> Option<Hold> {
    let host = draft.host(name)?;
    let id = draft.fleet.next_attempt();
    let now = draft.now;
    let track = draft.fleet.host_mut(name);
    let look = track.look.as_ref().filter(|_| host.diagnose);
    let until = look.map_or(now, |look| look.began) + limits::PROPOSAL;
    track.proposal = Some(Proposal { id, until });
    draft.durable = true;
    awaited(draft, &host, draft.fleet.hosts.get(name)?)
}
