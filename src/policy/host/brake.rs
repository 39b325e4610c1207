//! The brake on restarts of hosts that fail together.
//!
//! If more than half of the hosts (of two or more) began to fail within two intervals of each other, something that they
//! share has failed, perhaps our own view of them. Then nothing is restarted, but for hosts whose last look shows that
//! their own server does not run ([`shows_stopped`](crate::policy::host::sight::shows_stopped)), or that a person ordered
//! to go on. Those are restarted one at a time: the next one after the one before has settled.
//!
//! Where such restarts of [`limits::BRAKE_LATCHES`] hosts within [`limits::FLEET_BUDGET_WINDOW`] did not help, the brake
//! latches: nothing at all is restarted before `probe resume all`.

use crate::model::{Hold, HostName, HostTrack, ProfileName, Stage, Standing, limits};

use crate::policy::draft::Draft;

/// The hold of a host that fails together with most others, if nothing outranks it.
pub(in crate::policy) fn mass_failure(
    draft: &Draft<'_>,
    track: &HostTrack,
    profile: &ProfileName,
) -> Option<Hold> {
    let index = &draft.fleet.index;
    let hosts = index.members.len();
    let profile = draft.settings.profiles.get(profile);
    let window = profile
        .map(|profile| profile.interval * 2)
        .unwrap_or_default();
    let onset = track.failing_since.unwrap_or(draft.now);
    let from = index
        .onsets
        .iter()
        .skip_while(|(other, _)| onset.since(*other) > window);
    let failing = from
        .take_while(|(other, _)| other.since(onset) <= window)
        .count();
    (hosts >= 2 && failing * 2 > hosts && !track.forced)
        .then_some(Hold::MassFailure { failing, hosts })
}

/// The hold of every host while the brake is latched, or is to be latched now.
pub(in crate::policy) fn latched(draft: &Draft<'_>) -> Option<Hold> {
    let in_vain = || lately(draft).filter(|name| helped(draft, name) == Some(Helped::No));
    let latched = draft.fleet.core.latched.is_some();
    (latched || in_vain().count() >= limits::BRAKE_LATCHES).then_some(Hold::BrakeLatched)
}

/// Another host whose restart comes first: it is under way, or nobody knows yet whether it helped.
pub(in crate::policy) fn other<'a>(draft: &'a Draft<'_>, name: &HostName) -> Option<&'a HostName> {
    let open = lately(draft).filter(|other| helped(draft, other) == Some(Helped::NotKnown));
    let mut acting = draft.fleet.hosts_in_restart(draft.now).chain(open);
    acting.find(|other| *other != name)
}

/// The hosts that were restarted within the last hour.
fn lately<'a>(draft: &'a Draft<'_>) -> impl Iterator<Item = &'a HostName> {
    let now = draft.now;
    let started = draft.fleet.index.started.iter().rev();
    let started =
        started.take_while(move |(start, _)| now.since(*start) < limits::FLEET_BUDGET_WINDOW);
    started.map(|(_, name)| name)
}

/// Whether a restart under the brake helped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Helped {
    Yes,
    No,
    /// It is not over, or the host's sites were not probed since.
    NotKnown,
}

/// Whether the last restart of a host helped, if that was under the brake.
fn helped(draft: &Draft<'_>, name: &HostName) -> Option<Helped> {
    let track = draft.fleet.hosts.get(name)?;
    track.last.as_ref().filter(|attempt| attempt.braked)?;
    if !matches!(track.stage, Stage::Idle | Stage::GaveUp { .. }) {
        return Some(Helped::NotKnown);
    }
    let down = draft.watched(name).filter_map(|(profile, _)| {
        let profile = draft.fleet.profiles.get(profile)?;
        let down = profile.standing == Standing::Down && profile.evidence.not.is_none();
        down.then(|| profile.probed.is_some_and(|at| at > track.evidence_from))
    });
    Some(match down.max() {
        None => Helped::Yes,
        Some(true) => Helped::No,
        Some(false) => Helped::NotKnown,
    })
}
