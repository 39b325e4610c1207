//! Who is reminded of an outage that lasts, and when.
//!
//! The first reminder comes the configured interval after people last heard of the incident. Each further wait is twice
//! the one before, up to [`limits::REMINDER_MAX`]. Nobody is reminded in a maintenance window, nor of an outage that a person
//! acknowledged, nor of a site or host that a person paused with a reason: they know of it. After that the wait for the next reminder
//! starts anew.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::model::{EventKind, Hold, HostName, ProfileName, Timestamp, limits};

use crate::policy::draft::Draft;
use crate::policy::host::guard::pause_of;
use crate::policy::tell::message::{next_for, tell};
use crate::policy::tell::thread;

/// Reminds people of the incidents that are due.
pub(in crate::policy) fn remind(draft: &mut Draft<'_>) {
    let Some(interval) = draft.settings.reminder_interval() else {
        return;
    };
    let due = |told: Timestamp| draft.now.since(told) >= interval;
    draft.fleet.reindex();
    let told = draft.fleet.index.told.iter();
    let names: BTreeSet<ProfileName> = told
        .take_while(|(told, _)| due(*told))
        .map(|(_, name)| name.clone())
        .collect();
    for name in names {
        let is_known = is_acknowledged(draft, &name) || is_paused(draft, &name);
        if draft.window(&name, draft.now).is_some() || is_known {
            let now = draft.now;
            if let Some(telling) = &mut draft.fleet.profile_mut(&name).telling {
                telling.told = now;
            }
            continue;
        }
        let next = next_for(draft, &name);
        tell(draft, &name, EventKind::Reminder, next, None);
        if let Some(telling) = &mut draft.fleet.profile_mut(&name).telling {
            telling.put_off = put_off(interval, telling.put_off);
        }
    }
}

/// How much longer than the interval the next reminder waits: each wait is twice the one before.
fn put_off(interval: Duration, before: Duration) -> Duration {
    let wait = (interval + before) * 2;
    wait.min(limits::REMINDER_MAX.max(interval))
        .saturating_sub(interval)
}

/// Whether somebody has the outage of which this profile speaks, as it stands.
fn is_acknowledged(draft: &Draft<'_>, name: &ProfileName) -> bool {
    let Some(telling) = thread::telling(draft, name) else {
        return false;
    };
    let ack = draft.fleet.acks.get(telling.thread.as_str());
    ack.is_some_and(|ack| ack.holds(&draft.fleet, &telling.thread))
}

/// Whether a person paused the profile or its host and gave a reason.
fn is_paused(draft: &Draft<'_>, name: &ProfileName) -> bool {
    let host = draft.host_of(name);
    let names = [Some(name.as_str()), host.as_ref().map(HostName::as_str)];
    let pauses = names
        .into_iter()
        .flatten()
        .filter_map(|name| pause_of(draft, name));
    pauses.into_iter().any(|pause| {
        matches!(
            pause,
            Hold::Paused {
                reason: Some(_),
                ..
            }
        )
    })
}
