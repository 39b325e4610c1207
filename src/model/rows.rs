//! The fleet as rows: which rows the next commit takes ([`Fleet::changes`]), and which a follower, such as the status
//! page, has not seen yet ([`Fleet::news`]).
//!
//! A commit that failed gives its rows back to the next one. What changes during a commit belongs to the next one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{
    CoreRow, Entry, EntryId, Fleet, Happened, HostName, HostTrack, ProfileName, ProfileTrack, Seen,
    Share, Slot, Timestamp, limits,
};

/// Names of rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Rows {
    profiles: BTreeSet<ProfileName>,
    hosts: BTreeSet<HostName>,
    outbox: BTreeSet<EntryId>,
}

impl Rows {
    pub(super) fn profile(&mut self, name: &ProfileName) {
        self.profiles.insert(name.clone());
    }

    pub(super) fn host(&mut self, name: &HostName) {
        self.hosts.insert(name.clone());
    }

    pub(super) fn entry(&mut self, id: EntryId) {
        self.outbox.insert(id);
    }

    fn is_empty(&self) -> bool {
        self.profiles.is_empty() && self.hosts.is_empty() && self.outbox.is_empty()
    }

    fn extend(&mut self, mut other: Self) {
        self.profiles.append(&mut other.profiles);
        self.hosts.append(&mut other.hosts);
        self.outbox.append(&mut other.outbox);
    }

    /// Takes at most `most` of each kind; the rest stays.
    fn take(&mut self, most: usize) -> Self {
        if most == usize::MAX {
            return std::mem::take(self);
        }
        fn first<T: Ord>(rows: &mut BTreeSet<T>, most: usize) -> BTreeSet<T> {
            std::iter::from_fn(|| rows.pop_first()).take(most).collect()
        }
        Self {
            profiles: first(&mut self.profiles, most),
            hosts: first(&mut self.hosts, most),
            outbox: first(&mut self.outbox, most),
        }
    }
}

/// What is added to the past of profiles, in the order in which it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Waiting<T> {
    /// In no commit yet.
    next: VecDeque<T>,
    /// In the commit under way.
    leaving: Vec<T>,
}

impl<T> Default for Waiting<T> {
    fn default() -> Self {
        Self {
            next: VecDeque::new(),
            leaving: Vec::new(),
        }
    }
}

impl<T: Clone> Waiting<T> {
    fn are_there(&self) -> bool {
        !self.next.is_empty()
    }

    /// Adds one; beyond [`limits::SLOTS_WAITING`] the oldest are dropped.
    pub(super) fn push(&mut self, one: T) {
        self.next.push_back(one);
        let surplus = self.next.len().saturating_sub(limits::SLOTS_WAITING);
        self.next.drain(..surplus);
    }

    /// At most [`limits::SLOTS_AT_ONCE`] of them, for a commit.
    fn take(&mut self) -> Vec<T> {
        let most = self.next.len().min(limits::SLOTS_AT_ONCE);
        self.leaving = self.next.drain(..most).collect();
        self.leaving.clone()
    }

    fn written(&mut self) {
        self.leaving.clear();
    }

    fn unwritten(&mut self) {
        for one in self.leaving.drain(..).rev() {
            self.next.push_front(one);
        }
    }
}

/// What changed, as rows; `None` deletes.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// The core row; always there.
    pub core: CoreRow,
    /// Profiles.
    pub profiles: Vec<(ProfileName, Option<ProfileTrack>)>,
    /// Hosts.
    pub hosts: Vec<(HostName, Option<HostTrack>)>,
    /// Outbox entries.
    pub outbox: Vec<(EntryId, Option<Entry>)>,
    /// Finished five-minute slots of profiles.
    pub slots: Vec<(ProfileName, Slot)>,
    /// Parts of hours and days of profiles.
    pub shares: Vec<(ProfileName, Share)>,
    /// What happened, with its wall-clock time.
    pub journal: Vec<(Timestamp, Happened)>,
    /// What came from outside, with its wall-clock time.
    pub seen: Vec<(Timestamp, Seen)>,
    /// Acts wait for this commit, or what it holds must outlast the process for another reason.
    pub durable: bool,
}

impl Fleet {
    /// Whether something changed that is in no commit yet.
    #[must_use]
    pub fn is_touched(&self) -> bool {
        !self.touched.is_empty() || self.slots.are_there() || self.shares.are_there()
    }

    /// The rows that changed, for a commit that begins now. [`Fleet::written`] or [`Fleet::unwritten`] says how it ended;
    /// what changes meanwhile belongs to the next one.
    #[must_use]
    pub fn changes(&mut self) -> Changes {
        self.changes_of(usize::MAX)
    }

    /// The same, at most `most` rows of each kind; the rest belongs to the next.
    #[must_use]
    pub fn changes_of(&mut self, most: usize) -> Changes {
        self.unwritten();
        self.index.noted = None;
        self.leaving = self.touched.take(most);
        Changes {
            slots: self.slots.take(),
            shares: self.shares.take(),
            ..self.told(&self.leaving)
        }
    }

    /// The rows of the last [`Fleet::changes`] are durable.
    pub fn written(&mut self) {
        self.leaving = Rows::default();
        self.slots.written();
        self.shares.written();
    }

    /// The rows of the last [`Fleet::changes`] could not be written: they belong to the next.
    pub fn unwritten(&mut self) {
        let leaving = std::mem::take(&mut self.leaving);
        self.touched.extend(leaving);
        self.slots.unwritten();
        self.shares.unwritten();
    }

    /// What changed since this was last called, at most `most` rows of each kind. For the first call every row is new.
    #[must_use]
    pub fn news(&mut self, most: usize) -> Changes {
        self.index.noted = None;
        let mut unread = self.unread.take().unwrap_or_else(|| Rows {
            profiles: self.profiles.keys().cloned().collect(),
            hosts: self.hosts.keys().cloned().collect(),
            outbox: self.outbox.keys().copied().collect(),
        });
        let news = self.told(&unread.take(most));
        self.unread = Some(unread);
        news
    }

    /// Nobody follows any more: changes are no longer collected for [`Fleet::news`].
    pub fn keep_to_itself(&mut self) {
        self.unread = None;
    }

    /// Takes over the news of another fleet.
    pub fn learn(&mut self, news: Changes) {
        fn row<K: Ord, V>(rows: &mut BTreeMap<K, V>, (key, body): (K, Option<V>)) {
            match body {
                Some(body) => drop(rows.insert(key, body)),
                None => drop(rows.remove(&key)),
            }
        }
        self.core = news.core;
        for told in news.profiles {
            row(&mut self.profiles, told);
        }
        for told in news.hosts {
            row(&mut self.hosts, told);
        }
        for told in news.outbox {
            row(&mut self.outbox, told);
        }
    }

    fn told(&self, rows: &Rows) -> Changes {
        let profiles = rows.profiles.iter();
        let hosts = rows.hosts.iter();
        let outbox = rows.outbox.iter();
        Changes {
            core: self.core.clone(),
            profiles: profiles
                .map(|name| (name.clone(), self.profiles.get(name).cloned()))
                .collect(),
            hosts: hosts
                .map(|name| (name.clone(), self.hosts.get(name).cloned()))
                .collect(),
            outbox: outbox
                .map(|id| (*id, self.outbox.get(id).cloned()))
                .collect(),
            slots: Vec::new(),
            shares: Vec::new(),
            journal: Vec::new(),
            seen: Vec::new(),
            durable: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> ProfileName {
        ProfileName::try_new(text).unwrap()
    }

    fn named(changes: &Changes) -> Vec<&str> {
        let rows = changes.profiles.iter();
        rows.map(|(name, _)| name.as_str()).collect()
    }

    #[test]
    fn what_changes_during_a_commit_is_the_next_ones_and_a_failed_one_loses_nothing() {
        let mut fleet = Fleet::default();
        fleet.profile_mut(&name("a")).failures = 1;
        assert_eq!(named(&fleet.changes()), ["a"]);
        assert!(!fleet.is_touched());
        fleet.profile_mut(&name("b")).failures = 1;
        fleet.written();
        assert_eq!(named(&fleet.changes()), ["b"]);
        fleet.profile_mut(&name("c")).failures = 1;
        fleet.unwritten();
        assert_eq!(named(&fleet.changes()), ["b", "c"]);
        fleet.written();
        assert!(!fleet.is_touched());
        assert!(named(&fleet.changes()).is_empty());
    }

    #[test]
    fn many_rows_leave_in_parts_and_none_is_lost() {
        let mut fleet = Fleet::default();
        for text in ["a", "b", "c"] {
            fleet.profile_mut(&name(text)).failures = 1;
        }
        assert_eq!(named(&fleet.changes_of(2)), ["a", "b"]);
        assert!(fleet.is_touched());
        fleet.unwritten();
        assert_eq!(
            named(&fleet.changes_of(2)),
            ["a", "b"],
            "they were not written"
        );
        fleet.written();
        // The same one again after a commit began belongs to the next.
        fleet.profile_mut(&name("c")).failures = 2;
        let _ = fleet.changes_of(2);
        fleet.profile_mut(&name("c")).failures = 3;
        fleet.written();
        assert_eq!(named(&fleet.changes()), ["c"]);
    }

    #[test]
    fn who_follows_knows_all_in_small_steps_and_then_what_is_new() {
        let (mut fleet, mut copy) = (Fleet::default(), Fleet::default());
        for text in ["a", "b", "c"] {
            fleet.profile_mut(&name(text)).failures = 1;
        }
        copy.learn(fleet.news(2));
        assert_eq!(copy.profiles.len(), 2);
        fleet.forget_profile(&name("a"));
        copy.learn(fleet.news(2));
        assert_eq!(copy.profiles, fleet.profiles);
        // A commit in between takes nothing away from it.
        fleet.profile_mut(&name("b")).failures = 7;
        let _ = fleet.changes();
        fleet.written();
        let news = fleet.news(2);
        assert_eq!(named(&news), ["b"]);
        copy.learn(news);
        assert_eq!(copy.profiles, fleet.profiles);
        assert!(named(&fleet.news(2)).is_empty());
        fleet.keep_to_itself();
        assert_eq!(named(&fleet.news(9)), ["b", "c"], "all is new again");
    }
}
