//! The outbox: messages that wait to be sent.
//!
//! A notification becomes one entry for each recipient: a mail address, the program of `alerts.command`, or a webhook.
//! The entry is made in the same decision as what it tells, and so in the same transaction.
//!
//! At most [`limits::MAILS_IN_FLIGHT`] entries are in transit. Entries of one incident to one recipient leave in the
//! order of events: the next one waits until the one before was taken or is a dead letter. Mails that end a thread the
//! recipient knows leave first ([`pace`]). A try is durable before it is made. `retry` says when an entry that was not
//! taken is tried again.

use std::collections::BTreeSet;

use crate::model::{
    Channel, Delivery, Effect, Entry, EntryId, Fleet, Happened, Hold, HostName, IncidentId, Next,
    Notification, Settings, Timestamp, limits,
};

use crate::policy::draft::Draft;
use crate::policy::tell::pace::{self, Pace};
use crate::policy::tell::{digest, retry};

/// Queues a notification, one entry for each recipient.
pub(in crate::policy) fn queue(draft: &mut Draft<'_>, notification: &Notification) {
    let mut listeners: Vec<(Channel, String)> = Vec::new();
    let email = draft.settings.email.clone();
    let to = email.iter().flat_map(|email| &email.to);
    listeners.extend(to.map(|to| (Channel::Mail, to.clone())));
    let program = draft.settings.command.iter().flat_map(|all| all.first());
    listeners.extend(program.map(|program| (Channel::Command, program.clone())));
    let webhooks = draft.settings.webhooks.iter();
    listeners.extend(webhooks.map(|webhook| (Channel::Webhook, webhook.name.clone())));
    for (channel, to) in listeners {
        let mut notification = notification.clone();
        let mut replaced = Vec::new();
        if channel == Channel::Mail {
            let (whole, ids) = digest::supersede(draft, &to, &notification);
            notification.story |= whole;
            replaced = ids;
        }
        let id = draft.fleet.next_entry();
        for entry in replaced {
            draft.happened.push(Happened::Merged { entry, into: id });
        }
        draft.happened.push(Happened::Queued {
            entry: id,
            event: notification.event,
            to: to.clone(),
        });
        draft.fleet.queue(Entry {
            id,
            notification,
            from: email
                .as_ref()
                .map_or_else(String::new, |email| email.from.clone()),
            channel,
            to,
            queued: draft.now,
            tries: 0,
            due: draft.now,
            last: None,
            open: false,
            unclear: false,
            outlived: false,
        });
        draft.durable = true;
    }
}

/// Gives up what is too old, and sends what is due.
pub(in crate::policy) fn move_on(draft: &mut Draft<'_>) {
    expire(draft);
    bury(draft);
    dispatch(draft);
}

/// Gives up entries for a recipient that is no longer configured, after [`limits::MAIL_EXPIRY`].
fn expire(draft: &mut Draft<'_>) {
    let (settings, now) = (draft.settings, draft.now);
    let entries = draft.fleet.outbox.values();
    let expired: Vec<EntryId> = entries
        .filter(|entry| !entry.is_dead() && !settings.reaches(entry))
        .filter(|entry| now.since(entry.queued) >= limits::MAIL_EXPIRY)
        .map(|entry| entry.id)
        .collect();
    for id in expired {
        let what = draft
            .fleet
            .outbox
            .get(&id)
            .map(|entry| match entry.channel {
                Channel::Mail | Channel::Command => format!("`{}`", entry.channel.key()),
                Channel::Webhook => format!("`{}` of `{}`", entry.to, entry.channel.key()),
            });
        let reason = format!("{} is not configured any more", what.unwrap_or_default());
        tried(draft, id, Delivery::deferred(reason));
    }
}

/// Forgets dead letters that are too old or too many.
fn bury(draft: &mut Draft<'_>) {
    let dead: Vec<(EntryId, Timestamp)> = draft
        .fleet
        .outbox
        .values()
        .filter(|entry| entry.is_dead())
        .map(|entry| (entry.id, entry.queued))
        .collect();
    let surplus = dead.len().saturating_sub(limits::DEAD_LETTERS);
    let kept = limits::MAIL_EXPIRY + limits::DEAD_LETTER_MEMORY;
    for (place, (id, queued)) in dead.into_iter().enumerate() {
        if place < surplus || draft.now.since(queued) >= kept {
            draft.fleet.forget_entry(id);
        }
    }
}

/// Entries that may leave now or when they are due: not dead, not in transit, to a configured recipient, and with no
/// earlier entry of the same incident to the same recipient.
fn ready<'a>(settings: &'a Settings, fleet: &'a Fleet) -> impl Iterator<Item = &'a Entry> {
    let mut waiting: BTreeSet<(&IncidentId, (Channel, &str))> = BTreeSet::new();
    fleet.outbox.values().filter(move |entry| {
        let mut first = true;
        if !entry.is_dead() {
            let told: BTreeSet<_> = pace::incidents(entry)
                .map(|incident| (incident, entry.listener()))
                .collect();
            first = told.is_disjoint(&waiting);
            waiting.extend(told);
        }
        let leaves = !entry.is_dead() && settings.reaches(entry);
        first && leaves && !fleet.in_transit.contains(&entry.id)
    })
}

fn dispatch(draft: &mut Draft<'_>) {
    if draft.fleet.outbox.is_empty() || draft.fleet.unwritable {
        return;
    }
    digest::gather(draft);
    let free = limits::MAILS_IN_FLIGHT.saturating_sub(draft.fleet.in_transit.len());
    let (fleet, mut pace) = (&draft.fleet, Pace::new(&draft.fleet));
    let ready = ready(draft.settings, fleet);
    let mut due: Vec<&Entry> = ready.filter(|entry| entry.due <= draft.now).collect();
    // Few leave at once, so the ends of threads that people know go before what is new.
    due.sort_by_key(|entry| !pace.is_free(entry));
    let mut may_leave = |entry: &&Entry| {
        let may = pace.leaves_from(fleet, entry) <= draft.now;
        if may {
            pace.leaves(fleet, entry);
        }
        may
    };
    let due: Vec<EntryId> = due
        .into_iter()
        .filter(|entry| may_leave(entry))
        .take(free)
        .map(|entry| entry.id)
        .collect();
    for id in due {
        // The try is written before it is made. If that fails, its end could not be written either, and every later run
        // would send the message again.
        let now = draft.now;
        if let Some(entry) = draft.fleet.entry_mut(id) {
            entry.tries = entry.tries.saturating_add(1);
            entry.due = now + retry::wait(entry);
            // If the end of an earlier try is not known, it may have succeeded.
            entry.unclear |= entry.open;
            entry.open = true;
        }
        draft.durable = true;
        draft.fleet.in_transit.insert(id);
        draft.effects.push(Effect::Notify(id));
    }
}

/// A restart was announced but not begun: messages that have not left no longer say that it comes next.
pub(in crate::policy) fn unsay_restart(draft: &mut Draft<'_>, host: &HostName) {
    let announces = |entry: &Entry| {
        let next = matches!(entry.notification.next, Next::Restart { .. });
        next && entry.tries == 0 && entry.notification.host.as_ref() == Some(host)
    };
    let entries = draft.fleet.outbox.values();
    let ids: Vec<EntryId> = entries
        .filter(|entry| announces(entry))
        .map(|entry| entry.id)
        .collect();
    for id in ids {
        if let Some(entry) = draft.fleet.entry_mut(id) {
            entry.notification.next = Next::Held(Hold::StateUnwritable);
        }
    }
}

/// A try that was ordered was not made.
pub(in crate::policy) fn taken_back(draft: &mut Draft<'_>, id: EntryId) {
    draft.fleet.in_transit.remove(&id);
    let now = draft.now;
    if let Some(entry) = draft.fleet.entry_mut(id) {
        entry.tries = entry.tries.saturating_sub(1);
        entry.due = now;
        entry.open = false;
    }
}

/// When the next message is due.
pub(in crate::policy) fn wakeup(settings: &Settings, fleet: &Fleet) -> Option<Timestamp> {
    let free = fleet.in_transit.len() < limits::MAILS_IN_FLIGHT && !fleet.unwritable;
    if !free || fleet.outbox.is_empty() {
        return None;
    }
    let mut pace = Pace::new(fleet);
    let ready = ready(settings, fleet);
    ready
        .map(|entry| entry.due.max(pace.leaves_from(fleet, entry)))
        .min()
}

/// A message was taken: dead letters of the same listener no longer mean that it cannot be reached.
fn reached(draft: &mut Draft<'_>, taken: &Entry) {
    let unheard = |entry: &&Entry| entry.is_unheard() && entry.listener() == taken.listener();
    let entries = draft.fleet.outbox.values().filter(unheard);
    let ids: Vec<EntryId> = entries.map(|entry| entry.id).collect();
    for id in ids {
        if let Some(entry) = draft.fleet.entry_mut(id) {
            entry.outlived = true;
        }
    }
}

/// A message was tried.
pub(in crate::policy) fn tried(draft: &mut Draft<'_>, id: EntryId, delivery: Delivery) {
    draft.fleet.in_transit.remove(&id);
    let now = draft.now;
    let Some(entry) = draft.fleet.entry_mut(id) else {
        return;
    };
    let (event, to) = (entry.notification.event, entry.to.clone());
    let (delivery, due) = retry::after(entry, delivery, now);
    entry.due = due;
    entry.last = Some(delivery.clone());
    entry.open = false;
    entry.unclear |= matches!(delivery, Delivery::Unclear { .. });
    let mailed = matches!(delivery, Delivery::Sent { .. } | Delivery::Unclear { .. });
    let entry = entry.clone();
    if mailed && entry.channel == Channel::Mail {
        pace::left(draft, &entry);
    }
    match &delivery {
        Delivery::Sent { relay } => {
            if let (Channel::Mail, Some(email)) = (entry.channel, &draft.settings.email) {
                let known = draft.fleet.core.detour.take();
                draft.fleet.core.detour = email.detour(relay, known, now);
            }
            draft.fleet.forget_entry(id);
            reached(draft, &entry);
            draft.durable = true;
        }
        Delivery::Rejected { .. } => {
            pace::lost(draft, &entry);
            draft.durable = true;
        }
        Delivery::Deferred { .. } | Delivery::Unclear { .. } => {}
    }
    draft.happened.push(Happened::Delivered {
        entry: id,
        event,
        to,
        delivery,
    });
}
