//! `drill --restart`: one real restart of a host that is well, with proof from outside.
//!
//! The order is written into the state directory, and the run that has the state carries it out by the same rules as any restart:
//! pauses, windows, budgets and the restarts of other hosts hold it, and it is durable before it begins. Where no run has the state,
//! one is made here. Meanwhile the sites of the host are asked from outside, a round each [`PACE`]: before, during and after.
//! Nothing is ordered where a site is not well before, and what the look found against it is said instead of a restart.

use std::io::{BufRead as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::ScopedJoinHandle;
use std::time::Duration;

use minijinja::context;

use crate::adapters::clock::SystemClock;
use crate::adapters::http::HttpProber;
use crate::app::surroundings::Surroundings;
use crate::app::{complain, watch};
use crate::exit::Exit;
use crate::model::{
    Attempt, CheckResult, Fleet, Host, HostName, Profile, RecoveryOutcome, Rehearsal, Rehearsed,
    Settings, limits,
};
use crate::policy;
use crate::ports::{Clock as _, Store};
use crate::render::explain;
use crate::render::report::{Severity, url_severity};
use crate::render::words::key;

use super::chain;
use super::sheet::Sheet;

/// How often the sites are asked.
const PACE: Duration = Duration::from_millis(500);

/// Of one probe, so that a server that hangs does not hide when it is back.
const LONGEST: Duration = Duration::from_secs(5);

/// How often the state is read.
const READ: Duration = Duration::from_millis(250);

/// After what may take time the sites have this long to come back, settling not counted.
const BACK: Duration = Duration::from_secs(30);

/// Sites that are asked; more of one host say no more.
const SITES: usize = 16;

/// Rounds in a row that prove that the sites are back.
const PROOF: usize = 3;

/// One round: when it began since the boot, and the first site that was not well.
struct Round {
    at: Duration,
    ill: Option<(Arc<Profile>, CheckResult)>,
}

type Rounds = Arc<Mutex<Vec<Round>>>;

/// What a restart needs.
pub(super) struct Stage<'a> {
    pub(super) around: &'a Surroundings,
    pub(super) settings: &'a Arc<Settings>,
    pub(super) store: &'a Arc<dyn Store>,
    pub(super) prober: &'a HttpProber,
    pub(super) host: &'a Arc<Host>,
    pub(super) sites: &'a [Arc<Profile>],
}

/// Asks a person; anything but a yes is a no.
pub(super) fn agreed(sheet: &Sheet<'_>, host: &Host, sites: &[Arc<Profile>]) -> bool {
    let names: Vec<&str> = sites
        .iter()
        .map(|site| site.name.as_str())
        .take(5)
        .collect();
    let command = host.restart.rung(1).to_string();
    let sites = names.join(", ");
    let asks = context! { host => host.name.as_str(), command, sites };
    let question = sheet.voice().say(key!(Drill, "restart.asks"), asks);
    let mut err = std::io::stderr().lock();
    // Who cannot read the question does not say yes.
    let _ = write!(err, "{question} ").and_then(|()| err.flush());
    let mut word = String::new();
    let read = std::io::stdin().lock().read_line(&mut word);
    read.is_ok() && matches!(word.trim().to_lowercase().as_str(), "y" | "yes" | "はい")
}

/// Restarts the host, and says what was seen.
pub(super) async fn restart(sheet: &mut Sheet<'_>, stage: &Stage<'_>) -> Result<(), Exit> {
    let name = stage.host.name.as_str();
    if stage.sites.is_empty() {
        sheet.ill(key!(Drill, "restart.no_site"), context! { host => name });
        return Ok(());
    }
    let sites: Vec<Arc<Profile>> = stage.sites.iter().take(SITES).map(quickened).collect();
    let rounds = Rounds::default();
    let outside = Arc::new(Outside {
        prober: stage.prober.clone(),
        sites,
        rounds: Arc::clone(&rounds),
        over: AtomicBool::new(false),
    });
    if let Some((site, check)) = outside.round().await {
        let (said, _) = chain::told(sheet, &check);
        let site = site.name.as_str();
        sheet.ill(
            key!(Drill, "restart.not_well"),
            context! { host => name, site, said },
        );
        return Ok(());
    }
    let order = Rehearsal {
        at: SystemClock::new().now().wall,
    };
    stage
        .store
        .rehearse(&stage.host.name, &order)
        .map_err(|error| complain(&*error))?;
    let looks = tokio::spawn(Arc::clone(&outside).look());
    let ended = acted(stage, order);
    let at = since_boot();
    if let Ok(Ended::Done(attempt)) = &ended
        && attempt.touched_host()
    {
        let patience = stage.host.restart.settle + BACK;
        while since_boot().saturating_sub(at) < patience && !is_back(&rounds, at) {
            tokio::time::sleep(READ).await;
        }
    }
    outside.over.store(true, Ordering::Relaxed);
    // A round that is under way may still show what was.
    let _ = looks.await;
    let ended = ended?;
    told(sheet, stage, &ended);
    if matches!(&ended, Ended::Done(attempt) if attempt.touched_host()) {
        shown(sheet, name, &rounds, at);
    }
    Ok(())
}

fn since_boot() -> Duration {
    SystemClock::new().now().since_boot
}

fn quickened(site: &Arc<Profile>) -> Arc<Profile> {
    let mut site = Profile::clone(site);
    site.timeout = site.timeout.min(LONGEST);
    Arc::new(site)
}

/// How an order ended.
enum Ended {
    /// No run took it; who had the state.
    Unheard(Option<String>),
    /// The rules held it.
    Held(Box<(Rehearsed, Fleet)>),
    /// The restart ended.
    Done(Box<Attempt>),
    /// It began, and its end was not seen within this time.
    Lost(Duration),
}

/// Waits for the end of an order; where no run has the state, one is made.
fn acted(stage: &Stage<'_>, order: Rehearsal) -> Result<Ended, Exit> {
    let host = &stage.host.name;
    let began = since_boot();
    let heard_within = limits::REHEARSAL;
    let whole = heard_within + limits::SSH_OVERHEAD * 2 + stage.host.restart.timeout;
    let (settings, store) = (stage.settings, stage.store);
    std::thread::scope(|scope| {
        let mut own: Option<ScopedJoinHandle<'_, Result<(), Exit>>> = None;
        // The loop waits beside the thread that drives a run of our own.
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(async {
                loop {
                    let snapshot = store.read().map_err(|error| complain(&*error))?;
                    let holder = snapshot.holder.as_ref().map(ToString::to_string);
                    let answered = answer_in(&snapshot.fleet, host, order);
                    let passed = since_boot().saturating_sub(began);
                    match answered {
                        Some(Answered::Held(rehearsed)) => {
                            let mut fleet = snapshot.fleet.clone();
                            policy::tell_time(&mut fleet, &SystemClock::new().now());
                            return Ok(Ended::Held(Box::new((rehearsed, fleet))));
                        }
                        Some(Answered::Ended(attempt)) => return Ok(Ended::Done(attempt)),
                        Some(Answered::UnderWay) if passed > whole => {
                            return Ok(Ended::Lost(passed));
                        }
                        Some(Answered::UnderWay) => {}
                        None if passed > heard_within => return Ok(Ended::Unheard(holder)),
                        None if holder.is_none() && own.is_none() => {
                            let sites = stage.sites;
                            own = Some(scope.spawn(move || {
                                watch::follow_order(stage.around, settings, store, sites)
                            }));
                        }
                        None => {}
                    }
                    if own.as_ref().is_some_and(ScopedJoinHandle::is_finished)
                        && let Some(Ok(Err(exit))) = own.take().map(ScopedJoinHandle::join)
                    {
                        return Err(exit);
                    }
                    tokio::time::sleep(READ).await;
                }
            })
        })
    })
}

enum Answered {
    Held(Rehearsed),
    UnderWay,
    Ended(Box<Attempt>),
}

/// What the state says of an order.
fn answer_in(fleet: &Fleet, host: &HostName, order: Rehearsal) -> Option<Answered> {
    let track = fleet.hosts.get(host)?;
    let answered = track.rehearsed.as_ref().filter(|one| one.at == order.at)?;
    let Some(id) = answered.attempt else {
        return Some(Answered::Held((**answered).clone()));
    };
    let attempt = track.last.as_ref().filter(|attempt| attempt.id == id);
    Some(match attempt.filter(|attempt| attempt.ended.is_some()) {
        Some(attempt) => Answered::Ended(Box::new(attempt.clone())),
        None => Answered::UnderWay,
    })
}

fn told(sheet: &mut Sheet<'_>, stage: &Stage<'_>, ended: &Ended) {
    let (voice, host) = (sheet.voice(), stage.host.name.as_str());
    match ended {
        Ended::Unheard(holder) => {
            let span = voice.span(limits::REHEARSAL);
            sheet.ill(
                key!(Drill, "restart.unheard"),
                context! { host, span, holder },
            );
        }
        Ended::Held(held) => {
            let (rehearsed, fleet) = &**held;
            let hold = rehearsed.held.as_ref();
            let hold = hold.map(|hold| explain::hold(voice, hold, host, |at| fleet.wall(at)));
            sheet.ill(key!(Drill, "restart.held"), context! { host, hold });
        }
        Ended::Lost(span) => {
            let span = voice.span(*span);
            sheet.ill(key!(Drill, "restart.lost"), context! { host, span });
        }
        Ended::Done(attempt) => {
            sheet.well(key!(Drill, "restart.begun"), context! { host });
            let command = &attempt.command;
            let report = attempt.report.as_ref();
            let took = report.map(|report| voice.took(report.duration));
            let well = |outcome| outcome == RecoveryOutcome::Succeeded;
            if report.is_some_and(|report| well(report.outcome)) {
                sheet.well(
                    key!(Drill, "restart.well"),
                    context! { host, command, took },
                );
            } else {
                let reason = report.and_then(|report| report.reason.as_ref());
                let reason = reason.map(|reason| explain::reason(voice, reason));
                let status = report.and_then(|report| report.exit_status);
                sheet.ill(
                    key!(Drill, "restart.ill"),
                    context! { host, command, reason, status },
                );
            }
        }
    }
}

/// Whether the last rounds, which began after this moment, found all well.
fn is_back(rounds: &Rounds, after: Duration) -> bool {
    let rounds = rounds.lock().unwrap_or_else(PoisonError::into_inner);
    let latest = rounds.iter().rev().take_while(|round| round.at >= after);
    latest.take_while(|round| round.ill.is_none()).count() >= PROOF
}

/// What was seen from outside.
fn shown(sheet: &mut Sheet<'_>, host: &str, rounds: &Rounds, ended: Duration) {
    let pace = sheet.voice().took(PACE);
    let back = is_back(rounds, ended);
    let rounds = rounds.lock().unwrap_or_else(PoisonError::into_inner);
    let first = rounds.iter().find(|round| round.ill.is_some());
    let last = rounds
        .iter()
        .rev()
        .find_map(|round| Some((round, round.ill.as_ref()?)));
    let (Some(first), Some((last, (site, check)))) = (first, last) else {
        let n = rounds.len();
        sheet.well(key!(Drill, "outside.never"), context! { host, n, pace });
        return;
    };
    if back {
        let again = rounds.iter().find(|round| round.at > last.at);
        let until = again.map_or(last.at, |round| round.at);
        let span = sheet.voice().took(until.saturating_sub(first.at));
        sheet.well(key!(Drill, "outside.gap"), context! { host, span, pace });
    } else {
        let span = sheet.voice().span(last.at.saturating_sub(ended));
        let (said, _) = chain::told(sheet, check);
        let site = site.name.as_str();
        sheet.ill(
            key!(Drill, "outside.not_back"),
            context! { host, site, span, said },
        );
    }
}

/// Who asks the sites meanwhile.
struct Outside {
    prober: HttpProber,
    sites: Vec<Arc<Profile>>,
    rounds: Rounds,
    over: AtomicBool,
}

impl Outside {
    /// Round after round, until it is over.
    async fn look(self: Arc<Self>) {
        while !self.over.load(Ordering::Relaxed) {
            let at = since_boot();
            let ill = self.round().await;
            let round = Round { at, ill };
            self.rounds
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(round);
            tokio::time::sleep(PACE.saturating_sub(since_boot().saturating_sub(at))).await;
        }
    }

    /// The first site that is not well.
    async fn round(&self) -> Option<(Arc<Profile>, CheckResult)> {
        let seen = chain::asked(&self.prober, &self.sites).await;
        seen.into_iter().find_map(|(site, checks)| {
            let ill =
                |check: &CheckResult| url_severity(std::slice::from_ref(check)) > Severity::Warning;
            let found = checks.into_iter().find(ill)?;
            Some((site, found))
        })
    }
}
