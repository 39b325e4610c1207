//! Digests: one message in place of many.
//!
//! A digest takes only messages that nobody can have got, and never a report. It takes no message of an incident of
//! which people got a message of its own, or of which another message is on its way. So each incident is told in one
//! place and in order. The digest holds the messages it stands for, without what was seen and printed.
//!
//! Messages are gathered when more is to be told to a recipient than may leave one by one, or when it was over long ago
//! ([`pace`]). If more than [`limits::OUTBOX`] messages wait, as after days without a relay, the messages of incidents
//! that are over become one digest for each listener. Of each such incident only the last message is kept, which tells
//! all of it. No fact is dropped that no other message tells.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    Channel, Entry, EntryId, EventKind, Fleet, Happened, IncidentId, Notification, limits,
};

use crate::policy::draft::Draft;
use crate::policy::tell::pace::{self, Pace, incidents, opens};

/// Which of the messages it stands for a digest keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::policy) enum Items {
    /// Each message.
    All,
    /// The last message of each incident.
    Last,
}

/// Gathers messages into digests, for recipients to whom too much is to be told, or what was over long ago.
pub(in crate::policy) fn gather(draft: &mut Draft<'_>) {
    let now = draft.now;
    pace::calm(draft);
    condense(draft);
    let mails = || {
        let entries = draft.fleet.outbox.values();
        entries.filter(|entry| entry.channel == Channel::Mail && !entry.is_dead())
    };
    if !mails().any(|entry| entry.due <= now) || draft.settings.email.is_none() {
        return;
    }
    let mut by_recipient: BTreeMap<String, Vec<EntryId>> = BTreeMap::new();
    for entry in mails() {
        match by_recipient.get_mut(&entry.to) {
            Some(ids) => ids.push(entry.id),
            None => _ = by_recipient.insert(entry.to.clone(), vec![entry.id]),
        }
    }
    for (to, ids) in by_recipient {
        if ids.len() < 2 {
            continue;
        }
        let free = mergeable(&draft.fleet, &ids, |_| true);
        let is_old = |id: &EntryId| {
            draft.fleet.outbox.get(id).is_some_and(|entry| {
                entry.notification.ends() && now.since(entry.queued) >= limits::MAIL_STALE
            })
        };
        let old: Vec<EntryId> = free.iter().copied().filter(is_old).collect();
        if old.len() > 1 {
            merge(draft, &old, Items::All);
        } else if free.len() > 1 && is_storm(draft, &to, &free) {
            merge(draft, &free, Items::All);
        }
    }
}

/// Whether more is to be told than may leave one by one, and a digest is due now. Also notes that this began.
fn is_storm(draft: &mut Draft<'_>, to: &str, free: &[EntryId]) -> bool {
    let now = draft.now;
    let mut pace = Pace::new(&draft.fleet);
    let entries = free.iter().filter_map(|id| draft.fleet.outbox.get(id));
    let due = entries.filter(|entry| entry.due <= now);
    let Some(from) = due.map(|entry| pace.leaves_from(&draft.fleet, entry)).max() else {
        return false;
    };
    let post = draft.fleet.core.posts.entry(to.to_owned()).or_default();
    match post.digest {
        Some(at) => at <= now && from <= now,
        None if from > now => {
            post.digest = Some(from);
            draft.durable = true;
            false
        }
        None => false,
    }
}

/// A thread ends: messages of it that wait are dropped if the end tells the same. If the recipient cannot have heard of
/// the incident before its end, the end tells all of it. Returns whether that is so, and the entries that were dropped.
pub(in crate::policy) fn supersede(
    draft: &mut Draft<'_>,
    to: &str,
    end: &Notification,
) -> (bool, Vec<EntryId>) {
    let Some(thread) = end.incident.as_ref().filter(|_| end.answers_down()) else {
        return (false, Vec::new());
    };
    let of_thread = |entry: &&Entry| {
        let listens = entry.channel == Channel::Mail && entry.to == to;
        listens && !entry.is_dead() && incidents(entry).any(|incident| incident == thread)
    };
    let entries: Vec<&Entry> = draft.fleet.outbox.values().filter(of_thread).collect();
    let free =
        |entry: &&Entry| entry.is_surely_unsent() && !draft.fleet.in_transit.contains(&entry.id);
    let begins = entries
        .iter()
        .flat_map(|entry| entry.notification.told())
        .find(|told| told.incident.as_ref() == Some(thread))
        .is_some_and(opens);
    if !begins {
        let told = |entry: &&&Entry| free(entry) && is_told_by(end, &entry.notification);
        let ids: Vec<EntryId> = entries.iter().filter(told).map(|entry| entry.id).collect();
        for id in &ids {
            draft.fleet.forget_entry(*id);
        }
        return (false, ids);
    }
    if !end.ends() || !entries.iter().all(free) {
        return (false, Vec::new());
    }
    let ids: Vec<EntryId> = entries.iter().map(|entry| entry.id).collect();
    let mut replaced = Vec::new();
    for id in ids {
        let Some(entry) = draft.fleet.entry_mut(id) else {
            continue;
        };
        let others = |told: &Notification| told.incident.as_ref() != Some(thread);
        entry.notification.items.retain(others);
        if entry.notification.items.is_empty() {
            draft.fleet.forget_entry(id);
            replaced.push(id);
        }
    }
    (true, replaced)
}

/// Whether the end of a thread tells what this message of it would tell.
fn is_told_by(end: &Notification, told: &Notification) -> bool {
    let on_the_way = matches!(
        told.event,
        EventKind::Restarted | EventKind::Withheld | EventKind::Proposed | EventKind::Reminder
    );
    let mut attempts = told.attempts.iter();
    on_the_way && attempts.all(|done| end.attempts.iter().any(|known| known.id == done.id))
}

/// Which of these entries of one listener a digest may take: those that are wanted and that nobody can have got, of
/// incidents of which people got no message of its own and no other message is on its way.
pub(in crate::policy) fn mergeable(
    fleet: &Fleet,
    ids: &[EntryId],
    wanted: impl Fn(&Entry) -> bool,
) -> Vec<EntryId> {
    let (mut free, mut bound): (Vec<&Entry>, Vec<&Entry>) = ids
        .iter()
        .filter_map(|id| fleet.outbox.get(id))
        .partition(|entry| {
            let unsent = entry.is_surely_unsent() && !fleet.in_transit.contains(&entry.id);
            unsent && entry.notification.event != EventKind::Report && wanted(entry)
        });
    let begun: BTreeSet<&IncidentId> = free
        .iter()
        .flat_map(|entry| entry.notification.told())
        .filter(|told| opens(told))
        .filter_map(|told| told.incident.as_ref())
        .collect();
    let untold = |entry: &&Entry| {
        let post = fleet.core.posts.get(&entry.to);
        let gathered = |incident| post.is_some_and(|post| post.gathered.contains(incident));
        incidents(entry).all(|incident| begun.contains(incident) || gathered(incident))
    };
    let told: Vec<&Entry>;
    (free, told) = free.into_iter().partition(untold);
    bound.extend(told);
    // An entry that is not taken also excludes the other entries of its incidents, and these in turn exclude more.
    while !bound.is_empty() {
        let held: BTreeSet<&IncidentId> = bound.iter().copied().flat_map(incidents).collect();
        (free, bound) = free
            .into_iter()
            .partition(|entry| incidents(entry).all(|incident| !held.contains(incident)));
    }
    free.into_iter().map(|entry| entry.id).collect()
}

/// Replaces these entries of one listener by one digest.
pub(in crate::policy) fn merge(draft: &mut Draft<'_>, ids: &[EntryId], keep: Items) {
    let entries: Vec<Entry> = ids
        .iter()
        .filter_map(|id| draft.fleet.outbox.get(id).cloned())
        .collect();
    let Some(first) = entries.first() else {
        return;
    };
    let mut digest = draft.blank(EventKind::Digest);
    let told = entries.iter().flat_map(|entry| entry.notification.told());
    digest.items = match keep {
        Items::All => told.map(short).collect(),
        Items::Last => last(told).into_iter().map(short).collect(),
    };
    let id = draft.fleet.next_entry();
    let entry = Entry {
        id,
        from: first.from.clone(),
        notification: digest,
        channel: first.channel,
        to: first.to.clone(),
        queued: entries
            .iter()
            .map(|entry| entry.queued)
            .min()
            .unwrap_or(draft.now),
        tries: entries.iter().map(|entry| entry.tries).max().unwrap_or(0),
        due: entries
            .iter()
            .map(|entry| entry.due)
            .min()
            .unwrap_or(draft.now),
        last: entries.iter().rev().find_map(|entry| entry.last.clone()),
        open: false,
        unclear: false,
        outlived: false,
    };
    for old in ids {
        draft.fleet.forget_entry(*old);
        draft.happened.push(Happened::Merged {
            entry: *old,
            into: id,
        });
    }
    draft.happened.push(Happened::Queued {
        entry: id,
        event: EventKind::Digest,
        to: entry.to.clone(),
    });
    draft.fleet.queue(entry);
    draft.durable = true;
}

/// The last message of each incident, and all that belong to no incident.
fn last<'a>(told: impl Iterator<Item = &'a Notification>) -> Vec<&'a Notification> {
    let mut last: Vec<&Notification> = told.collect();
    let mut known: BTreeSet<&IncidentId> = BTreeSet::new();
    last.reverse();
    last.retain(|told| match &told.incident {
        Some(incident) => known.insert(incident),
        None => true,
    });
    last.reverse();
    last
}

/// A message as a digest keeps it: without what was seen and what commands printed.
fn short(told: &Notification) -> Notification {
    let mut short = told.clone();
    short.seen.clear();
    short.facts = None;
    for attempt in &mut short.attempts {
        if let Some(report) = &mut attempt.report {
            report.output.clear();
        }
    }
    short
}

/// Makes room if more messages wait than [`limits::OUTBOX`].
pub(in crate::policy) fn condense(draft: &mut Draft<'_>) {
    let waiting = || draft.fleet.outbox.values().filter(|entry| !entry.is_dead());
    let messages = waiting().map(|entry| entry.notification.items.len().max(1));
    if messages.sum::<usize>() <= limits::OUTBOX {
        return;
    }
    let mut by_listener: BTreeMap<(Channel, &str), Vec<EntryId>> = BTreeMap::new();
    for entry in waiting() {
        let ids = by_listener.entry(entry.listener()).or_default();
        ids.push(entry.id);
    }
    let room: Vec<Vec<EntryId>> = by_listener
        .into_values()
        .map(|ids| closed(&draft.fleet, &ids))
        // Otherwise the digest would be rewritten for every message that comes.
        .filter(|ids| ids.len() >= limits::OUTBOX_ROOM)
        .collect();
    for ids in room {
        merge(draft, &ids, Items::Last);
    }
}

/// The entries that tell only of incidents that are over.
fn closed(fleet: &Fleet, ids: &[EntryId]) -> Vec<EntryId> {
    let entries = ids.iter().filter_map(|id| fleet.outbox.get(id));
    let told = entries.flat_map(|entry| entry.notification.told());
    let ends = told.filter(|told| told.ends());
    let over: BTreeSet<&IncidentId> = ends.filter_map(|told| told.incident.as_ref()).collect();
    mergeable(fleet, ids, |entry| {
        let told = entry.notification.told();
        let mut incidents = told.map(|told| told.incident.as_ref());
        incidents.all(|incident| incident.is_some_and(|incident| over.contains(incident)))
    })
}
