//! How many mails one recipient gets.
//!
//! - Within [`limits::MAIL_BURST_WINDOW`] at most [`limits::MAIL_BURST`] threads begin and at most
//!   [`limits::MAIL_BURST_ALL`] single mails leave; within an hour at most [`limits::MAILS_PER_HOUR`].
//! - Threads that may not begin are gathered, and one digest of them leaves at the end of each such window, until a
//!   window passes in which none was to begin. Incidents that were over for [`limits::MAIL_STALE`] before a relay took
//!   any mail about them are gathered as well, so that nobody reads yesterday's storm mail by mail.
//! - Whoever was told by a mail that a site is down gets the end of it in the same thread and at once: `up`, `back`,
//!   `closed` and `gave_up` of such a thread wait for none of these limits and do not count. There are at most two of
//!   them for each beginning, and beginnings are limited.
//! - Messages of a thread that still wait when it ends are dropped if the end tells the same; else they leave with it.
//!   So a digest never holds a thread that has a mail of its own.
//! - After a thread was told only in a digest, its next message counts as a beginning, until one has left by itself.
//!
//! The program of `alerts.command` and webhooks get every event; these limits are for mail alone.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    Channel, Entry, EventKind, Fleet, IncidentId, Notification, Post, Settings, Timestamp, limits,
};

use crate::policy::draft::Draft;

/// Mails that left or are leaving, by recipient, with those that this decision sends.
pub(in crate::policy) struct Pace<'a> {
    posts: BTreeMap<String, Post>,
    /// Threads that a recipient knows and whose end waits.
    ending: BTreeSet<(&'a str, &'a IncidentId)>,
}

/// Whether it is the first that people are told in its thread.
pub(in crate::policy) const fn opens(told: &Notification) -> bool {
    told.sequence == 0 || told.story
}

/// Whether a mail begins a thread for its recipient, or belongs to none.
fn begins(post: &Post, told: &Notification) -> bool {
    // A report begins no thread that people must follow, so it does not count as one.
    told.event != EventKind::Report
        && match &told.incident {
            Some(thread) => opens(told) || post.gathered.contains(thread),
            None => true,
        }
}

/// Whether a mail ends a thread of which its recipient got a mail.
fn ends(post: &Post, told: &Notification) -> bool {
    told.answers_down() && !begins(post, told)
}

impl<'a> Pace<'a> {
    /// As things stand now.
    pub(in crate::policy) fn new(fleet: &'a Fleet) -> Self {
        let mails = || {
            let entries = fleet.outbox.values();
            entries.filter(|entry| entry.channel == Channel::Mail && !entry.is_dead())
        };
        let nobody = Post::default();
        let mut ending = BTreeSet::new();
        for entry in mails() {
            let post = fleet.core.posts.get(&entry.to).unwrap_or(&nobody);
            if let Some(thread) = &entry.notification.incident
                && ends(post, &entry.notification)
            {
                ending.insert((entry.to.as_str(), thread));
            }
        }
        if !ending.is_empty() {
            // Nobody can have heard of these yet.
            for entry in mails().filter(|entry| entry.is_surely_unsent()) {
                let told = entry.notification.told().filter(|told| opens(told));
                for thread in told.filter_map(|told| told.incident.as_ref()) {
                    ending.remove(&(entry.to.as_str(), thread));
                }
            }
        }
        Self {
            posts: BTreeMap::new(),
            ending,
        }
    }

    /// Whether a mail belongs to a thread that its recipient knows and whose end waits.
    pub(in crate::policy) fn is_free(&self, entry: &Entry) -> bool {
        let thread = entry.notification.incident.as_ref();
        thread.is_some_and(|thread| self.ending.contains(&(entry.to.as_str(), thread)))
    }

    /// When one more mail may leave to this entry's recipient.
    pub(in crate::policy) fn leaves_from(&mut self, fleet: &Fleet, entry: &Entry) -> Timestamp {
        if entry.channel != Channel::Mail || self.is_free(entry) {
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
        let of_beginnings = threads.max(left.digest);
        let of_beginnings = of_beginnings.filter(|_| begins(left, &entry.notification));
        let from = [hour, all, of_beginnings].into_iter().flatten().max();
        from.unwrap_or(Timestamp(i64::MIN))
    }

    /// Counts a mail that leaves now.
    pub(in crate::policy) fn leaves(&mut self, fleet: &Fleet, entry: &Entry) {
        if entry.channel == Channel::Mail {
            push(self.left(fleet, &entry.to), entry, fleet.now());
        }
    }

    fn left(&mut self, fleet: &Fleet, to: &str) -> &mut Post {
        self.posts.entry(to.to_owned()).or_insert_with(|| {
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
    if ends(post, &entry.notification) {
        return;
    }
    post.sent.push(now);
    if begins(post, &entry.notification) {
        post.begun.push(now);
    }
}

/// A mail left, or may have left.
pub(in crate::policy) fn left(draft: &mut Draft<'_>, entry: &Entry) {
    let now = draft.now;
    let post = draft.fleet.core.posts.entry(entry.to.clone()).or_default();
    let begun = begins(post, &entry.notification);
    push(post, entry, now);
    for times in [&mut post.sent, &mut post.begun] {
        times.retain(|at| now.since(*at) < limits::MAIL_HOUR);
    }
    if begun && post.digest.is_some() {
        post.digest = Some(now + limits::MAIL_BURST_WINDOW);
    }
    let is_digest = entry.notification.event == EventKind::Digest;
    for told in entry.notification.told() {
        let Some(thread) = &told.incident else {
            continue;
        };
        if is_digest && !told.ends() {
            post.gathered.insert(thread.clone());
        } else {
            post.gathered.remove(thread);
        }
    }
}

/// A mail was given up.
pub(in crate::policy) fn lost(draft: &mut Draft<'_>, entry: &Entry) {
    let over = entry.notification.told().filter(|told| told.ends());
    for thread in over.filter_map(|told| told.incident.as_ref()) {
        if let Some(post) = draft.fleet.core.posts.get_mut(&entry.to) {
            post.gathered.remove(thread);
        }
    }
}

/// Ends the gathering after a whole window in which no digest left (the storm is over, or no relay takes mail).
pub(in crate::policy) fn calm(draft: &mut Draft<'_>) {
    let (now, settings) = (draft.now, draft.settings);
    let over = |post: &Post| {
        let digest = post.digest;
        digest.is_some_and(|at| now.since(at) >= limits::MAIL_BURST_WINDOW)
    };
    let posts = &draft.fleet.core.posts;
    if posts
        .iter()
        .any(|(to, post)| over(post) || is_forgotten(settings, to, post, now))
    {
        draft.fleet.core.posts.retain(|to, post| {
            if over(post) {
                post.digest = None;
            }
            !is_forgotten(settings, to, post, now)
        });
    }
}

fn is_forgotten(settings: &Settings, to: &str, post: &Post, now: Timestamp) -> bool {
    let known = || {
        let email = settings.email.iter();
        email.flat_map(|email| &email.to).any(|known| known == to)
    };
    let quiet = || {
        let mut sent = post.sent.iter();
        sent.all(|at| now.since(*at) >= limits::MAIL_HOUR)
    };
    post.digest.is_none() && quiet() && (post.gathered.is_empty() || !known())
}

/// The incidents that an entry tells of.
pub(in crate::policy) fn incidents(entry: &Entry) -> impl Iterator<Item = &IncidentId> {
    entry
        .notification
        .told()
        .filter_map(|told| told.incident.as_ref())
}
