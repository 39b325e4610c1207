//! Effects as tasks. Each has a deadline of its own beyond the adapter's, and an event to fall back on, so that an adapter
//! that hangs or panics becomes a failed event and never a missing one.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{Id, JoinSet};

use crate::model::{
    AttemptId, Cause, CheckResult, Delivery, Effect, Event, Finding, Fleet, HostName, ProbeId,
    RecoverOrder, RecoveryOutcome, RecoveryReport, Settings, limits,
};

use super::drive::Ports;

/// Beyond an adapter's own limits: an adapter that needs this long is broken.
const GRACE: Duration = Duration::from_secs(5);

/// What is under way.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    set: JoinSet<Event>,
    /// What a task that did not end well stands for.
    fallback: HashMap<Id, Event>,
    /// Restarts under way.
    pub(super) recovering: usize,
}

impl Tasks {
    pub(super) fn is_empty(&self) -> bool {
        self.set.is_empty()
    }

    /// The next event, or pending for ever while nothing is under way.
    pub(super) async fn next(&mut self) -> Event {
        let Some(ended) = self.set.join_next_with_id().await else {
            return std::future::pending().await;
        };
        let event = match ended {
            Ok((id, event)) => {
                self.fallback.remove(&id);
                event
            }
            Err(error) => {
                tracing::error!(%error, "an adapter failed; its order counts as failed");
                self.fallback.remove(&error.id()).unwrap_or(Event::Ticked)
            }
        };
        if matches!(event, Event::Recovered { .. }) {
            self.recovering = self.recovering.saturating_sub(1);
        }
        event
    }

    /// Begins to carry out an effect.
    pub(super) fn begin(
        &mut self,
        ports: &Ports,
        settings: &Settings,
        fleet: &Fleet,
        effect: Effect,
    ) {
        match effect {
            Effect::Probe { probe, profile } => {
                let Some(settings) = settings.profiles.get(&profile).cloned() else {
                    return;
                };
                let urls = settings.urls.len().max(1);
                let deadline = settings
                    .timeout
                    .saturating_mul(u32::try_from(urls).unwrap_or(u32::MAX))
                    + GRACE;
                let event = |checks| Event::Probed {
                    probe,
                    profile: profile.clone(),
                    checks,
                };
                let broken = event(
                    settings
                        .urls
                        .iter()
                        .map(|url| failed_check(url.host_str().unwrap_or("")))
                        .collect(),
                );
                let (running, name) = (ports.prober.probe(settings), profile.clone());
                self.spawn(deadline, broken, async move {
                    Event::Probed {
                        probe,
                        profile: name,
                        checks: running.await,
                    }
                });
            }
            Effect::ProbeCanary { probe } => {
                let running = ports.prober.canary(settings.network.clone());
                self.spawn(
                    limits::CANARY_TIMEOUT + GRACE,
                    canary(probe, false, "the canaries did not end in time".to_owned()),
                    async move {
                        let (answered, detail) = running.await;
                        canary(probe, answered, detail)
                    },
                );
            }
            Effect::Recover(order) => self.recover(ports, settings, order),
            Effect::Notify(entry) => {
                let (Some(email), Some(message)) =
                    (settings.email.clone(), fleet.outbox.get(&entry).cloned())
                else {
                    return;
                };
                let broken = Delivery::Unclear {
                    reason: "the message was not sent in time".to_owned(),
                };
                let running = ports.notifier.notify(Arc::clone(&email), message);
                self.spawn(
                    limits::MAIL_TOTAL + GRACE,
                    Event::Notified {
                        entry,
                        delivery: broken,
                    },
                    async move {
                        Event::Notified {
                            entry,
                            delivery: running.await,
                        }
                    },
                );
            }
        }
    }

    fn recover(&mut self, ports: &Ports, settings: &Settings, order: RecoverOrder) {
        let Some(host) = settings.hosts.get(&order.host).cloned() else {
            return;
        };
        let (name, attempt) = (order.host.clone(), order.attempt);
        // One second before the core's own deadline, so that what is known arrives before it is presumed lost.
        let deadline =
            (host.restart.timeout + limits::SSH_OVERHEAD).saturating_sub(Duration::from_secs(1));
        let broken = recovered(name.clone(), attempt, unknown_end());
        let running = ports.recoverer.recover(host, order);
        self.recovering += 1;
        self.spawn(deadline, broken, async move {
            recovered(name, attempt, running.await)
        });
    }

    fn spawn(
        &mut self,
        deadline: Duration,
        broken: Event,
        running: impl Future<Output = Event> + Send + 'static,
    ) {
        let late = broken.clone();
        let task = self.set.spawn(async move {
            tokio::time::timeout(deadline, running)
                .await
                .unwrap_or(late)
        });
        self.fallback.insert(task.id(), broken);
    }
}

fn canary(probe: ProbeId, answered: bool, detail: String) -> Event {
    Event::CanaryProbed {
        probe,
        answered,
        detail,
    }
}

fn recovered(host: HostName, attempt: AttemptId, report: RecoveryReport) -> Event {
    Event::Recovered {
        host,
        attempt,
        report,
    }
}

fn failed_check(host: &str) -> CheckResult {
    let detail = "the check did not end in time on this machine".to_owned();
    CheckResult::new(
        host,
        Finding::Found {
            cause: Cause::Monitor,
            certificate_fault: None,
            detail,
            phase: None,
        },
    )
}

fn unknown_end() -> RecoveryReport {
    RecoveryReport {
        outcome: RecoveryOutcome::Unknown,
        exit_status: None,
        duration: Duration::ZERO,
        reason: Some("the ssh client did not end in time".to_owned()),
        output: String::new(),
    }
}
