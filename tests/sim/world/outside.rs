//! What happens outside the prober: probes that look, restarts that run whether or not anybody waits for them, mail.

use std::net::SocketAddr;
use std::time::Duration;

use probe::model::{
    Ailment, Cause, CheckOutcome, CheckResult, Delivery, Effect, EntryId, Event, Finding, Hop,
    HostName, ProfileName, Reach, Reason, RecoverOrder, RecoveryOutcome, RecoveryReport, Timings,
    limits,
};

use super::World;
use super::things::{Due, Fact, Heals, Mail, Ssh};

/// What a site in maintenance asks for, as WordPress does.
pub const MAINTENANCE: Duration = Duration::from_secs(600);

impl World {
    pub(super) fn shown(&self, profile: &ProfileName) -> Option<Cause> {
        if !self.network {
            // Who cannot even resolve the name does not come as far as to connect.
            let ours = self.sites.get(profile) == Some(&Some(Cause::Monitor));
            return Some(if ours {
                Cause::Monitor
            } else {
                Cause::ConnectTimeout
            });
        }
        let machine = self
            .settings
            .profiles
            .get(profile)
            .and_then(|p| p.host.as_ref())
            .and_then(|host| self.machines.get(host));
        match machine {
            Some(machine) if machine.busy => Some(Cause::Refused),
            Some(machine) if machine.cause.is_some() => machine.cause,
            _ => self.sites.get(profile).copied().flatten(),
        }
    }

    /// Where a profile is served.
    fn address(&self, profile: &ProfileName) -> SocketAddr {
        let on = self.settings.profiles.get(profile);
        let on = on.and_then(|site| site.host.as_ref());
        let place = on.and_then(|on| self.machines.keys().position(|name| name == on));
        let last = place.map_or(200, |place| 10 + u8::try_from(place).unwrap());
        SocketAddr::from(([192, 0, 2, last], 443))
    }

    /// What one URL of a profile shows.
    fn check(&self, profile: &ProfileName, url: &str) -> CheckResult {
        let shown = self.shown(profile);
        let cause = shown.or_else(|| self.urls.get(url).copied());
        let outcome = cause.map_or(CheckOutcome::Ok, |cause| {
            CheckOutcome::found(cause, Finding::bare(cause))
        });
        let mut check = CheckResult::new(url, outcome);
        let here = self.address(profile);
        check.address = Some(here);
        check.http_status = match cause {
            None | Some(Cause::Slow) => Some(200),
            Some(Cause::ServerError) => Some(500),
            Some(_) => None,
        };
        check.certificate = self.certificates.get(profile).cloned().map(Into::into);
        check.retry_after = (cause == Some(Cause::Maintenance)).then_some(MAINTENANCE);
        if let Some(to) = self.redirects.get(profile).filter(|_| self.serves(profile)) {
            check.hops.push(Hop {
                url: url.to_owned(),
                address: Some(here),
                http_status: Some(301),
                http_version: None,
                timings: Timings::default(),
            });
            check.redirects = 1;
            check.final_url = Some(to.clone());
            check.address = Some(SocketAddr::from(([198, 51, 100, 7], 443)));
        }
        check
    }

    /// The web server of a profile's machine answers.
    fn serves(&self, profile: &ProfileName) -> bool {
        let host = self
            .settings
            .profiles
            .get(profile)
            .and_then(|site| site.host.as_ref());
        let machine = host.and_then(|host| self.machines.get(host));
        self.network && machine.is_none_or(|machine| machine.cause.is_none() && !machine.busy)
    }

    pub(super) fn dispatch(&mut self, effect: Effect) {
        let generation = self.generation;
        match effect {
            Effect::Probe { probe, profile } => {
                let cause = self.shown(&profile);
                let Some(settings) = self.settings.profiles.get(&profile) else {
                    return;
                };
                let takes = match cause {
                    Some(Cause::ConnectTimeout) => settings.connect_timeout.as_millis() as i64,
                    Some(Cause::ResponseTimeout | Cause::TlsTimeout) => {
                        // Four URLs at a time.
                        (settings.timeout * settings.urls.len().div_ceil(4) as u32).as_millis()
                            as i64
                    }
                    _ => 30,
                };
                let urls = settings.urls.clone();
                let checks: Vec<CheckResult> = urls
                    .iter()
                    .map(|url| self.check(&profile, url.as_str()))
                    .collect();
                let cause = checks.iter().filter_map(CheckResult::cause).min();
                let own = checks
                    .iter()
                    .any(|check| check.final_url.is_none() && check.cause() == cause);
                let shut = own && self.browsers.contains(&profile) && self.serves(&profile);
                let own = own && !shut;
                let well = |check: &CheckResult| {
                    check.is_ok() && check.cause() != Some(Cause::Maintenance)
                };
                let well = checks.iter().any(well);
                let began = self.t;
                self.fact(Fact::Probing(profile.clone()));
                let event = Event::Probed {
                    probe,
                    profile: profile.clone(),
                    checks,
                };
                self.push(
                    self.t + takes,
                    Due::Result(
                        generation,
                        event,
                        Box::new(Fact::Result {
                            profile,
                            began,
                            cause,
                            own,
                            shut,
                            well,
                        }),
                    ),
                );
            }
            Effect::ProbeAsBrowser { probe, profile } => {
                let Some(settings) = self.settings.profiles.get(&profile) else {
                    return;
                };
                let answered = self.browsers.contains(&profile) && self.serves(&profile);
                let urls: Vec<String> = settings.urls.iter().map(ToString::to_string).collect();
                let checks = urls.iter().map(|url| {
                    let mut check = self.check(&profile, url);
                    if answered {
                        (check.outcome, check.http_status) = (CheckOutcome::Ok, Some(200));
                    }
                    check
                });
                let checks: Vec<CheckResult> = checks.collect();
                let slow = checks.iter().any(|check| {
                    matches!(
                        check.cause(),
                        Some(Cause::ResponseTimeout | Cause::TlsTimeout)
                    )
                });
                let takes = if slow {
                    settings.timeout.as_millis() as i64
                } else {
                    30
                };
                let browsed = Fact::Browsed {
                    profile: profile.clone(),
                    began: self.t,
                    answered: checks.iter().all(CheckResult::is_ok),
                };
                let event = Event::ProbedAsBrowser {
                    probe,
                    profile,
                    checks,
                };
                let due = Due::Result(generation, event, Box::new(browsed));
                self.push(self.t + takes, due);
            }
            Effect::ProbeCanary { probe } => {
                let (answered, began) = (self.network, self.t);
                let event = Event::CanaryProbed {
                    probe,
                    answered,
                    detail: Finding::Connected,
                };
                let takes = if answered { 10 } else { 5000 };
                self.push(
                    self.t + takes,
                    Due::Result(
                        generation,
                        event,
                        Box::new(Fact::Canary { began, answered }),
                    ),
                );
            }
            Effect::Reach { probe, host } => {
                let machine = self.machines.get(&host);
                let silent = !self.network || machine.is_some_and(|m| m.ssh == Ssh::Silent);
                let (reach, takes) = match machine.map(|machine| machine.ssh) {
                    _ if silent => (Reach::Silent, 3000),
                    Some(Ssh::Closed) => (Reach::Refused, 10),
                    None => (Reach::Unknown, 10),
                    Some(_) => (Reach::Answered, 10),
                };
                let began = self.t;
                let event = Event::Reached {
                    probe,
                    host: host.clone(),
                    reach,
                };
                let fact = Fact::Reached { host, began, reach };
                self.push(
                    self.t + takes,
                    Due::Result(generation, event, Box::new(fact)),
                );
            }
            Effect::Diagnose { probe, host } => self.looks(probe, host),
            Effect::Recover(order) => {
                let durable = self
                    .disk
                    .hosts
                    .get(&order.host)
                    .and_then(|row| row.last.as_ref())
                    .is_some_and(|last| last.id == order.attempt);
                let (decided, wall) = self.decided(order.attempt);
                let host = self
                    .fleet
                    .as_ref()
                    .and_then(|fleet| fleet.hosts.get(&order.host));
                let attempts = host.map_or(0, |track| track.attempts);
                self.fact(Fact::Ordered {
                    attempts,
                    order: order.clone(),
                    durable,
                    decided,
                    wall,
                });
                self.push(self.t + 200, Due::Begins(generation, order));
            }
            Effect::Beat => {}
            Effect::Notify(entry) => self.push(self.t + 100, Due::Delivers(generation, entry)),
        }
    }

    /// A result arrives: it counts as known once the decision that used it is durable, or the process lives on.
    pub(super) fn result(&mut self, generation: u64, event: Event, fact: Fact) {
        if generation != self.generation {
            return;
        }
        if let Fact::Result { profile, cause, .. } = &fact {
            self.fact(Fact::Arrived {
                profile: profile.clone(),
                cause: *cause,
            });
        }
        if let Fact::Canary {
            answered: false, ..
        } = fact
        {
            self.fact(Fact::Alone);
        }
        self.unsure.push((self.t, fact));
        self.decide(event);
    }

    pub(super) fn begins(&mut self, generation: u64, order: RecoverOrder) {
        if generation != self.generation {
            return; // the client died before it had logged in
        }
        let report = |outcome, reason: Option<Reason>| Event::Recovered {
            host: order.host.clone(),
            attempt: order.attempt,
            report: RecoveryReport {
                outcome,
                exit_status: (outcome == RecoveryOutcome::Succeeded).then_some(0),
                duration: Duration::from_millis(2300),
                reason,
                output: String::new(),
                config_broken: false,
            },
        };
        // What began to log in before we slept is killed when its time is over by the clock that went on.
        let late = self.t - self.decided(order.attempt).0 > limits::SSH_OVERHEAD.as_millis() as i64;
        let Some(machine) = self.machines.get_mut(&order.host) else {
            return;
        };
        let (ssh, takes) = (machine.ssh, machine.takes);
        let wall = self.t + self.wall_offset;
        let holds = |target: &str| {
            let pause = self.pauses.get(target);
            pause.is_some_and(|pause| pause.until.is_none_or(|until| until.0 > wall))
        };
        let answer = match ssh {
            _ if late => Some(report(RecoveryOutcome::NotExecuted, Some(Reason::TooOld))),
            // The last look before the client is started.
            _ if holds("all") || holds(order.host.as_str()) => {
                Some(report(RecoveryOutcome::NotExecuted, Some(Reason::Paused)))
            }
            Ssh::Closed => Some(report(
                RecoveryOutcome::NotExecuted,
                Some("ssh: connection refused".into()),
            )),
            Ssh::Silent => Some(report(
                RecoveryOutcome::NotExecuted,
                Some("ssh: connection timed out".into()),
            )),
            Ssh::KeyChanged => Some(report(
                RecoveryOutcome::Refused,
                Some("host key has changed".into()),
            )),
            Ssh::Ok | Ssh::Lost => None,
        };
        if let Some(event) = answer {
            self.push(self.t + 100, Due::Event(generation, event));
            return;
        }
        machine.busy = true;
        self.fact(Fact::RestartBegan {
            host: order.host.clone(),
        });
        self.push(self.t + takes, Due::Finishes(order.host.clone()));
        let limit = self
            .settings
            .hosts
            .get(&order.host)
            .map_or(120_000, |h| h.restart.timeout.as_millis() as i64);
        let event = match ssh {
            Ssh::Lost => report(RecoveryOutcome::Unknown, Some("connection lost".into())),
            _ if takes > limit => report(
                RecoveryOutcome::TimedOut,
                Some("the command did not end in time".into()),
            ),
            _ => report(RecoveryOutcome::Succeeded, None),
        };
        let after = if ssh == Ssh::Lost {
            takes / 2
        } else {
            takes.min(limit)
        };
        self.push(self.t + after, Due::Event(generation, event));
    }

    pub(super) fn finishes(&mut self, host: &HostName) {
        let t = self.t;
        let Some(machine) = self.machines.get_mut(host) else {
            return;
        };
        machine.busy = false;
        let relapse = match machine.heals {
            Heals::Yes => None,
            Heals::No => {
                self.fact(Fact::RestartEnded { host: host.clone() });
                return;
            }
            Heals::Worse => {
                machine.cause = machine.cause.map(|cause| match cause {
                    Cause::Refused => Cause::ConnectTimeout,
                    Cause::ServerError => Cause::Refused,
                    _ => Cause::ServerError,
                });
                if self.rng.bool() {
                    machine.short = Some(Ailment::DiskFull);
                }
                self.fact(Fact::RestartEnded { host: host.clone() });
                return;
            }
            Heals::For(span) => machine.cause.map(|cause| (span, cause)),
        };
        machine.cause = None;
        machine.ill_since = None;
        self.fact(Fact::RestartEnded { host: host.clone() });
        if let Some((span, cause)) = relapse {
            let name = host.as_str().to_owned();
            self.push(
                t + span,
                Due::Script(Box::new(move |world| world.ill(&name, Some(cause)))),
            );
        }
    }

    pub(super) fn delivers(&mut self, generation: u64, id: EntryId) {
        let Some(entry) = self
            .fleet
            .as_ref()
            .filter(|_| generation == self.generation)
            .and_then(|fleet| fleet.outbox.get(&id).cloned())
        else {
            return;
        };
        let delivery = match self.mail {
            Mail::Up => Delivery::Sent {
                relay: "mail.example.com:465".into(),
            },
            Mail::Down => Delivery::deferred("connection refused"),
            Mail::Refuses => Delivery::Rejected {
                reason: "550 5.1.1 no such user".into(),
            },
            Mail::Unclear => Delivery::Unclear {
                reason: "connection lost after the final dot".into(),
            },
        };
        self.fact(Fact::Mailed {
            entry: Box::new(entry),
            taken: matches!(self.mail, Mail::Up | Mail::Unclear),
        });
        if self.survives() {
            self.decide(Event::Notified {
                entry: id,
                delivery,
            });
        }
    }
}
