//! The answer of `probe why`: the rules of [`super::step`] are asked about one host, and nothing is decided.
//!
//! Only the recorded state is known, so every profile counts as probed in this run, and a browser's headers as not
//! answered. Whether a canary answers now stays open: the answer may be [`Hold::AwaitingCanary`].

use crate::model::{
    Account, Allowance, Fleet, Hold, HostName, Now, ProfileState, Settings, Standpoint, Timestamp,
    Witness, limits,
};

use crate::policy::draft::Draft;
use crate::policy::host::approval;
use crate::policy::host::guard::{self, Ruling};

/// The account of a host; `None` if no such host is configured.
#[must_use]
pub fn account(
    settings: &Settings,
    mut fleet: Fleet,
    name: &HostName,
    now: &Now,
) -> Option<Account> {
    let host = settings.hosts.get(name)?;
    let names: Vec<_> = settings.profiles_of(name).map(|(n, _)| n.clone()).collect();
    for profile in &names {
        let now = fleet.now();
        let track = fleet.profile_mut(profile);
        (track.probed_in_run, track.browser.seen) = (true, Some((now, false)));
    }
    fleet.reindex_all(settings);
    let draft = Draft::new(settings, fleet, now);
    let track = draft.fleet.hosts.get(name).cloned().unwrap_or_default();
    let witnesses: Vec<Witness> = names
        .iter()
        .filter_map(|profile| witness(&draft, name, profile))
        .collect();
    let standpoint = match guard::rule(&draft, name) {
        Ruling::Nothing => Standpoint::Calm,
        Ruling::Hold(hold) => Standpoint::Held(hold),
        Ruling::GiveUp(reason) => Standpoint::GivesUp(reason),
        Ruling::Permit(profile) => Standpoint::Acts(profile),
        Ruling::Propose => match draft.settings.hosts.get(name) {
            Some(host) => {
                Standpoint::Held(approval::hold(host, &track, draft.now + limits::PROPOSAL))
            }
            None => Standpoint::Calm,
        },
    };
    let network = &draft.fleet.core.network;
    Some(Account {
        host: name.clone(),
        needed: guard::needed(&draft, name),
        budget: budget(&draft, name),
        fleet_budget: fleet_budget(&draft),
        attempts: track.attempts,
        give_up_after: host.restart.give_up_after,
        command: host.restart.rung(track.attempts + 1).to_string(),
        look: track.look.as_deref().cloned(),
        not_before: track.not_before.filter(|at| *at > draft.now),
        evidence_from: track.evidence_from,
        canary: network.answered,
        has_canaries: !settings.network.canaries.is_empty(),
        may_act_at: may_act_at(&draft, name, &standpoint),
        witnesses,
        standpoint,
    })
}

fn witness(
    draft: &Draft<'_>,
    host: &HostName,
    name: &crate::model::ProfileName,
) -> Option<Witness> {
    let profile = draft.settings.profiles.get(name)?;
    let causes = &draft.settings.hosts.get(host)?.restart.causes;
    let track = draft.fleet.profiles.get(name).cloned().unwrap_or_default();
    let failing = matches!(track.state(), ProfileState::Failing | ProfileState::Down);
    let cause = track.evidence.cause.filter(|_| failing);
    Some(Witness {
        profile: name.clone(),
        state: track.state(),
        failing_since: track.failing_since,
        failures: track.failures,
        evidence: u32::try_from(track.evidence.began.len()).unwrap_or(u32::MAX),
        threshold: profile.failure_threshold,
        cause,
        listed: cause.is_some_and(|cause| causes.contains(&cause)),
        proven: guard::is_proven(draft.now, profile, &track),
        unjudged_since: track.blank_since(),
        not_evidence: track.evidence.not.filter(|_| failing).map(|not| *not),
        unknown: track.unknown,
        window: draft.window(name, draft.now),
        paused: guard::pause_of(draft, name.as_str()).is_some(),
    })
}

fn budget(draft: &Draft<'_>, name: &HostName) -> Allowance {
    let starts = draft.fleet.hosts.get(name).map(|track| &track.starts[..]);
    let starts = starts.unwrap_or_default();
    let budget = draft
        .settings
        .hosts
        .get(name)
        .map(|host| host.restart.budget);
    let (of, per) = budget.map_or((0, std::time::Duration::ZERO), |b| (b.restarts, b.per));
    Allowance {
        spent: budget.map_or(0, |budget| budget.spent(starts, draft.now)),
        of,
        per,
        free_at: budget.and_then(|budget| budget.free_at(starts, draft.now)),
    }
}

fn fleet_budget(draft: &Draft<'_>) -> Allowance {
    let of =
        u32::try_from(limits::fleet_restarts(draft.fleet.index.members.len())).unwrap_or(u32::MAX);
    let whole = crate::model::Budget {
        restarts: of,
        per: limits::FLEET_BUDGET_WINDOW,
    };
    let hosts = draft.fleet.hosts.values();
    let starts: Vec<Timestamp> = hosts.flat_map(|host| host.starts.iter().copied()).collect();
    Allowance {
        spent: whole.spent(&starts, draft.now),
        of,
        per: whole.per,
        free_at: whole.free_at(&starts, draft.now),
    }
}

/// The moment at which all waits with a known end are over. A hold is shown alone, but a person wants to know when all
/// are over.
fn may_act_at(draft: &Draft<'_>, name: &HostName, standpoint: &Standpoint) -> Option<Timestamp> {
    let track = draft.fleet.hosts.get(name)?;
    let hold = match standpoint {
        Standpoint::Held(Hold::Paused { until, .. }) => {
            Some(Timestamp((*until)?.0 - draft.fleet.core.clock.skew_ms))
        }
        Standpoint::Held(hold) => match hold.until() {
            Some(until) => Some(until),
            None if hold.is_step() => None,
            None => return None,
        },
        Standpoint::Acts(_) | Standpoint::Calm => None,
        Standpoint::GivesUp(_) => return None,
    };
    let waits = [
        hold,
        track.not_before,
        budget(draft, name).free_at,
        fleet_budget(draft).free_at,
        Some(draft.now),
    ];
    waits.into_iter().flatten().max()
}
