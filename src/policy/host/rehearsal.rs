//! The restart of a host that is well, because a person wants to see that it comes back (`probe drill --restart`).
//!
//! An order is answered once, in the step in which it is read, and never later: it leads to a restart, or to the reason why
//! not ([`Rehearsed`]). One that is older than [`limits::REHEARSAL`] is not answered: nobody waits for it any more.
//!
//! Whatever holds the restart of a host that is down holds this one, too, but for what asks whether it is down
//! ([`guard::rehearsal`]); what a look at the host says is asked by whoever gives the order, before ([`forbids`]). The restart is
//! one like any other: durable before it begins, and charged to the budgets. But it neither counts towards giving up nor as a
//! lesson, for it mended nothing.

use std::time::Duration;

use crate::model::{
    Ailment, Cause, Host, HostFacts, HostName, Rehearsal, Rehearsed, Timestamp, limits,
};

use crate::policy::draft::Draft;
use crate::policy::host::triage::{Remedy, Symptoms, triage};
use crate::policy::host::{attempt, guard};

/// Answers the orders that were not answered yet.
pub(in crate::policy) fn answer(draft: &mut Draft<'_>) {
    let settings = draft.settings;
    for (name, order) in draft.fleet.rehearsals.clone() {
        let known = settings.hosts.keys().find(|host| host.as_str() == name);
        let Some(host) = known.filter(|host| is_open(draft, host, order)) else {
            continue;
        };
        let site = draft.watched(host).next().map(|(site, _)| site.clone());
        // Without a site nobody would see whether it comes back.
        let Some(site) = site else { continue };
        let held = guard::rehearsal(draft, host, &site);
        if held.is_none() {
            attempt::rehearse(draft, host, &site);
        }
        let track = draft.fleet.host_mut(host);
        let begun = track.last.as_ref().filter(|_| held.is_none());
        track.rehearsed = Some(Box::new(Rehearsed {
            at: order.at,
            attempt: begun.map(|attempt| attempt.id),
            held,
        }));
        draft.durable = true;
        // The next host's order meets this restart.
        draft.fleet.reindex();
    }
}

fn is_open(draft: &Draft<'_>, host: &HostName, order: Rehearsal) -> bool {
    let track = draft.fleet.hosts.get(host);
    let answered = track.and_then(|track| track.rehearsed.as_ref());
    let age = draft.wall(draft.now).0.abs_diff(order.at.0);
    answered.is_none_or(|answered| answered.at != order.at)
        && u128::from(age) < limits::REHEARSAL.as_millis()
}

/// What a host's facts say against a restart of it while it is well, and the facts that say so. Rows of the table that ask for
/// what fails are left out.
#[must_use]
pub fn forbids(host: &Host, facts: &HostFacts, seen: Timestamp) -> Option<(Ailment, Vec<String>)> {
    let found = triage(&Symptoms {
        facts,
        seen,
        cause: Cause::Refused,
        urls: Vec::new(),
        failing: Duration::ZERO,
        serves_others: false,
        command: host.restart.rung(1).to_string(),
        guards: host.guards,
        waited: Vec::new(),
    });
    let asks_what_fails = matches!(
        found.ailment,
        Ailment::BetweenUs | Ailment::AnswersBrowsers | Ailment::ServesOthers
    );
    (found.remedy != Remedy::Restart && !asks_what_fails).then_some((found.ailment, found.because))
}
