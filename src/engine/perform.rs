//! Effects as tasks. Each has a deadline somewhat beyond the adapter's own limits, and an event that stands for its
//! failure. So an adapter that hangs or panics gives a failed event, never none.
//!
//! The events of failure: a probe's checks are `monitor` (not in time), canaries did not answer, an SSH port is
//! `unknown`, a look is stuck, a restart's end is unknown, a mail may have arrived, a heartbeat was not heard.
#![expect(
    clippy::disallowed_methods,
    reason = "how long a task waits for its turn is measured"
)]

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{Id, JoinSet};
use tokio::time::Instant;

use crate::model::{
    AttemptId, Cause, Channel, CheckOutcome, CheckResult, Delivery, Diagnosis, Effect, Email,
    Entry, EntryId, Event, Finding, Fleet, HostName, ProbeId, Profile, Reach, Reason, RecoverOrder,
    RecoveryOutcome, RecoveryReport, Settings, Wording, limits, plain_url,
};

use crate::ports::Pending;

use super::run::Ports;

/// How long a task may take beyond an adapter's own limits; an adapter that takes longer is broken.
const GRACE: Duration = Duration::from_secs(5);

/// What is under way.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    set: JoinSet<(Event, Option<Duration>)>,
    /// The event of each task if it does not end well.
    fallback: HashMap<Id, Fallback>,
    /// Restarts under way.
    pub(super) recovering: usize,
    /// Heartbeats under way.
    pub(super) beating: usize,
}

/// The event of a task that did not end well. That of a probe is made only when it is needed, which is rare.
#[derive(Debug, Clone)]
enum Fallback {
    Is(Event),
    Probe(ProbeId, Arc<Profile>),
}

impl Fallback {
    fn event(self) -> Event {
        match self {
            Self::Is(event) => event,
            Self::Probe(probe, profile) => Event::Probed {
                probe,
                profile: profile.name.clone(),
                checks: profile
                    .urls
                    .iter()
                    .map(|url| failed_check(url.host_str().unwrap_or("")))
                    .collect(),
            },
        }
    }
}

impl Tasks {
    pub(super) fn is_empty(&self) -> bool {
        self.set.is_empty()
    }

    /// Waits for the next event, for ever while no task is under way. For a probe also how late it began.
    pub(super) async fn next(&mut self) -> (Event, Option<Duration>) {
        let Some(ended) = self.set.join_next_with_id().await else {
            return std::future::pending().await;
        };
        let (event, late) = match ended {
            Ok((id, ended)) => {
                self.fallback.remove(&id);
                ended
            }
            Err(error) => {
                tracing::error!(%error, "an adapter failed; its order counts as failed");
                let event = self.fallback.remove(&error.id());
                (event.map_or(Event::Ticked, Fallback::event), None)
            }
        };
        if matches!(event, Event::Recovered { .. }) {
            self.recovering = self.recovering.saturating_sub(1);
        }
        if matches!(event, Event::Beaten { .. }) {
            self.beating = self.beating.saturating_sub(1);
        }
        (event, late)
    }

    /// Begins a probe that is already `late`; `known` are the addresses that last answered well.
    pub(super) fn probe(
        &mut self,
        ports: &Ports,
        probe: ProbeId,
        profile: Arc<Profile>,
        known: Vec<Option<IpAddr>>,
        late: Option<Duration>,
    ) {
        let checks = u32::try_from(profile.checks()).unwrap_or(u32::MAX);
        let deadline = profile.timeout.saturating_mul(checks) + GRACE;
        let name = profile.name.clone();
        let broken = Fallback::Probe(probe, Arc::clone(&profile));
        let running = ports.prober.probe(profile, known);
        self.spawn(deadline, broken, late, async move {
            Event::Probed {
                probe,
                profile: name,
                checks: running.await,
            }
        });
    }

    /// Begins to carry out an effect. Returns `false` if the configuration no longer has what it is about.
    pub(super) fn begin(
        &mut self,
        ports: &Ports,
        settings: &Settings,
        fleet: &Fleet,
        effect: Effect,
    ) -> bool {
        match effect {
            Effect::Probe { probe, profile } => {
                let Some(settings) = settings.profiles.get(&profile).cloned() else {
                    return false;
                };
                let track = fleet.profiles.get(&profile);
                let known = track.map(|track| track.known.clone());
                self.probe(ports, probe, settings, known.unwrap_or_default(), None);
            }
            Effect::ProbeAsBrowser { probe, profile } => {
                let Some(site) = settings.profiles.get(&profile) else {
                    return false;
                };
                let known = fleet.profiles.get(&profile);
                let known = known.map(|track| track.known.clone());
                let rounds = site.checks().div_ceil(limits::CHECKS_AT_ONCE);
                let rounds = u32::try_from(rounds).unwrap_or(u32::MAX);
                let asked = Arc::new(site.as_browser());
                let running = ports.prober.probe(asked, known.unwrap_or_default());
                let told = move |checks| Event::ProbedAsBrowser {
                    probe,
                    profile,
                    checks,
                };
                let failed = |url: &url::Url| failed_check(url.host_str().unwrap_or(""));
                let broken = told.clone()(site.urls.iter().map(failed).collect());
                // A restart waits for its result, so that must not come too late to count.
                let deadline = site.timeout.saturating_mul(rounds) + GRACE / 2;
                self.spawn(deadline, Fallback::Is(broken), None, async move {
                    told(running.await)
                });
            }
            Effect::ProbeCanary { probe } => {
                let running = ports.prober.canary(settings.network.clone());
                self.spawn(
                    limits::CANARY_TIMEOUT + GRACE,
                    Fallback::Is(canary(probe, false, Finding::CanariesNotInTime)),
                    None,
                    async move {
                        let (answered, detail) = running.await;
                        canary(probe, answered, detail)
                    },
                );
            }
            Effect::Reach { probe, host } => {
                let Some(settings) = settings.hosts.get(&host).cloned() else {
                    return false;
                };
                let running = ports.recoverer.reach(settings);
                self.spawn(
                    limits::CANARY_TIMEOUT + GRACE,
                    Fallback::Is(reached(probe, host.clone(), Reach::Unknown)),
                    None,
                    async move { reached(probe, host, running.await) },
                );
            }
            Effect::Diagnose { probe, host } => {
                let Some(to) = settings.hosts.get(&host).cloned() else {
                    return false;
                };
                let sites = settings.profiles_of(&host);
                let urls = sites.flat_map(|(_, profile)| profile.urls.iter().map(plain_url));
                let running = ports.recoverer.diagnose(to, urls.collect());
                let reason = Reason::LookEndless;
                let broken = diagnosed(probe, host.clone(), Diagnosis::Stuck { reason });
                let broken = Fallback::Is(broken);
                let deadline = limits::SSH_LOGIN + limits::LOOK + GRACE;
                self.spawn(deadline, broken, None, async move {
                    diagnosed(probe, host, running.await)
                });
            }
            // Restarts begin only in `recover`.
            Effect::Recover(_) => return false,
            Effect::Beat => {
                let Some(heartbeat) = settings.heartbeat.clone() else {
                    return false;
                };
                let running = ports.watcher.beat(heartbeat);
                let heard = Err("no answer in time".to_owned());
                let broken = Fallback::Is(Event::Beaten { heard });
                self.beating += 1;
                self.spawn(limits::HEART_TIMEOUT + GRACE, broken, None, async move {
                    Event::Beaten {
                        heard: running.await,
                    }
                });
            }
            Effect::Notify(entry) => return self.notify(ports, settings, fleet, entry),
        }
        true
    }

    fn notify(
        &mut self,
        ports: &Ports,
        settings: &Settings,
        fleet: &Fleet,
        entry: EntryId,
    ) -> bool {
        let Some(message) = fleet.outbox.get(&entry).cloned() else {
            return false;
        };
        let wording = Arc::clone(&settings.wording);
        let begun = match message.channel {
            Channel::Mail => settings.email.as_ref().map(|email| {
                let email = in_order(email, fleet);
                (
                    limits::MAIL_TOTAL,
                    with_course(ports, email, wording, message),
                )
            }),
            Channel::Command => settings.command.as_ref().map(|command| {
                let handed = ports.messenger.hand(Arc::clone(command), wording, message);
                (limits::COMMAND_TIMEOUT, handed)
            }),
            Channel::Webhook => settings.webhook(&message.to).map(|webhook| {
                let posted = ports.poster.post(Arc::clone(webhook), wording, message);
                (limits::WEBHOOK_TIMEOUT, posted)
            }),
        };
        let Some((deadline, running)) = begun else {
            return false;
        };
        let told = move |delivery| Event::Notified { entry, delivery };
        let broken = Fallback::Is(told(Delivery::Unclear {
            reason: "the message was not sent in time".to_owned(),
        }));
        self.spawn(deadline + GRACE, broken, None, async move {
            told(running.await)
        });
        true
    }

    /// Begins a restart whose client starts within `left` or not at all. Returns `false` if the host is no longer
    /// configured.
    pub(super) fn recover(
        &mut self,
        ports: &Ports,
        settings: &Settings,
        order: RecoverOrder,
        left: Duration,
    ) -> bool {
        let Some(host) = settings.hosts.get(&order.host).cloned() else {
            return false;
        };
        let (name, attempt) = (order.host.clone(), order.attempt);
        // One second before the core's own deadline, so that the core hears of it before it presumes the restart lost.
        let deadline = left + limits::SSH_LOGIN + host.restart.timeout - Duration::from_secs(1);
        let broken = Fallback::Is(recovered(name.clone(), attempt, unknown_end()));
        let running = ports.recoverer.recover(host, order, left);
        self.recovering += 1;
        self.spawn(deadline, broken, None, async move {
            recovered(name, attempt, running.await)
        });
        true
    }

    fn spawn(
        &mut self,
        deadline: Duration,
        broken: Fallback,
        late: Option<Duration>,
        running: impl Future<Output = Event> + Send + 'static,
    ) {
        let overdue = broken.clone();
        let ordered = Instant::now();
        let task = self.set.spawn(async move {
            let late = late.map(|late| late + ordered.elapsed());
            let event = tokio::time::timeout(deadline, running).await;
            (event.unwrap_or_else(|_| overdue.event()), late)
        });
        self.fallback.insert(task.id(), broken);
    }
}

/// Delivers a mail with the day that its picture is drawn from.
fn with_course(
    ports: &Ports,
    email: Arc<Email>,
    wording: Arc<Wording>,
    message: Entry,
) -> Pending<Delivery> {
    if !message.has_picture() {
        return ports.notifier.notify(email, wording, message, None);
    }
    let reading = ports.writer.course(message.id);
    let notifier = Arc::clone(&ports.notifier);
    Box::pin(async move {
        match reading.await {
            Ok(course) => notifier.notify(email, wording, message, course).await,
            // Without its picture it would be another mail than that of an earlier try.
            Err(error) => Delivery::deferred(error.to_string()),
        }
    })
}

fn canary(probe: ProbeId, answered: bool, detail: Finding) -> Event {
    Event::CanaryProbed {
        probe,
        answered,
        detail,
    }
}

fn reached(probe: ProbeId, host: HostName, reach: Reach) -> Event {
    Event::Reached { probe, host, reach }
}

fn diagnosed(probe: ProbeId, host: HostName, diagnosis: Diagnosis) -> Event {
    Event::Diagnosed {
        probe,
        host,
        diagnosis,
    }
}

fn recovered(host: HostName, attempt: AttemptId, report: RecoveryReport) -> Event {
    Event::Recovered {
        host,
        attempt,
        report,
    }
}

/// Mail with its relays in the order in which they are to be asked now.
fn in_order(email: &Arc<Email>, fleet: &Fleet) -> Arc<Email> {
    let other = email.by(fleet.core.detour.as_ref(), fleet.now());
    other.map_or_else(|| Arc::clone(email), Arc::new)
}

fn failed_check(host: &str) -> CheckResult {
    let outcome = CheckOutcome::found(Cause::Monitor, Finding::NotInTime);
    CheckResult::new(host, outcome)
}

fn unknown_end() -> RecoveryReport {
    RecoveryReport {
        outcome: RecoveryOutcome::Unknown,
        exit_status: None,
        duration: Duration::ZERO,
        reason: Some(Reason::ClientHangs),
        output: String::new(),
        config_broken: false,
    }
}
