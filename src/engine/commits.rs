//! Commits beside the loop: at most one is under way, while events are stepped and probes begin as usual.
//!
//! What must be durable while one is under way joins the next one (group commit). Acts leave when the commit that holds
//! their decision has ended, never before. If a commit fails, all waiting acts are taken back.
//!
//! Ordinary results are written every [`limits::LAZY_COMMIT`], at most [`limits::LAZY_ROWS`] rows of each kind in one
//! commit. After a failed commit the next one is tried at that interval, too, unless something must be durable before.
#![expect(
    clippy::disallowed_methods,
    reason = "ordinary results are written at an interval; rules get their time from the clock port"
)]

use std::collections::VecDeque;

use tokio::time::Instant;

use crate::model::{Effect, Fleet, Happened, Orders, Seen, Timestamp, limits};
use crate::ports::{Pending, Unwritable, Writer};

use super::BEAT;

/// What waits for a commit.
#[derive(Debug, Default)]
pub(super) struct Load {
    /// Orders that act.
    pub(super) acts: Vec<Effect>,
    /// Orders of people to re-arm hosts; their files are removed when the commit is durable.
    pub(super) rearm: Orders,
    durable: bool,
}

struct UnderWay {
    end: Pending<Result<(), Unwritable>>,
    load: Load,
    news: News,
}

/// What happened and what came from outside, for the journal and the history.
#[derive(Debug, Default)]
struct News {
    journal: VecDeque<(Timestamp, Happened)>,
    seen: VecDeque<(Timestamp, Seen)>,
}

impl News {
    /// Puts what was not written before what came since.
    fn put_back(&mut self, mut earlier: Self) {
        earlier.journal.append(&mut self.journal);
        earlier.seen.append(&mut self.seen);
        *self = earlier;
        self.trim();
    }

    /// Drops the oldest beyond [`limits::JOURNAL_WAITING`].
    fn trim(&mut self) {
        let surplus = |count: usize| count.saturating_sub(limits::JOURNAL_WAITING);
        self.journal.drain(..surplus(self.journal.len()));
        self.seen.drain(..surplus(self.seen.len()));
    }
}

/// The commits of a run.
pub(super) struct Commits {
    under_way: Option<UnderWay>,
    next: Load,
    news: News,
    begun: Instant,
    /// The last commit did not hold all ordinary results.
    rest: bool,
}

impl Commits {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self {
            under_way: None,
            next: Load::default(),
            news: News::default(),
            // The first results are written soon, so that `probe status` has something to show.
            begun: now.checked_sub(limits::LAZY_COMMIT - BEAT).unwrap_or(now),
            rest: false,
        }
    }

    /// Adds what happened to the journal of the next commit.
    pub(super) fn note(&mut self, at: Timestamp, note: Happened) {
        self.news.journal.push_back((at, note));
        self.news.trim();
    }

    /// Adds what came from outside to the history, with the next commit.
    pub(super) fn saw(&mut self, at: Timestamp, seen: Seen) {
        self.news.seen.push_back((at, seen));
        self.news.trim();
    }

    /// Adds a decision's acts, orders to re-arm and need for durability to the next commit.
    pub(super) fn join(&mut self, acts: Vec<Effect>, rearm: Option<Orders>, durable: bool) {
        self.next.durable |= durable || !acts.is_empty();
        self.next.acts.extend(acts);
        if let Some(orders) = rearm {
            self.next.rearm.rearm.extend(orders.rearm);
        }
    }

    /// Begins the next commit if one is needed and none is under way.
    pub(super) fn move_on(&mut self, writer: &mut dyn Writer, fleet: &mut Fleet) {
        if self.under_way.is_some() {
            return;
        }
        let due = self.rest || self.begun.elapsed() >= limits::LAZY_COMMIT;
        if self.next.durable {
            self.begin(writer, fleet);
        } else if due && (fleet.is_touched() || fleet.unwritable) {
            // Only some rows at a time, so that ten thousand results are not in memory twice.
            self.begin_with(writer, fleet, limits::LAZY_ROWS);
        }
    }

    /// Begins a commit of all that changed.
    pub(super) fn begin(&mut self, writer: &mut dyn Writer, fleet: &mut Fleet) {
        self.begin_with(writer, fleet, usize::MAX);
    }

    fn begin_with(&mut self, writer: &mut dyn Writer, fleet: &mut Fleet, most: usize) {
        self.begun = Instant::now();
        let mut changes = fleet.changes_of(most);
        self.rest = fleet.is_touched();
        let news = std::mem::take(&mut self.news);
        changes.journal = news.journal.iter().cloned().collect();
        changes.seen = news.seen.iter().cloned().collect();
        changes.durable = self.next.durable;
        self.under_way = Some(UnderWay {
            end: writer.commit(changes),
            load: std::mem::take(&mut self.next),
            news,
        });
    }

    /// Waits for the end of the commit under way; without one, for ever. May be dropped and called again.
    pub(super) async fn ended(&mut self) -> Result<(), Unwritable> {
        match &mut self.under_way {
            Some(commit) => (&mut commit.end).await,
            None => std::future::pending().await,
        }
    }

    /// The commit under way ended. Returns what waited for it; if it failed, with all acts that wait for the next one.
    pub(super) fn settle(&mut self, fleet: &mut Fleet, durable: bool) -> Load {
        let Some(UnderWay { load, news, .. }) = self.under_way.take() else {
            return Load::default();
        };
        if durable {
            fleet.written();
            return load;
        }
        fleet.unwritten();
        self.rest = false;
        self.news.put_back(news);
        let mut lost = load;
        lost.acts.append(&mut self.next.acts);
        // The orders of people were carried out in memory; the next commit writes that.
        self.next.rearm.rearm.append(&mut lost.rearm.rearm);
        // The disk is not tried again at once. When it can be written again, everything is.
        self.next.durable = false;
        lost
    }

    /// Whether no commit is under way and nothing must be durable.
    pub(super) fn is_idle(&self) -> bool {
        self.under_way.is_none() && !self.next.durable
    }

    pub(super) fn is_under_way(&self) -> bool {
        self.under_way.is_some()
    }
}
