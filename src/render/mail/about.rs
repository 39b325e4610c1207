//! What a notification is about: its sites, its machine, its hold.

use minijinja::context;

use crate::model::{Hold, Next, Notification, RecoveryOutcome};
use crate::render::words::{Voice, key};

/// What the notification is about: `shop`, or `shop and 9 more` where it took other sites of the host as well.
pub(super) fn site(voice: &Voice, note: &Notification) -> String {
    // The subjects of a thread name the same site, as long as what they say is true of it.
    let first = note.first.as_ref().filter(|first| {
        let mut sites = note.sites.iter().filter(|site| note.concerns(site));
        sites.any(|site| site.profile == **first)
    });
    let site = match (first.or(note.profile.as_ref()), &note.host) {
        (Some(profile), _) => profile.as_str(),
        (None, Some(host)) => host.as_str(),
        (None, None) => "probe",
    };
    match together(note) {
        0 => site.to_owned(),
        n => voice.say(key!(Page, "sites.label"), context! { site, n }),
    }
}

/// The other sites of which the event is true as well.
pub(super) fn together(note: &Notification) -> usize {
    let all = note.sites.iter().filter(|site| note.concerns(site));
    all.count().saturating_sub(1)
}

/// The machine, in a sentence.
pub(super) fn host(note: &Notification) -> &str {
    note.host.as_ref().map_or("?", |host| host.as_str())
}

/// The hold that the notification speaks of.
pub(super) const fn held(note: &Notification) -> Option<&Hold> {
    match &note.next {
        Next::Held(hold) => Some(hold),
        Next::Restart { .. } | Next::Prove { .. } | Next::WatchOnly | Next::Nothing => None,
    }
}

/// Whether the next attempt is awaited after one that ended so: one that made no restart is not called one.
pub(super) fn awaits_after(note: &Notification, outcome: RecoveryOutcome) -> bool {
    matches!(held(note), Some(Hold::Backoff { .. }))
        && note
            .attempts
            .last()
            .and_then(|attempt| attempt.report.as_ref())
            .is_some_and(|report| report.outcome == outcome)
}
