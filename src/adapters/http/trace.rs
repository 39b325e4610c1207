//! Time marks of one hop and what was learnt on the way.
//!
//! Every hook of a hop holds the same [`Trace`]. The marks outlive the request when it is cancelled, so a check that
//! ran into its deadline still says in which phase it got stuck. A [`Sight`] is the same for the whole check: the
//! result as far as it is known, hop after hop.
#![expect(clippy::disallowed_methods, reason = "phases are measured here")]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::pki_types::{CertificateDer, UnixTime};
use tokio::time::Instant;

use super::certificate;
use crate::model::{CheckResult, Finding, Phase, Timings};

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

/// What the peer showed in the handshake, and what the verifier said to it.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    /// The peer's own certificate.
    pub(super) leaf: CertificateDer<'static>,
    /// Moment of the verdict.
    pub(super) at: UnixTime,
    /// The verdict, where it was bad.
    pub(super) refused: Option<rustls::Error>,
}

#[derive(Debug, Default)]
struct Marks {
    at: [Option<Instant>; MARKS],
    shown: Option<Shown>,
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
    state: Mutex<(CheckResult, Arc<Trace>)>,
}

impl Sight {
    /// `url` without credentials.
    pub(super) fn new(url: &str) -> Self {
        let result = CheckResult::new(url, Finding::Ok);
        Self {
            begun: Instant::now(),
            state: Mutex::new((result, Arc::new(Trace::new(false)))),
        }
    }

    fn state(&self) -> MutexGuard<'_, (CheckResult, Arc<Trace>)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new hop begins.
    pub(super) fn hop(&self, tls: bool) -> Arc<Trace> {
        let trace = Arc::new(Trace::new(tls));
        let mut state = self.state();
        let shown = state.1.shown();
        certificate::absorb(&mut state.0, shown);
        state.0.address = None;
        state.1 = Arc::clone(&trace);
        trace
    }

    /// Where the hop under way goes.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.state().0.address
    }

    /// Where the hop goes.
    pub(super) fn going_to(&self, address: SocketAddr) {
        self.state().0.address = Some(address);
    }

    /// Writes down something learnt.
    pub(super) fn learn(&self, write: impl FnOnce(&mut CheckResult)) {
        write(&mut self.state().0);
    }

    /// The marks of the hop under way.
    pub(super) fn trace(&self) -> Arc<Trace> {
        Arc::clone(&self.state().1)
    }

    /// The result as it stands, with the timings of the last hop and the total of all.
    pub(super) fn result(&self) -> CheckResult {
        let state = self.state();
        let mut result = state.0.clone();
        certificate::absorb(&mut result, state.1.shown());
        result.timings = Timings {
            total: self.begun.elapsed(),
            ..state.1.timings()
        };
        result
    }
}
