//! Time marks of one hop and what was learnt on the way.
//!
//! Every hook of a hop holds the same [`Trace`]. The marks outlive the request when it is cancelled, so a check that
//! ran into its deadline still says in which phase it got stuck. A [`Sight`] is the same for the whole check: the
//! result as far as it is known, hop after hop.
#![expect(clippy::disallowed_methods, reason = "phases are measured here")]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::certificate::{Shown, read};
use super::meter::Flood;
use crate::model::{CheckOutcome, CheckResult, Hop, Phase, Timings, TlsVersion};

/// A moment of a hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// A name look-up began.
    NameAsked,
    /// It ended.
    NameKnown,
    /// The TCP connect began.
    Connecting,
    /// TCP is connected; with TLS, the ClientHello is about to be written.
    Connected,
    /// The connection can carry the request.
    Ready,
    /// The head of the response is here.
    Head,
    /// The body was read as far as we read it.
    End,
}

const MARKS: usize = Mark::End as usize + 1;

#[derive(Debug, Default)]
struct Marks {
    at: [Option<Instant>; MARKS],
    shown: Option<Shown>,
    tls_version: Option<TlsVersion>,
    asked_for_ours: bool,
    flood: Option<Flood>,
}

/// The marks of one hop.
#[derive(Debug)]
pub(super) struct Trace {
    tls: bool,
    marks: Mutex<Marks>,
}

impl Trace {
    pub(super) fn new(tls: bool) -> Self {
        Self {
            tls,
            marks: Mutex::default(),
        }
    }

    fn marks(&self) -> MutexGuard<'_, Marks> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets a mark; the first time counts.
    pub(super) fn mark(&self, mark: Mark) {
        self.marks().at[mark as usize].get_or_insert_with(Instant::now);
    }

    /// Forgets everything from the connect on: another address is tried.
    pub(super) fn restart(&self) {
        let mut marks = self.marks();
        for at in &mut marks.at[Mark::Connecting as usize..] {
            *at = None;
        }
        marks.shown = None;
        (marks.tls_version, marks.asked_for_ours) = (None, false);
        marks.flood = None;
    }

    pub(super) fn has(&self, mark: Mark) -> bool {
        self.marks().at[mark as usize].is_some()
    }

    pub(super) fn show(&self, shown: Shown) {
        self.marks().shown = Some(shown);
    }

    pub(super) fn shown(&self) -> Option<Shown> {
        self.marks().shown.clone()
    }

    /// Keeps the TLS version; the first that is known counts.
    pub(super) fn speaks(&self, version: TlsVersion) {
        self.marks().tls_version.get_or_insert(version);
    }

    /// The server asked for a client certificate.
    pub(super) fn ask_for_ours(&self) {
        self.marks().asked_for_ours = true;
    }

    pub(super) fn asked_for_ours(&self) -> bool {
        self.marks().asked_for_ours
    }

    /// The connection was ended for this.
    pub(super) fn flooded(&self, flood: Flood) {
        self.marks().flood = Some(flood);
    }

    pub(super) fn flood(&self) -> Option<Flood> {
        self.marks().flood
    }

    /// The phase that began and did not end.
    pub(super) fn phase(&self) -> Phase {
        let has = |mark| self.has(mark);
        if has(Mark::NameAsked) && !has(Mark::NameKnown) {
            Phase::Dns
        } else if !has(Mark::Connected) {
            Phase::Connect
        } else if !has(Mark::Ready) {
            Phase::Tls
        } else if !has(Mark::Head) {
            Phase::FirstByte
        } else {
            Phase::Transfer
        }
    }

    fn timings(&self) -> Timings {
        let marks = self.marks();
        let span = |from: Mark, to: Mark| {
            let (from, to) = (marks.at[from as usize]?, marks.at[to as usize]?);
            Some(to.saturating_duration_since(from))
        };
        Timings {
            dns: span(Mark::NameAsked, Mark::NameKnown),
            connect: span(Mark::Connecting, Mark::Connected),
            tls: span(Mark::Connected, Mark::Ready).filter(|_| self.tls),
            first_byte: span(Mark::Ready, Mark::Head),
            transfer: span(Mark::Head, Mark::End),
            ..Timings::default()
        }
    }
}

/// What is known of a check so far.
#[derive(Debug)]
pub(super) struct Sight {
    begun: Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    result: CheckResult,
    trace: Arc<Trace>,
    /// When the hop under way began.
    hop_begun: Instant,
}

impl Sight {
    /// `url` without credentials.
    pub(super) fn new(url: &str) -> Self {
        let begun = Instant::now();
        Self {
            begun,
            state: Mutex::new(State {
                result: CheckResult::new(url, CheckOutcome::Ok),
                trace: Arc::new(Trace::new(false)),
                hop_begun: begun,
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Time since the check began.
    pub(super) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// A new hop begins.
    pub(super) fn hop(&self, tls: bool) -> Arc<Trace> {
        let mut state = self.state();
        let shown = state.trace.shown();
        read::absorb(&mut state.result, shown);
        (state.result.address, state.result.tls_version) = (None, None);
        // In its place, where nobody holds the last hop's any more.
        match Arc::get_mut(&mut state.trace) {
            Some(trace) => *trace = Trace::new(tls),
            None => state.trace = Arc::new(Trace::new(tls)),
        }
        Arc::clone(&state.trace)
    }

    /// The hop under way ended in a redirect to `next`, which may be shown.
    pub(super) fn redirected(&self, next: String) {
        let mut state = self.state();
        let now = Instant::now();
        let timings = Timings {
            total: now.saturating_duration_since(state.hop_begun),
            ..state.trace.timings()
        };
        state.hop_begun = now;
        let result = &mut state.result;
        result.hops.push(Hop {
            url: result
                .final_url
                .take()
                .unwrap_or_else(|| result.url.clone()),
            address: result.address,
            http_status: result.http_status,
            http_version: result.http_version,
            timings,
        });
        result.redirects = result.redirects.saturating_add(1);
        result.final_url = Some(next);
    }

    /// Where the hop under way goes.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.state().result.address
    }

    /// Where the hop goes.
    pub(super) fn going_to(&self, address: SocketAddr) {
        self.state().result.address = Some(address);
    }

    /// Writes down something learnt.
    pub(super) fn learn(&self, write: impl FnOnce(&mut CheckResult)) {
        write(&mut self.state().result);
    }

    /// The marks of the hop under way.
    pub(super) fn trace(&self) -> Arc<Trace> {
        Arc::clone(&self.state().trace)
    }

    /// The result, when nothing more is learnt.
    pub(super) fn into_result(self) -> CheckResult {
        let state = self.state.into_inner();
        let state = state.unwrap_or_else(PoisonError::into_inner);
        completed(state.result, &state.trace, self.begun.elapsed())
    }

    /// The result as it stands, with the timings of the last hop and the total of all.
    pub(super) fn result(&self) -> CheckResult {
        let state = self.state();
        completed(state.result.clone(), &state.trace, self.begun.elapsed())
    }
}

/// With what the hop under way has shown so far.
fn completed(mut result: CheckResult, trace: &Trace, total: Duration) -> CheckResult {
    read::absorb(&mut result, trace.shown());
    result.tls_version = trace.marks().tls_version.or(result.tls_version);
    result.timings = Timings {
        total,
        ..trace.timings()
    };
    result
}
