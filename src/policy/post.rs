//! How many mails one recipient gets, and what stands in place of too many.
//!
//! Within [`limits::MAIL_BURST_WINDOW`] at most [`limits::MAIL_BURST`] threads begin, and at most [`limits::MAIL_BURST_ALL`]
//! mails leave one by one. What is to be told beyond that is gathered and leaves as one digest at the end of each such window,
//! until one passes in which nothing was to be told; never more than [`limits::MAILS_PER_HOUR`] mails in an hour. What was over for [`limits::MAIL_STALE`] before a relay took any of it is gathered as
//! well, so that nobody reads yesterday's storm mail by mail.
//!
//! The command of `alerts.command` is a program and gets each event.

use std::collections::BTreeMap;

use crate::model::{
    Channel, Entry, EntryId, EventKind, Fleet, IncidentId, Notification, Post, Timestamp, limits,
};

use super::digest::{self, Items};
use super::draft::Draft;

/// Mails that left, or may be leaving, by recipient; what is decided now counts as well.
#[derive(Default)]
pub(super) struct Pace(BTreeMap<String, Post>);

/// Whether it begins a thread, or belongs to none.
const fn begins(told: &Notification) -> bool {
    // A report begins no thread that anybody must follow, and must not take the place of one.
    !matches!(told.event, EventKind::Report)
        && (told.incident.is_none() || told.sequence == 0 || told.story)
}

impl Pace {
    /// When one more mail may leave to this entry's recipient.
    pub(super) fn leaves_from(&mut self, fleet: &Fleet, entry: &Entry) -> Timestamp {
        if entry.channel != Channel::Mail {
            return Timestamp(i64::MIN);
        }
        let left = self.left(fleet, &entry.to);
        let nth = |of: &[Timestamp], n: usize| {
            let at = of.len().checked_sub(n)?;
            of.get(at).copied()
        };
        let window = limits::MAIL_BURST_WINDOW;
        let hour = nth(&left.sent, limits::MAILS_PER_HOUR).map(|at| at + limits::MAIL_HOUR);
        let all = nth(&left.sent, limits::MAIL_BURST_ALL).map(|at| at + window);
        let threads = nth(&left.begun, limits::MAIL_BURST).map(|at| at + window);
        let threads = threads.filter(|_| begins(&entry.notification));
        let from = [hour, all, threads, left.digest]
            .into_iter()
            .flatten()
            .max();
        from.unwrap_or(Timestamp(i64::MIN))
    }

    /// One leaves now.
    pub(super) fn leaves(&mut self, fleet: &Fleet, entry: &Entry) {
        if entry.channel == Channel::Mail {
            push(self.left(fleet, &entry.to), entry, fleet.now());
        }
    }

    fn left(&mut self, fleet: &Fleet, to: &str) -> &mut Post {
        self.0.entry(to.to_owned()).or_insert_with(|| {
            let mut left = fleet.core.posts.get(to).cloned().unwrap_or_default();
            let entries = fleet
                .in_transit
                .iter()
                .filter_map(|id| fleet.outbox.get(id));
            for entry in entries.filter(|entry| entry.channel == Channel::Mail && entry.to == to) {
                push(&mut left, entry, fleet.now());
            }
            left
        })
    }
}

fn push(post: &mut Post, entry: &Entry, now: Timestamp) {
    post.sent.push(now);
    if begins(&entry.notification) {
        post.begun.push(now);
    }
}

/// A mail left, or may have.
pub(super) fn left(draft: &mut Draft<'_>, entry: &Entry) {
    let now = draft.now;
    let post = draft.fleet.core.posts.entry(entry.to.clone()).or_default();
    push(post, entry, now);
    for times in [&mut post.sent, &mut post.begun] {
        times.retain(|at| now.since(*at) < limits::MAIL_HOUR);
    }
    if post.digest.is_some() {
        post.digest = Some(now + limits::MAIL_BURST_WINDOW);
    }
}

/// Gathers what is to be told to those for whom it is too much, or too old.
pub(super) fn gather(draft: &mut Draft<'_>) {
    let now = draft.now;
    calm(draft);
    digest::condense(draft);
    let mails = || {
        let entries = draft.fleet.outbox.values();
        entries.filter(|entry| entry.channel == Channel::Mail && !entry.is_dead())
    };
    if !mails().any(|entry| entry.due <= now) || !draft.settings.speaks(Channel::Mail) {
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
        let free = digest::mergeable(&draft.fleet, &ids, |_| true);
        let is_old = |id: &EntryId| {
            draft.fleet.outbox.get(id).is_some_and(|entry| {
                entry.notification.ends() && now.since(entry.queued) >= limits::MAIL_STALE
            })
        };
        let old: Vec<EntryId> = free.iter().copied().filter(is_old).collect();
        if old.len() > 1 {
            digest::merge(draft, &old, Items::All);
        } else if free.len() > 1 && is_storm(draft, &to, &free) {
            digest::merge(draft, &free, Items::All);
        }
    }
}

/// Where a whole window passed in which no digest left, the storm is over; or no relay takes anything.
fn calm(draft: &mut Draft<'_>) {
    let now = draft.now;
    let over = |post: &Post| {
        let digest = post.digest;
        digest.is_some_and(|at| now.since(at) >= limits::MAIL_BURST_WINDOW)
    };
    let posts = &draft.fleet.core.posts;
    if posts
        .values()
        .any(|post| over(post) || is_forgotten(post, now))
    {
        draft.fleet.core.posts.retain(|_, post| {
            if over(post) {
                post.digest = None;
            }
            !is_forgotten(post, now)
        });
    }
}

fn is_forgotten(post: &Post, now: Timestamp) -> bool {
    post.digest.is_none()
        && post
            .sent
            .iter()
            .all(|at| now.since(*at) >= limits::MAIL_HOUR)
}

/// Whether more is to be told than can leave one by one, and now is the time for a digest. Remarks that a storm began.
fn is_storm(draft: &mut Draft<'_>, to: &str, free: &[EntryId]) -> bool {
    let now = draft.now;
    let mut pace = Pace::default();
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

/// The incidents that an entry tells of.
pub(super) fn incidents(entry: &Entry) -> impl Iterator<Item = &IncidentId> {
    entry
        .notification
        .told()
        .filter_map(|told| told.incident.as_ref())
}

/// An incident is over before this recipient can have heard of it: what waits is dropped for one message that tells it all.
/// Whether nothing was told before.
pub(super) fn supersede(
    draft: &mut Draft<'_>,
    to: &str,
    thread: &IncidentId,
) -> (bool, Vec<EntryId>) {
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
        .is_some_and(|told| told.sequence == 0);
    if !begins || !entries.iter().all(free) {
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
